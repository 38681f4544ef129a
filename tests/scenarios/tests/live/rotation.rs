//! A client secret is rotated by ticket, through the functions' real binaries and Secrets Manager's four steps.

use extoauth_scenarios::login::sign_in;
use extoauth_scenarios::stage::LIMIT;
use extoauth_scenarios::tickets::golden;
use serde_json::Value;

use crate::{stage, succeeded};

/// A bit more than the grace of an old secret.
const AFTER_THE_GRACE: &str = "PT25H";

/// Digests of the good client secrets in a collection.
fn digests(state: &Value, pointer: &str, field: &str) -> Vec<String> {
    let rows = state.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
    rows.iter().filter_map(|row| row[field]["sha256"].as_str().map(str::to_owned)).collect()
}

async fn rotated(kind: &str, project: u64, environment: u64) {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    let start = client.state().await.expect("a state");
    succeeded(&stage.run(&golden(&format!("{kind}-provision")).expect("a ticket")).await.expect("an end"));
    let held = |state: &Value| digests(state, "/dbt/acme/oauth-configurations", "client_secret");
    let start: Vec<String> = held(&start);
    let before: Vec<String> = held(&client.state().await.expect("a state"));
    let before: Vec<String> = before.into_iter().filter(|secret| !start.contains(secret)).collect();
    assert_eq!(before.len(), 1);
    let user = "dev1@example.com";

    let answer = client.post(&golden(&format!("{kind}-rotate")).expect("a ticket")).await.expect("an answer");
    let id = answer.id().expect("an id").to_owned();
    let waits = client
        .until(|report| report["status"] == "waiting" || report["status"] == "failed", &id, LIMIT, |_| {})
        .await
        .expect("a report");
    assert_eq!(waits["status"], "waiting", "{waits:#}\n{}", stage.log().unwrap_or_default());
    assert!(waits["waiting_for"]["until"].is_string(), "{waits:#}");
    let during = held(&client.state().await.expect("a state"));
    assert!(before.iter().all(|old| !during.contains(old)), "dbt holds a new secret");
    sign_in(client, project, environment, user).await.expect("a login while both secrets are good");

    client.advance(AFTER_THE_GRACE).await.expect("time goes by");
    let over = |report: &Value| report["status"] == "succeeded" || report["status"] == "failed";
    let ended = client.until(over, &id, LIMIT, |_| {}).await.expect("an end");
    succeeded(&ended);
    let steps = ended["steps"].as_array().expect("steps");
    assert!(steps.iter().all(|step| step["status"] == "done"), "{steps:#?}");
    let after = client.state().await.expect("a state");
    assert_eq!(held(&after), during);
    let left = if kind == "okta" { after["okta"].to_string() } else { after["entra"].to_string() };
    assert!(before.iter().all(|old| !left.contains(old)), "the old secret is gone");
    sign_in(client, project, environment, user).await.expect("a login after the grace");
    succeeded(&stage.run(&golden(&format!("{kind}-verify")).expect("a ticket")).await.expect("an end"));
}

#[tokio::test(flavor = "multi_thread")]
async fn oktas_secret_is_rotated() {
    rotated("okta", 70_001, 90_001).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entras_secret_is_rotated() {
    rotated("entra", 70_002, 90_011).await;
}
