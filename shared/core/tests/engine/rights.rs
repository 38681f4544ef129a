//! What depends on more than the system's mode: steps that only a person may do, creates that may be repeated, things of
//! others that are told, and objects that a removal leaves to others.

use std::time::Duration;

use extoauth_core::engine::{ChangeKind, Ending, Outcome, Reading, Run, Shared, Stop};
use tokio::time::Instant;

use crate::cloud::{Fault, Object};
use crate::recipe::Removers;
use crate::things::{App, Config, Keyed, LAG, STRANGERS, Server, Systems, Thing};
use crate::world::World;

/// One reading of a small recipe.
async fn read(
    world: &World,
    reading: Reading,
    recipe: impl AsyncFn(&Run<'_, Systems>) -> Result<(), Stop>,
    leave: Option<&str>,
) -> Outcome {
    let guard = world.lease().await;
    let shared = Shared::default();
    let setting = world.setting(Some(&guard), &shared);
    let run = Run::begin(&setting, reading).await.expect("memory");
    if recipe(&run).await.is_ok() {
        leave.into_iter().for_each(|kind| run.leave(kind));
        let _ = run.sweep(&Removers).await;
    }
    let outcome = run.end();
    guard.release().await.expect("memory");
    outcome
}

/// The app is a person's, or ours once we have the right.
fn with_app(ours: bool) -> impl AsyncFn(&Run<'_, Systems>) -> Result<(), Stop> {
    async move |run: &Run<'_, Systems>| {
        let server = run.ensure(Thing::<Server>::new("server")).await?;
        let app = Thing::<App>::new("app").with("redirect", "r1");
        let app = run.ensure(if ours { app } else { app.only_by_hand() }).await?;
        run.ensure(Thing::<Config>::new("config").pointing("server", &server).pointing("uses", &app)).await?;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_that_only_a_person_may_do_in_a_managed_system() {
    let world = World::new();
    let waits = read(&world, Reading::Apply, with_app(false), None).await;
    assert!(matches!(waits.ending, Ending::Waiting));
    assert_eq!(waits.handoffs.len(), 1);
    assert_eq!(waits.handoffs[0].values["redirect"], "r1");
    assert_eq!(world.cloud.writes(), ["create server server"], "the rest of the system is managed");

    let id = world.cloud.new_id();
    let fields = [("redirect".to_owned(), "r1".to_owned())].into();
    world.cloud.put(Object {
        id: id.clone(),
        kind: "app".into(),
        name: "app".into(),
        mark: None,
        parent: None,
        fields,
        secret: None,
    });
    let done = read(&world, Reading::Apply, with_app(false), None).await;
    assert!(matches!(done.ending, Ending::Complete), "it goes on by itself");
    assert_eq!(world.book().await.items.values().filter(|item| item.identity["id"] == id.as_str()).count(), 1);

    // With the right given later it stays the object that it is.
    world.cloud.forget_calls();
    let again = read(&world, Reading::Apply, with_app(true), None).await;
    assert!(matches!(again.ending, Ending::Complete));
    assert_eq!(world.cloud.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_create_that_may_be_repeated_is_not_waited_for() {
    async fn one<K: crate::things::Kind>() -> Duration {
        let world = World::new();
        let recipe = async |run: &Run<'_, Systems>| {
            run.ensure(Thing::<K>::new("one")).await?;
            Ok(())
        };
        // The look, then the create, which is lost.
        world.cloud.fail(1, Fault::LostBefore);
        let start = Instant::now();
        let outcome = read(&world, Reading::Apply, recipe, None).await;
        assert!(matches!(outcome.ending, Ending::Complete));
        assert_eq!(world.cloud.objects().iter().filter(|object| object.name == "one").count(), 1);
        start.elapsed()
    }
    assert!(one::<Config>().await >= LAG, "it may still appear");
    assert!(one::<Keyed>().await < LAG, "sent again, it makes no second one");
}

#[tokio::test(start_paused = true)]
async fn what_others_have_put_there_is_told_and_kept() {
    let world = World::new();
    let recipe = async |run: &Run<'_, Systems>| {
        run.ensure(Thing::<Server>::new("server").with("label", "l1")).await?;
        Ok(())
    };
    let told = |outcome: &Outcome| outcome.findings.iter().filter(|finding| finding.check == STRANGERS).count();
    assert_eq!(told(&read(&world, Reading::Apply, recipe, None).await), 0);
    let ours = |object: &Object| object.name == "server" && object.id.starts_with('o');
    let mut server = world.cloud.objects().into_iter().find(ours).expect("made");
    server.fields.insert(STRANGERS.into(), "theirs".into());
    world.cloud.put(server);
    for reading in [Reading::Plan, Reading::Apply] {
        let outcome = read(&world, reading, recipe, None).await;
        assert_eq!(told(&outcome), 1, "{reading:?}");
        assert!(outcome.plan.is_empty(), "{reading:?}: it is no difference");
    }
    assert!(world.cloud.objects().iter().any(|object| object.fields.contains_key(STRANGERS)));
}

#[tokio::test(start_paused = true)]
async fn a_removal_leaves_what_others_stand_on() {
    let world = World::new();
    read(&world, Reading::Apply, with_app(true), None).await;
    let gone = read(&world, Reading::Remove, with_app(true), Some("server")).await;
    assert!(matches!(gone.ending, Ending::Complete));
    let left: Vec<String> =
        world.cloud.objects().into_iter().filter(|o| o.id.starts_with('o')).map(|o| o.kind).collect();
    assert_eq!(left, ["server"]);
    assert!(world.book().await.items.is_empty(), "it is forgotten");
    let removed: Vec<_> = gone.plan.changes.iter().filter(|change| change.change == ChangeKind::Delete).collect();
    assert_eq!(removed.len(), 3);
}
