//! One resource: look, compare, write, remember.
//!
//! What is known of an address decides how it is looked for:
//!
//! | recorded item | open intent | means |
//! |---|---|---|
//! | no | no | nothing of ours: the natural key shows what is foreign |
//! | no | yes | a create was sent and never confirmed: natural key and mark, until the vendor's lag has passed |
//! | yes | no | the recorded identity |
//! | yes | yes | a change was sent and never confirmed: the recorded identity; what was written is not known |

mod by_hand;
mod find;
mod record;
mod write;

use std::collections::BTreeMap;

use super::field::{Fields, all_new, differences};
use super::later::{Later, Presence};
use super::ledger::{ChangeKind, FieldChange, Ownership};
use super::plan::StepStatus;
use super::port::Port;
use super::resource::{Found, Resource};
use super::run::{Reading, Run, StepError, Stop};
use crate::error::{CallError, ErrorKind};
use crate::finding::{Finding, Severity};
use crate::ids::Address;
use crate::systems::{Mode, SystemId};

/// Check id of a change that is needed in a system of mode `observe`.
pub const CHANGE_IN_OBSERVED_SYSTEM: &str = "change_in_observed_system";

impl<S: Send + Sync> Run<'_, S> {
    /// Brings one resource to its state, or says what that would take, as the run's reading has it.
    ///
    /// # Errors
    /// Why the recipe stops here; the run has kept the reason.
    pub async fn ensure<R: Resource<Systems = S>>(&self, resource: R) -> Result<Later<R::Output>, Stop> {
        let address = resource.address();
        self.state().stated.insert(address.clone());
        if self.halted() {
            self.state().skipped = true;
            self.step(&address, ChangeKind::None, StepStatus::Skipped, "not begun: an earlier step did not succeed");
            return Err(Stop::Halted);
        }
        match resource.parents() {
            Presence::Gone => {
                if let Some(port) = R::port(self.setting.systems) {
                    let one = One { run: self, resource: &resource, address: &address, port };
                    one.went_with_its_parent().await?;
                }
                self.step(&address, ChangeKind::None, StepStatus::Done, "gone with what it was part of");
                return Ok(Later::Gone);
            }
            Presence::Unknown => {
                if let Some(port) = R::port(self.setting.systems) {
                    self.note_observed::<R>(&address, port);
                }
                self.to_create::<R>(&resource, &address);
                return Ok(Later::Unknown);
            }
            Presence::Here | Presence::Fresh => {}
        }
        self.step(&address, ChangeKind::None, StepStatus::Running, "");
        let port = match R::port(self.setting.systems) {
            Some(port) => port,
            None => return Err(self.stopped(&address, ChangeKind::None, not_configured(R::KIND).into())),
        };
        let one = One { run: self, resource: &resource, address: &address, port };
        // Boxed: a recipe holds many of these at once, and each holds a client's whole call.
        match self.reading {
            Reading::Plan => Box::pin(one.plan()).await,
            Reading::Apply => Box::pin(one.apply()).await,
            Reading::Remove => Box::pin(one.resolve()).await,
        }
    }

    /// In a system that we only observe, a change that is needed ends the request before any write.
    fn note_observed<R: Resource<Systems = S>>(&self, address: &Address, port: &Port<R::Read, R::Write>) {
        if port.mode != Mode::Observe {
            return;
        }
        self.note(Finding {
            check: CHANGE_IN_OBSERVED_SYSTEM.into(),
            severity: Severity::Critical,
            resource: address.to_string(),
            expected: format!("{} needs no change, since it is only observed", port.id),
            found: "a change is needed there".into(),
            effect: "the integration cannot be brought into its state".into(),
            fix: "have its administrator make the change, or set the system's mode to `manage` or `handoff`".into(),
            row: R::ROW.into(),
        });
    }

    fn to_create<R: Resource<Systems = S>>(&self, resource: &R, address: &Address) {
        self.step(address, ChangeKind::Create, StepStatus::Pending, "to be created");
        self.changed(address, ChangeKind::Create, all_new(&resource.wants()));
    }
}

/// One resource of a run, with what every step of its way needs.
struct One<'r, 'a, R: Resource> {
    run: &'r Run<'a, R::Systems>,
    resource: &'r R,
    address: &'r Address,
    port: &'r Port<R::Read, R::Write>,
}

/// What was done, what differed, and what later resources need. The change is part of an error so that the step can say
/// what was attempted.
type Brought<T> = Result<(ChangeKind, Vec<FieldChange>, Later<T>), (ChangeKind, StepError)>;

