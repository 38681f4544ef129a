//! Which client secrets are to be rotated.

use extoauth_core::ids::IntegrationName;
use extoauth_core::integration::Integration;
use extoauth_core::policy::Policy;
use jiff::{SignedDuration, Timestamp};

use super::judge::{Credential, Standing};

/// A client secret that is to be rotated. The same one is named every day until dbt holds another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Whose it is.
    pub integration: IntegrationName,
    /// The version that dbt holds.
    pub version: String,
}

/// When the automatic rotation of a secret begins.
pub(super) fn rotates_from(ends: Timestamp, desired: &Integration, policy: &Policy) -> Timestamp {
    let window = SignedDuration::from_hours(24 * i64::from(policy.rotation_window(desired.secret_days)));
    ends.checked_sub(window).unwrap_or(Timestamp::MIN)
}

/// Whether the secret that dbt holds is in the window in which it is rotated by itself (`rotate_days_before` of the
/// policy), or past it. Only where we write both at the identity provider and at dbt (`managed`): elsewhere people do it.
/// Whether anything may be written at all is for the rotation to ask, when it is its turn.
pub fn due_for_rotation(
    credentials: &[Credential],
    desired: &Integration,
    policy: &Policy,
    managed: bool,
    now: Timestamp,
) -> Option<Due> {
    let held = credentials.iter().filter(|credential| credential.standing == Standing::Held);
    let first = held.filter_map(|one| Some((one.ends?, one.version.clone()?))).min()?;
    let due = managed && rotates_from(first.0, desired, policy) <= now;
    due.then(|| Due { integration: desired.name.clone(), version: first.1 })
}
