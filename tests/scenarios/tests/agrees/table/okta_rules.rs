//! Okta: the access policy and its rule, and those that stand above them.

use futures::FutureExt as _;
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::dice::Dice;
use crate::mutation::{Deed, Mutation};
use crate::ours::Ours;

const SERVER: &str = "okta.server";
const POLICY: &str = "okta.server.policy";
const RULE: &str = "okta.server.policy.rule";
const RULES: &[&str] = &["access_rule"];

/// The rows.
pub const ROWS: &[Mutation] = &[
    // The policy.
    Mutation::new("policy deactivated", Deed::Deactivate(POLICY), RULES).at("okta"),
    Mutation::new("policy deleted", Deed::Delete(POLICY), RULES).at("okta"),
    Mutation::edit("policy renamed", POLICY, RULES, |policy, _, dice| policy["name"] = json!(dice.word())).at("okta"),
    Mutation::edit("policy for another client", POLICY, RULES, |policy, ours, _| {
        policy["conditions"]["clients"]["include"] = json!([ours.other_client]);
    })
    .at("okta"),
    Mutation::edit("policy for all clients", POLICY, RULES, |policy, _, _| {
        policy["conditions"]["clients"]["include"] = json!(["ALL_CLIENTS"]);
    })
    .at("okta"),
    Mutation::act("a policy above that takes the client and has no rule", RULES, |desk, ours, _| {
        policy_above(desk, ours, &["ALL_CLIENTS"]).map(|made| made.map(|_| ())).boxed()
    })
    .at("okta")
    .undone(|desk, ours, _| remove_policies(desk, ours).boxed()),
    Mutation::act("a policy above that takes the client, with a rule", RULES, |desk, ours, dice| {
        async move {
            let policy = policy_above(desk, ours, &[&ours.client_id]).await?;
            let rule = random_rule(ours, dice);
            desk.okta("POST", &format!("{}/policies/{policy}/rules", ours.path(SERVER)), rule).await.map(|_| ())
        }
        .boxed()
    })
    .at("okta")
    .by_person()
    .undone(|desk, ours, _| remove_policies(desk, ours).boxed()),
    // The rule.
    Mutation::new("rule deactivated", Deed::Deactivate(RULE), RULES).at("okta"),
    Mutation::new("rule deleted", Deed::Delete(RULE), RULES).at("okta"),
    Mutation::edit("rule renamed", RULE, RULES, |rule, _, dice| rule["name"] = json!(dice.word())).at("okta"),
    Mutation::edit("rule: other grant types", RULE, RULES, |rule, _, dice| {
        let types = *dice.one(&["implicit", "password", "client_credentials"]);
        rule["conditions"]["grantTypes"]["include"] = json!([types]);
    })
    .at("okta"),
    Mutation::edit("rule: a grant type more", RULE, RULES, |rule, _, _| {
        rule["conditions"]["grantTypes"]["include"] = json!(["authorization_code", "implicit"]);
    })
    .at("okta"),
    Mutation::edit("rule: some scopes", RULE, RULES, |rule, _, dice| {
        rule["conditions"]["scopes"]["include"] = scopes(dice);
    })
    .at("okta"),
    Mutation::edit("rule: other people", RULE, RULES, |rule, ours, _| {
        rule["conditions"]["people"] = json!({"groups": {"include": [ours.other_group]}});
    })
    .at("okta"),
    Mutation::edit("rule: our group", RULE, RULES, |rule, ours, _| {
        rule["conditions"]["people"] = json!({"groups": {"include": [ours.group]}});
    })
    .at("okta"),
    Mutation::edit("rule: somebody left out", RULE, RULES, |rule, ours, dice| {
        rule["conditions"]["people"]["users"] = json!({"exclude": [dice.one(&ours.people)]});
    })
    .at("okta")
    .by_person()
    .undone(|desk, ours, _| {
        // The recipe states groups alone.
        async move {
            let mut rule = desk.read(ours, RULE).await?;
            rule["conditions"]["people"]["users"]["exclude"] = json!([]);
            desk.okta("PUT", &ours.path(RULE), rule).await.map(|_| ())
        }
        .boxed()
    }),
    Mutation::edit("rule: one person", RULE, RULES, |rule, ours, dice| {
        rule["conditions"]["people"] = json!({"users": {"include": [dice.one(&ours.people)]}});
    })
    .at("okta")
    .by_person(),
    Mutation::edit("rule: access tokens live otherwise", RULE, &["token_lifetimes"], |rule, _, dice| {
        rule["actions"]["token"]["accessTokenLifetimeMinutes"] = json!(dice.between(5, 1440));
    })
    .at("okta"),
    Mutation::edit("rule: refresh tokens live otherwise", RULE, &["token_lifetimes"], |rule, _, dice| {
        let minutes = dice.between(1440, 400_000);
        rule["actions"]["token"]["refreshTokenLifetimeMinutes"] = json!(minutes);
        rule["actions"]["token"]["refreshTokenWindowMinutes"] = json!(dice.between(60, minutes));
    })
    .at("okta"),
    Mutation::edit("rule: another idle window", RULE, &["token_lifetimes"], |rule, _, dice| {
        rule["actions"]["token"]["refreshTokenWindowMinutes"] = json!(dice.between(10, 20_000));
    })
    .at("okta"),
    Mutation::act("a rule above ours", RULES, |desk, ours, dice| {
        async move {
            let rule = random_rule(ours, dice);
            desk.okta("POST", &format!("{}/rules", ours.path(POLICY)), rule).await.map(|_| ())
        }
        .boxed()
    })
    .at("okta")
    .by_person()
    .undone(|desk, ours, _| {
        async move {
            let path = format!("{}/rules", ours.path(POLICY));
            let rules = desk.okta("GET", &path, Value::Null).await?;
            for rule in rules.as_array().into_iter().flatten().filter(|rule| rule["name"] == ABOVE) {
                desk.okta("DELETE", &format!("{path}/{}", id(rule)), Value::Null).await?;
            }
            Ok(())
        }
        .boxed()
    }),
];

