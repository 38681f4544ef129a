//! Who may use an app: `/api/v1/apps/{app}/groups` and `/users`. An app without assignment lets nobody in.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::apps::app_target;
use super::context::{Cx, Input, Pages, no_content, ok};
use super::data::{App, GroupAssignment, User};
use super::error::{Answer, Problem};
use super::log::{self, target};
use super::{Org, access, show};

pub(super) fn routes() -> Router<Arc<Org>> {
    Router::new()
        .route("/api/v1/apps/{app}/groups", get(groups))
        .route("/api/v1/apps/{app}/groups/{group}", get(group).put(assign).delete(unassign))
        .route("/api/v1/apps/{app}/users", get(users).post(assign_user))
        .route("/api/v1/apps/{app}/users/{user}", get(user).delete(unassign_user))
}

async fn groups(State(org): State<Arc<Org>>, cx: Cx, Path(id): Path<String>) -> Answer {
    let data = org.data();
    let app = data.app(&id)?;
    let items = app.groups.iter().map(|(group, assignment)| (group.as_str(), (group, assignment)));
    Pages::new(20, 200)
        .answer(&org, &cx, items, |(group, assignment)| show::group_assignment(&org, &id, group, assignment))
}

async fn group(State(org): State<Arc<Org>>, Path((id, group)): Path<(String, String)>) -> Answer {
    let data = org.data();
    let found = data.app(&id)?.groups.get(&group);
    let found = found.ok_or_else(|| Problem::not_found(&group, "ApplicationGroupAssignment"))?;
    ok(show::group_assignment(&org, &id, &group, found))
}

/// PUT makes or changes an assignment, 200 either way. Without `priority` it goes to the end.
async fn assign(
    State(org): State<Arc<Org>>,
    cx: Cx,
    Path((id, group)): Path<(String, String)>,
    Input(input): Input,
) -> Answer {
    let now = org.now();
    let mut data = org.data();
    let name = data.group(&group)?.name().to_owned();
    access::may_change_app(&data, cx.who.as_ref(), data.app(&id)?)?;
    let app = data.app_mut(&id)?;
    let known = app.groups.get(&group);
    let next = app.groups.values().map(|other| other.priority + 1).max().unwrap_or(0);
    let priority = input["priority"].as_i64().or(known.map(|known| known.priority)).unwrap_or(next);
    let profile = if input["profile"].is_object() { input["profile"].clone() } else { json!({}) };
    let event = if known.is_some() { "update" } else { "add" };
    let assignment = GroupAssignment { priority, profile, updated: now };
    let shown = show::group_assignment(&org, &id, &group, &assignment);
    app.groups.insert(group.clone(), assignment);
    let targets = vec![target("UserGroup", &group, &name), app_target(app)];
    log::add(&org, &mut data, &cx, &format!("group.application_assignment.{event}"), targets);
    ok(shown)
}

async fn unassign(State(org): State<Arc<Org>>, cx: Cx, Path((id, group)): Path<(String, String)>) -> Answer {
    let mut data = org.data();
    access::may_change_app(&data, cx.who.as_ref(), data.app(&id)?)?;
    let app = data.app_mut(&id)?;
    app.groups.remove(&group).ok_or_else(|| Problem::not_found(&group, "ApplicationGroupAssignment"))?;
    let named = app_target(app);
    let name = data.groups.get(&group).map(|group| group.name().to_owned()).unwrap_or_default();
    let targets = vec![target("UserGroup", &group, &name), named];
    log::add(&org, &mut data, &cx, "group.application_assignment.remove", targets);
    no_content()
}

async fn users(State(org): State<Arc<Org>>, cx: Cx, Path(id): Path<String>) -> Answer {
    let data = org.data();
    let app = data.app(&id)?;
    let start = cx.arg("q").map(str::to_lowercase);
    let mut found: BTreeMap<&str, &User> = BTreeMap::new();
    let everybody = app.groups.keys().any(|group| data.groups.get(group).is_some_and(|group| group.built_in));
    let grouped = app.groups.keys().filter_map(|group| data.groups.get(group)).flat_map(|group| &group.members);
    let all = data.users.keys().filter(|_| everybody);
    for user in grouped.chain(app.users.keys()).chain(all).filter_map(|id| data.users.get(id)) {
        if start.as_ref().is_none_or(|start| user.login().to_lowercase().starts_with(start)) {
            found.insert(&user.id, user);
        }
    }
    Pages::new(50, 500).answer(&org, &cx, found.into_iter(), |user| shown(&org, &cx, app, user))
}

/// `expand=user` sends the account along.
fn shown(org: &Org, cx: &Cx, app: &App, user: &User) -> Value {
    let mut shown = show::app_user(org, app, user, app.users.get(&user.id).copied());
    if cx.arg("expand") == Some("user") {
        shown["_embedded"] = json!({"user": show::user(org, user)});
    }
    shown
}

async fn user(State(org): State<Arc<Org>>, cx: Cx, Path((id, user)): Path<(String, String)>) -> Answer {
    let data = org.data();
    let (app, found) = (data.app(&id)?, data.user(&user)?);
    if !data.assigned(app, &found.id) {
        return Err(Problem::not_found(&user, "AppUser"));
    }
    ok(shown(&org, &cx, app, found))
}

async fn assign_user(State(org): State<Arc<Org>>, cx: Cx, Path(id): Path<String>, Input(input): Input) -> Answer {
    let now = org.now();
    let mut data = org.data();
    let wanted = input["id"].as_str().ok_or_else(|| Problem::invalid("id", ["id: The field cannot be left blank"]))?;
    let found = data.user(wanted)?.clone();
    access::may_change_app(&data, cx.who.as_ref(), data.app(&id)?)?;
    let app = data.app_mut(&id)?;
    app.users.insert(found.id.clone(), now);
    let shown = show::app_user(&org, app, &found, Some(now));
    let targets = membership(&found, app_target(app));
    log::add(&org, &mut data, &cx, "application.user_membership.add", targets);
    ok(shown)
}

async fn unassign_user(State(org): State<Arc<Org>>, cx: Cx, Path((id, user)): Path<(String, String)>) -> Answer {
    let mut data = org.data();
    let found = data.user(&user)?.clone();
    access::may_change_app(&data, cx.who.as_ref(), data.app(&id)?)?;
    let app = data.app_mut(&id)?;
    app.users.remove(&found.id).ok_or_else(|| Problem::not_found(&user, "AppUser"))?;
    let targets = membership(&found, app_target(app));
    log::add(&org, &mut data, &cx, "application.user_membership.remove", targets);
    no_content()
}

fn membership(user: &User, app: Value) -> Vec<Value> {
    vec![target("User", &user.id, user.login()), app]
}
