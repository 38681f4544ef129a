//! What the operator allows: bounds, names, freeze windows, the kill switch (`EXTOAUTH_POLICY`).

mod names;
mod parse;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ids::IntegrationName;

pub use names::{NameContext, NameKind, NameTemplate};

/// The policy of a deployment. Every key of its JSON may be absent; [`Policy::default`] is what then holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Who may ask, by sys_id or e-mail address. With `requester_groups` empty as well, ServiceNow alone decides who
    /// can order the catalogue item.
    pub requesters: BTreeSet<String>,
    /// Groups (sys_id or name) whose members may ask.
    pub requester_groups: BTreeSet<String>,
    /// Bounds of the tokens' lifetimes.
    pub lifetimes: LifetimeBounds,
    /// Life of a client secret.
    pub secret_days: SecretDays,
    /// Days before a client secret's end from which on it is rotated by itself; of a secret that lives less than twice as
    /// long, see [`Policy::rotation_window`].
    pub rotate_days_before: u32,
    /// Days before an expiry on which people are told, the largest first: 90, 60, 30, 14, 7, 3, 1, 0.
    pub thresholds: Vec<u32>,
    /// Names of what we create, by kind; see [`NameKind`].
    pub names: BTreeMap<NameKind, NameTemplate>,
    /// Times in which nothing is written.
    pub freeze: Vec<Freeze>,
    /// The kill switch: `false` = nothing is written at all.
    pub writes: bool,
    /// Integrations in which nothing is written.
    pub protected: BTreeSet<IntegrationName>,
    /// Who owns what: integration, trust or system, to a person or a group.
    pub owners: BTreeMap<String, String>,
    /// What a kind of event leads to; a kind that is not named is only observed.
    pub reactions: BTreeMap<String, Reaction>,
}

/// A month: time for somebody to look when the rotation fails, and for it to be tried every day until then.
const ROTATE_DAYS_BEFORE: u32 = 30;

impl Default for Policy {
    fn default() -> Self {
        Self {
            requesters: BTreeSet::new(),
            requester_groups: BTreeSet::new(),
            lifetimes: LifetimeBounds::default(),
            secret_days: SecretDays::default(),
            rotate_days_before: ROTATE_DAYS_BEFORE,
            thresholds: vec![90, 60, 30, 14, 7, 3, 1, 0],
            names: BTreeMap::new(),
            freeze: Vec::new(),
            writes: true,
            protected: BTreeSet::new(),
            owners: BTreeMap::new(),
            reactions: BTreeMap::new(),
        }
    }
}

/// Lowest and highest value that a ticket may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Lowest.
    pub min: u32,
    /// Highest.
    pub max: u32,
}

impl Bounds {
    /// The value, moved into the bounds if it is outside.
    pub fn clamp(self, value: u32) -> u32 {
        value.max(self.min).min(self.max)
    }

    /// Whether the value is within.
    pub fn holds(self, value: u32) -> bool {
        (self.min..=self.max).contains(&value)
    }
}

/// Bounds of the three lifetimes. The defaults are Okta's own limits: access tokens live 5 minutes to a day (Okta API
/// reference, `accessTokenLifetimeMinutes`), refresh tokens end after at most five years without use
/// (`refreshTokenWindowMinutes`, 2,628,000).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LifetimeBounds {
    /// Life of an access token, in minutes: 5 to 1440.
    pub access_minutes: Bounds,
    /// Life of a refresh token, in days: 1 to 1825.
    pub refresh_days: Bounds,
    /// Days without use after which a refresh token ends: 1 to 1825.
    pub idle_days: Bounds,
}

impl LifetimeBounds {
    /// The vendor's limits, beyond which no policy can go.
    pub const LIMITS: Self = Self {
        access_minutes: Bounds { min: 5, max: 1440 },
        refresh_days: Bounds { min: 1, max: 1825 },
        idle_days: Bounds { min: 1, max: 1825 },
    };
}

impl Default for LifetimeBounds {
    fn default() -> Self {
        Self::LIMITS
    }
}

/// Life of a client secret, in days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretDays {
    /// Of a ticket that names none: 180.
    pub default: u32,
    /// At most: 730, the two years that Entra's form allows.
    pub max: u32,
}

impl Default for SecretDays {
    fn default() -> Self {
        Self { default: 180, max: 730 }
    }
}

/// A time in which nothing is written: from `from` until just before `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// Its start.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
}

/// What an event leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reaction {
    /// It is recorded.
    #[default]
    Observe,
    /// The owner is told.
    Notify,
    /// The integration is repaired.
    Repair,
}

/// Why nothing may be written now.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WritesRefused {
    /// The kill switch.
    #[error("writes are switched off by policy (`writes`: `off`)")]
    Off,
    /// A freeze window.
    #[error("a freeze window is in force until {until}")]
    Frozen {
        /// When it ends.
        until: Timestamp,
    },
    /// A protected integration.
    #[error("the integration `{integration}` is protected by policy (`protected`)")]
    Protected {
        /// Which.
        integration: IntegrationName,
    },
}

impl Policy {
    /// Whether anything may be written for this integration now. Asked where the client that writes is handed out.
    ///
    /// # Errors
    /// Why not.
    pub fn allows_writes(&self, now: Timestamp, integration: &IntegrationName) -> Result<(), WritesRefused> {
        if !self.writes {
            return Err(WritesRefused::Off);
        }
        if self.protected.contains(integration) {
            return Err(WritesRefused::Protected { integration: integration.clone() });
        }
        let frozen = self.freeze.iter().filter(|f| f.from <= now && now < f.to).map(|f| f.to).max();
        match frozen {
            Some(until) => Err(WritesRefused::Frozen { until }),
            None => Ok(()),
        }
    }

    /// Whether a person may ask: `person` is everything that names them (sys_id, e-mail address), `groups` everything
    /// that names their groups. E-mail addresses compare without case.
    pub fn allows_requester<'a>(
        &self,
        person: impl IntoIterator<Item = &'a str>,
        groups: impl IntoIterator<Item = &'a str>,
    ) -> bool {
        if self.requesters.is_empty() && self.requester_groups.is_empty() {
            return true;
        }
        let names = |set: &BTreeSet<String>, name: &str| {
            !name.is_empty() && set.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
        };
        person.into_iter().any(|p| names(&self.requesters, p))
            || groups.into_iter().any(|g| names(&self.requester_groups, g))
    }

    /// Days before its end from which on a client secret that lives `secret_days` is rotated: never more than half its
    /// life, or each new one would be due at once.
    pub fn rotation_window(&self, secret_days: u32) -> u32 {
        self.rotate_days_before.min(secret_days / 2)
    }

    /// What an event of this kind leads to.
    pub fn reaction(&self, kind: &str) -> Reaction {
        self.reactions.get(kind).copied().unwrap_or_default()
    }

    /// The name of a new object of this kind.
    pub fn name(&self, kind: NameKind, context: &NameContext<'_>) -> String {
        match self.names.get(&kind) {
            Some(template) => template.render(context),
            None => kind.default_template().render(context),
        }
    }
}
