//! L8: what is somebody else's is not touched, and what cannot be told apart stops the run.

use std::collections::BTreeMap;

use extoauth_core::engine::{Ending, Ownership};
use extoauth_core::error::ErrorKind;
use extoauth_core::ids::Address;

use crate::cloud::Object;
use crate::recipe::Desired;
use crate::world::World;

fn theirs(world: &World) -> Vec<Object> {
    world.cloud.objects().into_iter().filter(|o| o.id.starts_with("x-")).collect()
}

/// Somebody else's issuer with just the key that ours would have.
async fn with_foreign_issuer(attribute: &str) -> (World, Object) {
    let world = World::new();
    // The server is there first: the issuer's key holds its id.
    let n = {
        let probe = World::new();
        probe.complete(&Desired::default()).await;
        probe.cloud.calls().iter().position(|c| c.what == "create issuer issuer").expect("a create")
    };
    world.cloud.fail(n, crate::cloud::Fault::Answers(ErrorKind::Forbidden));
    let _ = world.apply(&Desired::default()).await;
    let server = world.cloud.objects().into_iter().find(|o| o.id.starts_with('o') && o.kind == "server").expect("ours");
    let issuer = Object {
        id: "x-late".into(),
        kind: "issuer".into(),
        name: "issuer".into(),
        mark: None,
        parent: None,
        fields: BTreeMap::from([
            ("url".into(), format!("https://cloud/{}/1", server.id)),
            ("attribute".into(), attribute.into()),
        ]),
        secret: None,
    };
    world.cloud.put(issuer.clone());
    (world, issuer)
}

#[tokio::test(start_paused = true)]
async fn look_alikes_and_foreign_entries_stay_byte_for_byte() {
    let (world, want) = (World::new(), Desired::default());
    let before = theirs(&world);
    let outcome = world.complete(&want).await;
    let noticed: Vec<_> =
        outcome.findings.iter().filter(|f| f.check == "foreign_object").map(|f| f.resource.as_str()).collect();
    assert_eq!(noticed, ["server", "app", "config[1]"]);
    assert_eq!(theirs(&world), before);
    let want = Desired { label: 2, secret: 2, path: 2, config: 2, ..want };
    world.complete(&want).await;
    assert_eq!(theirs(&world), before);
    assert!(world.cloud.list()["x-issuer"].contains("theirs"));
    world.clean_up(&want).await;
    assert_eq!(theirs(&world), before);
}

#[tokio::test(start_paused = true)]
async fn a_copy_of_our_mark_without_an_intent_stops_the_run() {
    let (world, want) = (World::new(), Desired::default());
    let mut copy = theirs(&world).into_iter().find(|o| o.kind == "server").expect("a look-alike");
    copy.mark = Some(world.mark().to_string());
    world.cloud.put(copy.clone());
    let planned = world.plan(&want).await;
    assert!(planned.findings.iter().any(|f| f.check == "foreign_object" && f.resource == "server"));
    let outcome = world.apply(&want).await.outcome();
    assert!(matches!(outcome.ending, Ending::Failed { transient: false }));
    let failure = &outcome.failures[0];
    assert_eq!((failure.resource.as_str(), failure.error.kind), ("server", ErrorKind::Invalid));
    assert!(failure.error.message.contains("adopt"), "{}", failure.error);
    assert!(world.cloud.objects().contains(&copy));
    assert!(!world.cloud.writes().iter().any(|w| w.contains("server")));
    // The removal of what was made does not take it either.
    assert!(matches!(world.remove(&want).await.outcome().ending, Ending::Complete));
    assert!(world.cloud.objects().contains(&copy));
}

#[tokio::test(start_paused = true)]
async fn a_foreign_object_that_is_used_is_neither_changed_nor_removed() {
    let (world, issuer) = with_foreign_issuer("a1").await;
    world.complete(&Desired::default()).await;
    let address = Address::of("issuer");
    assert_eq!(world.book().await.items[&address].ownership, Ownership::Foreign);
    world.cloud.forget_calls();
    let other = Desired { attribute: 2, ..Desired::default() };
    for _ in 0..2 {
        let outcome = world.apply(&other).await.outcome();
        assert!(matches!(outcome.ending, Ending::Failed { transient: false }));
        assert!(outcome.failures[0].error.message.contains("attribute is \"a1\", not \"a2\""));
        assert!(world.cloud.writes().is_empty());
    }
    world.complete(&Desired::default()).await;
    assert!(matches!(world.remove(&Desired::default()).await.outcome().ending, Ending::Complete));
    assert!(world.cloud.objects().contains(&issuer));
    assert!(world.book().await.items.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_foreign_object_that_is_gone_is_replaced_by_one_of_ours_which_we_remove() {
    let (world, issuer) = with_foreign_issuer("a1").await;
    world.complete(&Desired::default()).await;
    world.cloud.take(&issuer.id);
    world.complete(&Desired::default()).await;
    assert_eq!(world.book().await.items[&Address::of("issuer")].ownership, Ownership::Ours);
    world.is_at_rest(&Desired::default()).await;
    world.clean_up(&Desired::default()).await;
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_stood_there_before_is_put_back() {
    let (world, issuer) = with_foreign_issuer("a1").await;
    world.cloud.put_entry(&issuer.id, &["before"]);
    world.complete(&Desired::default()).await;
    assert!(world.cloud.list()[&issuer.id].contains("aud1"));
    assert!(matches!(world.remove(&Desired::default()).await.outcome().ending, Ending::Complete));
    assert_eq!(world.cloud.list()[&issuer.id].iter().collect::<Vec<_>>(), ["before"]);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_deleted_is_made_again_once() {
    let want = Desired::default();
    let end = crate::world::undisturbed(&want).await;
    let all: Vec<Object> = {
        let world = World::new();
        world.complete(&want).await;
        world.cloud.objects().into_iter().filter(|o| o.id.starts_with('o')).collect()
    };
    for gone in all {
        let world = World::new();
        world.complete(&want).await;
        world.cloud.take(&gone.id);
        world.complete(&want).await;
        let orphaned_entry = |line: &String| !line.starts_with(&format!("entry {}", gone.id));
        let now: Vec<_> = world.snapshot().into_iter().filter(orphaned_entry).collect();
        assert_eq!(now, end, "{gone:?}");
    }
}
