//! Writes of Secrets Manager.

use std::collections::BTreeMap;
use std::ops::Deref;

use aws_sdk_secretsmanager::operation::RequestId;
use aws_sdk_secretsmanager::types::{RotationRulesType, Tag};
use extoauth_core::error::{CallResult, ErrorKind};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::read::timestamp;
use super::{CURRENT, NewSecret, Read, Removal, Rotate, Stored, Vault};
use crate::aws::Call;
use crate::http::Written;

/// Writes of Secrets Manager. What is written is remembered in the vault, so that it need not be read again.
#[derive(Clone, Debug)]
pub struct Write {
    vault: Vault,
}

impl Deref for Write {
    type Target = Read;

    fn deref(&self) -> &Read {
        self.vault.reader()
    }
}

impl Write {
    /// A writer where the vault reads.
    pub fn new(vault: Vault) -> Self {
        Self { vault }
    }

    /// The vault that remembers what is written.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Creates a secret with its first value, which gets the version id `version` and [`CURRENT`]. The same call
    /// with the same value does nothing and succeeds.
    ///
    /// # Errors
    /// `Invalid` with the code `ResourceExistsException` if a secret of that name exists with another value or
    /// version, with `InvalidRequestException` if one of that name waits for its deletion (see [`Write::restore`]).
    pub async fn create(&self, new: &NewSecret, version: Uuid, value: &SecretString) -> CallResult<Written<Stored>> {
        let call = Call::write("create the secret", "secretsmanager:CreateSecret", &new.name);
        let tags = tag_list(&new.tags);
        let request = || {
            self.client
                .create_secret()
                .name(&new.name)
                .description(&new.description)
                .set_kms_key_id(new.kms_key.clone())
                .set_tags(Some(tags.clone()))
                .client_request_token(version.to_string())
                .secret_string(value.expose_secret())
        };
        let made = self.caller.send(call, || request().send()).await?;
        let request_id = made.request_id().map(str::to_owned);
        let stored = Stored {
            arn: made.arn.ok_or_else(|| self.caller.incomplete(&call, "ARN"))?,
            version: made.version_id.unwrap_or_else(|| version.to_string()),
        };
        self.vault.remember(&stored.arn, &stored.version, value.clone());
        self.vault.stage_moved(&stored.arn);
        Ok(Written { value: stored, request_id })
    }

    /// Adds a value as version `version`, carrying `stages` (at least one). The same call with the same value does
    /// nothing and succeeds. `rotation_token` is the one of the rotation event, where there is one.
    ///
    /// # Errors
    /// `Invalid` with the code `ResourceExistsException` if that version has another value.
    pub async fn put(
        &self,
        arn: &str,
        version: &str,
        value: &SecretString,
        stages: &[&str],
        rotation_token: Option<&SecretString>,
    ) -> CallResult<Written<Stored>> {
        let call = Call::write("store the secret value", "secretsmanager:PutSecretValue", arn);
        if stages.is_empty() {
            // Without stages the API would make the version the current one.
            return Err(self.caller.error(&call, ErrorKind::Refused, "a version is written with at least one stage"));
        }
        let request = || {
            self.client
                .put_secret_value()
                .secret_id(arn)
                .client_request_token(version)
                .secret_string(value.expose_secret())
                .set_version_stages(Some(stages.iter().map(|&s| s.to_owned()).collect()))
                .set_rotation_token(rotation_token.map(|t| t.expose_secret().to_owned()))
        };
        let done = self.caller.send(call, || request().send()).await?;
        let request_id = done.request_id().map(str::to_owned);
        let stored = Stored {
            arn: done.arn.unwrap_or_else(|| arn.to_owned()),
            version: done.version_id.unwrap_or_else(|| version.to_owned()),
        };
        self.vault.remember(&stored.arn, &stored.version, value.clone());
        self.vault.stage_moved(&stored.arn);
        Ok(Written { value: stored, request_id })
    }

