//! A deployment around the cloud: stores, clock, policy, and requests that are tried until they end.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use extoauth_core::clock::Clock;
use extoauth_core::engine::memory::Memory;
use extoauth_core::engine::{
    Author, Book, Draft, Ending, InventoryChange, JournalEntry, Lease, LeaseGuard, Ledger, LedgerError, Mark, Outcome,
    Port, Reading, Run, Setting, Shared, Timing, Unwatched, WritePolicy,
};
use extoauth_core::ids::{IntegrationName, Subject};
use extoauth_core::systems::{Mode, SystemId, SystemKind};
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::cloud::{Cloud, Object};
use crate::crossing::Crossing;
use crate::recipe::{Desired, Removers, recipe};
use crate::things::{CloudPort, Systems};

/// The clock of the vendor's time, which only waiting moves.
pub struct PausedClock(Instant);

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.0.elapsed()).expect("short");
        Timestamp::from_second(1_800_000_000).expect("a date") + passed
    }
}

/// The ledger, in which a run can die as well.
pub struct Books {
    memory: Arc<Memory>,
    crossing: Arc<Crossing>,
    /// The store's answer to the `n`th entry from now is lost, before or after it has stored it.
    failing: Mutex<Option<(usize, bool)>>,
}

impl Books {
    pub fn fail(&self, n: usize, stored: bool) {
        *self.failing.lock().expect("held briefly") = Some((n, stored));
    }

    /// Nothing planned is to fail any more.
    pub fn clear(&self) {
        *self.failing.lock().expect("held briefly") = None;
    }

    fn fails_now(&self) -> Option<bool> {
        let mut failing = self.failing.lock().expect("held briefly");
        match failing.take() {
            Some((0, stored)) => Some(stored),
            other => {
                *failing = other.map(|(n, stored)| (n - 1, stored));
                None
            }
        }
    }
}

impl Ledger for Books {
    fn load<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, Result<Book, LedgerError>> {
        self.memory.load(subject)
    }

    fn append<'a>(
        &'a self,
        subject: &'a Subject,
        kind: &'a str,
        draft: Draft,
        inventory: InventoryChange,
        lease: &'a Lease,
    ) -> BoxFuture<'a, Result<JournalEntry, LedgerError>> {
        async move {
            let what = format!("journal {:?} {:?} {}", draft.event, draft.change, draft.address);
            let lost = || LedgerError::Store("no answer".into());
            let fails = self.fails_now();
            self.crossing.before(&what).await;
            if fails == Some(false) {
                return Err(lost());
            }
            let entry = self.memory.append(subject, kind, draft, inventory, lease).await?;
            self.crossing.after(&what).await;
            if fails.is_some() { Err(lost()) } else { Ok(entry) }
        }
        .boxed()
    }

    fn journal<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, Result<Vec<JournalEntry>, LedgerError>> {
        self.memory.journal(subject)
    }
}

/// Writes only where we manage, and only while it is on.
pub struct Policy {
    managed: BTreeMap<SystemId, bool>,
    pub off: AtomicBool,
}

impl WritePolicy for Policy {
    fn may_write(&self, system: &SystemId) -> Result<(), String> {
        let managed = self.managed.get(system).copied().unwrap_or_default();
        (managed && !self.off.load(Ordering::Relaxed)).then_some(()).ok_or_else(|| "writes are off".to_owned())
    }
}

/// How a try of a request ended.
#[derive(Debug)]
pub enum Tried {
    /// The process died.
    Crashed,
    /// The run ended.
    Ended(Outcome),
}

impl Tried {
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Ended(outcome) => outcome,
            Self::Crashed => panic!("the run crashed"),
        }
    }
}

pub struct World {
    pub cloud: Arc<Cloud>,
    pub crossing: Arc<Crossing>,
    pub memory: Arc<Memory>,
    pub books: Books,
    pub systems: Systems,
    pub policy: Policy,
    pub clock: Arc<PausedClock>,
    pub subject: Subject,
    request: AtomicU32,
    attempt: AtomicU32,
    described: Mutex<Option<Desired>>,
}

pub const OWNER: &str = "request";

pub fn timing() -> Timing {
    Timing {
        lag_cap: Duration::from_secs(1),
        poll: Duration::from_millis(100),
        lease_wait: Duration::from_secs(1),
        lease_ttl: Duration::from_secs(90),
    }
}

impl World {
    /// We manage everything.
    pub fn new() -> Self {
        Self::with_modes([Mode::Manage; 3])
    }

