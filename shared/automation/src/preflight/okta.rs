//! The groups are there, and what the claim will hold for their members.

use extoauth_core::error::CallResult;
use extoauth_core::integration::Integration;
use extoauth_core::registry::TrustRecord;
use extoauth_systems::okta::{Group, Member};
use futures::future::{try_join, try_join_all};

use super::people::{Claim, Members, group, no_such_group};
use crate::systems::OktaPort;

/// What the org is asked for to see whether it has authorization servers at all: every org that does has this one.
const FEATURE_PROBE: &str = "default";

/// The groups and their members. An org without API Access Management shows it at the first look at its authorization
/// servers: where one is to be made, that look comes before any write.
pub(super) async fn members(
    port: &OktaPort,
    desired: &Integration,
    trust: &TrustRecord,
    trust_is_new: bool,
) -> CallResult<Members> {
    let has_servers = async {
        if trust_is_new {
            port.read().authorization_servers(FEATURE_PROBE).await?;
        }
        Ok(())
    };
    let each = desired.groups.iter().map(|name| of_group(port, name, trust));
    let mut all = Members::default();
    let ((), groups) = try_join(has_servers, try_join_all(each)).await?;
    groups.into_iter().for_each(|one| all.add(one));
    Ok(all)
}

async fn of_group(port: &OktaPort, name: &str, trust: &TrustRecord) -> CallResult<Members> {
    let resource = port.id.to_string();
    let groups = port.read().groups_named(name).await?;
    let [Group { id, .. }] = groups.as_slice() else { return Ok(no_such_group(&resource, name, groups.len())) };
    let page = port.read().group_members(id, None).await?;
    let active = page.items.iter().filter(|m| may_sign_in(m));
    let people = active.map(|m| (m.login.clone().unwrap_or_else(|| m.id.clone()), claim_of(m, &trust.claim)));
    Ok(group(&resource, name, id, &trust.claim, people))
}

/// Whoever is suspended or deactivated cannot sign in anyway.
fn may_sign_in(member: &Member) -> bool {
    !matches!(member.status.as_deref(), Some("DEPROVISIONED" | "SUSPENDED" | "LOCKED_OUT"))
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
