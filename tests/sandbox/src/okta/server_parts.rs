//! Scopes, claims and signing keys of an authorization server.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::context::{Cx, Input, Pages, created, list as whole, no_content, ok};
use super::data::Server;
use super::error::{Answer, Problem};
use super::keys::LazyKey;
use super::log::{self, target};
use super::servers::server_target;
use super::{Org, ids, show};

pub(super) fn routes() -> Router<Arc<Org>> {
    let server = "/api/v1/authorizationServers/{server}";
    Router::new()
        .route(&format!("{server}/scopes"), get(scopes).post(create_scope))
        .route(&format!("{server}/scopes/{{id}}"), get(one_scope).put(replace_scope).delete(delete_scope))
        .route(&format!("{server}/claims"), get(claims).post(create_claim))
        .route(&format!("{server}/claims/{{id}}"), get(one_claim).put(replace_claim).delete(delete_claim))
        .route(&format!("{server}/credentials/keys"), get(keys))
        .route(&format!("{server}/credentials/keys/{{kid}}"), get(one_key))
        .route(&format!("{server}/credentials/lifecycle/keyRotate"), post(rotate))
}

fn targets(server: &Server, kind: &str, id: &str, object: &Value) -> Vec<Value> {
    vec![target(kind, id, object["name"].as_str().unwrap_or_default()), server_target(server)]
}

/// In one piece without `limit`; in pages with it.
async fn scopes(State(org): State<Arc<Org>>, cx: Cx, Path(id): Path<String>) -> Answer {
    let start = cx.arg("q").map(str::to_lowercase);
    let data = org.data();
    let server = data.server(&id)?;
    let named = |scope: &Value| scope["name"].as_str().unwrap_or_default().to_lowercase();
    let fits = |scope: &Value| start.as_ref().is_none_or(|start| named(scope).starts_with(start));
    let found = server.scopes.iter().filter(|(id, scope)| fits(scope) && data.seen(id));
    let found = found.map(|(id, scope)| (id.as_str(), (id, scope)));
    Pages::new(200, 200).answer(&org, &cx, found, |(id, scope)| show::part(&org, server, "scopes", id, scope))
}

/// The scope as stored. Names: printable ASCII without space, quote and backslash, nothing of Okta's own.
fn scope(server: &Server, input: &Value, old: Option<&str>) -> Result<Value, Problem> {
    let name = input["name"].as_str().unwrap_or_default();
    let legal = !name.is_empty()
        && name.bytes().all(|byte| (0x21..=0x7e).contains(&byte) && byte != b'"' && byte != b'\\')
        && !name.starts_with("okta.")
        && !name.starts_with("okta:")
        && !matches!(name, "okta" | "*");
    if !legal {
        return Err(Problem::invalid("name", ["name: The scope name is invalid"]));
    }
    // The text is UNCONFIRMED; that scopes are unique per server is not.
    if server.scopes.iter().any(|(id, scope)| scope["name"] == name && old != Some(id)) {
        return Err(Problem::invalid(
            "name",
            ["name: A scope with this name already exists on the authorization server"],
        ));
    }
    let one_of = |field: &str, default: &str, values: &[&str]| -> Result<String, Problem> {
        let value = input[field].as_str().unwrap_or(default).to_owned();
        let known = values.contains(&value.as_str());
        if known { Ok(value) } else { Err(Problem::invalid(field, [format!("{field}: must be one of {values:?}")])) }
    };
    Ok(json!({
        "name": name,
        "displayName": input["displayName"],
        "description": input["description"],
        "system": false,
        "metadataPublish": one_of("metadataPublish", "NO_CLIENTS", &["ALL_CLIENTS", "NO_CLIENTS"])?,
        "consent": one_of("consent", "IMPLICIT", &["IMPLICIT", "REQUIRED", "FLEXIBLE", "ADMIN"])?,
        "optional": input["optional"].as_bool().unwrap_or(false),
        "default": input["default"].as_bool().unwrap_or(false),
    }))
}

async fn create_scope(State(org): State<Arc<Org>>, cx: Cx, Path(id): Path<String>, Input(input): Input) -> Answer {
    let mut data = org.data();
    let server = data.server_mut(&id)?;
    let scope = scope(server, &input, None)?;
    let scope_id = ids::id("scp");
    let shown = show::part(&org, server, "scopes", &scope_id, &scope);
    let targets = targets(server, "OAuth2Scope", &scope_id, &scope);
    server.scopes.insert(scope_id.clone(), scope);
    data.hide(&scope_id, org.lag(&cx));
    log::add(&org, &mut data, &cx, "oauth2.scope.created", targets);
    created(shown)
}

