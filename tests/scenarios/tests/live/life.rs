//! The life of an integration: made, used, repeated, planned, changed, shared, removed.

use extoauth_scenarios::control::writes;
use extoauth_scenarios::login::sign_in;
use extoauth_scenarios::state::comparable;
use extoauth_scenarios::tickets::{golden, with};
use serde_json::Value;

use crate::{changes, same, stage, succeeded, wrote_nothing};

/// Calls of provision by system in a run that finds everything in order: signing in, reading the ticket, reading each
/// object, once. It may become less, but not unnoticed.
const READS_OF_A_REPEAT: &[(&str, usize)] =
    &[("okta", 20), ("dbt", 10), ("sso-admin", 6), ("redshift", 3), ("secretsmanager", 2), ("identitystore", 10)];

#[tokio::test(flavor = "multi_thread")]
async fn from_the_ticket_to_a_login() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    let ticket = golden("okta-provision").expect("a ticket");
    let report = stage.run(&ticket).await.expect("an end");
    succeeded(&report);

    let chain = sign_in(client, 70_001, 90_001, "dev1@example.com").await.expect("a login");
    assert_eq!(chain.user, "dev1@example.com");
    assert_eq!(chain.groups, ["data-engineers"]);
    assert_eq!(chain.access_minutes, 60);
    assert!(chain.scopes.split(' ').any(|scope| scope == "session:role-any"), "{}", chain.scopes);
    let outsider = sign_in(client, 70_001, 90_001, "nobody@example.com").await;
    assert!(outsider.is_err(), "somebody outside the group came in");

    for row in ["R30", "R31", "R32"] {
        let handoffs = report["handoffs"].as_array().expect("hand-offs");
        let mut of_row =
            handoffs.iter().filter(|handoff| handoff["what"].as_str().is_some_and(|what| what.contains(row)));
        assert!(of_row.next().is_some_and(|handoff| handoff["done"].is_null()), "{row}: no API shows it");
    }
    let sql = report["handoffs"].to_string();
    assert!(sql.contains("CREATE ROLE") && sql.contains("AWSIDC:data-engineers"), "{sql}");

    let notes = client.notes(&ticket).await.expect("notes");
    assert!(!notes.is_empty());
    let mut once = notes.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), notes.len(), "a note was written twice: {notes:#?}");
    let row = client.ticket(&ticket).await.expect("a ticket");
    assert_eq!(row["state"], "3", "closed complete");
    assert!(row["close_notes"].as_str().is_some_and(|notes| !notes.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn repeat_plan_verify_and_change() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    let ticket = golden("okta-provision").expect("a ticket");
    succeeded(&stage.run(&ticket).await.expect("an end"));

    let before = client.last_call().await.expect("calls");
    let report = stage.run_anew(&ticket).await.expect("an end");
    succeeded(&report);
    assert_eq!(changes(&report), Vec::<String>::new());
    let calls = client.calls(before).await.expect("calls");
    wrote_nothing(&calls);
    let administered = ["okta", "dbt", "sso-admin", "redshift", "secretsmanager", "identitystore"];
    let mut reads: Vec<(&str, usize)> = administered
        .iter()
        .map(|system| {
            (*system, calls.iter().filter(|call| call.caller == "provision" && call.system == *system).count())
        })
        .collect();
    reads.retain(|(_, count)| *count > 0);
    let words: Vec<String> = calls.iter().filter(|call| call.caller == "provision").map(|call| call.words()).collect();
    assert_eq!(reads, READS_OF_A_REPEAT, "{words:#?}");

    for name in ["okta-plan", "okta-verify"] {
        let before = client.last_call().await.expect("calls");
        let body = golden(name).expect("a ticket");
        for attempt in 1..=2 {
            let report = stage.run(&body).await.expect("an end");
            succeeded(&report);
            assert_eq!((report["attempt"].as_u64(), changes(&report)), (Some(attempt), Vec::new()), "{name}");
        }
        wrote_nothing(&client.calls(before).await.expect("calls"));
    }

    sign_in(client, 70_001, 90_001, "dev2@example.com").await.expect("a login");
    let change = golden("okta-change-lifetime").expect("a ticket");
    let mut plan = golden("okta-plan").expect("a ticket");
    plan["variables"] = change["variables"].clone();
    let before = client.last_call().await.expect("calls");
    let planned = stage.run_anew(&plan).await.expect("an end");
    succeeded(&planned);
    wrote_nothing(&client.calls(before).await.expect("calls"));
    assert_eq!(changes(&planned), ["update okta.server.policy.rule"]);
    let findings = planned["findings"].as_array().expect("findings");
    let hit = findings.iter().find(|finding| finding["check"] == "sign_ins_hit").expect("who is hit");
    let found = hit["found"].as_str().expect("words");
    // One has signed in, a moment ago: the shorter life does not end that.
    assert!(found.starts_with("0 of 1 people"), "{found}");
    let before = client.last_call().await.expect("calls");
    let changed = stage.run(&change).await.expect("an end");
    succeeded(&changed);
    assert_eq!(changed["plan"], planned["plan"], "what was done is what was planned");
    let calls = client.calls(before).await.expect("calls");
    assert_eq!(writes(&calls).len(), 1, "{:?}", writes(&calls));
    sign_in(client, 70_001, 90_001, "dev4@example.com").await.expect("a login");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_integration_shares_the_trust_and_leaves_it() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    let start = client.state().await.expect("a state");
    succeeded(&stage.run(&golden("okta-provision").expect("a ticket")).await.expect("an end"));
    let alone = client.state().await.expect("a state");
    let report = stage.run(&golden("okta-second").expect("a ticket")).await.expect("an end");
    succeeded(&report);
    let shared = client.state().await.expect("a state");
    let count = |state: &Value, pointer: &str| state.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len);
    for (what, more) in [
        ("/okta/acme/authorizationServers", 0),
        ("/sso-admin/main/TrustedTokenIssuers", 0),
        ("/redshift/main/RedshiftIdcApplications/0/AuthorizedTokenIssuerList", 0),
        ("/okta/acme/apps", 1),
        ("/dbt/acme/oauth-configurations", 1),
        ("/dbt/acme/connections", 1),
    ] {
        assert_eq!(count(&shared, what), count(&alone, what) + more, "{what}");
    }
    sign_in(client, 70_001, 90_001, "dev1@example.com").await.expect("the first works");
    sign_in(client, 70_002, 90_011, "dev2@example.com").await.expect("the second works");

    succeeded(&stage.run(&golden("okta-deprovision-second").expect("a ticket")).await.expect("an end"));
    same(&comparable(&alone, &start), &comparable(&client.state().await.expect("a state"), &start));
    sign_in(client, 70_001, 90_001, "dev3@example.com").await.expect("the first still works");
    assert!(sign_in(client, 70_002, 90_011, "dev2@example.com").await.is_err(), "the second is gone");

    succeeded(&stage.run(&golden("okta-deprovision").expect("a ticket")).await.expect("an end"));
    same(&comparable(&start, &start), &comparable(&client.state().await.expect("a state"), &start));
    let gone = client.post(&client.reopened(&golden("okta-verify").expect("a ticket")).await.expect("a ticket")).await;
    assert_eq!(gone.expect("an answer").status, 404, "the integration is not known any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn held_environments_are_left_alone_until_the_cut_over() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    let environment = |state: &Value| {
        let all = state.pointer("/dbt/acme/environments").and_then(Value::as_array).expect("environments");
        all.iter().find(|environment| environment["id"] == 90_011).expect("90011").clone()
    };
    let before = environment(&client.state().await.expect("a state"));
    let hold = golden("okta-hold").expect("a ticket");
    let report = stage.run(&hold).await.expect("an end");
    succeeded(&report);
    same(&before, &environment(&client.state().await.expect("a state")));
    let open = report["handoffs"].as_array().expect("hand-offs");
    assert!(open.iter().any(|handoff| handoff["done"] == false && handoff["values"]["environment"] == "90011"));

    let before = client.last_call().await.expect("calls");
    succeeded(&stage.run_anew(&with(&hold, &[("cutover", "now")])).await.expect("an end"));
    let writes = writes(&client.calls(before).await.expect("calls"));
    assert_eq!(writes.len(), 1, "{writes:?}");
    sign_in(client, 70_002, 90_011, "dev5@example.com").await.expect("a login");
}
