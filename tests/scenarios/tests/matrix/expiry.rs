//! Secrets that end: what the scheduled check sees on which day, what it asks the vendors, and what it says when one of
//! them does not answer.

mod beside;
mod down;
mod ends;
mod own;

use extoauth_automation::watch::secrets::{Due, Shared, WATCH, systems};
use extoauth_automation::watch::{Counted, Observed, Watcher};
use extoauth_core::alert::{About, Alert, Alerts as _};
use extoauth_core::clock::Clock as _;
use extoauth_core::integration::Integration;
use extoauth_core::registry::Registry as _;
use extoauth_core::systems::{Idp, SystemId, SystemKind};
use extoauth_sandbox::seed;
use jiff::SignedDuration;

use crate::house::{House, name};

/// What a check came to.
struct Checked {
    counted: Counted,
    due: Vec<Due>,
}

impl House {
    /// Puts all clocks forward.
    fn days_pass(&self, days: i64) {
        let by = SignedDuration::from_hours(24 * days);
        self.watch.forward(by);
        self.sandbox.world.clock.advance(by);
    }

    /// The check, as its function goes: each system, then the integrations on it.
    async fn check_secrets(&self) -> Checked {
        let process = self.process();
        let watcher = Watcher {
            deployment: seed::DEPLOYMENT,
            policy: &self.policy,
            clients: &process.clients,
            ledger: &self.memory,
            alerts: &self.memory,
            now: self.watch.now(),
        };
        let integrations: Vec<Integration> =
            self.memory.integrations().await.expect("memory").into_iter().map(|record| record.desired).collect();
        let mut checked = Checked { counted: Counted::default(), due: Vec::new() };
        for system in systems(&self.systems) {
            let there = |one: &&Integration| {
                let kind = if one.idp == Idp::Okta { SystemKind::Okta } else { SystemKind::Entra };
                system == SystemId::new(kind, &one.idp_system)
            };
            let there: Vec<Integration> = integrations.iter().filter(there).cloned().collect();
            let mut shared = Shared::of(there.clone());
            let mut all = vec![watcher.secrets_of_system(&system, &mut shared).await.expect("memory")];
            for desired in &there {
                let secrets = watcher.secrets_of_integration(desired, &mut shared).await.expect("memory");
                checked.due.extend(secrets.due);
                all.push(secrets.observed);
            }
            for observed in all {
                checked.counted = checked.counted.and(self.concluded(&watcher, observed).await);
            }
        }
        let intake = watcher.secrets_of_intake(&format!("{}/intake", seed::CREDENTIALS)).await;
        checked.counted = checked.counted.and(self.concluded(&watcher, intake).await);
        checked
    }

    async fn concluded(&self, watcher: &Watcher<'_>, observed: Observed) -> Counted {
        self.heard(format!("{observed:?}"));
        watcher.conclude(WATCH, observed).await.expect("memory")
    }

    /// What is stored of an integration.
    async fn alerts(&self, integration: &str) -> Vec<Alert> {
        self.memory.alerts_of(&About::Integration(name(integration))).await.expect("memory")
    }

    /// What is stored of a system.
    async fn alerts_of_system(&self, system: &str) -> Vec<Alert> {
        let system = SystemId::parse(system).expect("a system");
        self.memory.alerts_of(&About::System(system)).await.expect("memory")
    }
}

/// Those of a check.
fn of<'a>(alerts: &'a [Alert], check: &str) -> Vec<&'a Alert> {
    alerts.iter().filter(|alert| alert.matter.finding.check == check).collect()
}

/// The only one of a check.
fn one<'a>(alerts: &'a [Alert], check: &str) -> &'a Alert {
    let found = of(alerts, check);
    assert_eq!(found.len(), 1, "one `{check}`: {alerts:#?}");
    found[0]
}
