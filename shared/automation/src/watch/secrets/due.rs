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

/// When the automatic rotation of a secret begins. Its life may be shorter than was asked for: a tenant's policy can cap it.
pub(super) fn rotates_from(
    starts: Option<Timestamp>,
    ends: Timestamp,
    desired: &Integration,
    policy: &Policy,
) -> Timestamp {
    let lives = starts.and_then(|starts| u32::try_from(ends.duration_since(starts).as_hours() / 24).ok());
    let lives = lives.map_or(desired.secret_days, |lives| lives.min(desired.secret_days));
    let window = SignedDuration::from_hours(24 * i64::from(policy.rotation_window(lives)));
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
    let dated = held.filter_map(|one| Some((one.ends?, one.starts, one.version.as_ref()?)));
    let (ends, starts, version) = dated.min_by_key(|(ends, ..)| *ends)?;
    let due = managed && rotates_from(starts, ends, desired, policy) <= now;
    due.then(|| Due { integration: desired.name.clone(), version: version.clone() })
}
