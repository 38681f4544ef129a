//! Posting requests and asking where they stand.

use std::sync::atomic::Ordering;

use extoauth_core::ids::IntegrationName;
use extoauth_core::request::Status;
use futures::future::join_all;
use serde_json::json;

use super::fakes::{body, fields, get, header, intake, json_of, post, record};

#[tokio::test]
async fn a_request_is_stored_queued_and_shown() {
    let intake = intake();
    let answer = intake.answer(&post("write", &body())).await;
    assert_eq!(answer.status, 202);
    let stored = intake.state.only();
    let url = format!("/requests/{}", stored.id);
    assert_eq!(json_of(&answer), json!({"id": stored.id, "status": "accepted", "status_url": url, "duplicate": false}));
    assert_eq!(header(&answer, "location"), Some(url.as_str()));
    assert_eq!(header(&answer, "retry-after"), Some("5"));
    assert!(stored.queued);
    assert_eq!(*intake.outbox.sent.lock().expect("not poisoned"), [(stored.id, 1)]);

    let report = intake.answer(&get("read", &url)).await;
    assert_eq!(report.status, 200);
    assert_eq!(json_of(&report)["status"], "accepted");
    assert_eq!(header(&report, "retry-after"), Some("5"));
    intake.state.change(|request| request.status = Status::Succeeded);
    assert_eq!(header(&intake.answer(&get("read", &url)).await, "retry-after"), None);
    assert_eq!(intake.answer(&get("other", &url)).await.status, 404);
    for unknown in ["/requests/x", "/requests/00000000-0000-0000-0000-000000000000"] {
        assert_eq!(intake.answer(&get("read", unknown)).await.status, 404, "{unknown}");
    }
}

#[tokio::test]
async fn fifty_copies_make_one_request() {
    let intake = intake();
    let calls: Vec<_> = (0..50).map(|_| post("write", &body())).collect();
    let answers = join_all(calls.iter().map(|call| intake.answer(call))).await;
    let accepted = answers.iter().filter(|answer| answer.status == 202).count();
    let duplicates = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((accepted, duplicates), (1, 49));
    let stored = intake.state.only();
    assert_eq!((stored.attempt, stored.queued), (1, true));
    // More than one message may name it; the queue takes equal ones for one.
    let sent = intake.outbox.sent.lock().expect("not poisoned");
    assert!(sent.iter().all(|message| *message == (stored.id.clone(), 1)));
}

#[tokio::test]
async fn fifty_copies_of_a_failed_request_make_one_attempt() {
    let intake = intake();
    intake.answer(&post("write", &body())).await;
    intake.state.change(|request| request.status = Status::Failed);
    let calls: Vec<_> = (0..50).map(|_| post("write", &body())).collect();
    let answers = join_all(calls.iter().map(|call| intake.answer(call))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 202).count(), 1);
    assert_eq!(intake.state.only().attempt, 2);
}

#[tokio::test]
async fn the_same_again_is_a_duplicate_and_something_else_a_conflict() {
    let intake = intake();
    let first = json_of(&intake.answer(&post("write", &body())).await);
    let mut same = body();
    same["variables"]["groups"] = json!(["data-engineers"]);
    same["variables"]["idle_days"] = json!(90);
    let again = intake.answer(&post("write", &same)).await;
    assert_eq!(again.status, 200);
    let mut expected = first.clone();
    expected["duplicate"] = json!(true);
    assert_eq!(json_of(&again), expected);

    let mut other = body();
    other["variables"]["groups"] = json!("analysts");
    other["integration"] = json!("other-name");
    for status in [Status::Running, Status::Succeeded] {
        intake.state.change(|request| request.status = status);
        let answer = intake.answer(&post("write", &other)).await;
        assert_eq!(answer.status, 409);
        assert_eq!(fields(&answer), ["integration", "variables.groups"]);
    }
    intake.state.change(|request| request.status = Status::Failed);
    let next = intake.answer(&post("write", &other)).await;
    assert_eq!((next.status.as_u16(), json_of(&next)["id"].clone()), (202, first["id"].clone()));
    assert_eq!(intake.state.only().attempt, 2);
}

#[tokio::test]
async fn a_delivery_repeated_is_a_duplicate_and_its_id_with_another_body_refused() {
    let intake = intake();
    assert_eq!(intake.answer(&post("msg_1", &body())).await.status, 202);
    intake.state.change(|request| request.status = Status::Failed);
    assert_eq!(intake.answer(&post("msg_1", &body())).await.status, 200);
    assert_eq!(intake.state.only().attempt, 1);
    let mut other = body();
    other["variables"]["groups"] = json!("analysts");
    assert_eq!(intake.answer(&post("msg_1", &other)).await.status, 401);
    assert_eq!(intake.answer(&post("msg_2", &other)).await.status, 202);
    assert_eq!(intake.state.only().attempt, 2);
}

