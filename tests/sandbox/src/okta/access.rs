//! Who may call the management API: the SSWS token of an administrator, or an access token of a service app, which needs
//! the scope **and** an admin role.

use axum::http::{HeaderMap, Method, header};

use super::Org;
use super::context::Principal;
use super::data::{App, Data, Role};
use super::dpop;
use super::error::Problem;

/// Scopes of the Okta APIs that can be granted, without `.read` and `.manage`.
pub(super) const AREAS: [&str; 13] = [
    "users",
    "groups",
    "apps",
    "appGrants",
    "authorizationServers",
    "clients",
    "eventHooks",
    "logs",
    "apiTokens",
    "policies",
    "roles",
    "rateLimits",
    "principalRateLimits",
];

/// The part of the API that a path belongs to, as its scopes name it.
fn area(path: &str) -> Option<&'static str> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let name = match parts.as_slice() {
        ["api", "v1", "apps", _, "grants", ..] => "appGrants",
        ["api", "v1", "api-tokens", ..] => "apiTokens",
        ["api", "v1", "principal-rate-limits", ..] => "principalRateLimits",
        ["api", "v1", "rate-limit-settings", ..] => "rateLimits",
        ["oauth2", "v1", "clients", _, "roles", ..] => "roles",
        ["oauth2", "v1", "clients", ..] => "clients",
        ["api", "v1", name, ..] => name,
        _ => return None,
    };
    AREAS.iter().find(|area| **area == name).copied()
}

/// Whether a role lets its holder into an area. Standard roles as Okta's comparison table names them; what it leaves
/// open is decided for the narrower side.
fn allows(role: &Role, area: &str, write: bool) -> bool {
    let reads = |areas: &[&str]| !write && areas.contains(&area);
    match role.kind.as_str() {
        "SUPER_ADMIN" => true,
        "ORG_ADMIN" => !matches!(area, "roles" | "appGrants" | "eventHooks"),
        "READ_ONLY_ADMIN" => !write && area != "eventHooks",
        "API_ACCESS_MANAGEMENT_ADMIN" => {
            matches!(area, "apps" | "authorizationServers" | "clients")
                || reads(&["groups", "users", "logs", "policies"])
        }
        "APP_ADMIN" => matches!(area, "apps" | "clients") || reads(&["groups", "users", "logs", "policies"]),
        "GROUP_MEMBERSHIP_ADMIN" | "USER_ADMIN" => matches!(area, "groups" | "users") || reads(&["logs"]),
        "HELP_DESK_ADMIN" | "REPORT_ADMIN" => reads(&["groups", "users", "logs"]),
        "CUSTOM" => role.permissions.iter().any(|permission| {
            let (name, level) = permission.rsplit_once('.').unwrap_or((permission, ""));
            let name = name.trim_start_matches("okta.");
            let name = if name == "authzServers" { "authorizationServers" } else { name };
            name.eq_ignore_ascii_case(area) && (level == "manage" || (level == "read" && !write))
        }),
        _ => false,
    }
}

/// Whether this path of the management API needs a credential.
pub(super) fn is_management(path: &str) -> bool {
    path.starts_with("/api/v1") || path.starts_with("/oauth2/v1/clients")
}

/// Judges a call of the management API.
pub(super) fn check(org: &Org, method: &Method, path: &str, headers: &HeaderMap) -> Result<Principal, Problem> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((scheme, token)) = value.and_then(|value| value.split_once(' ')) else {
        return Err(Problem::bad_token());
    };
    match scheme.to_ascii_lowercase().as_str() {
        "ssws" => {
            let mut data = org.data();
            let now = org.now();
            let known =
                data.api_tokens.values_mut().find(|known| known.value == token).ok_or_else(Problem::bad_token)?;
            // The window of 30 days slides with use.
            known.stamp.updated = now;
            Ok(Principal::Token(known.id.clone()))
        }
        "bearer" | "dpop" => service(org, method, path, headers, scheme, token),
        _ => Err(Problem::bad_token()),
    }
}

fn service(
    org: &Org,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    scheme: &str,
    token: &str,
) -> Result<Principal, Problem> {
    let jti = org.org_token(token).ok_or_else(Problem::bad_token)?;
    let known = org.data().access_tokens.get(&jti).cloned();
    let known = known.filter(|known| !known.revoked && known.server.is_none()).ok_or_else(Problem::bad_token)?;
    match (&known.thumbprint, scheme.eq_ignore_ascii_case("dpop")) {
        (Some(thumbprint), true) => {
            let challenge = |text: &str| {
                Problem::new(401, "E0000011", "Invalid token provided").with(
                    "www-authenticate",
                    format!("DPoP algs=\"RS256 RS384 RS512 ES256 ES384\", error=\"invalid_dpop_proof\", error_description=\"{text}\""),
                )
            };
            let urls = org.urls(headers, path);
            let proof = dpop::check(org, headers, method, &urls).map_err(|text| challenge(&text))?;
            if proof.access_token_hash.as_deref() != Some(super::ids::sha256_url(token).as_str()) {
                return Err(challenge("The DPoP proof JWT ath claim doesn't match the access token."));
            }
            if proof.thumbprint != *thumbprint {
                return Err(challenge(
                    "The DPoP proof JWT isn't signed with the key that the access token is bound to.",
                ));
            }
        }
        (None, false) => {}
        _ => return Err(Problem::bad_token()),
    }
    let data = org.data();
    let app = data.apps.get(&known.app).filter(|app| app.active).ok_or_else(Problem::bad_token)?;
    let area = area(path).ok_or_else(|| Problem::of_status(404))?;
    let write = !matches!(*method, Method::GET | Method::HEAD);
    let scope = |level: &str| known.scopes.iter().any(|scope| *scope == format!("okta.{area}.{level}"));
    // Only a session of an administrator grants scopes, whatever the token's scopes are.
    if area == "appGrants" && write {
        return Err(Problem::new(403, "E0000005", "Invalid session"));
    }
    if !(scope("manage") || (!write && scope("read"))) || !app.roles.iter().any(|role| allows(role, area, write)) {
        return Err(Problem::forbidden());
    }
    drop(data);
    Ok(Principal::App(known.app))
}

/// Whether the caller may change this app: the API Access Management role covers OpenID Connect clients only.
pub(super) fn may_change_app(data: &Data, who: Option<&Principal>, app: &App) -> Result<(), Problem> {
    let Some(Principal::App(id)) = who else { return Ok(()) };
    let narrow = |role: &Role| role.kind == "API_ACCESS_MANAGEMENT_ADMIN";
    let wide = data
        .apps
        .get(id)
        .is_some_and(|caller| caller.roles.iter().any(|role| !narrow(role) && allows(role, "apps", true)));
    if app.is_oidc() || wide { Ok(()) } else { Err(Problem::forbidden()) }
}
