//! Entra ID as the identity provider, and beside Okta: the functions sign in with their own AWS role, and hold no secret
//! of the tenant.

use std::time::Duration;

use extoauth_sandbox::seed::{DBT_NAME, ENTRA_NAME, ENTRA_TENANT, REDSHIFT_NAME};
use extoauth_scenarios::Stage;
use extoauth_scenarios::client::is_over;
use extoauth_scenarios::control::writes;
use extoauth_scenarios::entra::link_in;
use extoauth_scenarios::login::sign_in;
use extoauth_scenarios::stage::LIMIT;
use extoauth_scenarios::state::comparable;
use extoauth_scenarios::tickets::golden;
use serde_json::{Value, json};

use crate::{changes, same, stage, succeeded, wrote_nothing};

/// Calls of provision by system in a run that finds everything in order. It may become less, but not unnoticed.
const READS_OF_A_REPEAT: &[(&str, usize)] =
    &[("entra", 24), ("dbt", 9), ("sso-admin", 6), ("redshift", 3), ("secretsmanager", 2), ("identitystore", 10)];

/// A create whose answer was lost is judged when Entra must show what it made, which may take minutes.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// Lets the functions sign in without any stored secret, from their next start on.
pub async fn by_web_identity(stage: &Stage) {
    let credential = json!({"auth": "aws_web_identity", "client_id": stage.sandbox.entra.automation_client_id()});
    let id = stage.client.told(&format!("/systems/entra/{ENTRA_NAME}/credential"));
    let body = json!({"SecretId": id, "SecretString": credential.to_string()});
    stage.client.aws("secretsmanager", "secretsmanager.PutSecretValue", &body).await.expect("a credential");
}

fn ticket(name: &str) -> Value {
    golden(name).expect("a ticket")
}

