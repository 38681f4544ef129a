//! What a run says of itself: steps, changes, failures.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ledger::{ChangeKind, FieldChange};
use crate::error::CallError;
use crate::ids::Address;

/// What must be done to one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Address of the resource.
    pub resource: Address,
    /// What must be done.
    pub change: ChangeKind,
    /// Which fields differ.
    pub fields: Vec<FieldChange>,
}

/// All that must be done, without resources that are as they should be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// SHA-256 over the changes, hex: what an approval refers to.
    pub digest: String,
    /// The changes, by resource.
    pub changes: Vec<Change>,
}

impl Plan {
    /// A plan of these changes; the order of discovery does not matter.
    pub fn of(mut changes: Vec<Change>) -> Self {
        changes.retain(|c| c.change != ChangeKind::None);
        changes.sort_by(|a, b| a.resource.cmp(&b.resource));
        let json = serde_json::to_vec(&changes).unwrap_or_default();
        let digest = Sha256::digest(json).iter().map(|b| format!("{b:02x}")).collect();
        Self { digest, changes }
    }

    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Not begun.
    Pending,
    /// In flight.
    Running,
    /// As it should be.
    Done,
    /// Not done; the detail says why.
    Failed,
    /// Not begun because something before it failed.
    Skipped,
    /// For a person, a vendor's cooldown, or another run.
    Waiting,
}

/// One resource of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Address of the resource.
    pub resource: Address,
    /// What was or must be done.
    pub change: ChangeKind,
    /// Where it stands.
    pub status: StepStatus,
    /// A sentence for people.
    pub detail: String,
}

/// A step that did not succeed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Address of the resource.
    pub resource: Address,
    /// Why.
    pub error: CallError,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// Every resource is in its state (or, for a plan, was compared).
    Complete,
    /// Some steps failed. `transient`: the same run may succeed later by itself.
    Failed {
        /// Whether all failures may pass by themselves.
        transient: bool,
    },
    /// A person has to act; the hand-offs say who.
    Waiting,
    /// The vendor, another run or the invocation's deadline asks for time.
    Paused {
        /// How long.
        delay: std::time::Duration,
        /// For what, for people.
        reason: String,
    },
    /// Another run has taken over the lease: nothing more was written.
    Fenced,
}
