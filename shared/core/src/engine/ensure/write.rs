//! The writes: intent, call, outcome.

use uuid::Uuid;

use super::One;
use super::record::Record;
use crate::engine::later::{Later, Presence};
use crate::engine::ledger::{ChangeKind, Event, FieldChange, InventoryChange, Ownership};
use crate::engine::resource::{Found, Made, Making, Resource};
use crate::engine::run::StepError;
use crate::error::{CallError, ErrorKind};

/// Tries of one call whose parent the vendor does not see yet, or that a conflict refused.
const PATIENCE: u32 = 6;

impl<R: Resource> One<'_, '_, R> {
    /// Creates it. A lost answer is settled by looking for the object, and sent once more if nothing is there.
    pub(super) async fn create(
        &self,
        open: Option<Uuid>,
        fields: &[FieldChange],
    ) -> Result<Later<R::Output>, StepError> {
        let permit = self.run.permit(&self.port.id).await?;
        let id = open.unwrap_or_else(Uuid::now_v7);
        let making = Making { intent: id, mark: &self.run.setting.mark };
        let mut patience = PATIENCE;
        let mut lost = false;
        self.leave_entry().await?;
        let made = loop {
            // Before every try: a run that resumes waits out the lag since the last one.
            self.intend(id, ChangeKind::Create, fields).await?;
            match Box::pin(self.resource.create(self.port.write(&permit), &making)).await {
                Ok(made) => break made,
                // It may have acted as late as now.
                Err(error) if error.kind == ErrorKind::Ambiguous => match self.settle(self.run.now()).await? {
                    Found::Here(seen) => break Made { seen, request_id: None },
                    _ if !lost => lost = true,
                    _ => return Err(self.give_up(ChangeKind::Create, fields, error).await),
                },
                Err(error) if self.worth_waiting(&error) && patience > 1 => patience -= 1,
                Err(error) => return Err(self.give_up(ChangeKind::Create, fields, error).await),
            }
            tokio::time::sleep(self.run.setting.timing.poll).await;
        };
        let record = Record {
            event: Event::Outcome,
            change: ChangeKind::Create,
            fields: fields.to_vec(),
            ownership: self.resource.ownership(None),
            written: self.resource.written(),
            vendor_request: made.request_id,
        };
        self.record(&made.seen, record).await?;
        self.keep_after_all(&made.seen).await?;
        Ok(Later::Known { value: self.resource.output(&made.seen), fresh: true })
    }

    /// Changes it. A lost answer fails the step: the next run reads whether it has acted.
    pub(super) async fn update(
        &self,
        seen: &R::Seen,
        change: ChangeKind,
        fields: &[FieldChange],
    ) -> Result<Later<R::Output>, StepError> {
        let known = self.known().0;
        let ownership = known.map_or_else(|| self.resource.ownership(Some(seen)), |item| item.ownership);
        if ownership == Ownership::Foreign {
            return Err(self.not_ours(fields));
        }
        let permit = self.run.permit(&self.port.id).await?;
        let mut patience = PATIENCE;
        let made = loop {
            let id = Uuid::now_v7();
            // Shuts out a run whose lease was taken over before it writes, and tells of a change that a crash hides.
            self.intend(id, change, fields).await?;
            let making = Making { intent: id, mark: &self.run.setting.mark };
            match Box::pin(self.resource.update(self.port.write(&permit), seen, &making)).await {
                Ok(made) => break made,
                Err(error) if self.worth_waiting(&error) && patience > 1 => patience -= 1,
                Err(error) => return Err(self.give_up(change, fields, error).await),
            }
            tokio::time::sleep(self.run.setting.timing.poll).await;
        };
        let record = Record {
            event: Event::Outcome,
            change,
            fields: fields.to_vec(),
            ownership,
            written: self.resource.written(),
            vendor_request: made.request_id,
        };
        self.record(&made.seen, record).await?;
        Ok(Later::known(self.resource.output(&made.seen)))
    }

    /// A parent that this run made may not be visible everywhere yet, and a conflict may pass.
    fn worth_waiting(&self, error: &CallError) -> bool {
        error.kind == ErrorKind::Conflict
            || (error.kind == ErrorKind::NotFound && self.resource.parents() == Presence::Fresh)
    }

    async fn intend(&self, id: Uuid, change: ChangeKind, fields: &[FieldChange]) -> Result<(), StepError> {
        let mut draft = self.draft(Event::Intent, change, fields.to_vec());
        draft.intent = Some(id);
        // What was recorded here is gone, or kept as superseded: from now on the address is that of the new object.
        let inventory = match change {
            ChangeKind::Create if self.known().0.is_some() => InventoryChange::Remove(self.address.clone()),
            _ => InventoryChange::Keep,
        };
        self.run.append(R::KIND, draft, inventory).await
    }

    async fn give_up(&self, change: ChangeKind, fields: &[FieldChange], error: CallError) -> StepError {
        let mut draft = self.draft(Event::Failure, change, fields.to_vec());
        draft.detail = Some(error.to_string());
        draft.vendor_request.clone_from(&error.request_id);
        match self.run.append(R::KIND, draft, InventoryChange::Keep).await {
            Ok(()) => error.into(),
            Err(ledger) => ledger,
        }
    }

    fn not_ours(&self, fields: &[FieldChange]) -> StepError {
        let differ: Vec<String> =
            fields.iter().map(|f| format!("{} is {}, not {}", f.field, f.before, f.after)).collect();
        let message = format!(
            "it was made by somebody else and is used as it is, but {}; it is not changed, since others may rely on it. \
             Ask for what it has, or have its owner change it",
            differ.join(", ")
        );
        CallError::new(ErrorKind::Refused, self.port.id.clone(), "change", message).on(self.address.to_string()).into()
    }
}
