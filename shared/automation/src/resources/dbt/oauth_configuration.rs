//! dbt's OAuth configuration (row R26).

use std::collections::BTreeMap;

use extoauth_core::engine::{ByHand, Field, Fields, Found, Later, Lookup, Made, Making, Port, Presence, Resource};
use extoauth_core::error::{CallResult, absent_is_none};
use extoauth_core::ids::Address;
use extoauth_systems::dbt::{self, OauthConfigurationSpec, Read, Write};
use extoauth_systems::secrets::{Vault, Version};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::DBT_ADMIN;
use crate::federation::{Federation, SecretRef};
use crate::systems::Systems;
use crate::want::WantedIntegration;

/// What dbt knows of the identity provider. dbt never shows the secret again: it compares by the version last written.
pub struct OauthConfiguration {
    name: String,
    redirect_uri: String,
    federation: Federation,
    vault: Vault,
    last_written: Option<Timestamp>,
}

/// How dbt names it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OauthConfigurationIdentity {
    /// Its id.
    pub id: u64,
}

/// Key of the secret's version in the inventory.
pub(crate) const SECRET: &str = "client_secret";

impl OauthConfiguration {
    /// The configuration of an integration.
    pub fn of(want: &WantedIntegration, vault: &Vault, federation: &Federation) -> Self {
        Self {
            name: want.names.oauth_configuration.clone(),
            redirect_uri: want.redirect_uri.to_string(),
            federation: federation.clone(),
            vault: vault.clone(),
            last_written: want.baseline.oauth_configuration_written,
        }
    }

    /// Whether somebody has written to it since the last complete run saw it.
    fn written_since(&self, seen: &dbt::OauthConfiguration) -> bool {
        self.last_written.zip(seen.updated_at).is_some_and(|(then, now)| now > then)
    }

    fn spec(&self) -> OauthConfigurationSpec {
        let known = |value: &Later<String>| value.value().cloned().unwrap_or_default();
        OauthConfigurationSpec {
            kind: self.federation.kind.to_owned(),
            name: self.name.clone(),
            client_id: known(&self.federation.client_id),
            authorize_url: known(&self.federation.authorize_url),
            token_url: known(&self.federation.token_url),
            redirect_uri: self.redirect_uri.clone(),
            application_id_uri: self.federation.application_id_uri.as_ref().map(known),
        }
    }

    async fn secret(&self) -> CallResult<SecretString> {
        let SecretRef { arn, version } = self.federation.client_secret.value().cloned().unwrap_or_default();
        Ok(self.vault.value(&arn, &Version::Id(version)).await?.value)
    }
}

impl Resource for OauthConfiguration {
    type Systems = Systems;
    type Read = Read;
    type Write = Write;
    type Seen = dbt::OauthConfiguration;
    type Identity = OauthConfigurationIdentity;
    type Output = u64;

    const KIND: &'static str = "dbt.oauth_configuration";
    const ROW: &'static str = "R26";

    fn address(&self) -> Address {
        Address::of("dbt.oauth_configuration")
    }

    fn port(systems: &Systems) -> Option<&Port<Read, Write>> {
        Some(&systems.dbt)
    }

    fn parents(&self) -> Presence {
        let f = &self.federation;
        f.client_id.presence().and(f.authorize_url.presence()).and(f.client_secret.presence())
    }

    async fn read(
        &self,
        client: &Read,
        by: &Lookup<'_, OauthConfigurationIdentity>,
    ) -> CallResult<Found<dbt::OauthConfiguration>> {
        if let Some(identity) = by.recorded {
            let found = absent_is_none(client.oauth_configuration(identity.id).await)?;
            return Ok(found.map_or(Found::Absent, Found::Here));
        }
        // The client is ours, so a configuration with its id is: there is no other place for a mark.
        let Some(client_id) = self.federation.client_id.value() else { return Ok(Found::Absent) };
        let same_client = client.oauth_configurations(Some(client_id)).await?;
        let same = same_client.into_iter().find(|configuration| configuration.kind == self.federation.kind);
        Ok(same.map_or(Found::Absent, Found::Here))
    }

    fn wants(&self) -> Fields {
        let f = &self.federation;
        let version = f.client_secret.value().map(|secret| secret.version.clone());
        let mut fields = Fields::from([
            ("type", Field::is(f.kind)),
            ("name", Field::is(self.name.as_str())),
            ("client_id", Field::later(&f.client_id)),
            ("client_secret", version.map_or(Field::Unknown, |v| Field::Version(Some(v)))),
            ("authorize_url", Field::later(&f.authorize_url)),
            ("token_url", Field::later(&f.token_url)),
            ("redirect_uri", Field::is(self.redirect_uri.as_str())),
        ]);
        if let Some(uri) = &f.application_id_uri {
            fields.insert("application_id_uri", Field::later(uri));
        }
        fields
    }

    fn shows(&self, seen: &dbt::OauthConfiguration, written: &BTreeMap<String, String>) -> Fields {
        Fields::from([
            ("type", Field::is(seen.kind.as_str())),
            ("name", Field::is(seen.name.as_str())),
            ("client_id", Field::is(seen.client_id.as_str())),
            // dbt shows nobody the secret: what somebody else wrote after us may be another one.
            ("client_secret", Field::Version(written.get(SECRET).filter(|_| !self.written_since(seen)).cloned())),
            ("authorize_url", Field::is(seen.authorize_url.as_str())),
            ("token_url", Field::is(seen.token_url.as_str())),
            ("redirect_uri", Field::is(seen.redirect_uri.as_str())),
            ("application_id_uri", Field::is(seen.application_id_uri.as_deref().unwrap_or_default())),
        ])
    }

    fn immutable(&self) -> &'static [&'static str] {
        &["type"]
    }

    async fn create(&self, client: &Write, _making: &Making<'_>) -> CallResult<Made<dbt::OauthConfiguration>> {
        let made = client.create_oauth_configuration(&self.spec(), &self.secret().await?).await?;
        Ok(Made { seen: made.value, request_id: made.request_id })
    }

    async fn update(
        &self,
        client: &Write,
        seen: &dbt::OauthConfiguration,
        _making: &Making<'_>,
    ) -> CallResult<Made<dbt::OauthConfiguration>> {
        // Whether an update without the secret keeps it is not documented: it is always sent.
        let secret = self.secret().await?;
        let written = client.update_oauth_configuration(seen.id, &self.spec(), Some(&secret)).await?;
        Ok(Made { seen: written.value, request_id: written.request_id })
    }

    fn identity(&self, seen: &dbt::OauthConfiguration) -> OauthConfigurationIdentity {
        OauthConfigurationIdentity { id: seen.id }
    }

    fn written(&self) -> BTreeMap<String, String> {
        let secret = self.federation.client_secret.value();
        secret.map(|s| (SECRET.to_owned(), s.version.clone())).into_iter().collect()
    }

    fn output(&self, seen: &dbt::OauthConfiguration) -> u64 {
        seen.id
    }

    fn by_hand(&self) -> ByHand {
        let secret = self.federation.client_secret.value();
        let secret = secret.map_or("the one in Secrets Manager".to_owned(), |secret| secret.arn.clone());
        ByHand {
            who: DBT_ADMIN,
            what: format!(
                "Add a custom integration named `{}` with these values and the client secret that Secrets Manager holds \
                 as {secret}",
                self.name
            ),
            place: "Account settings > Integrations > Custom > Add".into(),
        }
    }
}
