//! What a ticket can ask for beside the usual: an approved plan, a time for the cut-over, another claim, an existing
//! connection; and what is taken over from the environment's present connection.

use extoauth_core::clock::Clock as _;
use extoauth_sandbox::seed;
use extoauth_sandbox::world::FaultSpec;
use extoauth_scenarios::tickets::with;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::drive::golden;
use crate::house::{House, beside_others};

/// The digest of a plan that was shown a minute ago: ServiceNow tells times by the second.
async fn shown_a_minute_ago(house: &House) -> String {
    house.watch.forward(-SignedDuration::from_mins(1));
    let planned = house.run("okta-plan").await.good();
    house.watch.forward(SignedDuration::from_mins(1));
    planned.report.plan.digest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_applied_is_the_plan_that_was_approved() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    house.run("okta-provision").await.good();
    let expected = house.picture().await;
    house.clear().await;

    let provision = golden("okta-provision");
    let digest = shown_a_minute_ago(&house).await;
    let again = house.run("okta-plan").await.good().report.plan.digest;
    assert_eq!(digest, again, "a plan is the same as long as nothing changes");

    // Nobody has seen this one.
    let unknown = with(&provision, &[("plan_digest", &"0".repeat(64))]);
    house.forget_calls();
    assert_eq!(house.run_anew(&unknown).await.error().code, "plan_changed");
    // Approved, but something else is asked for.
    let other = with(&provision, &[("plan_digest", &digest), ("access_token_minutes", "30")]);
    assert_eq!(house.run_anew(&other).await.error().code, "plan_changed");
    assert!(house.calls().iter().all(|call| !call.write), "nothing was written");

    let approved = with(&provision, &[("plan_digest", &digest)]);
    house.run_anew(&approved).await.good();
    house.picture().await.must_be(&expected, "after the approved plan");
    // By now it would change nothing: that is another plan.
    house.forget_calls();
    assert_eq!(house.run_anew(&approved).await.error().code, "plan_changed");
    assert!(house.calls().iter().all(|call| !call.write), "nothing was written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_that_is_older_than_the_plan_counts_for_nothing() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    house.watch.forward(SignedDuration::from_hours(1));
    let digest = house.run("okta-plan").await.good().report.plan.digest;
    house.forget_calls();
    let ended = house.run_anew(&with(&golden("okta-provision"), &[("plan_digest", &digest)])).await;
    assert_eq!(ended.error().code, "not_approved", "{:?}", ended.error());
    assert!(house.calls().iter().all(|call| !call.write), "nothing was written");
}

/// A crash in the middle of an approved plan: the rest of it is still what was approved.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_within_an_approved_plan() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    house.run("okta-provision").await.good();
    let expected = house.picture().await;
    house.clear().await;
    let digest = shown_a_minute_ago(&house).await;
    house.fault(FaultSpec::new("dbt", "*/oauth-configurations/", "kill_after").method("POST"));
    let ended = house.run_anew(&with(&golden("okta-provision"), &[("plan_digest", &digest)])).await;
    assert_eq!(ended.good().crashes, 1);
    house.picture().await.must_be(&expected, "after the crash");
}

/// What is told of a comparison that was interrupted is no approval: the next round compares again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_while_the_plan_is_compared() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    house.run("okta-provision").await.good();
    house.watch.forward(-SignedDuration::from_mins(1));
    let shown = house.run_anew(&with(&golden("okta-plan"), &[("access_token_minutes", "30")])).await.good();
    house.watch.forward(SignedDuration::from_mins(1));
    let digest = shown.report.plan.digest;
    house.forget_calls();
    house.fault(FaultSpec::new("dbt", "*/oauth-configurations/??????/", "throttle"));
    let other = with(&golden("okta-provision"), &[("access_token_minutes", "45"), ("plan_digest", &digest)]);
    let ended = house.run_anew(&other).await;
    assert_eq!(ended.error().code, "plan_changed", "{:?}", ended.error());
    assert!(ended.rounds > 1, "it was interrupted");
    assert!(house.calls().iter().all(|call| !call.write), "nothing was written");
}

