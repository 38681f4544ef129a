//! Objects of other people that look like ours.

use extoauth_core::finding::Severity;
use extoauth_sandbox::seed;
use serde_json::{Value, json};

use crate::drive::golden;
use crate::house::{House, beside_others};

/// The mark of the golden integration.
const MARK: &str = "extoauth:sandbox/integration/analytics-dev";

fn apps(state: &Value) -> Vec<Value> {
    state["okta"][seed::OKTA_NAME]["apps"].as_array().cloned().unwrap_or_default()
}

/// The name that an undisturbed run gives an object.
async fn name_of(house: &mut House, collection: &str, field: &str) -> String {
    house.run("okta-provision").await.good();
    let state = house.state().await;
    let all = state["okta"][seed::OKTA_NAME][collection].as_array().cloned().unwrap_or_default();
    let before = house.start["okta"][seed::OKTA_NAME][collection].as_array().cloned().unwrap_or_default();
    let new = all.iter().find(|object| !before.iter().any(|old| old["id"] == object["id"])).expect("a new object");
    let name = new[field].as_str().expect("a name").to_owned();
    house.clear().await;
    name
}

fn web_app(label: &str, profile: &Value) -> Value {
    json!({
        "name": "oidc_client", "label": label, "signOnMode": "OPENID_CONNECT", "profile": profile,
        "credentials": {"oauthClient": {"token_endpoint_auth_method": "client_secret_basic"}},
        "settings": {"oauthClient": {
            "application_type": "web", "response_types": ["code"], "grant_types": ["authorization_code"],
            "redirect_uris": ["https://theirs.example.com/callback"],
        }},
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_with_our_label_and_without_our_mark_is_left_alone() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    let label = name_of(&mut house, "apps", "label").await;
    let theirs = house.okta("POST", "apps", web_app(&label, &json!({}))).await;
    let before = house.state().await;

    let ended = house.run("okta-provision").await.good();
    let finding = ended.report.findings.iter().find(|finding| finding.check == "foreign_object").expect("a finding");
    assert_eq!(finding.severity, Severity::Info);
    assert!(finding.found.contains(theirs["id"].as_str().expect("an id")), "{finding:?}");
    let after = house.state().await;
    let same = |app: &&Value| app["id"] == theirs["id"];
    assert_eq!(apps(&after).iter().find(same), apps(&before).iter().find(same), "theirs is as it was");
    assert_eq!(apps(&after).len(), apps(&before).len() + 1, "ours was made beside it");

    house.forget_calls();
    house.run_anew(&golden("okta-provision")).await.good();
    assert!(house.calls().iter().all(|call| !call.write), "from then on ours is known by its record");
    house.run("okta-deprovision").await.good();
    let end = house.state().await;
    assert_eq!(apps(&end).iter().find(same), apps(&before).iter().find(same), "theirs is still as it was");
    assert_eq!(apps(&end).len(), apps(&before).len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_with_our_mark_that_is_not_recorded_stops_the_run() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    let start = house.picture().await;
    let label = name_of(&mut house, "apps", "label").await;
    let theirs = house.okta("POST", "apps", web_app(&label, &json!({"extoauth": MARK}))).await;
    let id = theirs["id"].as_str().expect("an id").to_owned();
    let before = house.state().await;

    let failed = house.run("okta-provision").await;
    let error = failed.error();
    assert!(error.message.contains("carries our mark") && error.message.contains(&id), "{error:?}");
    assert!(!error.fix.is_empty());
    let after = house.state().await;
    assert_eq!(apps(&after), apps(&before), "no app was made, none was touched");
    let dbt = |state: &Value| state["dbt"].clone();
    assert_eq!(dbt(&after)["acme"]["environments"], dbt(&before)["acme"]["environments"], "nobody was cut over");
    assert_eq!(house.orphans(&after, &format!("{:?} {id}", house.books().await).into()), Vec::<String>::new());

    // The administrator does as the message says.
    house.okta("POST", &format!("apps/{id}/lifecycle/deactivate"), json!({})).await;
    house.okta("DELETE", &format!("apps/{id}"), Value::Null).await;
    house.run_again(&failed).await.good();
    house.run("okta-deprovision").await.good();
    house.picture().await.must_be(&start, "after the removal");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_our_name_is_left_alone() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    let name = name_of(&mut house, "authorizationServers", "name").await;
    let theirs = json!({"name": name, "description": "theirs", "audiences": ["https://theirs.example.net"]});
    let theirs = house.okta("POST", "authorizationServers", theirs).await;
    let ended = house.run("okta-provision").await.good();
    assert!(ended.report.findings.iter().any(|finding| finding.check == "foreign_object"));
    let id = theirs["id"].as_str().expect("an id");
    let now = house.okta("GET", &format!("authorizationServers/{id}"), Value::Null).await;
    assert_eq!(now, theirs);
}

/// Our object is deleted behind our back: it is made again, and what pointed at the old one points at the new one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_deleted_is_made_again() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    let start = house.picture().await;
    house.run("okta-provision").await.good();
    let expected = house.picture().await;
    let state = house.state().await;
    let old = |app: &Value| apps(&house.start).iter().any(|one| one["id"] == app["id"]);
    let ours = apps(&state).into_iter().find(|app| !old(app)).expect("our app");
    let id = ours["id"].as_str().expect("an id");
    house.okta("POST", &format!("apps/{id}/lifecycle/deactivate"), json!({})).await;
    house.okta("DELETE", &format!("apps/{id}"), Value::Null).await;
    house.run_anew(&golden("okta-provision")).await.good();
    house.picture().await.must_be(&expected, "after the app was made again");
    house.run("okta-deprovision").await.good();
    house.picture().await.must_be(&start, "after the removal");
}
