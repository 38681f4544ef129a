//! Whether an access policy gives a client and a person a token, and for how long.

use serde_json::Value;

use super::super::data::{App, Data, Policy, Rule, Server};
use super::super::error::Problem;

/// The lifetimes of the rule in force, in minutes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lifetimes {
    pub access: i64,
    /// 0 = unlimited.
    pub refresh: i64,
    pub window: i64,
}

/// No policy or rule fits.
pub(super) fn denied() -> Problem {
    let text = "Policy evaluation failed for this request, please check the policy configurations.";
    Problem::oauth(401, "access_denied", text)
}

/// Evaluates the policies: the first active one that names the client decides, in it the first active rule that fits
/// grant, person and **all** scopes. Where rules fit but for the scopes, that is what the error says.
pub(super) fn evaluate(
    data: &Data,
    server: &Server,
    app: &App,
    user: Option<&str>,
    grant: &str,
    scopes: &[String],
) -> Result<Lifetimes, Problem> {
    let names_client = |policy: &&Policy| {
        policy.active
            && (holds(&policy.conditions["clients"]["include"], "ALL_CLIENTS")
                || holds(&policy.conditions["clients"]["include"], app.client_id()))
    };
    let policy = server.policies.iter().find(names_client).ok_or_else(denied)?;
    let mut fitting = policy
        .rules
        .iter()
        .filter(|rule| {
            rule.active && holds(&rule.conditions["grantTypes"]["include"], grant) && lets_in(data, rule, user)
        })
        .peekable();
    if fitting.peek().is_none() {
        return Err(denied());
    }
    let allows = |rule: &&Rule| {
        let list = &rule.conditions["scopes"]["include"];
        holds(list, "*") || scopes.iter().all(|scope| holds(list, scope))
    };
    let rule = fitting.find(allows).ok_or_else(|| {
        let text = "Policy evaluation succeeded, but all the requested scopes were rejected.";
        Problem::oauth(400, "access_denied", text)
    })?;
    let minutes = |name: &str, default: i64| rule.actions["token"][name].as_i64().unwrap_or(default);
    Ok(Lifetimes {
        access: minutes("accessTokenLifetimeMinutes", 60),
        refresh: minutes("refreshTokenLifetimeMinutes", 0),
        window: minutes("refreshTokenWindowMinutes", 10_080),
    })
}

fn holds(list: &Value, item: &str) -> bool {
    list.as_array().is_some_and(|list| list.iter().any(|known| known == item))
}

/// Whether a rule is for this person. A rule without people is for nobody (UNCONFIRMED: what Okta does with it).
fn lets_in(data: &Data, rule: &Rule, user: Option<&str>) -> bool {
    let Some(user) = user else { return true };
    let people = &rule.conditions["people"];
    let in_group = |list: &Value| {
        let mut groups = list.as_array().into_iter().flatten().filter_map(Value::as_str);
        groups.any(|group| data.member(group, user))
    };
    let out = holds(&people["users"]["exclude"], user) || in_group(&people["groups"]["exclude"]);
    !out && (holds(&people["users"]["include"], user) || in_group(&people["groups"]["include"]))
}
