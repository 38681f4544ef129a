//! Requests in the store.

use std::sync::Arc;
use std::time::Duration;

use extoauth_core::clock::Clock;
use extoauth_core::request::{Action, Content, Status, StoredRequest, TicketRef, Variables};
use extoauth_runtime::rotate::{Occasion, ask_rotation};
use extoauth_runtime::store::{Placed, Store, StoreError};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};

use crate::laws::{self, Hand};
use crate::moto::Moto;

fn request(sys_id: &str, at: Timestamp) -> StoredRequest {
    let ticket = TicketRef {
        table: "sc_req_item".into(),
        sys_id: sys_id.into(),
        number: "RITM1".into(),
        approval: None,
        requested_for: None,
        opened_by: None,
    };
    let content = Content {
        action: Action::Verify,
        source: "servicenow".into(),
        instance: "acme.service-now.com".into(),
        integration: Some(laws::name("analytics")),
        ticket,
        given: Variables::default(),
        variables: Variables::default(),
    };
    StoredRequest::new(content, Some("msg_1".into()), at)
}

async fn due(store: &Store, at: Timestamp) -> Vec<String> {
    store.due(at, 10).await.expect("works").into_iter().map(|due| due.request.to_string()).collect()
}

fn after(clock: &Hand, seconds: i64) -> Timestamp {
    clock.now() + SignedDuration::from_secs(seconds)
}

#[tokio::test(flavor = "current_thread")]
async fn fifty_copies_make_one_request() {
    let Some(moto) = Moto::start().await else { return };
    let clock = Hand::new();
    let stores: Vec<Arc<Store>> = (0..5).map(|_| Arc::new(moto.store(&clock))).collect();
    let request = request("a", clock.now());
    let copies = (0..50).map(|n| stores[n % 5].place(request.clone()));
    let placed: Vec<_> = join_all(copies).await.into_iter().map(|p| p.expect("works")).collect();
    assert_eq!(placed.iter().filter(|p| matches!(p, Placed::New(_))).count(), 1);
    let (Placed::New(held) | Placed::Existing(held)) = &placed[0];
    assert!(placed.iter().all(|p| matches!(p, Placed::New(h) | Placed::Existing(h) if h == held)));
    assert_eq!(stores[0].due(after(&clock, 61), 10).await.expect("works").len(), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn what_was_stored_and_not_sent_is_sent_by_the_sweep() {
    let Some(moto) = Moto::start().await else { return };
    let clock = Hand::new();
    let store = moto.store(&clock);
    let request = request("a", clock.now());
    let id = request.id.clone();
    let Placed::New(held) = store.place(request).await.expect("works") else { panic!("it is new") };
    assert!(!held.request.queued);
    assert!(due(&store, after(&clock, 59)).await.is_empty(), "intake gets its time");
    assert_eq!(due(&store, after(&clock, 60)).await, [id.to_string()]);

    // The sweep sends it, and looks again if nobody works on it.
    let entry = store.due(after(&clock, 60), 10).await.expect("works").remove(0);
    store.mark_resent(&entry, after(&clock, 600)).await.expect("works");
    assert!(due(&store, after(&clock, 599)).await.is_empty());
    assert_eq!(due(&store, after(&clock, 600)).await, [id.to_string()]);
    assert!(store.request(&id).await.expect("works").expect("there").request.queued);

    // Intake's late note changes nothing.
    store.mark_queued(&held).await.expect("works");
    assert_eq!(due(&store, after(&clock, 600)).await, [id.to_string()]);
}

#[tokio::test(flavor = "current_thread")]
async fn a_request_is_changed_by_one_at_a_time() {
    let Some(moto) = Moto::start().await else { return };
    let clock = Hand::new();
    let store = moto.store(&clock);
    let request = request("a", clock.now());
    let id = request.id.clone();
    assert_eq!(store.request(&id).await, Ok(None));
    let Placed::New(placed) = store.place(request).await.expect("works") else { panic!("it is new") };
    store.mark_queued(&placed).await.expect("works");
    assert!(due(&store, after(&clock, 9_999)).await.is_empty(), "sent");

    let held = store.request(&id).await.expect("works").expect("there");
    assert!(held.request.queued && held.due().is_none());
    let mut waiting = held.request.clone();
    waiting.status = Status::Waiting;
    let until = after(&clock, 300);
    let saved = store.save(&held, waiting.clone(), Some(until)).await.expect("as it was read");
    assert_eq!(saved.due(), Some(until));
    assert_eq!(store.save(&held, waiting.clone(), None).await, Err(StoreError::Changed));
    assert_eq!(store.request(&id).await, Ok(Some(saved.clone())));
    assert_eq!(due(&store, until).await, [id.to_string()]);

    let mut failed = waiting;
    failed.status = Status::Failed;
    let saved = store.save(&saved, failed, None).await.expect("as it was read");
    assert!(due(&store, after(&clock, 9_999)).await.is_empty(), "it waits no more");

    assert_eq!(store.count_failure(&id).await, Ok(1));
    assert_eq!(store.count_failure(&id).await, Ok(2));
    let counted = store.save(&saved, saved.request.clone(), None).await.expect("counting is no change of it");
    clock.advance(Duration::from_secs(5));
    let again = counted.request.next_attempt(counted.request.content.clone(), None, clock.now());
    let next = store.place_next(&counted, again.clone()).await.expect("as it was read");
    assert_eq!((next.failures, next.request.attempt), (0, 2));
    assert_eq!(store.place_next(&counted, again).await, Err(StoreError::Changed), "one of two posters wins");
    assert_eq!(store.request(&id).await, Ok(Some(next)));
    assert_eq!(due(&store, after(&clock, 60)).await, [id.to_string()]);
    store.mark_queued(&placed).await.expect("works");
    assert_eq!(due(&store, after(&clock, 60)).await, [id.to_string()], "a note about the first attempt");
}

#[tokio::test(flavor = "current_thread")]
async fn policy_asks_for_a_rotation_once_a_version_and_again_when_it_failed() {
    let Some(moto) = Moto::start().await else { return };
    let clock = Hand::new();
    let store = moto.store(&clock);
    let (name, now) = (laws::name("analytics"), clock.now());
    let ask = async |occasion| ask_rotation(&store, &name, occasion, now, now).await.expect("works");
    let id = ask(Occasion::Ends("v1")).await;
    assert_eq!(ask(Occasion::Ends("v1")).await, id);
    assert_ne!(ask(Occasion::Ends("v2")).await, id, "another secret");
    assert_ne!(ask(Occasion::Begun("v1")).await, id, "another occasion");
    assert_eq!(store.due(after(&clock, 61), 10).await.expect("works").len(), 3, "the sweep sends them");

    let held = store.request(&id).await.expect("works").expect("stored");
    assert!(held.request.content.is_of_policy());
    for (status, attempt) in [(Status::Waiting, 1), (Status::Succeeded, 1), (Status::Failed, 2)] {
        let held = store.request(&id).await.expect("works").expect("stored");
        let ended = StoredRequest { status, ..held.request.clone() };
        store.save(&held, ended, None).await.expect("works");
        ask(Occasion::Ends("v1")).await;
        let asked = store.request(&id).await.expect("works").expect("stored").request;
        assert_eq!(asked.attempt, attempt, "after {status:?}");
    }
}
