//! Many at the same moment: copies of a ticket, two tickets for one integration, two integrations on one trust.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use extoauth_scenarios::login::sign_in;
use extoauth_scenarios::stage::LIMIT;
use extoauth_scenarios::state::comparable;
use extoauth_scenarios::tickets::{golden, with};
use serde_json::Value;

use crate::{same, stage, succeeded};

fn count(state: &Value, pointer: &str) -> usize {
    state.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len)
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_copies_make_one_request() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    let apps = count(&client.state().await.expect("a state"), "/okta/acme/apps");
    let ticket = golden("okta-provision").expect("a ticket");
    let answers = futures::future::join_all((0..50).map(|_| client.post(&ticket))).await;
    let mut ids = BTreeSet::new();
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    for answer in answers {
        let answer = answer.expect("an answer");
        *statuses.entry(answer.status).or_default() += 1;
        ids.insert(answer.id().expect("an id").to_owned());
        assert_eq!(answer.body["duplicate"], answer.status == 200);
    }
    assert_eq!((statuses.get(&202), statuses.get(&200)), (Some(&1), Some(&49)), "{statuses:?}");
    assert_eq!(ids.len(), 1);
    let id = ids.pop_first().expect("one");
    let report = client.end(&id, LIMIT).await.expect("an end");
    succeeded(&report);
    assert_eq!(report["attempt"], 1);
    let state = client.state().await.expect("a state");
    assert_eq!(count(&state, "/okta/acme/apps"), apps + 1);
    assert_eq!(count(&state, "/dbt/acme/oauth-configurations"), 1);

    let again = client.post(&ticket).await.expect("an answer");
    assert_eq!((again.status, &again.body["duplicate"], again.id().expect("an id")), (200, &true.into(), id.as_str()));
    let other =
        client.post(&with(&ticket, &[("refresh_token_days", "30"), ("idle_days", "30")])).await.expect("an answer");
    assert_eq!(other.status, 409, "{}", other.body);
    let fields = other.body["errors"].to_string() + other.body["detail"].as_str().unwrap_or_default();
    assert!(fields.contains("refresh_token_days") && fields.contains("idle_days"), "{fields}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_integrations_on_one_new_trust_at_once() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    let before = client.state().await.expect("a state");
    let (first, second) = (golden("okta-provision").expect("a ticket"), golden("okta-second").expect("a ticket"));
    let (one, other) = futures::future::join(stage.run(&first), stage.run(&second)).await;
    succeeded(&one.expect("an end"));
    succeeded(&other.expect("an end"));
    let after = client.state().await.expect("a state");
    for what in ["/okta/acme/authorizationServers", "/sso-admin/main/TrustedTokenIssuers"] {
        assert_eq!(count(&after, what), count(&before, what) + 1, "{what}");
    }
    let entries = "/redshift/main/RedshiftIdcApplications/0/AuthorizedTokenIssuerList";
    assert_eq!(count(&after, entries), count(&before, entries) + 1);
    sign_in(client, 70_001, 90_001, "dev1@example.com").await.expect("the first works");
    sign_in(client, 70_002, 90_011, "dev2@example.com").await.expect("the second works");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tickets_for_one_integration_at_once() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    let start = client.state().await.expect("a state");
    let first = golden("okta-provision").expect("a ticket");
    succeeded(&stage.run(&first).await.expect("an end"));
    let alone = client.state().await.expect("a state");
    client.reset().await.expect("a reset");

    let start_again = client.state().await.expect("a state");
    same(&comparable(&start, &start), &comparable(&start_again, &start_again));
    let second = client.reopened(&first).await.expect("a ticket");
    let (one, other) = futures::future::join(stage.run(&first), stage.run(&second)).await;
    succeeded(&one.expect("an end"));
    succeeded(&other.expect("an end"));
    same(&comparable(&alone, &start), &comparable(&client.state().await.expect("a state"), &start_again));
}
