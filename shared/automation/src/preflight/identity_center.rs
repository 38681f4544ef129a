//! The Identity Center instance is active, has room for an issuer, and knows the users (row R21).

use extoauth_core::error::CallResult;
use extoauth_core::finding::{Finding, Severity};
use extoauth_core::registry::TrustRecord;
use extoauth_systems::identity_center::rules::Lookup;
use extoauth_systems::identity_center::{Instance, IssuerName, MAX_ISSUERS};
use futures::future::try_join;
use futures::{StreamExt, TryStreamExt, stream};

use super::missing;
use super::people::User;
use crate::systems::Systems;

/// Look-ups in flight at once: the identity store throttles early.
const PARALLEL: usize = 5;
/// Users named in a message.
const NAMED: usize = 10;

/// The instance, and its issuers where a new trust needs one of them.
pub(super) struct Found {
    pub(super) instance: Instance,
    issuers: Option<Vec<IssuerName>>,
}

pub(super) async fn instance(systems: &Systems, trust_is_new: bool) -> CallResult<Found> {
    let port = &systems.identity_center;
    if !trust_is_new {
        return Ok(Found { instance: port.read().instance().await?, issuers: None });
    }
    let (instance, issuers) = try_join(port.read().instance(), port.read().issuer_names()).await?;
    Ok(Found { instance, issuers: Some(issuers) })
}

/// `issuer`: the `iss` of the tokens, where it is known before anything is made. An issuer that stands there already is
/// used, so it needs no room, but its mapping must be the one that is asked for: others rely on it.
pub(super) async fn check(
    systems: &Systems,
    found: &Found,
    trust: &TrustRecord,
    issuer: Option<&str>,
) -> CallResult<Vec<Finding>> {
    let port = &systems.identity_center;
    let mut findings = Vec::new();
    let resource = port.id.to_string();
    let instance = &found.instance;
    if !instance.is_active() {
        findings.push(missing(
            "identity_center_active",
            &resource,
            "R21",
            "the instance is ACTIVE",
            format!("the Identity Center instance {} is {}", instance.arn, instance.status),
            "wait until the instance is active, or have its set-up repaired",
        ));
    }
    let Some(names) = &found.issuers else { return Ok(findings) };
    if let Some(url) = issuer
        && let Some(there) = port.read().issuers_named(names).await?.into_iter().find(|one| one.url == url)
    {
        if (&there.claim, &there.attribute) != (&trust.claim, &trust.attribute) {
            findings.push(missing(
                "issuer_mapping",
                &resource,
                "R23",
                &format!("the trusted token issuer of {url} maps `{}` to `{}`", trust.claim, trust.attribute),
                format!("`{}`, which others use too, maps `{}` to `{}`", there.name, there.claim, there.attribute),
                "ask for that claim and attribute in the ticket, or have the issuer's owner change them",
            ));
        }
        return Ok(findings);
    }
    if names.len() >= MAX_ISSUERS {
        let count = names.len();
        findings.push(missing(
            "issuer_ceiling",
            &resource,
            "R22",
            "room for one more trusted token issuer",
            format!(
                "the instance has {count} trusted token issuers; {MAX_ISSUERS} is the limit, and AWS does not raise it"
            ),
            "delete an issuer that nobody uses, or use an identity provider that already has one here",
        ));
    }
    Ok(findings)
}

/// Every user must be found by the mapped attribute: Identity Center refuses a token whose claim fits nobody.
pub(super) async fn resolve_users(
    systems: &Systems,
    instance: &Instance,
    trust: &TrustRecord,
    users: &[User],
) -> CallResult<Vec<Finding>> {
    let port = &systems.identity_center;
    let resource = port.id.to_string();
    if Lookup::of(&trust.attribute).is_none() {
        return Ok(vec![Finding {
            check: "users_resolvable".into(),
            severity: Severity::Unknown,
            resource,
            expected: "every user of the groups is found in the identity store".into(),
            found: format!("the identity store cannot be asked for users by `{}`", trust.attribute),
            effect: "a user who is missing there could not sign in, and nobody would know before".into(),
            fix: "map `emails.value` or `userName`, which can be looked up, or check the users by hand".into(),
            row: "R21".into(),
        }]);
    }
    let store = instance.identity_store_id.as_str();
    let unknown: Vec<&str> = stream::iter(users)
        .map(|user| async move {
            let found = port.read().user_by(store, &trust.attribute, &user.claim).await?;
            Ok::<_, extoauth_core::error::CallError>(found.is_none().then_some(user.claim.as_str()))
        })
        .buffered(PARALLEL)
        .try_filter_map(|unknown| async move { Ok(unknown) })
        .try_collect()
        .await?;
    if unknown.is_empty() {
        return Ok(Vec::new());
    }
    let named = unknown.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    let more = unknown.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Ok(vec![missing(
        "users_resolvable",
        &resource,
        "R21",
        "every user of the groups is found in the identity store by the mapped attribute",
        format!("no user of the identity store has `{}` = {named}{more} (claim `{}`)", trust.attribute, trust.claim),
        "have these users provisioned to Identity Center (SCIM), or map another claim or attribute",
    )])
}
