//! A step that only a person may do, written for that person.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One hand-off, with the exact values that the person needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handoff {
    /// Who must act: a role, or a person.
    pub who: String,
    /// What to do, in one or two sentences.
    pub what: String,
    /// Where: a URL or a place in a console.
    #[serde(rename = "where")]
    pub place: String,
    /// The values to use.
    pub values: BTreeMap<String, String>,
    /// Whether a read shows that it is done; `None` where no API shows it.
    pub done: Option<bool>,
}
