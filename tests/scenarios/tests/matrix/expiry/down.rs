//! A system that does not answer is unknown, and nothing that was read of it before is taken for mended.

use std::time::Duration;

use extoauth_core::finding::Severity;
use extoauth_sandbox::world::FaultSpec;

use super::{of, one};
use crate::house::{House, beside_others};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_system_that_is_down_is_unknown() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    house.run("entra-provision").await.good();
    house.run("okta-provision").await.good();
    house.days_pass(170);
    house.check_secrets().await;
    let both = ["reporting-dev", "analytics-dev"];
    for name in both {
        assert_eq!(house.alerts(name).await.len(), 1);
    }

    house.invocation = Duration::from_secs(4);
    let path = |system: &str| if system == "entra" { "/v1.0/applications" } else { "*/credentials/secrets" };
    for system in ["entra", "okta"] {
        house.fault(FaultSpec::new(system, path(system), "status:503").times(10_000));
    }
    let checked = house.check_secrets().await;
    assert!(checked.counted.unknown >= 2, "{:?}", checked.counted);
    assert_eq!(checked.due, [], "nothing is rotated on a guess");
    for name in both {
        let alerts = house.alerts(name).await;
        assert_eq!(alerts.len(), 2, "{name}: the date stays: {alerts:#?}");
        let unknown = alerts.iter().find(|alert| alert.matter.finding.severity == Severity::Unknown).expect("unknown");
        assert!(unknown.told.is_some() && !unknown.matter.finding.fix.is_empty(), "{unknown:?}");
    }

    house.sandbox.world.faults.clear();
    house.invocation = Duration::from_secs(25);
    house.check_secrets().await;
    for name in both {
        let alerts = house.alerts(name).await;
        assert_eq!(alerts.len(), 1, "{name}: it was read again: {alerts:#?}");
        one(&alerts, "secret_end");
    }
}

/// Our secret is gone from the provider: that is not a newer one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_is_gone_is_not_mended() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    house.run("entra-provision").await.good();
    house.days_pass(170);
    house.check_secrets().await;
    let alerts = house.alerts("reporting-dev").await;
    let found = &one(&alerts, "secret_end").matter.finding.found;
    let (_, id) = found.split_once("key id ").expect("its id");
    let (id, _) = id.split_once(')').expect("its id");
    let state = house.state().await;
    let apps = state["entra"]["contoso"]["applications"].as_array().cloned().unwrap_or_default();
    let has = |app: &&serde_json::Value| {
        app["passwordCredentials"].as_array().into_iter().flatten().any(|password| password["keyId"] == id)
    };
    let app = apps.iter().find(has).expect("the app")["id"].as_str().expect("an id").to_owned();
    let body = serde_json::json!({"keyId": id});
    house.entra("POST", &format!("applications/{app}/removePassword"), body).await;
    house.check_secrets().await;
    let alerts = house.alerts("reporting-dev").await;
    let severities: Vec<_> = of(&alerts, "secret_end").iter().map(|alert| alert.matter.finding.severity).collect();
    assert_eq!(alerts.len(), 2, "{alerts:#?}");
    assert!(severities.contains(&Severity::Unknown), "{severities:?}");
}

/// A right that was taken from us is named.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_right_is_named() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    house.run("entra-provision").await.good();
    let state = house.state().await;
    let rights = state["entra"]["contoso"]["appRoleAssignedTo"].as_array().cloned().unwrap_or_default();
    for right in rights.iter().filter(|right| right["principalDisplayName"] == "extoauth") {
        let text = |field: &str| right[field].as_str().expect("a text").to_owned();
        let path = format!("servicePrincipals/{}/appRoleAssignments/{}", text("principalId"), text("id"));
        house.entra("DELETE", &path, serde_json::Value::Null).await;
    }
    house.check_secrets().await;
    let system = house.alerts_of_system("entra/contoso").await;
    for alerts in [house.alerts("reporting-dev").await, system] {
        let unknown = alerts.iter().find(|alert| alert.matter.finding.severity == Severity::Unknown).expect("unknown");
        assert!(unknown.matter.finding.found.contains("Application.Read.All"), "{unknown:?}");
        assert!(unknown.told.is_some());
    }
}
