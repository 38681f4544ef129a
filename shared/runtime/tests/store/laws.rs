//! What every store promises.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use extoauth_core::clock::Clock;
use extoauth_core::engine::{
    Author, ChangeKind, Draft, Event, InventoryChange, InventoryItem, Lease, Leases, Ledger, LedgerError, Ownership,
    chain,
};
use extoauth_core::ids::{Address, IntegrationName, Subject, TrustKey};
use extoauth_core::registry::{IntegrationRecord, Registry, TrustRecord};
use extoauth_core::systems::{Idp, SystemId, SystemKind};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

/// A clock that is moved by hand.
pub struct Hand(Mutex<Timestamp>);

impl Hand {
    pub fn new() -> Arc<Self> {
        // The stores keep milliseconds.
        let now = Timestamp::from_millisecond(Timestamp::now().as_millisecond()).expect("the present");
        Arc::new(Self(Mutex::new(now)))
    }

    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().expect("no panic while held");
        *now += SignedDuration::try_from(by).expect("a short time");
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("no panic while held")
    }
}

const TTL: Duration = Duration::from_secs(60);

pub fn name(text: &str) -> IntegrationName {
    IntegrationName::try_from(text.to_owned()).expect("a name")
}

pub fn subject(text: &str) -> Subject {
    Subject::Integration(name(text))
}

pub fn draft(clock: &Hand, path: &str, event: Event, intent: Option<Uuid>) -> Draft {
    Draft {
        at: clock.now(),
        author: Author { request: "r".into(), ticket: "RITM1".into(), attempt: 1, ..Author::default() },
        address: Address::of(path),
        system: SystemId::new(SystemKind::Okta, "acme"),
        event,
        change: ChangeKind::Create,
        intent,
        fields: Vec::new(),
        identity: Some(json!({"id": "0oa1", "weight": 1.5})),
        vendor_request: None,
        detail: None,
    }
}

pub fn item(path: &str, order: u64) -> InventoryItem {
    InventoryItem {
        address: Address::of(path),
        kind: "okta.app".into(),
        system: SystemId::new(SystemKind::Okta, "acme"),
        identity: json!({"id": "0oa1"}),
        ownership: Ownership::Entry { pre_image: json!(["before"]) },
        written: [("secret".to_owned(), "v1".to_owned())].into(),
        order,
    }
}

pub async fn lease<S: Leases>(store: &S, key: &str, owner: &str) -> Lease {
    store.acquire(key, owner, TTL).await.expect("the store works").expect("the lease is free")
}

pub async fn all<S: Ledger + Leases + Registry>(store: &S, clock: &Hand) {
    leases_exclude_and_their_number_grows(store, clock).await;
    an_entry_and_its_inventory_are_stored_together(store, clock).await;
    a_failure_leaves_the_intent_open(store, clock).await;
    a_run_that_lost_its_lease_stores_nothing(store, clock).await;
    parallel_appends_make_one_chain(store, clock).await;
    subjects_do_not_mix(store, clock).await;
    a_trust_keeps_the_terms_of_the_first(store).await;
    integrations_are_listed_by_name(store).await;
    a_plan_is_remembered_from_when_it_was_first_shown(store, clock).await;
}

async fn leases_exclude_and_their_number_grows<S: Leases>(store: &S, clock: &Hand) {
    let first = lease(store, "l1", "a").await;
    assert_eq!(store.acquire("l1", "b", TTL).await.expect("works"), None);
    // The holder itself gets it again, under a new number: an earlier try of the same request is shut out.
    let again = lease(store, "l1", "a").await;
    assert!(again.fence > first.fence);
    assert!(matches!(store.renew(&first, TTL).await, Err(LedgerError::Fenced(_))));

    clock.advance(Duration::from_secs(30));
    let renewed = store.renew(&again, TTL).await.expect("still ours");
    assert_eq!(renewed.fence, again.fence);
    assert!(renewed.until > again.until);
    clock.advance(Duration::from_secs(45));
    assert_eq!(store.acquire("l1", "b", TTL).await.expect("works"), None, "the renewal counts");
    clock.advance(Duration::from_secs(16));
    // Over, but nobody has taken it: still ours.
    let revived = store.renew(&renewed, TTL).await.expect("nobody took it");
    clock.advance(Duration::from_secs(61));
    let taken = lease(store, "l1", "b").await;
    assert!(taken.fence > revived.fence);
    assert!(matches!(store.renew(&revived, TTL).await, Err(LedgerError::Fenced(_))));

    store.release(&revived).await.expect("giving back what is gone is no error");
    assert_eq!(store.acquire("l1", "c", TTL).await.expect("works"), None, "and takes nothing from anybody");
    store.release(&taken).await.expect("works");
    let next = lease(store, "l1", "c").await;
    assert!(next.fence > taken.fence, "the number outlives the lease");
    store.release(&next).await.expect("works");
    assert!(matches!(store.renew(&next, TTL).await, Err(LedgerError::Fenced(_))), "what was given back is gone");
}

