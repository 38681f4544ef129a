//! How long tokens live: the rule or policy that really applies, against the organisation's bounds and what was asked for;
//! who changed it; who will have to sign in again soon.

mod entra;
mod okta;
mod sign_ins;

use extoauth_core::alert::{About, ChangedBy, Matter};
use extoauth_core::engine::LedgerError;
use extoauth_core::finding::{Finding, Severity};
use extoauth_core::integration::Integration;
use extoauth_core::systems::{Idp, Mode, SystemId, SystemKind};
use jiff::SignedDuration;

use super::{Observed, Watcher};
use crate::observe::Unread;

pub(crate) use sign_ins::SignIns;

/// Name of the check.
pub const WATCH: &str = "token-lifetime-check";

/// How far back the vendors' logs are asked who changed something: Okta keeps 90 days (Okta's reference, "System Log"),
/// Entra 30 with a P1 or P2 licence and 7 without (Microsoft Entra, "Data retention").
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(24 * 90);

/// What integrations on the same system share: read once in a sweep.
#[derive(Debug, Default)]
pub struct Shared {
    okta: crate::observe::okta::Shared,
    entra: entra::Shared,
}

impl Watcher<'_> {
    /// What is to be said of the tokens of one integration. `shared` is kept for the next one on the same system.
    ///
    /// # Errors
    /// The state store failed. A system that fails is said to be unknown.
    pub async fn lifetimes(&self, desired: &Integration, shared: &mut Shared) -> Result<Observed, LedgerError> {
        let known = self.known(desired).await?;
        Ok(match desired.idp {
            Idp::Okta => okta::observe(self, desired, &known, &mut shared.okta).await,
            Idp::Entra => entra::observe(self, desired, &known, &mut shared.entra).await,
        })
    }
}

/// The identity provider of an integration.
fn provider(desired: &Integration) -> SystemId {
    let kind = match desired.idp {
        Idp::Okta => SystemKind::Okta,
        Idp::Entra => SystemKind::Entra,
    };
    SystemId::new(kind, desired.idp_system.clone())
}

/// What is said of a lifetime.
fn matter(
    desired: &Integration,
    key: String,
    finding: Finding,
    who: String,
    mode: Mode,
    by: Option<ChangedBy>,
) -> Matter {
    let by_itself = match (finding.severity, mode) {
        (Severity::Info | Severity::Ok, _) => "nothing needs to",
        (_, Mode::Manage) => "nothing: it stays so until somebody puts it back, or asks for `verify` with `repair`",
        (_, Mode::Handoff | Mode::Observe) => "nothing: it stays so until somebody puts it back",
    };
    Matter {
        about: About::Integration(desired.name.clone()),
        key,
        source: provider(desired),
        finding,
        ends: None,
        who,
        by_itself: by_itself.to_owned(),
        changed_by: by,
    }
}

/// What could not be read, and with it the check.
fn unread(desired: &Integration, key: &str, why: &Unread, mode: Mode) -> Matter {
    let finding = Finding {
        check: "token_lifetimes".into(),
        severity: Severity::Unknown,
        resource: provider(desired).to_string(),
        expected: "lifetimes that can be read".into(),
        found: why.why.clone(),
        effect: "whether somebody has changed how long people stay signed in is not known".into(),
        fix: why.fix.clone(),
        row: String::new(),
    };
    matter(desired, key.to_owned(), finding, "nobody yet".into(), mode, None)
}
