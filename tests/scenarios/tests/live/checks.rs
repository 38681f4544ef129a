//! The scheduled checks through their real binaries: what they find is told once, and again only when it changes.

use std::time::{Duration, Instant};

use extoauth_sandbox::seed::OKTA_NAME;
use extoauth_scenarios::client::Client;
use extoauth_scenarios::stage::{LIMIT, Stage};
use extoauth_scenarios::tickets::golden;
use serde_json::{Value, json};

use crate::listening::{heard, listen};
use crate::{stage, succeeded, wrote_nothing};

const CHECKS: [&str; 2] = ["token-lifetime-check", "secret-expiry-check"];

/// A day passes, with its schedules, and then the next sweep.
async fn a_day(client: &Client, days: u32) {
    client.advance(&format!("P{days}D")).await.expect("a day");
    client.advance("PT6M").await.expect("a sweep");
}

/// Waits for a notice of which this holds; gives all that came until then.
async fn told(client: &Client, queue: &str, is: impl Fn(&str) -> bool) -> Vec<String> {
    let (begin, mut all) = (Instant::now(), Vec::new());
    loop {
        all.extend(heard(client, queue).await);
        if all.iter().any(|text| is(text)) {
            return all;
        }
        assert!(begin.elapsed() < LIMIT, "not told; only: {all:#?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
        client.advance("PT6M").await.expect("a sweep");
    }
}

/// A check, asked by its golden event at the sandbox's present time.
async fn check(stage: &Stage, function: &str) -> Value {
    let path = extoauth_sandbox::sandbox::root().join(format!("events/{function}/check.json"));
    let text = std::fs::read_to_string(path).expect("a golden event");
    let mut event: Value = serde_json::from_str(&text).expect("JSON");
    event["time"] = json!(stage.sandbox.world.clock.now());
    stage.host.invoke(function, event).await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shortened_lifetime_is_told_with_who_did_it_and_mended_by_itself() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    let (topic, _) = listen(client).await;
    succeeded(&stage.run(&golden("okta-provision").expect("a ticket")).await.expect("an end"));
    let answer = check(&stage, "token-lifetime-check").await;
    assert_eq!(
        (&answer["checked"], &answer["findings"], &answer["queued"]),
        (&json!(1), &json!(0), &json!(0)),
        "{answer}"
    );

    // An administrator shortens the idle window to a day.
    let state = client.state().await.expect("a state");
    let servers = state["okta"][OKTA_NAME]["authorizationServers"].as_array().expect("servers").clone();
    let ours =
        servers.iter().find(|one| one["name"] != "default" && one["description"].to_string().contains("extoauth"));
    let server = ours.expect("our server")["id"].as_str().expect("an id");
    let policies = client.okta("GET", &format!("authorizationServers/{server}/policies"), Value::Null).await;
    let policies = policies.expect("policies");
    let policy = policies[0]["id"].as_str().expect("an id");
    let rules = format!("authorizationServers/{server}/policies/{policy}/rules");
    let mut rule = client.okta("GET", &rules, Value::Null).await.expect("rules")[0].clone();
    let before = rule["actions"]["token"].clone();
    rule["actions"]["token"]["refreshTokenWindowMinutes"] = json!(1_440);
    let path = format!("{rules}/{}", rule["id"].as_str().expect("an id"));
    client.okta("PUT", &path, rule.clone()).await.expect("an administrator may do this");

    let from = client.last_call().await.expect("calls");
    let answer = check(&stage, "token-lifetime-check").await;
    assert_eq!((&answer["findings"], &answer["notified"]), (&json!(1), &json!(1)), "{answer}");
    let again = check(&stage, "token-lifetime-check").await;
    assert_eq!((&again["findings"], &again["notified"]), (&json!(1), &json!(0)), "told twice: {again}");
    let calls = client.calls(from).await.expect("calls");
    wrote_nothing(&calls.into_iter().filter(|call| CHECKS.contains(&call.caller.as_str())).collect::<Vec<_>>());
    let is_ours = |text: &str| text.contains("analytics-dev") && text.contains("lifetime");
    let all = told(client, &topic, is_ours).await;
    let ours: Vec<&String> = all.iter().filter(|text| is_ours(text)).collect();
    assert_eq!(ours.len(), 1, "{ours:#?}");
    assert!(ours[0].contains("every day") || ours[0].contains("1 day"), "the effect in words: {}", ours[0]);
    assert!(ours[0].contains("admin"), "who did it: {}", ours[0]);

    // It is put back: nobody needs to do more, and it is told that it is over.
    rule["actions"]["token"] = before;
    client.okta("PUT", &path, rule).await.expect("an administrator may do this");
    let answer = check(&stage, "token-lifetime-check").await;
    assert_eq!(answer["findings"], 0, "{answer}");
    let log = stage.log().expect("a log");
    assert!(log.contains("\"checks_ended\":1"), "the heartbeat");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_of_an_integration_is_closed_once_it_is_removed() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    let (topic, _) = listen(client).await;
    succeeded(&stage.run(&golden("entra-provision").expect("a ticket")).await.expect("an end"));
    a_day(client, 91).await;
    let of_secret = |text: &str| text.contains("reporting-dev: secret_end");
    told(client, &topic, of_secret).await;
    succeeded(&stage.run(&golden("entra-deprovision").expect("a ticket")).await.expect("an end"));
    a_day(client, 1).await;
    let closed = |text: &str| text.contains("CLOSED reporting-dev: secret_end");
    let all = told(client, &topic, closed).await;
    assert!(all.iter().all(|text| !text.contains("MENDED reporting-dev")), "{all:#?}");
    a_day(client, 1).await;
    let more: Vec<String> = heard(client, &topic).await;
    let again: Vec<&String> = more.iter().filter(|text| text.contains("reporting-dev")).collect();
    assert!(again.is_empty(), "told twice: {again:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schedules_tell_of_a_secret_that_ends_on_its_days_and_once() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    let (topic, _) = listen(client).await;
    succeeded(&stage.run(&golden("entra-provision").expect("a ticket")).await.expect("an end"));
    a_day(client, 91).await;
    let of_secret = |text: &str| text.contains("reporting-dev") && text.contains("secret");
    let first = told(client, &topic, of_secret).await;
    assert_eq!(first.iter().filter(|text| of_secret(text)).count(), 1, "{first:#?}");
    // The check dies twice, after it has stored what it found or before: it comes again, and tells nothing twice.
    let faults = json!([
        {"system": "dynamodb", "path": "TransactWriteItems", "caller": "secret-expiry-check", "fault": "kill_after"},
        {"system": "entra", "path": "*/applications", "caller": "secret-expiry-check", "fault": "kill_before"},
    ]);
    client.faults(faults).await.expect("faults");
    a_day(client, 60).await;
    let next = told(client, &topic, of_secret).await;
    client.clear_faults().await.expect("no faults");
    a_day(client, 1).await;
    let more: Vec<String> = heard(client, &topic).await.into_iter().filter(|text| of_secret(text)).collect();
    let all: Vec<&String> = next.iter().filter(|text| of_secret(text)).chain(&more).collect();
    assert_eq!(all.len(), 1, "29 days are left, then 28: one threshold. {all:#?}");
}
