//! OAuth configurations ("custom integrations"). Their secret is written only: dbt never shows it.

use extoauth_core::error::CallResult;
use jiff::Timestamp;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Read, Write};
use crate::http::{Written, integer, text, time};

/// An OAuth configuration.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct OauthConfiguration {
    /// Id.
    pub id: u64,
    /// `okta`, `entra` and others; cannot be changed.
    pub kind: String,
    /// Name; not unique as far as is known.
    pub name: String,
    /// The client's id at the identity provider.
    pub client_id: String,
    /// Where people are sent to.
    pub authorize_url: String,
    /// Where tokens come from.
    pub token_url: String,
    /// Where people come back to.
    pub redirect_uri: String,
    /// Entra's application id URI.
    pub application_id_uri: Option<String>,
    /// Last change.
    pub updated_at: Option<Timestamp>,
}

/// An id. dbt's are numbers.
pub(super) fn id(raw: &Value) -> Result<u64, &'static str> {
    raw.get("id").and_then(Value::as_u64).ok_or("an object without id")
}

/// An id of something else, which may be null.
pub(super) fn reference(raw: &Value, pointer: &str) -> Option<u64> {
    integer(raw, pointer).and_then(|i| u64::try_from(i).ok())
}

impl TryFrom<Value> for OauthConfiguration {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        let field = |pointer| text(&raw, pointer).unwrap_or_default();
        Ok(Self {
            id: id(&raw)?,
            kind: field("/type"),
            name: field("/name"),
            client_id: field("/client_id"),
            authorize_url: field("/authorize_url"),
            token_url: field("/token_url"),
            redirect_uri: field("/redirect_uri"),
            application_id_uri: text(&raw, "/extra_data/application_id_uri").filter(|uri| !uri.is_empty()),
            updated_at: time(&raw, "/updated_at"),
        })
    }
}

/// What we state of an OAuth configuration, but for the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthConfigurationSpec {
    /// `okta` or `entra`.
    pub kind: String,
    /// Name.
    pub name: String,
    /// The client's id.
    pub client_id: String,
    /// Where people are sent to.
    pub authorize_url: String,
    /// Where tokens come from.
    pub token_url: String,
    /// Where people come back to: what dbt's form shows.
    pub redirect_uri: String,
    /// Required for Entra, refused for Okta.
    pub application_id_uri: Option<String>,
}

impl OauthConfigurationSpec {
    /// The secret is left out unless it is to be set: an empty one would be refused, or worse, kept. Whether an update
    /// without it keeps the present one is UNCONFIRMED, so callers send it where they have it.
    pub(crate) fn body(&self, secret: Option<&SecretString>) -> Value {
        let mut body = json!({
            "type": self.kind,
            "name": self.name,
            "client_id": self.client_id,
            "authorize_url": self.authorize_url,
            "token_url": self.token_url,
            "redirect_uri": self.redirect_uri,
        });
        if let Some(uri) = &self.application_id_uri {
            body["extra_data"] = json!({"application_id_uri": uri});
        }
        if let Some(secret) = secret {
            body["client_secret"] = secret.expose_secret().into();
        }
        body
    }
}

impl Read {
    /// The OAuth configurations, all or those with a client id. dbt has no filter for the name.
    ///
    /// # Errors
    /// As every call.
    pub async fn oauth_configurations(&self, client_id: Option<&str>) -> CallResult<Vec<OauthConfiguration>> {
        let query: Vec<_> = client_id.map(|id| ("client_id", id)).into_iter().collect();
        self.list("list OAuth configurations", &["oauth-configurations"], &query).await
    }

    /// One OAuth configuration.
    ///
    /// # Errors
    /// `NotFound` if there is none, or it is not visible to us.
    pub async fn oauth_configuration(&self, id: u64) -> CallResult<OauthConfiguration> {
        let id = id.to_string();
        self.get("read OAuth configuration", &["oauth-configurations", &id], &id).await
    }
}

impl Write {
    /// Makes an OAuth configuration.
    ///
    /// # Errors
    /// `Invalid` with the fields at fault; `Ambiguous` if the answer was lost.
    pub async fn create_oauth_configuration(
        &self,
        spec: &OauthConfigurationSpec,
        secret: &SecretString,
    ) -> CallResult<Written<OauthConfiguration>> {
        let body = self.body(spec.body(Some(secret)));
        let call = self.call("create OAuth configuration", Method::POST, &["oauth-configurations"])?;
        self.write(call.on(&spec.name).json(body).hiding(secret)).await
    }

    /// Updates an OAuth configuration (a POST, unlike every other update of this API). Without a secret the one that
    /// dbt has is meant to stay.
    ///
    /// # Errors
    /// `NotFound` if it is gone.
    pub async fn update_oauth_configuration(
        &self,
        id: u64,
        spec: &OauthConfigurationSpec,
        secret: Option<&SecretString>,
    ) -> CallResult<Written<OauthConfiguration>> {
        let id = id.to_string();
        let call = self.call("update OAuth configuration", Method::POST, &["oauth-configurations", &id])?;
        let mut call = call.on(&id).json(self.body(spec.body(secret))).repeatable();
        if let Some(secret) = secret {
            call = call.hiding(secret);
        }
        self.write(call).await
    }

    /// Deletes an OAuth configuration. What dbt does with one that a connection uses is UNCONFIRMED: delete the
    /// connection first.
    ///
    /// # Errors
    /// `NotFound` if it is gone.
    pub async fn delete_oauth_configuration(&self, id: u64) -> CallResult<Written<()>> {
        let id = id.to_string();
        self.delete("delete OAuth configuration", &["oauth-configurations", &id], &id).await
    }
}
