//! Rules of an access policy: who gets tokens, for which grants and scopes, and for how long.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::context::{Cx, Input, created, list as whole, no_content, ok};
use super::data::{Data, Policy, Rule, Stamp};
use super::error::{Answer, Problem};
use super::log::{self, target};
use super::policies::{find as find_policy, hold, place, policy_target};
use super::{Org, ids, show};

pub(super) fn routes() -> Router<Arc<Org>> {
    let rules = "/api/v1/authorizationServers/{server}/policies/{policy}/rules";
    Router::new()
        .route(rules, get(list).post(create))
        .route(&format!("{rules}/{{rule}}"), get(one).put(replace).delete(delete))
        .route(&format!("{rules}/{{rule}}/lifecycle/{{change}}"), post(lifecycle))
}

fn find(policy: &Policy, id: &str) -> Result<usize, Problem> {
    policy.rules.iter().position(|rule| rule.id == id).ok_or_else(|| Problem::not_found(id, "PolicyRule"))
}

fn targets(policy: &Policy, rule: &Rule) -> Vec<Value> {
    vec![target("PolicyRule", &rule.id, &rule.name), policy_target(policy)]
}

async fn list(State(org): State<Arc<Org>>, Path((id, policy)): Path<(String, String)>) -> Answer {
    let data = org.data();
    let server = data.server(&id)?;
    let found = &server.policies[find_policy(server, &policy)?];
    let rules = found.rules.iter().enumerate().filter(|(_, rule)| data.seen(&rule.id));
    whole(rules.map(|(index, rule)| show::rule(&org, server, &policy, index, rule)).collect())
}

/// Name, conditions and actions in Okta's normalised form.
fn wanted(data: &Data, input: &Value) -> Result<(String, Value, Value), Problem> {
    let mut causes = Vec::new();
    let name = input["name"].as_str().unwrap_or_default().to_owned();
    if name.is_empty() {
        causes.push("name: The field cannot be left blank".to_owned());
    }
    if input["type"] != "RESOURCE_ACCESS" {
        causes.push("type: must be RESOURCE_ACCESS".to_owned());
    }
    let conditions = conditions(data, &input["conditions"], &mut causes);
    let actions = actions(&input["actions"], &mut causes);
    if causes.is_empty() { Ok((name, conditions, actions)) } else { Err(Problem::invalid("policyRule", causes)) }
}

fn conditions(data: &Data, sent: &Value, causes: &mut Vec<String>) -> Value {
    let array = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let grants = array(&sent["grantTypes"]["include"]);
    if grants.is_empty() {
        causes.push("conditions.grantTypes.include: The field cannot be left blank".to_owned());
    }
    let (people, groups) = (&sent["people"], array(&sent["people"]["groups"]["include"]));
    for group in &groups {
        let known = group.as_str().is_some_and(|id| id == "EVERYONE" || data.group(id).is_ok());
        if !known {
            causes.push("conditions.people.groups.include: Resource not found".to_owned());
        }
    }
    let mut out = json!({
        "people": {"users": {"exclude": array(&people["users"]["exclude"])}, "groups": {"include": groups}},
        "grantTypes": {"include": grants},
        "scopes": {"include": array(&sent["scopes"]["include"])},
    });
    // Recordings show no `include` of users and no `exclude` of groups unless they hold something.
    for (kind, list) in [("users", "include"), ("groups", "exclude")] {
        let values = array(&people[kind][list]);
        if !values.is_empty() {
            out["people"][kind][list] = json!(values);
        }
    }
    out
}

/// Lifetimes in minutes: access 5..1440; refresh 0 (unlimited) or at least access; the idle window seven days unless
/// sent, at least five minutes, and between access and refresh lifetime where that is limited.
fn actions(sent: &Value, causes: &mut Vec<String>) -> Value {
    let token = &sent["token"];
    let access = token["accessTokenLifetimeMinutes"].as_i64().unwrap_or(60);
    let refresh = token["refreshTokenLifetimeMinutes"].as_i64().unwrap_or(0);
    let window = token["refreshTokenWindowMinutes"].as_i64().unwrap_or(10_080);
    if !(5..=1440).contains(&access) {
        causes.push("accessTokenLifetimeMinutes: must be between 5 and 1440".to_owned());
    }
    if refresh != 0 && refresh < access {
        causes.push("refreshTokenLifetimeMinutes: must be 0 or at least the access token lifetime".to_owned());
    }
    if !(5..=2_628_000).contains(&window) || (refresh > 0 && !(access <= window && window <= refresh)) {
        causes.push("refreshTokenWindowMinutes: must be between the access and the refresh token lifetime".to_owned());
    }
    let mut out = json!({"token": {"accessTokenLifetimeMinutes": access, "refreshTokenLifetimeMinutes": refresh,
        "refreshTokenWindowMinutes": window}});
    if token["inlineHook"]["id"].is_string() {
        out["token"]["inlineHook"] = token["inlineHook"].clone();
    }
    out
}

