//! A run: one reading of a recipe.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::guard::LeaseGuard;
use super::ledger::{Author, Book, ChangeKind, Draft, Event, FieldChange, InventoryChange, Ledger, LedgerError};
use super::mark::Mark;
use super::plan::{Change, Ending, Failure, Plan, Step, StepStatus};
use super::port::{Permit, WritePolicy};
use super::together::Together;
use crate::clock::Clock;
use crate::error::{CallError, ErrorKind};
use crate::finding::Finding;
use crate::handoff::Handoff;
use crate::ids::{Address, Subject};
use crate::systems::SystemId;

/// How a recipe is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Read and compare; write nothing.
    Plan,
    /// Bring everything to its state.
    Apply,
    /// Find what an interrupted run may have left, so that it can be removed with the rest.
    Remove,
}

/// Why a recipe stops at a step. What happened is kept by the run; this only unwinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// What this step stands on waits for a person.
    Waiting,
    /// Something else has failed or paused: nothing new is started.
    Halted,
    /// A vendor, another run or the deadline asks for time.
    Paused,
    /// This step failed.
    Failed,
    /// Another run has taken over.
    Fenced,
}

/// Patience with the vendors.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// The longest that a resource's lag is waited out within a run.
    pub lag_cap: Duration,
    /// Between two looks.
    pub poll: Duration,
    /// How long another holder of a lease is waited for within a run.
    pub lease_wait: Duration,
    /// Life of a lease: a run that dies blocks others for this long.
    pub lease_ttl: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            lag_cap: Duration::from_secs(90),
            poll: Duration::from_millis(700),
            lease_wait: Duration::from_secs(20),
            lease_ttl: Duration::from_secs(90),
        }
    }
}

/// Hears of every step as it happens.
pub trait Watcher: Send + Sync {
    /// A step has changed.
    fn step(&self, step: &Step);
}

/// What a run is given.
pub struct Setting<'a, S> {
    /// The systems.
    pub systems: &'a S,
    /// Journal and inventory.
    pub ledger: &'a dyn Ledger,
    /// The lease of the subject; the leases of shared objects come from the same store. A plan needs none.
    pub leases: Option<&'a LeaseGuard<'a>>,
    /// Policy of writes.
    pub policy: &'a dyn WritePolicy,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Who hears of the steps.
    pub watcher: &'a dyn Watcher,
    /// For whom.
    pub author: Author,
    /// The mark on what is made.
    pub mark: Mark,
    /// Patience.
    pub timing: Timing,
    /// What the runs of one request have in common: when one fails or pauses, none starts anything new.
    pub shared: &'a Shared,
}

/// What the runs of one request have in common.
#[derive(Debug, Default)]
pub struct Shared {
    halted: AtomicBool,
    unresolved: AtomicBool,
}

impl Shared {
    fn halt(&self) {
        self.halted.store(true, Ordering::Relaxed);
    }

    fn is_halted(&self) -> bool {
        self.halted.load(Ordering::Relaxed)
    }

    /// Whether any of the runs has an intent whose outcome is not known: only then a removal has to look around.
    pub(super) fn is_unresolved(&self) -> bool {
        self.unresolved.load(Ordering::Relaxed)
    }
}

#[derive(Default)]
pub(super) struct State {
    pub(super) steps: Vec<Step>,
    pub(super) changes: Vec<Change>,
    pub(super) findings: Vec<Finding>,
    pub(super) handoffs: Vec<Handoff>,
    pub(super) failures: Vec<Failure>,
    pub(super) stated: BTreeSet<Address>,
    pub(super) pause: Option<(Duration, String)>,
    pub(super) fenced: bool,
    pub(super) waiting: bool,
    /// Something was not begun because another step, of this run or of one that shares its fate, did not succeed.
    pub(super) skipped: bool,
    pub(super) next_order: u64,
    /// Kinds that a removal forgets and leaves where they are.
    pub(super) left: BTreeSet<String>,
}

/// One reading of a recipe.
pub struct Run<'a, S> {
    pub(super) setting: &'a Setting<'a, S>,
    pub(super) reading: Reading,
    pub(super) subject: Subject,
    pub(super) book: Mutex<Book>,
    pub(super) state: Mutex<State>,
}

/// What a run leaves.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// Its steps, in the order in which they began.
    pub steps: Vec<Step>,
    /// What was or must be done.
    pub plan: Plan,
    /// What it noticed.
    pub findings: Vec<Finding>,
    /// What people must do.
    pub handoffs: Vec<Handoff>,
    /// What failed.
    pub failures: Vec<Failure>,
}

