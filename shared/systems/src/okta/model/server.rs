//! Custom authorization servers, their scopes and claims.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{KEPT_BY_OKTA, id, replacement};
use crate::http::{flag, text, texts, time};

/// A custom authorization server.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub struct AuthorizationServer {
    /// `aus…`; the built-in server answers to `default` too.
    pub id: String,
    /// Name. Whether an org may use one twice: UNCONFIRMED.
    pub name: String,
    /// Description.
    pub description: Option<String>,
    /// Audiences; Okta supports exactly one. The `aud` of the access tokens.
    pub audiences: Vec<String>,
    /// The issuer, without a slash at the end: the `iss` of the tokens, byte for byte.
    pub issuer: String,
    /// `ORG_URL`, `CUSTOM_URL`, `DYNAMIC`.
    pub issuer_mode: Option<String>,
    /// `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// `AUTO` or `MANUAL` rotation of the signing key.
    pub rotation_mode: Option<String>,
    /// Creation.
    pub created: Option<Timestamp>,
    /// Last change. The answer of a replace still has the one before.
    pub last_updated: Option<Timestamp>,
    raw: Value,
}

impl TryFrom<Value> for AuthorizationServer {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        Ok(Self {
            id: id(&raw)?,
            name: text(&raw, "/name").unwrap_or_default(),
            description: text(&raw, "/description"),
            audiences: texts(&raw, "/audiences"),
            issuer: text(&raw, "/issuer").unwrap_or_default(),
            issuer_mode: text(&raw, "/issuerMode"),
            status: text(&raw, "/status").unwrap_or_default(),
            rotation_mode: text(&raw, "/credentials/signing/rotationMode"),
            created: time(&raw, "/created"),
            last_updated: time(&raw, "/lastUpdated"),
            raw,
        })
    }
}

impl AuthorizationServer {
    /// Whether it gives tokens.
    pub fn is_active(&self) -> bool {
        self.status == "ACTIVE"
    }

    /// The authorize URL.
    pub fn authorize_url(&self) -> String {
        format!("{}/v1/authorize", self.issuer)
    }

    /// The token URL.
    pub fn token_url(&self) -> String {
        format!("{}/v1/token", self.issuer)
    }

    pub(crate) fn replacement(&self, wanted: &ServerSpec) -> Value {
        let mut body = replacement(&self.raw, &[&KEPT_BY_OKTA[..], &["issuer"]].concat(), wanted.body());
        // Of the signing key only the mode is ours to send; sent back, the rest would read as a wish.
        if let Some(mode) = &self.rotation_mode {
            body["credentials"] = json!({"signing": {"rotationMode": mode}});
        }
        body
    }
}

/// What we state of an authorization server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSpec {
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// The one audience.
    pub audience: String,
    /// `ORG_URL` or `CUSTOM_URL`. With `DYNAMIC` the issuer would depend on the host that the browser used.
    pub issuer_mode: String,
}

impl ServerSpec {
    pub(crate) fn body(&self) -> Value {
        json!({
            "name": self.name,
            "description": self.description,
            "audiences": [self.audience],
            "issuerMode": self.issuer_mode,
        })
    }
}

/// A scope of a server.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Scope {
    /// `scp…`
    pub id: String,
    /// Name, unique on the server.
    pub name: String,
    /// Name for people.
    pub display_name: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// `IMPLICIT`, `REQUIRED`, `FLEXIBLE`.
    pub consent: Option<String>,
    /// `ALL_CLIENTS` puts it into the server's metadata, `NO_CLIENTS` does not.
    pub metadata_publish: Option<String>,
    /// Whether it comes with the server (`openid` and the like).
    pub system: bool,
    raw: Value,
}

impl TryFrom<Value> for Scope {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        Ok(Self {
            id: id(&raw)?,
            name: text(&raw, "/name").unwrap_or_default(),
            display_name: text(&raw, "/displayName"),
            description: text(&raw, "/description"),
            consent: text(&raw, "/consent"),
            metadata_publish: text(&raw, "/metadataPublish"),
            system: flag(&raw, "/system").unwrap_or_default(),
            raw,
        })
    }
}

impl Scope {
    pub(crate) fn replacement(&self, wanted: &ScopeSpec) -> Value {
        // `default` is a wish here, not a fact that Okta keeps.
        let kept: Vec<&str> = KEPT_BY_OKTA.into_iter().filter(|k| *k != "default").chain(["apiResourceId"]).collect();
        replacement(&self.raw, &kept, wanted.body())
    }
}

/// What we state of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeSpec {
    /// Name: printable ASCII without space, quote and backslash.
    pub name: String,
    /// Name for people.
    pub display_name: String,
    /// Description.
    pub description: String,
    /// `IMPLICIT`: people are not asked.
    pub consent: String,
    /// `ALL_CLIENTS` publishes it in the metadata, where anybody can check it.
    pub metadata_publish: String,
}

impl ScopeSpec {
    /// A scope that needs no consent and is published.
    pub fn published(name: impl Into<String>, display_name: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            display_name: display_name.into(),
            description: description.into(),
            consent: "IMPLICIT".into(),
            metadata_publish: "ALL_CLIENTS".into(),
        }
    }

    pub(crate) fn body(&self) -> Value {
        json!({
            "name": self.name,
            "displayName": self.display_name,
            "description": self.description,
            "consent": self.consent,
            "metadataPublish": self.metadata_publish,
        })
    }
}

/// A claim of a server.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Claim {
    /// `ocl…`
    pub id: String,
    /// Name.
    pub name: String,
    /// `RESOURCE` (access token) or `IDENTITY` (ID token).
    pub claim_type: Option<String>,
    /// `EXPRESSION`, `GROUPS`, `SYSTEM`.
    pub value_type: Option<String>,
    /// The expression; absent for system claims.
    pub value: Option<String>,
    /// `ACTIVE` or `INACTIVE`.
    pub status: Option<String>,
    /// The scopes that it is limited to; empty: none.
    pub scopes: Vec<String>,
    /// Whether it is in every token.
    pub always_include: Option<bool>,
    /// Whether it comes with the server.
    pub system: bool,
    raw: Value,
}

impl TryFrom<Value> for Claim {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        Ok(Self {
            id: id(&raw)?,
            name: text(&raw, "/name").unwrap_or_default(),
            claim_type: text(&raw, "/claimType"),
            value_type: text(&raw, "/valueType"),
            value: text(&raw, "/value"),
            status: text(&raw, "/status"),
            scopes: texts(&raw, "/conditions/scopes"),
            always_include: flag(&raw, "/alwaysIncludeInToken"),
            system: flag(&raw, "/system").unwrap_or_default(),
            raw,
        })
    }
}

impl Claim {
    pub(crate) fn replacement(&self, wanted: &ClaimSpec) -> Value {
        replacement(&self.raw, &[&KEPT_BY_OKTA[..], &["apiResourceId"]].concat(), wanted.body())
    }
}

/// What we state of a claim: an expression in every access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimSpec {
    /// Name. Identity Center takes letters only.
    pub name: String,
    /// An expression of Okta's language: `user.email`.
    pub value: String,
}

impl ClaimSpec {
    pub(crate) fn body(&self) -> Value {
        json!({
            "name": self.name,
            "status": "ACTIVE",
            "claimType": "RESOURCE",
            "valueType": "EXPRESSION",
            "value": self.value,
            "conditions": {"scopes": []},
            "alwaysIncludeInToken": true,
        })
    }
}