impl<R: Resource> One<'_, '_, R> {
    async fn plan(&self) -> Result<Later<R::Output>, Stop> {
        let found = if self.mode() == Mode::Manage { self.find().await } else { self.find_by_hand().await };
        let found = found.map_err(|e| self.run.stopped(self.address, ChangeKind::None, e))?;
        self.note_what_else(&found);
        let Found::Here(seen) = found else {
            self.note_foreign(&found);
            self.run.note_observed::<R>(self.address, self.port);
            self.run.to_create::<R>(self.resource, self.address);
            return Ok(Later::Unknown);
        };
        let (change, fields) = self.compare(&seen);
        if change != ChangeKind::None {
            self.run.note_observed::<R>(self.address, self.port);
        }
        let (status, detail) = match change {
            ChangeKind::None => (StepStatus::Done, "as it should be".to_owned()),
            _ => (StepStatus::Pending, format!("to be changed: {}", names(&fields))),
        };
        self.run.step(self.address, change, status, detail);
        self.run.changed(self.address, change, fields);
        if change == ChangeKind::Replace {
            return Ok(Later::Unknown);
        }
        Ok(Later::known(self.resource.output(&seen)))
    }

    async fn apply(&self) -> Result<Later<R::Output>, Stop> {
        if self.mode() != Mode::Manage {
            return self.by_hand().await;
        }
        let shared = match self.resource.shared_key() {
            None => None,
            Some(key) => {
                let stopped = |e| self.run.stopped(self.address, ChangeKind::None, e);
                let leases = self.run.leases().map_err(stopped)?;
                let wait = self.run.setting.timing.lease_wait;
                Some((leases, leases.share(&key, wait).await.map_err(stopped)?))
            }
        };
        let result = self.bring().await;
        if let Some((leases, lease)) = shared {
            leases.give_back(lease).await;
        }
        let (change, fields, output) =
            result.map_err(|(change, error)| self.run.stopped(self.address, change, error))?;
        self.run.step(self.address, change, StepStatus::Done, done(change, &fields));
        self.run.changed(self.address, change, fields);
        Ok(output)
    }

    /// For a removal: what was started and never confirmed is settled, so that the sweep removes it.
    async fn resolve(&self) -> Result<Later<R::Output>, Stop> {
        let (item, intent) = self.known();
        let unresolved = self.run.setting.shared.is_unresolved();
        // What is recorded is removed by its record. It is read only if something below it may still have to be found.
        if intent.is_none() && !(item.is_some() && unresolved) {
            self.resolved(item.is_some());
            return Ok(Later::Gone);
        }
        let stopped = |e| self.run.stopped(self.address, ChangeKind::None, e);
        let Found::Here(seen) = self.find().await.map_err(stopped)? else {
            if intent.is_some() && item.is_none() {
                self.close("the unconfirmed create has made nothing").await.map_err(stopped)?;
            }
            self.resolved(item.is_some());
            return Ok(Later::Gone);
        };
        let as_wanted = self.compare(&seen).0 == ChangeKind::None;
        if item.is_none() {
            self.take_in(&seen, as_wanted).await.map_err(stopped)?;
        } else if intent.is_some() && as_wanted {
            // The unconfirmed change has acted: what is put back later depends on what we wrote.
            self.confirm(&seen).await.map_err(stopped)?;
        }
        self.resolved(true);
        Ok(Later::known(self.resource.output(&seen)))
    }

    /// A part that an unconfirmed create may have made went with the whole. Of anything else the intent stays open, and
    /// the sweep tells.
    async fn went_with_its_parent(&self) -> Result<(), Stop> {
        let part = self.resource.ownership(None) == Ownership::Child;
        if self.run.reading == Reading::Remove && part && matches!(self.known(), (None, Some(_))) {
            let stopped = |e| self.run.stopped(self.address, ChangeKind::None, e);
            self.close("it is gone with what it was part of").await.map_err(stopped)?;
        }
        Ok(())
    }

    fn resolved(&self, there: bool) {
        if there {
            self.run.step(self.address, ChangeKind::Delete, StepStatus::Pending, "to be removed");
        } else {
            self.run.step(self.address, ChangeKind::None, StepStatus::Done, "nothing is left of it");
        }
    }

