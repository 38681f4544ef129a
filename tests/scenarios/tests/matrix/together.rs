//! Two at the same moment.

use std::time::Duration;

use extoauth_core::registry::Registry as _;
use extoauth_sandbox::seed;
use extoauth_sandbox::world::FaultSpec;
use extoauth_scenarios::tickets::with;
use futures::future::join;

use crate::drive::golden;
use crate::house::{House, beside_others};
use crate::provider::OKTA;

/// Objects of a collection that are not there at start.
fn made(house: &House, state: &serde_json::Value, system: &str, name: &str, collection: &str) -> usize {
    let count = |all: &serde_json::Value| all[system][name][collection].as_array().map_or(0, Vec::len);
    count(state) - count(&house.start)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_integrations_join_one_trust_at_the_same_moment() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    let start = house.picture().await;
    house.run("okta-provision").await.good();
    let first_alone = house.picture().await;
    house.run("okta-second").await.good();
    let one_by_one = house.picture().await;

    house.clear().await;
    let (one, other) = join(house.run("okta-provision"), house.run("okta-second")).await;
    one.good();
    other.good();
    let picture = house.picture().await;
    let wrong = picture.unlike(&one_by_one);
    // Who was first decides the order of the policies, nothing else.
    let but_order: Vec<_> = wrong.iter().filter(|line| !line.contains("priority")).collect();
    assert!(but_order.is_empty(), "{but_order:#?}");
    let state = house.state().await;
    assert_eq!(made(&house, &state, "okta", seed::OKTA_NAME, "authorizationServers"), 1, "they share the server");
    assert_eq!(made(&house, &state, "okta", seed::OKTA_NAME, "apps"), 2);
    assert_eq!(made(&house, &state, "sso-admin", seed::REDSHIFT_NAME, "TrustedTokenIssuers"), 1);
    let record = house.memory.trust(&OKTA.trust()).await.expect("memory").expect("a trust");
    assert_eq!(record.owners.len(), 2);

    house.run("okta-deprovision-second").await.good();
    house.picture().await.must_be(&first_alone, "after the second has left, the first one stands as before");
    house.run("okta-deprovision").await.good();
    house.picture().await.must_be(&start, "after both have left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_requests_for_one_integration_at_the_same_moment() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    house.run("okta-provision").await.good();
    let expected = house.picture().await;
    house.clear().await;
    let other = house.admin.reopened(&golden("okta-provision")).await.expect("a ticket");
    let (one, other) = join(house.run("okta-provision"), house.run_body(&other)).await;
    one.good();
    other.good();
    house.picture().await.must_be(&expected, "after two requests for the same");
}

/// One goes while the other comes: whoever is later decides, and nothing is left that nobody knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_leaves_the_trust_while_another_joins() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    let start = house.picture().await;
    house.run("okta-second").await.good();
    let only_second = house.picture().await;
    house.clear().await;
    house.run("okta-provision").await.good();
    let (gone, come) = join(house.run("okta-deprovision"), house.run("okta-second")).await;
    gone.good();
    come.good();
    house.picture().await.must_be(&only_second, "after one has left and another joined");
    house.run("okta-deprovision-second").await.good();
    house.picture().await.must_be(&start, "after both have left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_cannot_change_the_terms_of_a_trust_that_others_use() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    house.run("okta-provision").await.good();
    house.forget_calls();
    let body = with(&golden("okta-second"), &[("user_claim", "email"), ("identity_attribute", "userName")]);
    let refused = house.run_anew(&body).await;
    let error = refused.error();
    assert_eq!(error.code, "not_valid");
    for value in ["`sub`", "`email`", "`emails.value`", "`userName`"] {
        assert!(error.message.contains(value), "{value} is missing: {}", error.message);
    }
    assert!(house.calls().iter().all(|call| !call.write), "nothing was written");
}

/// Somebody adds an entry to the Redshift list after we have read it and before our write. The list has no version: our
/// write must take theirs out. What is guaranteed is only that whatever is in the list when we read it stays, and that
/// ours is in it at the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_else_changes_the_issuer_list_meanwhile() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    let theirs = |arn: &str| (arn.to_owned(), vec!["https://theirs.example.net".to_owned()]);

    // Before our read: kept.
    let arn = house.make_issuer("theirs", "https://theirs.example.net", "sub", "emails.value").await;
    let mut list = house.accepted_issuers().await;
    list.push(theirs(&arn));
    house.accept_issuers(&list).await;
    house.run("okta-provision").await.good();
    let now = house.accepted_issuers().await;
    assert!(list.iter().all(|entry| now.contains(entry)), "{now:?}");
    assert_eq!(now.len(), list.len() + 1);

    // Right after our write, dropping ours: it is merged again, with theirs kept.
    house.clear().await;
    let arn = house.make_issuer("theirs", "https://theirs.example.net", "sub", "emails.value").await;
    let mut list = house.accepted_issuers().await;
    list.push(theirs(&arn));
    // Our write is answered late: meanwhile the other writer puts their own list in its place.
    house.fault(FaultSpec::new("redshift", "ModifyRedshiftIdcApplication", "delay:600"));
    let meanwhile = async {
        while !house.accepted_issuers().await.iter().any(|(arn, _)| arn != seed::FOREIGN_ISSUER_ARN) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        house.accept_issuers(&list).await;
    };
    let (ended, ()) = join(house.run("okta-provision"), meanwhile).await;
    ended.good();
    let now = house.accepted_issuers().await;
    assert!(list.iter().all(|entry| now.contains(entry)), "{now:?}");
    assert_eq!(now.len(), list.len() + 1, "ours is in it again: {now:?}");
}