async fn one_scope(State(org): State<Arc<Org>>, Path((id, scope)): Path<(String, String)>) -> Answer {
    let data = org.data();
    let server = data.server(&id)?;
    let found = server.scopes.get(&scope).filter(|_| data.seen(&scope));
    let found = found.ok_or_else(|| Problem::not_found(&scope, "OAuth2Scope"))?;
    ok(show::part(&org, server, "scopes", &scope, found))
}

async fn replace_scope(
    State(org): State<Arc<Org>>,
    cx: Cx,
    Path((id, scope_id)): Path<(String, String)>,
    Input(input): Input,
) -> Answer {
    let mut data = org.data();
    let server = data.server_mut(&id)?;
    let old = server.scopes.get(&scope_id).ok_or_else(|| Problem::not_found(&scope_id, "OAuth2Scope"))?;
    let mut new = scope(server, &input, Some(&scope_id))?;
    new["system"] = old["system"].clone();
    let shown = show::part(&org, server, "scopes", &scope_id, &new);
    let targets = targets(server, "OAuth2Scope", &scope_id, &new);
    server.scopes.insert(scope_id, new);
    log::add(&org, &mut data, &cx, "oauth2.scope.updated", targets);
    ok(shown)
}

async fn delete_scope(State(org): State<Arc<Org>>, cx: Cx, Path((id, scope)): Path<(String, String)>) -> Answer {
    let mut data = org.data();
    let server = data.server_mut(&id)?;
    let found = server.scopes.get(&scope).ok_or_else(|| Problem::not_found(&scope, "OAuth2Scope"))?;
    if found["system"] == true {
        return Err(Problem::forbidden());
    }
    let targets = targets(server, "OAuth2Scope", &scope, found);
    server.scopes.remove(&scope);
    log::add(&org, &mut data, &cx, "oauth2.scope.deleted", targets);
    no_content()
}

async fn claims(State(org): State<Arc<Org>>, Path(id): Path<String>) -> Answer {
    let data = org.data();
    let server = data.server(&id)?;
    let found = server.claims.iter().filter(|(id, _)| data.seen(id));
    whole(found.map(|(id, claim)| show::part(&org, server, "claims", id, claim)).collect())
}

/// The claim as stored. Of an empty `conditions` Okta makes an empty list of scopes.
fn claim(server: &Server, input: &Value, old: Option<(&str, &Value)>) -> Result<Value, Problem> {
    const RESERVED: [&str; 9] = ["ver", "jti", "iss", "aud", "iat", "exp", "cid", "uid", "scp"];
    let mut causes = Vec::new();
    let system = old.is_some_and(|(_, old)| old["system"] == true);
    let name = input["name"].as_str().unwrap_or_default();
    if name.is_empty() || RESERVED.contains(&name) {
        causes.push("name: The claim name is blank or reserved".to_owned());
    }
    let (kind, value_type) = (&input["claimType"], input["valueType"].as_str().unwrap_or("EXPRESSION"));
    if kind != "IDENTITY" && kind != "RESOURCE" {
        causes.push("claimType: must be IDENTITY or RESOURCE".to_owned());
    }
    let known_type = matches!(value_type, "EXPRESSION" | "GROUPS") || (system && value_type == "SYSTEM");
    if !known_type {
        causes.push("valueType: must be EXPRESSION or GROUPS".to_owned());
    }
    if value_type != "SYSTEM" && input["value"].as_str().is_none_or(str::is_empty) {
        causes.push("value: The field cannot be left blank".to_owned());
    }
    let same = |(id, claim): (&String, &Value)| {
        claim["name"] == name && claim["claimType"] == *kind && old.is_none_or(|(old, _)| old != id)
    };
    // The text is UNCONFIRMED.
    if server.claims.iter().any(same) {
        causes.push("name: A claim with this name already exists on the authorization server".to_owned());
    }
    if !causes.is_empty() {
        return Err(Problem::invalid("claim", causes));
    }
    let scopes = input["conditions"]["scopes"].as_array().cloned().unwrap_or_default();
    let mut claim = json!({
        "name": name,
        "status": input["status"].as_str().unwrap_or("ACTIVE"),
        "claimType": kind,
        "valueType": value_type,
        "conditions": {"scopes": scopes},
        "system": system,
        "alwaysIncludeInToken": input["alwaysIncludeInToken"].as_bool().unwrap_or(*kind == "RESOURCE"),
    });
    if value_type != "SYSTEM" {
        claim["value"] = input["value"].clone();
    }
    if value_type == "GROUPS" {
        claim["group_filter_type"] = json!(input["group_filter_type"].as_str().unwrap_or("STARTS_WITH"));
    }
    Ok(claim)
}

