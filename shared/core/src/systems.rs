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

impl SystemId {
    /// Reads `okta/acme`, the form in which it is displayed.
    pub fn parse(text: &str) -> Option<Self> {
        use SystemKind::{Dbt, Entra, IdentityCenter, Okta, Redshift, SecretsManager, Servicenow};
        let (kind, name) = text.trim().split_once('/')?;
        let all = [Okta, Entra, Dbt, Redshift, IdentityCenter, Servicenow, SecretsManager];
        let kind = all.into_iter().find(|known| known.to_string() == kind)?;
        (!name.is_empty()).then(|| Self::new(kind, name))
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
    /// How the warehouse itself is asked whether it is registered with Identity Center, which only SQL tells; `None`: it
    /// is not asked, and the check `warehouse_registered` is unknown.
    #[serde(default)]
    pub data_api: Option<DataApiSettings>,
    /// The Identity Center instance behind it.
    pub identity_center: IdentityCenterSettings,
}

impl RedshiftSettings {
    /// The audience that tokens for this warehouse carry.
    pub fn token_audience(&self) -> String {
        self.audience.clone().unwrap_or_else(|| format!("https://{}", self.default_host))
    }
}

/// How Redshift's Data API reaches a warehouse, with role and region of its application: names and combinations are those
/// of `ExecuteStatement` (Redshift Data API reference). The database user must be a superuser, since nobody else sees the
/// registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataApiSettings {
    /// Name or ARN of a serverless workgroup; this or `cluster_identifier`.
    #[serde(default)]
    pub workgroup_name: Option<String>,
    /// Identifier of a provisioned cluster.
    #[serde(default)]
    pub cluster_identifier: Option<String>,
    /// The database.
    pub database: String,
    /// ARN of the secret with user and password of the database.
    #[serde(default)]
    pub secret_arn: Option<String>,
    /// User of a cluster's database, with temporary credentials.
    #[serde(default)]
    pub db_user: Option<String>,
}

impl DataApiSettings {
    /// The fields at fault, and what is wrong with each.
    pub fn problems(&self) -> Vec<(&'static str, &'static str)> {
        let texts = [
            ("workgroup_name", self.workgroup_name.as_deref()),
            ("cluster_identifier", self.cluster_identifier.as_deref()),
            ("database", Some(self.database.as_str())),
            ("secret_arn", self.secret_arn.as_deref()),
            ("db_user", self.db_user.as_deref()),
        ];
        let empty = texts.into_iter().filter(|(_, text)| text.is_some_and(|text| text.trim().is_empty()));
        let mut problems: Vec<_> = empty.map(|(field, _)| (field, "must not be empty")).collect();
        match (&self.workgroup_name, &self.cluster_identifier) {
            (Some(_), Some(_)) => {
                let problem = "must not be given together: a warehouse is a workgroup or a cluster";
                problems.extend([("workgroup_name", problem), ("cluster_identifier", problem)]);
            }
            (None, None) => {
                let problem = "one of workgroup_name and cluster_identifier must be given";
                problems.extend([("workgroup_name", problem), ("cluster_identifier", problem)]);
            }
            _ => {}
        }
        if self.secret_arn.is_some() && self.db_user.is_some() {
            let problem = "must not be given together: the secret names the user";
            problems.extend([("secret_arn", problem), ("db_user", problem)]);
        }
        if self.db_user.is_some() && self.cluster_identifier.is_none() {
            problems.push(("db_user", "only a cluster takes it; a workgroup's user is that of the secret or the role"));
        }
        if self.cluster_identifier.is_some() && self.secret_arn.is_none() && self.db_user.is_none() {
            let problem = "a cluster needs secret_arn or db_user";
            problems.extend([("secret_arn", problem), ("db_user", problem)]);
        }
        problems
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
