//! What a rotation writes down.

use extoauth_core::engine::{Author, ChangeKind, Draft, Event, InventoryChange, JournalEntry};
use extoauth_core::ids::Address;
use extoauth_core::systems::SystemId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::RotationError;
use super::begin::Work;

/// Kind of a rotation's own entries.
const KIND: &str = "rotation";
/// Address of what begins and ends the grace of an old secret.
const GRACE: &str = "rotation.grace";
/// Address of the secrets that were made at the identity provider.
const MADE: &str = "rotation.secret";

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

/// A secret that was made at the provider: ours, whatever becomes of its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MadeAtProvider {
    /// The provider's id of it.
    pub(super) id: String,
    /// The version that holds its value.
    pub(super) version: String,
}

impl Work<'_> {
    pub(super) fn draft(&self, event: Event, change: ChangeKind, address: Address, system: SystemId) -> Draft {
        Draft {
            at: self.rotation.clock.now(),
            author: Author { request: format!("rotation {}", self.token), attempt: 1, ..Author::default() },
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
        let lease = self.lease.own();
        self.rotation.ledger.append(&self.mark.subject, kind, draft, change, &lease).await?;
        Ok(())
    }

    /// Notes where the grace stands.
    pub(super) async fn note(
        &self,
        event: Event,
        change: ChangeKind,
        grace: Option<&Grace>,
        detail: &str,
    ) -> Result<(), RotationError> {
        let mut draft = self.draft(event, change, Address::of(GRACE), self.provider.system().clone());
        draft.identity = grace.and_then(|grace| serde_json::to_value(grace).ok());
        draft.detail = Some(detail.to_owned());
        self.append(KIND, draft, InventoryChange::Keep).await
    }

    /// Notes what is done to a secret at the provider.
    pub(super) async fn note_secret(
        &self,
        event: Event,
        change: ChangeKind,
        secret: Option<&MadeAtProvider>,
        detail: &str,
    ) -> Result<(), RotationError> {
        let mut draft = self.draft(event, change, Address::of(MADE), self.provider.system().clone());
        draft.identity = secret.and_then(|secret| serde_json::to_value(secret).ok());
        draft.detail = Some(detail.to_owned());
        self.append(KIND, draft, InventoryChange::Keep).await
    }

    async fn entries(&self, address: &str) -> Result<Vec<JournalEntry>, RotationError> {
        let mut journal = self.rotation.ledger.journal(&self.mark.subject).await?;
        journal.retain(|entry| entry.draft.address.as_str() == address);
        Ok(journal)
    }

    /// The secrets that rotations have made at the provider.
    pub(super) async fn made(&self) -> Result<Vec<MadeAtProvider>, RotationError> {
        let entries = self.entries(MADE).await?.into_iter();
        let made = entries.filter(|entry| entry.draft.event == Event::Outcome);
        Ok(made.filter_map(|entry| serde_json::from_value(entry.draft.identity?).ok()).collect())
    }

    /// The grace that began last.
    pub(super) async fn grace(&self) -> Result<Option<Grace>, RotationError> {
        let begun = self.entries(GRACE).await?.into_iter().rev();
        Ok(begun.filter_map(|entry| serde_json::from_value(entry.draft.identity?).ok()).next())
    }
}
