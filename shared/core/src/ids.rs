//! Names and keys.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::systems::Idp;

/// Name of an integration: `[a-z][a-z0-9-]{2,39}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IntegrationName(String);

impl IntegrationName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for IntegrationName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let mut chars = name.chars();
        let starts = chars.next().is_some_and(|c| c.is_ascii_lowercase());
        let rest = chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if starts && rest && (3..=40).contains(&name.len()) {
            Ok(Self(name))
        } else {
            Err("must be 3 to 40 characters: a lower-case letter, then lower-case letters, digits and hyphens".into())
        }
    }
}

impl From<IntegrationName> for String {
    fn from(name: IntegrationName) -> Self {
        name.0
    }
}

impl fmt::Display for IntegrationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Key of a trust: what an identity provider and a Redshift application share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrustKey(String);

impl TrustKey {
    /// The trust of this identity provider and this Redshift application.
    pub fn new(idp: Idp, idp_system: &str, warehouse_system: &str) -> Self {
        Self(format!("{idp}:{idp_system}:{warehouse_system}"))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TrustKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whose resources a run is about: the journal, the inventory and the marks are kept by it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The resources of one integration.
    Integration(IntegrationName),
    /// The resources that the integrations on a trust share.
    Trust(TrustKey),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integration(name) => write!(f, "integration/{name}"),
            Self::Trust(key) => write!(f, "trust/{key}"),
        }
    }
}

/// Stable address of a resource within its subject: `okta.server.scope[session:role-any]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(String);

impl Address {
    /// An address without a key.
    pub fn of(path: &str) -> Self {
        Self(path.to_owned())
    }

    /// An address with a key: `path[key]`.
    pub fn keyed(path: &str, key: impl fmt::Display) -> Self {
        Self(format!("{path}[{key}]"))
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
