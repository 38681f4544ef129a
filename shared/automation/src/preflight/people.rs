//! Who will sign in, and what the mapped claim will hold for them.

use std::collections::{BTreeMap, BTreeSet};

use extoauth_core::error::CallResult;
use extoauth_core::finding::{Finding, Severity};
use extoauth_core::integration::Integration;
use extoauth_core::registry::TrustRecord;

use super::{Known, entra, missing, okta};
use crate::systems::Systems;
use crate::want::EntraFacts;

/// Members of a group that are looked up. Of a larger group the first ones stand for the rest.
pub(super) const SAMPLE: usize = 100;

/// A user who will sign in.
pub(super) struct User {
    /// What the mapped claim will hold.
    pub(super) claim: String,
}

/// What an identity provider says of the people, and of itself.
#[derive(Default)]
pub(super) struct Members {
    pub(super) groups: BTreeMap<String, String>,
    pub(super) users: Vec<User>,
    pub(super) findings: Vec<Finding>,
    /// The `iss` of the tokens, where it is known before anything is made: a tenant has one for everybody.
    pub(super) issuer: Option<String>,
    /// Days that a client secret may live there.
    pub(super) secret_days: Option<u32>,
    pub(super) entra: EntraFacts,
}

impl Members {
    /// Takes in what is known of another group.
    pub(super) fn add(&mut self, group: Members) {
        let known: BTreeSet<String> = self.users.iter().map(|user| user.claim.clone()).collect();
        self.groups.extend(group.groups);
        self.users.extend(group.users.into_iter().filter(|user| !known.contains(&user.claim)));
        self.findings.extend(group.findings);
        self.entra.unresolved_groups.extend(group.entra.unresolved_groups);
    }
}

/// The identity provider's groups and their members.
pub(super) async fn members(
    systems: &Systems,
    desired: &Integration,
    trust: &TrustRecord,
    known: Known,
) -> CallResult<Members> {
    if let Some(port) = &systems.okta {
        return okta::members(port, desired, trust, known.trust_is_new).await;
    }
    match &systems.entra {
        Some(port) => entra::members(port, desired, trust, known.has_secret).await,
        None => Ok(Members::default()),
    }
}

/// What a claim will hold for a user.
pub(super) enum Claim {
    Is(String),
    Empty,
    /// Made of something that this look-up does not read.
    Unknown,
}

/// A group's people, each with what the claim will hold.
pub(super) fn group(
    resource: &str,
    name: &str,
    id: &str,
    claim: &str,
    people: impl Iterator<Item = (String, Claim)>,
) -> Members {
    let mut all = Members { groups: BTreeMap::from([(name.to_owned(), id.to_owned())]), ..Members::default() };
    let (mut unreadable, mut unknown) = (Vec::new(), 0_usize);
    let mut nobody = true;
    for (who, holds) in people.take(SAMPLE) {
        nobody = false;
        match holds {
            Claim::Is(claim) => all.users.push(User { claim }),
            Claim::Empty => unreadable.push(who),
            Claim::Unknown => unknown += 1,
        }
    }
    if nobody {
        all.findings.push(Finding {
            check: "group_has_members".into(),
            severity: Severity::Warning,
            resource: resource.into(),
            expected: format!("the group `{name}` has active members"),
            found: "it has none".into(),
            effect: "nobody can sign in yet".into(),
            fix: "add the developers to the group".into(),
            row: "R21".into(),
        });
    }
    if unknown > 0 {
        all.findings.push(Finding {
            check: "users_resolvable".into(),
            severity: Severity::Unknown,
            resource: resource.into(),
            expected: format!("what the claim `{claim}` holds for each user of `{name}` is known before they sign in"),
            found: format!("for {unknown} of them our credential cannot read it, or it is made of something else"),
            effect: "a user who is missing in the identity store could not sign in, and nobody would know before"
                .into(),
            fix: "give our credential the right to read users, map a usual claim, or check the users by hand".into(),
            row: "R21".into(),
        });
    }
    if !unreadable.is_empty() {
        all.findings.push(missing(
            "claim_filled",
            resource,
            "R23",
            "every user has the attribute that the claim is made of",
            format!("`{claim}` would be empty for {}", unreadable.join(", ")),
            "fill the attribute in for these users, take them out of the group, or map another claim",
        ));
    }
    all
}

/// A group that cannot be told for certain.
pub(super) fn no_such_group(resource: &str, name: &str, found: usize) -> Members {
    let found = match found {
        0 => format!("there is no group `{name}` in {resource}, or our credential may not see it"),
        n => format!("{n} groups of {resource} are named `{name}`"),
    };
    let fix = "name a group that is there exactly once";
    let finding = missing("group_resolvable", resource, "R21", "one group of this name", found, fix);
    Members { findings: vec![finding], ..Members::default() }
}
