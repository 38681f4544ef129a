//! The client of dbt: access, pages, what it refuses to do.

use extoauth_core::error::ErrorKind;
use extoauth_systems::dbt::Environment;
use serde_json::{Value, json};

use crate::vendor::{Act, Vendor};

fn rows(ids: std::ops::Range<u64>) -> Vec<Value> {
    ids.map(|id| json!({"id": id, "name": format!("p{id}")})).collect()
}

#[tokio::test]
async fn pages_by_count_and_an_offset_that_is_ignored() {
    let vendor = Vendor::start(|request, _| {
        let from = if request.target.contains("offset=100") { 100 } else { 0 };
        let extra = json!({"pagination": {"count": 100, "total_count": 150}});
        Act::json(200, json!({"data": rows(from..(from + 100).min(150)), "extra": extra}))
    })
    .await;
    assert_eq!(vendor.dbt().0.projects().await.expect("two pages").len(), 150);
    assert_eq!(vendor.calls()[0].headers["authorization"], "Token dbts_canary_token");

    let vendor = Vendor::start(|_, _| Act::json(200, json!({"data": rows(0..100)}))).await;
    assert_eq!(vendor.dbt().0.projects().await.expect("one page").len(), 100);
    assert_eq!(vendor.calls().len(), 2);
}

#[tokio::test]
async fn an_account_out_of_reach_is_told() {
    let table = [
        (Act::json(200, json!({"data": [{"id": 54321}]})), None),
        (Act::json(200, json!({"data": [{"id": 1}]})), Some(ErrorKind::Forbidden)),
        (Act::json(401, json!({"status": {"user_message": "Unauthorized"}})), Some(ErrorKind::Unauthorized)),
        (Act::json(403, json!({"data": {"account_access_denied": true}})), Some(ErrorKind::IpRestricted)),
    ];
    for (act, wanted) in table {
        let vendor = Vendor::start(move |_, _| act.clone()).await;
        assert_eq!(vendor.dbt().0.account_access().await.err().map(|e| e.kind), wanted);
    }
}

#[tokio::test]
async fn an_environment_on_a_shared_profile_is_left_alone() {
    let vendor = Vendor::start(|_, _| Act::json(200, json!({"data": {"id": 1, "project_id": 2}}))).await;
    let raw = json!({"id": 1, "project_id": 2, "primary_profile_id": 3});
    let environment: Environment = serde_json::from_value(raw).expect("an environment");
    let error = vendor.dbt().1.repoint_environment(&environment, Some(4)).await.expect_err("shared");
    assert_eq!(error.kind, ErrorKind::Refused);
    assert!(vendor.calls().is_empty());
}

#[tokio::test]
async fn people_with_passwords_are_unknown_without_the_right() {
    let vendor = Vendor::start(|_, _| Act::json(403, json!({"status": {"user_message": "Forbidden"}}))).await;
    assert_eq!(vendor.dbt().0.saved_passwords(70001, &[]).await.expect("no error"), None);
}
