//! What a credential may do, as far as it can be found out without changing anything.

use serde::Serialize;

/// Whether a right is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RightState {
    /// It is.
    Have,
    /// It is not; calls that need it will fail.
    Missing,
    /// No API tells, or the system could not be asked. Not the same as having it.
    Unknown,
}

/// One right at a system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Right {
    /// What it is needed for: `authorization servers`.
    pub feature: &'static str,
    /// Its name at the vendor: `okta.authorizationServers.manage`.
    pub name: &'static str,
    /// Whether we have it.
    pub state: RightState,
    /// What was found, or what to do.
    pub detail: String,
}

impl Right {
    pub(crate) fn new(feature: &'static str, name: &'static str, state: RightState, detail: impl Into<String>) -> Self {
        Self { feature, name, state, detail: detail.into() }
    }
}
