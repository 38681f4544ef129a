//! What a rotation writes down, and what it reads there again.

use extoauth_core::engine::{Author, ChangeKind, Draft, Event, InventoryChange, JournalEntry};
use extoauth_core::ids::Address;
use extoauth_core::systems::SystemId;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::RotationError;
use super::begin::Work;

/// Kind of a rotation's own entries.
const KIND: &str = "rotation";
/// Address of what begins and ends the grace of an old secret.
pub(super) const GRACE: &str = "rotation.grace";
/// Address of the secrets that were made at the identity provider.
const MADE: &str = "rotation.secret";
/// Address of what was asked of Secrets Manager.
const ASKED: &str = "rotation.asked";
/// Address of steps that failed.
const STEP: &str = "rotation.step";
/// Address of versions that were given up.
const GIVEN_UP: &str = "rotation.given_up";

/// The old secret is still good, until then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Grace {
    /// The version before.
    pub(super) old: String,
    /// The version that replaced it.
    pub(super) new: String,
    /// Its end.
    pub(super) until: Timestamp,
}

/// A secret at the provider that is ours, whatever becomes of its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MadeAtProvider {
    /// The provider's id of it.
    pub(super) id: String,
    /// The version that holds its value.
    pub(super) version: String,
}

/// A request has asked for a rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AskedFor {
    /// The version that is to be rotated in.
    pub(super) version: String,
    /// "Now", as what started the request said.
    pub(super) time: Timestamp,
}

/// A version that is never rotated in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct GivenUp {
    /// The version.
    pub(super) version: String,
    /// Why.
    pub(super) why: String,
}

/// The author of what is done for a version.
fn author_of(version: &str) -> String {
    format!("rotation {version}")
}

/// What the entries of an address hold, the oldest first.
fn held_in<'j, T: DeserializeOwned + 'j>(
    journal: &'j [JournalEntry],
    address: &str,
) -> impl Iterator<Item = (&'j JournalEntry, T)> {
    let entries = journal.iter().filter(move |entry| entry.draft.address.as_str() == address);
    entries.filter_map(|entry| Some((entry, serde_json::from_value(entry.draft.identity.clone()?).ok()?)))
}

/// The request for this version.
pub(super) fn asked_in(journal: &[JournalEntry], version: &str) -> Option<AskedFor> {
    held_in::<AskedFor>(journal, ASKED).map(|(_, asked)| asked).find(|asked| asked.version == version)
}

/// Why a version was given up.
pub(super) fn given_up_in(journal: &[JournalEntry], version: &str) -> Option<String> {
    held_in::<GivenUp>(journal, GIVEN_UP).find(|(_, given)| given.version == version).map(|(_, given)| given.why)
}

/// When the grace began last, and what it is.
pub(super) fn grace_in(journal: &[JournalEntry]) -> Option<(Timestamp, Grace)> {
    held_in::<Grace>(journal, GRACE).last().map(|(entry, grace)| (entry.draft.at, grace))
}

/// The last thing that was done for a version.
pub(super) fn last_sign_in<'j>(journal: &'j [JournalEntry], version: &str) -> Option<&'j JournalEntry> {
    let author = author_of(version);
    journal.iter().rfind(|entry| entry.draft.author.request == author)
}

/// Why the last step that failed for a version failed.
pub(super) fn failure_in(journal: &[JournalEntry], version: &str) -> Option<String> {
    let author = author_of(version);
    let failed = |entry: &&JournalEntry| entry.draft.author.request == author && entry.draft.event == Event::Failure;
    journal.iter().rfind(failed).and_then(|entry| entry.draft.detail.clone())
}

/// Whether anything was done to the object at an address for a version.
pub(super) fn has_touched(journal: &[JournalEntry], address: &Address, version: &str) -> bool {
    let author = author_of(version);
    journal.iter().any(|entry| entry.draft.address == *address && entry.draft.author.request == author)
}