impl<'a, S: Send + Sync> Run<'a, S> {
    /// Begins a run: loads what is known of its subject.
    ///
    /// # Errors
    /// The store failed.
    pub async fn begin(setting: &'a Setting<'a, S>, reading: Reading) -> Result<Self, LedgerError> {
        let subject = setting.mark.subject.clone();
        let book = setting.ledger.load(&subject).await?;
        if !book.intents.is_empty() {
            setting.shared.unresolved.store(true, Ordering::Relaxed);
        }
        let next_order = book.items.values().map(|i| i.order + 1).max().unwrap_or(1);
        let state = State { next_order, ..State::default() };
        Ok(Self { setting, reading, subject, book: Mutex::new(book), state: Mutex::new(state) })
    }

    /// How the recipe is read.
    pub fn reading(&self) -> Reading {
        self.reading
    }

    /// The systems.
    pub fn systems(&self) -> &'a S {
        self.setting.systems
    }

    /// The mark on what this run makes.
    pub fn mark(&self) -> &Mark {
        &self.setting.mark
    }

    /// Runs independent steps at the same time.
    ///
    /// # Errors
    /// The worst of what stopped them; nothing is dropped in flight.
    pub async fn all<T: Together>(&self, steps: T) -> Result<T::Output, Stop> {
        steps.together().await
    }

    /// Keeps what the inventory has of a kind although the recipe does not state it this time.
    pub fn keep(&self, kind: &str) {
        let kept: Vec<Address> =
            self.book().items.values().filter(|item| item.kind == kind).map(|item| item.address.clone()).collect();
        self.state().stated.extend(kept);
    }

    /// Forgets what the inventory has of a kind and leaves it where it is, since others stand on it: in a removal, where
    /// everything else goes.
    pub fn leave(&self, kind: &str) {
        self.state().left.insert(kind.to_owned());
    }

    /// The inventory as this run knows it.
    pub fn inventory(&self) -> Vec<super::ledger::InventoryItem> {
        self.book().items.values().cloned().collect()
    }

    /// Adds something noticed.
    pub fn note(&self, finding: Finding) {
        self.state().findings.push(finding);
    }

    /// Adds a hand-off that no read can confirm.
    pub fn hand_off(&self, handoff: Handoff) {
        self.state().handoffs.push(handoff);
    }

    /// Ends the run: a recipe that was read to its end also removes what it no longer states ([`Self::sweep`] must have
    /// been called for that).
    pub fn end(self) -> Outcome {
        let state = self.state.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let ending = if state.fenced {
            Ending::Fenced
        } else if !state.failures.is_empty() {
            Ending::Failed { transient: state.failures.iter().all(|f| f.error.kind.is_transient()) }
        } else if let Some((delay, reason)) = state.pause {
            Ending::Paused { delay, reason }
        } else if state.skipped {
            // The run that this one shares its fate with says why; this one is not complete.
            Ending::Paused { delay: Duration::ZERO, reason: "another part of the request did not succeed".to_owned() }
        } else if state.waiting {
            Ending::Waiting
        } else {
            Ending::Complete
        };
        Outcome {
            ending,
            plan: Plan::of(state.changes),
            steps: state.steps,
            findings: state.findings,
            handoffs: state.handoffs,
            failures: state.failures,
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.setting.clock.now()
    }

    /// Whether nothing new may be started.
    pub(super) fn halted(&self) -> bool {
        let state = self.state();
        state.fenced || state.pause.is_some() || (self.reading != Reading::Plan && self.setting.shared.is_halted())
    }

    pub(super) fn step(&self, address: &Address, change: ChangeKind, status: StepStatus, detail: impl Into<String>) {
        let step = Step { resource: address.clone(), change, status, detail: detail.into() };
        {
            let mut state = self.state();
            match state.steps.iter_mut().find(|s| s.resource == step.resource) {
                Some(known) => known.clone_from(&step),
                None => state.steps.push(step.clone()),
            }
        }
        self.setting.watcher.step(&step);
    }

    pub(super) fn changed(&self, address: &Address, change: ChangeKind, fields: Vec<FieldChange>) {
        self.state().changes.push(Change { resource: address.clone(), change, fields });
    }

    /// Leave to write to a system, if policy agrees and the lease is still ours.
    pub(super) async fn permit(&self, system: &SystemId) -> Result<Permit, StepError> {
        self.setting
            .policy
            .may_write(system)
            .map_err(|reason| StepError::Call(CallError::new(ErrorKind::Refused, system.clone(), "write", reason)))?;
        self.leases()?.fresh().await?;
        Ok(Permit::new())
    }

    /// The lease; only readings that write come here, and they are given one.
    pub(super) fn leases(&self) -> Result<&'a LeaseGuard<'a>, StepError> {
        let missing = || LedgerError::Store(format!("no lease was taken on {}", self.subject));
        self.setting.leases.ok_or_else(missing).map_err(StepError::from)
    }

    /// Turns what went wrong with a step into what the recipe sees, once, here.
    pub(super) fn stopped(&self, address: &Address, change: ChangeKind, error: StepError) -> Stop {
        match error {
            StepError::Call(e) if matches!(e.kind, ErrorKind::OutOfTime | ErrorKind::Throttled) => {
                let delay = e.retry_after.unwrap_or(Duration::from_secs(5));
                self.step(address, change, StepStatus::Waiting, e.to_string());
                self.pause(delay, e.to_string());
                Stop::Paused
            }
            StepError::Call(e) => {
                self.step(address, change, StepStatus::Failed, e.to_string());
                self.setting.shared.halt();
                self.state().failures.push(Failure { resource: address.clone(), error: e });
                Stop::Failed
            }
            StepError::Busy { key } => {
                let reason = format!("another run holds {key}");
                self.step(address, change, StepStatus::Waiting, reason.clone());
                self.pause(Duration::from_secs(5), reason);
                Stop::Paused
            }
            StepError::Ledger(LedgerError::Fenced(key)) => {
                self.step(address, change, StepStatus::Skipped, format!("another run has taken over {key}"));
                self.setting.shared.halt();
                self.state().fenced = true;
                Stop::Fenced
            }
            StepError::Ledger(LedgerError::Store(reason)) => {
                // Without the journal nothing may be written: the run goes on when the store answers again.
                self.step(address, change, StepStatus::Waiting, format!("the state store failed: {reason}"));
                self.pause(Duration::from_secs(10), format!("the state store failed: {reason}"));
                Stop::Paused
            }
        }
    }

    /// Asks for time: nothing new is started, the longest wish counts.
    pub fn pause(&self, delay: Duration, reason: String) {
        self.setting.shared.halt();
        let mut state = self.state();
        if state.pause.as_ref().is_none_or(|(known, _)| *known < delay) {
            state.pause = Some((delay, reason));
        }
    }

    pub(super) fn draft(&self, address: &Address, system: &SystemId, event: Event, change: ChangeKind) -> Draft {
        Draft {
            at: self.now(),
            author: self.setting.author.clone(),
            address: address.clone(),
            system: system.clone(),
            event,
            change,
            intent: None::<Uuid>,
            fields: Vec::new(),
            identity: None,
            vendor_request: None,
            detail: None,
        }
    }

    /// Writes a journal entry, and keeps our view of the inventory in step with it.
    pub(super) async fn append(&self, kind: &str, draft: Draft, inventory: InventoryChange) -> Result<(), StepError> {
        let lease = self.leases()?.own();
        let intent = (draft.event == Event::Intent).then_some(draft.intent).flatten().map(|id| super::ledger::Intent {
            id,
            address: draft.address.clone(),
            kind: kind.to_owned(),
            at: draft.at,
        });
        let (address, event) = (draft.address.clone(), draft.event);
        self.setting.ledger.append(&self.subject, kind, draft, inventory.clone(), &lease).await?;
        let mut book = self.book();
        match (event, intent) {
            (Event::Intent, Some(intent)) => {
                book.intents.insert(address, intent);
            }
            (Event::Outcome | Event::Recorded, _) => {
                book.intents.remove(&address);
            }
            _ => {}
        }
        match inventory {
            InventoryChange::Keep => {}
            InventoryChange::Put(item) => {
                book.items.insert(item.address.clone(), item);
            }
            InventoryChange::Remove(address) => {
                book.items.remove(&address);
            }
        }
        Ok(())
    }
}

/// What can go wrong with a step.
#[derive(Debug)]
pub(super) enum StepError {
    /// A remote call.
    Call(CallError),
    /// The state store.
    Ledger(LedgerError),
    /// Somebody else holds what we would write.
    Busy {
        /// What is held.
        key: String,
    },
}

impl From<CallError> for StepError {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl From<LedgerError> for StepError {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

/// A watcher that does not listen.
pub struct Unwatched;

impl Watcher for Unwatched {
    fn step(&self, _step: &Step) {}
}

/// A shared watcher.
impl<W: Watcher> Watcher for Arc<W> {
    fn step(&self, step: &Step) {
        self.as_ref().step(step);
    }
}
