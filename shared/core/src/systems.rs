//! The remote systems that a deployment administers: the configuration in `EXTOAUTH_SYSTEMS`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

/// The kinds of system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SystemKind {
    /// An Okta org.
    Okta,
    /// An Entra tenant.
    Entra,
    /// A dbt account.
    Dbt,
    /// A Redshift IdC application.
    Redshift,
    /// The Identity Center instance of a Redshift application.
    IdentityCenter,
    /// A ServiceNow instance.
    Servicenow,
    /// Our own secrets.
    SecretsManager,
}

impl fmt::Display for SystemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Okta => "okta",
            Self::Entra => "entra",
            Self::Dbt => "dbt",
            Self::Redshift => "redshift",
            Self::IdentityCenter => "identity_center",
            Self::Servicenow => "servicenow",
            Self::SecretsManager => "secrets_manager",
        })
    }
}

/// One system: kind and name in the configuration. Displayed as `okta/acme`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SystemId {
    /// Kind.
    pub kind: SystemKind,
    /// Name in the configuration.
    pub name: String,
}

impl SystemId {
    /// A system by kind and name.
    pub fn new(kind: SystemKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

impl fmt::Display for SystemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// The kinds of identity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Idp {
    /// Okta, by a custom authorization server.
    Okta,
    /// Microsoft Entra ID.
    Entra,
}

impl fmt::Display for Idp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Okta => "okta",
            Self::Entra => "entra",
        })
    }
}

/// What we may do in a system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// We write.
    #[default]
    Manage,
    /// A person writes; we read, verify and wait.
    Handoff,
    /// We read and report; a change needed there ends the request before any write.
    Observe,
}

/// `EXTOAUTH_SYSTEMS`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SystemsConfig {
    /// Okta orgs by name.
    pub okta: BTreeMap<String, OktaSettings>,
    /// Entra tenants by name.
    pub entra: BTreeMap<String, EntraSettings>,
    /// dbt accounts by name.
    pub dbt: BTreeMap<String, DbtSettings>,
    /// Redshift applications by name.
    pub redshift: BTreeMap<String, RedshiftSettings>,
    /// ServiceNow instances by host name.
    pub servicenow: BTreeMap<String, ServicenowSettings>,
}

/// An Okta org.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OktaSettings {
    /// Base URL of the org (not the `-admin` host).
    pub url: Url,
    /// `ORG_URL` or `CUSTOM_URL`; `None`: `ORG_URL` unless `url` is a custom domain. Never `DYNAMIC`: the issuer would
    /// depend on the host that the browser used.
    #[serde(default)]
    pub issuer_mode: Option<String>,
    /// What we may do there.
    #[serde(default)]
    pub mode: Mode,
    /// ARN of the secret with our credential.
    pub credential: String,
    /// ARN of the secret with a read-only credential, used by checks.
    #[serde(default)]
    pub credential_read: Option<String>,
    /// ARN of the secret with the event hook's header value.
    #[serde(default)]
    pub hook_secret: Option<String>,
}

impl OktaSettings {
    /// The issuer mode to pin.
    pub fn pinned_issuer_mode(&self) -> &str {
        const VENDOR_DOMAINS: [&str; 3] = [".okta.com", ".oktapreview.com", ".okta-emea.com"];
        match &self.issuer_mode {
            Some(mode) => mode,
            None if self.url.host_str().is_some_and(|h| VENDOR_DOMAINS.iter().any(|d| h.ends_with(d))) => "ORG_URL",
            None => "CUSTOM_URL",
        }
    }
}

/// An Entra tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntraSettings {
    /// Tenant id.
    pub tenant_id: String,
    /// Base URL of the sign-in service.
    pub authority: Url,
    /// Base URL of Microsoft Graph.
    pub graph: Url,
    /// What we may do there.
    #[serde(default)]
    pub mode: Mode,
    /// ARN of the secret with our credential.
    pub credential: String,
    /// ARN of the secret with a read-only credential, used by checks.
    #[serde(default)]
    pub credential_read: Option<String>,
    /// ARN of the secret with the notifications' client state.
    #[serde(default)]
    pub notification_secret: Option<String>,
}

/// A dbt account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DbtSettings {
    /// The account's access URL.
    pub url: Url,
    /// Account id.
    pub account_id: u64,
    /// The redirect URI that dbt's form shows, by identity provider. The API takes it as an input and no source states
    /// its path (UNCONFIRMED), so it is configured.
    pub redirect_uri: BTreeMap<Idp, Url>,
    /// What we may do there.
    #[serde(default)]
    pub mode: Mode,
    /// ARN of the secret with our service token.
    pub credential: String,
    /// ARN of the secret with a read-only token, used by checks.
    #[serde(default)]
    pub credential_read: Option<String>,
}

/// A Redshift IdC application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedshiftSettings {
    /// Region of the application.
    pub region: String,
    /// Its ARN.
    pub application_arn: String,
    /// Role to assume for Redshift calls, where it is in another account.
    #[serde(default)]
    pub role_arn: Option<String>,
    /// Patterns of the warehouse hosts that a ticket may name (`*` within a name).
    pub hosts: Vec<String>,
    /// The host of a ticket that names none.
    pub default_host: String,
    /// Audience of the tokens; `None`: `https://` + `default_host`, fixed after first use.
    #[serde(default)]
    pub audience: Option<String>,
    /// What we may do there.
    #[serde(default)]
    pub mode: Mode,
    /// The Identity Center instance behind it.
    pub identity_center: IdentityCenterSettings,
}

impl RedshiftSettings {
    /// The audience that tokens for this warehouse carry.
    pub fn token_audience(&self) -> String {
        self.audience.clone().unwrap_or_else(|| format!("https://{}", self.default_host))
    }
}

/// An Identity Center instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityCenterSettings {
    /// Its primary region: the only one where it can be configured.
    pub region: String,
    /// ARN of the instance.
    pub instance_arn: String,
    /// Role to assume, where it is in another account.
    #[serde(default)]
    pub role_arn: Option<String>,
    /// What we may do there.
    #[serde(default)]
    pub mode: Mode,
}

/// A ServiceNow instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServicenowSettings {
    /// Base URL.
    pub url: Url,
    /// The catalogue items (sys_ids) whose tickets we accept.
    pub cat_items: Vec<String>,
    /// ARN of the secret with our credential.
    pub credential: String,
}
