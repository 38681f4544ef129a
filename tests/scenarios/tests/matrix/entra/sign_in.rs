//! The three ways in which our own registration proves itself, and what is said when it cannot.

use extoauth_sandbox::seed;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::house::{House, beside_others};

/// Display name of our own registration.
const AUTOMATION: &str = "extoauth";

impl House {
    /// What the operator stores as the tenant's credential.
    async fn sign_in_with(&self, credential: &Value) {
        let body = json!({
            "SecretId": format!("{}/entra", seed::CREDENTIALS), "SecretString": credential.to_string(),
        });
        self.aws("secretsmanager", "secretsmanager.PutSecretValue", body).await;
    }

    fn client_secret(&self, secret: &str) -> Value {
        let client_id = self.sandbox.entra.automation_client_id();
        json!({"auth": "client_secret", "client_id": client_id, "client_secret": secret})
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_form_of_credential_does_all_of_it() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    let start = house.start.clone();
    let client_id = house.sandbox.entra.automation_client_id().to_owned();
    let (certificate_pem, private_key_pem) = house.sandbox.entra.automation_certificate();
    let secret = house.sandbox.entra.automation_secret().to_owned();
    let forms = [
        json!({
            "auth": "certificate", "client_id": client_id, "certificate_pem": certificate_pem,
            "private_key_pem": private_key_pem,
        }),
        json!({"auth": "client_secret", "client_id": client_id, "client_secret": secret}),
        json!({"auth": "aws_web_identity", "client_id": client_id}),
    ];
    let mut expected = None;
    for form in forms {
        let when = form["auth"].as_str().expect("a form").to_owned();
        house.clear().await;
        house.sign_in_with(&form).await;
        // The operator's secret has another version now.
        house.start = house.state().await;
        house.forget_calls();
        house.run("entra-provision").await.good();
        let asked = house.calls().iter().filter(|call| call.path.contains("GetWebIdentityToken")).count();
        assert_eq!(asked > 0, when == "aws_web_identity", "{when}: {asked} tokens of AWS STS");
        let picture = house.picture().await;
        let shown = extoauth_scenarios::state::comparable(&picture.shown["entra"], &start["entra"]);
        assert_eq!(picture.faulty, Vec::<String>::new(), "{when}");
        assert_eq!(&shown, expected.get_or_insert_with(|| shown.clone()), "{when}: the same objects");
        house.has_one_of_each(&when).await;
        house.run("entra-verify").await.good();
        house.run("entra-deprovision").await.good();
        assert_eq!(house.made_in_entra().await.iter().map(|(_, count)| count).sum::<usize>(), 0, "{when}");
        let said = house.said();
        for canary in [secret.as_str(), private_key_pem.lines().nth(1).expect("a key")] {
            assert!(!said.contains(canary), "{when}: a credential was told");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_are_refused() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    let client_id = house.sandbox.entra.automation_client_id().to_owned();
    let path = format!("applications?$filter=displayName eq '{AUTOMATION}'");
    let own = house.entra("GET", &path, Value::Null).await;
    let own = format!("applications/{}", super::text(&own["value"][0], "id"));
    let (then, ended) =
        (Timestamp::now() - SignedDuration::from_hours(2), Timestamp::now() - SignedDuration::from_hours(1));
    let old = json!({
        "displayName": "old", "startDateTime": then.to_string(), "endDateTime": ended.to_string(),
    });
    let (key_id, expired) = house.add_password(&own, old).await;
    let (_, key) = house.sandbox.entra.automation_certificate();
    let nobody = "00000000-1111-2222-3333-444444444444";
    let cases = [
        ("the id of a secret instead of its value", house.client_secret(&key_id), vec!["AADSTS7000215", "secret *id*"]),
        ("an expired secret", house.client_secret(&expired), vec!["AADSTS7000222", "expired", "make a new one"]),
        (
            "a client that is not there",
            json!({"auth": "client_secret", "client_id": nobody, "client_secret": "something-long-enough"}),
            vec!["AADSTS700016", "client_id"],
        ),
        (
            "a credential of no known form",
            json!({"auth": "password", "client_id": client_id, "password": "something-long-enough"}),
            vec![],
        ),
        (
            "a certificate that is none",
            json!({"auth": "certificate", "client_id": client_id, "certificate_pem": "none", "private_key_pem": key}),
            vec!["certificate"],
        ),
    ];
    for (when, credential, texts) in cases {
        house.sign_in_with(&credential).await;
        house.forget_calls();
        let failed = house.run("entra-provision").await;
        let error = failed.error();
        assert_eq!(error.code, "unauthorized", "{when}: {error:?}");
        house.stopped_before_harm(&failed, "unauthorized", &texts);
        assert_eq!(error.system.as_deref(), Some("entra/contoso"), "{when}");
        for secret in ["something-long-enough", expired.as_str()] {
            assert!(!format!("{error:?}").contains(secret), "{when}: a credential was told: {error:?}");
        }
        // The operator stores a good one: nothing else has to be done.
        house.sign_in_with(&house.client_secret(house.sandbox.entra.automation_secret())).await;
        house.run_again(&failed).await.good();
        house.run("entra-deprovision").await.good();
    }
}

/// A federated credential that was taken away, or is for somebody else: what must be there is said value by value.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_federated_credential_that_does_not_fit() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    let client_id = house.sandbox.entra.automation_client_id().to_owned();
    house.sign_in_with(&json!({"auth": "aws_web_identity", "client_id": client_id})).await;
    let path = format!("applications?$filter=displayName eq '{AUTOMATION}'");
    let own = house.entra("GET", &path, Value::Null).await;
    let own = format!("applications/{}", super::text(&own["value"][0], "id"));
    let all = house.entra("GET", &format!("{own}/federatedIdentityCredentials"), Value::Null).await;
    let role = seed::role_arn(crate::house::FUNCTION);
    let all = all["value"].as_array().cloned().expect("a list");
    let ours = all.iter().find(|one| one["subject"] == role.as_str()).expect("the function's own");
    let path = format!("{own}/federatedIdentityCredentials/{}", super::text(ours, "id"));
    house.entra("DELETE", &path, Value::Null).await;
    // A credential that was just added takes a while to work: the run waits for it, which need not take long here.
    house.invocation = std::time::Duration::from_secs(300);
    house.forget_calls();
    let failed = house.run("entra-provision").await;
    let texts = [seed::AWS_TOKEN_ISSUER, role.as_str(), "api://AzureADTokenExchange"];
    house.stopped_before_harm(&failed, "unauthorized", &texts);
    let body = json!({
        "name": "again", "issuer": seed::AWS_TOKEN_ISSUER, "subject": role,
        "audiences": ["api://AzureADTokenExchange"],
    });
    house.entra("POST", &format!("{own}/federatedIdentityCredentials"), body).await;
    house.run_again(&failed).await.good();
}
