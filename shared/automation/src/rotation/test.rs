//! `testSecret`: what dbt holds now is proved at the identity provider, and dbt still speaks for our client.

use super::RotationError;
use super::begin::Work;

impl Work<'_> {
    pub(super) async fn test(&self) -> Result<(), RotationError> {
        if self.is_current() {
            return Ok(());
        }
        self.is_held()?;
        let value = self.pending().await?;
        let tested = async {
            let configuration = self.configuration().await?;
            self.names_our_client(&configuration)?;
            self.prove_settled(&value).await.map_err(|e| e.because("the new secret, which dbt holds by now,"))
        };
        match tested.await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.put_back(error).await),
        }
    }

    /// dbt was given the new version, and nothing else since.
    pub(super) fn is_held(&self) -> Result<(), RotationError> {
        match self.held_by_dbt() {
            Some(held) if held == self.token => Ok(()),
            held => Err(RotationError::Failed(format!(
                "dbt was given version {}, not {}: the rotation starts again",
                held.unwrap_or("(none is recorded)"),
                self.token
            ))),
        }
    }
}