fn connection_of(state: &Value, environment: u64) -> u64 {
    let all = state["dbt"][seed::DBT_NAME]["environments"].as_array().cloned().unwrap_or_default();
    let one = all.iter().find(|one| one["id"] == environment).expect("the environment");
    one["connection_id"].as_u64().expect("a connection")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_over_that_is_held() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    let start = house.picture().await;
    let before = connection_of(&house.start, 90011);
    let held = house.run("okta-hold").await.good();
    let left = held.report.handoffs.iter().find(|handoff| handoff.what.contains("cutover = now")).expect("a hand-off");
    assert_eq!(left.done, Some(false));
    assert_eq!(connection_of(&house.state().await, 90011), before, "the environment is as it was");

    house.run_anew(&with(&golden("okta-hold"), &[("cutover", "now")])).await.good();
    let ours = connection_of(&house.state().await, 90011);
    assert_ne!(ours, before);
    // Held again: what was cut over stays so.
    house.run_anew(&golden("okta-hold")).await.good();
    assert_eq!(connection_of(&house.state().await, 90011), ours);

    let body = json!({"integration": "marketing-dev"});
    let mut removal = golden("okta-deprovision");
    removal["integration"] = body["integration"].clone();
    house.run_anew(&removal).await.good();
    house.picture().await.must_be(&start, "after the removal");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_over_at_a_time() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    let before = connection_of(&house.start, 90001);
    let at = house.watch.now() + SignedDuration::from_hours(5);
    let waiting = house.run_anew(&with(&golden("okta-provision"), &[("cutover", &at.to_string())])).await;
    assert_eq!(waiting.waits().until, Some(at));
    assert_eq!(connection_of(&house.state().await, 90001), before, "it is not time yet");
    let still = house.drive(waiting.request).await;
    assert_eq!(still.waits().until, Some(at));
    house.watch.forward(SignedDuration::from_hours(6));
    house.drive(still.request).await.good();
    assert_ne!(connection_of(&house.state().await, 90001), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_claim_than_the_usual_one() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    let start = house.picture().await;
    house.run_anew(&with(&golden("okta-provision"), &[("user_claim", "email")])).await.good();
    let picture = house.picture().await;
    assert_eq!(picture.faulty, Vec::<String>::new());
    let state = house.state().await;
    let claims = state["okta"][seed::OKTA_NAME]["claims"].as_array().cloned().unwrap_or_default();
    let ours: Vec<_> =
        claims.iter().filter(|claim| claim["name"] == "email" && claim["claimType"] == "RESOURCE").collect();
    assert_eq!(ours.len(), 1, "{claims:#?}");
    assert_eq!((&ours[0]["value"], &ours[0]["alwaysIncludeInToken"]), (&json!("user.email"), &json!(true)));
    house.forget_calls();
    house.run("okta-verify").await.good();
    house.run("okta-deprovision").await.good();
    house.picture().await.must_be(&start, "after the removal");
}

fn connection(state: &Value, id: u64) -> Value {
    let all = state["dbt"][seed::DBT_NAME]["connections"].as_array().cloned().unwrap_or_default();
    all.into_iter().find(|one| one["id"] == id).expect("the connection")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn private_link_and_tunnel_are_taken_over() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    let theirs = connection(&house.start, connection_of(&house.start, 90001));
    assert!(theirs["private_link_endpoint_id"].is_string());
    house.run("okta-provision").await.good();
    let state = house.state().await;
    let ours = connection(&state, connection_of(&state, 90001));
    assert_eq!(ours["private_link_endpoint_id"], theirs["private_link_endpoint_id"]);

    // The other environment reaches its warehouse through a bastion.
    house.clear().await;
    let start = house.picture().await;
    let tunnelled = connection_of(&house.start, 90002);
    let path = "projects/70002/environments/90011/";
    let mut environment = house.dbt("GET", path, Value::Null).await;
    environment["connection_id"] = json!(tunnelled);
    house.dbt("POST", path, environment.clone()).await;
    let before = house.picture().await;
    house.run("okta-second").await.good();
    let state = house.state().await;
    let ours = connection(&state, connection_of(&state, 90011));
    assert_ne!(ours["id"], tunnelled);
    assert_eq!(ours["is_ssh_tunnel_enabled"], json!(true));
    let tunnels = state["dbt"][seed::DBT_NAME]["encryptions"].as_array().cloned().unwrap_or_default();
    let hosts: Vec<_> =
        tunnels.iter().filter(|one| one["connection_id"] == ours["id"]).map(|one| &one["hostname"]).collect();
    assert_eq!(hosts, ["bastion.example.net"], "{tunnels:#?}");
    house.forget_calls();
    house.run_anew(&golden("okta-second")).await.good();
    assert!(house.calls().iter().all(|call| !call.write), "a repetition writes nothing");
    house.run("okta-deprovision-second").await.good();
    house.picture().await.must_be(&before, "after the removal");
    environment["connection_id"] = json!(connection_of(&house.start, 90011));
    house.dbt("POST", path, environment).await;
    house.picture().await.must_be(&start, "after the administrator's change was taken back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_existing_connection_that_the_ticket_names() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    let start = house.picture().await;
    let theirs = connection_of(&house.start, 90011);
    let body = with(&golden("okta-second"), &[("dbt_connection_id", &theirs.to_string())]);
    house.run_anew(&body).await.good();
    let state = house.state().await;
    assert_eq!(connection_of(&state, 90011), theirs);
    let (then, now) = (connection(&house.start, theirs), connection(&state, theirs));
    assert!(now["oauth_configuration_id"].is_u64());
    for field in ["name", "config", "private_link_endpoint_id", "is_ssh_tunnel_enabled"] {
        assert_eq!(now[field], then[field], "{field}");
    }
    house.forget_calls();
    house.run_anew(&body).await.good();
    assert!(house.calls().iter().all(|call| !call.write), "a repetition writes nothing");
    house.run("okta-deprovision-second").await.good();
    house.picture().await.must_be(&start, "after the removal");
}
