//! Reads of Secrets Manager.

use aws_smithy_types::DateTime;
use extoauth_core::error::{CallResult, ErrorKind};
use extoauth_core::systems::SystemId;
use jiff::Timestamp;
use secrecy::SecretString;

use super::{Description, StagedVersion, Value, Version};
use crate::aws::{Call, Caller, Session};

/// Reads of Secrets Manager.
#[derive(Clone, Debug)]
pub struct Read {
    pub(super) caller: Caller,
    pub(super) client: aws_sdk_secretsmanager::Client,
}

impl Read {
    /// A reader in the session's region.
    pub fn new(session: &Session, system: SystemId) -> Self {
        Self { caller: session.caller(system), client: aws_sdk_secretsmanager::Client::new(session.config()) }
    }

    /// The system as it is named in errors.
    pub fn system(&self) -> &SystemId {
        &self.caller.system
    }

    /// A value. `id` is the secret's ARN or name.
    ///
    /// # Errors
    /// `NotFound` if there is no such secret, no such version, or the version has no value yet (a version that Secrets
    /// Manager attached for a rotation). A secret whose deletion was asked for is `Invalid` with the code
    /// `InvalidRequestException`.
    pub async fn value(&self, id: &str, version: &Version) -> CallResult<Value> {
        let call = Call::read("read the secret", "secretsmanager:GetSecretValue", id);
        let request = || match version {
            Version::Stage(stage) => self.client.get_secret_value().secret_id(id).version_stage(stage),
            Version::Id(version) => self.client.get_secret_value().secret_id(id).version_id(version),
        };
        let found = self.caller.send(call, || request().send()).await?;
        let Some(value) = found.secret_string else {
            return Err(self.caller.error(&call, ErrorKind::Invalid, "the secret is binary; a text is expected"));
        };
        Ok(Value {
            value: SecretString::from(value),
            arn: found.arn.ok_or_else(|| self.caller.incomplete(&call, "ARN"))?,
            version: found.version_id.ok_or_else(|| self.caller.incomplete(&call, "VersionId"))?,
            stages: found.version_stages.unwrap_or_default().into_iter().collect(),
        })
    }

    /// What is known about a secret besides its values. `id` is its ARN or name.
    ///
    /// # Errors
    /// `NotFound` if there is no such secret.
    pub async fn describe(&self, id: &str) -> CallResult<Description> {
        let call = Call::read("read the secret's description", "secretsmanager:DescribeSecret", id);
        let found = self.caller.send(call, || self.client.describe_secret().secret_id(id).send()).await?;
        Ok(Description {
            arn: found.arn.ok_or_else(|| self.caller.incomplete(&call, "ARN"))?,
            name: found.name.unwrap_or_default(),
            description: found.description.unwrap_or_default(),
            tags: found
                .tags
                .unwrap_or_default()
                .into_iter()
                .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))
                .collect(),
            versions: found
                .version_ids_to_stages
                .unwrap_or_default()
                .into_iter()
                .map(|(id, stages)| (id, stages.into_iter().collect()))
                .collect(),
            rotation_enabled: found.rotation_enabled.unwrap_or_default(),
            rotation_lambda_arn: found.rotation_lambda_arn,
            last_changed: found.last_changed_date.as_ref().and_then(timestamp),
            deleted: found.deleted_date.as_ref().and_then(timestamp),
        })
    }

    /// The versions of a secret that carry a stage, each with its date. `id` is its ARN or name.
    ///
    /// # Errors
    /// `NotFound` if there is no such secret.
    pub async fn versions(&self, id: &str) -> CallResult<Vec<StagedVersion>> {
        let call = Call::read("list the secret's versions", "secretsmanager:ListSecretVersionIds", id);
        // At most twenty stages (Secrets Manager quotas), so one page of a hundred holds all.
        let found = self.caller.send(call, || self.client.list_secret_version_ids().secret_id(id).send()).await?;
        let each = found.versions.unwrap_or_default().into_iter().filter_map(|version| {
            let created = version.created_date.as_ref().and_then(timestamp);
            let stages = version.version_stages.unwrap_or_default().into_iter().collect();
            Some(StagedVersion { id: version.version_id?, stages, created })
        });
        Ok(each.collect())
    }
}

/// AWS's time as ours; `None` for one that no calendar has.
pub(super) fn timestamp(at: &DateTime) -> Option<Timestamp> {
    Timestamp::from_millisecond(at.to_millis().ok()?).ok()
}
