//! `/api/v1/authorizationServers`: custom authorization servers.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use serde_json::Value;

use super::context::{Cx, Input, Pages, created, no_content, ok};
use super::data::{Server, Stamp};
use super::error::{Answer, Problem};
use super::keys::LazyKey;
use super::log::{self, target};
use super::{Org, ids, seed, show};

pub(super) fn routes() -> Router<Arc<Org>> {
    Router::new()
        .route("/api/v1/authorizationServers", get(list).post(create))
        .route("/api/v1/authorizationServers/{server}", get(one).put(replace).delete(delete))
        .route("/api/v1/authorizationServers/{server}/lifecycle/{change}", post(lifecycle))
}

pub(super) fn server_target(server: &Server) -> Value {
    target("AuthorizationServer", &server.id, &server.name)
}

/// `q` finds in names and audiences.
async fn list(State(org): State<Arc<Org>>, cx: Cx) -> Answer {
    let words = cx.arg("q").map(str::to_lowercase);
    let data = org.data();
    let fits = |server: &&Server| {
        data.seen(&server.id)
            && words.as_ref().is_none_or(|words| {
                let mut texts = server.audiences.iter().chain([&server.name]);
                texts.any(|text| text.to_lowercase().contains(words))
            })
    };
    let found = data.servers.values().filter(fits).map(|server| (server.id.as_str(), server));
    Pages::new(200, 200).answer(&org, &cx, found, |server| show::server(&org, server))
}

/// What POST and PUT have in common.
struct Wanted {
    name: String,
    description: Value,
    audiences: Vec<String>,
    issuer_mode: String,
    manual: Option<bool>,
}

fn wanted(org: &Org, input: &Value) -> Result<Wanted, Problem> {
    let custom = org.options().custom_domain.is_some();
    let mut causes = Vec::new();
    let name = input["name"].as_str().unwrap_or_default().to_owned();
    if name.is_empty() {
        causes.push("name: The field cannot be left blank".to_owned());
    }
    let sent = input["audiences"].as_array().into_iter().flatten();
    let audiences: Vec<String> = sent.filter_map(Value::as_str).map(str::to_owned).collect();
    if audiences.len() != 1 || audiences[0].is_empty() {
        causes.push("audiences: 'audiences' must have exactly one value".to_owned());
    }
    let default = if custom { "CUSTOM_URL" } else { "ORG_URL" };
    let issuer_mode = input["issuerMode"].as_str().unwrap_or(default).to_owned();
    if !matches!(issuer_mode.as_str(), "ORG_URL" | "CUSTOM_URL" | "DYNAMIC") || (issuer_mode == "CUSTOM_URL" && !custom)
    {
        causes.push("issuerMode: The issuer mode isn't valid for this org".to_owned());
    }
    if causes.is_empty() {
        let manual = input["credentials"]["signing"]["rotationMode"].as_str().map(|mode| mode == "MANUAL");
        Ok(Wanted { name, description: input["description"].clone(), audiences, issuer_mode, manual })
    } else {
        Err(Problem::invalid("authorizationServer", causes))
    }
}

/// 201. A wish for MANUAL key rotation is silently ignored; names may repeat (UNCONFIRMED).
async fn create(State(org): State<Arc<Org>>, cx: Cx, Input(input): Input) -> Answer {
    let wanted = wanted(&org, &input)?;
    let now = org.now();
    let server = Server {
        id: ids::id("aus"),
        is_default: false,
        active: true,
        name: wanted.name,
        description: wanted.description,
        audiences: wanted.audiences,
        issuer_mode: wanted.issuer_mode,
        manual_rotation: false,
        rotated: now,
        keys: vec![LazyKey::new(), LazyKey::new()],
        scopes: seed::system_scopes(),
        claims: seed::system_claims(),
        policies: Vec::new(),
        stamp: Stamp::new(now),
    };
    let (shown, targets) = (show::server(&org, &server), vec![server_target(&server)]);
    let mut data = org.data();
    data.hide(&server.id, org.lag(&cx));
    data.servers.insert(server.id.clone(), server);
    log::add(&org, &mut data, &cx, "oauth2.as.created", targets);
    created(shown)
}

async fn one(State(org): State<Arc<Org>>, Path(id): Path<String>) -> Answer {
    let data = org.data();
    ok(show::server(&org, data.server(&id)?))
}

/// Full replace. The answer carries the `lastUpdated` from before, as in every recording; a read shows the new one.
async fn replace(State(org): State<Arc<Org>>, cx: Cx, Path(id): Path<String>, Input(input): Input) -> Answer {
    let wanted = wanted(&org, &input)?;
    let now = org.now();
    let mut data = org.data();
    let server = data.server_mut(&id)?;
    server.name = wanted.name;
    server.description = wanted.description;
    server.audiences = wanted.audiences;
    server.issuer_mode = wanted.issuer_mode;
    if let Some(manual) = wanted.manual {
        server.manual_rotation = manual;
    }
    let shown = show::server(&org, server);
    server.stamp.updated = now;
    let targets = vec![server_target(server)];
    log::add(&org, &mut data, &cx, "oauth2.as.updated", targets);
    ok(shown)
}

async fn lifecycle(State(org): State<Arc<Org>>, cx: Cx, Path((id, change)): Path<(String, String)>) -> Answer {
    let active = match change.as_str() {
        "activate" => true,
        "deactivate" => false,
        _ => return Err(Problem::of_status(404)),
    };
    let now = org.now();
    let mut data = org.data();
    let server = data.server_mut(&id)?;
    if server.active != active {
        server.active = active;
        server.stamp.updated = now;
    }
    let targets = vec![server_target(server)];
    log::add(&org, &mut data, &cx, &format!("oauth2.as.{change}d"), targets);
    no_content()
}

/// The `default` server cannot be deleted; an active one is refused (UNCONFIRMED: every recording deactivates first).
async fn delete(State(org): State<Arc<Org>>, cx: Cx, Path(id): Path<String>) -> Answer {
    let mut data = org.data();
    let server = data.server(&id)?;
    if server.is_default {
        return Err(Problem::forbidden());
    }
    if server.active {
        let text = "The authorization server is active. Deactivate it before deleting it.";
        return Err(Problem::invalid("authorizationServer", [text]));
    }
    let (id, targets) = (server.id.clone(), vec![server_target(server)]);
    data.servers.remove(&id);
    data.refresh_tokens.retain(|_, token| token.server != id);
    let left: BTreeMap<_, _> = data.refresh_tokens.keys().map(|id| (id.clone(), ())).collect();
    data.refresh_values.retain(|_, token| left.contains_key(token));
    data.codes.retain(|_, code| code.server != id);
    log::add(&org, &mut data, &cx, "oauth2.as.deleted", targets);
    no_content()
}
