//! The credentials of the automation itself.

use extoauth_core::alert::Stage;
use extoauth_core::finding::Severity;
use serde_json::json;

use super::of;
use crate::house::{House, beside_others};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_credentials_grow_old_or_end() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    house.check_secrets().await;
    for system in ["okta/acme", "entra/contoso", "dbt/acme", "servicenow/acme.service-now.com"] {
        let alerts = house.alerts_of_system(system).await;
        let own = of(&alerts, "own_credential");
        assert!(own.iter().any(|alert| alert.matter.ends.is_some()), "{system}: {alerts:#?}");
        assert!(own.iter().all(|alert| alert.matter.finding.severity != Severity::Unknown), "{system}: {alerts:#?}");
    }
    // The policy lets secrets be 365 days old.
    house.days_pass(360);
    house.check_secrets().await;
    let stage = |alerts: &[extoauth_core::alert::Alert]| alerts[0].told.map(|told| told.stage);
    let alerts = house.alerts_of_system("dbt/acme").await;
    assert_eq!((alerts.len(), stage(&alerts)), (1, Some(Stage::Before(7))));
    assert!(alerts[0].matter.finding.found.contains("our service token"), "{alerts:?}");

    // A new one is stored: the old one's date is no matter any more.
    let token = house.secret_value(&house.systems.dbt["acme"].credential).await;
    let body = json!({"SecretId": house.systems.dbt["acme"].credential, "SecretString": token,
        "ClientRequestToken": uuid::Uuid::new_v4()});
    house.aws("secretsmanager", "secretsmanager.PutSecretValue", body).await;
    house.check_secrets().await;
    let new = house.alerts_of_system("dbt/acme").await;
    assert_eq!(new.len(), 1);
    assert_ne!(new[0].matter.key, alerts[0].matter.key);

    let keys = house.alerts_of_system("secrets_manager/own account").await;
    assert_eq!((keys.len(), stage(&keys)), (1, Some(Stage::Before(7))), "the keys of the callers: {keys:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_token_of_okta_is_told_with_its_owner() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    let token = house.admin.told("/admin/okta/acme/token").to_owned();
    let body = json!({"SecretId": house.systems.okta["acme"].credential,
        "SecretString": json!({"auth": "ssws", "token": token}).to_string(),
        "ClientRequestToken": uuid::Uuid::new_v4()});
    house.aws("secretsmanager", "secretsmanager.PutSecretValue", body).await;
    for days in [0, 20] {
        house.days_pass(days);
        house.check_secrets().await;
        let alerts = house.alerts_of_system("okta/acme").await;
        let used: Vec<_> = alerts.iter().filter(|alert| alert.matter.finding.found.contains("is in use")).collect();
        assert_eq!(used.len(), 1, "{alerts:#?}");
        assert_eq!((used[0].told, used[0].matter.finding.severity), (None, Severity::Info), "use keeps it");
        assert!(used[0].matter.finding.found.contains('@'), "its owner is named: {:?}", used[0].matter.finding.found);
        assert!(!alerts.iter().any(|alert| format!("{alert:?}").contains(&token)), "never its value");
    }
}

/// Of several credentials of our app registration, those that are stored are told from the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_app_of_entra_has_more_than_is_stored() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    house.check_secrets().await;
    let found = |alerts: &[extoauth_core::alert::Alert]| {
        let mut all: Vec<_> = alerts.iter().map(|alert| alert.matter.finding.found.clone()).collect();
        all.sort();
        all
    };
    let by_certificate = found(&house.alerts_of_system("entra/contoso").await);
    assert_eq!(by_certificate.len(), 2, "{by_certificate:#?}");
    assert!(by_certificate[0].starts_with("our credential, a certificate, ends on"), "{by_certificate:#?}");
    assert!(by_certificate[1].starts_with("the client secret `automation`"), "{by_certificate:#?}");

    // The checks read with the client secret of the same registration.
    let entra = &house.systems.entra["contoso"];
    let stored = house.secret_value(&entra.credential).await;
    let stored: serde_json::Value = serde_json::from_str(&stored).expect("JSON");
    let secret = house.sandbox.entra.automation_secret().to_owned();
    let value = json!({"auth": "client_secret", "client_id": stored["client_id"], "client_secret": secret}).to_string();
    let name = format!("{}/entra-read", extoauth_sandbox::seed::CREDENTIALS);
    let body = json!({"Name": name, "SecretString": value, "ClientRequestToken": uuid::Uuid::new_v4()});
    let made = house.aws("secretsmanager", "secretsmanager.CreateSecret", body).await;
    house.reconfigured("/entra/contoso/credential_read", made["ARN"].clone());
    house.check_secrets().await;
    let alerts = house.alerts_of_system("entra/contoso").await;
    let by_both = found(&alerts);
    assert_eq!(by_both.len(), 2, "{by_both:#?}");
    assert!(by_both[1].starts_with("the credential that the checks read with, the client secret `automation`"));
    assert!(!format!("{alerts:?} {}", house.said()).contains(&secret), "never its value");
}
