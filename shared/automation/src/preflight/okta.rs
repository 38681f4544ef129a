//! The groups are there, and what the claim will hold for their members.

use std::collections::BTreeMap;

use extoauth_core::error::CallResult;
use extoauth_core::finding::{Finding, Severity};
use extoauth_core::integration::Integration;
use extoauth_core::registry::TrustRecord;
use extoauth_systems::okta::{Group, Member};
use futures::future::{try_join, try_join_all};

use super::missing;
use crate::systems::{OktaPort, Systems};

/// Members of a group that are looked up. Of a larger group the first ones stand for the rest.
const SAMPLE: usize = 100;

/// What the org is asked for to see whether it has authorization servers at all: every org that does has this one.
const FEATURE_PROBE: &str = "default";

/// A user who will sign in.
pub(super) struct User {
    /// What the mapped claim will hold.
    pub(super) claim: String,
}

/// What the groups are.
#[derive(Default)]
pub(super) struct Members {
    pub(super) groups: BTreeMap<String, String>,
    pub(super) users: Vec<User>,
    pub(super) findings: Vec<Finding>,
}

/// The groups and their members. An org without API Access Management shows it at the first look at its authorization
/// servers: where one is to be made, that look comes before any write.
pub(super) async fn members(
    systems: &Systems,
    desired: &Integration,
    trust: &TrustRecord,
    trust_is_new: bool,
) -> CallResult<Members> {
    let Some(port) = &systems.okta else { return Ok(Members::default()) };
    let has_servers = async {
        if trust_is_new {
            port.read().authorization_servers(FEATURE_PROBE).await?;
        }
        Ok(())
    };
    let each = desired.groups.iter().map(|name| of_group(port, name, trust));
    let mut all = Members::default();
    let mut seen = std::collections::BTreeSet::new();
    let ((), groups) = try_join(has_servers, try_join_all(each)).await?;
    for one in groups {
        all.groups.extend(one.groups);
        all.users.extend(one.users.into_iter().filter(|user| seen.insert(user.claim.clone())));
        all.findings.extend(one.findings);
    }
    Ok(all)
}

async fn of_group(port: &OktaPort, name: &str, trust: &TrustRecord) -> CallResult<Members> {
    let resource = port.id.to_string();
    let groups = port.read().groups_named(name).await?;
    let [Group { id, .. }] = groups.as_slice() else {
        let found = match groups.len() {
            0 => format!("there is no group `{name}` in the Okta org, or our credential may not see it"),
            n => format!("{n} groups of the Okta org are named `{name}`"),
        };
        let fix = "name a group that is there exactly once";
        let finding = missing("group_resolvable", &resource, "R21", "one group of this name", found, fix);
        return Ok(Members { findings: vec![finding], ..Members::default() });
    };
    let page = port.read().group_members(id, None).await?;
    let mut findings = Vec::new();
    let active: Vec<&Member> = page.members.iter().filter(|m| may_sign_in(m)).collect();
    if active.is_empty() {
        findings.push(Finding {
            check: "group_has_members".into(),
            severity: Severity::Warning,
            resource: resource.clone(),
            expected: format!("the group `{name}` has active members"),
            found: "it has none".into(),
            effect: "nobody can sign in yet".into(),
            fix: "add the developers to the group".into(),
            row: "R21".into(),
        });
    }
    let mut users = Vec::new();
    let mut unreadable = Vec::new();
    for member in active.into_iter().take(SAMPLE) {
        match claim_of(member, &trust.claim) {
            Claim::Is(claim) => users.push(User { claim }),
            Claim::Empty => unreadable.push(member.login.clone().unwrap_or_else(|| member.id.clone())),
            Claim::Unknown => {}
        }
    }
    if !unreadable.is_empty() {
        findings.push(missing(
            "claim_filled",
            &resource,
            "R23",
            "every user has the attribute that the claim is made of",
            format!("`{}` would be empty for {}", trust.claim, unreadable.join(", ")),
            "fill the attribute in for these users, or map another claim",
        ));
    }
    Ok(Members { groups: BTreeMap::from([(name.to_owned(), id.clone())]), users, findings })
}

/// Whoever is suspended or deactivated cannot sign in anyway.
fn may_sign_in(member: &Member) -> bool {
    !matches!(member.status.as_deref(), Some("DEPROVISIONED" | "SUSPENDED" | "LOCKED_OUT"))
}

enum Claim {
    Is(String),
    Empty,
    /// Made of an attribute that this look-up does not read.
    Unknown,
}

/// What a claim will hold: `sub` is the app user's name, which is the login unless the app maps another.
fn claim_of(member: &Member, claim: &str) -> Claim {
    let value = match claim {
        "sub" | "upn" | "preferred_username" | "username" | "login" => &member.login,
        "email" => &member.email,
        _ => return Claim::Unknown,
    };
    value.clone().filter(|v| !v.is_empty()).map_or(Claim::Empty, Claim::Is)
}
