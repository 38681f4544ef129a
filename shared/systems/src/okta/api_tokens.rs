//! API tokens (SSWS): whose they are, and when they end. A token has no id that its holder knows; what it answers for is
//! found by the user that it belongs to.

use extoauth_core::error::CallResult;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::Read;
use super::scope::Scope;
use crate::http::{text, time};

/// An API token as Okta lists it; its value is not shown.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct ApiToken {
    /// `00T…`
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whose rights it has: `00u…`
    pub user: Option<String>,
    /// When it ends unless it is used before: 30 days after its last use (Okta, "API token management").
    pub ends: Option<Timestamp>,
}

impl TryFrom<Value> for ApiToken {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        Ok(Self {
            id: text(&raw, "/id").ok_or("an API token without id")?,
            name: text(&raw, "/name").unwrap_or_default(),
            user: text(&raw, "/userId"),
            ends: time(&raw, "/expiresAt"),
        })
    }
}

/// The user whose rights our API token has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Myself {
    /// `00u…`
    pub id: String,
    /// The name that they sign in with.
    pub login: String,
}

impl TryFrom<Value> for Myself {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        Ok(Self {
            id: text(&raw, "/id").ok_or("a user without id")?,
            login: text(&raw, "/profile/login").unwrap_or_default(),
        })
    }
}

impl Read {
    /// The API tokens of the org.
    ///
    /// # Errors
    /// `Forbidden` without a role that sees them.
    pub async fn api_tokens(&self) -> CallResult<Vec<ApiToken>> {
        self.list("list API tokens", Scope::ApiTokensRead, &["api", "v1", "api-tokens"], &[]).await
    }

    /// The user whose rights our API token has. A service app is none.
    ///
    /// # Errors
    /// As every call.
    pub async fn myself(&self) -> CallResult<Myself> {
        self.get("read the holder of our API token", Scope::OwnUserRead, &["api", "v1", "users", "me"], "me").await
    }
}
