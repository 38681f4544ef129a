//! Entra: the token lifetime policy that applies to the resource's access tokens. Refresh tokens live by Microsoft's own
//! rules, and no API lists them: who will have to sign in again is not known.

use std::collections::{BTreeMap, BTreeSet};

use extoauth_core::alert::{About, ChangedBy};
use extoauth_core::error::CallResult;
use extoauth_core::finding::{Finding, Severity};
use extoauth_core::integration::Integration;
use extoauth_core::systems::Mode;
use extoauth_systems::entra::{Read, TokenLifetimePolicy};

use super::{LOOK_BACK, matter, provider, unread};
use crate::observe::{Known, Seen, Unread};
use crate::resources::entra::{AppIdentity, ResourceApp};
use crate::watch::{Observed, Watcher};
use extoauth_core::engine::Resource;

const ID: &str = "token_lifetimes";
/// Without a policy access tokens live between these, by chance (Microsoft identity platform, "Access tokens").
const DEFAULT: (i64, i64) = (60, 90);
/// Entries of the audit log that are looked through for who changed a policy.
const MOST_AUDITS: usize = 20;

/// What integrations of one tenant share: its policies, and those of each resource app.
#[derive(Debug, Default)]
pub(super) struct Shared {
    tenant: Option<Seen<Vec<TokenLifetimePolicy>>>,
    apps: BTreeMap<String, Seen<Vec<TokenLifetimePolicy>>>,
}

pub(super) async fn observe(
    watcher: &Watcher<'_>,
    desired: &Integration,
    known: &Known,
    shared: &mut Shared,
) -> Observed {
    let mut observed =
        Observed { about: About::Integration(desired.name.clone()), matters: Vec::new(), read: BTreeSet::new() };
    let (read, mode) = match watcher.clients.entra_reader(&desired.idp_system) {
        Ok(found) => found,
        Err(error) => {
            let why = Unread::from(&error);
            observed.matters.push(unread(desired, "token_lifetimes/unread", &why, Mode::Observe));
            return observed;
        }
    };
    let policy = match applying(&read, known, shared).await {
        Seen::There(policy) => policy,
        Seen::Gone => None,
        Seen::Unread(why) => {
            observed.matters.push(unread(desired, "token_lifetimes/unread", &why, mode));
            return observed;
        }
    };
    observed.read.insert(provider(desired));
    let Some(finding) = judge(policy.as_ref(), desired, watcher) else { return observed };
    let mut by = None;
    if let Some(policy) = policy.as_ref().filter(|_| finding.severity >= Severity::Warning) {
        match changed(&read, &policy.id, watcher).await {
            Ok(found) => by = found,
            Err(error) => observed.matters.push(no_log(desired, &Unread::from(&error), mode)),
        }
    }
    let who = "everybody who may use the app".to_owned();
    observed.matters.push(matter(desired, "token_lifetimes/access".into(), finding, who, mode, by));
    observed
}

/// The policy that decides: the organisation's goes before an app's own ("Configurable token lifetimes": one that is
/// explicitly assigned to the organisation is enforced).
async fn applying(read: &Read, known: &Known, shared: &mut Shared) -> Seen<Option<TokenLifetimePolicy>> {
    if shared.tenant.is_none() {
        shared.tenant = Some(read.token_lifetime_policies().await.into());
    }
    let tenant = match shared.tenant.as_ref() {
        Some(Seen::There(policies)) => policies,
        Some(Seen::Unread(why)) => return Seen::Unread(why.clone()),
        Some(Seen::Gone) | None => return Seen::There(None),
    };
    if let Some(own) = tenant.iter().find(|policy| policy.is_organization_default) {
        return Seen::There(Some(own.clone()));
    }
    let app = known.identity::<AppIdentity>(ResourceApp::KIND).map(|own| own.id);
    // Without any policy none is assigned to an app.
    let Some(app) = app.filter(|_| !tenant.is_empty()) else { return Seen::There(None) };
    if !shared.apps.contains_key(&app) {
        shared.apps.insert(app.clone(), read.token_lifetime_policies_of(&app).await.into());
    }
    shared.apps.get(&app).cloned().unwrap_or_default().map(|policies| policies.into_iter().next())
}

fn judge(policy: Option<&TokenLifetimePolicy>, desired: &Integration, watcher: &Watcher<'_>) -> Option<Finding> {
    let wanted = i64::from(desired.lifetimes.access_minutes);
    let most = i64::from(watcher.policy.lifetimes.access_minutes.max);
    let set = policy.and_then(|policy| policy.access_token.map(|life| (policy, life.as_mins())));
    let (severity, found, effect) = match set {
        Some((_, life)) if life == wanted => return None,
        Some((policy, life)) => {
            let found = format!("`{}`: access tokens live {life} minutes", policy.name);
            if life < wanted {
                let effect = "a development session that lasts longer meets reconnect errors until a new one is started: \
                              dbt does not refresh inside a session";
                (Severity::Warning, found, effect)
            } else if life > most {
                (Severity::Warning, found, "longer than the organisation allows")
            } else {
                (Severity::Info, found, "none: only longer than asked for")
            }
        }
        None => {
            let found = format!("no policy applies: access tokens live {} to {} minutes", DEFAULT.0, DEFAULT.1);
            if most < DEFAULT.1 {
                (Severity::Warning, found, "some live longer than the organisation allows")
            } else if wanted > DEFAULT.0 {
                (Severity::Info, found, "some live shorter than asked for")
            } else {
                return None;
            }
        }
    };
    Some(Finding {
        check: ID.into(),
        severity,
        resource: provider(desired).to_string(),
        expected: format!("access tokens of {wanted} minutes, of at most {most} by the organisation's policy"),
        found,
        effect: effect.into(),
        fix: format!(
            "give the resource app a token lifetime policy with AccessTokenLifetime of {wanted} minutes, and the organisation \
             none of its own"
        ),
        row: "R20".into(),
    })
}

async fn changed(read: &Read, policy: &str, watcher: &Watcher<'_>) -> CallResult<Option<ChangedBy>> {
    let since = watcher.now.checked_sub(LOOK_BACK).unwrap_or(watcher.now);
    let audits = read.audits_of(policy, since, MOST_AUDITS).await?;
    let last = audits.into_iter().find(|audit| audit.done);
    Ok(last.and_then(|audit| Some(ChangedBy { who: audit.actor?, at: audit.at?, event: audit.activity })))
}

/// Nobody can say who it was.
fn no_log(desired: &Integration, why: &Unread, mode: Mode) -> extoauth_core::alert::Matter {
    let finding = Finding {
        check: "audit_log".into(),
        severity: Severity::Info,
        resource: provider(desired).to_string(),
        expected: "an audit log that can be read".into(),
        found: why.why.clone(),
        effect: "who changed something is not told".into(),
        fix: why.fix.clone(),
        row: String::new(),
    };
    matter(desired, "audit_log".into(), finding, "nobody".into(), mode, None)
}
