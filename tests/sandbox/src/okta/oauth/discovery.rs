//! Discovery documents of the org and of its authorization servers, without authentication and without rate limit.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::super::Org;
use super::super::access::AREAS;
use super::super::context::{Cx, ok};
use super::super::data::Data;
use super::super::error::{Answer, Problem};
use super::super::seed::ORG_ID;
use super::{active_server, issuer};

pub(super) fn routes() -> Router<Arc<Org>> {
    Router::new()
        .route("/.well-known/okta-organization", get(organization))
        .route("/.well-known/{document}", get(of_org))
        .route("/.well-known/{document}/oauth2/{server}", get(of_server_rfc8414))
        .route("/oauth2/{server}/.well-known/{document}", get(of_server))
}

async fn organization(State(org): State<Arc<Org>>) -> Answer {
    ok(json!({"id": ORG_ID, "cell": "ok1", "_links": {"organization": {"href": org.base()}}, "pipeline": "idx",
        "settings": {"analyticsCollectionEnabled": false, "bugReportingEnabled": true, "omEnabled": false,
            "pssoEnabled": false, "desktopMFAEnabled": false, "itpEnabled": false}}))
}

/// A bad `client_id` is answered in the management API's shape.
fn check_client(data: &Data, cx: &Cx) -> Result<(), Problem> {
    match cx.arg("client_id") {
        Some(id) if data.client(id).is_none() => {
            Err(Problem::new(400, "invalid_client", "Invalid value for `client_id` parameter"))
        }
        _ => Ok(()),
    }
}

fn is_oidc(document: &str) -> Result<bool, Problem> {
    match document {
        "openid-configuration" => Ok(true),
        "oauth-authorization-server" => Ok(false),
        _ => Err(Problem::of_status(404)),
    }
}

async fn of_org(State(org): State<Arc<Org>>, cx: Cx, Path(document): Path<String>) -> Answer {
    let oidc = is_oidc(&document)?;
    check_client(&org.data(), &cx)?;
    let mut scopes: Vec<String> =
        ["openid", "email", "profile", "address", "phone", "offline_access", "groups"].map(str::to_owned).to_vec();
    if !oidc {
        let api = AREAS.iter().flat_map(|area| ["manage", "read"].map(|level| format!("okta.{area}.{level}")));
        scopes.splice(0..0, api);
    }
    let base = org.base();
    ok(metadata(&base, &base, &format!("{base}/oauth2"), scopes, oidc))
}

async fn of_server_rfc8414(
    State(org): State<Arc<Org>>,
    cx: Cx,
    Path((document, server)): Path<(String, String)>,
) -> Answer {
    of_server(State(org), cx, Path((server, document))).await
}

async fn of_server(State(org): State<Arc<Org>>, cx: Cx, Path((server, document)): Path<(String, String)>) -> Answer {
    let oidc = is_oidc(&document)?;
    let data = org.data();
    let server = active_server(&data, &server)?;
    check_client(&data, &cx)?;
    // Only what is published: this is how a scope can be seen from outside.
    let published =
        server.scopes.iter().filter(|(id, scope)| scope["metadataPublish"] == "ALL_CLIENTS" && data.seen(id));
    let scopes = published.filter_map(|(_, scope)| scope["name"].as_str()).map(str::to_owned).collect();
    let issuer = issuer(&org, server, Some(&cx.headers));
    ok(metadata(&org.base(), &issuer, &issuer, scopes, oidc))
}

fn metadata(base: &str, issuer: &str, endpoints: &str, scopes: Vec<String>, oidc: bool) -> Value {
    const METHODS: [&str; 5] =
        ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"];
    const ID_CLAIMS: [&str; 31] = [
        "iss",
        "ver",
        "sub",
        "aud",
        "iat",
        "exp",
        "jti",
        "auth_time",
        "amr",
        "idp",
        "nonce",
        "name",
        "nickname",
        "preferred_username",
        "given_name",
        "middle_name",
        "family_name",
        "email",
        "email_verified",
        "profile",
        "zoneinfo",
        "locale",
        "address",
        "phone_number",
        "picture",
        "website",
        "gender",
        "birthdate",
        "updated_at",
        "at_hash",
        "c_hash",
    ];
    let endpoint = |name: &str| format!("{endpoints}/v1/{name}");
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": endpoint("authorize"),
        "token_endpoint": endpoint("token"),
        "registration_endpoint": format!("{base}/oauth2/v1/clients"),
        "jwks_uri": endpoint("keys"),
        "response_types_supported":
            ["code", "token", "id_token", "code id_token", "code token", "id_token token", "code id_token token"],
        "response_modes_supported": ["query", "fragment", "form_post", "okta_post_message"],
        "grant_types_supported": ["authorization_code", "implicit", "refresh_token", "password", "client_credentials",
            "urn:ietf:params:oauth:grant-type:device_code"],
        "subject_types_supported": ["public"],
        "scopes_supported": scopes,
        "token_endpoint_auth_methods_supported": METHODS,
        "claims_supported": ["ver", "jti", "iss", "aud", "iat", "exp", "cid", "uid", "scp", "sub"],
        "code_challenge_methods_supported": ["S256"],
        "introspection_endpoint": endpoint("introspect"),
        "introspection_endpoint_auth_methods_supported": METHODS,
        "revocation_endpoint": endpoint("revoke"),
        "revocation_endpoint_auth_methods_supported": METHODS,
        "end_session_endpoint": endpoint("logout"),
        "request_parameter_supported": true,
        "request_object_signing_alg_values_supported":
            ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512"],
        "device_authorization_endpoint": endpoint("device/authorize"),
        "pushed_authorization_request_endpoint": endpoint("par"),
        "dpop_signing_alg_values_supported": ["RS256", "RS384", "RS512", "ES256", "ES384"],
    });
    if oidc {
        document["userinfo_endpoint"] = json!(endpoint("userinfo"));
        document["id_token_signing_alg_values_supported"] = json!(["RS256"]);
        document["claims_supported"] = json!(ID_CLAIMS);
    }
    document
}
