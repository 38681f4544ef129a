//! L5: a removal in which something fails names exactly what is left, and the next one finishes it.

use std::collections::BTreeSet;

use extoauth_core::engine::{Book, ChangeKind, Ending, StepStatus};
use extoauth_core::error::ErrorKind;

use crate::cloud::{FAULTS, Fault};
use crate::crossing::SIDES;
use crate::recipe::Desired;
use crate::world::{Tried, World, same, undisturbed};

async fn prepared(want: &Desired) -> World {
    let world = World::new();
    world.complete(want).await;
    world.next_request();
    world.cloud.forget_calls();
    world.crossing.clear();
    world
}

#[tokio::test(start_paused = true)]
async fn a_removal_takes_everything_in_an_order_that_the_vendor_allows() {
    let want = Desired::default();
    let world = prepared(&want).await;
    let outcome = world.remove(&want).await.outcome();
    assert!(matches!(outcome.ending, Ending::Complete));
    assert!(outcome.steps.iter().all(|s| s.change == ChangeKind::Delete && s.status == StepStatus::Done));
    assert_eq!(world.book().await, Book::default());
    assert_eq!(world.snapshot(), World::new().snapshot());
    world.cloud.forget_calls();
    world.clean_up(&want).await;
    assert!(world.cloud.writes().is_empty(), "removing nothing writes nothing");
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_fails_names_what_is_left_and_the_next_one_finishes_it() {
    let want = Desired::default();
    let calls = {
        let world = prepared(&want).await;
        world.clean_up(&want).await;
        world.cloud.calls()
    };
    for (n, call) in calls.iter().enumerate() {
        for fault in FAULTS.into_iter().chain([Fault::Answers(ErrorKind::Throttled)]) {
            let context = format!("{fault:?} at {} ({n})", call.what);
            let world = prepared(&want).await;
            world.cloud.fail(n, fault);
            let outcome = world.remove(&want).await.outcome();
            let is_left: BTreeSet<String> = world.book().await.items.keys().map(ToString::to_string).collect();
            let named: BTreeSet<String> = outcome
                .steps
                .iter()
                .filter(|s| s.change == ChangeKind::Delete && s.status != StepStatus::Done)
                .map(|s| s.resource.to_string())
                .collect();
            assert_eq!(named, is_left, "{context}");
            assert_eq!(matches!(outcome.ending, Ending::Complete), is_left.is_empty(), "{context}");
            world.clean_up(&want).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_crashes_is_finished_by_the_next_one() {
    let want = Desired::default();
    let moments = {
        let world = prepared(&want).await;
        world.clean_up(&want).await;
        world.crossing.moments()
    };
    for (moment, what) in moments.iter().enumerate() {
        for side in SIDES {
            let world = prepared(&want).await;
            world.crossing.crash_at(moment, side);
            assert!(matches!(world.remove(&want).await, Tried::Crashed), "{what}");
            world.crossing.clear();
            world.clean_up(&want).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_older_object_that_was_pointed_at_a_newer_one_goes_first() {
    let world = prepared(&Desired::default()).await;
    let want = Desired { config: 2, ..Desired::default() };
    world.complete(&want).await;
    let outcome = world.remove(&want).await.outcome();
    assert!(matches!(outcome.ending, Ending::Complete), "{:#?}", outcome.failures);
    world.clean_up(&want).await;
}

#[tokio::test(start_paused = true)]
async fn the_same_where_both_are_no_longer_stated() {
    let world = prepared(&Desired::default()).await;
    world.complete(&Desired { config: 2, ..Desired::default() }).await;
    let want = Desired { environments: [].into(), ..Desired::default() };
    world.complete(&want).await;
    same(&world.snapshot(), &undisturbed(&want).await, "end");
    world.is_at_rest(&want).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_in_use_elsewhere_is_named_and_the_rest_goes() {
    let want = Desired::default();
    let world = prepared(&want).await;
    let config = world.cloud.objects().into_iter().find(|o| o.kind == "config" && o.id.starts_with('o')).expect("ours");
    let mut theirs = world.cloud.objects().into_iter().find(|o| o.id == "env-2").expect("an environment");
    let before = theirs.clone();
    theirs.fields.insert("uses".into(), config.id);
    world.cloud.put(theirs);
    let outcome = world.remove(&want).await.outcome();
    let failed: Vec<_> = outcome.failures.iter().map(|f| f.resource.as_str()).collect();
    // The app is what the configuration uses.
    assert_eq!(failed, ["config[1]", "app"]);
    assert_eq!(world.book().await.items.len(), 2);
    world.cloud.put(before);
    world.clean_up(&want).await;
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_changed_meanwhile_is_not_put_back() {
    let want = Desired::default();
    let world = prepared(&want).await;
    let mut theirs = world.cloud.objects().into_iter().find(|o| o.id == "env-1").expect("an environment");
    theirs.fields.insert("uses".into(), "something new".into());
    world.cloud.put(theirs.clone());
    world.cloud.put_entry("y-issuer", &["late"]);
    let outcome = world.remove(&want).await.outcome();
    assert!(matches!(outcome.ending, Ending::Complete));
    assert!(world.cloud.objects().contains(&theirs));
    assert_eq!(world.cloud.list().keys().collect::<Vec<_>>(), ["x-issuer", "y-issuer"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_already_is_removed() {
    let want = Desired::default();
    let all = prepared(&want).await.cloud.objects();
    for gone in all.iter().filter(|o| o.id.starts_with('o')) {
        let world = prepared(&want).await;
        world.cloud.take(&gone.id);
        world.clean_up(&want).await;
    }
}