/// The client secrets of every app that is not the tenant's own.
fn credentials(state: &Value, start: &Value) -> Vec<Value> {
    let apps = |state: &Value| state["entra"][ENTRA_NAME]["applications"].as_array().cloned().expect("applications");
    let before = apps(start);
    let ours = apps(state).into_iter().filter(|app| before.iter().all(|known| known["id"] != app["id"]));
    ours.flat_map(|app| app["passwordCredentials"].as_array().cloned().unwrap_or_default()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_ticket_to_a_login_without_a_stored_secret() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    by_web_identity(&stage).await;
    let start = client.state().await.expect("a state");
    let provision = ticket("entra-provision");
    let report = stage.run(&provision).await.expect("an end");
    succeeded(&report);
    let signed_in = |call: &extoauth_scenarios::control::Call| call.system == "sts" && call.caller == "provision";
    assert!(client.calls(0).await.expect("calls").iter().any(signed_in), "no token of the role was asked for");

    // Version 1: its issuer is another host than the one that developers see, and ends in a slash.
    let chain = sign_in(client, 70_002, 90_011, "dev1@example.com").await.expect("a login");
    assert_eq!(chain.issuer, format!("https://sts.windows.net/{ENTRA_TENANT}/"));
    assert!(chain.authorize_url.ends_with("/oauth2/v2.0/authorize"), "{}", chain.authorize_url);
    assert!(chain.audience.starts_with("api://"), "{}", chain.audience);
    assert_eq!((chain.claim.as_str(), chain.claim_value.as_str()), ("upn", "dev1@example.com"));
    assert_eq!(chain.scopes, format!("{}/dbt-redshift", chain.audience));
    assert_eq!((chain.user.as_str(), &chain.groups[..]), ("dev1@example.com", &["data-engineers".to_owned()][..]));
    let outsider = sign_in(client, 70_002, 90_011, "admin@example.com").await;
    let refused = format!("{:#}", outsider.expect_err("somebody outside the group came in"));
    assert!(refused.contains("AADSTS50105"), "{refused}");
    let lifetimes = report["findings"].as_array().expect("findings").iter();
    assert_eq!(lifetimes.filter(|finding| finding["check"] == "entra_token_lifetimes").count(), 1);

    let before = client.last_call().await.expect("calls");
    for (name, again) in [("entra-provision", true), ("entra-plan", false), ("entra-verify", false)] {
        let from = client.last_call().await.expect("calls");
        let body = ticket(name);
        let report = if again { stage.run_anew(&body).await } else { stage.run(&body).await }.expect("an end");
        succeeded(&report);
        assert_eq!(changes(&report), Vec::<String>::new(), "{name}");
        if again {
            let calls = client.calls(from).await.expect("calls");
            let ours: Vec<_> = calls.iter().filter(|call| call.caller == "provision").collect();
            let count = |system: &str| ours.iter().filter(|call| call.system == system).count();
            let reads: Vec<_> = READS_OF_A_REPEAT.iter().map(|(system, _)| (*system, count(system))).collect();
            let words: Vec<String> = ours.iter().map(|call| call.words()).collect();
            assert_eq!(reads, READS_OF_A_REPEAT, "{words:#?}");
        }
    }
    wrote_nothing(&client.calls(before).await.expect("calls"));

    succeeded(&stage.run(&ticket("entra-deprovision")).await.expect("an end"));
    same(&comparable(&start, &start), &comparable(&client.state().await.expect("a state"), &start));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_nobody_has_is_replaced() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    // Made and never stored: another is made. Stored and not told: it is the one.
    for (system, path, made, removed) in [("entra", "*/addPassword", 2, 1), ("secretsmanager", "CreateSecret", 1, 0)] {
        client.reset().await.expect("a reset");
        by_web_identity(&stage).await;
        let start = client.state().await.expect("a state");
        let spec = json!([{"system": system, "path": path, "fault": "kill_after", "caller": "provision"}]);
        client.faults(spec).await.expect("a fault");
        let report = client.run(&ticket("entra-provision"), PATIENCE).await.expect("an end");
        assert_eq!(report["status"], "succeeded", "{path}: {report:#}");
        let calls = client.calls(0).await.expect("calls");
        assert!(calls.iter().any(|call| call.status == 0), "{path}: no such call was made");
        let left = credentials(&client.state().await.expect("a state"), &start);
        assert_eq!(left.len(), 1, "{path}: {left:#?}");
        let writes = writes(&calls);
        let count = |what: &str| writes.iter().filter(|call| call.ends_with(what)).count();
        assert_eq!((count("/addPassword"), count("/removePassword")), (made, removed), "{path}: {writes:#?}");
        let chain = sign_in(client, 70_002, 90_011, "dev2@example.com").await;
        assert!(chain.is_ok(), "{path}: {:#}", chain.expect_err("refused"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn okta_and_entra_side_by_side() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    let start = client.state().await.expect("a state");
    // At the same moment: one list of issuers, one dbt account.
    let (okta, entra) = (ticket("okta-provision"), ticket("entra-provision"));
    let (one, other) = futures::future::join(stage.run(&okta), stage.run(&entra)).await;
    succeeded(&one.expect("an end"));
    succeeded(&other.expect("an end"));
    let both = client.state().await.expect("a state");
    let count = |state: &Value, pointer: &str| state.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len);
    for (what, more) in [
        (format!("/redshift/{REDSHIFT_NAME}/RedshiftIdcApplications/0/AuthorizedTokenIssuerList"), 2),
        (format!("/sso-admin/{REDSHIFT_NAME}/TrustedTokenIssuers"), 2),
        (format!("/dbt/{DBT_NAME}/oauth-configurations"), 2),
        (format!("/dbt/{DBT_NAME}/connections"), 2),
    ] {
        assert_eq!(count(&both, &what), count(&start, &what) + more, "{what}");
    }
    let through_okta = sign_in(client, 70_001, 90_001, "dev1@example.com").await.expect("a login");
    let through_entra = sign_in(client, 70_002, 90_011, "dev1@example.com").await.expect("a login");
    assert_eq!((through_okta.provider, through_entra.provider), ("Okta", "Entra ID"));
    assert_eq!(through_okta.user, through_entra.user, "one person, whichever provider");
    assert_ne!(through_okta.audience, through_entra.audience);

    // Either may leave without the other: here the one that came first.
    succeeded(&stage.run(&ticket("okta-deprovision")).await.expect("an end"));
    sign_in(client, 70_002, 90_011, "dev3@example.com").await.expect("Entra ID still works");
    assert!(sign_in(client, 70_001, 90_001, "dev1@example.com").await.is_err(), "Okta's is gone");
    succeeded(&stage.run(&ticket("entra-deprovision")).await.expect("an end"));
    same(&comparable(&start, &start), &comparable(&client.state().await.expect("a state"), &start));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_integrations_on_one_tenant() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    by_web_identity(&stage).await;
    let start = client.state().await.expect("a state");
    let (first, second) = (ticket("entra-provision"), ticket("entra-second"));
    let (one, other) = futures::future::join(stage.run(&first), stage.run(&second)).await;
    succeeded(&one.expect("an end"));
    succeeded(&other.expect("an end"));
    let both = client.state().await.expect("a state");
    let apps = |state: &Value| state["entra"][ENTRA_NAME]["applications"].as_array().map_or(0, Vec::len);
    assert_eq!(apps(&both), apps(&start) + 3, "one resource app, two clients");
    let one = sign_in(client, 70_002, 90_011, "dev1@example.com").await.expect("the first works");
    let other = sign_in(client, 70_001, 90_001, "dev2@example.com").await.expect("the second works");
    assert_eq!((&one.issuer, &one.audience), (&other.issuer, &other.audience));
    assert_ne!(one.client_id, other.client_id);
    succeeded(&stage.run(&ticket("entra-deprovision")).await.expect("an end"));
    sign_in(client, 70_001, 90_001, "dev3@example.com").await.expect("the second still works");
    succeeded(&stage.run(&ticket("entra-deprovision-second")).await.expect("an end"));
    same(&comparable(&start, &start), &comparable(&client.state().await.expect("a state"), &start));
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_that_comes_two_days_later() {
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    by_web_identity(&stage).await;
    let (give, see) = ("DelegatedPermissionGrant.ReadWrite.All", "DelegatedPermissionGrant.Read.All");
    client.change_entra_rights(&[give], &[see]).await.expect("other rights");
    let body = ticket("entra-provision");
    let report = stage.run(&body).await.expect("an end");
    assert_eq!(report["status"], "waiting", "{report:#}");
    let link = link_in(report["waiting_for"]["what"].as_str().expect("a sentence")).expect("a link").to_owned();
    let notes = client.notes(&body).await.expect("notes");
    assert!(notes.iter().any(|note| note.contains(&link)), "{notes:#?}");
    assert!(sign_in(client, 70_002, 90_011, "dev1@example.com").await.is_err(), "cut over too early");
    let id = client.post(&body).await.expect("an answer").id().expect("an id").to_owned();

    // Looked at again, and again: nothing is written, nobody is told twice.
    let from = client.last_call().await.expect("calls");
    client.advance("P2D").await.expect("two days");
    let looked = || async {
        let calls = client.calls(from).await.expect("calls");
        calls.iter().any(|call| call.system == "entra" && call.path.ends_with("/oauth2PermissionGrants"))
    };
    while !looked().await {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(client.end(&id, LIMIT).await.expect("a report")["status"], "waiting");
    assert_eq!(writes(&client.calls(from).await.expect("calls")), Vec::<String>::new());

    client.accept_consent(&link).await.expect("an administrator accepts");
    client.advance("PT6M").await.expect("the next look");
    let report = client.until(is_over, &id, LIMIT, |_| {}).await.expect("an end");
    succeeded(&report);
    assert_eq!(report["attempt"], 1);
    assert_eq!(client.notes(&body).await.expect("notes").iter().filter(|note| note.contains(&link)).count(), 1);
    sign_in(client, 70_002, 90_011, "dev1@example.com").await.expect("a login");
}
