//! What a check says.

use serde::{Deserialize, Serialize};

/// How bad it is. `critical` = a login fails now for at least one assigned user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Info,
    /// Could not be read: never taken for fine.
    Unknown,
    /// Something will break or is not as agreed.
    Warning,
    /// A login fails now for at least one assigned user.
    Critical,
}

/// One result of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable id of the check (`docs/CHECKS.md`).
    pub check: String,
    /// How bad.
    pub severity: Severity,
    /// Address of the resource that it is about.
    pub resource: String,
    /// What should be.
    pub expected: String,
    /// What is.
    pub found: String,
    /// What this means to the users, in words.
    pub effect: String,
    /// What to do.
    pub fix: String,
    /// Row of the manual (R01 to R32), or empty.
    pub row: String,
}
