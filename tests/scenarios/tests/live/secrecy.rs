//! No secret value leaves Secrets Manager and the vendors: it is searched for in everything that extoauth writes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extoauth_sandbox::world::access_key;
use extoauth_scenarios::Stage;
use extoauth_scenarios::tickets::{golden, refused};
use serde_json::{Value, json};

use crate::entra::PATIENCE;
use crate::listening::{heard, listen};
use crate::{stage, succeeded};

/// Every secret that there is, with a name.
async fn secrets(stage: &Stage) -> Vec<(String, String)> {
    let sandbox = &stage.sandbox;
    let mut all = vec![
        ("webhook secret".to_owned(), sandbox.keys.webhook_secret.trim_start_matches("whsec_").to_owned()),
        ("bearer key".to_owned(), sandbox.keys.bearer.clone()),
        ("dbt token".to_owned(), sandbox.dbt.automation_token().to_owned()),
        ("ServiceNow password".to_owned(), sandbox.servicenow.automation_password().to_owned()),
        ("Okta admin token".to_owned(), sandbox.okta.admin_token().to_owned()),
        ("Entra admin token".to_owned(), sandbox.entra.admin_token().to_owned()),
        ("client secret of our Entra registration".to_owned(), sandbox.entra.automation_secret().to_owned()),
    ];
    // Any whole line of a private key would do harm.
    let keys = [
        ("Okta private key", sandbox.okta.service_app().2),
        ("Entra private key", sandbox.entra.automation_certificate().1),
    ];
    for (name, pem) in keys {
        all.extend(pem.lines().filter(|line| line.len() > 40).map(|line| (name.to_owned(), line.to_owned())));
    }
    all.extend(["intake", "provision"].map(|function| (format!("AWS key of {function}"), access_key(function).1)));
    let basic = format!("{}:{}", sandbox.servicenow.automation_user(), sandbox.servicenow.automation_password());
    all.push(("ServiceNow Basic credentials".to_owned(), STANDARD.encode(basic)));
    let client = &stage.client;
    let list = client.aws("secretsmanager", "secretsmanager.ListSecrets", &json!({})).await.expect("secrets");
    let mut generated = 0;
    for secret in list["SecretList"].as_array().expect("a list") {
        if secret["Name"].as_str().is_some_and(|name| name.ends_with("client-secret")) {
            let id = json!({"SecretId": secret["ARN"]});
            let read = client.aws("secretsmanager", "secretsmanager.GetSecretValue", &id).await;
            let value = read.expect("a value")["SecretString"].as_str().expect("text").to_owned();
            all.push((format!("client secret {}", secret["Name"]), value));
            generated += 1;
        }
    }
    assert!(generated > 0, "no client secret was found");
    all
}

