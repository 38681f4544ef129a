//! The stores in memory, with the promises of the real ones: for tests, and for runs whose state nobody needs later.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use jiff::{SignedDuration, Timestamp};

use super::chain;
use super::ledger::{Book, Draft, Event, Intent, InventoryChange, JournalEntry, Lease, Leases, Ledger, LedgerError};
use crate::alert::{About, Alert, Alerts, Next};
use crate::clock::SharedClock;
use crate::ids::{IntegrationName, Subject, TrustKey};
use crate::notice::Notice;
use crate::registry::{CheckRecord, IntegrationRecord, Registry, TrustRecord};
use crate::rights::SystemRights;
use crate::systems::SystemId;

/// [`Ledger`], [`Leases`], [`Registry`] and [`Alerts`] in memory.
pub struct Memory {
    clock: SharedClock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    books: HashMap<Subject, Book>,
    journals: HashMap<Subject, Vec<JournalEntry>>,
    leases: HashMap<String, Lease>,
    integrations: BTreeMap<IntegrationName, IntegrationRecord>,
    trusts: BTreeMap<TrustKey, TrustRecord>,
    plans: HashMap<(IntegrationName, String), Timestamp>,
    checks: HashMap<IntegrationName, CheckRecord>,
    rights: HashMap<SystemId, SystemRights>,
    alerts: BTreeMap<(About, String, String), Alert>,
    notices: Vec<Notice>,
}

impl Memory {
    /// Empty stores; leases end by this clock.
    pub fn new(clock: SharedClock) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// What was to be told so far, oldest first.
    pub fn notices(&self) -> Vec<Notice> {
        self.state().notices.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change below is complete before anything in it can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether the lease is still its holder's; its time may be over as long as nobody else has taken it.
    fn holds(&self, lease: &Lease) -> Result<(), LedgerError> {
        match self.leases.get(&lease.key) {
            Some(now) if now.fence == lease.fence && now.owner == lease.owner => Ok(()),
            _ => Err(LedgerError::Fenced(lease.key.clone())),
        }
    }

    fn append(
        &mut self,
        subject: &Subject,
        kind: &str,
        draft: Draft,
        inventory: InventoryChange,
    ) -> Result<JournalEntry, LedgerError> {
        let text = chain::text(&draft).map_err(|e| LedgerError::Store(e.to_string()))?;
        let journal = self.journals.entry(subject.clone()).or_default();
        let (previous, seq) = journal.last().map_or((chain::GENESIS, 1), |last| (last.hash.as_str(), last.seq + 1));
        let entry = chain::seal(previous, seq, draft, &text);
        let book = self.books.entry(subject.clone()).or_default();
        let address = &entry.draft.address;
        match (entry.draft.event, entry.draft.intent) {
            (Event::Intent, Some(id)) => {
                let intent = Intent { id, address: address.clone(), kind: kind.to_owned(), at: entry.draft.at };
                book.intents.insert(address.clone(), intent);
            }
            (Event::Intent, None) | (Event::Failure, _) => {}
            (Event::Outcome | Event::Recorded, _) => {
                book.intents.remove(address);
            }
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
        journal.push(entry.clone());
        Ok(entry)
    }

    fn acquire(&mut self, key: &str, owner: &str, ttl: Duration, now: Timestamp) -> Option<Lease> {
        let before = self.leases.get(key);
        if before.is_some_and(|lease| lease.owner != owner && lease.until > now) {
            return None;
        }
        let fence = before.map_or(1, |lease| lease.fence + 1);
        let lease = Lease { key: key.to_owned(), fence, owner: owner.to_owned(), until: end(now, ttl) };
        self.leases.insert(key.to_owned(), lease.clone());
        Some(lease)
    }
}

/// When a lease taken now ends; a life that no calendar holds ends with the calendar.
fn end(now: Timestamp, ttl: Duration) -> Timestamp {
    SignedDuration::try_from(ttl).ok().and_then(|ttl| now.checked_add(ttl).ok()).unwrap_or(Timestamp::MAX)
}

impl Ledger for Memory {
    fn load<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, Result<Book, LedgerError>> {
        ready(Ok(self.state().books.get(subject).cloned().unwrap_or_default())).boxed()
    }

    fn append<'a>(
        &'a self,
        subject: &'a Subject,
        kind: &'a str,
        draft: Draft,
        inventory: InventoryChange,
        lease: &'a Lease,
    ) -> BoxFuture<'a, Result<JournalEntry, LedgerError>> {
        // Only when it is polled, as with a real store.
        async move {
            let mut state = self.state();
            state.holds(lease)?;
            state.append(subject, kind, draft, inventory)
        }
        .boxed()
    }

    fn journal<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, Result<Vec<JournalEntry>, LedgerError>> {
        ready(Ok(self.state().journals.get(subject).cloned().unwrap_or_default())).boxed()
    }
}

impl Leases for Memory {
    fn acquire<'a>(
        &'a self,
        key: &'a str,
        owner: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Option<Lease>, LedgerError>> {
        async move { Ok(self.state().acquire(key, owner, ttl, self.clock.now())) }.boxed()
    }

    fn renew<'a>(&'a self, lease: &'a Lease, ttl: Duration) -> BoxFuture<'a, Result<Lease, LedgerError>> {
        async move {
            let mut state = self.state();
            state.holds(lease)?;
            let renewed = Lease { until: end(self.clock.now(), ttl), ..lease.clone() };
            state.leases.insert(lease.key.clone(), renewed.clone());
            Ok(renewed)
        }
        .boxed()
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Result<(), LedgerError>> {
        async move {
            let mut state = self.state();
            if state.holds(lease).is_ok() {
                // The number stays: it must grow with the next holder.
                let free = Lease { owner: String::new(), until: Timestamp::UNIX_EPOCH, ..lease.clone() };
                state.leases.insert(lease.key.clone(), free);
            }
            Ok(())
        }
        .boxed()
    }
}

impl Alerts for Memory {
    fn alerts_of<'a>(&'a self, about: &'a About) -> BoxFuture<'a, Result<Vec<Alert>, LedgerError>> {
        async move {
            let state = self.state();
            Ok(state.alerts.values().filter(|alert| alert.matter.about == *about).cloned().collect())
        }
        .boxed()
    }

