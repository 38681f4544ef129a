//! Change tracking: `/applications/delta` and its like. A round lists everything, or what is different from the round
//! that its token names; the link at its end begins the next one.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::access::{Right, Who};
use super::context::{Cx, raw};
use super::data::Data;
use super::error::{Answer, Problem};
use super::lists::Selection;
use super::{Tenant, ids, names, show};

const SETS: [&str; 5] = ["applications", "servicePrincipals", "oauth2PermissionGrants", "users", "groups"];
/// Objects a page.
const PAGE: usize = 100;
/// Tokens of directory objects are good for so long (by memory).
const LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);

pub(super) fn routes() -> Router<Arc<Tenant>> {
    SETS.iter().fold(Router::new(), |routes, set| {
        routes.route(&format!("/v1.0/{set}/delta"), get(delta)).route(&format!("/v1.0/{set}/delta()"), get(delta))
    })
}

/// A round: what is told in it, and what was there when it began.
#[derive(Clone)]
pub(super) struct Round {
    set: &'static str,
    /// `$select`, which also says which changes count.
    select: Option<String>,
    /// Digests by object id.
    seen: BTreeMap<String, u64>,
    told: Vec<Value>,
    made: Timestamp,
}

async fn delta(State(tenant): State<Arc<Tenant>>, cx: Cx) -> Answer {
    let name = cx.path.trim_matches('/').split('/').next().unwrap_or_default();
    let set = SETS.into_iter().find(|set| *set == name).ok_or_else(|| Problem::of_status(404))?;
    allowed(&cx.who, set)?;
    let now = tenant.now();
    let mut data = tenant.data();
    data.rounds.retain(|_, round| now.duration_since(round.made) < LIFE);
    if let Some(token) = cx.arg("skiptoken") {
        let (token, from) = token.split_once('.').unwrap_or((token, "0"));
        let from = from.parse().map_err(|_| expired())?;
        return page(&data, token, from);
    }
    let before = match cx.arg("deltatoken") {
        None | Some("latest") => None,
        Some(token) => Some(data.rounds.get(token).filter(|round| round.set == set).ok_or_else(expired)?),
    };
    let select = before.map_or_else(|| cx.arg("select").map(str::to_owned), |round| round.select.clone());
    let selection = Selection::named(select.as_deref());
    let (mut seen, mut told) = (BTreeMap::new(), Vec::new());
    let silent = cx.arg("deltatoken") == Some("latest");
    for (id, object) in objects(&data, &cx.who, set) {
        let mut object = selection.cut(object);
        let digest = digest(&object);
        if !silent && before.is_none_or(|round| round.seen.get(&id) != Some(&digest)) {
            object["id"] = json!(id);
            told.push(object);
        }
        seen.insert(id, digest);
    }
    for id in before.into_iter().flat_map(|round| round.seen.keys()).filter(|id| !seen.contains_key(*id)) {
        // In the bin, or gone for good.
        let reason = if data.deleted.contains_key(id) { "changed" } else { "deleted" };
        told.push(json!({"id": id, "@removed": {"reason": reason}}));
    }
    let token = ids::guid();
    data.rounds.insert(token.clone(), Round { set, select, seen, told, made: now });
    page(&data, &token, 0)
}

fn allowed(who: &Who, set: &str) -> Result<(), Problem> {
    match set {
        "oauth2PermissionGrants" => who.need(Right::ReadGrants),
        "users" => who.need(Right::ReadUsers),
        "groups" => who.need(Right::ReadGroups),
        _ => who.lists(),
    }
}

/// The code is by memory.
fn expired() -> Problem {
    Problem::new(410, "syncStateNotFound", "The sync state generation is not found; resync required.")
}

fn digest(object: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    object.to_string().hash(&mut hasher);
    hasher.finish()
}

fn objects(data: &Data, who: &Who, set: &str) -> Vec<(String, Value)> {
    let all: Vec<(&String, Value)> = match set {
        "applications" => {
            let all = data.applications.iter().filter(|(_, app)| who.sees(&app.owners));
            all.map(|(id, app)| (id, show::application(data, app))).collect()
        }
        "servicePrincipals" => {
            let all = data.service_principals.iter().filter(|(_, principal)| who.sees(&principal.owners));
            all.map(|(id, principal)| (id, show::principal(data, principal))).collect()
        }
        "oauth2PermissionGrants" => data.grants.iter().map(|(id, grant)| (id, show::grant(grant))).collect(),
        "users" => data.users.iter().map(|(id, user)| (id, show::user(user))).collect(),
        _ => data.groups.iter().map(|(id, group)| (id, show::group(group))).collect(),
    };
    all.into_iter().filter(|(id, _)| data.replicated(id)).map(|(id, object)| (id.clone(), object)).collect()
}

fn page(data: &Data, token: &str, from: usize) -> Answer {
    let round = data.rounds.get(token).ok_or_else(expired)?;
    let end = round.told.len().min(from + PAGE);
    let told = round.told.get(from..end).ok_or_else(expired)?;
    let base = format!("https://{}/v1.0/{}/delta", names::GRAPH_HOST, round.set);
    let mut body = json!({"value": told});
    if end < round.told.len() {
        body["@odata.nextLink"] = json!(format!("{base}?$skiptoken={token}.{end}"));
    } else {
        body["@odata.deltaLink"] = json!(format!("{base}?$deltatoken={token}"));
    }
    raw(Selection::named(round.select.as_deref()).context(round.set), body)
}