    async fn bring(&self) -> Brought<R::Output> {
        let (item, intent) = self.known();
        let fresh_parent = self.resource.parents() == Presence::Fresh;
        let found = if fresh_parent && intent.is_none() && item.is_none() {
            Found::Absent
        } else {
            self.find().await.map_err(|e| (ChangeKind::None, e))?
        };
        self.note_what_else(&found);
        match found {
            Found::Here(seen) => self.adjust(seen).await,
            Found::Foreign { ref what, marked: true } => {
                let message = format!(
                    "{what} carries our mark but is not in our inventory: making another would be a duplicate. If it is \
                     this integration's, adopt it; otherwise rename or delete it"
                );
                let error = CallError::new(ErrorKind::Invalid, self.port.id.clone(), "look up", message);
                Err((ChangeKind::Create, error.on(self.address.to_string()).into()))
            }
            Found::Absent | Found::Foreign { .. } => {
                let failed = |e| (ChangeKind::Create, e);
                if let Some(seen) = self.find_superseded().await.map_err(failed)? {
                    self.take_in(&seen, false).await.map_err(failed)?;
                    return self.adjust(seen).await;
                }
                self.note_foreign(&found);
                let fields = all_new(&self.resource.wants());
                // An intent beside a recorded item was a change of it: this is a create of its own.
                let open = intent.filter(|_| item.is_none()).map(|intent| intent.id);
                let output = self.create(open, &fields).await.map_err(failed)?;
                Ok((ChangeKind::Create, fields, output))
            }
        }
    }

    async fn adjust(&self, seen: R::Seen) -> Brought<R::Output> {
        let (change, fields) = self.compare(&seen);
        let failed = |e: StepError| (change, e);
        let (item, intent) = self.known();
        let same = match &item {
            Some(item) => self.name(&seen).map_err(failed)? == item.identity,
            None => false,
        };
        match &item {
            Some(item) if same => {
                if change != ChangeKind::Replace {
                    self.keep_after_all(&seen).await.map_err(failed)?;
                }
                if change == ChangeKind::None && (intent.is_some() || item.written != self.resource.written()) {
                    self.confirm(&seen).await.map_err(failed)?;
                }
            }
            _ => {
                self.leave_entry().await.map_err(failed)?;
                self.take_in(&seen, change == ChangeKind::None).await.map_err(failed)?;
            }
        }
        let output = match change {
            ChangeKind::None => Later::known(self.resource.output(&seen)),
            ChangeKind::Replace => {
                self.supersede().await.map_err(failed)?;
                if let Some(old) = self.find_superseded().await.map_err(failed)? {
                    self.take_in(&old, false).await.map_err(failed)?;
                    return Box::pin(self.adjust(old)).await;
                }
                self.create(None, &fields).await.map_err(failed)?
            }
            _ => self.update(&seen, change, &fields).await.map_err(failed)?,
        };
        Ok((change, fields, output))
    }

    fn compare(&self, seen: &R::Seen) -> (ChangeKind, Vec<FieldChange>) {
        let written = match self.known() {
            (Some(item), None) => item.written,
            // A change that was never confirmed may have written other versions.
            _ => BTreeMap::new(),
        };
        let shows: Fields = self.resource.shows(seen, &written);
        let fields = differences(&shows, &self.resource.wants());
        let fixed = self.resource.immutable();
        let change = if fields.is_empty() {
            ChangeKind::None
        } else if fields.iter().any(|f| fixed.contains(&f.field.as_str())) {
            ChangeKind::Replace
        } else {
            ChangeKind::Update
        };
        (change, fields)
    }

    /// Who writes it: what the system's mode says, unless only a person can.
    fn mode(&self) -> Mode {
        match self.port.mode {
            Mode::Manage if self.resource.only_by_hand() => Mode::Handoff,
            mode => mode,
        }
    }

    fn note_what_else(&self, found: &Found<R::Seen>) {
        let Found::Here(seen) = found else { return };
        for finding in self.resource.notices(seen) {
            self.run.note(finding);
        }
    }

    fn note_foreign(&self, found: &Found<R::Seen>) {
        let Found::Foreign { what, marked } = found else { return };
        self.run.note(Finding {
            check: "foreign_object".into(),
            severity: if *marked { Severity::Warning } else { Severity::Info },
            resource: self.address.to_string(),
            expected: "only objects of ours carry this name".into(),
            found: what.clone(),
            effect: "it is left alone; two objects with one name are easily mistaken for each other".into(),
            fix: "if it is what this integration should use, send an `adopt` request; otherwise rename or delete it"
                .into(),
            row: R::ROW.into(),
        });
    }
}

fn names(fields: &[FieldChange]) -> String {
    fields.iter().map(|f| f.field.as_str()).collect::<Vec<_>>().join(", ")
}

fn done(change: ChangeKind, fields: &[FieldChange]) -> String {
    match change {
        ChangeKind::None => "as it should be".to_owned(),
        ChangeKind::Create => "created".to_owned(),
        ChangeKind::Update => format!("changed: {}", names(fields)),
        ChangeKind::Replace => format!("made anew: {}", names(fields)),
        ChangeKind::Delete => "removed".to_owned(),
        ChangeKind::Handoff => "done by hand".to_owned(),
    }
}

fn not_configured(kind: &str) -> CallError {
    let system = SystemId::new(crate::systems::SystemKind::SecretsManager, "configuration");
    CallError::new(ErrorKind::Refused, system, "find the system", format!("no system is configured for `{kind}`"))
}
