//! Tokens, exactly as the resource's application says (Microsoft identity platform: "Access tokens", "Access token claims
//! reference", "Optional claims reference").
//!
//! | | version 1 (`requestedAccessTokenVersion` null or 1) | version 2 |
//! |---|---|---|
//! | `iss` | `https://sts.windows.net/{tenant}/` | `https://login.microsoftonline.com/{tenant}/v2.0` |
//! | `aud` | the resource as the client named it, or its client id | always its client id |
//! | client | `appid`, `appidacr` | `azp`, `azpacr` |
//! | person | `unique_name`, `upn` of members | `name`, `preferred_username` with `profile`; `upn` only as an optional claim |
//! | header | `x5t` and `kid` | `kid` |
//!
//! Optional claims are those of the resource, never of the client. Guests have no `upn` unless the optional claim says
//! so with `include_externally_authenticated_upn`.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::super::Tenant;
use super::super::data::{Application, ServicePrincipal, User, texts};
use super::client_auth::Proof;
use super::scopes::{Asked, Resource};
use super::{Version, issuer_v1, issuer_v2};
use crate::seed::ENTRA_TENANT;

/// How far back `iat` and `nbf` are dated, so that slow clocks take the token (seen in real tokens).
const BACKDATED: i64 = 300;

/// For whom and what an access token is made.
pub(super) struct Order<'a> {
    pub client: &'a Application,
    pub principal: &'a ServicePrincipal,
    pub proof: Proof,
    pub resource: &'a Resource,
    pub asked: &'a Asked,
    pub lifetime: Duration,
}

/// An access token for a person: `scp` is what the client may do for them.
pub(super) fn for_user(tenant: &Tenant, order: &Order<'_>, user: &User, scopes: &[String], roles: &[String]) -> String {
    let (version, mut claims) = common(order);
    let upn = upn_of(user, order.resource.app.as_ref(), "accessToken", version);
    claims.insert("oid".to_owned(), json!(user.id));
    claims.insert("sub".to_owned(), json!(pairwise(user, &order.resource.principal.app_id)));
    claims.insert("sid".to_owned(), json!(Uuid::new_v4().to_string()));
    claims.insert("scp".to_owned(), json!(scopes.join(" ")));
    if !roles.is_empty() {
        claims.insert("roles".to_owned(), json!(roles));
    }
    let mut add = |name: &str, value: Value| {
        if !value.is_null() {
            claims.insert(name.to_owned(), value);
        }
    };
    add("upn", json!(upn));
    let optional = |name: &str| optional(order.resource.app.as_ref(), "accessToken", name).is_some();
    if user.is_guest() || optional("email") {
        add("email", json!(user.mail()));
    }
    match version {
        Version::V1 => {
            add("acr", json!("1"));
            add("amr", json!(["pwd"]));
            add("ipaddr", json!("203.0.113.10"));
            add("name", user.shown["displayName"].clone());
            add("unique_name", json!(display_login(user)));
            add("given_name", user.shown["givenName"].clone());
            add("family_name", user.shown["surname"].clone());
        }
        Version::V2 => {
            if order.asked.has("profile") {
                add("name", user.shown["displayName"].clone());
                add("preferred_username", json!(display_login(user)));
            }
            for (name, member) in [("given_name", "givenName"), ("family_name", "surname")] {
                if optional(name) {
                    add(name, user.shown[member].clone());
                }
            }
        }
    }
    sign(tenant, version, claims)
}

/// An access token for the client itself: `roles` is what it may do.
pub(super) fn for_client(tenant: &Tenant, order: &Order<'_>, roles: &[String]) -> String {
    let (version, mut claims) = common(order);
    claims.insert("oid".to_owned(), json!(order.principal.id));
    claims.insert("sub".to_owned(), json!(order.principal.id));
    let graph = order.resource.app.is_none();
    if graph {
        claims.insert("app_displayname".to_owned(), json!(order.client.name()));
    }
    if graph || optional(order.resource.app.as_ref(), "accessToken", "idtyp").is_some() {
        claims.insert("idtyp".to_owned(), json!("app"));
    }
    if !roles.is_empty() {
        claims.insert("roles".to_owned(), json!(roles));
    }
    if version == Version::V1 {
        claims.insert("idp".to_owned(), json!(issuer_v1()));
    }
    sign(tenant, version, claims)
}