async fn an_entry_and_its_inventory_are_stored_together<S: Ledger + Leases>(store: &S, clock: &Hand) {
    let subject = subject("together");
    let lease = lease(store, "together", "a").await;
    assert_eq!(store.load(&subject).await.expect("works"), Default::default());
    let id = Uuid::new_v4();
    let intent = draft(clock, "okta.app", Event::Intent, Some(id));
    let first = store.append(&subject, "app", intent.clone(), InventoryChange::Keep, &lease).await.expect("stored");
    assert_eq!((first.seq, first.previous.as_str()), (1, chain::GENESIS));
    let book = store.load(&subject).await.expect("works");
    let open = &book.intents[&intent.address];
    assert_eq!((open.id, open.kind.as_str(), open.at), (id, "app", intent.at));
    assert!(book.items.is_empty());

    let outcome = draft(clock, "okta.app", Event::Outcome, Some(id));
    let put = InventoryChange::Put(item("okta.app", 3));
    let second = store.append(&subject, "app", outcome.clone(), put, &lease).await.expect("stored");
    assert_eq!((second.seq, &second.previous), (2, &first.hash));
    let book = store.load(&subject).await.expect("works");
    assert!(book.intents.is_empty());
    assert_eq!(book.items[&outcome.address], item("okta.app", 3));

    let gone = draft(clock, "okta.app", Event::Outcome, None);
    let remove = InventoryChange::Remove(gone.address.clone());
    store.append(&subject, "app", gone, remove, &lease).await.expect("stored");
    assert_eq!(store.load(&subject).await.expect("works"), Default::default());
    let journal = store.journal(&subject).await.expect("works");
    assert_eq!(journal[..2], [first, second]);
    assert_eq!(journal.len(), 3);
}

async fn a_failure_leaves_the_intent_open<S: Ledger + Leases>(store: &S, clock: &Hand) {
    let subject = subject("failure");
    let lease = lease(store, "failure", "a").await;
    let id = Uuid::new_v4();
    for event in [Event::Intent, Event::Failure] {
        let entry = draft(clock, "okta.app", event, Some(id));
        store.append(&subject, "app", entry, InventoryChange::Keep, &lease).await.expect("stored");
    }
    assert_eq!(store.load(&subject).await.expect("works").intents.len(), 1);
    let found = draft(clock, "okta.app", Event::Recorded, None);
    store.append(&subject, "app", found, InventoryChange::Put(item("okta.app", 1)), &lease).await.expect("stored");
    let book = store.load(&subject).await.expect("works");
    assert!(book.intents.is_empty() && book.items.len() == 1);
}

async fn a_run_that_lost_its_lease_stores_nothing<S: Ledger + Leases>(store: &S, clock: &Hand) {
    let subject = subject("fenced");
    let old = lease(store, "fenced", "a").await;
    let append = |lease: Lease, path: &'static str| {
        let subject = &subject;
        async move {
            let entry = draft(clock, path, Event::Outcome, None);
            let put = InventoryChange::Put(item(path, 1));
            store.append(subject, "app", entry, put, &lease).await
        }
    };
    append(old.clone(), "a").await.expect("ours");
    let new = lease(store, "fenced", "a").await;
    assert!(matches!(append(old, "b").await, Err(LedgerError::Fenced(_))));
    let never = Lease { key: "never-taken".into(), ..new.clone() };
    assert!(matches!(append(never, "b").await, Err(LedgerError::Fenced(_))));
    assert_eq!(store.journal(&subject).await.expect("works").len(), 1);
    assert_eq!(store.load(&subject).await.expect("works").items.len(), 1);
    assert_eq!(append(new, "b").await.expect("ours").seq, 2);
}

async fn parallel_appends_make_one_chain<S: Ledger + Leases>(store: &S, clock: &Hand) {
    let subject = subject("parallel");
    let lease = lease(store, "parallel", "a").await;
    let paths: Vec<String> = (0..12).map(|n| format!("okta.app[{n}]")).collect();
    let appends = paths.iter().map(|path| {
        let entry = draft(clock, path, Event::Outcome, None);
        store.append(&subject, "app", entry, InventoryChange::Put(item(path, 1)), &lease)
    });
    let entries: Vec<_> = join_all(appends).await.into_iter().collect::<Result<_, _>>().expect("all stored");
    assert_eq!(entries.iter().map(|e| e.seq).collect::<BTreeSet<_>>(), (1..=12).collect());
    let journal = store.journal(&subject).await.expect("works");
    let texts: Vec<String> = journal.iter().map(|e| chain::text(&e.draft).expect("JSON")).collect();
    let links = journal.iter().zip(&texts).map(|(e, text)| chain::Link {
        seq: e.seq,
        previous: &e.previous,
        hash: &e.hash,
        text,
    });
    assert_eq!(chain::verify(links), Ok(journal[11].hash.as_str()));
    assert_eq!(store.load(&subject).await.expect("works").items.len(), 12);
}

