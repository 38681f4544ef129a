//! Removing what is no longer wanted.

use std::cmp::Reverse;
use std::collections::VecDeque;

use futures::future::BoxFuture;

use super::ledger::{ChangeKind, Event, InventoryChange, InventoryItem, Ownership};
use super::plan::StepStatus;
use super::port::Permit;
use super::run::{Reading, Run, StepError, Stop};
use crate::error::{CallError, ErrorKind};
use crate::finding::{Finding, Severity};
use crate::handoff::Handoff;
use crate::ids::Address;
use crate::systems::Mode;

/// Check id of a create whose outcome is not known and that no recipe states any more.
const UNCONFIRMED_CREATE: &str = "unconfirmed_create";

/// The code that can remove an inventory item, by its kind.
pub trait Remover<S>: Send + Sync {
    /// Removes the object, or takes our entry out of somebody else's object: what stood there before is put back only if
    /// the entry still is ours. Finding it gone is success.
    fn remove<'a>(&'a self, systems: &'a S, item: &'a InventoryItem, permit: &'a Permit) -> BoxFuture<'a, Removal>;

    /// What may be done in the item's system. Where we may not write, a removal is handed to a person and forgotten.
    fn mode(&self, _systems: &S, _item: &InventoryItem) -> Mode {
        Mode::Manage
    }

    /// The key under which writers of the object's holder exclude each other.
    fn shared_key(&self, item: &InventoryItem) -> Option<String>;
}

/// The vendor's id of the removing call, where there was one.
pub type Removal = Result<Option<String>, CallError>;