    /// Modes of the identity provider, the warehouse and the client. Somebody else's things are there already, some of
    /// which look like ours.
    pub fn with_modes(modes: [Mode; 3]) -> Self {
        let crossing = Arc::new(Crossing::default());
        let cloud = Arc::new(Cloud::new(crossing.clone()));
        seed(&cloud);
        let clock = Arc::new(PausedClock(Instant::now()));
        let memory = Arc::new(Memory::new(clock.clone()));
        let ids = [SystemKind::Okta, SystemKind::Redshift, SystemKind::Dbt].map(|kind| SystemId::new(kind, "acme"));
        let port = |n: usize| -> CloudPort { Port::new(ids[n].clone(), modes[n], cloud.clone(), cloud.clone()) };
        Self {
            systems: Systems { idp: port(0), warehouse: port(1), client: port(2) },
            policy: Policy {
                managed: ids.iter().cloned().zip(modes.map(|mode| mode == Mode::Manage)).collect(),
                off: AtomicBool::new(false),
            },
            books: Books { memory: memory.clone(), crossing: crossing.clone(), failing: Mutex::default() },
            subject: Subject::Integration(IntegrationName::try_from("analytics".to_owned()).expect("a name")),
            request: AtomicU32::new(1),
            attempt: AtomicU32::new(0),
            described: Mutex::default(),
            cloud,
            crossing,
            memory,
            clock,
        }
    }

    /// What follows belongs to another ticket.
    pub fn next_request(&self) {
        self.request.fetch_add(1, Ordering::Relaxed);
    }

    pub fn owner(&self) -> String {
        format!("{OWNER}-{}", self.request.load(Ordering::Relaxed))
    }

    pub fn mark(&self) -> Mark {
        Mark { deployment: "test".into(), subject: self.subject.clone() }
    }

    pub async fn book(&self) -> Book {
        self.memory.load(&self.subject).await.expect("memory")
    }

    pub async fn journal(&self) -> Vec<JournalEntry> {
        self.memory.journal(&self.subject).await.expect("memory")
    }

    pub fn setting<'a>(&'a self, leases: Option<&'a LeaseGuard<'a>>, shared: &'a Shared) -> Setting<'a, Systems> {
        let author = Author {
            request: self.owner(),
            ticket: "RITM1".into(),
            requested_by: "dev".into(),
            approved_by: "boss".into(),
            plan_digest: None,
            attempt: self.attempt.fetch_add(1, Ordering::Relaxed) + 1,
        };
        Setting {
            systems: &self.systems,
            ledger: &self.books,
            leases,
            policy: &self.policy,
            clock: &*self.clock,
            watcher: &Unwatched,
            author,
            mark: self.mark(),
            timing: timing(),
            shared,
        }
    }

    /// Tries something until it ends, or the process dies.
    pub async fn mortal(&self, run: impl Future<Output = Outcome>) -> Tried {
        tokio::select! {
            biased;
            () = self.crossing.death() => Tried::Crashed,
            outcome = run => Tried::Ended(outcome),
        }
    }

