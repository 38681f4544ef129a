//! A new client secret in place of the old one, without an interruption: the four steps of Secrets Manager's contract, and
//! the end of the old secret after a time of grace.
//!
//! dbt holds one secret, so both are good at the identity provider for a while. What each step relies on it reads itself:
//! Secrets Manager calls a step again after any failure, and starts again from the first with the same version.
//!
//! At every moment dbt holds a secret that the provider takes: the new one goes to dbt only after it is proved, and the
//! old one ends only while dbt is recorded to hold the new one, which is proved once more. Each step works under the
//! integration's lease, so no provision crosses it.

mod ask;
mod begin;
mod create;
mod finish;
mod give_up;
mod journal;
mod provider;
mod retire;
mod set;
mod test;

use std::time::Duration;

use extoauth_core::clock::Clock;
use extoauth_core::engine::{Leases, Ledger, LedgerError, Timing};
use extoauth_core::error::CallError;
use extoauth_core::ids::IntegrationName;
use extoauth_core::policy::Policy;
use extoauth_core::registry::Registry;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use thiserror::Error;

use crate::clients::Clients;

pub use ask::{Asking, Standing};
pub use retire::Retired;

/// How long the old secret stays good after the new one has become the current one: a login that is under way ends with
/// it, and whoever has to go back can.
pub const GRACE: SignedDuration = SignedDuration::from_hours(24);

/// A rotation of which nothing was heard for so long is taken as ended. How often, and within what time, Secrets Manager
/// calls the steps again after a failure is documented nowhere (docs/UNCONFIRMED.md): a quarter of an hour is our assumption.
/// Where it is too short, a rotation that is still tried is taken back: that harms nothing, its next step is refused, and
/// the request says how to begin anew.
pub const SILENCE: SignedDuration = SignedDuration::from_mins(15);

/// Waits between proofs of a secret that was just made: identity providers need up to half a minute until it holds
/// everywhere.
const SETTLING: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(15),
];

/// A step of Secrets Manager's contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `createSecret`: makes the new secret at the provider and stores it as `AWSPENDING`.
    Create,
    /// `setSecret`: gives it to dbt.
    Set,
    /// `testSecret`: proves it.
    Test,
    /// `finishSecret`: makes it the current one.
    Finish,
}

impl Step {
    /// What Secrets Manager calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "createSecret",
            Self::Set => "setSecret",
            Self::Test => "testSecret",
            Self::Finish => "finishSecret",
        }
    }

    /// The step that Secrets Manager calls so.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Create, Self::Set, Self::Test, Self::Finish].into_iter().find(|step| step.name() == name)
    }
}

/// What Secrets Manager asks for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The step.
    pub step: Step,
    /// ARN of the secret.
    pub secret: &'a str,
    /// `ClientRequestToken`: id of the new version.
    pub token: &'a str,
    /// `RotationToken`, passed on with the new value where there is one.
    pub rotation_token: Option<&'a SecretString>,
}

/// A rotation that no request has asked for: it was begun in the console, or by the secret's own schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfollowed {
    /// The integration.
    pub integration: IntegrationName,
    /// A moment before its new secret became the current one: a request of that time finds it done, and ends the old one.
    pub since: Timestamp,
}

/// Why a step did not succeed. Never holds a secret; Secrets Manager tries again.
#[derive(Debug, Error)]
pub enum RotationError {
    /// This secret is not rotated here, or not so.
    #[error("refused: {0}")]
    Refused(String),
    /// It cannot go on as things stand; what was changed was put back.
    #[error("{0}")]
    Failed(String),
    /// Another run works on the integration.
    #[error("another run works on {0}; the rotation goes on after it")]
    Busy(String),
    /// A call failed.
    #[error("{0}")]
    Call(#[from] Box<CallError>),
    /// The state store failed, or another run has taken over.
    #[error("{0}")]
    Store(#[from] LedgerError),
}

impl From<CallError> for RotationError {
    fn from(error: CallError) -> Self {
        Self::Call(Box::new(error))
    }
}

/// All that a rotation needs.
pub struct Rotation<'a> {
    /// The deployment's name.
    pub deployment: &'a str,
    /// The policy.
    pub policy: &'a Policy,
    /// The ways into the systems.
    pub clients: &'a Clients,
    /// Journal and inventory.
    pub ledger: &'a dyn Ledger,
    /// Leases.
    pub leases: &'a dyn Leases,
    /// Integrations.
    pub registry: &'a dyn Registry,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Patience.
    pub timing: Timing,
}

impl Rotation<'_> {
    /// Does one step. May be called again at any time, also after a crash. Gives the rotation that has ended with it, if no
    /// request follows that one.
    ///
    /// # Errors
    /// Why it did not succeed.
    pub async fn step(&self, asked: Asked<'_>) -> Result<Option<Unfollowed>, RotationError> {
        let name = self.integration_of(asked.secret)?;
        let lease = self.lease(&name, asked.token).await?;
        let done = async {
            let work = self.begin(&name, asked.secret, asked.token, &lease).await?;
            work.has_version()?;
            let done = match asked.step {
                Step::Create => work.create(asked.rotation_token).await.map(|()| None),
                Step::Set => work.set().await.map(|()| None),
                Step::Test => work.test().await.map(|()| None),
                Step::Finish => {
                    async {
                        work.finish().await?;
                        work.unfollowed().await
                    }
                    .await
                }
            };
            if let Err(error) = &done
                && let Err(unsaid) = work.note_failure(asked.step.name(), error).await
            {
                tracing::warn!(error = %unsaid, "that the step failed could not be noted");
            }
            done
        }
        .await;
        if let Err(error) = lease.release().await {
            tracing::warn!(%error, "the lease could not be given back; it ends by itself");
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::Step;

    #[test]
    fn steps_by_the_names_of_the_contract() {
        let of = |name| Step::of_name(name);
        assert_eq!(of("createSecret"), Some(Step::Create));
        assert_eq!(of("setSecret"), Some(Step::Set));
        assert_eq!(of("testSecret"), Some(Step::Test));
        assert_eq!(of("finishSecret"), Some(Step::Finish));
        for other in ["", "create", "CreateSecret", "finishSecret "] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