/// Name of what is put above ours.
const ABOVE: &str = "security team";

fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap_or_default()
}

fn scopes(dice: &mut Dice) -> Value {
    let all: [&[&str]; 5] = [
        &["openid"],
        &["openid", "session:role-any"],
        &["session:role-any", "offline_access"],
        &["openid", "offline_access", "session:role-any"],
        &["*"],
    ];
    json!(*dice.one(&all))
}

/// A rule as somebody else would make one: its people, scopes, grant and lifetimes may be ours or not.
fn random_rule(ours: &Ours, dice: &mut Dice) -> Value {
    let people = match dice.below(4) {
        0 => json!({"groups": {"include": ["EVERYONE"]}}),
        1 => json!({"groups": {"include": [ours.other_group]}}),
        2 => json!({"groups": {"include": [ours.group]}}),
        _ => json!({"users": {"include": [dice.one(&ours.people)]}}),
    };
    let grants: [&[&str]; 3] = [&["authorization_code"], &["authorization_code", "implicit"], &["client_credentials"]];
    json!({
        "type": "RESOURCE_ACCESS", "name": ABOVE, "priority": 1, "status": "ACTIVE",
        "conditions": {
            "people": people, "grantTypes": {"include": *dice.one(&grants)}, "scopes": {"include": scopes(dice)},
        },
        "actions": {"token": {
            "accessTokenLifetimeMinutes": dice.between(5, 1440), "refreshTokenLifetimeMinutes": 0,
            "refreshTokenWindowMinutes": 10_080,
        }},
    })
}

async fn policy_above(desk: &Desk<'_>, ours: &Ours, clients: &[&str]) -> anyhow::Result<String> {
    let body = json!({
        "type": "OAUTH_AUTHORIZATION_POLICY", "name": ABOVE, "description": ABOVE, "status": "ACTIVE", "priority": 1,
        "conditions": {"clients": {"include": clients}},
    });
    let made = desk.okta("POST", &format!("{}/policies", ours.path(SERVER)), body).await?;
    Ok(id(&made).to_owned())
}

async fn remove_policies(desk: &Desk<'_>, ours: &Ours) -> anyhow::Result<()> {
    let path = format!("{}/policies", ours.path(SERVER));
    let policies = desk.okta("GET", &path, Value::Null).await?;
    for policy in policies.as_array().into_iter().flatten().filter(|policy| policy["name"] == ABOVE) {
        desk.okta("DELETE", &format!("{path}/{}", id(policy)), Value::Null).await?;
    }
    Ok(())
}
