//! Names of what we create in remote systems, by templates that people can change.

use std::collections::BTreeSet;
use std::fmt;

use crate::ids::{IntegrationName, TrustKey};

/// What is named. The text form is the key of the policy's `names`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameKind {
    /// Okta authorization server (one a trust).
    OktaServer,
    /// Okta app integration.
    OktaApp,
    /// Access policy of the authorization server.
    OktaPolicy,
    /// Rule of the access policy.
    OktaRule,
    /// Resource-server app of an Entra tenant (one a trust).
    EntraResourceApp,
    /// Client app of an Entra tenant.
    EntraClientApp,
    /// Trusted token issuer of Identity Center (one a trust).
    IdentityCenterIssuer,
    /// OAuth configuration of dbt.
    DbtOauthConfiguration,
    /// Connection of dbt.
    DbtConnection,
}

/// How a kind is named.
struct Rules {
    key: &'static str,
    /// What people see where: an object in an org that serves many tools must say what it is for, one in dbt must say
    /// which org it comes from.
    template: &'static str,
    /// Longest name that the vendor takes.
    longest: usize,
    /// Whether integrations share it: its name cannot hold one of them then, and must otherwise.
    shared: bool,
}

impl NameKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::OktaServer,
        Self::OktaApp,
        Self::OktaPolicy,
        Self::OktaRule,
        Self::EntraResourceApp,
        Self::EntraClientApp,
        Self::IdentityCenterIssuer,
        Self::DbtOauthConfiguration,
        Self::DbtConnection,
    ];

    /// Longest names: 100 in Okta (app label, policy name; API reference), 255 for a rule and for a trusted token issuer
    /// (IAM Identity Center API reference), 256 for the display name of an Entra app (Graph: `application`; cut earlier,
    /// as consoles do). dbt states none; 100 is well within what its form takes.
    fn rules(self) -> Rules {
        let (key, template, longest, shared) = match self {
            Self::OktaServer => ("okta.server", "dbt to Redshift {warehouse_system} ({deployment})", 100, true),
            Self::OktaApp => {
                ("okta.app", "dbt to Redshift {warehouse_system} ({deployment}/{integration})", 100, false)
            }
            Self::OktaPolicy => ("okta.policy", "dbt ({deployment}/{integration})", 100, false),
            Self::OktaRule => ("okta.rule", "dbt ({deployment}/{integration})", 255, false),
            Self::EntraResourceApp => {
                ("entra.resource_app", "Amazon Redshift {warehouse_system} for dbt ({deployment})", 120, true)
            }
            Self::EntraClientApp => {
                ("entra.client_app", "dbt to Redshift {warehouse_system} ({deployment}/{integration})", 120, false)
            }
            Self::IdentityCenterIssuer => ("identity_center.issuer", "extoauth-{deployment}-{trust}", 255, true),
            Self::DbtOauthConfiguration => (
                "dbt.oauth_configuration",
                "Redshift {warehouse_system} via {idp_system} ({deployment}/{integration})",
                100,
                false,
            ),
            Self::DbtConnection => (
                "dbt.connection",
                "Redshift {warehouse_system} via {idp_system} ({deployment}/{integration})",
                100,
                false,
            ),
        };
        Rules { key, template, longest, shared }
    }

    /// The key in the policy's `names`.
    pub fn key(self) -> &'static str {
        self.rules().key
    }

    /// The kind of a key.
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.key() == key)
    }

    /// Longest name in characters.
    pub fn longest(self) -> usize {
        self.rules().longest
    }

    /// The template where policy has none.
    pub(super) fn default_template(self) -> NameTemplate {
        NameTemplate { kind: self, text: self.default_text().to_owned() }
    }

    /// The text of that template.
    pub(super) fn default_text(self) -> &'static str {
        self.rules().template
    }

    /// Whether the vendor takes this character in such a name. A trusted token issuer's: `[\w+=,.@-]` (IAM Identity
    /// Center API reference, `CreateTrustedTokenIssuer`).
    fn takes(self, c: char) -> bool {
        match self {
            Self::IdentityCenterIssuer => c.is_ascii_alphanumeric() || "_+=,.@-".contains(c),
            _ => !c.is_control(),
        }
    }
}

impl fmt::Display for NameKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// What the placeholders stand for.
#[derive(Clone, Copy, Debug)]
pub struct NameContext<'a> {
    /// `{deployment}`.
    pub deployment: &'a str,
    /// `{integration}`; `None` for what integrations share.
    pub integration: Option<&'a IntegrationName>,
    /// `{trust}`, with hyphens for its colons.
    pub trust: &'a TrustKey,
    /// `{idp_system}`: the org or tenant.
    pub idp_system: &'a str,
    /// `{warehouse_system}`.
    pub warehouse_system: &'a str,
}

/// A template that has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameTemplate {
    kind: NameKind,
    text: String,
}

const PLACEHOLDERS: [&str; 5] = ["deployment", "integration", "trust", "idp_system", "warehouse_system"];

impl NameTemplate {
    /// Checks a template of the policy.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(kind: NameKind, text: &str) -> Result<Self, String> {
        let used = placeholders(text)?;
        if let Some(unknown) = used.iter().find(|p| !PLACEHOLDERS.contains(&p.as_str())) {
            return Err(format!("`{{{unknown}}}` is none of the placeholders {}", PLACEHOLDERS.join(", ")));
        }
        match (kind.rules().shared, used.contains("integration")) {
            (true, true) => return Err("integrations share it, so its name cannot hold `{integration}`".into()),
            (false, false) => return Err("must hold `{integration}`, or two integrations get the same name".into()),
            _ => {}
        }
        let fixed = |c: char| c == '{' || c == '}' || kind.takes(c);
        if let Some(c) = text.chars().find(|c| !fixed(*c)) {
            return Err(format!("the vendor does not take {c:?} in this name"));
        }
        Ok(Self { kind, text: text.to_owned() })
    }

    /// The name. Characters that the vendor does not take become hyphens; what is too long is cut at the end.
    pub fn render(&self, context: &NameContext<'_>) -> String {
        let name = self
            .text
            .replace("{deployment}", context.deployment)
            .replace("{integration}", context.integration.map_or("", IntegrationName::as_str))
            .replace("{trust}", &context.trust.as_str().replace(':', "-"))
            .replace("{idp_system}", context.idp_system)
            .replace("{warehouse_system}", context.warehouse_system);
        name.chars().map(|c| if self.kind.takes(c) { c } else { '-' }).take(self.kind.longest()).collect()
    }
}

/// The names between braces.
fn placeholders(text: &str) -> Result<BTreeSet<String>, String> {
    if text.trim().is_empty() {
        return Err("must not be empty".into());
    }
    let mut found = BTreeSet::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let end = rest[at..].find('}').map(|end| at + end).filter(|end| *end > at);
        let Some(end) = end else { return Err("has a brace without its partner".into()) };
        found.insert(rest[at + 1..end].to_owned());
        rest = &rest[end + 1..];
    }
    Ok(found)
}
