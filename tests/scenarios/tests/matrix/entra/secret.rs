//! The client app's secrets: ours, whose value Entra shows once, and those of other people.

use extoauth_core::finding::Severity;
use extoauth_sandbox::world::FaultSpec;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{finding, has_finding, text};
use crate::drive::golden;
use crate::house::{House, beside_others};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_somebody_added_is_kept_and_told() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    let start = house.picture().await;
    let first = house.run("entra-provision").await.good();
    assert!(!has_finding(&first, "foreign_client_secret"));
    let ours = house.ours().await;
    // One without a name, as the API makes them; one that looks like ours at first sight.
    let (one, _) = house.add_password(&ours.client_path(), json!({"displayName": "by hand"})).await;
    let (other, _) = house.add_password(&ours.client_path(), json!({"displayName": "extoauth:production/x#1"})).await;
    let before = house.ours().await;
    assert_eq!(before.passwords().len(), 3);

    house.forget_calls();
    for when in ["a comparison", "a repetition", "another repetition"] {
        let ended = match when {
            "a comparison" => house.run("entra-verify").await.good(),
            _ => house.run_anew(&golden("entra-provision")).await.good(),
        };
        let told = finding(&ended, "foreign_client_secret");
        assert_eq!(told.severity, Severity::Warning);
        assert!(told.found.contains(&one) && told.found.contains(&other), "{when}: {told:?}");
        assert_eq!(house.writes(), Vec::<String>::new(), "{when}");
    }
    assert_eq!(house.ours().await.passwords(), before.passwords());

    // They stay when ours is made anew.
    let ours = house.knows_one_secret(&[&one, &other], "before").await;
    let path = format!("{}/removePassword", before.client_path());
    house.entra("POST", &path, json!({"keyId": ours["keyId"]})).await;
    house.run_anew(&golden("entra-provision")).await.good();
    assert_eq!(house.ours().await.passwords().len(), 3, "theirs are still there");
    let new = house.knows_one_secret(&[&one, &other], "made anew").await;
    assert_ne!(new["keyId"], ours["keyId"]);

    // What they belong to is ours: with the app they go.
    house.run("entra-deprovision").await.good();
    house.picture().await.must_be(&start, "after the removal");
}

/// What Entra shows of a secret that is gone, or that has ended: another one is made, stored, and told to dbt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_secret_removed_by_hand() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    house.run("entra-provision").await.good();
    let picture = house.picture().await;
    // A secret that was made a moment ago may only be late.
    house.watch.forward(SignedDuration::from_mins(3));
    let old = house.knows_one_secret(&[], "at first").await;
    let versions = |stored: &Value| stored["Versions"].as_object().map_or(0, serde_json::Map::len);
    let stored = house.stored(&house.state().await).await;
    assert_eq!(versions(&stored), 1, "{stored}");
    let ours = house.ours().await;
    let path = format!("{}/removePassword", ours.client_path());
    house.entra("POST", &path, json!({"keyId": old["keyId"]})).await;
    house.forget_calls();
    let told = house.run("entra-verify").await;
    assert_eq!(told.error().code, "check_failed", "{:#?}", told.report.findings);
    assert!(has_finding(&told, "drift") && has_finding(&told, "client_secrets"), "{:#?}", told.report.findings);
    assert_eq!(house.writes(), Vec::<String>::new(), "a comparison writes nothing");

    house.run_anew(&golden("entra-provision")).await.good();
    let writes = house.writes();
    assert_eq!(writes.len(), 3, "made, stored, told to dbt: {writes:#?}");
    let new = house.knows_one_secret(&[], "made anew").await;
    assert_ne!(new["secretText"]["sha256"], old["secretText"]["sha256"]);
    let now = house.stored(&house.state().await).await;
    assert_eq!(now["ARN"], stored["ARN"], "the same secret");
    assert_eq!(versions(&now), 2, "a version of its own: {now}");
    let wrong: Vec<String> =
        house.picture().await.unlike(&picture).into_iter().filter(|line| !line.contains("secretsmanager")).collect();
    let other: Vec<_> = wrong.iter().filter(|line| !line.contains("version")).collect();
    assert_eq!(other, Vec::<&String>::new(), "nothing else has changed");
    house.forget_calls();
    house.run_anew(&golden("entra-provision")).await.good();
    assert_eq!(house.writes(), Vec::<String>::new());
}