#[tokio::test]
async fn invalid_requests_tell_every_field() {
    let intake = intake();
    let mut bad = body();
    bad["integration"] = json!("X");
    bad["variables"]["idp_system"] = json!("globex");
    bad["variables"]["groops"] = json!("a");
    let answer = intake.answer(&post("write", &bad)).await;
    assert_eq!(answer.status, 400);
    assert_eq!(fields(&answer), ["integration", "variables.groops", "variables.idp_system"]);
    let mut broken = post("write", &body());
    *broken.body_mut() = b"{\"action\":".to_vec();
    let answer = intake.answer(&broken).await;
    assert_eq!((answer.status.as_u16(), fields(&answer)), (400, vec!["body".to_owned()]));
    let answer = intake.answer(&post("write", &json!({}))).await;
    assert_eq!((answer.status.as_u16(), fields(&answer).len()), (400, 4));
}

#[tokio::test]
async fn what_is_not_built_says_so() {
    let intake = intake();
    for action in ["adopt", "release", "register_hook"] {
        let mut body = body();
        body["action"] = json!(action);
        assert_eq!(intake.answer(&post("write", &body)).await.status, 501, "{action}");
    }
}

#[tokio::test]
async fn an_alert_is_named_whose_ever_it_is() {
    let intake = intake();
    let name = IntegrationName::try_from("analytics-dev".to_owned()).expect("valid");
    intake.state.integrations.lock().expect("not poisoned").insert(name, record("analytics-dev", "r"));
    let mut of_integration = body();
    of_integration["action"] = json!("snooze");
    of_integration["variables"] = json!({});
    let answer = intake.answer(&post("write", &of_integration)).await;
    assert_eq!(fields(&answer), ["variables.finding", "variables.until"]);
    of_integration["variables"] = json!({"finding": "0123", "until": "2027-01-01T00:00:00Z"});
    assert_eq!(intake.answer(&post("write", &of_integration)).await.status, 202);
    let mut of_system = of_integration.clone();
    of_system["action"] = json!("acknowledge");
    of_system["integration"] = json!("");
    assert_eq!(fields(&intake.answer(&post("write", &of_system)).await), ["integration"]);
    of_system["variables"]["system"] = json!("octa/acme");
    assert_eq!(fields(&intake.answer(&post("write", &of_system)).await), ["variables.system"]);
    of_system["variables"]["system"] = json!("okta/acme");
    assert_eq!(intake.answer(&post("write", &of_system)).await.status, 202);
}

#[tokio::test]
async fn either_identity_provider_is_taken() {
    let intake = intake();
    let mut entra = body();
    entra["variables"]["idp"] = json!("entra");
    entra["variables"]["idp_system"] = json!("contoso");
    assert_eq!(intake.answer(&post("write", &entra)).await.status, 202);
}

#[tokio::test]
async fn unknown_integrations_are_not_found() {
    let intake = intake();
    for action in ["verify", "deprovision"] {
        let mut body = body();
        body["action"] = json!(action);
        body["variables"] = json!({});
        assert_eq!(intake.answer(&post("write", &body)).await.status, 404, "{action}");
    }
    let name = IntegrationName::try_from("analytics-dev".to_owned()).expect("valid");
    intake.state.integrations.lock().expect("not poisoned").insert(name.clone(), record("analytics-dev", "r"));
    let mut deprovision = body();
    deprovision["action"] = json!("deprovision");
    deprovision["variables"] = json!({});
    assert_eq!(intake.answer(&post("write", &deprovision)).await.status, 202);
    // Once it is gone, the same ticket is still the same request.
    intake.state.integrations.lock().expect("not poisoned").remove(&name);
    intake.state.change(|request| request.status = Status::Succeeded);
    assert_eq!(intake.answer(&post("write", &deprovision)).await.status, 200);
}

#[tokio::test]
async fn accepted_means_stored_and_queued() {
    let intake = intake();
    intake.outbox.down.store(true, Ordering::Relaxed);
    let answer = intake.answer(&post("msg_1", &body())).await;
    assert_eq!((answer.status.as_u16(), header(&answer, "retry-after")), (503, Some("5")));
    assert!(header(&answer, "location").is_some_and(|url| url.starts_with("/requests/")));
    assert!(!intake.state.only().queued, "the sweep must still see it");
    intake.outbox.down.store(false, Ordering::Relaxed);
    assert_eq!(intake.answer(&post("msg_1", &body())).await.status, 200);
    assert!(intake.state.only().queued);
    assert_eq!(intake.outbox.sent.lock().expect("not poisoned").len(), 1);

    intake.state.down.store(true, Ordering::Relaxed);
    assert_eq!(intake.answer(&post("write", &body())).await.status, 503);
    assert_eq!(intake.answer(&post("msg_3", &body())).await.status, 503);
    let id = "/requests/00000000-0000-5000-8000-000000000000";
    assert_eq!(intake.answer(&get("read", id)).await.status, 503);
}
