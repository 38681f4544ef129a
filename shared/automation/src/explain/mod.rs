//! From an error text to the link of the chain that is broken, and how to mend it with this integration's values.
//!
//! Pure: text and stored state in, findings out. The text is a stranger's: it is capped in size, nothing of it is in the
//! answer but a code's number, and one that holds something like a token is not taken at all ([`Pasted::of`]).
//!
//! The rules are tables, a file for each family of messages. A message that no published source has is marked
//! UNCONFIRMED there.

mod chain;
mod dbt;
mod entra;
mod entra_people;
mod forms;
mod identity_center;
mod oauth;
mod okta;
mod pasted;
mod redshift;
mod rule;
mod secrets;
mod values;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;

use extoauth_core::finding::Finding;
use serde::Serialize;

use rule::Rule;

pub use pasted::{MAX_TEXT, Pasted, Refused};
pub use rule::Certainty;
pub use secrets::Secret;
pub use values::Values;

/// One cause, and its place among the causes that the text may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// From 1: the first is the likeliest.
    pub rank: usize,
    /// How surely the text tells this cause.
    pub certainty: Certainty,
    /// Which link, what it means, how to mend it.
    #[serde(flatten)]
    pub finding: Finding,
}

/// What a text tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Whether a rule knows the text. If not, the causes are the links in the order in which to test them.
    pub known: bool,
    /// In one sentence.
    pub summary: String,
    /// The causes, the likeliest first.
    pub causes: Vec<Cause>,
}

/// Most causes that are told: who reads more than these has learned nothing.
const MOST: usize = 8;

fn rules() -> impl Iterator<Item = &'static Rule> {
    [dbt::RULES, redshift::RULES, identity_center::RULES, okta::RULES, entra::RULES, entra_people::RULES, oauth::RULES]
        .into_iter()
        .flatten()
}

/// Explains a text for an integration.
pub fn explain(text: &Pasted, values: &Values) -> Explanation {
    let mut matching: Vec<(&Rule, usize)> =
        rules().filter_map(|rule| Some((rule, rule.weight(text, values)?))).collect();
    // The longer message says more; beyond that the order of the table counts, which the sorts keep.
    matching.sort_by_key(|(_, weight)| Reverse(*weight));
    // A code without a rule says more than words without a code.
    let mut found = entra::other_codes(text, values);
    found.extend(matching.iter().map(|(rule, _)| (rule.certainty, rule.finding(values))));
    found.sort_by_key(|(certainty, _)| Reverse(*certainty));
    match found.first() {
        None => return unknown(text, values),
        // Words that stand in many messages say nothing beside one that tells the cause.
        Some((Certainty::Exact, _)) => found.retain(|(certainty, _)| *certainty > Certainty::Possible),
        Some(_) => {}
    }
    found.truncate(MOST);
    let causes = ranked(found);
    let Finding { resource, row, .. } = &causes[0].finding;
    let place = if row.is_empty() { resource.clone() } else { format!("{resource} (row {row})") };
    let summary = match causes[0].certainty {
        Certainty::Exact => format!("The text names the link that is broken: {place}."),
        Certainty::Likely => format!("The text fits several links; the likeliest is {place}."),
        Certainty::Possible => format!("The text alone does not tell the cause; begin with {place}."),
    };
    Explanation { known: true, summary, causes }
}

/// What no rule knows: where to look, in the order in which a login passes the links.
fn unknown(text: &Pasted, values: &Values) -> Explanation {
    let (summary, links) = if text.says_all_is_well() {
        ("The text tells of no error.".to_owned(), vec![chain::all_is_well(values)])
    } else {
        let summary =
            "No known message is in the text. These are the links in the order in which a login passes them, \
                       each with a test; the first test that fails names the broken one."
                .to_owned();
        (summary, chain::links(values))
    };
    let found = links.into_iter().map(|finding| (Certainty::Possible, finding)).collect();
    Explanation { known: false, summary, causes: ranked(found) }
}

fn ranked(found: Vec<(Certainty, Finding)>) -> Vec<Cause> {
    let number = |(at, (certainty, finding))| Cause { rank: at + 1, certainty, finding };
    found.into_iter().enumerate().map(number).collect()
}
