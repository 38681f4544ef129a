//! What the scheduled checks look at, and what becomes of it: matters that somebody must know of until they are mended.
//!
//! A check observes one subject at a time ([`Observed`]); [`Watcher::conclude`] compares that with what is stored of it
//! ([`extoauth_core::alert::review`]) and stores what is new together with the notice that it causes.

pub mod lifetimes;
pub mod secrets;

use std::collections::BTreeSet;

use extoauth_core::alert::{About, Alerts, Matter, Reading, review, unwatch};
use extoauth_core::engine::{Ledger, LedgerError};
use extoauth_core::finding::Severity;
use extoauth_core::ids::Subject;
use extoauth_core::integration::Integration;
use extoauth_core::policy::Policy;
use extoauth_core::systems::{Mode, SystemId};
use futures::future::try_join;
use jiff::Timestamp;

use crate::clients::Clients;
use crate::observe::Known;

/// Looks at an alert that somebody else changes at the same moment.
const ROUNDS: u32 = 5;

/// All that a scheduled check needs.
pub struct Watcher<'a> {
    /// The deployment's name.
    pub deployment: &'a str,
    /// The policy.
    pub policy: &'a Policy,
    /// The ways into the systems.
    pub clients: &'a Clients,
    /// The inventories: under which ids things are looked for.
    pub ledger: &'a dyn Ledger,
    /// What was said before.
    pub alerts: &'a dyn Alerts,
    /// "Now" as the schedule says.
    pub now: Timestamp,
}

/// What a check saw of one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// What it is about.
    pub about: About,
    /// What somebody must know of.
    pub matters: Vec<Matter>,
    /// The systems that could be read.
    pub read: BTreeSet<SystemId>,
}

/// What a check came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Subjects.
    pub checked: u64,
    /// Matters that are not as they should be.
    pub findings: u64,
    /// Matters that could not be read.
    pub unknown: u64,
    /// Notices that were caused.
    pub notified: u64,
}

impl Counted {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            checked: self.checked + other.checked,
            findings: self.findings + other.findings,
            unknown: self.unknown + other.unknown,
            notified: self.notified + other.notified,
        }
    }
}

impl Watcher<'_> {
    /// Stores what became of a subject's alerts, with the notices. May be repeated: what was stored is not told again.
    ///
    /// # Errors
    /// The store failed; what was stored until then stays.
    pub async fn conclude(&self, watch: &str, observed: Observed) -> Result<Counted, LedgerError> {
        let of = |severity: fn(Severity) -> bool| {
            let each = observed.matters.iter().filter(|matter| severity(matter.finding.severity)).count();
            u64::try_from(each).unwrap_or(u64::MAX)
        };
        let mut counted = Counted {
            checked: 1,
            findings: of(|severity| severity >= Severity::Warning),
            unknown: of(|severity| severity == Severity::Unknown),
            notified: 0,
        };
        let reading = self.reading(watch, &observed.about, observed.matters, observed.read);
        for _ in 0..ROUNDS {
            let stored = self.alerts.alerts_of(&observed.about).await?;
            let mut outrun = false;
            for next in review(stored, &reading) {
                if self.alerts.store(&next).await? {
                    counted.notified += u64::from(next.notice().is_some());
                } else {
                    outrun = true;
                }
            }
            if !outrun {
                return Ok(counted);
            }
        }
        // Whoever changes it all the time is another run of the same check: what is left is told by that one or the next.
        Ok(counted)
    }

    /// Closes what was said of a subject that is not looked at any more. Gives how many notices that causes.
    ///
    /// # Errors
    /// The store failed; what was closed until then is.
    pub async fn close(&self, watch: &str, about: &About) -> Result<u64, LedgerError> {
        let reading = self.reading(watch, about, Vec::new(), BTreeSet::new());
        let mut notified = 0;
        for next in unwatch(self.alerts.alerts_of(about).await?, &reading) {
            // What somebody else changes at this moment is closed by the next check.
            notified += u64::from(self.alerts.store(&next).await? && next.notice().is_some());
        }
        Ok(notified)
    }

    fn reading<'r>(
        &'r self,
        watch: &'r str,
        about: &About,
        matters: Vec<Matter>,
        read: BTreeSet<SystemId>,
    ) -> Reading<'r> {
        Reading {
            watch,
            now: self.now,
            matters,
            read,
            thresholds: &self.policy.thresholds,
            owner: self.policy.owners.get(&about.owned_as()).map(String::as_str),
            deployment: self.deployment,
        }
    }

    /// Under which ids an integration's objects are.
    async fn known(&self, desired: &Integration) -> Result<Known, LedgerError> {
        let (of_trust, own) = (Subject::Trust(desired.trust()), Subject::Integration(desired.name.clone()));
        let (trust, own) = try_join(self.ledger.load(&of_trust), self.ledger.load(&own)).await?;
        Ok(Known { trust, own })
    }

    /// Whether we write both at the identity provider, whose mode is given, and at dbt.
    fn manages(&self, idp: Mode, desired: &Integration) -> bool {
        let dbt = self.clients.config().dbt.get(&desired.dbt_system).map_or(Mode::Observe, |settings| settings.mode);
        idp == Mode::Manage && dbt == Mode::Manage
    }
}
