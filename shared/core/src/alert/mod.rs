//! Alerts: what somebody must know of until it is mended, and when it is time to say so.
//!
//! A scheduled check sees [`Matter`]s. [`review`] compares them with the [`Alert`]s that are stored of the same subject and
//! says what is to be stored and what is to be told: pure, so that a year of it can be tried in a test. Whoever stores the
//! result does so together with the notice, all or nothing: a message is caused once, however often a check is repeated.

mod due;
mod review;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use futures::future::BoxFuture;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::engine::LedgerError;
use crate::finding::{Finding, Severity};
use crate::ids::IntegrationName;
use crate::notice::Notice;
use crate::systems::SystemId;

pub use due::{days_left, due};
pub(crate) use review::incident;
pub use review::{Next, Reading, review, unwatch};

/// What an alert is about: whose owner is told, and under what it is stored.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// An integration.
    Integration(IntegrationName),
    /// A system: a credential of the automation itself, for example.
    System(SystemId),
}

impl About {
    /// The name by which the policy's `owners` knows it: `analytics-dev`, `okta/acme`.
    pub fn owned_as(&self) -> String {
        match self {
            Self::Integration(name) => name.to_string(),
            Self::System(system) => system.to_string(),
        }
    }

    /// The integration, if it is one.
    pub fn integration(&self) -> Option<&IntegrationName> {
        match self {
            Self::Integration(name) => Some(name),
            Self::System(_) => None,
        }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integration(name) => write!(f, "integration/{name}"),
            Self::System(system) => write!(f, "system/{system}"),
        }
    }
}

/// Who changed something, as far as the vendor's own log tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedBy {
    /// The person or application, as the log names it. The vendor's text: escaped wherever it is shown.
    pub who: String,
    /// When.
    pub at: Timestamp,
    /// What the log calls it: `policy.rule.update`, `Update application`.
    pub event: String,
}

/// What a check sees that somebody must know of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matter {
    /// What it is about.
    pub about: About,
    /// The check's own key within the subject. What has a date is named with it, a credential by its id and its end: another
    /// end is another matter. What holds now is named without its state, which is `finding.found`: told again once that
    /// differs, so nothing that changes by itself may stand there.
    pub key: String,
    /// The system that it was read from. While a system cannot be read, its matters are neither seen nor gone.
    pub source: SystemId,
    /// What is wrong or will be, what that means, what to do.
    pub finding: Finding,
    /// The date that it is about; `None`: it holds now and is told once.
    pub ends: Option<Timestamp>,
    /// Who is affected, in words.
    pub who: String,
    /// What happens by itself, in words: `the secret is rotated on 2027-01-03`, or that nothing does.
    pub by_itself: String,
    /// Who caused it, if the vendor's log tells.
    pub changed_by: Option<ChangedBy>,
}

/// How far a matter has gone when it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It holds now.
    Now,
    /// Its date is at most so many days ahead, the nearest of the policy's thresholds: 0 = it ends today.
    Before(u32),
    /// Its date is past; told every day.
    Expired(Date),
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now => f.write_str("now"),
            Self::Before(days) => write!(f, "before-{days}"),
            Self::Expired(day) => write!(f, "expired-{day}"),
        }
    }
}

/// What was told last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// How far it had gone.
    pub stage: Stage,
    /// When.
    pub at: Timestamp,
}

/// Somebody knows of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// Who, as the ticket names them.
    pub by: String,
    /// Id of the request.
    pub request: String,
    /// When.
    pub at: Timestamp,
    /// How bad it was then: once it is worse, it is told again.
    pub severity: Severity,
}

/// A matter that is watched, and what was said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Version of this shape: [`Alert::SCHEMA`].
    pub schema: u32,
    /// The scheduled check that watches it: `secret-expiry-check`. Only this one says that it is gone.
    pub watch: String,
    /// What is watched, as last seen.
    pub matter: Matter,
    /// When it was first seen.
    pub opened: Timestamp,
    /// What was told last; `None`: nothing yet.
    pub told: Option<Told>,
    /// Every stage that an incident was opened for. An expired date has one incident, not one a day.
    pub incidents: BTreeSet<String>,
    /// Who knows of it.
    pub acknowledged: Option<Acknowledged>,
    /// Until when nothing is said.
    pub snoozed_until: Option<Timestamp>,
    /// Counts what was stored; a store refuses an alert that was not made from the one it holds.
    pub revision: u64,
}

impl Alert {
    /// Version of the shape.
    pub const SCHEMA: u32 = 1;

    /// Its id: names this occurrence to people, tickets and incidents. The same matter seen again later is another one.
    pub fn id(&self) -> String {
        let Matter { about, key, .. } = &self.matter;
        crate::notice::digest(&[&self.watch, &about.to_string(), key, &self.opened.to_string()])
    }
}

/// The store of alerts and of what they cause to be told.
pub trait Alerts: Send + Sync {
    /// The alerts of a subject, all watches.
    fn alerts_of<'a>(&'a self, about: &'a About) -> BoxFuture<'a, Result<Vec<Alert>, LedgerError>>;

    /// Stores what became of an alert together with what is to be told, all or nothing. `false`: somebody else has
    /// stored it since it was read; nothing was stored, read again.
    fn store<'a>(&'a self, next: &'a Next) -> BoxFuture<'a, Result<bool, LedgerError>>;
}

impl Next {
    /// The alert that it is about, as it is or was.
    pub fn alert(&self) -> &Alert {
        match self {
            Self::Keep { alert, .. } | Self::Forget { alert, .. } => alert,
        }
    }

    /// What is to be told.
    pub fn notice(&self) -> Option<&Notice> {
        match self {
            Self::Keep { notice, .. } | Self::Forget { notice, .. } => notice.as_deref(),
        }
    }
}
