//! `setSecret`: dbt is given the new secret, and the old one again where that fails.

use extoauth_core::engine::{ChangeKind, Event, FieldChange, InventoryChange, InventoryItem, LedgerError, Resource};
use extoauth_core::error::{CallResult, ErrorKind};
use extoauth_systems::dbt::{self, OauthConfigurationSpec};
use secrecy::SecretString;
use serde_json::json;

use super::RotationError;
use super::begin::{Work, identity};
use crate::resources::aws::{ClientSecret, ClientSecretIdentity};
use crate::resources::dbt::{OauthConfiguration, OauthConfigurationIdentity, SECRET};
use crate::resources::okta::OidcApp;

impl Work<'_> {
    pub(super) async fn set(&self) -> Result<(), RotationError> {
        if self.is_current() {
            return Ok(());
        }
        let value = self.pending().await?;
        // dbt must never hold what the provider does not take, so it is proved before every write.
        self.prove_settled(&value).await.map_err(|e| e.because("the new secret"))?;
        let configuration = self.configuration().await?;
        self.names_our_client(&configuration)?;
        if self.held_by_dbt() == Some(self.token) && !self.written_since(&configuration).await? {
            return Ok(());
        }
        match self.give(&configuration, &value, self.token).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.put_back(error).await),
        }
    }

    /// dbt's configuration, as it is.
    pub(super) async fn configuration(&self) -> Result<dbt::OauthConfiguration, RotationError> {
        let known = identity::<OauthConfigurationIdentity>(&self.book, OauthConfiguration::KIND);
        let known = known.ok_or_else(|| {
            RotationError::Refused("no OAuth configuration of dbt is recorded: ask for `provision` first".into())
        })?;
        Ok(self.systems.dbt.read().oauth_configuration(known.id).await?)
    }

    /// Whether it is for our client: another client's secret must not be overwritten.
    pub(super) fn names_our_client(&self, configuration: &dbt::OauthConfiguration) -> Result<(), RotationError> {
        let ours = self.provider.client_id();
        if configuration.client_id == ours {
            return Ok(());
        }
        Err(RotationError::Failed(format!(
            "dbt's OAuth configuration names the client `{}`, not ours (`{ours}`): ask for `verify`",
            configuration.client_id
        )))
    }

    async fn written_since(&self, configuration: &dbt::OauthConfiguration) -> Result<bool, RotationError> {
        let last = self.rotation.registry.last_check(&self.desired.name).await?;
        let last = last.and_then(|check| check.baseline.oauth_configuration_written);
        Ok(last.zip(configuration.updated_at).is_none_or(|(then, now)| now > then))
    }

    /// Writes a version to dbt and records that.
    async fn give(
        &self,
        configuration: &dbt::OauthConfiguration,
        value: &SecretString,
        version: &str,
    ) -> Result<(), RotationError> {
        let field = FieldChange { field: SECRET.into(), before: json!(self.held_by_dbt()), after: json!(version) };
        self.item_note(OauthConfiguration::KIND, Event::Intent, vec![field.clone()], None, InventoryChange::Keep)
            .await?;
        let written = self.write_dbt(configuration, value).await?;
        // The configuration's own record comes last: as long as it does not name the version, this step is not done.
        self.record_version(version).await?;
        if let Some(mut check) = self.rotation.registry.last_check(&self.desired.name).await? {
            check.baseline.oauth_configuration_written = written.value.updated_at;
            self.rotation.registry.put_check(&self.desired.name, &check).await?;
        }
        let change = self.with_version(OauthConfiguration::KIND, version);
        self.item_note(OauthConfiguration::KIND, Event::Outcome, vec![field], written.request_id, change).await
    }

    async fn write_dbt(
        &self,
        configuration: &dbt::OauthConfiguration,
        value: &SecretString,
    ) -> CallResult<extoauth_systems::http::Written<dbt::OauthConfiguration>> {
        let spec = OauthConfigurationSpec {
            kind: configuration.kind.clone(),
            name: configuration.name.clone(),
            client_id: configuration.client_id.clone(),
            authorize_url: configuration.authorize_url.clone(),
            token_url: configuration.token_url.clone(),
            redirect_uri: configuration.redirect_uri.clone(),
            application_id_uri: configuration.application_id_uri.clone(),
        };
        let gate = self.gate();
        self.systems.dbt.writer(&gate)?.update_oauth_configuration(configuration.id, &spec, Some(value)).await
    }

    /// The version that provider and dbt are given, where the recipes keep it.
    async fn record_version(&self, version: &str) -> Result<(), RotationError> {
        for kind in [ClientSecret::KIND, OidcApp::KIND] {
            let change = self.with_version(kind, version);
            if change != InventoryChange::Keep {
                self.item_note(kind, Event::Recorded, Vec::new(), None, change).await?;
            }
        }
        Ok(())
    }

    fn with_version(&self, kind: &str, version: &str) -> InventoryChange {
        let Some(item) = self.book.items.values().find(|item| item.kind == kind) else { return InventoryChange::Keep };
        let mut item: InventoryItem = item.clone();
        if kind == ClientSecret::KIND {
            let identity = ClientSecretIdentity { arn: self.stored.arn.clone(), version: version.to_owned() };
            // Two texts are always JSON.
            item.identity = json!({"arn": identity.arn, "version": identity.version});
        } else {
            item.written.insert(SECRET.into(), version.to_owned());
        }
        InventoryChange::Put(item)
    }

    /// Gives dbt the secret that is still the current one, and says how that went.
    pub(super) async fn put_back(&self, why: RotationError) -> RotationError {
        // A run that lost its lease must not write any more.
        if let RotationError::Store(LedgerError::Fenced(_)) = &why {
            return RotationError::Failed(format!(
                "{why}; dbt was left as it is, with a secret that the identity provider takes: the next try of this step \
                 finds which"
            ));
        }
        // We refused ourselves, or had no time to send: nothing was changed, and a write back would be refused as well.
        if let RotationError::Call(error) = &why
            && matches!(error.kind, ErrorKind::Refused | ErrorKind::OutOfTime)
        {
            return why;
        }
        match Box::pin(self.give_current()).await {
            // Also where the store failed: it may have been for a moment, and if not, it is said that it did not go.
            Ok(()) => RotationError::Failed(format!("{why}; dbt has the old secret again")),
            Err(error) => {
                RotationError::Failed(format!("{why}; the old secret could not be given back to dbt: {error}"))
            }
        }
    }

    /// Gives dbt the current secret.
    pub(super) async fn give_current(&self) -> Result<(), RotationError> {
        let current = self.current().ok_or_else(|| RotationError::Failed("no version is the current one".into()))?;
        let value = self.value(current).await?;
        let value = value.ok_or_else(|| RotationError::Failed(format!("version {current} has no value")))?;
        // The way back must not make it worse.
        self.prove(&value).await.map_err(|e| e.because("the old secret"))?;
        let configuration = self.configuration().await?;
        self.names_our_client(&configuration)?;
        self.give(&configuration, &value, current).await
    }

    async fn item_note(
        &self,
        kind: &str,
        event: Event,
        fields: Vec<FieldChange>,
        vendor_request: Option<String>,
        change: InventoryChange,
    ) -> Result<(), RotationError> {
        let Some(item) = self.book.items.values().find(|item| item.kind == kind) else { return Ok(()) };
        let mut draft = self.draft(event, ChangeKind::Update, item.address.clone(), item.system.clone());
        draft.fields = fields;
        draft.vendor_request = vendor_request;
        draft.identity = Some(match &change {
            InventoryChange::Put(changed) => changed.identity.clone(),
            InventoryChange::Keep | InventoryChange::Remove(_) => item.identity.clone(),
        });
        self.append(kind, draft, change).await
    }
}
