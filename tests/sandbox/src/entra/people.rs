//! Users, groups and the organisation.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{delete, get, post};
use serde_json::{Value, json};

use super::access::Right;
use super::context::{Cx, Input, created, entity, no_content, number};
use super::data::{Data, Group};
use super::error::{Answer, Problem};
use super::lists::{List, Selection};
use super::owners::referred;
use super::{Tenant, ids, names, show};

pub(super) fn routes() -> Router<Arc<Tenant>> {
    Router::new()
        .route("/v1.0/users", get(users))
        .route("/v1.0/users/{id}", get(user).patch(change_user).delete(delete_user))
        .route("/v1.0/groups", get(groups).post(create_group))
        .route("/v1.0/groups/{id}", get(group).delete(delete_group))
        .route("/v1.0/groups/{id}/members", get(members))
        .route("/v1.0/groups/{id}/members/$count", get(count_members))
        .route("/v1.0/groups/{id}/members/microsoft.graph.user", get(member_users))
        .route("/v1.0/groups/{id}/members/$ref", post(add_member))
        .route("/v1.0/groups/{id}/members/{member}/$ref", delete(remove_member))
        .route("/v1.0/groups/{id}/transitiveMembers", get(transitive_members))
        .route("/v1.0/groups/{id}/transitiveMembers/$count", get(count_transitive_members))
        .route("/v1.0/groups/{id}/transitiveMembers/microsoft.graph.user", get(transitive_members))
        .route("/v1.0/organization", get(organization))
}

const USERS: List<'_> = List {
    of: "users",
    filters: &["id", "userPrincipalName", "mail", "displayName", "accountEnabled", "userType", "givenName", "surname"],
};

/// What reads of users show where nothing is selected.
const USER_DEFAULT: [&str; 11] = [
    "businessPhones",
    "displayName",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
];

fn shown_user(cx: &Cx, user: &super::data::User) -> Value {
    let shown = show::user(user);
    match (cx.arg("select"), shown) {
        (None, Value::Object(mut all)) => {
            all.retain(|name, _| USER_DEFAULT.contains(&name.as_str()));
            Value::Object(all)
        }
        (_, shown) => shown,
    }
}

async fn users(State(tenant): State<Arc<Tenant>>, cx: Cx) -> Answer {
    cx.who.need(Right::ReadUsers)?;
    let filter = USERS.filter(&cx)?;
    let data = tenant.data();
    USERS.answer(
        &cx,
        data.users.iter().map(|(id, user)| (id.as_str(), user)),
        |user| {
            filter.as_ref().is_none_or(|filter| {
                filter.fits(&|name| if name == "id" { json!(user.id) } else { user.shown[name].clone() })
            })
        },
        |user| shown_user(&cx, user),
    )
}

async fn user(State(tenant): State<Arc<Tenant>>, Path(name): Path<String>, cx: Cx) -> Answer {
    cx.who.need(Right::ReadUsers)?;
    let data = tenant.data();
    let user = data.user(&name).ok_or_else(|| Problem::not_found(&name))?;
    let select = Selection::of(&cx);
    entity(&select.context("users"), select.cut(shown_user(&cx, user)))
}

/// The properties that tests change: a person who leaves, or whose mail address or name changes.
async fn change_user(
    State(tenant): State<Arc<Tenant>>,
    Path(name): Path<String>,
    cx: Cx,
    Input(body): Input,
) -> Answer {
    const WRITABLE: [&str; 6] = ["accountEnabled", "displayName", "givenName", "surname", "mail", "userPrincipalName"];
    cx.who.need(Right::WriteUsers)?;
    let mut data = tenant.data();
    let id = data.user(&name).ok_or_else(|| Problem::not_found(&name))?.id.clone();
    if let Some(unknown) = body.keys().find(|name| !WRITABLE.contains(&name.as_str())) {
        return Err(Problem::bad(format!("Invalid property '{unknown}'.")));
    }
    if body.get("accountEnabled").is_some_and(|enabled| !enabled.is_boolean()) {
        return Err(Problem::bad("One or more property values specified are invalid."));
    }
    if let Some(user) = data.users.get_mut(&id) {
        for (name, value) in body {
            user.shown[name] = value;
        }
    }
    no_content()
}

