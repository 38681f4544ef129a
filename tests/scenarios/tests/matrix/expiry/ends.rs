//! The client secret that dbt uses: Entra's end, Okta's age.

use extoauth_core::alert::Stage;
use extoauth_core::finding::Severity;

use super::one;
use crate::drive::golden;
use crate::house::{House, beside_others};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_of_entra_ends_and_is_mended_by_a_newer_one() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    house.run("entra-provision").await.good();
    let checked = house.check_secrets().await;
    assert_eq!(checked.due, []);
    let alerts = house.alerts("reporting-dev").await;
    assert_eq!(alerts.len(), 1, "{alerts:#?}");
    let first = one(&alerts, "secret_end");
    assert_eq!((first.matter.finding.severity, &first.told), (Severity::Info, &None), "180 days are left");

    // Days that pass, and what is told then: a pause skips what lies in it.
    let table = [(90, Stage::Before(90), false), (61, Stage::Before(30), true), (26, Stage::Before(3), true)];
    for (days, stage, due) in table {
        house.days_pass(days);
        let checked = house.check_secrets().await;
        let alerts = house.alerts("reporting-dev").await;
        assert_eq!(one(&alerts, "secret_end").told.map(|told| told.stage), Some(stage));
        assert_eq!(checked.due.iter().any(|due| due.integration.as_str() == "reporting-dev"), due, "{stage}");
        let told = one(&alerts, "secret_end").revision;
        assert_eq!(house.check_secrets().await.counted.notified, 0, "nothing twice");
        assert_eq!(one(&house.alerts("reporting-dev").await, "secret_end").revision, told, "nothing stored anew");
    }
    house.days_pass(4);
    house.check_secrets().await;
    let alerts = house.alerts("reporting-dev").await;
    let ended = one(&alerts, "secret_end");
    assert_eq!(ended.matter.finding.severity, Severity::Critical);
    assert!(matches!(ended.told.map(|told| told.stage), Some(Stage::Expired(_))));

    // A newer one is current, and dbt has it.
    house.run_anew(&golden("entra-provision")).await.good();
    house.check_secrets().await;
    let alerts = house.alerts("reporting-dev").await;
    let new = one(&alerts, "secret_end");
    assert_ne!(new.matter.key, ended.matter.key, "the old one is mended, the new one is watched");
    assert_eq!((new.matter.finding.severity, new.told), (Severity::Info, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_of_okta_grows_old() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    house.run("okta-provision").await.good();
    house.check_secrets().await;
    let alerts = house.alerts("analytics-dev").await;
    assert_eq!(alerts.len(), 1, "{alerts:#?}");
    assert_eq!(one(&alerts, "secret_end").told, None);

    house.days_pass(151);
    let checked = house.check_secrets().await;
    assert_eq!(checked.due.len(), 1, "{:?}", checked.due);
    let alerts = house.alerts("analytics-dev").await;
    let told = one(&alerts, "secret_end");
    assert_eq!(told.told.map(|told| told.stage), Some(Stage::Before(30)));
    assert_eq!(told.matter.finding.severity, Severity::Warning);

    house.days_pass(40);
    house.check_secrets().await;
    let alerts = house.alerts("analytics-dev").await;
    let old = one(&alerts, "secret_end");
    assert_eq!(old.matter.finding.severity, Severity::Warning, "no login fails");
    assert!(matches!(old.told.map(|told| told.stage), Some(Stage::Expired(_))));
}
