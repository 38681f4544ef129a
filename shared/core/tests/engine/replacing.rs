//! Replacement: the new one is created, later resources are pointed at it, the old one goes at the end.

use extoauth_core::engine::{ChangeKind, Ending};
use extoauth_core::error::ErrorKind;

use crate::cloud::Fault;
use crate::crossing::Side;
use crate::recipe::Desired;
use crate::world::{Tried, World, same, undisturbed};

fn replaced() -> Desired {
    Desired { path: 2, ..Desired::default() }
}

async fn prepared() -> World {
    let world = World::new();
    world.complete(&Desired::default()).await;
    world.cloud.forget_calls();
    world.crossing.clear();
    world
}

#[tokio::test(start_paused = true)]
async fn the_old_one_stays_until_everything_points_at_the_new_one() {
    let world = prepared().await;
    let old = world.cloud.objects().into_iter().find(|o| o.kind == "issuer").expect("an issuer").id;
    let outcome = world.complete(&replaced()).await;
    let change = outcome.plan.changes.iter().find(|c| c.resource.as_str() == "issuer").expect("a change");
    assert_eq!(change.change, ChangeKind::Replace);
    let writes = world.cloud.writes();
    assert_eq!(writes, ["create issuer issuer", "replace entries", "replace entries", &format!("delete {old}")]);
    same(&world.snapshot(), &undisturbed(&replaced()).await, "end");
}

#[tokio::test(start_paused = true)]
async fn a_create_of_the_new_one_whose_answer_is_lost_does_not_take_the_old_one_for_it() {
    for fault in [Fault::LostAfter, Fault::LostBefore] {
        for lag in [0, 300] {
            let world = prepared().await;
            world.cloud.set_lag(std::time::Duration::from_millis(lag));
            let create = {
                let probe = prepared().await;
                probe.complete(&replaced()).await;
                probe.cloud.calls().iter().position(|c| c.what.starts_with("create")).expect("a create")
            };
            world.cloud.fail(create, fault);
            world.complete(&replaced()).await;
            same(&world.snapshot(), &undisturbed(&replaced()).await, &format!("{fault:?}, lag {lag}"));
            world.is_at_rest(&replaced()).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_description_that_goes_back_keeps_the_old_one() {
    let moments = {
        let world = prepared().await;
        world.complete(&replaced()).await;
        world.crossing.moments()
    };
    // Between the record that it is to be replaced and the create of the new one, nothing has happened to it.
    let create = moments.iter().position(|m| m.starts_with("create")).expect("a create");
    let superseded = moments.iter().position(|m| m.contains("superseded")).expect("a record");
    for (moment, what) in moments.iter().enumerate().take(create + 1).skip(superseded) {
        let world = prepared().await;
        let old = world.cloud.objects().into_iter().find(|o| o.kind == "issuer").expect("an issuer");
        world.crossing.crash_at(moment, Side::Before);
        assert!(matches!(world.apply(&replaced()).await, Tried::Crashed));
        world.crossing.clear();
        world.complete(&Desired::default()).await;
        assert!(world.cloud.objects().contains(&old), "{what}");
        world.is_at_rest(&Desired::default()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_fails_later_keeps_both_and_the_next_one_removes_the_old_one() {
    let world = prepared().await;
    let writes: Vec<usize> = {
        let probe = prepared().await;
        probe.complete(&replaced()).await;
        let calls = probe.cloud.calls();
        (0..calls.len()).filter(|n| calls[*n].write).collect()
    };
    world.cloud.fail(writes[1], Fault::Answers(ErrorKind::Forbidden));
    let outcome = world.apply(&replaced()).await.outcome();
    assert!(matches!(outcome.ending, Ending::Failed { transient: false }));
    assert_eq!(world.cloud.objects().iter().filter(|o| o.kind == "issuer").count(), 2);
    world.complete(&replaced()).await;
    same(&world.snapshot(), &undisturbed(&replaced()).await, "end");
    world.is_at_rest(&replaced()).await;
}
