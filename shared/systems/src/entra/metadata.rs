//! What a tenant's discovery documents say: the only source of issuer and URLs, so that every cloud works.

use extoauth_core::error::{CallError, CallResult, ErrorKind};
use reqwest::Method;
use serde::Deserialize;
use tokio::sync::OnceCell;
use url::Url;

use super::Read;
use super::model::TokenVersion;
use super::session::Session;
use crate::http::Call;

const OPERATION: &str = "read OpenID configuration";

/// What the tenant's discovery documents say, under the configured authority. Cached for the life of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// The `iss` of the tokens, byte for byte: with a slash at the end for version 1, without one for version 2.
    pub issuer: String,
    /// The authorize URL of the v2 endpoint.
    pub authorize_url: String,
    /// The token URL of the v2 endpoint.
    pub token_url: String,
}

/// The documents that were read, by version.
#[derive(Default)]
pub(super) struct Documents {
    v1: OnceCell<Document>,
    v2: OnceCell<Document>,
}

#[derive(Clone, Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    #[serde(default)]
    jwks_uri: String,
}

/// One discovery document of the tenant, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// Its `issuer`.
    pub issuer: String,
    /// Where the signing keys are; empty where it names none.
    pub jwks_uri: String,
    /// The authorize URL of this version of the endpoints.
    pub authorize_url: String,
    /// The token URL of this version of the endpoints.
    pub token_url: String,
}

/// A set of keys (RFC 7517).
#[derive(Deserialize)]
struct KeySet {
    #[serde(default)]
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    #[serde(default)]
    kty: String,
    #[serde(rename = "use", default)]
    purpose: Option<String>,
}

impl Read {
    /// The issuer of access tokens of a version, and the v2 endpoints (which version a client's endpoint has makes no
    /// difference to access tokens; dbt asks for v2).
    ///
    /// # Errors
    /// `Refused` if a document names URLs that are not https, endpoints on another host than the configured authority,
    /// or an issuer that is not one tenant's; what the sign-in service says for an unknown tenant.
    pub async fn metadata(&self, version: TokenVersion) -> CallResult<Metadata> {
        let session = &*self.session;
        let v2 = session.document(&session.documents.v2, &["v2.0", ".well-known", "openid-configuration"]);
        let (issuer, v2) = match version {
            TokenVersion::V2 => {
                let v2 = v2.await?;
                (&v2.issuer, v2)
            }
            TokenVersion::V1 => {
                let v1 = session.document(&session.documents.v1, &[".well-known", "openid-configuration"]);
                let (v1, v2) = futures::try_join!(v1, v2)?;
                (&v1.issuer, v2)
            }
        };
        Ok(Metadata {
            issuer: issuer.clone(),
            authorize_url: v2.authorization_endpoint.clone(),
            token_url: v2.token_endpoint.clone(),
        })
    }

    /// The discovery document of one version, read anew each time. That of version 1 is the one at the configured
    /// authority: it states the issuer `https://sts.windows.net/{tenant}/` (whether that host serves the document itself
    /// is UNCONFIRMED).
    ///
    /// # Errors
    /// As [`metadata`](Self::metadata).
    pub async fn discovery(&self, version: TokenVersion) -> CallResult<Discovery> {
        let path: &[&str] = match version {
            TokenVersion::V1 => &[".well-known", "openid-configuration"],
            TokenVersion::V2 => &["v2.0", ".well-known", "openid-configuration"],
        };
        let document = self.session.read_document(path).await?;
        Ok(Discovery {
            issuer: document.issuer,
            jwks_uri: document.jwks_uri,
            authorize_url: document.authorization_endpoint,
            token_url: document.token_endpoint,
        })
    }

    /// How many keys that sign tokens stand at a discovery document's `jwks_uri`.
    ///
    /// # Errors
    /// `Refused` if that is no URL on the configured authority's host.
    pub async fn signing_keys(&self, discovery: &Discovery) -> CallResult<usize> {
        const OPERATION: &str = "read signing keys";
        let login = &self.session.login;
        let url = Url::parse(&discovery.jwks_uri).map_err(|_| {
            let text = format!("`jwks_uri` of the discovery document is no URL: `{}`", discovery.jwks_uri);
            CallError::new(ErrorKind::Refused, login.system.clone(), OPERATION, text)
        })?;
        let call = Call::new(OPERATION, Method::GET, url).on(&self.session.tenant_id);
        let set: KeySet = login.send(&call).await?.json()?;
        let signs = |key: &&Key| !key.kty.is_empty() && key.purpose.as_deref().is_none_or(|purpose| purpose == "sig");
        Ok(set.keys.iter().filter(signs).count())
    }
}

impl Session {
    async fn read_document(&self, path: &[&str]) -> CallResult<Document> {
        let segments = [&[self.tenant_id.as_str()], path].concat();
        let url = self.login.url(OPERATION, &segments)?;
        let call = Call::new(OPERATION, Method::GET, url).on(&self.tenant_id);
        let document: Document = self.login.send(&call).await?.json()?;
        self.check(&document)?;
        Ok(document)
    }

    async fn document<'d>(&self, cell: &'d OnceCell<Document>, path: &[&str]) -> CallResult<&'d Document> {
        cell.get_or_try_init(|| self.read_document(path)).await
    }

    fn check(&self, document: &Document) -> CallResult<()> {
        let refuse = |text: String| {
            let error = CallError::new(ErrorKind::Refused, self.login.system.clone(), OPERATION, text);
            Err(error.on(&self.tenant_id))
        };
        let https = |text: &str| Url::parse(text).ok().filter(|url| url.scheme() == "https");
        if https(&document.issuer).is_none() || document.issuer.contains('{') {
            return refuse(format!(
                "the issuer `{}` is not an https URL of one tenant: `tenant_id` must name one",
                document.issuer
            ));
        }
        for url in [&document.authorization_endpoint, &document.token_endpoint] {
            let is_here = https(url).is_some_and(|url| {
                url.host() == self.login.base.host()
                    && url.port_or_known_default() == self.login.base.port_or_known_default()
            });
            if !is_here {
                return refuse(format!("the endpoint `{url}` is not https on the configured authority's host"));
            }
        }
        Ok(())
    }
}
