//! What intake answers from what is stored: the integrations, and what an error message means for one of them.

use extoauth_scenarios::tickets::golden;
use serde_json::Value;

use crate::{stage, succeeded};

fn texts<'v>(all: &'v Value, field: &str) -> Vec<&'v str> {
    all.as_array().into_iter().flatten().filter_map(|one| one[field].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn integrations_are_shown_and_errors_explained_with_their_values() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    let none = client.known("integrations").await.expect("a list");
    assert_eq!(none["integrations"].as_array().map(Vec::len), Some(0));
    for name in ["okta-provision", "entra-provision"] {
        succeeded(&stage.run(&golden(name).expect("a ticket")).await.expect("an end"));
    }
    let all = client.known("integrations").await.expect("a list");
    let mut names = texts(&all["integrations"], "name");
    names.sort_unstable();
    assert_eq!(names, ["analytics-dev", "reporting-dev"]);

    let calls = client.calls(0).await.expect("calls").len();
    let shown = client.known("integrations/reporting-dev").await.expect("an integration");
    assert_eq!((&shown["idp"], &shown["complete"]), (&"entra".into(), &true.into()));
    assert_eq!(shown["trust"]["claim"], "upn");
    let kinds = texts(&shown["resources"], "kind");
    for kind in ["entra.client_app", "entra.client_secret", "entra.resource_app", "redshift.issuer_entry"] {
        assert!(kinds.contains(&kind), "{kind} is missing: {kinds:?}");
    }

    // A developer whom nobody has assigned, with each provider's own words.
    let okta = "User is not assigned to the client application.";
    let entra = "AADSTS50105: Your administrator has configured the application to block users unless they are \
                 specifically granted ('assigned') access to the application.";
    for (name, text, link) in [("analytics-dev", okta, "okta.app.group"), ("reporting-dev", entra, "entra.assignment")]
    {
        let answer = client.explain(name, text).await.expect("an answer").good().expect("an explanation");
        let first = &answer["findings"][0];
        assert!(first["resource"].as_str().is_some_and(|resource| resource.starts_with(link)), "{answer:#}");
        assert!(first["fix"].as_str().is_some_and(|fix| !fix.is_empty()), "{answer:#}");
    }

    // A token is refused, and not even said back.
    let token = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJkZXYxQGV4YW1wbGUuY29tIn0.c2lnbmF0dXJlLWNhbmFyeQ";
    let refused = client.explain("analytics-dev", &format!("login failed with {token}")).await.expect("an answer");
    assert_eq!(refused.status, 400);
    assert!(!refused.body.to_string().contains("c2lnbmF0dXJl"), "{}", refused.body);
    assert!(!stage.log().expect("a log").contains("c2lnbmF0dXJl"), "a token in the log");
    let after = client.calls(0).await.expect("calls");
    let asked: Vec<String> =
        after[calls..].iter().filter(|call| call.system != "dynamodb").map(|call| call.words()).collect();
    assert!(asked.iter().all(|call| call.starts_with("secretsmanager")), "answered from what is stored: {asked:?}");
}