async fn subjects_do_not_mix<S: Ledger + Leases>(store: &S, clock: &Hand) {
    let lease = lease(store, "mix", "a").await;
    let trust = Subject::Trust(TrustKey::new(Idp::Okta, "mix", "main"));
    for subject in [&subject("mix"), &trust] {
        let entry = draft(clock, "x", Event::Outcome, None);
        let stored = store.append(subject, "app", entry, InventoryChange::Keep, &lease).await.expect("stored");
        assert_eq!(stored.seq, 1);
    }
}

async fn integrations_are_listed_by_name<S: Registry>(store: &S) {
    let listed = async || -> Vec<String> {
        let all = store.integrations().await.expect("works");
        all.iter().map(|record| record.desired.name.to_string()).collect()
    };
    let record = |name: &str, complete: bool| -> IntegrationRecord {
        serde_json::from_value(json!({
            "desired": {"name": name, "idp": "okta", "idp_system": "acme", "warehouse_system": "main",
                "dbt_system": "acme", "environments": [], "connection_id": null, "private_link_endpoint_id": null,
                "warehouse_host": "wg", "database": "dev", "groups": ["g"], "user_claim": null,
                "identity_attribute": "emails.value", "secret_days": 180, "cutover": "now",
                "lifetimes": {"access_minutes": 60, "refresh_days": 90, "idle_days": 90}},
            "recipe_version": 1, "request": "r", "updated": "2026-11-23T12:00:00Z", "complete": complete}))
        .expect("a record")
    };
    assert!(listed().await.is_empty());
    for (name, complete) in [("second", false), ("first", false), ("second", true)] {
        store.put_integration(&record(name, complete)).await.expect("stored");
    }
    assert_eq!(listed().await, ["first", "second"]);
    assert_eq!(store.integration(&name("second")).await.expect("works"), Some(record("second", true)));
    store.remove_integration(&name("first")).await.expect("works");
    assert_eq!(listed().await, ["second"]);
    store.remove_integration(&name("second")).await.expect("works");
    assert!(listed().await.is_empty());
}

async fn a_trust_keeps_the_terms_of_the_first<S: Registry>(store: &S) {
    let key = TrustKey::new(Idp::Okta, "acme", "main");
    let joining = |who: &str, claim: &str| TrustRecord {
        key: key.clone(),
        claim: claim.into(),
        attribute: "emails.value".into(),
        audience: Some("https://wg".into()),
        owners: [name(who)].into(),
    };
    assert_eq!(store.trust(&key).await.expect("works"), None);
    let first = joining("first", "sub");
    assert_eq!(store.join_trust(&first).await.expect("works"), first);
    let both = store.join_trust(&joining("second", "email")).await.expect("works");
    assert_eq!((both.claim.as_str(), both.owners.len()), ("sub", 2));
    assert_eq!(store.join_trust(&joining("second", "email")).await.expect("works"), both, "joining twice is once");

    assert_eq!(store.leave_trust(&key, &name("first")).await.expect("works"), [name("second")].into());
    store.remove_trust(&key).await.expect("works");
    assert!(store.trust(&key).await.expect("works").is_some(), "a trust with an owner stays");
    assert_eq!(store.leave_trust(&key, &name("second")).await.expect("works"), BTreeSet::new());
    assert_eq!(store.trust(&key).await.expect("works").expect("still there").owners, BTreeSet::new());
    store.remove_trust(&key).await.expect("works");
    assert_eq!(store.trust(&key).await.expect("works"), None);
    assert_eq!(store.leave_trust(&key, &name("second")).await.expect("works"), BTreeSet::new());
    assert_eq!(store.trust(&key).await.expect("works"), None, "leaving makes nothing");
}

async fn a_plan_is_remembered_from_when_it_was_first_shown<S: Registry>(store: &S, clock: &Hand) {
    let (who, first) = (name("planned"), clock.now());
    assert_eq!(store.plan_shown_at(&who, "d1").await.expect("works"), None);
    store.plan_shown(&who, "d1", first).await.expect("works");
    clock.advance(Duration::from_secs(5));
    store.plan_shown(&who, "d1", clock.now()).await.expect("works");
    assert_eq!(store.plan_shown_at(&who, "d1").await.expect("works"), Some(first));
    assert_eq!(store.plan_shown_at(&who, "d2").await.expect("works"), None);
}
