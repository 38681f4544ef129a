//! L4: the process dies at every call and at every journal entry, before or after it acted.

use std::time::Duration;

use crate::crossing::{SIDES, Side};
use crate::recipe::{Desired, single_changes};
use crate::world::{Tried, World, same, undisturbed};

async fn prepared(from: Option<&Desired>, lag: Duration) -> World {
    let world = World::new();
    if let Some(from) = from {
        world.complete(from).await;
        world.next_request();
    }
    world.cloud.set_lag(lag);
    world.crossing.clear();
    world
}

async fn moments(from: Option<&Desired>, want: &Desired, lag: Duration) -> Vec<String> {
    let world = prepared(from, lag).await;
    world.complete(want).await;
    world.crossing.moments()
}

/// Dies at a moment, then tries again until it is complete.
async fn dies_at(world: &World, want: &Desired, moment: usize, side: Side) {
    world.crossing.crash_at(moment, side);
    assert!(matches!(world.apply(want).await, Tried::Crashed), "moment {moment} was never reached");
    world.crossing.clear();
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_moment_of_a_first_run_ends_in_the_undisturbed_state() {
    let want = Desired::default();
    let end = undisturbed(&want).await;
    for lag in [0, 150, 300].map(Duration::from_millis) {
        let all = moments(None, &want, lag).await;
        for (moment, what) in all.iter().enumerate() {
            for side in SIDES {
                let world = prepared(None, lag).await;
                dies_at(&world, &want, moment, side).await;
                world.complete(&want).await;
                same(&world.snapshot(), &end, &format!("{side:?} {what} ({moment}), lag {lag:?}"));
                world.is_at_rest(&want).await;
                world.clean_up(&want).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_moment_of_a_change_ends_in_the_undisturbed_state() {
    let from = Desired::default();
    for (name, want, _) in single_changes() {
        let end = undisturbed(&want).await;
        for lag in [0, 150].map(Duration::from_millis) {
            let all = moments(Some(&from), &want, lag).await;
            for (moment, what) in all.iter().enumerate() {
                for side in SIDES {
                    let world = prepared(Some(&from), lag).await;
                    dies_at(&world, &want, moment, side).await;
                    world.complete(&want).await;
                    same(&world.snapshot(), &end, &format!("{name}: {side:?} {what} ({moment}), lag {lag:?}"));
                    world.is_at_rest(&want).await;
                    world.clean_up(&want).await;
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_another_description_or_the_old_one_is_reached_as_well() {
    let from = Desired::default();
    for (name, want, _) in single_changes() {
        let back = from.clone();
        let other = Desired { path: 3, secret: 3, config: 3, groups: [2, 4].into(), ..from.clone() };
        let all = moments(Some(&from), &want, Duration::ZERO).await;
        for then in [back, other] {
            let end = undisturbed(&then).await;
            for (moment, what) in all.iter().enumerate() {
                let world = prepared(Some(&from), Duration::ZERO).await;
                dies_at(&world, &want, moment, Side::After).await;
                world.complete(&then).await;
                same(&world.snapshot(), &end, &format!("{name}: after {what} ({moment})"));
                world.is_at_rest(&then).await;
                world.clean_up(&then).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_crashes_are_got_over_as_well() {
    let want = Desired::default();
    let end = undisturbed(&want).await;
    let lag = Duration::from_millis(150);
    let all = moments(None, &want, lag).await;
    for first in (0..all.len()).step_by(3) {
        for second in (0..all.len()).step_by(4) {
            let world = prepared(None, lag).await;
            dies_at(&world, &want, first, Side::After).await;
            world.crossing.crash_at(second, Side::After);
            let _ = world.apply(&want).await;
            world.crossing.clear();
            world.complete(&want).await;
            same(&world.snapshot(), &end, &format!("{} ({first}), then {second}", all[first]));
            world.is_at_rest(&want).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_removal_after_a_crash_leaves_nothing() {
    for lag in [0, 300].map(Duration::from_millis) {
        for (from, want) in [(None, Desired::default()), (Some(Desired::default()), single_changes()[10].1.clone())] {
            let all = moments(from.as_ref(), &want, lag).await;
            for moment in 0..all.len() {
                for side in SIDES {
                    let world = prepared(from.as_ref(), lag).await;
                    dies_at(&world, &want, moment, side).await;
                    world.clean_up(&want).await;
                }
            }
        }
    }
}
