//! Entra's lag: what the client does when the directory does not know yet what was made.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use extoauth_core::error::ErrorKind;
use extoauth_systems::http::Deadline;
use serde_json::json;

use crate::entra::{app, client_spec, error, lines, not_found, resource_spec, tenant};
use crate::vendor::Act;

fn gone() -> Act {
    Act::Answer(204, Vec::new(), String::new())
}

#[tokio::test]
async fn reads_of_a_new_application_flap() {
    let answers = [false, true, false, true, true, true];
    let (vendor, entra) = tenant(move |r, n| match r.method.as_str() {
        "PATCH" => Act::json(201, app("o1")),
        _ if answers.get(n).copied().unwrap_or(false) => Act::json(200, app("o1")),
        _ => not_found("o1"),
    })
    .await;
    entra.put_client_app(&client_spec()).await.expect("made");
    assert_eq!(entra.application("o1").await.expect("seen").id, "o1");
    assert_eq!(lines(&vendor).len(), 7);
    let start = Instant::now();
    assert!(entra.application("o2").await.expect_err("none").is_not_found());
    assert!(start.elapsed() < Duration::from_secs(1), "what nobody made is absent at once");
}

#[tokio::test]
async fn without_lag_nothing_is_asked_twice() {
    let (vendor, entra) = tenant(|r, _| match (r.method.as_str(), r.path()) {
        ("PATCH", _) => Act::json(201, app("o1")),
        ("POST", "/v1.0/servicePrincipals") => Act::json(201, json!({"id": "p1", "appId": "app-o1"})),
        ("POST", "/v1.0/oauth2PermissionGrants") => Act::json(
            201,
            json!({"id": "g", "clientId": "p1", "resourceId": "p2",
            "consentType": "AllPrincipals", "scope": "a"}),
        ),
        ("POST", _) => Act::json(200, json!({"keyId": "k1", "secretText": "s"})),
        (_, path) if path.contains("Grants") => Act::json(200, json!({"value": [{"id": "g"}]})),
        _ => {
            let mut app = app("o1");
            app["passwordCredentials"] = json!([{"keyId": "k1"}]);
            Act::json(200, app)
        }
    })
    .await;
    let start = Instant::now();
    let made = entra.put_client_app(&client_spec()).await.expect("made").value;
    let principal = entra.create_service_principal(&made.app_id, true, &[]).await.expect("made").value;
    entra.grant(&principal.id, "p2", &BTreeSet::from(["a".to_owned()])).await.expect("made");
    entra.add_password(&made.id, "n", "2026-12-01T00:00:00Z".parse().expect("a time")).await.expect("made");
    entra.application(&made.id).await.expect("read");
    entra.grants_of("p1").await.expect("read");
    assert_eq!(lines(&vendor).len(), 6);
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_new_secret_and_a_new_grant_are_waited_for() {
    let (vendor, entra) = tenant(|r, n| match (r.method.as_str(), r.path()) {
        ("POST", "/v1.0/oauth2PermissionGrants") => Act::json(201, json!({"id": "g", "clientId": "p1"})),
        ("POST", _) => Act::json(200, json!({"keyId": "k1", "secretText": "s"})),
        (_, path) if path.contains("Grants") && n == 0 => Act::json(200, json!({"value": []})),
        (_, path) if path.contains("Grants") => Act::json(200, json!({"value": [{"id": "g"}]})),
        _ => {
            let mut app = app("o1");
            app["passwordCredentials"] = if n == 0 { json!([]) } else { json!([{"keyId": "k1"}]) };
            Act::json(200, app)
        }
    })
    .await;
    entra.add_password("o1", "n", "2026-12-01T00:00:00Z".parse().expect("a time")).await.expect("made");
    assert_eq!(entra.application("o1").await.expect("read").passwords.len(), 1);
    entra.grant("p1", "p2", &BTreeSet::new()).await.expect("made");
    assert_eq!(entra.grants_of("p1").await.expect("read").len(), 1);
    assert_eq!(lines(&vendor).len(), 2 + 4 + 4);
}

#[tokio::test]
async fn misleading_refusals_of_a_create_are_waited_out() {
    let refusals = || {
        [
            error(
                400,
                "Request_BadRequest",
                "The appId 'a1' of the service principal does not reference a valid application object.",
            ),
            error(
                403,
                "Authorization_RequestDenied",
                "When using this permission, the backing application of the service \
                principal being created must in the local tenant",
            ),
            error(
                400,
                "Request_BadRequest",
                "Resource 'a1' does not exist or one of its queried reference-property objects are not present.",
            ),
            error(409, "Error_MsaAppDoesNotExist", "The corresponding MSA application does not exist."),
            not_found("a1"),
        ]
    };
    for (at, refusal) in refusals().into_iter().enumerate() {
        let (vendor, entra) = tenant(move |r, n| match (r.method.as_str(), n) {
            ("POST", 0) => refusal.clone(),
            ("POST", _) => Act::json(201, json!({"id": "p1", "appId": "a1"})),
            (_, 0) => not_found("a1"),
            _ => Act::json(200, json!({"id": "o1"})),
        })
        .await;
        entra.create_service_principal("a1", true, &[]).await.unwrap_or_else(|e| panic!("{at}: {e}"));
        let lines = lines(&vendor);
        assert_eq!((lines.len(), lines[1].as_str()), (6, "GET /applications(appId='a1')"), "{at}: {lines:?}");
    }
}

#[tokio::test]
async fn the_invocations_end_pauses_the_wait() {
    let (vendor, entra) = tenant(|r, _| match r.method.as_str() {
        "PATCH" => Act::json(201, app("o1")),
        _ => not_found("o1"),
    })
    .await;
    vendor.sender.set_deadline(Deadline::after(Duration::from_secs(11), Duration::ZERO));
    let made = entra.put_resource_app(&resource_spec()).await.expect("made").value;
    vendor.sender.set_deadline(Deadline::after(Duration::from_secs(4), Duration::ZERO));
    let error = entra.application(&made.id).await.expect_err("not visible in time");
    assert_eq!(error.kind, ErrorKind::OutOfTime);
    assert!(error.kind.is_transient());
}

#[tokio::test]
async fn a_deleted_application_is_absent_at_once() {
    let (vendor, entra) = tenant(|r, n| match (r.method.as_str(), r.path()) {
        ("PATCH", _) => Act::json(201, app("o1")),
        ("DELETE", path) if path.contains("deletedItems") && n == 0 => not_found("o1"),
        ("DELETE", _) => gone(),
        _ => not_found("o1"),
    })
    .await;
    entra.put_client_app(&client_spec()).await.expect("made");
    entra.delete_application("o1").await.expect("deleted");
    assert!(entra.application_named("extoauth-main-analytics").await.expect_err("gone").is_not_found());
    assert!(entra.application("o1").await.expect_err("gone").is_not_found());
    assert!(entra.service_principal_of("app-o1").await.expect_err("gone").is_not_found());
    entra.purge_application("o1").await.expect("purged, though the bin was late");
    assert_eq!(lines(&vendor).len(), 7);
}

#[tokio::test]
async fn a_secret_that_is_gone_is_removed() {
    let (vendor, entra) = tenant(|r, _| match r.method.as_str() {
        "POST" => error(400, "Request_BadRequest", "No password credential found with keyId."),
        _ => Act::json(200, app("o1")),
    })
    .await;
    entra.remove_password("o1", "k1").await.expect("gone");
    assert_eq!(lines(&vendor).len(), 4, "one read would not prove it");
}

#[tokio::test]
async fn a_secret_that_a_replica_does_not_know_is_removed_all_the_same() {
    let (vendor, entra) = tenant(|r, n| match (r.method.as_str(), n) {
        ("POST", 0) => error(400, "Request_BadRequest", "No password credential found with keyId."),
        ("POST", _) => gone(),
        _ => {
            let mut app = app("o1");
            app["passwordCredentials"] = json!([{"keyId": "k1"}]);
            Act::json(200, app)
        }
    })
    .await;
    entra.remove_password("o1", "k1").await.expect("removed");
    assert_eq!(lines(&vendor).iter().filter(|l| l.starts_with("POST")).count(), 2);
}
