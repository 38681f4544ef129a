//! L2: every call meets every fault; after another try of the same request the end state is the undisturbed run's.

use std::time::Duration;

use extoauth_core::engine::Ending;
use extoauth_core::error::ErrorKind;

use crate::cloud::{COOLDOWN, FAULTS, Fault};
use crate::recipe::{Desired, single_changes};
use crate::world::{Tried, World, same, undisturbed};

/// Where each run of the matrix starts and what it is to reach.
fn scenarios() -> Vec<(Option<Desired>, Desired)> {
    let all =
        Desired { secret: 2, path: 2, config: 2, groups: [3].into(), environments: [2].into(), ..Desired::default() };
    [(None, Desired::default()), (Some(Desired::default()), all)].into()
}

async fn prepared(from: Option<&Desired>, lag: Duration) -> World {
    let world = World::new();
    if let Some(from) = from {
        world.complete(from).await;
        world.next_request();
    }
    world.cloud.set_lag(lag);
    world.cloud.forget_calls();
    world.crossing.clear();
    world
}

/// Tries the request again until it is complete; a clear stop is one that another try gets over.
async fn finish(world: &World, want: &Desired, context: &str) {
    for _ in 0..3 {
        let tried = world.apply(want).await;
        if matches!(tried, Tried::Ended(outcome) if matches!(outcome.ending, Ending::Complete)) {
            return;
        }
    }
    panic!("{context}: not complete after three more tries");
}

async fn holds(world: &World, want: &Desired, end: &[String], context: &str) {
    same(&world.snapshot(), end, context);
    world.is_at_rest(want).await;
}

