//! The end of the old secret, after its grace.

use extoauth_core::engine::{ChangeKind, Event};
use extoauth_core::ids::IntegrationName;
use jiff::Timestamp;
use secrecy::SecretString;

use super::begin::Work;
use super::provider::{Proof, Provider};
use super::{Rotation, RotationError, SETTLING};

/// What became of the old secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retired {
    /// It is still good, until then.
    Grace(Timestamp),
    /// So many are dead and gone; the identity provider refuses them.
    Gone(usize),
}

impl Rotation<'_> {
    /// Ends the old secrets of an integration, unless the grace lasts at `time`. May be called again at any time.
    ///
    /// # Errors
    /// Why they were left as they are.
    pub async fn retire(
        &self,
        name: &IntegrationName,
        arn: &str,
        owner: &str,
        time: Timestamp,
    ) -> Result<Retired, RotationError> {
        if self.integration_of(arn)? != *name {
            return Err(RotationError::Refused(format!("`{arn}` is not the secret of `{name}`")));
        }
        let lease = self.lease(name, owner).await?;
        let done = async { self.begin(name, arn, owner, &lease).await?.retire(time).await }.await;
        if let Err(error) = lease.release().await {
            tracing::warn!(%error, "the lease could not be given back; it ends by itself");
        }
        done
    }
}

impl Work<'_> {
    pub(super) async fn retire(&self, time: Timestamp) -> Result<Retired, RotationError> {
        if let Some(grace) = self.grace().filter(|grace| grace.until > time) {
            return Ok(Retired::Grace(grace.until));
        }
        // A rotation that failed leaves its version pending for ever: the old secret must not live as long.
        if let Some(version) = self.pending_elsewhere() {
            if self.is_alive(version).await? {
                return Err(RotationError::Busy(format!("version {version} of the secret, which is being rotated in")));
            }
            self.give_up(version, "its rotation did not end").await?;
        }
        let current = self.current().ok_or_else(|| RotationError::Failed("no version is the current one".into()))?;
        if self.held_by_dbt() != Some(current) {
            return Err(RotationError::Failed(format!(
                "dbt was given version {}, the current one is {current}: nothing is ended before they are the same",
                self.held_by_dbt().unwrap_or("(none is recorded)")
            )));
        }
        let value = self.value(current).await?;
        let value = value.ok_or_else(|| RotationError::Failed(format!("version {current} has no value")))?;
        self.prove(&value).await.map_err(|e| e.because("the secret that dbt holds"))?;
        let configuration = self.configuration().await?;
        self.names_our_client(&configuration)?;
        let ended = match &self.provider {
            Provider::Okta(okta) => okta.end_old(self, current).await?,
            Provider::Entra(entra) => entra.end_old(self, current).await?,
        };
        if ended > 0 {
            self.note(Event::Recorded, ChangeKind::Delete, None, "the old secret is dead and gone").await?;
        }
        Ok(Retired::Gone(ended))
    }

    /// Waits until the provider refuses an old secret.
    pub(super) async fn is_dead(&self, value: &SecretString) -> Result<(), RotationError> {
        for wait in SETTLING {
            self.lease.fresh().await?;
            if matches!(self.provider.prove(value).await?, Proof::Refused) {
                return Ok(());
            }
            tokio::time::sleep(wait).await;
        }
        match self.provider.prove(value).await? {
            Proof::Refused => Ok(()),
            Proof::Proved => Err(RotationError::Failed("the identity provider still takes the old secret".into())),
            Proof::Unclear(said) => {
                Err(RotationError::Failed(format!("whether the old secret is dead cannot be told: {said}")))
            }
        }
    }
}