impl Work<'_> {
    pub(super) fn draft(&self, event: Event, change: ChangeKind, address: Address, system: SystemId) -> Draft {
        Draft {
            at: self.rotation.clock.now(),
            author: Author { request: author_of(self.token), attempt: 1, ..Author::default() },
            address,
            system,
            event,
            change,
            // Nothing is looked for under an intent: each step reads what is there.
            intent: None,
            fields: Vec::new(),
            identity: None,
            vendor_request: None,
            detail: None,
        }
    }

    pub(super) async fn append(&self, kind: &str, draft: Draft, change: InventoryChange) -> Result<(), RotationError> {
        // Before every write something is noted: so the lease lasts for the write that follows.
        self.lease.fresh().await?;
        let lease = self.lease.own();
        self.rotation.ledger.append(&self.mark.subject, kind, draft, change, &lease).await?;
        Ok(())
    }

    async fn note_at(
        &self,
        address: &str,
        event: Event,
        change: ChangeKind,
        identity: Option<serde_json::Value>,
        detail: &str,
    ) -> Result<(), RotationError> {
        let mut draft = self.draft(event, change, Address::of(address), self.provider.system().clone());
        draft.identity = identity;
        draft.detail = Some(detail.to_owned());
        self.append(KIND, draft, InventoryChange::Keep).await
    }

    /// Notes where the grace stands.
    pub(super) async fn note(
        &self,
        event: Event,
        change: ChangeKind,
        grace: Option<&Grace>,
        detail: &str,
    ) -> Result<(), RotationError> {
        self.note_at(GRACE, event, change, grace.and_then(|grace| serde_json::to_value(grace).ok()), detail).await
    }

    /// Notes what is done to a secret at the provider.
    pub(super) async fn note_secret(
        &self,
        event: Event,
        change: ChangeKind,
        secret: Option<&MadeAtProvider>,
        detail: &str,
    ) -> Result<(), RotationError> {
        self.note_at(MADE, event, change, secret.and_then(|secret| serde_json::to_value(secret).ok()), detail).await
    }

    /// Notes that Secrets Manager is asked for this version.
    pub(super) async fn note_asked(&self, time: Timestamp) -> Result<(), RotationError> {
        let asked = AskedFor { version: self.token.to_owned(), time };
        let identity = serde_json::to_value(asked).ok();
        self.note_at(ASKED, Event::Recorded, ChangeKind::None, identity, "a rotation is asked for").await
    }

    /// Notes that a step failed: whoever asked for the rotation reads it there.
    pub(super) async fn note_failure(&self, step: &str, why: &RotationError) -> Result<(), RotationError> {
        self.note_at(STEP, Event::Failure, ChangeKind::None, None, &format!("{step}: {why}")).await
    }

    /// Notes that a version is never rotated in.
    pub(super) async fn note_given_up(&self, version: &str, why: &str) -> Result<(), RotationError> {
        let given = GivenUp { version: version.to_owned(), why: why.to_owned() };
        let identity = serde_json::to_value(given).ok();
        self.note_at(GIVEN_UP, Event::Recorded, ChangeKind::None, identity, "its rotation was given up").await
    }

    /// Notes that a version which no rotation of ours has begun is being rotated in: from now on its silence can be told.
    pub(super) async fn note_seen(&self, version: &str) -> Result<(), RotationError> {
        let mut draft =
            self.draft(Event::Recorded, ChangeKind::None, Address::of(STEP), self.provider.system().clone());
        draft.author.request = author_of(version);
        draft.detail = Some("a rotation that was begun elsewhere is under way".to_owned());
        self.append(KIND, draft, InventoryChange::Keep).await
    }

    /// The secrets at the provider that were noted as ours.
    pub(super) async fn made(&self) -> Result<Vec<MadeAtProvider>, RotationError> {
        let journal = self.rotation.ledger.journal(&self.mark.subject).await?;
        let made = held_in::<MadeAtProvider>(&journal, MADE);
        Ok(made.filter(|(entry, _)| entry.draft.event == Event::Outcome).map(|(_, made)| made).collect())
    }

    /// The grace that began last.
    pub(super) fn grace(&self) -> Option<Grace> {
        grace_in(&self.journal).map(|(_, grace)| grace)
    }
}