async fn create_claim(State(org): State<Arc<Org>>, cx: Cx, Path(id): Path<String>, Input(input): Input) -> Answer {
    let mut data = org.data();
    let server = data.server_mut(&id)?;
    let claim = claim(server, &input, None)?;
    let claim_id = ids::id("ocl");
    let shown = show::part(&org, server, "claims", &claim_id, &claim);
    let targets = targets(server, "OAuth2Claim", &claim_id, &claim);
    server.claims.insert(claim_id.clone(), claim);
    data.hide(&claim_id, org.lag(&cx));
    log::add(&org, &mut data, &cx, "oauth2.claim.created", targets);
    created(shown)
}

async fn one_claim(State(org): State<Arc<Org>>, Path((id, claim)): Path<(String, String)>) -> Answer {
    let data = org.data();
    let server = data.server(&id)?;
    let found = server.claims.get(&claim).filter(|_| data.seen(&claim));
    let found = found.ok_or_else(|| Problem::not_found(&claim, "OAuth2Claim"))?;
    ok(show::part(&org, server, "claims", &claim, found))
}

async fn replace_claim(
    State(org): State<Arc<Org>>,
    cx: Cx,
    Path((id, claim_id)): Path<(String, String)>,
    Input(input): Input,
) -> Answer {
    let mut data = org.data();
    let server = data.server_mut(&id)?;
    let old = server.claims.get(&claim_id).ok_or_else(|| Problem::not_found(&claim_id, "OAuth2Claim"))?;
    let new = claim(server, &input, Some((&claim_id, old)))?;
    let shown = show::part(&org, server, "claims", &claim_id, &new);
    let targets = targets(server, "OAuth2Claim", &claim_id, &new);
    server.claims.insert(claim_id, new);
    log::add(&org, &mut data, &cx, "oauth2.claim.updated", targets);
    ok(shown)
}

async fn delete_claim(State(org): State<Arc<Org>>, cx: Cx, Path((id, claim)): Path<(String, String)>) -> Answer {
    let mut data = org.data();
    let server = data.server_mut(&id)?;
    let found = server.claims.get(&claim).ok_or_else(|| Problem::not_found(&claim, "OAuth2Claim"))?;
    if found["system"] == true {
        return Err(Problem::forbidden());
    }
    let targets = targets(server, "OAuth2Claim", &claim, found);
    server.claims.remove(&claim);
    log::add(&org, &mut data, &cx, "oauth2.claim.deleted", targets);
    no_content()
}

/// The active key first, then the next one, then expired ones.
pub(super) fn key_status(index: usize) -> &'static str {
    ["ACTIVE", "NEXT"].get(index).copied().unwrap_or("EXPIRED")
}

fn show_key(org: &Org, server: &Server, index: usize, key: &LazyKey) -> Value {
    let url = format!("{}/api/v1/authorizationServers/{}/credentials/keys/{}", org.base(), server.alias(), key.kid);
    let mut jwk = key.jwk();
    jwk["status"] = json!(key_status(index));
    jwk["_links"] = json!({"self": {"href": url, "hints": {"allow": ["GET"]}}});
    jwk
}

/// The keys are cloned out of the lock: making one takes a while.
async fn keys(State(org): State<Arc<Org>>, Path(id): Path<String>) -> Answer {
    let server = org.data().server(&id)?.clone();
    whole(server.keys.iter().enumerate().map(|(index, key)| show_key(&org, &server, index, key)).collect())
}

async fn one_key(State(org): State<Arc<Org>>, Path((id, kid)): Path<(String, String)>) -> Answer {
    let server = org.data().server(&id)?.clone();
    let mut keys = server.keys.iter().enumerate();
    let found = keys.find(|(_, key)| key.kid == kid).ok_or_else(|| Problem::not_found(&kid, "JsonWebKey"))?;
    ok(show_key(&org, &server, found.0, found.1))
}

async fn rotate(State(org): State<Arc<Org>>, cx: Cx, Path(id): Path<String>, Input(input): Input) -> Answer {
    if input["use"] != "sig" {
        return Err(Problem::invalid("rotateKeys", ["Invalid value specified for key 'use' parameter."]));
    }
    let now = org.now();
    let server = {
        let mut data = org.data();
        let server = data.server_mut(&id)?;
        let old = server.keys.remove(0);
        server.keys.insert(1, LazyKey::new());
        server.keys.insert(2, old);
        server.rotated = now;
        let server = server.clone();
        log::add(&org, &mut data, &cx, "app.oauth2.as.key.rollover", vec![server_target(&server)]);
        server
    };
    whole(server.keys.iter().enumerate().map(|(index, key)| show_key(&org, &server, index, key)).collect())
}