impl<S: Send + Sync> Run<'_, S> {
    /// Removes what the inventory has and the recipe has not stated, latest first. To be called after the recipe was
    /// read to its end: a run that stopped removes nothing.
    ///
    /// In a removal the recipe states nothing, so everything goes. What fails is named, and the next run goes on with it.
    ///
    /// # Errors
    /// Why not all is removed; the run has kept the reasons.
    pub async fn sweep(&self, remover: &dyn Remover<S>) -> Result<(), Stop> {
        let mut left: VecDeque<InventoryItem> = self.no_longer_wanted().into();
        // What the vendor refuses to remove, since something else that is to go still uses it.
        let mut in_use: Vec<(InventoryItem, CallError)> = Vec::new();
        while let Some(item) = left.pop_front() {
            if self.reading == Reading::Plan {
                self.step(&item.address, ChangeKind::Delete, StepStatus::Pending, "to be removed");
                self.changed(&item.address, ChangeKind::Delete, Vec::new());
                continue;
            }
            if self.halted() || !self.state().failures.is_empty() {
                self.still_there(&item);
                continue;
            }
            if remover.mode(self.setting.systems, &item) != Mode::Manage {
                if let Err(error) = self.leave_to_a_person(&item).await {
                    self.stopped(&item.address, ChangeKind::Handoff, error);
                }
                continue;
            }
            self.step(&item.address, ChangeKind::Delete, StepStatus::Running, "");
            match self.remove(remover, &item).await {
                Ok(()) => {
                    self.step(&item.address, ChangeKind::Delete, StepStatus::Done, self.gone(&item));
                    self.changed(&item.address, ChangeKind::Delete, Vec::new());
                    for (item, _) in in_use.drain(..).rev() {
                        left.push_front(item);
                    }
                }
                Err(StepError::Call(error)) if error.kind == ErrorKind::Conflict => in_use.push((item, error)),
                Err(error) => {
                    self.stopped(&item.address, ChangeKind::Delete, error);
                }
            }
        }
        for (item, error) in in_use {
            self.stopped(&item.address, ChangeKind::Delete, error.into());
        }
        self.note_unsettled();
        let state = self.state();
        if state.fenced {
            Err(Stop::Fenced)
        } else if !state.failures.is_empty() {
            Err(Stop::Failed)
        } else if state.pause.is_some() {
            Err(Stop::Paused)
        } else if state.skipped {
            Err(Stop::Halted)
        } else {
            Ok(())
        }
    }

    /// We may not write in the item's system: somebody else removes it, and no read of ours confirms that.
    async fn leave_to_a_person(&self, item: &InventoryItem) -> Result<(), StepError> {
        let mut draft = self.draft(&item.address, &item.system, Event::Outcome, ChangeKind::Handoff);
        draft.identity = Some(item.identity.clone());
        draft.detail = Some("left to a person: this system is not managed".into());
        self.append(&item.kind, draft, InventoryChange::Remove(item.address.clone())).await?;
        self.step(&item.address, ChangeKind::Handoff, StepStatus::Done, "left to a person");
        self.changed(&item.address, ChangeKind::Handoff, Vec::new());
        self.hand_off(Handoff {
            who: format!("the administrator of {}", item.system),
            what: format!("Remove what the integration no longer needs: {}", item.address),
            place: item.system.to_string(),
            values: [("object".to_owned(), item.identity.to_string())].into(),
            done: None,
        });
        Ok(())
    }

    fn still_there(&self, item: &InventoryItem) {
        self.state().skipped = true;
        let why = "still there: something before it did not succeed";
        self.step(&item.address, ChangeKind::Delete, StepStatus::Skipped, why);
    }

    /// What is to go, in the order of going. A recipe that was read for a removal tells best what stands on what: an
    /// older object may have been pointed at a newer one. What it does not state goes by the order of making.
    fn no_longer_wanted(&self) -> Vec<InventoryItem> {
        let (book, state) = (self.book(), self.state());
        let removal = self.reading == Reading::Remove;
        let stated = |address: &Address| state.stated.contains(address);
        let place = |address: &Address| state.steps.iter().position(|step| step.resource == *address);
        let key = |item: &InventoryItem| {
            let stands_at = place(&item.address).filter(|_| removal).or_else(|| {
                let older = book.items.values().filter(|other| other.order <= item.order && stated(&other.address));
                older.filter_map(|other| place(&other.address)).max().filter(|_| removal)
            });
            Reverse((stands_at, item.order))
        };
        let mut left: Vec<_> = book
            .items
            .values()
            .filter(|item| removal || !stated(&item.address))
            .map(|item| (key(item), item.clone()))
            .collect();
        left.sort_by_key(|(key, _)| *key);
        left.into_iter().map(|(_, item)| item).collect()
    }

    /// A create that was never confirmed, of something that is not stated any more, or that cannot be looked for because
    /// what it stands on is gone. Only the recipe that stated it can look for it, read for a removal; where that was not
    /// done, or has not settled it, people hear of it.
    fn note_unsettled(&self) {
        let unsettled: Vec<Address> = {
            let (book, state) = (self.book(), self.state());
            let open = book.intents.keys().filter(|address| !book.items.contains_key(*address));
            open.filter(|address| self.reading == Reading::Remove || !state.stated.contains(*address))
                .cloned()
                .collect()
        };
        for address in unsettled {
            self.note(Finding {
                check: UNCONFIRMED_CREATE.into(),
                severity: Severity::Warning,
                resource: address.to_string(),
                expected: "every create is confirmed".into(),
                found: "an interrupted run may have made it, and it is not part of the integration any more".into(),
                effect: "it may be left over".into(),
                fix: format!("look for an object that carries `{}` and remove it", self.setting.mark),
                row: String::new(),
            });
        }
    }

    async fn remove(&self, remover: &dyn Remover<S>, item: &InventoryItem) -> Result<(), StepError> {
        let mut vendor_request = None;
        if self.is_ours(item) {
            let shared = match remover.shared_key(item) {
                None => None,
                Some(key) => {
                    let wait = self.setting.timing.lease_wait;
                    Some(self.leases()?.share(&key, wait).await?)
                }
            };
            let result = self.remove_held(remover, item).await;
            if let Some(lease) = shared {
                self.leases()?.give_back(lease).await;
            }
            vendor_request = result?;
        }
        let mut draft = self.draft(&item.address, &item.system, Event::Outcome, ChangeKind::Delete);
        draft.identity = Some(item.identity.clone());
        draft.vendor_request = vendor_request;
        self.append(&item.kind, draft, InventoryChange::Remove(item.address.clone())).await
    }

    fn gone(&self, item: &InventoryItem) -> &'static str {
        match item.ownership {
            Ownership::Foreign => "left as it is: not ours",
            _ if !self.is_ours(item) => "left as it is: others stand on it",
            Ownership::Ours | Ownership::Child => "removed",
            Ownership::Entry { .. } => "our entry is taken out",
        }
    }

    fn is_ours(&self, item: &InventoryItem) -> bool {
        item.ownership != Ownership::Foreign && !self.state().left.contains(&item.kind)
    }

    async fn remove_held(&self, remover: &dyn Remover<S>, item: &InventoryItem) -> Result<Option<String>, StepError> {
        let permit = self.permit(&item.system).await?;
        // Shuts out a run whose lease was taken over before it writes. It opens nothing: a removal may be sent again.
        let mut draft = self.draft(&item.address, &item.system, Event::Intent, ChangeKind::Delete);
        draft.identity = Some(item.identity.clone());
        self.append(&item.kind, draft, InventoryChange::Keep).await?;
        for try_no in 1.. {
            match remover.remove(self.setting.systems, item, &permit).await {
                Ok(request) => return Ok(request),
                // A removal may be sent again: finding the object gone is success.
                Err(e) if try_no < 3 && matches!(e.kind, ErrorKind::Ambiguous | ErrorKind::Conflict) => {
                    tokio::time::sleep(self.setting.timing.poll).await;
                }
                Err(error) => {
                    let mut draft = self.draft(&item.address, &item.system, Event::Failure, ChangeKind::Delete);
                    draft.detail = Some(error.to_string());
                    draft.vendor_request.clone_from(&error.request_id);
                    self.append(&item.kind, draft, InventoryChange::Keep).await?;
                    return Err(error.into());
                }
            }
        }
        Ok(None)
    }
}
