//! Access policies of an authorization server. A new server has none: nobody gets a token.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::context::{Cx, Input, created, list as whole, no_content, ok};
use super::data::{Data, Policy, Server, Stamp};
use super::error::{Answer, Problem};
use super::log::{self, target};
use super::servers::server_target;
use super::{Org, ids, lock, show};

pub(super) fn routes() -> Router<Arc<Org>> {
    let policies = "/api/v1/authorizationServers/{server}/policies";
    Router::new()
        .route(policies, get(list).post(create))
        .route(&format!("{policies}/{{policy}}"), get(one).put(replace).delete(delete))
        .route(&format!("{policies}/{{policy}}/lifecycle/{{change}}"), post(lifecycle))
}

/// Takes the server for a write of policies or rules, for as long as the org is set to need; 423 while another such
/// write holds it.
pub(super) async fn hold(org: &Org, server: &str) -> Result<(), Problem> {
    let Some(takes) = org.options().policy_write else { return Ok(()) };
    let id = org.data().server(server)?.id.clone();
    let now = std::time::Instant::now();
    {
        let mut writes = lock(&org.policy_writes);
        if writes.get(&id).is_some_and(|until| *until > now) {
            return Err(Problem::of_status(423));
        }
        writes.insert(id, now + takes);
    }
    tokio::time::sleep(takes).await;
    Ok(())
}

/// Puts an item at its wished priority; the others move. Priorities are places: contiguous, from 1.
pub(super) fn place<T>(list: &mut Vec<T>, item: T, priority: Option<i64>) -> usize {
    let last = list.len();
    let wished = priority.map_or(last, |priority| usize::try_from(priority.max(1) - 1).unwrap_or(last));
    let index = wished.min(last);
    list.insert(index, item);
    index
}

pub(super) fn find(server: &Server, id: &str) -> Result<usize, Problem> {
    let found = server.policies.iter().position(|policy| policy.id == id);
    found.ok_or_else(|| Problem::not_found(id, "Policy"))
}

pub(super) fn policy_target(policy: &Policy) -> Value {
    let mut named = target("PolicyEntity", &policy.id, &policy.name);
    named["detailEntry"] = json!({"policyType": "OAUTH_AUTHORIZATION_POLICY"});
    named
}

async fn list(State(org): State<Arc<Org>>, Path(id): Path<String>) -> Answer {
    let data = org.data();
    let server = data.server(&id)?;
    let policies = server.policies.iter().enumerate().filter(|(_, policy)| data.seen(&policy.id));
    whole(policies.map(|(index, policy)| show::policy(&org, server, index, policy)).collect())
}

/// Name, description and clients; every client must exist, and be visible already.
fn wanted(data: &Data, input: &Value) -> Result<(String, String, Value), Problem> {
    let mut causes = Vec::new();
    let text = |name: &str| input[name].as_str().unwrap_or_default().to_owned();
    let (name, description) = (text("name"), text("description"));
    if !(1..=100).contains(&name.chars().count()) {
        causes.push("name: must be between 1 and 100 characters long".to_owned());
    }
    if !(1..=255).contains(&description.chars().count()) {
        causes.push("description: must be between 1 and 255 characters long".to_owned());
    }
    if input["type"] != "OAUTH_AUTHORIZATION_POLICY" {
        causes.push("type: must be OAUTH_AUTHORIZATION_POLICY".to_owned());
    }
    let clients = &input["conditions"]["clients"]["include"];
    if !clients.is_array() {
        causes.push("conditions.clients.include: The field cannot be left blank".to_owned());
    }
    for client in clients.as_array().into_iter().flatten() {
        let known = client.as_str().is_some_and(|client| client == "ALL_CLIENTS" || data.client(client).is_some());
        if !known {
            causes.push("conditions.clients.include: Resource not found".to_owned());
        }
    }
    if causes.is_empty() {
        Ok((name, description, json!({"clients": {"include": clients}})))
    } else {
        Err(Problem::invalid("policy", causes))
    }
}

async fn create(State(org): State<Arc<Org>>, cx: Cx, Path(id): Path<String>, Input(input): Input) -> Answer {
    hold(&org, &id).await?;
    let now = org.now();
    let mut data = org.data();
    let (name, description, conditions) = wanted(&data, &input)?;
    let server = data.server_mut(&id)?;
    let stamp = Stamp::new(now);
    let policy = Policy { id: ids::id("00p"), active: true, name, description, conditions, rules: Vec::new(), stamp };
    let policy_id = policy.id.clone();
    let targets = vec![policy_target(&policy), server_target(server)];
    let index = place(&mut server.policies, policy, input["priority"].as_i64());
    let shown = show::policy(&org, server, index, &server.policies[index]);
    data.hide(&policy_id, org.lag(&cx));
    log::add(&org, &mut data, &cx, "policy.lifecycle.create", targets);
    created(shown)
}

async fn one(State(org): State<Arc<Org>>, Path((id, policy)): Path<(String, String)>) -> Answer {
    let data = org.data();
    let server = data.server(&id)?;
    let index = find(server, &policy)?;
    if !data.seen(&policy) {
        return Err(Problem::not_found(&policy, "Policy"));
    }
    ok(show::policy(&org, server, index, &server.policies[index]))
}

/// The status in the body is ignored; it changes through the lifecycle endpoints only.
async fn replace(
    State(org): State<Arc<Org>>,
    cx: Cx,
    Path((id, policy)): Path<(String, String)>,
    Input(input): Input,
) -> Answer {
    hold(&org, &id).await?;
    let now = org.now();
    let mut data = org.data();
    let (name, description, conditions) = wanted(&data, &input)?;
    let server = data.server_mut(&id)?;
    let at = find(server, &policy)?;
    let mut changed = server.policies.remove(at);
    changed.name = name;
    changed.description = description;
    changed.conditions = conditions;
    changed.stamp.updated = now;
    let targets = vec![policy_target(&changed), server_target(server)];
    let kept = i64::try_from(at + 1).ok();
    let index = place(&mut server.policies, changed, input["priority"].as_i64().or(kept));
    let shown = show::policy(&org, server, index, &server.policies[index]);
    log::add(&org, &mut data, &cx, "policy.lifecycle.update", targets);
    ok(shown)
}

async fn delete(State(org): State<Arc<Org>>, cx: Cx, Path((id, policy)): Path<(String, String)>) -> Answer {
    hold(&org, &id).await?;
    let mut data = org.data();
    let server = data.server_mut(&id)?;
    let at = find(server, &policy)?;
    let gone = server.policies.remove(at);
    let targets = vec![policy_target(&gone), server_target(server)];
    log::add(&org, &mut data, &cx, "policy.lifecycle.delete", targets);
    no_content()
}

async fn lifecycle(
    State(org): State<Arc<Org>>,
    cx: Cx,
    Path((id, policy, change)): Path<(String, String, String)>,
) -> Answer {
    let active = match change.as_str() {
        "activate" => true,
        "deactivate" => false,
        _ => return Err(Problem::of_status(404)),
    };
    hold(&org, &id).await?;
    let now = org.now();
    let mut data = org.data();
    let server = data.server_mut(&id)?;
    let index = find(server, &policy)?;
    server.policies[index].active = active;
    server.policies[index].stamp.updated = now;
    let targets = vec![policy_target(&server.policies[index]), server_target(server)];
    log::add(&org, &mut data, &cx, &format!("policy.lifecycle.{change}"), targets);
    no_content()
}
