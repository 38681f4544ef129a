//! `/api/v1/groups`: groups and who is in them.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, put};
use serde_json::{Map, Value, json};

use super::context::{Cx, Input, Pages, no_content, ok};
use super::data::{Data, Group, Stamp};
use super::error::{Answer, Problem};
use super::filter::Filter;
use super::log::{self, target};
use super::{Org, ids, show};

pub(super) fn routes() -> Router<Arc<Org>> {
    Router::new()
        .route("/api/v1/groups", get(list).post(create))
        .route("/api/v1/groups/{group}", get(one).put(replace).delete(delete))
        .route("/api/v1/groups/{group}/users", get(users))
        .route("/api/v1/groups/{group}/users/{user}", put(add_user).delete(remove_user))
        .route("/api/v1/groups/{group}/apps", get(apps))
}

fn group_target(group: &Group) -> Value {
    target("UserGroup", &group.id, group.name())
}

/// `q` is a *startsWith* on the name; `search` and `filter` are expressions.
async fn list(State(org): State<Arc<Org>>, cx: Cx) -> Answer {
    let parse = |name: &str| cx.arg(name).map(Filter::parse).transpose().map_err(|text| Problem::invalid(name, [text]));
    let (search, filter) = (parse("search")?, parse("filter")?);
    let start = cx.arg("q").map(str::to_lowercase);
    let data = org.data();
    let found: Vec<(&str, Value)> = data
        .groups
        .values()
        .filter(|group| data.seen(&group.id))
        .filter(|group| start.as_ref().is_none_or(|start| group.name().to_lowercase().starts_with(start)))
        .map(|group| (group.id.as_str(), show::group(&org, group)))
        .filter(|(_, shown)| [&search, &filter].into_iter().flatten().all(|filter| filter.fits(shown)))
        .collect();
    Pages::new(10_000, 10_000).answer(&org, &cx, found.into_iter(), |shown| shown)
}

fn profile(data: &Data, input: &Value, old: Option<&str>) -> Result<Map<String, Value>, Problem> {
    let mut profile = input["profile"].as_object().cloned().unwrap_or_default();
    let name = profile.get("name").and_then(Value::as_str).unwrap_or_default();
    if name.is_empty() || name.chars().count() > 255 {
        return Err(Problem::invalid("name", ["name: The field cannot be left blank"]));
    }
    if data.groups.values().any(|group| group.name() == name && old != Some(group.id.as_str())) {
        return Err(Problem::invalid(
            "name",
            ["name: An object with this field already exists in the current organization"],
        ));
    }
    profile.entry("description").or_insert(Value::Null);
    Ok(profile)
}

async fn create(State(org): State<Arc<Org>>, cx: Cx, Input(input): Input) -> Answer {
    let now = org.now();
    let mut data = org.data();
    let profile = profile(&data, &input, None)?;
    let group = Group {
        id: ids::id("00g"),
        built_in: false,
        profile,
        members: BTreeSet::new(),
        stamp: Stamp::new(now),
        membership_changed: now,
    };
    let (shown, targets) = (show::group(&org, &group), vec![group_target(&group)]);
    data.hide(&group.id, org.lag(&cx));
    data.groups.insert(group.id.clone(), group);
    log::add(&org, &mut data, &cx, "group.lifecycle.create", targets);
    ok(shown)
}

async fn one(State(org): State<Arc<Org>>, Path(id): Path<String>) -> Answer {
    let data = org.data();
    ok(show::group(&org, data.group(&id)?))
}

fn refuse_built_in(group: &Group) -> Result<(), Problem> {
    if group.built_in {
        let text = "You do not have permission to perform the requested action";
        return Err(Problem::new(403, "E0000006", text));
    }
    Ok(())
}

async fn replace(State(org): State<Arc<Org>>, cx: Cx, Path(id): Path<String>, Input(input): Input) -> Answer {
    let now = org.now();
    let mut data = org.data();
    refuse_built_in(data.group(&id)?)?;
    let profile = profile(&data, &input, Some(&id))?;
    let group = data.group_mut(&id)?;
    group.profile = profile;
    group.stamp.updated = now;
    let (shown, targets) = (show::group(&org, group), vec![group_target(group)]);
    log::add(&org, &mut data, &cx, "group.profile.update", targets);
    ok(shown)
}

/// A deleted group leaves every assignment it was in.
async fn delete(State(org): State<Arc<Org>>, cx: Cx, Path(id): Path<String>) -> Answer {
    let mut data = org.data();
    let group = data.group(&id)?;
    refuse_built_in(group)?;
    let targets = vec![group_target(group)];
    data.groups.remove(&id);
    for app in data.apps.values_mut() {
        app.groups.remove(&id);
    }
    log::add(&org, &mut data, &cx, "group.lifecycle.delete", targets);
    no_content()
}

async fn users(State(org): State<Arc<Org>>, cx: Cx, Path(id): Path<String>) -> Answer {
    let data = org.data();
    let group = data.group(&id)?;
    let found = data.users.values().filter(|user| group.built_in || group.members.contains(&user.id));
    let found = found.map(|user| (user.id.as_str(), user));
    Pages::new(1000, 1000).answer(&org, &cx, found, |user| show::user(&org, user))
}

async fn add_user(State(org): State<Arc<Org>>, cx: Cx, Path((id, user)): Path<(String, String)>) -> Answer {
    change_member(&org, &cx, &id, &user, "add")
}

async fn remove_user(State(org): State<Arc<Org>>, cx: Cx, Path((id, user)): Path<(String, String)>) -> Answer {
    change_member(&org, &cx, &id, &user, "remove")
}

fn change_member(org: &Org, cx: &Cx, id: &str, user: &str, change: &str) -> Answer {
    let now = org.now();
    let mut data = org.data();
    let user = data.user(user)?;
    let (user, who) = (user.id.clone(), target("User", &user.id, user.login()));
    refuse_built_in(data.group(id)?)?;
    let group = data.group_mut(id)?;
    let changed = if change == "add" { group.members.insert(user) } else { group.members.remove(&user) };
    if changed {
        group.membership_changed = now;
        let targets = vec![who, group_target(group)];
        log::add(org, &mut data, cx, &format!("group.user_membership.{change}"), targets);
    }
    no_content()
}

async fn apps(State(org): State<Arc<Org>>, cx: Cx, Path(id): Path<String>) -> Answer {
    let data = org.data();
    data.group(&id)?;
    let found = data.apps.values().filter(|app| app.groups.contains_key(&id)).map(|app| (app.id.as_str(), app));
    Pages::new(20, 200).answer(&org, &cx, found, |app| show::app(&org, app, false))
}

/// The `profile` of a seeded group.
pub(super) fn named(name: &str, description: &str) -> Map<String, Value> {
    let mut profile = Map::new();
    profile.insert("name".to_owned(), json!(name));
    profile.insert("description".to_owned(), json!(description));
    profile
}