async fn delete_user(State(tenant): State<Arc<Tenant>>, Path(name): Path<String>, cx: Cx) -> Answer {
    cx.who.need(Right::WriteUsers)?;
    let mut data = tenant.data();
    let id = data.user(&name).ok_or_else(|| Problem::not_found(&name))?.id.clone();
    data.users.remove(&id);
    for group in data.groups.values_mut() {
        group.members.remove(&id);
    }
    data.role_assignments.retain(|_, assignment| assignment.principal != id);
    data.grants.retain(|_, grant| grant.principal.as_deref() != Some(id.as_str()));
    no_content()
}

const GROUPS: List<'_> =
    List { of: "groups", filters: &["id", "displayName", "mailNickname", "mail", "securityEnabled", "mailEnabled"] };

async fn groups(State(tenant): State<Arc<Tenant>>, cx: Cx) -> Answer {
    cx.who.need(Right::ReadGroups)?;
    let filter = GROUPS.filter(&cx)?;
    let data = tenant.data();
    GROUPS.answer(
        &cx,
        data.groups.iter().map(|(id, group)| (id.as_str(), group)),
        |group| {
            data.replicated(&group.id)
                && filter.as_ref().is_none_or(|filter| {
                    filter.fits(&|name| if name == "id" { json!(group.id) } else { group.shown[name].clone() })
                })
        },
        show::group,
    )
}

fn find<'a>(data: &'a Data, id: &str) -> Result<&'a Group, Problem> {
    data.groups.get(id).filter(|group| data.replicated(&group.id)).ok_or_else(|| Problem::not_found(id))
}

async fn group(State(tenant): State<Arc<Tenant>>, Path(id): Path<String>, cx: Cx) -> Answer {
    cx.who.need(Right::ReadGroups)?;
    let data = tenant.data();
    let group = data.groups.get(&id).filter(|group| data.seen(&group.id)).ok_or_else(|| Problem::not_found(&id))?;
    let select = Selection::of(&cx);
    entity(&select.context("groups"), select.cut(show::group(group)))
}

async fn create_group(State(tenant): State<Arc<Tenant>>, cx: Cx, Input(body): Input) -> Answer {
    cx.who.need(Right::WriteGroups)?;
    let name = body.get("displayName").and_then(Value::as_str).filter(|name| !name.is_empty());
    let name =
        name.ok_or_else(|| Problem::bad("Property displayName is required.").detail("MissingValue", "displayName"))?;
    let shown = json!({
        "displayName": name, "description": body.get("description"), "mailNickname": body.get("mailNickname"),
        "mailEnabled": false, "mail": null, "securityEnabled": true, "groupTypes": [], "visibility": null,
        "isAssignableToRole": null, "onPremisesSyncEnabled": null, "createdDateTime": ids::time(tenant.now()),
        "deletedDateTime": null, "membershipRule": null, "proxyAddresses": [],
    });
    let group = Group { id: ids::guid(), shown, members: Default::default() };
    let shown = show::group(&group);
    let mut data = tenant.data();
    cx.hide(&mut data, &group.id);
    data.groups.insert(group.id.clone(), group);
    created("groups", "Group", shown)
}

async fn delete_group(State(tenant): State<Arc<Tenant>>, Path(id): Path<String>, cx: Cx) -> Answer {
    cx.who.need(Right::WriteGroups)?;
    let mut data = tenant.data();
    find(&data, &id)?;
    data.groups.remove(&id);
    for group in data.groups.values_mut() {
        group.members.remove(&id);
    }
    data.role_assignments.retain(|_, assignment| assignment.principal != id);
    no_content()
}

