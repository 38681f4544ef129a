//! What is remembered of an address.

use std::collections::BTreeMap;

use serde_json::Value;

use super::One;
use crate::engine::ledger::{ChangeKind, Draft, Event, FieldChange, InventoryChange, InventoryItem, Ownership};
use crate::engine::resource::Resource;
use crate::engine::run::StepError;
use crate::ids::Address;

/// What is to be remembered of an object.
pub(super) struct Record {
    pub event: Event,
    pub change: ChangeKind,
    pub fields: Vec<FieldChange>,
    pub ownership: Ownership,
    pub written: BTreeMap<String, String>,
    pub vendor_request: Option<String>,
}

impl<R: Resource> One<'_, '_, R> {
    pub(super) async fn record(&self, seen: &R::Seen, record: Record) -> Result<(), StepError> {
        let identity = self.name(seen)?;
        let (known, intent) = self.known();
        let item = InventoryItem {
            address: self.address.clone(),
            kind: R::KIND.to_owned(),
            system: self.port.id.clone(),
            identity: identity.clone(),
            ownership: record.ownership,
            written: record.written,
            order: known.map_or_else(|| self.next_order(), |item| item.order),
        };
        let mut draft = self.draft(record.event, record.change, record.fields);
        draft.identity = Some(identity);
        draft.vendor_request = record.vendor_request;
        draft.intent = intent.map(|intent| intent.id);
        self.run.append(R::KIND, draft, InventoryChange::Put(item)).await
    }

    /// Records an object that was found and not known. With an open intent it is what our own create has made; otherwise
    /// it stood here before the first write of ours, and how it was is part of the record.
    pub(super) async fn take_in(&self, seen: &R::Seen, as_wanted: bool) -> Result<(), StepError> {
        let old = self.superseded(seen)?;
        let made = self.known().1.is_some();
        let (event, ownership) = match (old, self.resource.ownership(Some(seen))) {
            (Some(old), _) => (Event::Recorded, old.ownership),
            // What the resource can tell is somebody else's was made meanwhile, and not by our create.
            (None, Ownership::Foreign) => (Event::Recorded, Ownership::Foreign),
            (None, _) if made => (Event::Outcome, self.resource.ownership(None)),
            (None, found) => (Event::Recorded, found),
        };
        // Which versions an earlier run has written is not known, unless there is nothing left to write.
        let written = if as_wanted { self.resource.written() } else { BTreeMap::new() };
        let change = ChangeKind::None;
        let record = Record { event, change, fields: Vec::new(), ownership, written, vendor_request: None };
        self.record(seen, record).await?;
        self.keep_after_all(seen).await
    }

    /// Records that what we write stands there. This closes the intent of a change that was never confirmed.
    pub(super) async fn confirm(&self, seen: &R::Seen) -> Result<(), StepError> {
        let (item, intent) = self.known();
        let ownership = item.map_or_else(|| self.resource.ownership(Some(seen)), |item| item.ownership);
        let event = if intent.is_some() { Event::Outcome } else { Event::Recorded };
        let (change, written) = (ChangeKind::None, self.resource.written());
        let record = Record { event, change, fields: Vec::new(), ownership, written, vendor_request: None };
        self.record(seen, record).await
    }

    /// Closes an intent of which nothing came.
    pub(super) async fn close(&self, why: &str) -> Result<(), StepError> {
        let mut draft = self.draft(Event::Recorded, ChangeKind::None, Vec::new());
        draft.detail = Some(why.to_owned());
        self.run.append(R::KIND, draft, InventoryChange::Keep).await
    }

    /// What is to be replaced stays in the inventory under an address of its own, which the recipe does not state: the
    /// sweep after the whole recipe removes it, and a crash in between forgets nothing.
    pub(super) async fn supersede(&self) -> Result<(), StepError> {
        let (Some(mut item), _) = self.known() else { return Ok(()) };
        item.address = self.superseded_address(&item.identity);
        if self.run.book().items.contains_key(&item.address) {
            return Ok(());
        }
        let mut draft = self.draft(Event::Recorded, ChangeKind::Replace, Vec::new());
        draft.address = item.address.clone();
        draft.identity = Some(item.identity.clone());
        self.run.append(R::KIND, draft, InventoryChange::Put(item)).await
    }

    /// An entry that is to stand at another place now does not go with anything of ours: the sweep takes it out.
    pub(super) async fn leave_entry(&self) -> Result<(), StepError> {
        match self.known().0.map(|item| item.ownership) {
            Some(Ownership::Entry { .. }) => self.supersede().await,
            _ => Ok(()),
        }
    }

    /// The record of an object that was to be replaced, if this is it.
    pub(super) fn superseded(&self, seen: &R::Seen) -> Result<Option<InventoryItem>, StepError> {
        let address = self.superseded_address(&self.name(seen)?);
        Ok(self.run.book().items.get(&address).cloned())
    }

    /// Whether anything is still to be removed that was replaced here.
    pub(super) fn any_superseded(&self) -> bool {
        let prefix = format!("{}.superseded[", self.address);
        self.run.book().items.keys().any(|address| address.as_str().starts_with(&prefix))
    }

    /// An interrupted run was about to replace the object, and nothing calls for that any more: it must not be removed.
    pub(super) async fn keep_after_all(&self, seen: &R::Seen) -> Result<(), StepError> {
        let Some(item) = self.superseded(seen)? else { return Ok(()) };
        let mut draft = self.draft(Event::Recorded, ChangeKind::None, Vec::new());
        draft.identity = Some(item.identity);
        draft.detail = Some("it is not replaced after all".to_owned());
        self.run.append(R::KIND, draft, InventoryChange::Remove(item.address)).await
    }

    fn superseded_address(&self, identity: &Value) -> Address {
        Address::keyed(&format!("{}.superseded", self.address), identity)
    }

    pub(super) fn name(&self, seen: &R::Seen) -> Result<Value, StepError> {
        serde_json::to_value(self.resource.identity(seen)).map_err(|e| self.unreadable(&e))
    }

    fn next_order(&self) -> u64 {
        let mut state = self.run.state();
        state.next_order += 1;
        state.next_order - 1
    }

    pub(super) fn draft(&self, event: Event, change: ChangeKind, fields: Vec<FieldChange>) -> Draft {
        let mut draft = self.run.draft(self.address, &self.port.id, event, change);
        draft.fields = fields;
        draft
    }
}
