//! What can be asked about tokens: introspection, revocation, keys and user info.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::super::Org;
use super::super::context::{Cx, ok};
use super::super::data::{Data, User};
use super::super::error::{Answer, Problem};
use super::{Form, active_server, app_user_name, client_auth, verify};

pub(super) fn routes() -> Router<Arc<Org>> {
    Router::new()
        .route("/oauth2/v1/introspect", post(introspect_org))
        .route("/oauth2/v1/revoke", post(revoke_org))
        .route("/oauth2/v1/keys", get(keys_org))
        .route("/oauth2/{server}/v1/introspect", post(introspect))
        .route("/oauth2/{server}/v1/revoke", post(revoke))
        .route("/oauth2/{server}/v1/keys", get(keys))
        .route("/oauth2/{server}/v1/userinfo", get(userinfo).post(userinfo))
}

async fn introspect_org(State(org): State<Arc<Org>>, cx: Cx, form: Form) -> Answer {
    asked(&org, &cx, &form, None)
}

async fn introspect(State(org): State<Arc<Org>>, cx: Cx, Path(server): Path<String>, form: Form) -> Answer {
    asked(&org, &cx, &form, Some(&server))
}

/// 200 with `active` for a client that proves itself, whatever the token is; 401 for one that does not. That is how a
/// secret can be proved without a user.
fn asked(org: &Org, cx: &Cx, form: &Form, server: Option<&str>) -> Answer {
    let mut data = org.data();
    let server = server.map(|id| active_server(&data, id).map(|server| server.id.clone())).transpose()?;
    client_auth::client(org, &mut data, &cx.headers, &cx.path, form)?;
    let Some(token) = form.get("token") else {
        return Err(Problem::oauth(400, "invalid_request", "The `token` parameter is required."));
    };
    let found = access_token(org, &data, server.as_deref(), token)
        .or_else(|| refresh_token(org, &data, server.as_deref(), token));
    ok(found.unwrap_or_else(|| json!({"active": false})))
}

/// The verified claims of a live access token of this server (none: the org's own).
fn live(org: &Org, data: &Data, server: Option<&str>, token: &str) -> Option<Value> {
    let claims = match server {
        None => verify(token, &org.org_key)?,
        Some(id) => data.servers.get(id)?.keys.iter().find_map(|key| verify(token, key))?,
    };
    let record = data.access_tokens.get(claims["jti"].as_str()?)?;
    (!record.revoked && record.server.as_deref() == server).then_some(claims)
}

fn access_token(org: &Org, data: &Data, server: Option<&str>, token: &str) -> Option<Value> {
    let claims = live(org, data, server, token)?;
    let record = data.access_tokens.get(claims["jti"].as_str()?)?;
    let bound = record.thumbprint.is_some();
    let mut shown = json!({"active": true, "token_type": if bound { "DPoP" } else { "Bearer" },
        "scope": record.scopes.join(" "), "client_id": claims["cid"]});
    for name in ["exp", "iat", "sub", "aud", "iss", "jti", "uid"] {
        if !claims[name].is_null() {
            shown[name] = claims[name].clone();
        }
    }
    if let Some(user) = record.user.as_ref().and_then(|user| data.users.get(user)) {
        shown["username"] = json!(user.login());
    }
    Some(shown)
}

fn refresh_token(org: &Org, data: &Data, server: Option<&str>, value: &str) -> Option<Value> {
    let token = data.refresh_tokens.get(data.refresh_values.get(value)?)?;
    if Some(token.server.as_str()) != server || token.expires() <= org.now() || token.value != value {
        return None;
    }
    let user = data.users.get(&token.user).map(User::login);
    let client = data.apps.get(&token.app)?.client_id();
    Some(json!({"active": true, "token_type": "Bearer", "scope": token.scopes.join(" "), "client_id": client,
        "username": user, "exp": token.expires().as_second(), "sub": user}))
}

async fn revoke_org(State(org): State<Arc<Org>>, cx: Cx, form: Form) -> Answer {
    revoked(&org, &cx, &form, None)
}

async fn revoke(State(org): State<Arc<Org>>, cx: Cx, Path(server): Path<String>, form: Form) -> Answer {
    revoked(&org, &cx, &form, Some(&server))
}

/// 200 whether the token was known or not, as long as the client proves itself.
fn revoked(org: &Org, cx: &Cx, form: &Form, server: Option<&str>) -> Answer {
    let mut data = org.data();
    let server = server.map(|id| active_server(&data, id).map(|server| server.id.clone())).transpose()?;
    let app = client_auth::client(org, &mut data, &cx.headers, &cx.path, form)?;
    let Some(token) = form.get("token") else {
        return Err(Problem::oauth(400, "invalid_request", "The `token` parameter is required."));
    };
    if let Some(id) = data.refresh_values.get(token).cloned() {
        if data.refresh_tokens.get(&id).is_some_and(|token| token.app == app.id) {
            data.refresh_tokens.remove(&id);
            data.refresh_values.retain(|_, token| *token != id);
        }
    } else if let Some(claims) = live(org, &data, server.as_deref(), token)
        && let Some(record) = claims["jti"].as_str().and_then(|jti| data.access_tokens.get_mut(jti))
        && record.app == app.id
    {
        record.revoked = true;
    }
    Ok(StatusCode::OK.into_response())
}

async fn keys_org(State(org): State<Arc<Org>>) -> Answer {
    ok(json!({"keys": [org.org_key.jwk()]}))
}

/// The active key and the expired ones; the next one only once it signs. The keys are cloned out of the lock: making
/// one takes a while.
async fn keys(State(org): State<Arc<Org>>, Path(server): Path<String>) -> Answer {
    let keys = active_server(&org.data(), &server)?.keys.clone();
    let published = keys.iter().enumerate().filter(|(index, _)| *index != 1).map(|(_, key)| key.jwk());
    ok(json!({"keys": published.collect::<Vec<_>>()}))
}

async fn userinfo(State(org): State<Arc<Org>>, cx: Cx, Path(server): Path<String>) -> Answer {
    let data = org.data();
    let server = active_server(&data, &server)?;
    let refused = |text: &str| {
        let value = format!("Bearer realm=\"IdpMyAccountAPI\", error=\"invalid_token\", error_description=\"{text}\"");
        Problem::oauth(401, "invalid_token", text).with("www-authenticate", value)
    };
    let value = cx.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = value.strip_prefix("Bearer ").ok_or_else(|| refused("The access token is missing."))?;
    let claims = live(&org, &data, Some(&server.id), token);
    let claims = claims.ok_or_else(|| refused("The access token is invalid."))?;
    let record = claims["jti"].as_str().and_then(|jti| data.access_tokens.get(jti));
    let record = record.filter(|record| record.scopes.iter().any(|scope| scope == "openid"));
    let Some((record, user)) = record.and_then(|record| Some((record, data.users.get(record.user.as_ref()?)?))) else {
        let text = "The access token must provide access to at least one of these scopes - openid.";
        return Err(Problem::oauth(403, "insufficient_scope", text));
    };
    let has = |scope: &str| record.scopes.iter().any(|known| known == scope);
    let mut shown = json!({"sub": user.id});
    if has("profile") {
        shown["name"] = json!(user.full_name());
        shown["preferred_username"] = json!(data.apps.get(&record.app).map(|app| app_user_name(app, user)));
        shown["given_name"] = json!(user.attribute("firstName"));
        shown["family_name"] = json!(user.attribute("lastName"));
    }
    if has("email") {
        shown["email"] = json!(user.attribute("email"));
        shown["email_verified"] = json!(true);
    }
    ok(shown)
}
