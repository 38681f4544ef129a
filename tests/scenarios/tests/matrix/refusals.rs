//! What must be true before: each thing that is not ends the request before any write, and says how to go on.

use extoauth_automation::conduct::Verdict;
use extoauth_sandbox::seed;
use extoauth_sandbox::world::FaultSpec;
use extoauth_scenarios::tickets::{refused, with};
use serde_json::{Value, json};

use crate::drive::{Ended, golden};
use crate::house::{House, beside_others};

/// Asserts that it failed with this code before any write, and that the message holds this text.
fn stopped_before_harm(house: &House, ended: &Ended, code: &str, text: &str) {
    let error = ended.error();
    assert_eq!(error.code, code, "{error:?}");
    assert!(error.message.contains(text), "`{text}` is missing: {}", error.message);
    assert!(!error.fix.is_empty(), "{error:?}");
    let writes: Vec<_> = house.calls().into_iter().filter(|call| call.write).collect();
    assert!(writes.is_empty(), "{writes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tickets_that_must_be_refused() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    for one in refused().expect("golden refusals") {
        house.forget_calls();
        let ended = house.run_body(&one.body).await;
        stopped_before_harm(&house, &ended, &one.expect, "");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_room_for_one_more_issuer() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    let mut arns = Vec::new();
    let there = house.start["sso-admin"][seed::REDSHIFT_NAME]["TrustedTokenIssuers"].as_array().map_or(0, Vec::len);
    for n in there..10 {
        let url = format!("https://issuer-{n}.example.net");
        arns.push(house.make_issuer(&format!("issuer-{n}"), &url, "sub", "emails.value").await);
    }
    let ended = house.run("okta-provision").await;
    stopped_before_harm(&house, &ended, "prerequisite_missing", "10 trusted token issuers");

    // Room in the instance and none in the application.
    let audiences = || vec!["https://audience.example.net".to_owned()];
    let mut list = house.accepted_issuers().await;
    list.extend(arns.iter().map(|arn| (arn.clone(), audiences())));
    house.accept_issuers(&list).await;
    house.forget_calls();
    let ended = house.run("okta-provision").await;
    stopped_before_harm(&house, &ended, "prerequisite_missing", "the application accepts 10 issuers");

    // An integration that is there already needs no room.
    house.clear().await;
    house.run("okta-provision").await.good();
    for n in there + 1..10 {
        house
            .make_issuer(&format!("issuer-{n}"), &format!("https://issuer-{n}.example.net"), "sub", "emails.value")
            .await;
    }
    house.run("okta-second").await.good();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_and_users_that_cannot_be_resolved() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    let body = with(&golden("okta-provision"), &[("groups", "data-engineers,nobody-knows")]);
    let ended = house.run_anew(&body).await;
    stopped_before_harm(&house, &ended, "prerequisite_missing", "`nobody-knows`");

    let profile =
        json!({"login": "new@example.com", "email": "new@example.com", "firstName": "New", "lastName": "Hire"});
    let user = house.okta("POST", "users?activate=true", json!({"profile": profile})).await;
    let groups = house.okta("GET", "groups?q=data-engineers", Value::Null).await;
    let (group, user) = (groups[0]["id"].as_str().expect("an id"), user["id"].as_str().expect("an id"));
    house.okta("PUT", &format!("groups/{group}/users/{user}"), Value::Null).await;
    house.forget_calls();
    let ended = house.run("okta-provision").await;
    stopped_before_harm(&house, &ended, "prerequisite_missing", "new@example.com");
}

/// Changes fields of a dbt environment as an administrator does.
async fn change_environment(house: &House, project: u64, id: u64, changes: &[(&str, Value)]) {
    let path = format!("projects/{project}/environments/{id}/");
    let mut environment = house.dbt("GET", &path, Value::Null).await;
    for (field, value) in changes {
        environment[*field] = value.clone();
    }
    house.dbt("POST", &path, environment).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn environments_that_external_oauth_does_not_work_with() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    let provision = golden("okta-provision");
    for (environments, text) in [("70001/90002", "is a deployment environment"), ("70001/99999", "70001/99999")] {
        house.forget_calls();
        let ended = house.run_anew(&with(&provision, &[("dbt_environments", environments)])).await;
        stopped_before_harm(&house, &ended, "prerequisite_missing", text);
    }
    house.forget_calls();
    change_environment(&house, 70001, 90001, &[("dbt_version", json!("latest-fusion"))]).await;
    let ended = house.run("okta-provision").await;
    stopped_before_harm(&house, &ended, "prerequisite_missing", "dbt Fusion");

    // Everything that is wrong is said at once.
    house.forget_calls();
    let both = with(&provision, &[("dbt_environments", "70001/90001,70001/90002"), ("groups", "nobody-knows")]);
    let ended = house.run_anew(&both).await;
    for text in ["dbt Fusion", "is a deployment environment", "`nobody-knows`"] {
        stopped_before_harm(&house, &ended, "prerequisite_missing", text);
    }

    // A project alone means its one development environment.
    house.clear().await;
    house.run("okta-provision").await.good();
    let expected = house.picture().await;
    house.clear().await;
    house.run_anew(&with(&provision, &[("dbt_environments", "70001")])).await.good();
    house.picture().await.must_be(&expected, "with the project alone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vendors_that_refuse_us() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    house.sandbox.dbt.set_ip_restricted(true);
    let ended = house.run("okta-provision").await;
    stopped_before_harm(&house, &ended, "ip_restricted", "dbt/acme");
    house.sandbox.dbt.set_ip_restricted(false);

    house.clear().await;
    house.sandbox.okta.configure(|org| org.api_access_management = false);
    let failed = house.run("okta-provision").await;
    let error = failed.error().clone();
    assert_eq!(error.code, "feature_missing", "{error:?}");
    let state = house.state().await;
    assert_eq!(house.orphans(&state, &format!("{:?}", house.books().await).into()), Vec::<String>::new());
    house.sandbox.okta.configure(|org| org.api_access_management = true);
    house.run_again(&failed).await.good();
}

/// Nothing but reading is needed in a system that is only observed: a change that is needed there ends the request before
/// any write, in all systems.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_in_a_system_that_is_only_observed() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    for (mode, resource) in [
        ("/okta/acme/mode", "okta.server"),
        ("/dbt/acme/mode", "dbt.oauth_configuration"),
        ("/redshift/main/mode", "redshift.issuer_entry"),
        ("/redshift/main/identity_center/mode", "identity_center.issuer"),
    ] {
        house.clear().await;
        house.reconfigured(mode, json!("observe"));
        let ended = house.run("okta-provision").await;
        assert_eq!(house.memory_is_empty().await, Vec::<String>::new(), "{mode}");
        stopped_before_harm(&house, &ended, "change_in_observed_system", resource);

        // Where everything is as it should be, it may be observed.
        house.clear().await;
        house.run("okta-provision").await.good();
        house.reconfigured(mode, json!("observe"));
        house.forget_calls();
        house.run_anew(&golden("okta-provision")).await.good();
        house.run("okta-verify").await.good();
        assert!(house.calls().iter().all(|call| !call.write), "{mode}");
    }
}

