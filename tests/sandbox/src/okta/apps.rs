//! `/api/v1/apps`: OpenID Connect clients. Labels are **not** unique.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post, put};
use serde_json::{Value, json};

use super::context::{Cx, Input, Pages, no_content, ok};
use super::data::{App, Secret, Stamp};
use super::error::{Answer, Problem};
use super::filter::Filter;
use super::log::{self, target};
use super::{Org, access, client_json, client_rules, ids, show};

pub(super) fn routes() -> Router<Arc<Org>> {
    Router::new()
        .route("/api/v1/apps", get(list).post(create))
        .route("/api/v1/apps/{app}", get(one).put(replace).delete(delete))
        .route("/api/v1/apps/{app}/lifecycle/{change}", post(lifecycle))
        .route("/api/v1/apps/{app}/policies/{policy}", put(assign_policy))
}

/// The target that names an app in the System Log.
pub(super) fn app_target(app: &App) -> Value {
    target("AppInstance", &app.id, app.label())
}

/// `q` is a *startsWith* on label or name, `filter` knows a few attributes, and inactive apps are left out unless the
/// request asks for them. Whether a list without `limit` is cut is UNCONFIRMED; here it is, at 20.
async fn list(State(org): State<Arc<Org>>, cx: Cx) -> Answer {
    let filter = cx.arg("filter").map(Filter::parse).transpose().map_err(|text| Problem::invalid("filter", [text]))?;
    let all = cx.flag("includeNonDeleted", false) || filter.as_ref().is_some_and(|filter| filter.names("status"));
    let start = cx.arg("q").map(str::to_lowercase);
    let data = org.data();
    let fits = |app: &App| {
        let name = app.shown["name"].as_str().unwrap_or_default();
        (all || app.active)
            && data.seen(&app.id)
            && start.as_ref().is_none_or(|start| {
                app.label().to_lowercase().starts_with(start) || name.to_lowercase().starts_with(start)
            })
            && filter.as_ref().is_none_or(|filter| {
                let mut plain = app.shown.clone();
                plain["id"] = json!(app.id);
                plain["status"] = json!(show::status(app.active));
                filter.fits(&plain)
            })
    };
    let found = data.apps.iter().filter(|(_, app)| fits(app)).map(|(id, app)| (id.as_str(), app));
    Pages::new(20, 200).answer(&org, &cx, found, |app| show::app(&org, app, false))
}

/// 200, not 201, and the only answer (with PUT) that shows the secret.
async fn create(State(org): State<Arc<Org>>, cx: Cx, Input(input): Input) -> Answer {
    let options = org.options();
    let mut data = org.data();
    let id = ids::id("0oa");
    let shown = match input["signOnMode"].as_str() {
        Some("OPENID_CONNECT") => {
            refuse(client_rules::problems(&data, &input, None, options.custom_domain.is_some()))?;
            let issuer_mode = if options.custom_domain.is_some() { "CUSTOM_URL" } else { "ORG_URL" };
            client_json::oidc(&input, &client_json::Given { id: &id, kid: &org.org_key.kid, issuer_mode, old: None })
        }
        Some("BOOKMARK") => {
            let label = input["label"].as_str().unwrap_or_default();
            client_json::bookmark(label, input["settings"]["app"]["url"].as_str().unwrap_or_default())
        }
        Some(_) => return Err(Problem::unsupported()),
        None => return Err(Problem::invalid("signOnMode", ["signOnMode: The field cannot be left blank"])),
    };
    let mut app = App {
        id: id.clone(),
        active: cx.flag("activate", true),
        shown,
        secrets: Vec::new(),
        groups: BTreeMap::new(),
        users: BTreeMap::new(),
        grants: BTreeMap::new(),
        roles: Vec::new(),
        stamp: Stamp::new(org.now()),
    };
    access::may_change_app(&data, cx.who.as_ref(), &app)?;
    keep_secret(&org, &mut app, &input["credentials"]["oauthClient"]["client_secret"]);
    let answer = show::app(&org, &app, true);
    data.hide(&id, org.lag(&cx));
    log::add(&org, &mut data, &cx, "application.lifecycle.create", vec![app_target(&app)]);
    data.apps.insert(id, app);
    ok(answer)
}

fn refuse(problems: Vec<(String, String)>) -> Result<(), Problem> {
    match problems.first() {
        None => Ok(()),
        Some((field, _)) => Err(Problem::invalid(&field.clone(), problems.into_iter().map(|(_, text)| text))),
    }
}

