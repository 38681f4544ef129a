//! `/api/v1/users`: enough to find people, to make more of them, and to deactivate them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use serde_json::{Map, Value, json};

use super::context::{Cx, Input, Pages, Principal, no_content, ok};
use super::data::{Stamp, User};
use super::error::{Answer, Problem};
use super::filter::Filter;
use super::log::{self, target};
use super::{Org, ids, show};

pub(super) fn routes() -> Router<Arc<Org>> {
    Router::new()
        .route("/api/v1/users", get(list).post(create))
        .route("/api/v1/users/{user}", get(one).post(update).delete(delete))
        .route("/api/v1/users/{user}/groups", get(groups))
        .route("/api/v1/users/{user}/lifecycle/{change}", post(lifecycle))
}

fn user_target(user: &User) -> Value {
    target("User", &user.id, user.login())
}

async fn list(State(org): State<Arc<Org>>, cx: Cx) -> Answer {
    let parse = |name: &str| cx.arg(name).map(Filter::parse).transpose().map_err(|text| Problem::invalid(name, [text]));
    let (search, filter) = (parse("search")?, parse("filter")?);
    let start = cx.arg("q").map(str::to_lowercase);
    let data = org.data();
    let starts = |user: &&User| {
        start.as_ref().is_none_or(|start| {
            let names = ["firstName", "lastName", "email", "login"];
            names.iter().filter_map(|name| user.attribute(name)).any(|name| name.to_lowercase().starts_with(start))
        })
    };
    let fits = |user: &&User| {
        let filters = [&search, &filter];
        let mut filters = filters.into_iter().flatten().peekable();
        filters.peek().is_none() || {
            let shown = show::user(&org, user);
            filters.all(|filter| filter.fits(&shown))
        }
    };
    // Without a search that asks for them, deprovisioned users are left out.
    let alive = |user: &&User| search.is_some() || filter.is_some() || user.status != "DEPROVISIONED";
    let found = data.users.values().filter(alive).filter(starts).filter(fits).map(|user| (user.id.as_str(), user));
    Pages::new(200, 200).answer(&org, &cx, found, |user| show::user(&org, user))
}

/// A user with this login (also the email unless one is given).
pub(super) fn made(input: &Map<String, Value>, status: &'static str, now: jiff::Timestamp) -> User {
    let mut profile = input.clone();
    let login = profile.get("login").cloned().unwrap_or_default();
    for (name, default) in [("email", login), ("secondEmail", Value::Null), ("mobilePhone", Value::Null)] {
        profile.entry(name).or_insert(default);
    }
    User { id: ids::id("00u"), status, profile, stamp: Stamp::new(now) }
}

async fn create(State(org): State<Arc<Org>>, cx: Cx, Input(input): Input) -> Answer {
    let now = org.now();
    let mut data = org.data();
    let profile = input["profile"].as_object().cloned().unwrap_or_default();
    let login = profile.get("login").and_then(Value::as_str).unwrap_or_default();
    if login.is_empty() {
        return Err(Problem::invalid("login", ["login: The field cannot be left blank"]));
    }
    if data.users.values().any(|user| user.login() == login) {
        let text = "login: An object with this field already exists in the current organization";
        return Err(Problem::invalid("login", [text]));
    }
    let user = made(&profile, if cx.flag("activate", true) { "ACTIVE" } else { "STAGED" }, now);
    let (shown, targets) = (show::user(&org, &user), vec![user_target(&user)]);
    data.hide(&user.id, org.lag(&cx));
    data.users.insert(user.id.clone(), user);
    log::add(&org, &mut data, &cx, "user.lifecycle.create", targets);
    ok(shown)
}

async fn one(State(org): State<Arc<Org>>, cx: Cx, Path(id): Path<String>) -> Answer {
    let data = org.data();
    let id = match &cx.who {
        // The owner of the API token. A service app is no user.
        Some(Principal::Token(token)) if id == "me" => data.api_tokens.get(token).map_or(id, |own| own.user.clone()),
        _ => id,
    };
    ok(show::user(&org, data.user(&id)?))
}

/// POST changes the profile attributes that are sent.
async fn update(State(org): State<Arc<Org>>, cx: Cx, Path(id): Path<String>, Input(input): Input) -> Answer {
    let now = org.now();
    let mut data = org.data();
    let id = data.user(&id)?.id.clone();
    let user = data.users.get_mut(&id).ok_or_else(|| Problem::not_found(&id, "User"))?;
    for (name, value) in input["profile"].as_object().into_iter().flatten() {
        user.profile.insert(name.clone(), value.clone());
    }
    user.stamp.updated = now;
    let (shown, targets) = (show::user(&org, user), vec![user_target(user)]);
    log::add(&org, &mut data, &cx, "user.account.update_profile", targets);
    ok(shown)
}

/// The first DELETE deactivates, the second removes.
async fn delete(State(org): State<Arc<Org>>, cx: Cx, Path(id): Path<String>) -> Answer {
    let deprovisioned = {
        let data = org.data();
        data.user(&id)?.status == "DEPROVISIONED"
    };
    if !deprovisioned {
        change(&org, &cx, &id, "deactivate")?;
        return no_content();
    }
    let mut data = org.data();
    let user = data.user(&id)?.clone();
    data.users.remove(&user.id);
    for group in data.groups.values_mut() {
        group.members.remove(&user.id);
    }
    for app in data.apps.values_mut() {
        app.users.remove(&user.id);
    }
    log::add(&org, &mut data, &cx, "user.lifecycle.delete.completed", vec![user_target(&user)]);
    no_content()
}

async fn groups(State(org): State<Arc<Org>>, Path(id): Path<String>) -> Answer {
    let data = org.data();
    let user = data.user(&id)?;
    let found = data.groups.values().filter(|group| group.built_in || group.members.contains(&user.id));
    super::context::list(found.map(|group| show::group(&org, group)).collect())
}

async fn lifecycle(State(org): State<Arc<Org>>, cx: Cx, Path((id, wanted)): Path<(String, String)>) -> Answer {
    change(&org, &cx, &id, &wanted)?;
    ok(json!({}))
}

/// A deactivated user leaves every group and app.
fn change(org: &Org, cx: &Cx, id: &str, wanted: &str) -> Result<(), Problem> {
    let status = match wanted {
        "activate" | "reactivate" | "unsuspend" => "ACTIVE",
        "suspend" => "SUSPENDED",
        "deactivate" => "DEPROVISIONED",
        _ => return Err(Problem::of_status(404)),
    };
    let now = org.now();
    let mut data = org.data();
    let id = data.user(id)?.id.clone();
    if status == "DEPROVISIONED" {
        for group in data.groups.values_mut() {
            group.members.remove(&id);
        }
        for app in data.apps.values_mut() {
            app.users.remove(&id);
        }
    }
    let user = data.users.get_mut(&id).ok_or_else(|| Problem::not_found(&id, "User"))?;
    user.status = status;
    user.stamp.updated = now;
    let targets = vec![user_target(user)];
    log::add(org, &mut data, cx, &format!("user.lifecycle.{wanted}"), targets);
    Ok(())
}
