//! Discovery documents and keys.
//!
//! That `sts.windows.net` itself serves the document of its issuer is UNCONFIRMED (public configurations use it as an
//! issuer's address): [`TenantOptions::sts_host_serves_discovery`](super::super::TenantOptions) decides.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::super::Tenant;
use super::error::Refusal;
use super::{Realm, Version, issuer_v1, issuer_v2};
use crate::seed::{ENTRA_TENANT, LOGIN_HOST, STS_WINDOWS_HOST};

pub(super) fn routes() -> Router<Arc<Tenant>> {
    Router::new()
        .route("/{tenant}/.well-known/openid-configuration", get(v1))
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(v2))
        .route("/{tenant}/discovery/keys", get(keys_v1))
        .route("/{tenant}/discovery/v2.0/keys", get(keys_v2))
}

async fn v1(State(tenant): State<Arc<Tenant>>, headers: HeaderMap, Path(name): Path<String>) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if host.eq_ignore_ascii_case(STS_WINDOWS_HOST) && !tenant.options().sts_host_serves_discovery {
        return StatusCode::NOT_FOUND.into_response();
    }
    answer(&name, Version::V1)
}

async fn v2(Path(name): Path<String>) -> Response {
    answer(&name, Version::V2)
}

fn answer(name: &str, version: Version) -> Response {
    match Realm::of(name) {
        Ok(realm) => Json(document(realm, name, version)).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn keys_v1(State(tenant): State<Arc<Tenant>>, Path(name): Path<String>) -> Result<Json<Value>, Refusal> {
    Realm::of(&name)?;
    Ok(Json(json!({"keys": [tenant.key.jwk(None)]})))
}

async fn keys_v2(State(tenant): State<Arc<Tenant>>, Path(name): Path<String>) -> Result<Json<Value>, Refusal> {
    Realm::of(&name)?;
    Ok(Json(json!({"keys": [tenant.key.jwk(Some(&issuer_v2()))]})))
}

/// The document of a realm. Whatever name a tenant is asked by, the document has its id; those of `common` and
/// `organizations` have a placeholder in the issuer.
fn document(realm: Realm, name: &str, version: Version) -> Value {
    let segment = if realm == Realm::Tenant { ENTRA_TENANT } else { name };
    let base = format!("https://{LOGIN_HOST}/{segment}");
    let issuer = match version {
        Version::V1 => issuer_v1(),
        Version::V2 => issuer_v2(),
    };
    let issuer = if realm == Realm::Tenant { issuer } else { issuer.replace(ENTRA_TENANT, "{tenantid}") };
    let mut document = json!({
        "issuer": issuer,
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "tenant_region_scope": "NA",
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
        "rbac_url": "https://pas.windows.net",
    });
    let (part, keys) = match version {
        Version::V1 => ("oauth2", "discovery/keys"),
        Version::V2 => ("oauth2/v2.0", "discovery/v2.0/keys"),
    };
    for (member, path) in [
        ("authorization_endpoint", format!("{part}/authorize")),
        ("token_endpoint", format!("{part}/token")),
        ("device_authorization_endpoint", format!("{part}/devicecode")),
        ("end_session_endpoint", format!("{part}/logout")),
        ("jwks_uri", keys.to_owned()),
    ] {
        document[member] = json!(format!("{base}/{path}"));
    }
    match version {
        Version::V1 => {
            document["response_types_supported"] =
                json!(["code", "id_token", "code id_token", "token id_token", "token"]);
            document["scopes_supported"] = json!(["openid"]);
            document["claims_supported"] = json!([
                "sub",
                "iss",
                "cloud_instance_name",
                "cloud_instance_host_name",
                "cloud_graph_host_name",
                "msgraph_host",
                "aud",
                "exp",
                "iat",
                "auth_time",
                "acr",
                "amr",
                "nonce",
                "email",
                "given_name",
                "family_name",
                "nickname"
            ]);
            document["microsoft_multi_refresh_token"] = json!(true);
            document["userinfo_endpoint"] = json!(format!("https://{LOGIN_HOST}/{segment}/openid/userinfo"));
        }
        Version::V2 => {
            document["response_types_supported"] = json!(["code", "id_token", "code id_token", "id_token token"]);
            document["scopes_supported"] = json!(["openid", "profile", "email", "offline_access"]);
            document["claims_supported"] = json!([
                "sub",
                "iss",
                "cloud_instance_name",
                "cloud_instance_host_name",
                "cloud_graph_host_name",
                "msgraph_host",
                "aud",
                "exp",
                "iat",
                "auth_time",
                "acr",
                "nonce",
                "preferred_username",
                "name",
                "tid",
                "ver",
                "at_hash",
                "c_hash",
                "email"
            ]);
            document["request_uri_parameter_supported"] = json!(false);
            document["userinfo_endpoint"] = json!("https://graph.microsoft.com/oidc/userinfo");
        }
    }
    document
}
