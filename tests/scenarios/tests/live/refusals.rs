//! Requests that must not pass, at the door and behind it.

use extoauth_scenarios::tickets::{anew, golden, refused, with};
use serde_json::json;

use crate::{failed, stage, succeeded, wrote_nothing};

#[tokio::test(flavor = "multi_thread")]
async fn tickets_that_were_not_approved_as_they_say() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    let before = client.last_call().await.expect("calls");
    for ticket in refused().expect("tickets") {
        let report = stage.run(&ticket.body).await.expect("an end");
        failed(&report, &ticket.expect);
        let notes = client.notes(&ticket.body).await.expect("notes");
        assert!(notes.iter().any(|note| !note.is_empty()), "{}: the ticket says why", ticket.name);
    }
    let ticket = golden("okta-provision").expect("a ticket");
    let missing = stage.run(&anew(&ticket)).await.expect("an end");
    assert_eq!(missing["status"], "failed", "there is no such ticket: {missing:#}");
    let other_item = client.reopened(&ticket).await.expect("a ticket");
    let row = format!(
        "{}/api/now/table/sc_req_item/{}",
        client.told("/admin/servicenow/acme.service-now.com/url"),
        other_item["ticket"]["sys_id"].as_str().unwrap_or_default()
    );
    let door = &client.sandbox_json()["admin"]["servicenow"]["acme.service-now.com"];
    let call =
        client.http().patch(row).basic_auth(door["user"].as_str().unwrap_or_default(), door["password"].as_str());
    client
        .send(call.json(&json!({"cat_item": "deadbeef00deadbeef00deadbeef0000"})))
        .await
        .expect("an answer")
        .good()
        .expect("changed");
    failed(&stage.run(&other_item).await.expect("an end"), "not_allowed");
    wrote_nothing(&client.calls(before).await.expect("calls"));

    // Once it is approved, the same request goes on under the same id.
    let ticket = golden("refused/not-approved").expect("a ticket")["body"].take();
    let row = format!(
        "{}/api/now/table/sc_req_item/{}",
        client.told("/admin/servicenow/acme.service-now.com/url"),
        ticket["ticket"]["sys_id"].as_str().unwrap_or_default()
    );
    let call =
        client.http().patch(row).basic_auth(door["user"].as_str().unwrap_or_default(), door["password"].as_str());
    client.send(call.json(&json!({"approval": "approved"}))).await.expect("an answer").good().expect("approved");
    let answer = client.post(&ticket).await.expect("an answer");
    assert_eq!((answer.status, &answer.body["duplicate"]), (202, &json!(false)));
    let report = client.end(answer.id().expect("an id"), extoauth_scenarios::stage::LIMIT).await.expect("an end");
    succeeded(&report);
    assert_eq!(report["attempt"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_door() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    let ticket = golden("okta-provision").expect("a ticket");
    let url = format!("{}/requests", client.told("/intake"));
    let bare = client.send(client.http().post(&url).json(&ticket)).await.expect("an answer");
    assert_eq!(bare.status, 401);
    let forged = client.http().post(&url).json(&ticket).header("webhook-id", "msg_1").header("webhook-timestamp", "1");
    assert_eq!(client.send(forged.header("webhook-signature", "v1,AAAA")).await.expect("an answer").status, 401);
    assert_eq!(client.send(client.http().put(&url).json(&ticket)).await.expect("an answer").status, 405);
    let text = client.http().post(&url).header("content-type", "text/plain").body("{}");
    assert_eq!(client.send(text).await.expect("an answer").status, 415);

    let mut wrong = with(
        &ticket,
        &[
            ("idp_system", "nowhere"),
            ("access_token_minutes", "soon"),
            ("warehouse_host", "evil.example.net"),
            ("surprise", "1"),
        ],
    );
    wrong["ticket"]["sys_id"] = json!("short");
    let answer = client.post(&wrong).await.expect("an answer");
    assert_eq!(
        (answer.status, &answer.headers["content-type"]),
        (400, &json!("application/problem+json")),
        "{}",
        answer.body
    );
    let errors = answer.body["errors"].as_array().expect("a list");
    let fields: Vec<&str> = errors.iter().filter_map(|error| error["field"].as_str()).collect();
    for field in [
        "ticket.sys_id",
        "variables.idp_system",
        "variables.access_token_minutes",
        "variables.warehouse_host",
        "variables.surprise",
    ] {
        assert!(fields.contains(&field), "{field} is not among {fields:?}");
    }

    let first = client.post_as("msg_same", &ticket).await.expect("an answer");
    assert_eq!(first.status, 202, "{}", first.body);
    let redelivered = client.post_as("msg_same", &ticket).await.expect("an answer");
    assert_eq!((redelivered.status, &redelivered.body["duplicate"]), (200, &json!(true)));
    let replayed = client.post_as("msg_same", &with(&ticket, &[("idle_days", "10")])).await.expect("an answer");
    assert_eq!(replayed.status, 401, "the same delivery id with another body: {}", replayed.body);
    succeeded(&client.end(first.id().expect("an id"), extoauth_scenarios::stage::LIMIT).await.expect("an end"));
    let unknown = golden("okta-deprovision-second").expect("a ticket");
    assert_eq!(client.post(&unknown).await.expect("an answer").status, 404);
    let nothing = client.http().get(format!("{url}/00000000-0000-0000-0000-000000000000"));
    assert_eq!(client.send(nothing.bearer_auth(client.told("/keys/bearer"))).await.expect("an answer").status, 404);
}
