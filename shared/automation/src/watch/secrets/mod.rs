//! When secrets and certificates end: dbt's client secrets and what somebody has put beside them, and the credentials of
//! the automation itself.
//!
//! A secret's matter stays until neither dbt holds it nor Secrets Manager calls it current: that is when a newer one is
//! live *and* dbt uses it. What dbt holds is what it was given last, as the ledger records it: dbt's API shows nobody its
//! secret, so that somebody else gave it another one only shows to the check `secret_of_dbt` of `verify`.

mod due;
mod entra;
mod judge;
mod kept;
mod okta;
mod own;
mod own_entra;
mod own_okta;
#[cfg(test)]
mod tests;

use extoauth_core::engine::LedgerError;
use extoauth_core::integration::Integration;
use extoauth_core::systems::{Idp, SystemId, SystemKind};

use super::{Observed, Watcher};

pub use due::{Due, due_for_rotation};
pub use judge::{Credential, Standing};
pub use own::systems;

/// Name of the check.
pub const WATCH: &str = "secret-expiry-check";

/// What integrations on the same identity provider share: read once in a sweep.
#[derive(Debug, Default)]
pub struct Shared {
    integrations: Vec<Integration>,
    tenant: Option<entra::Tenant>,
}

impl Shared {
    /// For an identity provider and all the integrations on it. A tenant's applications are listed once; only what belongs
    /// to one of these, and to ourselves, is kept.
    pub fn of(integrations: Vec<Integration>) -> Self {
        Self { integrations, tenant: None }
    }
}

/// What there is to say of an integration's secrets, and whether its own is to be rotated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secrets {
    /// What was seen.
    pub observed: Observed,
    /// Its own client secret, once it is in the window in which it is rotated by itself.
    pub due: Option<Due>,
}

impl Watcher<'_> {
    /// What is to be said of the secrets of one integration. `shared` is kept for the next one on the same system.
    ///
    /// # Errors
    /// The state store failed. A system that fails is said to be unknown.
    pub async fn secrets_of_integration(
        &self,
        desired: &Integration,
        shared: &mut Shared,
    ) -> Result<Secrets, LedgerError> {
        match desired.idp {
            Idp::Okta => okta::observe(self, desired).await,
            Idp::Entra => entra::observe(self, desired, shared).await,
        }
    }

    /// What is to be said of the credentials that the automation has for a system. `shared` as for the integrations on it.
    ///
    /// # Errors
    /// The state store failed. A system that fails is said to be unknown.
    pub async fn secrets_of_system(&self, system: &SystemId, shared: &mut Shared) -> Result<Observed, LedgerError> {
        let mut own = own::Own::of(self, system).await;
        match system.kind {
            SystemKind::Okta => own_okta::observe(self, &mut own).await,
            SystemKind::Entra => own_entra::observe(self, &mut own, shared).await?,
            _ => {}
        }
        Ok(own.observed())
    }

    /// The same of the keys of those who may post requests, which are in this secret.
    pub async fn secrets_of_intake(&self, arn: &str) -> Observed {
        own::Own::of_intake(self, arn).await.observed()
    }
}
