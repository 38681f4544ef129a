//! Everything new appears late, and comes and goes meanwhile.

use std::time::Duration;

use extoauth_sandbox::world::FaultSpec;
use tokio::time::timeout;

use crate::drive::golden;
use crate::house::{House, beside_others};
use crate::picture::Picture;

const PROVISION: &str = "entra-provision";
/// A run that takes longer goes round in circles.
const PATIENCE: Duration = Duration::from_secs(240);

/// From now on the tenant shows what is made this much later.
fn late(house: &House, lag: Duration, flapping: bool) {
    house.sandbox.entra.configure(|tenant| {
        tenant.lag = Some(lag);
        tenant.flapping = flapping;
    });
}

async fn undisturbed(house: &mut House) -> Picture {
    house.run(PROVISION).await.good();
    let picture = house.picture().await;
    assert_eq!(picture.faulty, Vec::<String>::new());
    house.clear().await;
    picture
}

/// A run in a late tenant, and what is there after it.
async fn one(house: &mut House, expected: &Picture, lag: Duration, flapping: bool) -> u32 {
    let when = format!("{lag:?} late, flapping {flapping}");
    house.clear().await;
    late(house, lag, flapping);
    let Ok(ended) = timeout(PATIENCE, house.run(PROVISION)).await else {
        let made =
            house.calls().iter().filter(|call| call.path.ends_with("/addPassword") && call.status == 200).count();
        panic!("{when}: it has not ended after {PATIENCE:?}, and has made {made} secrets");
    };
    let ended = ended.good();
    house.picture().await.must_be(expected, &when);
    house.has_one_of_each(&when).await;
    house.knows_one_secret(&[], &when).await;

    // When all is seen, there is nothing left to do.
    tokio::time::sleep(lag).await;
    house.forget_calls();
    house.run_anew(&golden(PROVISION)).await.good();
    assert_eq!(house.writes(), Vec::<String>::new(), "{when}: a repetition writes nothing");
    house.picture().await.must_be(expected, &when);
    ended.rounds
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_waits_for_what_it_made() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    house.invocation = Duration::from_secs(300);
    let expected = undisturbed(&mut house).await;
    for flapping in [false, true] {
        assert_eq!(one(&mut house, &expected, Duration::from_secs(3), flapping).await, 1, "it need not pause");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_minute_of_lag() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    house.invocation = Duration::from_secs(300);
    let expected = undisturbed(&mut house).await;
    assert_eq!(one(&mut house, &expected, Duration::from_secs(30), true).await, 1, "it need not pause");
}

/// The invocation ends before the tenant shows what was made: the run pauses, and the next invocation, which remembers
/// nothing of what this one made, goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lag_that_is_longer_than_the_invocation() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    let expected = undisturbed(&mut house).await;
    house.invocation = Duration::from_secs(13);
    for flapping in [false, true] {
        let rounds = one(&mut house, &expected, Duration::from_secs(10), flapping).await;
        assert!(rounds > 1, "it paused");
    }
}

/// The answer that holds a secret is lost while the directory does not show it yet: no second one stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_secret_that_is_seen_late() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    let expected = undisturbed(&mut house).await;
    // As much as the engine waits for in these tests.
    let lag = Duration::from_millis(150);
    for flapping in [false, true] {
        for fault in ["reset_after", "truncate", "garbage", "kill_after"] {
            let when = format!("{fault}, flapping {flapping}");
            house.clear().await;
            late(&house, lag, flapping);
            house.fault(FaultSpec::new("entra", "*/addPassword", fault).method("POST"));
            let ended = house.run(PROVISION).await;
            let ended = if ended.is_good() { ended } else { house.run_again(&ended).await };
            ended.good();
            tokio::time::sleep(lag).await;
            house.run_anew(&golden(PROVISION)).await.good();
            house.picture().await.must_be(&expected, &when);
            house.has_one_of_each(&when).await;
            house.knows_one_secret(&[], &when).await;
        }
    }
}

/// The function dies when the secret is stored and in use, and the directory does not show it yet: the next process, which
/// remembers nothing, takes it neither for gone nor for lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_before_the_secret_is_seen() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    house.invocation = Duration::from_secs(300);
    let expected = undisturbed(&mut house).await;
    for flapping in [false, true] {
        let when = format!("flapping {flapping}");
        house.clear().await;
        late(&house, Duration::from_secs(3), flapping);
        house.fault(FaultSpec::new("dbt", "*/oauth-configurations/", "kill_after").method("POST"));
        let ended = house.run(PROVISION).await.good();
        assert_eq!(ended.crashes, 1, "{when}");
        house.has_one_of_each(&when).await;
        house.knows_one_secret(&[], &when).await;
        house.picture().await.must_be(&expected, &when);
    }
}

/// A removal right after the provision, when half of the directory does not know what was made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_of_what_is_not_seen_yet() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    let start = house.picture().await;
    house.invocation = Duration::from_secs(300);
    for flapping in [false, true] {
        house.clear().await;
        late(&house, Duration::from_secs(3), flapping);
        house.run(PROVISION).await.good();
        house.run("entra-deprovision").await.good();
        house.picture().await.must_be(&start, &format!("flapping {flapping}"));
    }
}