#[track_caller]
fn clean(place: &str, text: &str, secrets: &[(String, String)]) {
    for (name, value) in secrets {
        assert!(value.len() > 15, "{name} is too short to search for");
        assert!(!text.contains(value.as_str()), "the {name} is in {place}");
    }
    // Whatever we did not think of, and client secrets of Entra's that were lost on the way: the beginning of any JWT or
    // key, and what Entra's secrets have in them.
    for trace in ["eyJhbGciOi", "eyJraWQiOi", "eyJ0eXAiOi", "-----BEGIN", "8Q~"] {
        if let Some(at) = text.find(trace) {
            let end = text[at..].char_indices().nth(60).map_or(text.len(), |(length, _)| at + length);
            panic!("a token, key or secret is in {place}: {}", &text[at..end]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_told() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    let (topic, bus) = listen(client).await;
    let mut said: Vec<(String, String)> = Vec::new();
    let (ticket, entra) = (golden("okta-provision").expect("a ticket"), golden("entra-provision").expect("a ticket"));
    // A bad day and crashes make more text than a good one.
    let faults = json!([
        {"system": "okta", "method": "POST", "path": "/api/v1/apps", "fault": "garbage"},
        {"system": "okta", "path": "/oauth2/v1/token", "fault": "truncate", "nth": 2},
        {"system": "dbt", "method": "POST", "path": "*/oauth-configurations/", "fault": "kill_after"},
        {"system": "secretsmanager", "path": "CreateSecret", "fault": "reset_after"},
        {"system": "servicenow", "method": "PATCH", "fault": "status:500"},
    ]);
    client.faults(faults).await.expect("faults");
    succeeded(&stage.run(&ticket).await.expect("an end"));
    client.clear_faults().await.expect("no faults");
    // Its client secret is in an answer that cannot be read to its end.
    let faults = json!([
        {"system": "entra", "path": "*/oauth2/v2.0/token", "fault": "truncate"},
        {"system": "entra", "method": "PATCH", "path": "/v1.0/applications(uniqueName=*", "fault": "garbage"},
        {"system": "entra", "path": "*/addPassword", "fault": "truncate"},
        {"system": "secretsmanager", "path": "CreateSecret", "fault": "reset_after"},
    ]);
    client.faults(faults).await.expect("faults");
    succeeded(&client.run(&entra, PATIENCE).await.expect("an end"));
    client.clear_faults().await.expect("no faults");
    let known = secrets(&stage).await;

    let mut bodies = vec![ticket, entra];
    for name in [
        "okta-plan",
        "okta-change-lifetime",
        "entra-plan",
        "entra-verify",
        "entra-deprovision",
        "okta-second",
        "okta-verify",
        "okta-deprovision",
    ] {
        bodies.push(golden(name).expect("a ticket"));
    }
    bodies.extend(refused().expect("tickets").into_iter().map(|ticket| ticket.body));
    let mut known = known;
    for body in &bodies {
        let answer = client.post(body).await.expect("an answer");
        said.push(("an answer of intake".to_owned(), answer.body.to_string()));
        let report = client.end(answer.id().expect("an id"), extoauth_scenarios::stage::LIMIT).await.expect("an end");
        said.push(("a status".to_owned(), report.to_string()));
        if body["integration"] == "finance-dev" {
            known.extend(secrets(&stage).await);
        }
    }
    for body in &bodies {
        let ticket = client.ticket(body).await.expect("a ticket");
        said.push(("a ticket".to_owned(), ticket.to_string()));
        said.push(("work notes".to_owned(), client.notes(body).await.expect("notes").join("\n")));
    }
    let table = json!({"TableName": extoauth_sandbox::seed::TABLE});
    let items = client.aws("dynamodb", "DynamoDB_20120810.Scan", &table).await.expect("items");
    assert!(items["Count"].as_u64().is_some_and(|count| count > 0) && items["LastEvaluatedKey"].is_null());
    said.push(("DynamoDB".to_owned(), items.to_string()));
    for (place, queue) in [("an SNS message", &topic), ("an EventBridge event", &bus)] {
        let messages = heard(client, queue).await;
        assert!(messages.len() >= bodies.len(), "{place}: {} for {} requests", messages.len(), bodies.len());
        said.extend(messages.into_iter().map(|message| (place.to_owned(), message)));
    }
    let log = stage.log().expect("a log");
    for line in log.lines() {
        let read: Result<Value, _> = serde_json::from_str(line);
        assert!(read.is_ok(), "the log is JSON lines: {line}");
    }
    said.push(("the functions' log".to_owned(), log));
    for (place, text) in &said {
        clean(place, text, &known);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_names_a_request_and_no_more() {
    let wiring = extoauth_sandbox::host::Wiring { idle_queues: ["provision".to_owned()].into(), ..Default::default() };
    let Some(stage) = Stage::start_with(wiring).await.expect("a stage") else { return };
    let client = &stage.client;
    let answer = client.post(&golden("okta-provision").expect("a ticket")).await.expect("an answer");
    let environment: std::collections::HashMap<_, _> = stage.sandbox.function_env("intake").into_iter().collect();
    let messages = heard(client, &environment["EXTOAUTH_QUEUE_URL"]).await;
    let message: Value = serde_json::from_str(messages.first().expect("a message")).expect("JSON");
    let expected = json!({"schema": 1, "kind": "request", "request": answer.id().expect("an id")});
    assert_eq!((messages.len(), message), (1, expected));
}
