//! `run.all` and `Shared`: nothing is dropped in flight, and after a failure nothing new begins.

use std::collections::BTreeSet;

use extoauth_core::engine::{Ending, Event, Reading, Run, Shared, StepStatus, Stop};
use extoauth_core::error::ErrorKind;

use crate::cloud::Fault;
use crate::recipe::{Desired, recipe};
use crate::things::{App, Server, Systems, Thing};
use crate::world::World;

#[tokio::test(start_paused = true)]
async fn after_a_failure_what_is_in_flight_ends_and_is_journaled_and_nothing_new_begins() {
    let want = Desired { groups: (1..6).collect(), environments: [1, 2, 3].into(), ..Desired::default() };
    let calls = {
        let world = World::new();
        world.complete(&want).await;
        world.cloud.calls()
    };
    for (n, call) in calls.iter().enumerate() {
        let world = World::new();
        world.cloud.fail(n, Fault::Answers(ErrorKind::Forbidden));
        let outcome = world.apply(&want).await.outcome();
        assert!(matches!(outcome.ending, Ending::Failed { .. }), "{}", call.what);
        assert!(outcome.steps.iter().all(|s| s.status != StepStatus::Running), "{:#?}", outcome.steps);
        // Everything that was made is recorded.
        let book = world.book().await;
        let recorded: BTreeSet<_> = book.items.values().filter_map(|i| i.identity["id"].as_str()).collect();
        for object in world.cloud.objects().iter().filter(|o| o.id.starts_with('o')) {
            assert!(recorded.contains(object.id.as_str()), "{}: {object:?} was dropped", call.what);
        }
        // What was not begun has left nothing.
        let journal = world.journal().await;
        for step in outcome.steps.iter().filter(|s| s.status == StepStatus::Skipped) {
            assert!(journal.iter().all(|e| e.draft.address != step.resource), "{step:?}");
        }
        let failed = journal.iter().filter(|e| e.draft.event == Event::Failure).count();
        assert!(failed <= 1);
    }
}

#[tokio::test(start_paused = true)]
async fn all_failures_are_reported() {
    let want = Desired::default();
    let world = World::new();
    // The first looks at server and app begin together.
    world.cloud.fail(0, Fault::Answers(ErrorKind::Forbidden));
    world.cloud.fail(1, Fault::Answers(ErrorKind::Unavailable));
    let outcome = world.apply(&want).await.outcome();
    let failed: Vec<_> = outcome.failures.iter().map(|f| f.resource.as_str()).collect();
    assert_eq!(failed, ["server", "app"]);
    assert!(matches!(outcome.ending, Ending::Failed { transient: false }));
}

async fn one_then(run: &Run<'_, Systems>, name: &str, then: &str) -> Result<(), Stop> {
    let first = run.ensure(Thing::<Server>::new(name)).await?;
    run.ensure(Thing::<App>::new(then).pointing("server", &first)).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn runs_that_share_their_fate_halt_together() {
    for kind in [ErrorKind::Forbidden, ErrorKind::Throttled] {
        let world = World::new();
        let shared = Shared::default();
        let guard = world.lease().await;
        let (one, other) = (world.setting(Some(&guard), &shared), world.setting(Some(&guard), &shared));
        let one = Run::begin(&one, Reading::Apply).await.expect("memory");
        let other = Run::begin(&other, Reading::Apply).await.expect("memory");
        world.cloud.fail(0, Fault::Answers(kind));
        let (a, b) = futures::future::join(one_then(&one, "a", "b"), one_then(&other, "c", "d")).await;
        assert_eq!(a, Err(if kind == ErrorKind::Throttled { Stop::Paused } else { Stop::Failed }));
        assert_eq!(b, Err(Stop::Halted));
        // What was in flight in the other has ended; what came after it was not begun.
        assert_eq!(world.cloud.writes(), ["create server c"]);
        assert!(world.book().await.items.len() == 1);
        let (one, other) = (one.end(), other.end());
        assert_eq!(matches!(one.ending, Ending::Paused { .. }), kind == ErrorKind::Throttled);
        assert!(!matches!(other.ending, Ending::Complete), "a run that was halted is not complete");
        let skipped: Vec<_> = other.steps.iter().filter(|s| s.status == StepStatus::Skipped).collect();
        assert_eq!(skipped.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_removal_halts_with_the_runs_that_share_its_fate() {
    let (world, want) = (World::new(), Desired::default());
    world.complete(&want).await;
    let shared = Shared::default();
    let guard = world.lease().await;
    let (one, other) = (world.setting(Some(&guard), &shared), world.setting(Some(&guard), &shared));
    let one = Run::begin(&one, Reading::Remove).await.expect("memory");
    let other = Run::begin(&other, Reading::Remove).await.expect("memory");
    assert_eq!(recipe(&one, &want).await, Ok(()));
    world.cloud.forget_calls();
    world.cloud.fail(0, Fault::Answers(ErrorKind::Unavailable));
    assert_eq!(one.sweep(&crate::recipe::Removers).await, Err(Stop::Failed));
    assert_eq!(other.sweep(&crate::recipe::Removers).await, Err(Stop::Halted));
    assert_eq!(world.cloud.writes().len(), 0);
    assert!(!matches!(other.end().ending, Ending::Complete));
}
