//! The OAuth endpoints: the org's own (`/oauth2/v1/…`, Okta API tokens for service apps) and those of the custom
//! authorization servers (`/oauth2/{server}/v1/…`).

mod authorize;
mod client_auth;
mod discovery;
mod evaluate;
mod inspect;
mod mint;
mod org_token;
mod page;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use jiff::Timestamp;
use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::Jwk;
use serde_json::Value;

use super::Org;
use super::data::{App, Data, Server, User};
use super::dpop;
use super::error::Problem;
use super::keys::LazyKey;

pub(super) fn routes() -> Router<Arc<Org>> {
    Router::new()
        .merge(authorize::routes())
        .merge(discovery::routes())
        .merge(inspect::routes())
        .merge(org_token::routes())
        .merge(token::routes())
}

/// The fields of a form (or of a query).
#[derive(Clone, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads `application/x-www-form-urlencoded`.
    pub fn parse(text: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(text).into_owned().collect())
    }

    /// A field, if it is there and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The space-separated values of a field.
    pub fn words(&self, name: &str) -> Vec<String> {
        self.get(name).unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect()
    }
}

impl FromRequest<Arc<Org>> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, org: &Arc<Org>) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
        if !kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
            let text = "The request must have the content type application/x-www-form-urlencoded.";
            return Err(Problem::oauth(400, "invalid_request", text));
        }
        let body = Bytes::from_request(request, org).await.map_err(|_| Problem::malformed())?;
        Ok(Self::parse(&body))
    }
}

/// The issuer of an authorization server, as its mode says: no trailing slash, and with `DYNAMIC` the host that was
/// called.
pub(super) fn issuer(org: &Org, server: &Server, called: Option<&HeaderMap>) -> String {
    let custom = org.options().custom_domain;
    let host = called.and_then(|headers| headers.get(header::HOST)).and_then(|host| host.to_str().ok());
    let base = match (server.issuer_mode.as_str(), custom) {
        ("CUSTOM_URL", Some(custom)) => format!("https://{custom}"),
        ("DYNAMIC", Some(custom)) if host == Some(custom.as_str()) => format!("https://{custom}"),
        _ => org.base(),
    };
    format!("{base}/oauth2/{}", server.alias())
}

/// An active authorization server. An inactive one answers like an unknown one (UNCONFIRMED).
fn active_server<'a>(data: &'a Data, id: &str) -> Result<&'a Server, Problem> {
    let server = data.server(id)?;
    if server.active { Ok(server) } else { Err(Problem::not_found(id, "AuthorizationServer")) }
}

/// The name of a user in an app, by the app's template: what `sub` of an access token is.
pub(super) fn app_user_name(app: &App, user: &User) -> String {
    let template = app.shown["credentials"]["userNameTemplate"]["template"].as_str().unwrap_or("${source.login}");
    let attribute = |name: &str| user.attribute(name).unwrap_or_default().to_owned();
    match template.trim_start_matches("${").trim_end_matches('}') {
        "source.email" => attribute("email"),
        "fn:substringBefore(source.login, \"@\")" => user.login().split('@').next().unwrap_or_default().to_owned(),
        "fn:substringBefore(source.email, \"@\")" => {
            attribute("email").split('@').next().unwrap_or_default().to_owned()
        }
        _ => user.login().to_owned(),
    }
}

/// The claims of a JWT that this key has signed and that has not expired (real clock).
pub(super) fn verify(token: &str, key: &LazyKey) -> Option<Value> {
    let header = dpop::part(token, 0)?;
    if header["kid"] != key.kid.as_str() || header["alg"] != "RS256" {
        return None;
    }
    let jwk: Jwk = serde_json::from_value(key.jwk()).ok()?;
    if !dpop::signed_by(token, &jwk, Algorithm::RS256) {
        return None;
    }
    dpop::part(token, 1).filter(|claims| claims["exp"].as_i64().is_some_and(|exp| exp > Timestamp::now().as_second()))
}