    fn store<'a>(&'a self, next: &'a Next) -> BoxFuture<'a, Result<bool, LedgerError>> {
        async move {
            let mut state = self.state();
            let alert = next.alert();
            let key = (alert.matter.about.clone(), alert.watch.clone(), alert.matter.key.clone());
            let held = state.alerts.get(&key).map_or(0, |held| held.revision);
            let known = next.notice().is_some_and(|notice| state.notices.iter().any(|told| told.id == notice.id));
            let expected = match next {
                Next::Keep { alert, .. } => alert.revision.saturating_sub(1),
                Next::Forget { alert, .. } => alert.revision,
            };
            if known || held != expected {
                return Ok(false);
            }
            match next {
                Next::Keep { alert, .. } => drop(state.alerts.insert(key, (**alert).clone())),
                Next::Forget { .. } => drop(state.alerts.remove(&key)),
            }
            state.notices.extend(next.notice().cloned());
            Ok(true)
        }
        .boxed()
    }
}

impl Registry for Memory {
    fn integration<'a>(
        &'a self,
        name: &'a IntegrationName,
    ) -> BoxFuture<'a, Result<Option<IntegrationRecord>, LedgerError>> {
        async move { Ok(self.state().integrations.get(name).cloned()) }.boxed()
    }

    fn integrations(&self) -> BoxFuture<'_, Result<Vec<IntegrationRecord>, LedgerError>> {
        async move { Ok(self.state().integrations.values().cloned().collect()) }.boxed()
    }

    fn put_integration<'a>(&'a self, record: &'a IntegrationRecord) -> BoxFuture<'a, Result<(), LedgerError>> {
        async move {
            self.state().integrations.insert(record.desired.name.clone(), record.clone());
            Ok(())
        }
        .boxed()
    }

    fn remove_integration<'a>(&'a self, name: &'a IntegrationName) -> BoxFuture<'a, Result<(), LedgerError>> {
        async move {
            self.state().integrations.remove(name);
            self.state().checks.remove(name);
            Ok(())
        }
        .boxed()
    }

    fn trust<'a>(&'a self, key: &'a TrustKey) -> BoxFuture<'a, Result<Option<TrustRecord>, LedgerError>> {
        async move { Ok(self.state().trusts.get(key).cloned()) }.boxed()
    }

    fn join_trust<'a>(&'a self, joining: &'a TrustRecord) -> BoxFuture<'a, Result<TrustRecord, LedgerError>> {
        async move {
            let mut state = self.state();
            let trust = state
                .trusts
                .entry(joining.key.clone())
                .or_insert_with(|| TrustRecord { owners: BTreeSet::new(), ..joining.clone() });
            trust.owners.extend(joining.owners.iter().cloned());
            Ok(trust.clone())
        }
        .boxed()
    }

    fn leave_trust<'a>(
        &'a self,
        key: &'a TrustKey,
        owner: &'a IntegrationName,
    ) -> BoxFuture<'a, Result<BTreeSet<IntegrationName>, LedgerError>> {
        async move {
            let mut state = self.state();
            let Some(trust) = state.trusts.get_mut(key) else { return Ok(BTreeSet::new()) };
            trust.owners.remove(owner);
            Ok(trust.owners.clone())
        }
        .boxed()
    }

    fn remove_trust<'a>(&'a self, key: &'a TrustKey) -> BoxFuture<'a, Result<(), LedgerError>> {
        async move {
            let mut state = self.state();
            if state.trusts.get(key).is_some_and(|trust| trust.owners.is_empty()) {
                state.trusts.remove(key);
            }
            Ok(())
        }
        .boxed()
    }

    fn plan_shown<'a>(
        &'a self,
        integration: &'a IntegrationName,
        digest: &'a str,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<(), LedgerError>> {
        async move {
            self.state().plans.entry((integration.clone(), digest.to_owned())).or_insert(at);
            Ok(())
        }
        .boxed()
    }

    fn plan_shown_at<'a>(
        &'a self,
        integration: &'a IntegrationName,
        digest: &'a str,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, LedgerError>> {
        async move { Ok(self.state().plans.get(&(integration.clone(), digest.to_owned())).copied()) }.boxed()
    }

    fn last_check<'a>(
        &'a self,
        integration: &'a IntegrationName,
    ) -> BoxFuture<'a, Result<Option<CheckRecord>, LedgerError>> {
        async move { Ok(self.state().checks.get(integration).cloned()) }.boxed()
    }

    fn put_check<'a>(
        &'a self,
        integration: &'a IntegrationName,
        record: &'a CheckRecord,
    ) -> BoxFuture<'a, Result<(), LedgerError>> {
        async move {
            self.state().checks.insert(integration.clone(), record.clone());
            Ok(())
        }
        .boxed()
    }

    fn rights<'a>(&'a self, system: &'a SystemId) -> BoxFuture<'a, Result<Option<SystemRights>, LedgerError>> {
        async move { Ok(self.state().rights.get(system).cloned()) }.boxed()
    }

    fn put_rights<'a>(&'a self, rights: &'a SystemRights) -> BoxFuture<'a, Result<(), LedgerError>> {
        async move {
            self.state().rights.insert(rights.system.clone(), rights.clone());
            Ok(())
        }
        .boxed()
    }
}
