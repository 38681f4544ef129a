//! `createSecret`: a new secret beside the old one at the identity provider, stored as `AWSPENDING`.

use extoauth_systems::secrets::PENDING;
use secrecy::SecretString;

use super::RotationError;
use super::begin::Work;
use super::provider::Provider;
use crate::resources::aws::generated;

impl Work<'_> {
    pub(super) async fn create(&self, rotation_token: Option<&SecretString>) -> Result<(), RotationError> {
        if self.is_current() {
            return Ok(());
        }
        let value = match &self.provider {
            Provider::Okta(okta) => {
                // Stored before Okta hears of it: a value that Okta has and nobody knows cannot come about.
                let value = match self.value(self.token).await? {
                    Some(value) => value,
                    None => {
                        let value = generated();
                        self.store(&value, rotation_token).await?;
                        value
                    }
                };
                okta.add(self, &value).await?;
                value
            }
            Provider::Entra(entra) => match self.value(self.token).await? {
                Some(value) => {
                    entra.still_there(self).await?;
                    value
                }
                None => {
                    let made = entra.add(self).await?;
                    if let Err(error) = self.store(&made.secret, rotation_token).await {
                        // A credential whose value is stored nowhere is of no use; the next try removes what this
                        // cannot.
                        if let Err(left) = entra.remove(self, &made.password, "its value could not be stored").await {
                            tracing::warn!(error = %left, "a client secret without a stored value is left at Entra");
                        }
                        return Err(error);
                    }
                    made.secret
                }
            },
        };
        self.prove_settled(&value).await.map_err(|e| e.because("the new secret"))
    }

    async fn store(&self, value: &SecretString, rotation_token: Option<&SecretString>) -> Result<(), RotationError> {
        let gate = self.gate();
        let store = self.systems.secrets.writer(&gate)?;
        store.put(&self.stored.arn, self.token, value, &[PENDING], rotation_token).await?;
        Ok(())
    }
}
