//! What a service app may do: granted Okta API scopes (`/api/v1/apps/{app}/grants`) and admin roles
//! (`/oauth2/v1/clients/{client}/roles`). A token needs both.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;

use super::access::AREAS;
use super::apps::app_target;
use super::context::{Cx, Input, created, list as whole, no_content, ok};
use super::data::{Grant, Role, Stamp};
use super::error::{Answer, Problem};
use super::log::{self, target};
use super::{Org, ids, show};

pub(super) fn routes() -> Router<Arc<Org>> {
    Router::new()
        .route("/api/v1/apps/{app}/grants", get(grants).post(grant))
        .route("/api/v1/apps/{app}/grants/{grant}", get(one_grant).delete(revoke))
        .route("/oauth2/v1/clients/{client}/roles", get(roles).post(assign))
        .route("/oauth2/v1/clients/{client}/roles/{role}", get(one_role).delete(unassign))
}

async fn grants(State(org): State<Arc<Org>>, Path(id): Path<String>) -> Answer {
    let data = org.data();
    let app = data.app(&id)?;
    whole(app.grants.iter().map(|(grant_id, grant)| show::grant(&org, app, grant_id, grant)).collect())
}

async fn one_grant(State(org): State<Arc<Org>>, Path((id, grant)): Path<(String, String)>) -> Answer {
    let data = org.data();
    let app = data.app(&id)?;
    let found = app.grants.get(&grant).ok_or_else(|| Problem::not_found(&grant, "OAuth2ScopeConsentGrant"))?;
    ok(show::grant(&org, app, &grant, found))
}

/// Grants a scope. The same scope again answers the grant there is (UNCONFIRMED).
async fn grant(State(org): State<Arc<Org>>, cx: Cx, Path(id): Path<String>, Input(input): Input) -> Answer {
    let now = org.now();
    let scope = input["scopeId"].as_str().unwrap_or_default();
    let known = scope.strip_prefix("okta.").and_then(|rest| rest.rsplit_once('.'));
    if !known.is_some_and(|(area, level)| AREAS.contains(&area) && matches!(level, "read" | "manage")) {
        return Err(Problem::invalid("scopeId", ["scopeId: 'scopeId' is invalid."]));
    }
    if input["issuer"] != org.base() {
        return Err(Problem::invalid("issuer", ["issuer: 'issuer' is invalid."]));
    }
    let mut data = org.data();
    let app = data.app_mut(&id)?;
    let known = app.grants.iter().find(|(_, grant)| grant.scope == scope).map(|(id, _)| id.clone());
    let grant_id = known.unwrap_or_else(|| ids::id("oag"));
    let grant = Grant { scope: scope.to_owned(), stamp: Stamp::new(now) };
    let stored = app.grants.entry(grant_id.clone()).or_insert(grant).clone();
    let shown = show::grant(&org, app, &grant_id, &stored);
    let targets = vec![app_target(app), target("OAuth2ScopeConsentGrant", &grant_id, scope)];
    log::add(&org, &mut data, &cx, "app.oauth2.as.consent.grant", targets);
    created(shown)
}

async fn revoke(State(org): State<Arc<Org>>, cx: Cx, Path((id, grant)): Path<(String, String)>) -> Answer {
    let mut data = org.data();
    let app = data.app_mut(&id)?;
    let gone = app.grants.remove(&grant).ok_or_else(|| Problem::not_found(&grant, "OAuth2ScopeConsentGrant"))?;
    let targets = vec![app_target(app), target("OAuth2ScopeConsentGrant", &grant, &gone.scope)];
    log::add(&org, &mut data, &cx, "app.oauth2.as.consent.revoke", targets);
    no_content()
}

/// The id of the app behind an OAuth client id.
fn app_id(data: &super::Data, client: &str) -> Result<String, Problem> {
    let app = data.client(client).ok_or_else(|| Problem::not_found(client, "OAuth2ClientApp"))?;
    Ok(app.id.clone())
}

async fn roles(State(org): State<Arc<Org>>, Path(client): Path<String>) -> Answer {
    let data = org.data();
    let app = data.app(&app_id(&data, &client)?)?;
    whole(app.roles.iter().map(|role| show::role(&org, app, role)).collect())
}

async fn one_role(State(org): State<Arc<Org>>, Path((client, id)): Path<(String, String)>) -> Answer {
    let data = org.data();
    let app = data.app(&app_id(&data, &client)?)?;
    let found = app.roles.iter().find(|role| role.id == id);
    ok(show::role(&org, app, found.ok_or_else(|| Problem::not_found(&id, "RoleAssignment"))?))
}

/// Standard roles; custom ones need role and resource-set objects that are not stood in for.
async fn assign(State(org): State<Arc<Org>>, cx: Cx, Path(client): Path<String>, Input(input): Input) -> Answer {
    const LABELS: [(&str, &str); 10] = [
        ("SUPER_ADMIN", "Super Administrator"),
        ("ORG_ADMIN", "Organization Administrator"),
        ("APP_ADMIN", "Application Administrator"),
        ("API_ACCESS_MANAGEMENT_ADMIN", "API Access Management Administrator"),
        ("READ_ONLY_ADMIN", "Read-Only Administrator"),
        ("REPORT_ADMIN", "Report Administrator"),
        ("HELP_DESK_ADMIN", "Help Desk Administrator"),
        ("USER_ADMIN", "Group Administrator"),
        ("GROUP_MEMBERSHIP_ADMIN", "Group Membership Administrator"),
        ("MOBILE_ADMIN", "Mobile Administrator"),
    ];
    let kind = input["type"].as_str().unwrap_or_default();
    if kind == "CUSTOM" {
        return Err(Problem::unsupported());
    }
    let Some((_, label)) = LABELS.iter().find(|(known, _)| *known == kind) else {
        return Err(Problem::invalid("type", ["type: The role specified does not exist"]));
    };
    let now = org.now();
    let mut data = org.data();
    let id = app_id(&data, &client)?;
    let app = data.app_mut(&id)?;
    let role = Role {
        id: ids::base32(kind),
        kind: kind.to_owned(),
        label: (*label).to_owned(),
        permissions: Vec::new(),
        created: now,
    };
    if app.roles.iter().any(|known| known.id == role.id) {
        return Err(Problem::new(409, "E0000090", "The role specified is already assigned to the user."));
    }
    let shown = show::role(&org, app, &role);
    let targets = vec![app_target(app), target("ROLE", &role.id, label)];
    app.roles.push(role);
    log::add(&org, &mut data, &cx, "app.oauth2.client.privilege.grant", targets);
    created(shown)
}

async fn unassign(State(org): State<Arc<Org>>, cx: Cx, Path((client, id)): Path<(String, String)>) -> Answer {
    let mut data = org.data();
    let app_id = app_id(&data, &client)?;
    let app = data.app_mut(&app_id)?;
    let at = app.roles.iter().position(|role| role.id == id);
    let role = app.roles.remove(at.ok_or_else(|| Problem::not_found(&id, "RoleAssignment"))?);
    let targets = vec![app_target(app), target("ROLE", &role.id, &role.label)];
    log::add(&org, &mut data, &cx, "app.oauth2.client.privilege.revoke", targets);
    no_content()
}