fn listed<'a>(data: &Data, cx: &Cx, of: &str, members: impl Iterator<Item = &'a String>) -> Answer {
    let list = List { of, filters: &[] };
    list.filter(cx)?;
    list.answer(
        cx,
        members.map(|id| (id.as_str(), id.as_str())),
        |_| true,
        |id| {
            let mut shown = show::directory_object(data, id).unwrap_or_default();
            if cx.who.need(Right::ReadUsers).is_err()
                && let Value::Object(all) = &mut shown
            {
                // Who may read memberships but not the members is told their type and id; the rest is null.
                let hidden = all.iter_mut().filter(|(name, _)| !matches!(name.as_str(), "@odata.type" | "id"));
                hidden.for_each(|(_, value)| *value = Value::Null);
            }
            if let (None, Value::Object(all)) = (cx.arg("select"), &mut shown)
                && data.users.contains_key(id)
            {
                all.retain(|name, _| name == "@odata.type" || USER_DEFAULT.contains(&name.as_str()));
            }
            shown
        },
    )
}

async fn members(State(tenant): State<Arc<Tenant>>, Path(id): Path<String>, cx: Cx) -> Answer {
    cx.who.need(Right::ReadMembers)?;
    let data = tenant.data();
    listed(&data, &cx, "directoryObjects", find(&data, &id)?.members.iter())
}

async fn member_users(State(tenant): State<Arc<Tenant>>, Path(id): Path<String>, cx: Cx) -> Answer {
    cx.who.need(Right::ReadMembers)?;
    let data = tenant.data();
    let users = find(&data, &id)?.members.iter().filter(|member| data.users.contains_key(*member));
    listed(&data, &cx, "users", users)
}

async fn transitive_members(State(tenant): State<Arc<Tenant>>, Path(id): Path<String>, cx: Cx) -> Answer {
    cx.who.need(Right::ReadMembers)?;
    let data = tenant.data();
    find(&data, &id)?;
    listed(&data, &cx, "directoryObjects", data.members_of(&id).iter())
}

/// `$count` of members is an advanced query.
fn eventual(cx: &Cx) -> Result<(), Problem> {
    if cx.eventual {
        return Ok(());
    }
    Err(Problem::new(400, "Request_UnsupportedQuery", "$count is not currently supported."))
}

async fn count_members(State(tenant): State<Arc<Tenant>>, Path(id): Path<String>, cx: Cx) -> Answer {
    cx.who.need(Right::ReadMembers)?;
    eventual(&cx)?;
    number(find(&tenant.data(), &id)?.members.len())
}

async fn count_transitive_members(State(tenant): State<Arc<Tenant>>, Path(id): Path<String>, cx: Cx) -> Answer {
    cx.who.need(Right::ReadMembers)?;
    eventual(&cx)?;
    let data = tenant.data();
    find(&data, &id)?;
    number(data.members_of(&id).len())
}

async fn add_member(State(tenant): State<Arc<Tenant>>, Path(id): Path<String>, cx: Cx, Input(body): Input) -> Answer {
    cx.who.need(Right::WriteGroups)?;
    let member = referred(&body)?;
    let mut data = tenant.data();
    find(&data, &id)?;
    if !(data.users.contains_key(&member) || data.groups.contains_key(&member)) {
        return Err(Problem::not_found(&member));
    }
    let fresh = data.groups.get_mut(&id).is_some_and(|group| group.members.insert(member));
    if fresh {
        return no_content();
    }
    let text = "One or more added object references already exist for the following modified properties: 'members'.";
    Err(Problem::bad(text))
}

async fn remove_member(
    State(tenant): State<Arc<Tenant>>,
    Path((id, member)): Path<(String, String)>,
    cx: Cx,
) -> Answer {
    cx.who.need(Right::WriteGroups)?;
    let mut data = tenant.data();
    find(&data, &id)?;
    let gone = data.groups.get_mut(&id).is_some_and(|group| group.members.remove(&member));
    if gone { no_content() } else { Err(Problem::not_found(&member)) }
}

async fn organization(cx: Cx) -> Answer {
    cx.who.need(Right::ReadOrganization)?;
    let domain = |name: &str, initial: bool| {
        json!({"capabilities": "Email, OfficeCommunicationsOnline", "isDefault": initial, "isInitial": initial,
            "name": name, "type": "Managed"})
    };
    super::context::raw(
        "organization",
        json!({"value": [{
            "id": names::ENTRA_TENANT, "displayName": "Contoso", "tenantType": "AAD",
            "verifiedDomains": [domain(names::ENTRA_DOMAIN, true), domain("example.com", false)],
        }]}),
    )
}