impl House {
    /// What is recorded; empty where nothing is.
    async fn memory_is_empty(&self) -> Vec<String> {
        let books = self.books().await;
        let keys = books.iter().flat_map(|(_, book)| book.items.keys().chain(book.intents.keys()));
        keys.map(ToString::to_string).collect()
    }
}

/// A vendor that is down for good ends the request after some attempts, with a reason; what was made is kept and known.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vendor_that_stays_down() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    house.run("okta-provision").await.good();
    let expected = house.picture().await;
    house.clear().await;
    house.fault(FaultSpec::new("dbt", "*/connections/", "status:503").method("POST").times(1000));
    let failed = house.run("okta-provision").await;
    assert_eq!(failed.error().code, "unavailable", "{:?}", failed.error());
    assert_eq!(failed.error().system.as_deref(), Some("dbt/acme"));
    let state = house.state().await;
    assert_eq!(house.orphans(&state, &format!("{:?}", house.books().await).into()), Vec::<String>::new());
    house.sandbox.world.faults.clear();
    house.run_again(&failed).await.good();
    house.picture().await.must_be(&expected, "after it has come back");
}

/// With policy's switch off nothing is written, whatever was approved.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_kill_switch() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    house.run("okta-provision").await.good();
    let mut policy = house.sandbox.policy();
    policy["writes"] = json!("off");
    house.policy = extoauth_core::policy::Policy::parse(&policy.to_string()).expect("a policy");
    house.forget_calls();
    let ended = house.run("okta-change-lifetime").await;
    stopped_before_harm(&house, &ended, "writes_refused", "");
    let ended = house.run("okta-deprovision").await;
    stopped_before_harm(&house, &ended, "writes_refused", "");
    assert!(matches!(house.run("okta-verify").await.verdict, Verdict::Succeeded), "reading is free");
}
