//! App role assignments: of a resource (`appRoleAssignedTo`) and of a user, group or service principal
//! (`appRoleAssignments`).

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{delete, get};
use serde_json::{Map, Value};

use super::access::Right;
use super::context::{Cx, Input, created, entity, no_content};
use super::data::{DEFAULT_ROLE, Data, RoleAssignment};
use super::error::{Answer, Problem};
use super::lists::List;
use super::{Tenant, ids, show};

pub(super) fn routes() -> Router<Arc<Tenant>> {
    let mut routes = Router::new();
    for path in ["servicePrincipals/{id}/appRoleAssignedTo", "servicePrincipals/{id}/appRoleAssignments"] {
        routes = routes
            .route(&format!("/v1.0/{path}"), get(of_principal).post(create))
            .route(&format!("/v1.0/{path}/{{assignment}}"), delete(remove).get(read));
    }
    for path in ["users/{id}/appRoleAssignments", "groups/{id}/appRoleAssignments"] {
        routes = routes
            .route(&format!("/v1.0/{path}"), get(of_member).post(create))
            .route(&format!("/v1.0/{path}/{{assignment}}"), delete(remove).get(read));
    }
    routes
}

const FILTERS: [&str; 4] = ["id", "principalId", "resourceId", "appRoleId"];

fn listed(data: &Data, cx: &Cx, of: &str, of_them: impl Fn(&RoleAssignment) -> bool) -> Answer {
    let list = List { of, filters: &FILTERS };
    let filter = list.filter(cx)?;
    list.answer(
        cx,
        data.role_assignments.iter().map(|(id, assignment)| (id.as_str(), assignment)),
        |assignment| {
            data.replicated(&assignment.id)
                && of_them(assignment)
                && filter.as_ref().is_none_or(|filter| {
                    let shown = show::role_assignment(data, assignment);
                    filter.fits(&|name| shown[name].clone())
                })
        },
        |assignment| show::role_assignment(data, assignment),
    )
}

/// Whether a path is about what a resource has given, not what a principal has got.
fn given(cx: &Cx) -> bool {
    cx.path.contains("/appRoleAssignedTo")
}

async fn of_principal(State(tenant): State<Arc<Tenant>>, Path(segment): Path<String>, cx: Cx) -> Answer {
    let data = tenant.data();
    let principal = data.principal(&segment)?;
    cx.who.reads_roles(principal)?;
    let id = &principal.id;
    if given(&cx) {
        let of = format!("servicePrincipals('{id}')/appRoleAssignedTo");
        listed(&data, &cx, &of, |assignment| assignment.resource == *id)
    } else {
        let of = format!("servicePrincipals('{id}')/appRoleAssignments");
        listed(&data, &cx, &of, |assignment| assignment.principal == *id)
    }
}

async fn of_member(State(tenant): State<Arc<Tenant>>, Path(segment): Path<String>, cx: Cx) -> Answer {
    let data = tenant.data();
    let id = match data.user(&segment) {
        Some(user) => user.id.clone(),
        None => segment,
    };
    let users = data.users.contains_key(&id);
    if !users && !data.groups.contains_key(&id) {
        return Err(Problem::not_found(&id));
    }
    if cx.who.need(Right::WriteRoles).is_err() {
        cx.who.need(if users { Right::ReadUsers } else { Right::ReadGroups })?;
    }
    let of = format!("{}('{id}')/appRoleAssignments", if users { "users" } else { "groups" });
    listed(&data, &cx, &of, |assignment| assignment.principal == id)
}

async fn read(State(tenant): State<Arc<Tenant>>, Path((_, id)): Path<(String, String)>, cx: Cx) -> Answer {
    let data = tenant.data();
    let found = data.role_assignments.get(&id).filter(|assignment| data.seen(&assignment.id));
    let found = found.ok_or_else(|| Problem::not_found(&id))?;
    if let Some(resource) = data.service_principals.get(&found.resource) {
        cx.who.reads_roles(resource)?;
    }
    entity("appRoleAssignments", show::role_assignment(&data, found))
}

async fn create(State(tenant): State<Arc<Tenant>>, Path(segment): Path<String>, cx: Cx, Input(body): Input) -> Answer {
    cx.who.need(Right::WriteRoles)?;
    let mut data = tenant.data();
    let (principal, resource) = (text(&body, "principalId")?, text(&body, "resourceId")?);
    let role = text(&body, "appRoleId")?;
    let of_principal = cx.path.starts_with("/servicePrincipals");
    let owner = match data.user(&segment) {
        Some(user) if !of_principal => user.id.clone(),
        _ if of_principal => data.principal(&segment)?.id.clone(),
        _ if data.groups.contains_key(&segment) => segment,
        _ => return Err(Problem::not_found(&segment)),
    };
    if owner != *(if given(&cx) { &resource } else { &principal }) {
        return Err(Problem::bad("One or more property values specified are invalid."));
    }
    let replicated = |id: &str| data.replicated(id);
    let found = data.service_principals.get(&resource).filter(|found| replicated(&found.id));
    let found = found.ok_or_else(|| Problem::no_reference(&resource))?;
    let roles = data.roles_of(found);
    let is_group = data.groups.contains_key(&principal);
    let is_person = data.users.contains_key(&principal) || is_group;
    let is_app = data.service_principals.contains_key(&principal);
    if !(is_person || is_app) || !replicated(&principal) {
        return Err(Problem::no_reference(&principal));
    }
    let fits = |known: &Value| {
        let kind = if is_person { "User" } else { "Application" };
        let for_them = known["allowedMemberTypes"].as_array();
        known["id"] == role.as_str()
            && known["isEnabled"] == true
            && for_them.into_iter().flatten().any(|allowed| allowed == kind)
    };
    // People may have "default access" where the resource has no role for them.
    let for_people =
        |known: &Value| known["allowedMemberTypes"].as_array().into_iter().flatten().any(|allowed| allowed == "User");
    let default = role == DEFAULT_ROLE && !roles.iter().any(for_people);
    if !default && !roles.iter().any(fits) {
        let text = format!("Permission being assigned was not found on application '{}'.", found.app_id);
        return Err(Problem::bad(text).detail("InvalidUpdate", "appRoleId"));
    }
    let there = data
        .role_assignments
        .values()
        .any(|known| known.principal == principal && known.resource == resource && known.role == role);
    if there {
        return Err(
            Problem::bad("Permission being assigned already exists on the object").detail("InvalidUpdate", "id")
        );
    }
    let id = ids::role_assignment(&principal);
    let assignment = RoleAssignment { id, principal, resource, role, created: tenant.now() };
    let mut shown = show::role_assignment(&data, &assignment);
    shown["createdDateTime"] = Value::from(ids::precise_time(assignment.created));
    cx.hide(&mut data, &assignment.id);
    data.role_assignments.insert(assignment.id.clone(), assignment);
    created("appRoleAssignments", "AppRoleAssignment", shown)
}

async fn remove(State(tenant): State<Arc<Tenant>>, Path((_, id)): Path<(String, String)>, cx: Cx) -> Answer {
    cx.who.need(Right::WriteRoles)?;
    let mut data = tenant.data();
    if !data.replicated(&id) || data.role_assignments.remove(&id).is_none() {
        return Err(Problem::not_found(&id));
    }
    no_content()
}

fn text(body: &Map<String, Value>, name: &str) -> Result<String, Problem> {
    let found = body.get(name).and_then(Value::as_str).filter(|text| ids::is_guid(text));
    found.map(str::to_owned).ok_or_else(|| Problem::bad("One or more property values specified are invalid."))
}