    pub async fn lease(&self) -> LeaseGuard<'_> {
        let (key, owner, timing) = (self.subject.to_string(), self.owner(), timing());
        LeaseGuard::take(&*self.memory, &*self.clock, &key, &owner, timing.lease_ttl, timing.lease_wait)
            .await
            .expect("memory")
            .expect("nobody else has it")
    }

    async fn read(&self, reading: Reading, want: &Desired, sweep: bool) -> Outcome {
        let guard = if reading == Reading::Plan { None } else { Some(self.lease().await) };
        let shared = Shared::default();
        let setting = self.setting(guard.as_ref(), &shared);
        let run = Run::begin(&setting, reading).await.expect("memory");
        if Box::pin(recipe(&run, want)).await.is_ok() && sweep {
            let _ = run.sweep(&Removers).await;
        }
        let outcome = run.end();
        if let Some(guard) = guard {
            guard.release().await.expect("memory");
        }
        outcome
    }

    /// Reads the recipe as a plan.
    pub async fn plan(&self, want: &Desired) -> Outcome {
        self.read(Reading::Plan, want, true).await
    }

    /// One try to bring everything to its state. What an interrupted try of another description may have left is
    /// settled first: only its own recipe can find it.
    pub async fn apply(&self, want: &Desired) -> Tried {
        let before = self.described.lock().expect("held briefly").clone();
        let unsettled = !self.book().await.intents.is_empty();
        self.mortal(async {
            if let Some(before) = before.filter(|before| unsettled && before != want) {
                let settled = Box::pin(self.read(Reading::Remove, &before, false)).await;
                if !matches!(settled.ending, Ending::Complete) {
                    return settled;
                }
            }
            *self.described.lock().expect("held briefly") = Some(want.clone());
            Box::pin(self.read(Reading::Apply, want, true)).await
        })
        .await
    }

    /// One try to remove everything.
    pub async fn remove(&self, want: &Desired) -> Tried {
        self.mortal(self.read(Reading::Remove, want, true)).await
    }

    /// Applies without anything going wrong. A dead run's leases on shared objects may have to end first.
    pub async fn complete(&self, want: &Desired) -> Outcome {
        self.patiently(|| self.apply(want)).await
    }

    async fn patiently<F: Future<Output = Tried>>(&self, attempt: impl Fn() -> F) -> Outcome {
        for _ in 0..30 {
            let outcome = attempt().await.outcome();
            match outcome.ending {
                Ending::Complete => return outcome,
                Ending::Paused { delay, .. } => tokio::time::sleep(delay).await,
                _ => panic!("{:?}\n{:#?}\n{:#?}", outcome.ending, outcome.failures, outcome.steps),
            }
        }
        panic!("paused for ever")
    }

    /// Removes without anything going wrong, and holds that nothing is left and nothing else has changed.
    pub async fn clean_up(&self, want: &Desired) {
        self.patiently(|| self.remove(want)).await;
        assert_eq!(self.book().await, Book::default());
        same(&self.snapshot(), &World::new().snapshot(), "after the removal");
    }

    /// Holds the laws that every end state has: everything that carries our mark, or is below it, is in the inventory;
    /// nothing is open; a plan is empty and writes nothing.
    pub async fn is_at_rest(&self, want: &Desired) {
        let book = self.book().await;
        assert!(book.intents.is_empty(), "open intents: {:?}", book.intents);
        let recorded: Vec<_> = book.items.values().filter_map(|item| item.identity["id"].as_str()).collect();
        for object in self.cloud.objects().iter().filter(|object| object.id.starts_with('o')) {
            assert!(recorded.contains(&object.id.as_str()), "an orphan: {object:?}\n{book:#?}");
        }
        self.cloud.forget_calls();
        let plan = self.plan(want).await;
        assert!(plan.plan.is_empty(), "{:#?}", plan.plan);
        assert!(self.cloud.writes().is_empty(), "a plan wrote: {:?}", self.cloud.writes());
    }

    /// The cloud with the vendor's ids replaced by what they stand for.
    pub fn snapshot(&self) -> Vec<String> {
        let objects = self.cloud.objects();
        let mark = self.mark().to_string();
        let label = |object: &Object| match (&object.mark, object.id.starts_with('o')) {
            (_, false) => object.id.clone(),
            (Some(own), true) if *own == mark => format!("<{} {} with our mark>", object.kind, object.name),
            (_, true) => format!("<{} {}>", object.kind, object.name),
        };
        let named =
            |text: &str| objects.iter().fold(text.to_owned(), |text, object| text.replace(&object.id, &label(object)));
        let mut lines: Vec<String> = objects
            .iter()
            .map(|o| named(&format!("{} in {:?}: {:?} secret {:?}", label(o), o.parent, o.fields, o.secret)))
            .chain(self.cloud.list().iter().map(|(issuer, audiences)| named(&format!("entry {issuer}: {audiences:?}"))))
            .collect();
        lines.sort();
        lines
    }
}

/// Somebody else's: look-alikes of what is ours but for the mark, an entry in the list, environments on a
/// configuration of their own.
fn seed(cloud: &Cloud) {
    let foreign = |id: &str, kind: &str, name: &str, fields: &[(&str, &str)]| Object {
        id: id.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        mark: None,
        parent: None,
        fields: fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        secret: Some("theirs".to_owned()),
    };
    cloud.put(foreign("x-server", "server", "server", &[("label", "theirs")]));
    cloud.put(foreign("x-app", "app", "app", &[("redirect", "theirs")]));
    cloud.put(foreign("x-config", "config", "config-1", &[("uses", "x-app")]));
    cloud.put(Object { parent: Some("x-server".into()), ..foreign("x-scope", "scope", "role-any", &[]) });
    for n in 1..=3 {
        cloud.put(foreign(&format!("env-{n}"), "environment", "env", &[("uses", "x-config"), ("other", "kept")]));
    }
    cloud.put_entry("x-issuer", &["theirs"]);
}

/// Holds that two states are the same, and says where they differ.
pub fn same(found: &[String], wanted: &[String], context: &str) {
    let lines = |here: &[String], there: &[String]| -> Vec<String> {
        let count = |lines: &[String], line: &String| lines.iter().filter(|l| *l == line).count();
        here.iter().filter(|line| count(here, line) != count(there, line)).cloned().collect()
    };
    let (more, fewer) = (lines(found, wanted), lines(wanted, found));
    assert!(more.is_empty() && fewer.is_empty(), "{context}:\nfound {more:#?}\nwanted {fewer:#?}");
}

/// The undisturbed end state of a description.
pub async fn undisturbed(want: &Desired) -> Vec<String> {
    let world = World::new();
    world.complete(want).await;
    world.snapshot()
}