/// An ID token in the form of the endpoint that was called. Its audience is the client.
pub(super) fn id_token(
    tenant: &Tenant,
    version: Version,
    client: &Application,
    asked: &Asked,
    user: &User,
    nonce: Option<&str>,
) -> String {
    let lifetime = Duration::from_secs(3600);
    let mut claims = base(version, &client.app_id, lifetime);
    let mut add = |name: &str, value: Value| {
        if !value.is_null() {
            claims.insert(name.to_owned(), value);
        }
    };
    add("sub", json!(pairwise(user, &client.app_id)));
    add("nonce", json!(nonce));
    add("upn", json!(upn_of(user, Some(client), "idToken", version)));
    if asked.has("email") || user.is_guest() || optional(Some(client), "idToken", "email").is_some() {
        add("email", json!(user.mail()));
    }
    match version {
        Version::V1 => {
            add("oid", json!(user.id));
            add("amr", json!(["pwd"]));
            add("name", user.shown["displayName"].clone());
            add("unique_name", json!(display_login(user)));
            add("given_name", user.shown["givenName"].clone());
            add("family_name", user.shown["surname"].clone());
        }
        Version::V2 if asked.has("profile") => {
            add("oid", json!(user.id));
            add("name", user.shown["displayName"].clone());
            add("preferred_username", json!(display_login(user)));
        }
        Version::V2 => {}
    }
    sign(tenant, version, claims)
}

/// The version that the resource asks for, and the claims that all access tokens of it have.
fn common(order: &Order<'_>) -> (Version, Map<String, Value>) {
    let app = order.resource.app.as_ref();
    let version = if app.is_some_and(|app| app.token_version() == 2) { Version::V2 } else { Version::V1 };
    let app_id = &order.resource.principal.app_id;
    let pinned = optional(app, "accessToken", "aud").is_some_and(|claim| says(claim, "use_guid"));
    let audience = if version == Version::V2 || pinned { app_id } else { &order.asked.resource };
    let mut claims = base(version, audience, order.lifetime);
    let (client, class) = match version {
        Version::V1 => ("appid", "appidacr"),
        Version::V2 => ("azp", "azpacr"),
    };
    claims.insert(client.to_owned(), json!(order.client.app_id));
    claims.insert(class.to_owned(), json!(order.proof.class()));
    claims.insert("aio".to_owned(), json!(opaque(48)));
    (version, claims)
}

/// Issuer, audience, times and ids. Times are the real clock's: others judge signatures and expiry by it.
fn base(version: Version, audience: &str, lifetime: Duration) -> Map<String, Value> {
    let now = Timestamp::now().as_second();
    let from = now - BACKDATED;
    let until = now.saturating_add_unsigned(lifetime.as_secs());
    let (issuer, name) = match version {
        Version::V1 => (issuer_v1(), "1.0"),
        Version::V2 => (issuer_v2(), "2.0"),
    };
    let claims = json!({
        "aud": audience, "iss": issuer, "iat": from, "nbf": from, "exp": until, "tid": ENTRA_TENANT, "ver": name,
        "uti": opaque(16), "rh": opaque(32),
    });
    match claims {
        Value::Object(claims) => claims,
        _ => Map::new(),
    }
}

fn sign(tenant: &Tenant, version: Version, claims: Map<String, Value>) -> String {
    tenant.key.sign(&Value::Object(claims), version == Version::V1)
}

/// `upn`, if the token has one: always for members in version 1, else as the optional claim says.
fn upn_of(user: &User, app: Option<&Application>, kind: &str, version: Version) -> Option<String> {
    let wanted = optional(app, kind, "upn");
    if !user.is_guest() {
        return (version == Version::V1 || wanted.is_some()).then(|| user.upn().to_owned());
    }
    let wanted = wanted?;
    if says(wanted, "include_externally_authenticated_upn_without_hash") {
        Some(user.upn().replace('#', "_"))
    } else {
        says(wanted, "include_externally_authenticated_upn").then(|| user.upn().to_owned())
    }
}

/// The name that a person signs in with: guests have one of their own organisation.
fn display_login(user: &User) -> &str {
    if user.is_guest() { user.mail().unwrap_or_else(|| user.upn()) } else { user.upn() }
}

/// An optional claim that an application asks for in tokens of this kind.
fn optional<'a>(app: Option<&'a Application>, kind: &str, name: &str) -> Option<&'a Value> {
    app?.shown["optionalClaims"][kind].as_array()?.iter().find(|claim| claim["name"] == name)
}

fn says(claim: &Value, property: &str) -> bool {
    texts(&claim["additionalProperties"]).any(|known| known == property)
}

/// A subject that is the same for one application only.
fn pairwise(user: &User, app_id: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{ENTRA_TENANT} {} {app_id}", user.id)))
}

/// A text that means nothing to its holder.
pub(super) fn opaque(bytes: usize) -> String {
    let random: Vec<u8> = std::iter::repeat_with(Uuid::new_v4).flat_map(Uuid::into_bytes).take(bytes).collect();
    URL_SAFE_NO_PAD.encode(random)
}