#[tokio::test(start_paused = true)]
async fn every_fault_of_every_call_ends_in_the_undisturbed_state() {
    for lag in [0, 150] {
        let lag = Duration::from_millis(lag);
        for (from, want) in scenarios() {
            let end = undisturbed(&want).await;
            let calls = {
                let world = prepared(from.as_ref(), lag).await;
                world.complete(&want).await;
                holds(&world, &want, &end, "undisturbed").await;
                let world = prepared(from.as_ref(), lag).await;
                world.complete(&want).await;
                world.cloud.calls()
            };
            for (n, call) in calls.iter().enumerate() {
                for fault in FAULTS {
                    let context = format!("{fault:?} at {} ({n}), lag {lag:?}", call.what);
                    let world = prepared(from.as_ref(), lag).await;
                    world.cloud.fail(n, fault);
                    let outcome = world.apply(&want).await.outcome();
                    if let Ending::Failed { transient } = outcome.ending {
                        let Fault::Answers(kind) = fault else { continue };
                        assert!(!transient || kind.is_transient(), "{context}");
                        assert!(!outcome.failures.is_empty(), "{context}");
                    }
                    finish(&world, &want, &context).await;
                    holds(&world, &want, &end, &context).await;
                    world.clean_up(&want).await;
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_faults_in_a_row_are_got_over_as_well() {
    let (want, lag) = (Desired::default(), Duration::from_millis(150));
    let end = undisturbed(&want).await;
    let calls = {
        let world = prepared(None, lag).await;
        world.complete(&want).await;
        world.cloud.calls()
    };
    for n in (0..calls.len()).filter(|n| calls[*n].write) {
        for pair in [[Fault::LostAfter, Fault::LostAfter], [Fault::LostBefore, Fault::LostAfter]] {
            for apart in 1..8 {
                let context = format!("{pair:?} at {} and {apart} later", calls[n].what);
                let world = prepared(None, lag).await;
                world.cloud.fail(n, pair[0]);
                world.cloud.fail(n + apart, pair[1]);
                let _ = world.apply(&want).await;
                finish(&world, &want, &context).await;
                holds(&world, &want, &end, &context).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_create_that_acts_late_is_not_made_twice_by_a_later_try() {
    // The try before has failed long ago; the create that is sent now is lost after acting and shows late.
    let (want, lag) = (Desired::default(), Duration::from_millis(300));
    let end = undisturbed(&want).await;
    let calls = {
        let world = prepared(None, lag).await;
        world.complete(&want).await;
        world.cloud.calls()
    };
    for n in (0..calls.len()).filter(|n| calls[*n].what.starts_with("create")) {
        let world = prepared(None, lag).await;
        world.cloud.fail(n, Fault::Answers(ErrorKind::Unavailable));
        let failed = world.apply(&want).await.outcome();
        assert!(matches!(failed.ending, Ending::Failed { transient: true }));
        tokio::time::sleep(Duration::from_secs(3600)).await;
        world.cloud.forget_calls();
        let creates = {
            let probe = prepared(None, lag).await;
            probe.cloud.fail(n, Fault::Answers(ErrorKind::Unavailable));
            let _ = probe.apply(&want).await;
            tokio::time::sleep(Duration::from_secs(3600)).await;
            probe.cloud.forget_calls();
            probe.complete(&want).await;
            probe.cloud.calls().iter().position(|c| c.what.starts_with("create")).expect("a create")
        };
        world.cloud.fail(creates, Fault::LostAfter);
        finish(&world, &want, "late").await;
        holds(&world, &want, &end, &format!("late answer of {}", calls[n].what)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_asks_for_time_and_the_next_try_goes_on() {
    for (from, want) in scenarios() {
        let end = undisturbed(&want).await;
        let calls = {
            let world = prepared(from.as_ref(), Duration::ZERO).await;
            world.complete(&want).await;
            world.cloud.calls().len()
        };
        for n in 0..calls {
            for kind in [ErrorKind::Throttled, ErrorKind::OutOfTime] {
                let world = prepared(from.as_ref(), Duration::ZERO).await;
                world.cloud.fail(n, Fault::Answers(kind));
                let outcome = world.apply(&want).await.outcome();
                let Ending::Paused { delay, reason } = outcome.ending else { panic!("{:?}", outcome.ending) };
                assert!(!reason.is_empty());
                assert!(kind != ErrorKind::Throttled || delay == COOLDOWN);
                assert!(outcome.failures.is_empty());
                finish(&world, &want, "paused").await;
                holds(&world, &want, &end, &format!("{kind:?} at {n}")).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_state_store_that_fails_pauses_the_run() {
    for (from, want) in scenarios() {
        let end = undisturbed(&want).await;
        let entries = {
            let world = prepared(from.as_ref(), Duration::ZERO).await;
            let before = world.journal().await.len();
            world.complete(&want).await;
            world.journal().await.len() - before
        };
        for n in 0..entries {
            for stored in [false, true] {
                let world = prepared(from.as_ref(), Duration::ZERO).await;
                world.books.fail(n, stored);
                let outcome = world.apply(&want).await.outcome();
                assert!(matches!(outcome.ending, Ending::Paused { .. }), "entry {n}: {:?}", outcome.ending);
                finish(&world, &want, "store").await;
                holds(&world, &want, &end, &format!("entry {n} fails, stored: {stored}")).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn with_writes_off_nothing_is_written_and_nothing_is_forgotten() {
    let (world, want) = (World::new(), Desired::default());
    world.policy.off.store(true, std::sync::atomic::Ordering::Relaxed);
    let outcome = world.apply(&want).await.outcome();
    assert!(matches!(outcome.ending, Ending::Failed { transient: false }));
    assert!(outcome.failures.iter().all(|f| f.error.kind == ErrorKind::Refused));
    assert!(world.cloud.writes().is_empty() && world.journal().await.is_empty());
    world.policy.off.store(false, std::sync::atomic::Ordering::Relaxed);
    world.complete(&want).await;
    let changed = single_changes().pop().expect("some").1;
    world.policy.off.store(true, std::sync::atomic::Ordering::Relaxed);
    world.cloud.forget_calls();
    let outcome = world.remove(&changed).await.outcome();
    assert!(matches!(outcome.ending, Ending::Failed { transient: false }) && world.cloud.writes().is_empty());
}
