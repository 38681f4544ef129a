//! `/api/v1/apps/{app}/credentials/secrets`: at most two, both valid at once, readable in plain text every time.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use serde_json::Value;

use super::apps::app_target;
use super::context::{Cx, Input, created, list as whole, no_content, ok};
use super::data::{App, Data, Secret, Stamp};
use super::error::{Answer, Problem};
use super::log::{self, target};
use super::{Org, access, client_rules, ids, show};

const KIND: &str = "OAuth2ClientSecretMediated";

pub(super) fn routes() -> Router<Arc<Org>> {
    let one = "/api/v1/apps/{app}/credentials/secrets/{secret}";
    Router::new()
        .route("/api/v1/apps/{app}/credentials/secrets", get(list).post(create))
        .route(one, get(read).delete(delete))
        .route(&format!("{one}/lifecycle/{{change}}"), post(lifecycle))
}

fn find<'a>(app: &'a mut App, id: &str) -> Result<&'a mut Secret, Problem> {
    app.secrets.iter_mut().find(|secret| secret.id == id).ok_or_else(|| Problem::not_found(id, KIND))
}

fn named(app: &App, secret: &str) -> Vec<Value> {
    vec![app_target(app), target("ClientSecret", secret, "Client secret")]
}

async fn list(State(org): State<Arc<Org>>, cx: Cx, Path(id): Path<String>) -> Answer {
    let mut data = org.data();
    let app = data.app(&id)?;
    let shown: Vec<_> = app.secrets.iter().map(|secret| show::secret(&org, &id, secret)).collect();
    let targets = vec![app_target(app)];
    log::add(&org, &mut data, &cx, "app.oauth2.client.read_client_secret", targets);
    whole(shown)
}

async fn read(State(org): State<Arc<Org>>, cx: Cx, Path((id, secret)): Path<(String, String)>) -> Answer {
    let mut data = org.data();
    let app = data.app_mut(&id)?;
    let shown = show::secret(&org, &id, find(app, &secret)?);
    let targets = named(app, &secret);
    log::add(&org, &mut data, &cx, "app.oauth2.client.read_client_secret", targets);
    ok(shown)
}

async fn create(State(org): State<Arc<Org>>, cx: Cx, Path(id): Path<String>, Input(input): Input) -> Answer {
    let now = org.now();
    let mut data = org.data();
    may_change(&data, &cx, &id)?;
    let app = data.app_mut(&id)?;
    let value = match input["client_secret"].as_str() {
        Some(sent) => sent.to_owned(),
        None => ids::client_secret(),
    };
    if let Some(text) = client_rules::secret_problem(&value, app.auth_method()) {
        return Err(Problem::invalid("client_secret", [text]));
    }
    if app.secrets.len() >= 2 {
        return Err(Problem::invalid(KIND, ["You've reached the maximum number of client secrets per client."]));
    }
    let active = input["status"].as_str().is_none_or(|status| status == "ACTIVE");
    let secret = Secret { id: ids::id("ocs"), value, active, stamp: Stamp::new(now) };
    let (shown, targets) = (show::secret(&org, &id, &secret), named(app, &secret.id));
    app.secrets.push(secret);
    log::add(&org, &mut data, &cx, "app.oauth2.credentials.lifecycle.create", targets);
    created(shown)
}

async fn lifecycle(
    State(org): State<Arc<Org>>,
    cx: Cx,
    Path((id, secret, change)): Path<(String, String, String)>,
) -> Answer {
    let now = org.now();
    let mut data = org.data();
    may_change(&data, &cx, &id)?;
    let app = data.app_mut(&id)?;
    let others = app.secrets.iter().filter(|other| other.active && other.id != secret).count();
    let found = find(app, &secret)?;
    match change.as_str() {
        "activate" => found.active = true,
        "deactivate" if others == 0 => {
            return Err(Problem::invalid(KIND, ["You can't deactivate the only active client secret."]));
        }
        "deactivate" => found.active = false,
        _ => return Err(Problem::of_status(404)),
    }
    found.stamp.updated = now;
    let shown = show::secret(&org, &id, found);
    let targets = named(app, &secret);
    log::add(&org, &mut data, &cx, &format!("app.oauth2.credentials.lifecycle.{change}"), targets);
    ok(shown)
}

async fn delete(State(org): State<Arc<Org>>, cx: Cx, Path((id, secret)): Path<(String, String)>) -> Answer {
    let mut data = org.data();
    may_change(&data, &cx, &id)?;
    let app = data.app_mut(&id)?;
    if find(app, &secret)?.active {
        let text = "You can't delete an active client secret. Deactivate the secret before deleting it.";
        return Err(Problem::invalid(KIND, [text]));
    }
    app.secrets.retain(|kept| kept.id != secret);
    let targets = named(app, &secret);
    log::add(&org, &mut data, &cx, "app.oauth2.credentials.lifecycle.delete", targets);
    no_content()
}

fn may_change(data: &Data, cx: &Cx, id: &str) -> Result<(), Problem> {
    access::may_change_app(data, cx.who.as_ref(), data.app(id)?)
}
