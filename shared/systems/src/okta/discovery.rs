//! What a server says to everybody, and the proof of a secret: both without a right of ours.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use extoauth_core::error::{CallError, CallResult, ErrorKind};
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::Read;
use crate::http::{Call, null_default};

/// The metadata of an authorization server, as clients and Identity Center find it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Discovery {
    /// The issuer: the `iss` of its tokens.
    pub issuer: String,
    /// The authorize URL.
    #[serde(default)]
    pub authorization_endpoint: Option<String>,
    /// The token URL.
    #[serde(default)]
    pub token_endpoint: Option<String>,
    /// Where the keys are.
    #[serde(default)]
    pub jwks_uri: Option<String>,
    /// The published scopes.
    #[serde(default, deserialize_with = "null_default")]
    pub scopes_supported: Vec<String>,
    /// The claims.
    #[serde(default, deserialize_with = "null_default")]
    pub claims_supported: Vec<String>,
    /// The grant types.
    #[serde(default, deserialize_with = "null_default")]
    pub grant_types_supported: Vec<String>,
}

/// Whether a client secret is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The server accepted it.
    Proved,
    /// The server says that client and secret do not belong together.
    Refused,
    /// Neither; it must not be taken for good. With what was answered.
    Unclear(String),
}

impl Read {
    /// The OAuth metadata (RFC 8414) of a custom authorization server.
    ///
    /// # Errors
    /// `NotFound` if there is no such server.
    pub async fn oauth_metadata(&self, server: &str) -> CallResult<Discovery> {
        self.discovery("read OAuth metadata", server, "oauth-authorization-server").await
    }

    /// The OpenID configuration of a custom authorization server: what Identity Center reads.
    ///
    /// # Errors
    /// `NotFound` if there is no such server.
    pub async fn openid_configuration(&self, server: &str) -> CallResult<Discovery> {
        self.discovery("read OpenID configuration", server, "openid-configuration").await
    }

    async fn discovery(&self, operation: &'static str, server: &str, document: &str) -> CallResult<Discovery> {
        let call = self.call(operation, Method::GET, &["oauth2", server, ".well-known", document])?.on(server);
        self.session.endpoint.send(&call).await?.json()
    }

    /// How many signing keys stand at a `jwks_uri`, which must be https on the org's own host. The signing key's public
    /// half is all that is there; keys for encryption are not counted.
    ///
    /// # Errors
    /// `Refused` for a URL elsewhere, which is not called; `NotFound` if nothing is there.
    pub async fn signing_keys(&self, jwks_uri: &str) -> CallResult<usize> {
        const OPERATION: &str = "read signing keys";
        let endpoint = &self.session.endpoint;
        let url = Url::parse(jwks_uri).map_err(|_| {
            CallError::new(ErrorKind::Refused, endpoint.system.clone(), OPERATION, "the `jwks_uri` is not a URL")
        })?;
        let keys: Keys = endpoint.send(&Call::new(OPERATION, Method::GET, url).on("jwks_uri")).await?.json()?;
        Ok(keys.keys.iter().filter(|key| key.get("use").is_none_or(|purpose| purpose == "sig")).count())
    }

    /// An OAuth endpoint (`authorize`, `token`) of a custom authorization server on the org's own host. Okta answers
    /// there whatever host its issuer names.
    ///
    /// # Errors
    /// `Refused` if the server's id is not a name.
    pub fn oauth_url(&self, server: &str, endpoint: &str) -> CallResult<String> {
        let path = ["oauth2", server, "v1", endpoint];
        Ok(self.session.endpoint.url("name an OAuth endpoint", &path)?.into())
    }

    /// Proves a client secret without a user: the server is asked about a token that does not exist, which it answers
    /// only to a client that proves itself.
    ///
    /// # Errors
    /// Only where the question should be asked again later: a limit, or too little time. Everything else that is not a
    /// clear answer is [`Proof::Unclear`].
    pub async fn prove_secret(&self, server: &str, client_id: &str, secret: &SecretString) -> CallResult<Proof> {
        const OPERATION: &str = "prove client secret";
        let endpoint = &self.session.endpoint;
        let basic = STANDARD.encode(format!("{client_id}:{}", secret.expose_secret()));
        let mut header = HeaderValue::from_str(&format!("Basic {basic}")).map_err(|_| {
            CallError::new(ErrorKind::Invalid, endpoint.system.clone(), OPERATION, "the client id is not a header text")
        })?;
        header.set_sensitive(true);
        let url = endpoint.url(OPERATION, &["oauth2", server, "v1", "introspect"])?;
        let mut call = Call::new(OPERATION, Method::POST, url)
            .on(client_id)
            .safe()
            .form(vec![("token", "extoauth-proof".into()), ("token_type_hint", "access_token".into())])
            .passing(&[400, 403])
            .hiding(secret)
            .hiding(&basic.into());
        call.headers.insert(AUTHORIZATION, header);
        // The server may not know yet what was made a moment ago.
        call.fresh = self.session.is_fresh(server) || self.session.is_fresh(client_id);
        match endpoint.send(&call).await {
            Ok(reply) if reply.status.as_u16() == 200 => {
                let active = reply.json::<Introspection>().ok().and_then(|i| i.active);
                Ok(match active {
                    Some(_) => Proof::Proved,
                    None => Proof::Unclear("the introspection endpoint gave an answer of another kind".into()),
                })
            }
            Err(e) if e.status == Some(401) && e.kind == ErrorKind::Unauthorized => Ok(Proof::Refused),
            Ok(reply) => {
                Ok(Proof::Unclear(format!("the introspection endpoint answered HTTP {}", reply.status.as_u16())))
            }
            Err(e) if matches!(e.kind, ErrorKind::Throttled | ErrorKind::OutOfTime) => Err(e),
            Err(e) => Ok(Proof::Unclear(e.message)),
        }
    }
}

#[derive(Deserialize)]
struct Keys {
    #[serde(default, deserialize_with = "null_default")]
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Introspection {
    active: Option<bool>,
}