/// Its value never reached Secrets Manager: it is removed, and another one is made. Whatever was struck, one is left, and
/// all sides know it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_whose_value_was_lost() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    house.run("entra-provision").await.good();
    let expected = house.picture().await;
    let add = |fault: &str| FaultSpec::new("entra", "*/addPassword", fault).method("POST");
    let store = |fault: &str| FaultSpec::new("secretsmanager", "CreateSecret", fault);
    let struck = [
        ("a crash after it was made", vec![add("kill_after")]),
        ("a lost answer", vec![add("reset_after")]),
        ("an answer that nobody can read", vec![add("garbage")]),
        ("a crash before it was stored", vec![store("kill_before")]),
        ("a crash after it was stored", vec![store("kill_after")]),
        ("stored, and no answer", vec![store("reset_after")]),
        ("a store that is down for a while", vec![store("status:503").times(3)]),
        ("two crashes", vec![add("kill_after"), add("kill_after").nth(2)]),
        (
            "a crash while the lost one is removed",
            vec![add("kill_after"), FaultSpec::new("entra", "*/removePassword", "kill_after").method("POST")],
        ),
    ];
    for (when, faults) in struck {
        house.clear().await;
        let times = faults.iter().filter(|fault| fault.fault.starts_with("kill")).count();
        faults.into_iter().for_each(|fault| house.fault(fault));
        let ended = house.run("entra-provision").await;
        assert_eq!(ended.crashes as usize, times, "{when}");
        let ended = if ended.is_good() { ended } else { house.run_again(&ended).await };
        ended.good();
        house.picture().await.must_be(&expected, when);
        house.has_one_of_each(when).await;
        house.knows_one_secret(&[], when).await;
    }
}

/// Secrets Manager refuses for good: what Entra made meanwhile is not left lying about.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_refuses() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    house.run("entra-provision").await.good();
    let expected = house.picture().await;
    for status in [400, 403, 500] {
        house.clear().await;
        let fault = FaultSpec::new("secretsmanager", "CreateSecret", &format!("status:{status}"));
        house.fault(fault.times(1000));
        let failed = house.run("entra-provision").await;
        let error = failed.error();
        assert!(error.message.contains("could not be stored"), "{status}: {error:?}");
        assert!(!error.fix.is_empty());
        let (state, ours) = (house.state().await, house.ours().await);
        assert!(ours.passwords().len() <= 1, "{status}: at most the last one is there: {:?}", ours.passwords());
        let dbt = |state: &Value| state["dbt"]["acme"]["oauth-configurations"].clone();
        assert_eq!(dbt(&state), dbt(&house.start), "dbt was told nothing");
        assert_eq!(
            super::connection_of(&state, super::ENVIRONMENT),
            super::connection_of(&house.start, super::ENVIRONMENT)
        );
        house.sandbox.world.faults.clear();
        house.run_again(&failed).await.good();
        let when = format!("after {status}");
        house.picture().await.must_be(&expected, &when);
        house.knows_one_secret(&[], &when).await;

        // The same where a version is to be stored beside an older one.
        let ours = house.ours().await;
        let key = text(&ours.passwords()[0], "keyId").to_owned();
        let path = format!("{}/removePassword", ours.client_path());
        house.entra("POST", &path, json!({"keyId": key})).await;
        let fault = FaultSpec::new("secretsmanager", "PutSecretValue", &format!("status:{status}"));
        house.fault(fault.times(1000));
        let failed = house.run_anew(&golden("entra-provision")).await;
        assert!(failed.error().message.contains("could not be stored"), "{status}: {:?}", failed.error());
        house.sandbox.world.faults.clear();
        house.run_again(&failed).await.good();
        house.has_one_of_each(&when).await;
        house.knows_one_secret(&[], &when).await;
    }
}

/// A removal of an integration whose secret was made and never stored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_after_a_lost_secret() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    let start = house.picture().await;
    house.fault(FaultSpec::new("secretsmanager", "CreateSecret", "status:400").times(1000));
    let failed = house.run("entra-provision").await;
    assert!(failed.error().message.contains("could not be stored"), "{:?}", failed.error());
    house.sandbox.world.faults.clear();
    house.run("entra-deprovision").await.good();
    house.picture().await.must_be(&start, "after the removal");
}
