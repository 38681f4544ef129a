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
}

impl Session {
    async fn document<'d>(&self, cell: &'d OnceCell<Document>, path: &[&str]) -> CallResult<&'d Document> {
        cell.get_or_try_init(|| async {
            let segments = [&[self.tenant_id.as_str()], path].concat();
            let url = self.login.url(OPERATION, &segments)?;
            let call = Call::new(OPERATION, Method::GET, url).on(&self.tenant_id);
            let document: Document = self.login.send(&call).await?.json()?;
            self.check(&document)?;
            Ok(document)
        })
        .await
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
