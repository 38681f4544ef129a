//! The client secret of an integration, in Secrets Manager, by reference.

use std::collections::BTreeMap;
use std::time::Duration;

use extoauth_core::engine::{ByHand, Field, Fields, Found, Lookup, Made, Making, Port, Resource};
use extoauth_core::error::{CallError, CallResult, ErrorKind};
use extoauth_core::ids::{Address, IntegrationName};
use extoauth_systems::secrets::{CURRENT, Description, NewSecret, Read, Write, version_id};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::federation::SecretRef;
use crate::systems::Systems;
use crate::want::WantedIntegration;

/// A client secret that we generate ourselves (Okta takes one). It is stored here before the identity provider or dbt
/// hears of it, and goes everywhere else by ARN and version.
///
/// Only the first version is made here; later ones are the rotation's.
pub struct ClientSecret {
    name: String,
    integration: IntegrationName,
}

/// How AWS names it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClientSecretIdentity {
    /// ARN.
    pub arn: String,
    /// The version that provider and dbt are given; empty in what was recorded before it was kept. Only a rotation changes
    /// it: another value that somebody has made the current one is known to neither.
    #[serde(default)]
    pub version: String,
}

/// Name of an integration's client secret.
pub fn secret_name(deployment: &str, integration: &IntegrationName) -> String {
    format!("extoauth/{deployment}/{integration}/client-secret")
}

impl ClientSecret {
    /// The secret of an integration.
    pub fn of(want: &WantedIntegration) -> Self {
        Self { name: secret_name(&want.deployment, want.name()), integration: want.name().clone() }
    }
}

impl Resource for ClientSecret {
    type Systems = Systems;
    type Read = Read;
    type Write = Write;
    type Seen = SecretRef;
    type Identity = ClientSecretIdentity;
    type Output = SecretRef;

    const KIND: &'static str = "secrets_manager.client_secret";
    const ROW: &'static str = "R04";
    // The name is ours and the version's token is derived from the intent: a repeat makes nothing twice.
    const LAG: Duration = Duration::ZERO;

    fn address(&self) -> Address {
        Address::of("secrets_manager.client_secret")
    }

    fn port(systems: &Systems) -> Option<&Port<Read, Write>> {
        Some(&systems.secrets)
    }

    async fn read(&self, client: &Read, by: &Lookup<'_, ClientSecretIdentity>) -> CallResult<Found<SecretRef>> {
        let id = by.recorded.map_or(self.name.as_str(), |identity| identity.arn.as_str());
        let Some(found) = extoauth_core::error::absent_is_none(client.describe(id).await)? else {
            return Ok(Found::Absent);
        };
        if found.deleted.is_some() {
            let message = "a secret of this name is marked for deletion: restore it, or wait until it is gone";
            return Err(CallError::new(ErrorKind::Invalid, client.system().clone(), "use the secret", message).on(id));
        }
        // The name holds deployment and integration, and only this deployment's role can write there: the name is the
        // mark.
        let kept =
            by.recorded.map(|identity| identity.version.as_str()).filter(|kept| found.versions.contains_key(*kept));
        let seen = match kept {
            Some(version) => Some(SecretRef { arn: found.arn.clone(), version: version.to_owned() }),
            None => current(&found),
        };
        Ok(seen.map_or(Found::Absent, Found::Here))
    }

    fn wants(&self) -> Fields {
        Fields::from([("name", Field::is(self.name.as_str()))])
    }

    fn shows(&self, _seen: &SecretRef, _written: &BTreeMap<String, String>) -> Fields {
        self.wants()
    }

    async fn create(&self, client: &Write, making: &Making<'_>) -> CallResult<Made<SecretRef>> {
        let subject = making.mark.subject.to_string();
        let new = NewSecret {
            name: self.name.clone(),
            description: format!("Client secret of the dbt integration {} (managed by extoauth)", self.integration),
            tags: BTreeMap::from([
                ("extoauth:deployment".to_owned(), making.mark.deployment.clone()),
                ("extoauth:subject".to_owned(), subject.clone()),
            ]),
            kms_key: None,
        };
        let version = version_id(&making.mark.deployment, &subject, making.intent);
        let stored = client.create(&new, version, &generated()).await?;
        let seen = SecretRef { arn: stored.value.arn, version: stored.value.version };
        Ok(Made { seen, request_id: stored.request_id })
    }

    async fn update(&self, _client: &Write, seen: &SecretRef, _making: &Making<'_>) -> CallResult<Made<SecretRef>> {
        // Nothing of it is compared but that it is there.
        Ok(Made { seen: seen.clone(), request_id: None })
    }

    fn identity(&self, seen: &SecretRef) -> ClientSecretIdentity {
        ClientSecretIdentity { arn: seen.arn.clone(), version: seen.version.clone() }
    }

    fn output(&self, seen: &SecretRef) -> SecretRef {
        seen.clone()
    }

    fn by_hand(&self) -> ByHand {
        ByHand {
            who: "the administrator of the AWS account",
            what: format!("Create the secret {}", self.name),
            place: "AWS Secrets Manager".into(),
        }
    }
}

/// A value that nobody knows: 64 hexadecimal digits, 244 random bits from the operating system. Okta takes 14 to 100
/// printable characters.
pub(crate) fn generated() -> SecretString {
    SecretString::from(format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()))
}

fn current(found: &Description) -> Option<SecretRef> {
    found.holder_of(CURRENT).map(|version| SecretRef { arn: found.arn.clone(), version: version.to_owned() })
}
