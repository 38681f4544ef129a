//! Days on which a rotation does not go as it should, or is not alone.

use extoauth_automation::conduct::Verdict;
use extoauth_automation::rotation::Step;
use extoauth_core::clock::Clock as _;
use extoauth_core::request::{Action, Content, StoredRequest};
use extoauth_sandbox::moto;
use extoauth_sandbox::world::FaultSpec;
use extoauth_scenarios::login::sign_in;
use jiff::SignedDuration;
use serde_json::json;

use super::play::STEPS;
use crate::drive::golden;
use crate::house::{House, beside_others, name};
use crate::provider::{ENTRA, OKTA, PROVIDERS, Provider};

async fn made(house: &House, provider: &Provider) {
    house.run(&provider.ticket("provision")).await.good();
}

async fn a_developer_signs_in(house: &House, provider: &Provider, when: &str) {
    let (project, environment) = provider.environment();
    let chain = sign_in(&house.admin, project, environment, "dev1@example.com").await;
    chain.unwrap_or_else(|error| panic!("{when}: {error:#}"));
}

fn ticket(house: &House, provider: &Provider) -> StoredRequest {
    house.post(&golden(&provider.ticket("rotate")))
}

/// dbt's update of its configuration.
fn dbts_answer(fault: &str) -> FaultSpec {
    FaultSpec::new("dbt", "*oauth-configurations/*", fault).method("POST")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn developers_sign_in_throughout() {
    let _turn = beside_others().await;
    for provider in PROVIDERS {
        let Some(house) = House::open().await else { return };
        made(&house, provider).await;
        let orders = house.orders();
        let mut request = ticket(&house, provider);
        house.attempt(&mut request).await.expect("it lives");
        let order = orders.next().expect("a rotation was begun");
        for step in STEPS {
            house.step(step, &order).await.expect("it lives").unwrap_or_else(|error| panic!("{step:?}: {error}"));
            a_developer_signs_in(&house, provider, &format!("{}: {step:?}", provider.kind)).await;
        }
        assert_eq!(house.live_secrets().await, 2, "the old one has its grace");
        house.rotate(request, &orders).await.good();
        assert_eq!(house.live_secrets().await, 1);
        a_developer_signs_in(&house, provider, "after the grace").await;
        house.run(&provider.ticket("verify")).await.good();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dbt_refuses_the_new_secret() {
    let _turn = beside_others().await;
    for provider in PROVIDERS {
        let Some(house) = House::open().await else { return };
        made(&house, provider).await;
        let before = house.picture().await;
        let orders = house.orders();
        let mut request = ticket(&house, provider);
        house.attempt(&mut request).await.expect("it lives");
        let order = orders.next().expect("a rotation was begun");
        house.step(Step::Create, &order).await.expect("it lives").expect("created");
        house.fault(dbts_answer("status:400"));
        let refused = house.step(Step::Set, &order).await.expect("it lives").expect_err("dbt refuses it");
        assert!(refused.to_string().contains("dbt has the old secret again"), "{refused}");
        // Secrets Manager gives up. The request says so, and nothing of the new secret is left.
        let ended = house.rotate(request, &orders).await;
        assert!(ended.error().contains("dbt has the old secret again"), "{}", ended.error());
        assert_eq!(ended.wrong, Vec::<String>::new());
        assert_eq!(house.live_secrets().await, 1);
        a_developer_signs_in(&house, provider, "after the failure").await;
        assert_eq!(before.faulty, house.picture().await.faulty);
        // The same request again is a new rotation.
        let next = ended.request.next_attempt(ended.request.content.clone(), None, house.watch.now());
        house.rotate(next, &orders).await.good();
        assert_eq!(house.live_secrets().await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tickets_ask_at_once() {
    let _turn = beside_others().await;
    for provider in PROVIDERS {
        let Some(house) = House::open().await else { return };
        made(&house, provider).await;
        let orders = house.orders();
        let body = golden(&provider.ticket("rotate"));
        let second = house.admin.reopened(&body).await.expect("a ticket");
        let (mut one, mut other) = (house.post(&body), house.post(&second));
        house.attempt(&mut one).await.expect("it lives");
        let order = orders.next().expect("a rotation was begun");
        let told = house.attempt(&mut other).await.expect("it lives").verdict;
        assert!(matches!(told, Verdict::Paused { .. }), "it follows the other's: {told:?}");
        assert!(orders.next().is_none(), "and begins none");
        for step in STEPS {
            house.step(step, &order).await.expect("it lives").unwrap_or_else(|error| panic!("{step:?}: {error}"));
        }
        // Both asked for a new secret, and there is one.
        house.rotate(other, &orders).await.good();
        house.rotate(one, &orders).await.good();
        assert!(orders.next().is_none());
        assert_eq!(house.live_secrets().await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_after_a_rotation_waits_for_its_grace() {
    let _turn = beside_others().await;
    for provider in PROVIDERS {
        let Some(house) = House::open().await else { return };
        made(&house, provider).await;
        let orders = house.orders();
        let mut first = ticket(&house, provider);
        house.attempt(&mut first).await.expect("it lives");
        let order = orders.next().expect("a rotation was begun");
        for step in STEPS {
            house.step(step, &order).await.expect("it lives").unwrap_or_else(|error| panic!("{step:?}: {error}"));
        }
        house.watch.forward(SignedDuration::from_secs(2));
        let again = house.admin.reopened(&golden(&provider.ticket("rotate"))).await.expect("a ticket");
        let rotated = house.rotate(house.post(&again), &orders).await.good();
        assert_eq!(rotated.rotations, 1);
        house.rotate(first, &orders).await.good();
        assert_eq!(house.live_secrets().await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_secrets_manager_forgets_is_given_up() {
    let _turn = beside_others().await;
    for provider in PROVIDERS {
        for done in 0..=2 {
            let Some(house) = House::open().await else { return };
            made(&house, provider).await;
            let orders = house.orders();
            let mut request = ticket(&house, provider);
            house.attempt(&mut request).await.expect("it lives");
            let order = orders.next().expect("a rotation was begun");
            for step in &STEPS[..done] {
                house.step(*step, &order).await.expect("it lives").expect("a step");
            }
            house.watch.forward(SignedDuration::from_mins(20));
            let ended = house.rotate(request, &orders).await;
            assert!(ended.error().contains("dbt holds the old secret"), "{}", ended.error());
            assert_eq!((ended.wrong, house.live_secrets().await), (Vec::new(), 1));
            let late = house.step(Step::Create, &order).await.expect("it lives").expect_err("given up");
            assert!(late.to_string().contains("is not the version that is being rotated in"), "{late}");
            a_developer_signs_in(&house, provider, "after it was given up").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_nobody_asked_for_ends_its_old_secret() {
    let _turn = beside_others().await;
    for provider in PROVIDERS {
        let Some(house) = House::open().await else { return };
        made(&house, provider).await;
        let secret = house.own_secrets().await.remove(0);
        let orders = house.orders();
        let by_hand = json!({"SecretId": secret, "ClientRequestToken": "5b0f1f8e-6f2f-4f0b-8a61-2f6f7e1d9c11",
            "RotationLambdaARN": crate::drive::ROTATE_FUNCTION});
        house.aws("secretsmanager", "secretsmanager.RotateSecret", by_hand).await;
        let order = orders.next().expect("a rotation was begun");
        let mut told = None;
        for step in STEPS {
            told = house.step(step, &order).await.expect("it lives").expect("a step");
        }
        let told = told.expect("nobody follows it");
        let again = house.step(Step::Finish, &order).await.expect("it lives").expect("a step");
        assert_eq!(again.as_ref(), Some(&told), "the same again, should nobody have heard");
        let content = Content::of_policy(Action::RotateSecret, &told.integration, "begun");
        let request = StoredRequest { created: told.since, ..StoredRequest::new(content, None, house.watch.now()) };
        let rotated = house.rotate(request, &orders).await.good();
        assert_eq!((rotated.rotations, house.live_secrets().await), (0, 1));
        a_developer_signs_in(&house, provider, "after the grace").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_elses_secret_is_left_alone() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    made(&house, &ENTRA).await;
    let state = house.state().await;
    let ours = name(ENTRA.integration());
    let apps = state["entra"]["contoso"]["applications"].as_array().expect("apps").clone();
    let app = apps.iter().find(|app| app["passwordCredentials"].to_string().contains(ours.as_str())).expect("our app");
    let path = format!("applications/{}/addPassword", app["id"].as_str().expect("an id"));
    house.entra("POST", &path, json!({"passwordCredential": {"displayName": "by hand"}})).await;
    let orders = house.orders();
    house.rotate(ticket(&house, &ENTRA), &orders).await.good();
    assert_eq!(house.live_secrets().await, 2, "the new one and the stranger's");

    let Some(house) = House::open().await else { return };
    made(&house, &OKTA).await;
    let state = house.state().await;
    let secrets = state["okta"]["acme"]["secrets"].as_array().expect("secrets").clone();
    let new = |secret: &&serde_json::Value| !house.start.to_string().contains(secret["id"].as_str().unwrap_or("?"));
    let app = secrets.iter().find(new).expect("our secret")["appId"].as_str().expect("an app").to_owned();
    house.okta("POST", &format!("apps/{app}/credentials/secrets"), json!({})).await;
    let orders = house.orders();
    let ended = house.rotate(ticket(&house, &OKTA), &orders).await;
    assert!(ended.error().contains("Okta takes no third"), "{}", ended.error());
    assert_eq!((ended.wrong, house.live_secrets().await), (Vec::new(), 2));
    a_developer_signs_in(&house, &OKTA, "after the refusal").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_app_is_gone() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    made(&house, &OKTA).await;
    let state = house.state().await;
    let new = |app: &&serde_json::Value| !house.start.to_string().contains(app["id"].as_str().unwrap_or("?"));
    let app = state["okta"]["acme"]["apps"].as_array().expect("apps").iter().find(new).expect("our app").clone();
    let path = format!("apps/{}", app["id"].as_str().expect("an id"));
    house.okta("POST", &format!("{path}/lifecycle/deactivate"), json!({})).await;
    house.okta("DELETE", &path, json!({})).await;
    let (orders, dbt) = (house.orders(), house.state().await["dbt"].clone());
    let ended = house.rotate(ticket(&house, &OKTA), &orders).await;
    assert!(matches!(ended.verdict, Verdict::Failed(_)), "{:?}", ended.verdict);
    assert!(orders.next().is_none(), "nothing was begun");
    assert_eq!(house.state().await["dbt"], dbt);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provision_amid_a_rotation_changes_nothing() {
    let _turn = beside_others().await;
    for provider in PROVIDERS {
        for done in 1..=4 {
            let Some(house) = House::open().await else { return };
            made(&house, provider).await;
            let orders = house.orders();
            let mut request = ticket(&house, provider);
            house.attempt(&mut request).await.expect("it lives");
            let order: moto::Rotation = orders.next().expect("a rotation was begun");
            for step in &STEPS[..done] {
                house.step(*step, &order).await.expect("it lives").expect("a step");
            }
            house.run_anew(&golden(&provider.ticket("provision"))).await.good();
            assert_eq!(house.dbt_is_locked_out("after the provision").await, None);
            for step in STEPS {
                house.step(step, &order).await.expect("it lives").unwrap_or_else(|e| panic!("{done} {step:?}: {e}"));
            }
            house.rotate(request, &orders).await.good();
            assert_eq!(house.live_secrets().await, 1, "{} steps before it", done);
        }
    }
}
