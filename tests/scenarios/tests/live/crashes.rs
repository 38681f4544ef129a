//! The function dies at a call, before it acted or after, and its message is delivered again: the end state is that of
//! the undisturbed run. And intake dies, or the queue refuses, between storing and queueing: nothing is lost.

use extoauth_core::request::{Action, RequestId, TicketRef};
use extoauth_scenarios::login::sign_in;
use extoauth_scenarios::stage::LIMIT;
use extoauth_scenarios::state::comparable;
use extoauth_scenarios::tickets::golden;
use extoauth_scenarios::{Answer, Client};
use serde_json::{Value, json};

use crate::{same, stage, succeeded};

/// A call at which provision dies: system, method, path.
type At = (&'static str, &'static str, &'static str);

async fn dies(ticket: &str, calls: &[At]) {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    let ticket = golden(ticket).expect("a ticket");
    let start = client.state().await.expect("a state");
    succeeded(&stage.run(&ticket).await.expect("an end"));
    let undisturbed = comparable(&client.state().await.expect("a state"), &start);
    for (system, method, path) in calls {
        for fault in ["kill_before", "kill_after"] {
            let what = format!("{fault} at {system} {method} {path}");
            client.reset().await.expect("a reset");
            let start = client.state().await.expect("a state");
            let mut spec = json!({"system": system, "path": path, "fault": fault, "caller": "provision"});
            if !method.is_empty() {
                spec["method"] = json!(method);
            }
            client.faults(json!([spec])).await.expect("a fault");
            let report = stage.run(&ticket).await.unwrap_or_else(|error| panic!("{what}: {error:#}"));
            let killed = client.calls(0).await.expect("calls").into_iter().any(|call| call.status == 0);
            assert!(killed, "{what}: no such call was made");
            assert_eq!(report["status"], "succeeded", "{what}: {report:#}");
            let found = comparable(&client.state().await.expect("a state"), &start);
            let differences = extoauth_scenarios::state::differences(&undisturbed, &found);
            assert!(differences.is_empty(), "{what}: the end state differs:\n{}", differences.join("\n"));
            let notes = client.notes(&ticket).await.expect("notes");
            let mut once = notes.clone();
            once.sort();
            once.dedup();
            assert_eq!(once.len(), notes.len(), "{what}: a note was written twice: {notes:#?}");
        }
    }
    let environments = ticket["variables"]["dbt_environments"].as_str().and_then(|both| both.split_once('/'));
    let (project, environment) = environments.expect("one environment");
    let (project, environment) = (project.parse().expect("an id"), environment.parse().expect("an id"));
    sign_in(client, project, environment, "dev1@example.com").await.expect("a login");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_calls_to_okta() {
    dies(
        "okta-provision",
        &[
            ("okta", "POST", "/api/v1/authorizationServers"),
            ("okta", "POST", "/api/v1/apps"),
            ("okta", "POST", "/api/v1/authorizationServers/*/policies"),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_calls_to_entra() {
    dies(
        "entra-provision",
        &[
            ("entra", "PATCH", "/v1.0/applications(uniqueName=*"),
            ("entra", "POST", "/v1.0/servicePrincipals"),
            ("entra", "POST", "/v1.0/oauth2PermissionGrants"),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_calls_to_aws() {
    dies(
        "okta-provision",
        &[
            ("secretsmanager", "", "CreateSecret"),
            ("sso-admin", "", "CreateTrustedTokenIssuer"),
            ("redshift", "", "ModifyRedshiftIdcApplication"),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_calls_to_dbt_and_the_ticket() {
    dies(
        "okta-provision",
        &[
            ("dbt", "POST", "*/oauth-configurations/"),
            ("dbt", "POST", "*/connections/"),
            ("dbt", "POST", "*/environments/*"),
            ("servicenow", "PATCH", "*"),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_dies_goes_on() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    for (system, path) in
        [("okta", "/api/v1/apps/*"), ("sso-admin", "DeleteTrustedTokenIssuer"), ("dbt", "*/connections/*")]
    {
        client.reset().await.expect("a reset");
        let start = client.state().await.expect("a state");
        succeeded(&stage.run(&golden("okta-provision").expect("a ticket")).await.expect("an end"));
        let mut spec = json!({"system": system, "path": path, "fault": "kill_after", "caller": "provision"});
        if system != "sso-admin" {
            spec["method"] = json!("DELETE");
        }
        client.faults(json!([spec])).await.expect("a fault");
        succeeded(&stage.run(&golden("okta-deprovision").expect("a ticket")).await.expect("an end"));
        same(&comparable(&start, &start), &comparable(&client.state().await.expect("a state"), &start));
    }
}

/// The id that intake gives to this ticket's request.
fn id_of(body: &Value) -> String {
    let text = |name: &str| body["ticket"][name].as_str().unwrap_or_default().to_owned();
    let ticket = TicketRef {
        table: text("table"),
        sys_id: text("sys_id"),
        number: text("number"),
        approval: None,
        requested_for: None,
        opened_by: None,
    };
    RequestId::of(body["instance"].as_str().unwrap_or_default(), &ticket, Action::Provision).to_string()
}

async fn refused_by_the_queue(client: &Client, ticket: &Value, fault: &str, times: u64) -> Answer {
    let fault = json!([{"system": "sqs", "path": "SendMessage", "caller": "intake", "fault": fault, "times": times}]);
    client.faults(fault).await.expect("a fault");
    client.post(ticket).await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_and_not_queued_is_not_lost() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    let ticket = golden("okta-provision").expect("a ticket");
    let id = id_of(&ticket);

    // Intake dies at its message: the caller hears nothing good, the sweep sends the message.
    let answer = refused_by_the_queue(client, &ticket, "kill_before", 1).await;
    assert!(answer.status >= 500, "{}", answer.status);
    assert_eq!(client.request(&id).await.expect("it is stored")["status"], "accepted");
    client.advance("PT10M").await.expect("a sweep");
    succeeded(&client.end(&id, LIMIT).await.expect("an end"));

    // The queue does not take the message: 503, and posting it again queues it.
    client.reset().await.expect("a reset");
    let answer = refused_by_the_queue(client, &ticket, "status:503", 20).await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(answer.headers.contains_key("retry-after"));
    client.clear_faults().await.expect("no faults");
    let again = client.post(&ticket).await.expect("an answer");
    assert_eq!((again.status, again.id().expect("an id")), (200, id.as_str()), "{}", again.body);
    succeeded(&client.end(&id, LIMIT).await.expect("an end"));

    // It dies after the queue has the message: the sweep's copy finds nothing to do.
    client.reset().await.expect("a reset");
    let apps = client.state().await.expect("a state")["okta"]["acme"]["apps"].as_array().map_or(0, Vec::len);
    let answer = refused_by_the_queue(client, &ticket, "kill_after", 1).await;
    assert!(answer.status >= 500, "{}", answer.status);
    succeeded(&client.end(&id, LIMIT).await.expect("an end"));
    client.advance("PT10M").await.expect("a sweep");
    let report = client.request(&id).await.expect("a report");
    assert_eq!((report["status"].as_str(), report["attempt"].as_u64()), (Some("succeeded"), Some(1)));
    let after = client.state().await.expect("a state")["okta"]["acme"]["apps"].as_array().map_or(0, Vec::len);
    assert_eq!(after, apps + 1);
}
