//! What somebody has put beside our secrets, and what the checks ask of large tenants.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extoauth_core::alert::Stage;
use extoauth_core::clock::Clock as _;
use extoauth_core::finding::Severity;
use futures::StreamExt as _;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{of, one};
use crate::house::{House, beside_others};

const TRUST: &str = "extoauth:sandbox/trust/";

/// The path of an app with a tag that starts so.
async fn app(house: &House, tag: &str) -> String {
    let state = house.state().await;
    let apps = state["entra"]["contoso"]["applications"].as_array().cloned().unwrap_or_default();
    let tagged = |app: &&Value| {
        app["tags"].as_array().into_iter().flatten().any(|one| one.as_str().is_some_and(|one| one.starts_with(tag)))
    };
    let app = apps.iter().find(tagged).expect("the app");
    format!("applications/{}", app["id"].as_str().expect("an id"))
}

fn day(house: &House, days: i64) -> String {
    (house.watch.now() + SignedDuration::from_hours(24 * days)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

async fn add_password(house: &House, app: &str, name: &str, days: i64) -> String {
    let body = json!({"passwordCredential": {"displayName": name, "endDateTime": day(house, days)}});
    let made = house.entra("POST", &format!("{app}/addPassword"), body).await;
    made["keyId"].as_str().expect("a key id").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_added_in_entra_is_told_until_it_is_gone() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    house.run("entra-provision").await.good();
    house.check_secrets().await;
    let client = app(&house, "extoauth:sandbox/integration/reporting-dev").await;
    let secret = add_password(&house, &client, "by hand", 20).await;
    let certificate = json!({"keyCredentials": [{
        "type": "AsymmetricX509Cert", "usage": "Verify", "displayName": "CN=by hand",
        "key": STANDARD.encode("a certificate"), "endDateTime": day(&house, 5),
    }]});
    house.entra("PATCH", &client, certificate).await;

    let checked = house.check_secrets().await;
    assert_eq!(checked.counted.notified, 4, "of each that it is there and that it ends");
    let alerts = house.alerts("reporting-dev").await;
    let foreign = of(&alerts, "foreign_client_secret");
    let told: Vec<_> = foreign.iter().map(|alert| alert.told.map(|told| told.stage)).collect();
    assert_eq!(foreign.len(), 4, "{alerts:#?}");
    for stage in [Stage::Now, Stage::Before(30), Stage::Before(7)] {
        assert!(told.contains(&Some(stage)), "{stage}: {told:?}");
    }
    assert!(foreign.iter().any(|alert| alert.matter.finding.found.contains(&secret)));
    assert!(foreign.iter().any(|alert| alert.matter.finding.found.contains("certificate `CN=by hand`")));
    assert_eq!(house.check_secrets().await.counted.notified, 0);

    house.entra("POST", &format!("{client}/removePassword"), json!({"keyId": secret})).await;
    house.entra("PATCH", &client, json!({"keyCredentials": []})).await;
    assert_eq!(house.check_secrets().await.counted.notified, 4, "each is mended");
    assert_eq!(of(&house.alerts("reporting-dev").await, "foreign_client_secret").len(), 0);
}

/// What integrations share is told once to each owner.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_added_to_a_trust_is_told_to_each_owner_once() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    house.run("entra-provision").await.good();
    house.run("entra-second").await.good();
    let resource = app(&house, TRUST).await;
    add_password(&house, &resource, "by hand", 300).await;
    house.check_secrets().await;
    let told = |alerts: &[_]| of(alerts, "foreign_client_secret").len();
    let (first, second) = (house.alerts("reporting-dev").await, house.alerts("sales-dev").await);
    assert_eq!((told(&first), told(&second)), (2, 0), "nobody owns them: one is told for both");

    house.policy.owners.insert("sales-dev".into(), "sales@example.com".into());
    house.check_secrets().await;
    let (first, second) = (house.alerts("reporting-dev").await, house.alerts("sales-dev").await);
    assert_eq!((told(&first), told(&second)), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_added_in_okta_is_told_until_it_is_gone() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    house.run("okta-provision").await.good();
    house.check_secrets().await;
    let state = house.state().await;
    let apps = state["okta"]["acme"]["apps"].as_array().cloned().unwrap_or_default();
    let before = house.start["okta"]["acme"]["apps"].as_array().cloned().unwrap_or_default();
    let ours = apps.iter().find(|app| !before.iter().any(|old| old["id"] == app["id"])).expect("our app");
    let secrets = format!("apps/{}/credentials/secrets", ours["id"].as_str().expect("an id"));
    let added = house.okta("POST", &secrets, json!({})).await;
    let id = added["id"].as_str().expect("an id");

    assert_eq!(house.check_secrets().await.counted.notified, 1);
    let alerts = house.alerts("analytics-dev").await;
    let told = one(&alerts, "foreign_client_secret");
    assert!(told.matter.finding.found.contains(id), "{told:?}");
    assert_eq!(told.matter.finding.severity, Severity::Warning);
    assert_eq!(told.told.map(|told| told.stage), Some(Stage::Now));
    let ours = one(&alerts, "secret_end");
    assert!(!ours.matter.finding.found.contains(id), "ours is told apart by its value");

    // Shut, it cannot be used.
    house.okta("POST", &format!("{secrets}/{id}/lifecycle/deactivate"), json!({})).await;
    assert_eq!(house.check_secrets().await.counted.notified, 1, "it is mended");
    assert_eq!(house.alerts("analytics-dev").await.len(), 1);
}

/// One list for a tenant, a page for 999 applications, however many integrations there are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_is_listed_once() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    house.run("entra-provision").await.good();
    let house = &house;
    let made = futures::stream::iter(0..2000).map(|n| async move {
        house.entra("POST", "applications", json!({"displayName": format!("somebody's {n}")})).await;
    });
    made.buffer_unordered(8).collect::<Vec<()>>().await;
    let calls = || async {
        house.forget_calls();
        house.check_secrets().await;
        let calls = house.calls();
        assert!(calls.iter().all(|call| !call.write), "a check writes nothing");
        let entra = calls.iter().filter(|call| call.system == "entra" && call.method == "GET");
        entra.map(|call| call.path.clone()).collect::<Vec<_>>()
    };
    let of_one = calls().await;
    assert_eq!(of_one, vec!["/v1.0/applications"; 3], "2,000 and ours");
    house.run("entra-second").await.good();
    assert_eq!(calls().await, of_one, "another integration costs no call");
}
