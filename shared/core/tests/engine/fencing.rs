//! A run whose lease was taken over writes nothing more.

use std::sync::Arc;
use std::sync::Mutex;

use extoauth_core::engine::{Ending, Event, Leases, Ledger};
use futures::FutureExt;

use crate::crossing::Side;
use crate::recipe::Desired;
use crate::world::{Tried, World, same, timing};

/// Plans that a later attempt takes the lease over, and tells how many intents there were then.
fn take_over_at(world: &World, moment: usize) -> Arc<Mutex<Option<usize>>> {
    let intents = Arc::new(Mutex::new(None));
    let (memory, subject, told, owner) = (world.memory.clone(), world.subject.clone(), intents.clone(), world.owner());
    world.crossing.do_at(moment, Side::Before, move || {
        let taken = memory.acquire(&subject.to_string(), &owner, timing().lease_ttl).now_or_never();
        assert!(taken.expect("memory does not wait").expect("memory").is_some());
        let journal = memory.journal(&subject).now_or_never().expect("memory does not wait").expect("memory");
        let count = journal.iter().filter(|e| e.draft.event == Event::Intent).count();
        *told.lock().expect("held briefly") = Some(count);
    });
    intents
}

async fn moments(from: Option<&Desired>, want: Option<&Desired>) -> usize {
    let world = prepared(from).await;
    attempt(&world, want).await;
    world.crossing.moments().len()
}

async fn prepared(from: Option<&Desired>) -> World {
    let world = World::new();
    if let Some(from) = from {
        world.complete(from).await;
    }
    world.crossing.clear();
    world
}

async fn attempt(world: &World, want: Option<&Desired>) -> Tried {
    match want {
        Some(want) => world.apply(want).await,
        None => world.remove(&Desired::default()).await,
    }
}

#[tokio::test(start_paused = true)]
async fn every_write_after_a_take_over_was_journaled_before_it() {
    let all = Desired { label: 2, secret: 2, path: 2, config: 2, groups: [3].into(), ..Desired::default() };
    let cases =
        [(None, Some(Desired::default())), (Some(Desired::default()), Some(all)), (Some(Desired::default()), None)];
    for (from, want) in cases {
        for moment in 0..moments(from.as_ref(), want.as_ref()).await {
            let world = prepared(from.as_ref()).await;
            let intents = take_over_at(&world, moment);
            let outcome = attempt(&world, want.as_ref()).await.outcome();
            let intents = intents.lock().expect("held briefly").expect("the moment was reached");
            let later = world.journal().await.iter().filter(|e| e.draft.event == Event::Intent).count();
            assert_eq!(later, intents, "an intent was written after the take-over");
            // Each write has an intent of its own, so none was begun after the take-over. A write of nothing, where what
            // was to be removed is gone already, leaves fewer.
            assert!(world.cloud.writes().len() <= intents, "{moment}");
            if !matches!(outcome.ending, Ending::Fenced) {
                // Only reads were left.
                assert!(matches!(outcome.ending, Ending::Complete), "{moment}: {:?}", outcome.ending);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_attempt_that_has_taken_over_finishes() {
    let want = Desired::default();
    let end = crate::world::undisturbed(&want).await;
    for moment in 0..moments(None, Some(&want)).await {
        let world = prepared(None).await;
        take_over_at(&world, moment);
        let _ = world.apply(&want).await;
        world.crossing.clear();
        world.complete(&want).await;
        same(&world.snapshot(), &end, &moment.to_string());
        world.is_at_rest(&want).await;
    }
}
