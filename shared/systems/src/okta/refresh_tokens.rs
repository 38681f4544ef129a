//! Refresh tokens that an authorization server has given out to a client: whose they are, and when they end.

use extoauth_core::error::CallResult;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::page::{NextPage, Page};
use super::scope::Scope;
use super::servers::below;
use super::{Read, Write};
use crate::http::{Written, text};

/// A refresh token as Okta lists it; its value is not shown.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct RefreshToken {
    /// `oar…`
    pub id: String,
    /// Whose it is: `00u…`
    pub user: Option<String>,
    /// When it ends: at its last day, or earlier if it is not used until then.
    pub ends: Option<Timestamp>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// When it was last used, as far as its change tells.
    pub updated: Option<Timestamp>,
}

impl TryFrom<Value> for RefreshToken {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        let time = |path: &str| text(&raw, path).and_then(|text| text.parse().ok());
        Ok(Self {
            id: text(&raw, "/id").ok_or("a refresh token without id")?,
            user: text(&raw, "/userId"),
            ends: time("/expiresAt"),
            created: time("/created"),
            updated: time("/lastUpdated"),
        })
    }
}

impl Read {
    /// A page of the refresh tokens that a client holds from a server; the first without `after`.
    ///
    /// # Errors
    /// `NotFound` if server or client are not there.
    pub async fn refresh_tokens(
        &self,
        server: &str,
        client: &str,
        after: Option<&NextPage>,
    ) -> CallResult<Page<RefreshToken>> {
        let path = below(&[server, "clients", client, "tokens"]);
        // 200 is the most (Okta API description).
        self.page("list refresh tokens of client", Scope::ServersRead, &path, &[("limit", "200")], after, client).await
    }
}

impl Write {
    /// Ends a refresh token: whoever holds it has to sign in again.
    ///
    /// # Errors
    /// `NotFound` if it is gone.
    pub async fn revoke_refresh_token(&self, server: &str, client: &str, token: &str) -> CallResult<Written<()>> {
        let path = below(&[server, "clients", client, "tokens", token]);
        self.delete("revoke refresh token", Scope::ServersManage, &path, token).await
    }
}