async fn create(
    State(org): State<Arc<Org>>,
    cx: Cx,
    Path((id, policy)): Path<(String, String)>,
    Input(input): Input,
) -> Answer {
    hold(&org, &id).await?;
    let now = org.now();
    let mut data = org.data();
    let (name, conditions, actions) = wanted(&data, &input)?;
    let server = data.server_mut(&id)?;
    let at = find_policy(server, &policy)?;
    let stamp = Stamp::new(now);
    let rule = Rule { id: ids::id("0pr"), active: true, name, system: false, conditions, actions, stamp };
    let (rule_id, targets) = (rule.id.clone(), targets(&server.policies[at], &rule));
    let index = place(&mut server.policies[at].rules, rule, input["priority"].as_i64());
    let shown = show::rule(&org, server, &policy, index, &server.policies[at].rules[index]);
    data.hide(&rule_id, org.lag(&cx));
    log::add(&org, &mut data, &cx, "policy.rule.add", targets);
    created(shown)
}

async fn one(State(org): State<Arc<Org>>, Path((id, policy, rule)): Path<(String, String, String)>) -> Answer {
    let data = org.data();
    let server = data.server(&id)?;
    let found = &server.policies[find_policy(server, &policy)?];
    let index = find(found, &rule)?;
    if !data.seen(&rule) {
        return Err(Problem::not_found(&rule, "PolicyRule"));
    }
    ok(show::rule(&org, server, &policy, index, &found.rules[index]))
}

/// The status in the body is ignored: recorded complaints say that PUT does not flip it.
async fn replace(
    State(org): State<Arc<Org>>,
    cx: Cx,
    Path((id, policy, rule)): Path<(String, String, String)>,
    Input(input): Input,
) -> Answer {
    hold(&org, &id).await?;
    let now = org.now();
    let mut data = org.data();
    let (name, conditions, actions) = wanted(&data, &input)?;
    let server = data.server_mut(&id)?;
    let at = find_policy(server, &policy)?;
    let old = find(&server.policies[at], &rule)?;
    let mut changed = server.policies[at].rules.remove(old);
    changed.name = name;
    changed.conditions = conditions;
    changed.actions = actions;
    changed.stamp.updated = now;
    let targets = targets(&server.policies[at], &changed);
    let kept = i64::try_from(old + 1).ok();
    let index = place(&mut server.policies[at].rules, changed, input["priority"].as_i64().or(kept));
    let shown = show::rule(&org, server, &policy, index, &server.policies[at].rules[index]);
    log::add(&org, &mut data, &cx, "policy.rule.update", targets);
    ok(shown)
}

async fn delete(
    State(org): State<Arc<Org>>,
    cx: Cx,
    Path((id, policy, rule)): Path<(String, String, String)>,
) -> Answer {
    hold(&org, &id).await?;
    let mut data = org.data();
    let server = data.server_mut(&id)?;
    let at = find_policy(server, &policy)?;
    let index = find(&server.policies[at], &rule)?;
    if server.policies[at].rules[index].system {
        return Err(Problem::forbidden());
    }
    let gone = server.policies[at].rules.remove(index);
    let targets = targets(&server.policies[at], &gone);
    log::add(&org, &mut data, &cx, "policy.rule.delete", targets);
    no_content()
}

async fn lifecycle(
    State(org): State<Arc<Org>>,
    cx: Cx,
    Path((id, policy, rule, change)): Path<(String, String, String, String)>,
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
    let at = find_policy(server, &policy)?;
    let index = find(&server.policies[at], &rule)?;
    server.policies[at].rules[index].active = active;
    server.policies[at].rules[index].stamp.updated = now;
    let targets = targets(&server.policies[at], &server.policies[at].rules[index]);
    log::add(&org, &mut data, &cx, &format!("policy.rule.{change}"), targets);
    no_content()
}