    /// Moves a stage: off `from`, onto `to`. Secrets Manager refuses if `from` does not carry it, so two movers
    /// cannot both succeed. A move that is already done succeeds. Moving [`CURRENT`] also moves [`PREVIOUS`](super::PREVIOUS).
    ///
    /// # Errors
    /// `Conflict` if the stage is elsewhere.
    pub async fn move_stage(
        &self,
        arn: &str,
        stage: &str,
        from: Option<&str>,
        to: Option<&str>,
    ) -> CallResult<Written<()>> {
        let call = Call::write("move the secret's stage", "secretsmanager:UpdateSecretVersionStage", arn);
        let request = || {
            self.client
                .update_secret_version_stage()
                .secret_id(arn)
                .version_stage(stage)
                .set_remove_from_version_id(from.map(str::to_owned))
                .set_move_to_version_id(to.map(str::to_owned))
        };
        let sent = self.caller.send(call, || request().send()).await;
        self.vault.stage_moved(arn);
        match sent {
            Ok(done) => Ok(Written { value: (), request_id: done.request_id().map(str::to_owned) }),
            Err(error) if error.kind == ErrorKind::Invalid => {
                // The answer to the first sending may have been lost: what counts is where the stage is.
                let now = self.describe(arn).await?;
                let holder = now.holder_of(stage);
                if holder == to {
                    return Ok(Written { value: (), request_id: error.request_id });
                }
                let message = format!(
                    "{stage} is on {}, not on {}: somebody else moved it",
                    holder.unwrap_or("no version"),
                    from.unwrap_or("no version"),
                );
                Err(self.caller.error(&call, ErrorKind::Conflict, message))
            }
            Err(error) => Err(error),
        }
    }

    /// Makes `to` the current version; the present one, which must be `from`, becomes [`PREVIOUS`](super::PREVIOUS).
    ///
    /// # Errors
    /// As [`Write::move_stage`].
    pub async fn make_current(&self, arn: &str, from: Option<&str>, to: &str) -> CallResult<Written<()>> {
        self.move_stage(arn, CURRENT, from, Some(to)).await
    }

    /// Has a secret rotated: Secrets Manager attaches an empty version of this token as [`PENDING`](super::PENDING) and
    /// calls the function's four steps. It answers before they end. The same call again, with a token that is rotated in
    /// or was, succeeds and begins nothing.
    ///
    /// With it the secret's own schedule is set, as the last resort where nothing else asks for a rotation in time (AWS
    /// Secrets Manager API reference, `RotateSecret`: 1 to 1000 days).
    ///
    /// # Errors
    /// `Invalid` with the code `InvalidRequestException` while another version is being rotated in, with
    /// `AccessDeniedException` where Secrets Manager may not call the function.
    pub async fn rotate(&self, rotate: &Rotate<'_>) -> CallResult<Written<()>> {
        let call = Call::write("have the secret rotated", "secretsmanager:RotateSecret", rotate.arn);
        let rules =
            RotationRulesType::builder().automatically_after_days(i64::from(rotate.days.clamp(1, 1000))).build();
        let request = || {
            self.client
                .rotate_secret()
                .secret_id(rotate.arn)
                .client_request_token(rotate.token)
                .rotation_lambda_arn(rotate.function)
                .rotation_rules(rules.clone())
                .rotate_immediately(true)
        };
        let sent = self.caller.send(call, || request().send()).await;
        self.vault.stage_moved(rotate.arn);
        Ok(Written { value: (), request_id: sent?.request_id().map(str::to_owned) })
    }

    /// Asks for the deletion of a secret and gives the moment from which it is gone.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub async fn delete(&self, arn: &str, removal: Removal) -> CallResult<Written<Option<Timestamp>>> {
        let call = Call::write("delete the secret", "secretsmanager:DeleteSecret", arn);
        let request = || match removal {
            Removal::Recoverable { days } => {
                self.client.delete_secret().secret_id(arn).recovery_window_in_days(i64::from(days))
            }
            Removal::Forced => self.client.delete_secret().secret_id(arn).force_delete_without_recovery(true),
        };
        let sent = self.caller.send(call, || request().send()).await;
        self.vault.forget(arn);
        let done = sent?;
        let at = done.deletion_date().and_then(timestamp);
        Ok(Written { value: at, request_id: done.request_id().map(str::to_owned) })
    }

    /// Takes a deletion back, within its recovery window.
    ///
    /// # Errors
    /// `NotFound` if there is no such secret any more.
    pub async fn restore(&self, id: &str) -> CallResult<Written<()>> {
        let call = Call::write("restore the secret", "secretsmanager:RestoreSecret", id);
        let done = self.caller.send(call, || self.client.restore_secret().secret_id(id).send()).await?;
        Ok(Written { value: (), request_id: done.request_id().map(str::to_owned) })
    }

    /// Sets tags of a secret; others stay.
    ///
    /// # Errors
    /// As any call.
    pub async fn tag(&self, arn: &str, tags: &BTreeMap<String, String>) -> CallResult<Written<()>> {
        let call = Call::write("tag the secret", "secretsmanager:TagResource", arn);
        let tags = tag_list(tags);
        let request = || self.client.tag_resource().secret_id(arn).set_tags(Some(tags.clone()));
        let done = self.caller.send(call, || request().send()).await?;
        Ok(Written { value: (), request_id: done.request_id().map(str::to_owned) })
    }
}

fn tag_list(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}
