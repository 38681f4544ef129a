//! The journal: append-only, chained, intent before and outcome after every write, no secret anywhere.

use std::collections::{BTreeMap, BTreeSet};

use extoauth_core::engine::chain::{self, Broken, Link};
use extoauth_core::engine::{ChangeKind, Event, JournalEntry};
use extoauth_core::error::ErrorKind;
use serde_json::json;

use crate::cloud::{FAULTS, Fault};
use crate::recipe::{Desired, single_changes};
use crate::things::CANARY;
use crate::world::World;

fn texts(journal: &[JournalEntry]) -> Vec<String> {
    journal.iter().map(|e| chain::text(&e.draft).expect("JSON")).collect()
}

fn verify(journal: &[JournalEntry], texts: &[String]) -> Result<(), Broken> {
    let links = journal.iter().zip(texts);
    let links = links.map(|(e, text)| Link { seq: e.seq, previous: &e.previous, hash: &e.hash, text });
    chain::verify(links).map(|_| ())
}

#[tokio::test(start_paused = true)]
async fn the_chain_holds_over_a_life_and_only_grows() {
    let world = World::new();
    let mut known: Vec<JournalEntry> = Vec::new();
    for (_, want, _) in single_changes() {
        world.complete(&want).await;
        let journal = world.journal().await;
        assert_eq!(journal[..known.len()], known[..]);
        assert_eq!(verify(&journal, &texts(&journal)), Ok(()));
        known = journal;
    }
    world.clean_up(&Desired { config: 2, ..Desired::default() }).await;
    let journal = world.journal().await;
    assert!(journal.len() > known.len() && journal[..known.len()] == known[..]);
    assert_eq!(verify(&journal, &texts(&journal)), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_flipped_byte_anywhere_is_detected() {
    let world = World::new();
    world.complete(&Desired::default()).await;
    let journal = world.journal().await;
    let whole = texts(&journal);
    for (n, text) in whole.iter().enumerate() {
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(flipped) = String::from_utf8(bytes) else { continue };
            let entry = &journal[n];
            assert_ne!(chain::hash(&entry.previous, entry.seq, &flipped), entry.hash, "entry {n}, byte {at}");
        }
        let mut changed = whole.clone();
        changed[n] = text.replacen("dev", "Dev", 1);
        assert_eq!(verify(&journal, &changed), Err(Broken::Changed(journal[n].seq)));
    }
    for n in 0..journal.len() - 1 {
        let mut without = (journal.clone(), whole.clone());
        without.0.remove(n);
        without.1.remove(n);
        assert!(verify(&without.0, &without.1).is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn every_write_stands_between_an_intent_and_an_outcome() {
    let world = World::new();
    for want in [Desired::default(), Desired { label: 2, secret: 2, path: 2, config: 2, ..Desired::default() }] {
        world.complete(&want).await;
    }
    world.clean_up(&Desired { config: 2, ..Desired::default() }).await;
    let journal = world.journal().await;
    let mut open: BTreeMap<_, (ChangeKind, _)> = BTreeMap::new();
    let mut outcomes = 0;
    for entry in &journal {
        let draft = &entry.draft;
        assert_eq!((draft.author.ticket.as_str(), draft.author.approved_by.as_str()), ("RITM1", "boss"));
        match draft.event {
            Event::Intent => {
                assert!(open.insert(draft.address.clone(), (draft.change, draft.intent)).is_none(), "{draft:?}");
                assert_eq!(draft.intent.is_some(), draft.change != ChangeKind::Delete);
            }
            Event::Outcome => {
                let (change, intent) = open.remove(&draft.address).expect("an intent before it");
                assert_eq!((change, intent), (draft.change, draft.intent));
                assert!(draft.identity.is_some());
                outcomes += 1;
            }
            Event::Recorded => {}
            Event::Failure => panic!("nothing failed: {draft:?}"),
        }
    }
    assert!(open.is_empty() && outcomes > 20, "{open:?}");
}

#[tokio::test(start_paused = true)]
async fn a_change_tells_before_and_after_and_the_vendors_id_of_the_call() {
    let world = World::new();
    world.complete(&Desired::default()).await;
    let before = world.journal().await.len();
    world.complete(&Desired { label: 2, secret: 2, ..Desired::default() }).await;
    let journal = world.journal().await.split_off(before);
    let outcome = |address: &str| {
        let of = |e: &&JournalEntry| e.draft.event == Event::Outcome && e.draft.address.as_str() == address;
        journal.iter().find(of).expect("an outcome").draft.clone()
    };
    let label = &outcome("server").fields[0];
    assert_eq!((label.field.as_str(), &label.before, &label.after), ("label", &json!("l1"), &json!("l2")));
    let secret = &outcome("app").fields[0];
    assert_eq!((&secret.before, &secret.after), (&json!("secret, version s1"), &json!("secret, version s2")));
    assert_eq!(outcome("app").vendor_request.as_deref(), Some("changed"));
}

#[tokio::test(start_paused = true)]
async fn a_refused_write_is_told_with_its_reason() {
    let world = World::new();
    let n = {
        let probe = World::new();
        probe.complete(&Desired::default()).await;
        probe.cloud.calls().iter().position(|c| c.write).expect("a write")
    };
    world.cloud.fail(n, Fault::Answers(ErrorKind::Forbidden));
    let _ = world.apply(&Desired::default()).await;
    let journal = world.journal().await;
    let failure = journal.iter().find(|e| e.draft.event == Event::Failure).expect("a failure");
    assert!(failure.draft.detail.as_deref().is_some_and(|d| d.contains("Forbidden")));
}

/// L7: no secret in the journal, the inventory, what runs tell, or their errors.
#[tokio::test(start_paused = true)]
async fn no_secret_is_told() {
    let want = Desired { secret: 2, ..Desired::default() };
    let calls = {
        let world = World::new();
        world.complete(&Desired::default()).await;
        world.complete(&want).await;
        world.cloud.calls().len()
    };
    let mut told = BTreeSet::new();
    for n in 0..calls {
        for fault in FAULTS {
            let world = World::new();
            world.cloud.fail(n, fault);
            told.insert(format!("{:?}", world.apply(&Desired::default()).await));
            told.insert(format!("{:?}", world.plan(&want).await));
            told.insert(format!("{:?}", world.apply(&want).await));
            told.insert(format!("{:?}{:?}", world.book().await, world.journal().await));
        }
    }
    assert!(told.iter().all(|text| !text.contains(CANARY)));
}
