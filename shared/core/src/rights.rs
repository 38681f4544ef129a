//! What a credential of ours may do in a system, by feature.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::systems::SystemId;

/// Whether our credential has a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RightState {
    /// It has.
    Have,
    /// It has not.
    Missing,
    /// It shows only when the right is used.
    Unknown,
}

/// One right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Right {
    /// What needs it, in the words of its users: "lifetimes", "client secrets" …
    pub feature: String,
    /// How the vendor calls it.
    pub name: String,
    /// Whether we have it.
    pub state: RightState,
    /// The vendor's words, or how it becomes known.
    pub detail: String,
}

impl Right {
    /// A right and what is known of it.
    pub fn new(
        feature: impl Into<String>,
        name: impl Into<String>,
        state: RightState,
        detail: impl Into<String>,
    ) -> Self {
        Self { feature: feature.into(), name: name.into(), state, detail: detail.into() }
    }
}

/// The rights in one system, as they were last seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemRights {
    /// The system.
    pub system: SystemId,
    /// When.
    pub at: Timestamp,
    /// One for each feature.
    pub rights: Vec<Right>,
}
