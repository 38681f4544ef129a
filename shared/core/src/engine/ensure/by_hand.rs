//! Handoff and observe modes: a person makes it, we read whether it is there and right.

use serde_json::Value;

use super::One;
use super::record::Record;
use crate::engine::field::{Field, all_new};
use crate::engine::later::Later;
use crate::engine::ledger::{ChangeKind, Event, FieldChange};
use crate::engine::plan::StepStatus;
use crate::engine::resource::{Found, Resource};
use crate::engine::run::{StepError, Stop};
use crate::handoff::Handoff;

impl<R: Resource> One<'_, '_, R> {
    pub(super) async fn by_hand(&self) -> Result<Later<R::Output>, Stop> {
        let stopped = |e| self.run.stopped(self.address, ChangeKind::Handoff, e);
        let found = self.find_by_hand().await.map_err(stopped)?;
        self.note_what_else(&found);
        let wants = self.resource.wants();
        let fields = match &found {
            Found::Here(seen) => match self.compare(seen) {
                // What is made anew needs all of its values.
                (ChangeKind::Replace, _) => all_new(&wants),
                (_, fields) => fields,
            },
            _ => all_new(&wants),
        };
        // Write-only fields cannot be confirmed by a read: once the object is there they are the person's word.
        let is_secret = |f: &FieldChange| matches!(wants.get(f.field.as_str()), Some(Field::Version(_)));
        let here = matches!(&found, Found::Here(seen) if self.compare(seen).0 != ChangeKind::Replace);
        let (told, open): (Vec<_>, Vec<_>) = fields.into_iter().partition(|f| here && is_secret(f));
        if let (Found::Here(seen), true) = (&found, open.is_empty()) {
            self.accept(seen, told).await.map_err(stopped)?;
            self.run.step(self.address, ChangeKind::None, StepStatus::Done, "as it should be");
            return Ok(Later::known(self.resource.output(seen)));
        }
        let what = self.ask(open, Some(false));
        self.run.step(self.address, ChangeKind::Handoff, StepStatus::Waiting, what);
        self.run.state().waiting = true;
        Err(Stop::Waiting)
    }

    /// Records what a person has made, and the versions of secrets that they were told to use. A later version is told
    /// and not waited for: no read would show it.
    async fn accept(&self, seen: &R::Seen, told: Vec<FieldChange>) -> Result<(), StepError> {
        let known = self.known().0;
        let (identity, written) = (self.name(seen)?, self.resource.written());
        if known.as_ref().is_some_and(|item| item.identity == identity && item.written == written) {
            return Ok(());
        }
        if known.is_some() && !told.is_empty() {
            self.ask(told, None);
        }
        let ownership = known.map_or_else(|| self.resource.ownership(Some(seen)), |item| item.ownership);
        let (event, change) = (Event::Recorded, ChangeKind::Handoff);
        let record = Record { event, change, fields: Vec::new(), ownership, written, vendor_request: None };
        self.record(seen, record).await
    }

    fn ask(&self, fields: Vec<FieldChange>, done: Option<bool>) -> String {
        let words = self.resource.by_hand();
        self.run.changed(self.address, ChangeKind::Handoff, fields.clone());
        let values = fields.into_iter().map(|f| (f.field, text(&f.after))).collect();
        let what = words.what.clone();
        self.run.hand_off(Handoff { who: words.who.to_owned(), what: words.what, place: words.place, values, done });
        what
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
