//! What a check looks at in one place, and what it keeps for the next.

use extoauth_automation::clients::own_account;
use extoauth_automation::watch::secrets::{self, Due, Secrets};
use extoauth_automation::watch::{Observed, Watcher, lifetimes};
use extoauth_core::engine::LedgerError;
use extoauth_core::integration::Integration;
use extoauth_core::systems::SystemId;

use super::event::Place;
use super::order::{Step, provider};
use crate::config::Config;

/// Which check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// How long tokens live.
    Lifetimes,
    /// When secrets end.
    Secrets,
}

impl Watch {
    /// Its name, and that of its function.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lifetimes => lifetimes::WATCH,
            Self::Secrets => secrets::WATCH,
        }
    }

    /// The systems that it asks of, besides the integrations.
    pub(super) fn systems(self, config: &Config) -> Vec<SystemId> {
        match self {
            Self::Lifetimes => Vec::new(),
            Self::Secrets => {
                let intake = (!config.intake_secret.is_empty()).then(own_account);
                secrets::systems(&config.systems).into_iter().chain(intake).collect()
            }
        }
    }
}

/// A check on its way, with what the places of one system share.
pub(super) struct Look<'a> {
    watch: Watch,
    config: &'a Config,
    integrations: &'a [Integration],
    system: String,
    lifetimes: lifetimes::Shared,
    secrets: secrets::Shared,
}

impl<'a> Look<'a> {
    /// A check that has looked at nothing yet.
    pub fn new(watch: Watch, config: &'a Config, integrations: &'a [Integration]) -> Self {
        let (lifetimes, secrets) = (lifetimes::Shared::default(), secrets::Shared::default());
        Self { watch, config, integrations, system: String::new(), lifetimes, secrets }
    }

    /// What is seen there, and the client secret that is to be rotated.
    pub async fn at(
        &mut self,
        watcher: &Watcher<'_>,
        place: &Place,
        step: &Step,
    ) -> Result<(Observed, Option<Due>), LedgerError> {
        if self.system != place.system {
            self.system.clone_from(&place.system);
            let there = self.integrations.iter().filter(|one| provider(one).to_string() == place.system);
            self.lifetimes = lifetimes::Shared::default();
            self.secrets = secrets::Shared::of(there.cloned().collect());
        }
        Ok(match (self.watch, step) {
            (Watch::Lifetimes, Step::Integration(desired)) => {
                (watcher.lifetimes(desired, &mut self.lifetimes).await?, None)
            }
            (Watch::Secrets, Step::Integration(desired)) => {
                let Secrets { observed, due } = watcher.secrets_of_integration(desired, &mut self.secrets).await?;
                (observed, due)
            }
            (_, Step::System(system)) if *system == own_account() => {
                (watcher.secrets_of_intake(&self.config.intake_secret).await, None)
            }
            (_, Step::System(system)) => (watcher.secrets_of_system(system, &mut self.secrets).await?, None),
        })
    }
}
