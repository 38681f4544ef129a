//! A rule: which words mean which link.

use extoauth_core::finding::{Finding, Severity};
use extoauth_core::systems::Idp;
use serde::Serialize;

use super::pasted::Pasted;
use super::values::Values;

/// How surely a text tells a cause; the surest is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// The words stand for many causes.
    Possible,
    /// The words stand for a few causes, of which this is one.
    Likely,
    /// The words stand for this cause alone.
    Exact,
}

/// What a text must hold.
pub(super) enum When {
    /// One of the words of each group, in lower case.
    Says(&'static [&'static [&'static str]]),
    /// One of these AADSTS codes.
    Code(&'static [u64]),
}

/// One message and what it means.
pub(super) struct Rule {
    /// Stable id of the finding.
    pub id: &'static str,
    /// The identity provider whose message it is; `None`: anybody's.
    pub idp: Option<Idp>,
    pub when: When,
    pub certainty: Certainty,
    pub severity: Severity,
    /// Address of the resource, without key; or `<system kind>` for what is no resource of ours.
    pub resource: &'static str,
    pub row: &'static str,
    pub expected: fn(&Values) -> String,
    pub found: &'static str,
    pub effect: &'static str,
    pub fix: fn(&Values) -> String,
}

impl Rule {
    /// How much of the text speaks for it: the length of the words; `None`: it does not apply.
    pub fn weight(&self, text: &Pasted, values: &Values) -> Option<usize> {
        if self.idp.is_some_and(|idp| idp != values.idp) {
            return None;
        }
        match &self.when {
            When::Says(groups) => groups.iter().try_fold(0, |sum, group| {
                let longest = group.iter().filter(|words| text.says(words)).map(|words| words.len()).max();
                longest.map(|longest| sum + longest)
            }),
            When::Code(codes) => codes.iter().any(|code| text.codes().contains(code)).then_some(CODE),
        }
    }

    /// The finding, with this integration's values.
    pub fn finding(&self, values: &Values) -> Finding {
        Finding {
            check: self.id.into(),
            severity: self.severity,
            resource: values.resource(self.resource),
            expected: (self.expected)(values),
            found: self.found.into(),
            effect: self.effect.into(),
            fix: (self.fix)(values),
            row: self.row.into(),
        }
    }
}

/// A code weighs as much as a sentence.
const CODE: usize = 60;