/// Brings the secrets in line with the authentication method: a sent value replaces the active one, none is generated
/// where one exists (an empty text counts as none), and a method without secret deletes them.
fn keep_secret(org: &Org, app: &mut App, sent: &Value) {
    if !app.has_secret() {
        app.secrets.clear();
        return;
    }
    let sent = sent.as_str().filter(|sent| !sent.is_empty()).map(str::to_owned);
    match (app.secrets.iter_mut().find(|secret| secret.active), sent) {
        (Some(_), None) => {}
        (Some(secret), Some(sent)) if secret.value == sent => {}
        (Some(secret), Some(sent)) => {
            secret.value = sent;
            secret.stamp.updated = org.now();
        }
        (None, sent) => app.secrets.push(Secret {
            id: ids::id("ocs"),
            value: sent.unwrap_or_else(ids::client_secret),
            active: true,
            stamp: Stamp::new(org.now()),
        }),
    }
}

async fn one(State(org): State<Arc<Org>>, Path(id): Path<String>) -> Answer {
    let data = org.data();
    ok(show::app(&org, data.app(&id)?, false))
}

/// Full replace; id, name, status and times are ignored, and left-out refresh token settings keep their value.
async fn replace(State(org): State<Arc<Org>>, cx: Cx, Path(id): Path<String>, Input(input): Input) -> Answer {
    let custom_domain = org.options().custom_domain.is_some();
    let mut data = org.data();
    let old = data.app(&id)?.clone();
    access::may_change_app(&data, cx.who.as_ref(), &old)?;
    let mut app = old.clone();
    if old.is_oidc() {
        let mut input = input;
        input["name"] = old.shown["name"].clone();
        if input["signOnMode"] != "OPENID_CONNECT" {
            return Err(Problem::invalid("signOnMode", ["signOnMode: 'signOnMode' can't be changed"]));
        }
        refuse(client_rules::problems(&data, &input, Some(&old), custom_domain))?;
        let issuer_mode = if custom_domain { "CUSTOM_URL" } else { "ORG_URL" };
        let given = client_json::Given { id: &id, kid: &org.org_key.kid, issuer_mode, old: Some(&old) };
        app.shown = client_json::oidc(&input, &given);
        keep_secret(&org, &mut app, &input["credentials"]["oauthClient"]["client_secret"]);
    } else {
        let label = input["label"].as_str().unwrap_or_default();
        app.shown = client_json::bookmark(label, input["settings"]["app"]["url"].as_str().unwrap_or_default());
    }
    app.stamp.updated = org.now();
    log::add(&org, &mut data, &cx, "application.lifecycle.update", vec![app_target(&app)]);
    let answer = show::app(&org, &app, true);
    data.apps.insert(id, app);
    ok(answer)
}

/// Only an inactive app can be deleted (UNCONFIRMED which error says so; the catalogue has E0000056).
async fn delete(State(org): State<Arc<Org>>, cx: Cx, Path(id): Path<String>) -> Answer {
    let mut data = org.data();
    let app = data.app(&id)?;
    access::may_change_app(&data, cx.who.as_ref(), app)?;
    if app.active {
        return Err(Problem::new(403, "E0000056", "Delete application forbidden."));
    }
    let (named, client_id) = (app_target(app), app.client_id().to_owned());
    data.revoke_tokens(&id, None);
    data.apps.remove(&id);
    // Access policies forget the client; one that named no other stays and fits nobody (UNCONFIRMED).
    for policy in data.servers.values_mut().flat_map(|server| &mut server.policies) {
        if let Some(list) = policy.conditions["clients"]["include"].as_array_mut() {
            list.retain(|client| *client != json!(client_id));
        }
    }
    log::add(&org, &mut data, &cx, "application.lifecycle.delete", vec![named]);
    no_content()
}

/// 200 with `{}`.
async fn lifecycle(State(org): State<Arc<Org>>, cx: Cx, Path((id, change)): Path<(String, String)>) -> Answer {
    let active = match change.as_str() {
        "activate" => true,
        "deactivate" => false,
        _ => return Err(Problem::of_status(404)),
    };
    let now = org.now();
    let mut data = org.data();
    access::may_change_app(&data, cx.who.as_ref(), data.app(&id)?)?;
    let app = data.app_mut(&id)?;
    if app.active != active {
        app.active = active;
        app.stamp.updated = now;
    }
    let named = app_target(app);
    log::add(&org, &mut data, &cx, &format!("application.lifecycle.{change}"), vec![named]);
    ok(json!({}))
}

/// Binds the app to a sign-on policy. Sign-on policies themselves are not stood in for.
async fn assign_policy(State(org): State<Arc<Org>>, Path((id, _)): Path<(String, String)>) -> Answer {
    org.data().app(&id)?;
    no_content()
}
