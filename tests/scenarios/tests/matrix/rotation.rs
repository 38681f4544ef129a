//! A client secret is rotated: all four steps, each of them repeated, and the end of the old secret.

mod days;
mod faults;
mod play;

use extoauth_automation::rotation::{GRACE, Retired, RotationError, Step};
use extoauth_core::clock::Clock as _;
use extoauth_core::engine::Leases as _;
use extoauth_core::ids::IntegrationName;
use extoauth_sandbox::moto;
use serde_json::{Value, json};

use self::play::STEPS;
use crate::house::{House, beside_others};
use crate::provider::OKTA;

const TOKEN: &str = "0f6dd6a5-7e1c-4f4f-9a58-3c1f2f2f8a01";

impl House {
    async fn called(&self, step: Step, secret: &str) -> Result<(), RotationError> {
        let order = moto::Rotation { secret: secret.into(), token: TOKEN.into(), function: String::new() };
        self.step(step, &order).await.expect("it lives").map(|_| ())
    }

    async fn retire(&self, name: &IntegrationName, secret: &str) -> Result<Retired, RotationError> {
        let process = self.process();
        self.rotation(&process.clients).retire(name, secret, "the request", self.watch.now()).await
    }

    /// A version as an interrupted `createSecret` leaves it: stored, and unknown to Okta.
    async fn attach(&self, secret: &str) {
        let value = "5f0c".repeat(16);
        let body = json!({"SecretId": secret, "ClientRequestToken": TOKEN, "SecretString": value,
            "VersionStages": ["AWSPENDING"]});
        self.aws("secretsmanager", "secretsmanager.PutSecretValue", body).await;
    }

    async fn stages(&self, secret: &str) -> Value {
        let found = self.aws("secretsmanager", "secretsmanager.DescribeSecret", json!({"SecretId": secret})).await;
        found["VersionIdsToStages"][TOKEN].clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_rotated() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    house.run(&OKTA.ticket("provision")).await.good();
    let secret = house.own_secrets().await.remove(0);
    let name = secret.split('/').nth(2).expect("a name").to_owned();
    let name = IntegrationName::try_from(name).expect("an integration");

    let before = house.called(Step::Create, &secret).await.expect_err("the version is not attached");
    assert!(matches!(before, RotationError::Refused(_)), "{before}");
    let foreign = secret.replace("extoauth/", "stranger/");
    let refused = house.called(Step::Create, &foreign).await.expect_err("foreign");
    assert!(matches!(refused, RotationError::Refused(_)), "{refused}");

    house.attach(&secret).await;
    let early = house.called(Step::Finish, &secret).await.expect_err("dbt does not have it");
    assert!(early.to_string().contains("dbt was given version"), "{early}");
    for step in STEPS {
        for _ in 0..2 {
            house.called(step, &secret).await.unwrap_or_else(|error| panic!("{step:?}: {error}"));
        }
    }
    let stages = house.stages(&secret).await;
    assert_eq!(stages, json!(["AWSCURRENT"]));
    // dbt has the new one and the provider takes it; nothing is left to be changed.
    house.run(&OKTA.ticket("verify")).await.good();

    assert!(matches!(house.retire(&name, &secret).await, Ok(Retired::Grace(_))));
    house.watch.forward(GRACE + jiff::SignedDuration::from_secs(1));
    assert_eq!(house.retire(&name, &secret).await.expect("retired"), Retired::Gone(1));
    assert_eq!(house.retire(&name, &secret).await.expect("retired"), Retired::Gone(0));
    house.run(&OKTA.ticket("verify")).await.good();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_waits_for_a_provision() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    house.run(&OKTA.ticket("provision")).await.good();
    let secret = house.own_secrets().await.remove(0);
    let key = format!("integration/{}", secret.split('/').nth(2).expect("a name"));
    house.attach(&secret).await;
    let ttl = std::time::Duration::from_secs(60);
    let held = house.memory.acquire(&key, "a provision", ttl).await.expect("the store").expect("the lease");
    for step in STEPS {
        let busy = house.called(step, &secret).await.expect_err("another run works on it");
        assert!(matches!(busy, RotationError::Busy(_)), "{busy}");
    }
    house.memory.release(&held).await.expect("the store");
    house.called(Step::Create, &secret).await.expect("it goes on");
}
