//! L9: with any systems in handoff, a person who does what the hand-offs say reaches the same state.

use std::collections::BTreeMap;

use extoauth_core::engine::{ChangeKind, Ending, StepStatus};
use extoauth_core::handoff::Handoff;
use extoauth_core::systems::Mode;

use crate::cloud::Object;
use crate::recipe::{Desired, single_changes};
use crate::things::secret_value;
use crate::world::{World, same};

/// Does exactly what a hand-off says, with its values and nothing else.
fn act(world: &World, handoff: &Handoff) {
    let mut place = handoff.place.splitn(3, '/');
    let mut part = || place.next().unwrap_or_default().to_owned();
    let (kind, name, parent) = (part(), part(), part());
    let mut fields: BTreeMap<String, String> = handoff.values.clone();
    if kind == "entry" {
        let audiences: Vec<String> = serde_json::from_str(&fields["audiences"]).expect("a list");
        let issuer = fields.get("issuer").unwrap_or(&name);
        world.cloud.put_entry(issuer, &audiences.iter().map(String::as_str).collect::<Vec<_>>());
        return;
    }
    let secret = fields.remove("secret").map(|s| secret_value(s.strip_prefix("secret, version ").expect("a version")));
    let parent = Some(parent).filter(|p| !p.is_empty());
    let same = |o: &Object| {
        o.id == name || (o.id.starts_with('o') && (&o.kind, &o.name, &o.parent) == (&kind, &name, &parent))
    };
    let known = world.cloud.objects().into_iter().find(same);
    match known.filter(|o| !(kind == "issuer" && fields.get("url").is_some_and(|url| o.fields["url"] != *url))) {
        Some(mut object) => {
            object.fields.extend(fields);
            object.secret = secret.or(object.secret);
            world.cloud.put(object);
        }
        None => {
            // What cannot be changed is made anew, and the old one deleted.
            if let Some(old) = world.cloud.objects().into_iter().find(same) {
                world.cloud.take(&old.id);
            }
            world.cloud.put(Object { id: world.cloud.new_id(), kind, name, mark: None, parent, fields, secret });
        }
    }
}

