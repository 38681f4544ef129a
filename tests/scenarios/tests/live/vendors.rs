//! Vendors on a bad day: a feature that is not bought, an allow-list, a slow org, somebody else's objects.

use std::time::{Duration, Instant};

use extoauth_scenarios::login::sign_in;
use extoauth_scenarios::state::comparable;
use extoauth_scenarios::tickets::golden;
use serde_json::{Value, json};

use crate::{same, stage, succeeded, wrote_nothing};

#[tokio::test(flavor = "multi_thread")]
async fn okta_without_api_access_management() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    stage.sandbox.okta.configure(|org| org.api_access_management = false);
    let start = client.state().await.expect("a state");
    let ticket = golden("okta-provision").expect("a ticket");
    let report = stage.run(&ticket).await.expect("an end");
    assert_eq!(report["status"], "failed", "{report:#}");
    let error = report["error"].to_string();
    assert!(error.contains("API Access Management"), "it names what to buy: {error}");
    assert!(error.contains("okta/acme"), "it names the org: {error}");
    wrote_nothing(&client.calls(0).await.expect("calls"));
    same(&comparable(&start, &start), &comparable(&client.state().await.expect("a state"), &start));

    stage.sandbox.okta.configure(|org| org.api_access_management = true);
    let again = client.post(&ticket).await.expect("an answer");
    assert_eq!(again.status, 202, "a failed request is posted again: {}", again.body);
    succeeded(&client.end(again.id().expect("an id"), extoauth_scenarios::stage::LIMIT).await.expect("an end"));
    sign_in(client, 70_001, 90_001, "dev1@example.com").await.expect("a login");
}

#[tokio::test(flavor = "multi_thread")]
async fn dbt_behind_an_allow_list() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    stage.sandbox.dbt.set_ip_restricted(true);
    let ticket = golden("okta-provision").expect("a ticket");
    let report = stage.run(&ticket).await.expect("an end");
    assert_eq!(
        (&report["status"], &report["error"]["code"]),
        (&json!("failed"), &json!("ip_restricted")),
        "{report:#}"
    );
    assert_eq!(report["error"]["system"], "dbt/acme");
    wrote_nothing(&client.calls(0).await.expect("calls"));
    stage.sandbox.dbt.set_ip_restricted(false);
    succeeded(&stage.run(&ticket).await.expect("an end"));
    sign_in(client, 70_001, 90_001, "dev1@example.com").await.expect("a login");
}

#[tokio::test(flavor = "multi_thread")]
async fn okta_that_takes_eight_seconds() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    // Slow while objects are made, not for ever: a test has an end.
    let slow = |path: &str| json!({"system": "okta", "path": path, "fault": "delay:8000"});
    let faults = json!([slow("/oauth2/v1/token"), slow("/api/v1/apps"), slow("/api/v1/authorizationServers*")]);
    client.faults(faults).await.expect("faults");
    let begin = Instant::now();
    let report = stage.run(&golden("okta-provision").expect("a ticket")).await.expect("an end");
    succeeded(&report);
    assert!(begin.elapsed() > Duration::from_secs(16), "the delays were not felt");
    assert_eq!(report["attempt"], 1);
    sign_in(client, 70_001, 90_001, "dev1@example.com").await.expect("a login");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_with_our_name_that_is_not_ours() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    let ticket = golden("okta-provision").expect("a ticket");
    succeeded(&stage.run(&ticket).await.expect("an end"));
    let state = client.state().await.expect("a state");
    let apps = state["okta"]["acme"]["apps"].as_array().expect("apps");
    let ours = apps.iter().find(|app| app["label"].as_str().is_some_and(|label| label.contains("analytics-dev")));
    let label = ours.expect("our app")["label"].clone();
    client.reset().await.expect("a reset");

    let door = &client.sandbox_json()["admin"]["okta"]["acme"];
    let url = door["url"].as_str().unwrap_or_default();
    let token = format!("SSWS {}", door["token"].as_str().unwrap_or_default());
    let foreign = json!({
        "name": "oidc_client", "label": label, "signOnMode": "OPENID_CONNECT",
        "credentials": {"oauthClient": {"token_endpoint_auth_method": "client_secret_basic"}},
        "settings": {"oauthClient": {
            "application_type": "web", "grant_types": ["authorization_code"], "response_types": ["code"],
            "redirect_uris": ["https://elsewhere.example.net/callback"],
        }},
    });
    let call = client.http().post(format!("{url}/api/v1/apps")).header("authorization", token).json(&foreign);
    let made = client.send(call).await.expect("an answer").good().expect("an app");
    let start = client.state().await.expect("a state");
    let report = stage.run(&ticket).await.expect("an end");
    let after = client.state().await.expect("a state");
    let of = |state: &Value| -> Value {
        let apps = state["okta"]["acme"]["apps"].as_array().expect("apps");
        apps.iter().find(|app| app["id"] == made["id"]).expect("the foreign app").clone()
    };
    same(&of(&start), &of(&after));
    // A clear stop, or an app of our own beside it; never theirs.
    if report["status"] == "succeeded" {
        let chain = sign_in(client, 70_001, 90_001, "dev1@example.com").await.expect("a login");
        assert_ne!(json!(chain.client_id), made["id"]);
    } else {
        let said = report["error"].to_string() + &report["findings"].to_string();
        assert!(said.contains("adopt") || said.contains("foreign"), "{said}");
    }
}
