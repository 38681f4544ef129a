//! Both identity providers on one Redshift application and one dbt account, and two integrations of one tenant.

use extoauth_core::registry::Registry as _;
use extoauth_sandbox::seed;
use futures::future::join;

use crate::house::{House, beside_others};
use crate::picture::Picture;
use crate::provider::{ENTRA, OKTA, PROVIDERS};

async fn alone(house: &mut House, ticket: &str) -> Picture {
    house.clear().await;
    house.run(ticket).await.good();
    house.picture().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_provider_leaves_the_other_as_it_was() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    let start = house.picture().await;
    let okta = alone(&mut house, "okta-provision").await;
    let entra = alone(&mut house, "entra-provision").await;
    // Made together, made one after the other; the first goes first, the last goes first.
    let mut both: Option<Picture> = None;
    for (together, first_gone) in [(false, "okta"), (true, "entra"), (true, "okta"), (false, "entra")] {
        let when = format!("together: {together}, first gone: {first_gone}");
        house.clear().await;
        if together {
            let (one, other) = join(house.run("okta-provision"), house.run("entra-provision")).await;
            one.good();
            other.good();
        } else {
            house.run("entra-provision").await.good();
            house.picture().await.must_be(&entra, &when);
            house.run("okta-provision").await.good();
        }
        let picture = house.picture().await;
        assert_eq!(picture.faulty, Vec::<String>::new(), "{when}");
        picture.must_be(both.get_or_insert_with(|| picture.clone()), &when);
        let accepted = house.accepted_issuers().await;
        assert_eq!(accepted.len(), 3, "{when}: theirs, and one of each provider: {accepted:?}");
        house.forget_calls();
        house.run("okta-verify").await.good();
        house.run("entra-verify").await.good();
        assert_eq!(house.writes(), Vec::<String>::new());

        let (left, last) = if first_gone == "okta" { (&entra, "entra") } else { (&okta, "okta") };
        house.run(&format!("{first_gone}-deprovision")).await.good();
        house.picture().await.must_be(left, &when);
        house.run(&format!("{last}-verify")).await.good();
        house.run(&format!("{last}-deprovision")).await.good();
        house.picture().await.must_be(&start, &when);
    }
}

/// Objects of a collection that are not there at start.
fn made(house: &House, state: &serde_json::Value, system: &str, name: &str, collection: &str) -> usize {
    let count = |all: &serde_json::Value| all[system][name][collection].as_array().map_or(0, Vec::len);
    count(state) - count(&house.start)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_integrations_of_one_tenant_share_its_trust() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    let start = house.picture().await;
    let first_alone = alone(&mut house, "entra-provision").await;
    house.run("entra-second").await.good();
    let one_by_one = house.picture().await;
    for together in [false, true] {
        let when = format!("together: {together}");
        house.clear().await;
        if together {
            let (one, other) = join(house.run("entra-provision"), house.run("entra-second")).await;
            one.good();
            other.good();
        } else {
            house.run("entra-second").await.good();
            house.run("entra-provision").await.good();
        }
        house.picture().await.must_be(&one_by_one, &when);
        let state = house.state().await;
        let name = seed::ENTRA_NAME;
        assert_eq!(made(&house, &state, "entra", name, "applications"), 3, "{when}: one resource app, two clients");
        assert_eq!(made(&house, &state, "sso-admin", seed::REDSHIFT_NAME, "TrustedTokenIssuers"), 1, "{when}");
        let accepted = house.accepted_issuers().await;
        assert_eq!(accepted.len(), 2, "{when}: theirs and ours: {accepted:?}");
        assert!(accepted.iter().all(|(_, audiences)| audiences.len() == 1), "{when}: {accepted:?}");
        let record = house.memory.trust(&ENTRA.trust()).await.expect("memory").expect("a trust");
        assert_eq!(record.owners.len(), 2, "{when}");
        house.run("entra-deprovision-second").await.good();
        house.picture().await.must_be(&first_alone, &format!("{when}: the second has left"));
        house.run("entra-deprovision").await.good();
        house.picture().await.must_be(&start, &format!("{when}: both have left"));
    }
}

/// Four integrations of both providers; the trusts are apart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_integrations_at_the_same_moment() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    let start = house.picture().await;
    house.clear().await;
    // Each pair shares an environment with the other pair's, so one pair comes after the other.
    for provider in PROVIDERS {
        let (first, second) = (provider.ticket("provision"), provider.ticket("second"));
        let (one, other) = join(house.run(&first), house.run(&second)).await;
        one.good();
        other.good();
    }
    let picture = house.picture().await;
    assert_eq!(picture.faulty, Vec::<String>::new());
    for provider in PROVIDERS {
        let record = house.memory.trust(&provider.trust()).await.expect("memory").expect("a trust");
        assert_eq!(record.owners.len(), 2, "{}", provider.kind);
    }
    // The later ones hold the environments: they go first.
    for provider in [&ENTRA, &OKTA] {
        for what in ["deprovision-second", "deprovision"] {
            house.run(&provider.ticket(what)).await.good();
        }
    }
    house.picture().await.must_be(&start, "after all have left");
}
