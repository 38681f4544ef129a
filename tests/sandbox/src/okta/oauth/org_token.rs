//! `/oauth2/v1/token` of the org: Okta API tokens for service apps, and for nothing else.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use jiff::Timestamp;
use serde_json::json;

use super::super::context::{Cx, ok};
use super::super::data::AccessToken;
use super::super::error::{Answer, Problem};
use super::super::{Org, ids, log};
use super::{Form, client_auth, token};

pub(super) fn routes() -> Router<Arc<Org>> {
    Router::new().route("/oauth2/v1/token", post(issue))
}

/// Client credentials with `private_key_jwt`; every scope must have been granted to the app. Tokens live one hour,
/// without refresh.
async fn issue(State(org): State<Arc<Org>>, cx: Cx, form: Form) -> Answer {
    let mut data = org.data();
    let app = client_auth::client(&org, &mut data, &cx.headers, &cx.path, &form)?;
    if form.get("grant_type") != Some("client_credentials") {
        let text = "The grant type in the request isn't supported.";
        return Err(Problem::oauth(400, "unsupported_grant_type", text));
    }
    if !app.allows("grant_types", "client_credentials") || !app.is_service() {
        return Err(token::wrong_grant(&app));
    }
    if form.get("client_assertion").is_none() {
        let text = "Client Credentials requests to the Org Authorization Server must use the private_key_jwt token_endpoint_auth_method.";
        return Err(Problem::oauth(400, "invalid_client", text));
    }
    let scopes = form.words("scope");
    if scopes.is_empty() {
        return Err(Problem::oauth(400, "invalid_scope", "No scopes were requested."));
    }
    if scopes.iter().any(|scope| !app.grants.values().any(|grant| grant.scope == *scope)) {
        let text = "One or more scopes are not configured for the authorization server resource.";
        return Err(Problem::oauth(400, "invalid_scope", text));
    }
    let thumbprint = client_auth::binding(&org, &cx.headers, &cx.path, &app)?;
    let now = Timestamp::now().as_second();
    let jti = format!("AT.{}", ids::token::<32>());
    let mut claims = json!({"ver": 1, "jti": jti, "iss": org.base(), "aud": org.base(), "sub": app.client_id(),
        "iat": now, "exp": now + 3600, "cid": app.client_id(), "scp": scopes});
    if let Some(thumbprint) = &thumbprint {
        claims["cnf"] = json!({"jkt": thumbprint});
    }
    let body = json!({"token_type": if thumbprint.is_some() { "DPoP" } else { "Bearer" }, "expires_in": 3600,
        "access_token": org.org_key.sign(&claims), "scope": scopes.join(" ")});
    let who = log::target("PublicClientApp", app.client_id(), app.label());
    log::entry(&org, &mut data, &cx.path, "", "app.oauth2.token.grant.access_token", who, Vec::new(), Ok(()));
    let record = AccessToken { app: app.id, user: None, server: None, scopes, thumbprint, revoked: false };
    data.access_tokens.insert(jti, record);
    ok(body)
}
