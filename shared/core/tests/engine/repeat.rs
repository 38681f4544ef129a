//! L1 and L6: applying twice writes once, a plan never writes, one change is one write.

use extoauth_core::engine::{ChangeKind, Ending, StepStatus};
use extoauth_core::error::ErrorKind;
use extoauth_core::systems::Mode;

use crate::cloud::{FAULTS, Fault};
use crate::recipe::{Desired, single_changes};
use crate::world::{World, same, undisturbed};

#[tokio::test(start_paused = true)]
async fn applying_twice_writes_once_and_makes_the_same_reads() {
    let (world, want) = (World::new(), Desired::default());
    let first = world.complete(&want).await;
    assert!(!first.plan.is_empty());
    world.is_at_rest(&want).await;

    let (snapshot, journal) = (world.snapshot(), world.journal().await.len());
    let mut reads = Vec::new();
    for _ in 0..2 {
        world.cloud.forget_calls();
        let again = world.complete(&want).await;
        assert!(again.plan.is_empty(), "{:?}", again.plan);
        assert_eq!(world.cloud.writes(), Vec::<String>::new());
        reads.push(world.cloud.calls().len());
    }
    // Ten resources, one look each.
    assert_eq!(reads, [10, 10]);
    assert_eq!((world.snapshot(), world.journal().await.len()), (snapshot, journal));
}

#[tokio::test(start_paused = true)]
async fn a_plan_says_what_apply_does_and_writes_nothing() {
    for (name, want, _) in single_changes() {
        let world = World::new();
        world.complete(&Desired::default()).await;
        let (snapshot, journal) = (world.snapshot(), world.journal().await.len());
        world.cloud.forget_calls();
        let planned = world.plan(&want).await;
        assert!(matches!(planned.ending, Ending::Complete));
        assert!(world.cloud.writes().is_empty(), "{name}");
        assert_eq!((world.snapshot(), world.journal().await.len()), (snapshot, journal), "{name}");

        let applied = world.complete(&want).await;
        let kinds = |changes: &[extoauth_core::engine::Change]| -> Vec<_> {
            let own = |c: &&extoauth_core::engine::Change| !c.resource.as_str().contains(".superseded");
            changes.iter().filter(own).map(|c| (c.resource.clone(), c.change)).collect()
        };
        let (planned, applied) = (kinds(&planned.plan.changes), kinds(&applied.plan.changes));
        assert_eq!(planned.iter().map(|p| &p.0).collect::<Vec<_>>(), applied.iter().map(|a| &a.0).collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_of_nothing_and_a_plan_that_fails_write_nothing() {
    let (world, want) = (World::new(), Desired::default());
    let planned = world.plan(&want).await;
    assert!(planned.plan.changes.iter().all(|c| c.change == ChangeKind::Create || c.change == ChangeKind::Update));
    assert!(world.cloud.writes().is_empty());
    let calls = world.cloud.calls().len();
    for n in 0..calls {
        for fault in FAULTS.into_iter().chain([Fault::Answers(ErrorKind::Throttled)]) {
            let world = World::new();
            world.cloud.fail(n, fault);
            let outcome = world.plan(&want).await;
            assert!(!matches!(outcome.ending, Ending::Complete), "call {n} {fault:?}");
            assert!(world.cloud.writes().is_empty() && world.journal().await.is_empty());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_change_is_as_many_writes_as_it_has_objects() {
    for (name, want, writes) in single_changes() {
        let world = World::new();
        world.complete(&Desired::default()).await;
        world.cloud.forget_calls();
        world.complete(&want).await;
        assert_eq!(world.cloud.writes().len(), writes, "{name}: {:?}", world.cloud.writes());
        world.is_at_rest(&want).await;
        same(&world.snapshot(), &undisturbed(&want).await, name);
        world.clean_up(&want).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_longer_stated_goes_only_after_a_complete_run() {
    let fewer = Desired { groups: [2].into(), environments: [].into(), label: 2, ..Desired::default() };
    let calls = {
        let world = World::new();
        world.complete(&Desired::default()).await;
        world.cloud.forget_calls();
        world.complete(&fewer).await;
        world.cloud.calls()
    };
    let first_removal = calls.iter().position(|c| c.write && !c.what.starts_with("update")).expect("a removal");
    for n in 0..first_removal {
        let world = World::new();
        world.complete(&Desired::default()).await;
        world.cloud.forget_calls();
        world.cloud.fail(n, Fault::Answers(ErrorKind::Forbidden));
        let outcome = world.apply(&fewer).await.outcome();
        if matches!(outcome.ending, Ending::Complete) {
            continue; // The read of a removal, after the recipe.
        }
        let removed: Vec<_> = world.cloud.writes().into_iter().filter(|w| w.starts_with("delete")).collect();
        assert!(removed.is_empty(), "call {n}: {removed:?}");
        let deletes = outcome.steps.iter().filter(|s| s.change == ChangeKind::Delete && s.status == StepStatus::Done);
        assert_eq!(deletes.count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_in_an_observed_system_is_a_critical_finding_of_the_plan() {
    let world = World::with_modes([Mode::Manage, Mode::Manage, Mode::Observe]);
    let outcome = world.plan(&Desired::default()).await;
    let observed: Vec<_> = outcome
        .findings
        .iter()
        .filter(|f| f.check == extoauth_core::engine::CHANGE_IN_OBSERVED_SYSTEM)
        .map(|f| f.resource.as_str())
        .collect();
    // What stands on things that are not there yet is not looked at; that it must be made is clear all the same.
    assert_eq!(observed, ["config[1]", "environment[env-1]"]);
    assert!(world.cloud.writes().is_empty());
}
