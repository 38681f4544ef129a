//! `verify` with `repair`: what somebody has changed by hand is brought back, and judged.

use extoauth_core::engine::ChangeKind;
use extoauth_scenarios::tickets::{golden, with};
use jiff::SignedDuration;
use serde_json::Value;

use crate::house::{House, beside_others};
use crate::provider::PROVIDERS;

/// A repair is a change: the ticket must be approved, and policy must allow it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repair_needs_an_approval_and_writes_what_differs() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    for provider in PROVIDERS {
        house.clear().await;
        let others = house.accepted_issuers().await;
        house.run(&provider.ticket("provision")).await.good();
        let healthy = house.picture().await;
        house.accept_issuers(&others).await;

        let told = house.run(&provider.ticket("verify")).await;
        assert_eq!(told.error().code, "check_failed");
        assert!(told.error().message.contains("issuer_accepted"), "{}", told.error().message);

        house.policy.writes = false;
        let refused = house.run(&provider.ticket("repair")).await;
        assert_eq!(refused.error().code, "writes_refused");
        house.policy.writes = true;

        let repaired = house.run_again(&refused).await.good();
        assert_eq!(repaired.report.plan.changes.len(), 1, "{:?}", repaired.report.plan);
        house.picture().await.must_be(&healthy, provider.kind);
    }
}

/// The URL of an issuer cannot be changed: another one replaces it, which is done only as it was approved.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issuer_is_replaced_only_as_approved() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    house.run("okta-provision").await.good();
    let state = house.state().await;
    let servers = state["okta"]["acme"]["authorizationServers"].as_array().expect("servers").clone();
    let before = &house.start["okta"]["acme"]["authorizationServers"];
    let is_old = |server: &&Value| before.as_array().is_some_and(|old| old.iter().any(|one| one["id"] == server["id"]));
    let ours = servers.iter().find(|server| !is_old(server)).expect("our server");
    let path = format!("authorizationServers/{}", ours["id"].as_str().expect("an id"));
    house.okta("POST", &format!("{path}/lifecycle/deactivate"), Value::Null).await;
    house.okta("DELETE", &path, Value::Null).await;

    house.forget_calls();
    // It is shown a minute before somebody approves it.
    house.watch.forward(-SignedDuration::from_mins(1));
    let asked = house.run("okta-repair").await;
    house.watch.forward(SignedDuration::from_mins(1));
    assert_eq!(asked.error().code, "plan_needed", "{:?}", asked.error());
    assert!(asked.error().message.contains("okta.server"), "{}", asked.error().message);
    assert!(house.calls().iter().all(|call| !call.write), "nothing is changed before it is approved");
    let plan = &asked.report.plan;
    let issuer = |state: &Value| {
        let all = state["sso-admin"].to_string();
        all.matches("/oauth2/").count()
    };
    let issuers = issuer(&state);

    let approved = with(&golden("okta-repair").expect("a ticket"), &[("plan_digest", &plan.digest)]);
    let repaired = house.run_anew(&approved).await.good();
    let made: Vec<_> = repaired.report.plan.changes.iter().filter(|one| one.change == ChangeKind::Replace).collect();
    assert!(made.iter().any(|one| one.resource.as_str() == "identity_center.issuer"), "{:?}", repaired.report.plan);
    assert_eq!(issuer(&house.state().await), issuers, "the old issuer is gone");
    house.run("okta-verify").await.good();
}