/// Tries, acts, tries again, until nobody has to act.
async fn with_a_person(world: &World, want: &Desired) {
    for _ in 0..12 {
        let outcome = world.apply(want).await.outcome();
        for handoff in &outcome.handoffs {
            act(world, handoff);
        }
        match outcome.ending {
            Ending::Complete => return,
            Ending::Waiting => {
                assert!(outcome.handoffs.iter().any(|h| h.done == Some(false)));
                let waits = |s: &&extoauth_core::engine::Step| s.status == StepStatus::Waiting;
                assert!(outcome.steps.iter().filter(waits).all(|s| s.change == ChangeKind::Handoff));
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("still waiting after twelve rounds");
}

/// Marks are ours alone, look-alikes cannot be told from what a person makes, and entries of issuers that a person
/// deleted are that person's.
fn comparable(lines: Vec<String>) -> Vec<String> {
    let mut lines: Vec<String> = lines
        .into_iter()
        .map(|line| line.replace(" with our mark", ""))
        .filter(|line| !line.starts_with("entry o"))
        .collect();
    lines.sort();
    lines
}

fn subsets() -> impl Iterator<Item = [Mode; 3]> {
    (0..8).map(|bits| [0, 1, 2].map(|n| if bits >> n & 1 == 1 { Mode::Handoff } else { Mode::Manage }))
}

/// A world without look-alikes: by hand, the name alone decides.
fn world(modes: [Mode; 3]) -> World {
    let world = World::with_modes(modes);
    for id in ["x-server", "x-app"] {
        world.cloud.take(id);
    }
    if let Some(config) = world.cloud.objects().iter().find(|o| o.id == "x-config") {
        world.cloud.put(Object { name: "another".into(), ..config.clone() });
    }
    world
}

#[tokio::test(start_paused = true)]
async fn any_systems_in_handoff_reach_the_same_state_after_any_change() {
    let want = |n: usize| if n == 0 { Desired::default() } else { single_changes()[n - 1].1.clone() };
    for modes in subsets() {
        for n in 0..=single_changes().len() {
            let want = want(n);
            let reference = world([Mode::Manage; 3]);
            reference.complete(&Desired::default()).await;
            // What is not stated any more is left to the person, and no read tells when it is gone.
            let removes = ["one group less", "no environment", "config"];
            if n > 0 && removes.contains(&single_changes()[n - 1].0) {
                continue;
            }
            reference.complete(&want).await;
            let world = world(modes);
            with_a_person(&world, &Desired::default()).await;
            with_a_person(&world, &want).await;
            let (found, wanted) = (comparable(world.snapshot()), comparable(reference.snapshot()));
            same(&found, &wanted, &format!("{modes:?} {n}"));
            // Nothing is left to do, and a plan agrees.
            let again = world.apply(&want).await.outcome();
            assert!(again.plan.is_empty() && again.handoffs.is_empty(), "{modes:?} {n}: {again:#?}");
            let plan = world.plan(&want).await;
            assert!(plan.plan.is_empty(), "{modes:?} {n}: {:#?}", plan.plan);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn in_handoff_nothing_is_written_and_what_does_not_wait_goes_on() {
    let world = world([Mode::Manage, Mode::Handoff, Mode::Manage]);
    let outcome = world.apply(&Desired::default()).await.outcome();
    assert!(matches!(outcome.ending, Ending::Waiting));
    assert_eq!(outcome.handoffs.len(), 1);
    let handoff = &outcome.handoffs[0];
    let server = world.cloud.objects().into_iter().find(|o| o.kind == "server").expect("made");
    assert_eq!(handoff.values["url"], format!("https://cloud/{}/1", server.id));
    assert_eq!(handoff.done, Some(false));
    assert!(!world.cloud.writes().iter().any(|w| w.contains("issuer") || w.contains("entries")));
    // Beside it everything else is done: only what stands on it waits.
    let done =
        |address: &str| outcome.steps.iter().any(|s| s.resource.as_str() == address && s.status == StepStatus::Done);
    assert!(["server", "app", "scope", "grant", "config[1]"].into_iter().all(done));
}

#[tokio::test(start_paused = true)]
async fn what_a_person_deletes_and_makes_again_is_found() {
    let world = world([Mode::Handoff; 3]);
    with_a_person(&world, &Desired::default()).await;
    let app = world.cloud.objects().into_iter().find(|o| o.kind == "app").expect("made");
    world.cloud.take(&app.id);
    with_a_person(&world, &Desired::default()).await;
    let again = world.plan(&Desired::default()).await;
    assert!(again.plan.is_empty(), "{:#?}", again.plan);
}

#[tokio::test(start_paused = true)]
async fn a_removal_writes_nothing_there_and_tells_what_to_remove() {
    let world = world([Mode::Manage, Mode::Handoff, Mode::Manage]);
    with_a_person(&world, &Desired::default()).await;
    let issuer = world.cloud.objects().into_iter().find(|o| o.kind == "issuer").expect("made");
    let list = world.cloud.list();
    let outcome = world.remove(&Desired::default()).await.outcome();
    assert!(matches!(outcome.ending, Ending::Complete), "{outcome:#?}");
    assert!(world.book().await.items.is_empty());
    assert!(world.cloud.objects().contains(&issuer));
    assert_eq!(world.cloud.list(), list);
    let told: Vec<_> = outcome.handoffs.iter().map(|h| (h.what.as_str(), h.done)).collect();
    let what = |address: &str| format!("Remove what the integration no longer needs: {address}");
    assert_eq!(told, [(what("entry").as_str(), None), (what("issuer").as_str(), None)]);
}
