//! The OIDC web app (rows R02 to R04).

use std::collections::BTreeMap;

use extoauth_core::engine::{
    ByHand, Field, Fields, Found, Later, Lookup, Made, Making, Mark, Port, Presence, Resource,
};
use extoauth_core::error::{CallResult, absent_is_none};
use extoauth_core::ids::Address;
use extoauth_systems::okta::{App, AppSpec, Read, Write};
use extoauth_systems::secrets::{Vault, Version};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::OKTA_ADMIN;
use crate::federation::SecretRef;
use crate::resources::found;
use crate::systems::Systems;
use crate::want::WantedIntegration;

/// The client that dbt is at Okta: a web app with code and refresh token, exactly dbt's redirect URI, refresh tokens that
/// stay the same (dbt Core ignores a rotated one), and a secret that we generate.
pub struct OidcApp {
    label: String,
    redirect_uri: String,
    secret: Later<SecretRef>,
    vault: Vault,
}

/// How Okta names it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AppIdentity {
    /// `0oa…`
    pub id: String,
}

/// What others need of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// `0oa…`
    pub app_id: String,
    /// The OAuth client id.
    pub client_id: String,
    /// Its secret, by reference.
    pub secret: SecretRef,
}

/// Key of our mark in the app's free data.
const MARK_KEY: &str = "extoauth";
/// Governs the ID token alone, which nobody here uses.
const ISSUER_MODE: &str = "ORG_URL";
/// Key of the secret's version in the inventory.
const SECRET: &str = "client_secret";

impl OidcApp {
    /// The app of an integration.
    pub fn of(want: &WantedIntegration, vault: &Vault, secret: &Later<SecretRef>) -> Self {
        Self {
            label: want.names.app.clone(),
            redirect_uri: want.redirect_uri.to_string(),
            secret: secret.clone(),
            vault: vault.clone(),
        }
    }

    fn spec(&self, mark: &Mark) -> AppSpec {
        let mut spec = AppSpec::web(&self.label, &self.redirect_uri, ISSUER_MODE);
        spec.profile.insert(MARK_KEY.to_owned(), json!(mark.to_string()));
        spec
    }
}

fn is_marked(app: &App, mark: &Mark) -> bool {
    app.profile.get(MARK_KEY).and_then(|m| m.as_str()) == Some(&mark.to_string())
}

impl Resource for OidcApp {
    type Systems = Systems;
    type Read = Read;
    type Write = Write;
    type Seen = App;
    type Identity = AppIdentity;
    type Output = Client;

    const KIND: &'static str = "okta.app";
    const ROW: &'static str = "R02";

    fn address(&self) -> Address {
        Address::of("okta.app")
    }

    fn port(systems: &Systems) -> Option<&Port<Read, Write>> {
        systems.okta.as_ref()
    }

    fn parents(&self) -> Presence {
        // A new secret does not mean a new app: one may be there from an interrupted run.
        match self.secret.presence() {
            Presence::Fresh => Presence::Here,
            other => other,
        }
    }

    async fn read(&self, client: &Read, by: &Lookup<'_, AppIdentity>) -> CallResult<Found<App>> {
        if let Some(identity) = by.recorded {
            return Ok(absent_is_none(client.app(&identity.id).await)?.map_or(Found::Absent, Found::Here));
        }
        // Labels are not unique and the search finds beginnings.
        let mut same_label = client.apps_starting_with(&self.label).await?;
        same_label.retain(|app| app.label == self.label);
        let marked = same_label.iter().position(|app| is_marked(app, by.mark));
        Ok(found(same_label, marked, by.intent, by.by_hand, |app| format!("the app `{}` ({})", app.label, app.id)))
    }

    fn wants(&self) -> Fields {
        Fields::from([
            ("label", Field::is(self.label.as_str())),
            ("status", Field::is("ACTIVE")),
            ("application_type", Field::is("web")),
            ("redirect_uris", Field::set([self.redirect_uri.as_str()])),
            ("grant_types", Field::set(["authorization_code", "refresh_token"])),
            ("response_types", Field::set(["code"])),
            ("refresh_token_rotation", Field::is("STATIC")),
            ("token_endpoint_auth_method", Field::is("client_secret_basic")),
            ("dpop_bound", Field::is(false)),
        ])
    }

    fn shows(&self, seen: &App, _written: &BTreeMap<String, String>) -> Fields {
        let text = |value: &Option<String>| Field::is(value.as_deref().unwrap_or_default());
        Fields::from([
            ("label", Field::is(seen.label.as_str())),
            ("status", Field::is(seen.status.as_str())),
            ("application_type", text(&seen.application_type)),
            ("redirect_uris", Field::set(seen.redirect_uris.iter().cloned())),
            ("grant_types", Field::set(seen.grant_types.iter().cloned())),
            ("response_types", Field::set(seen.response_types.iter().cloned())),
            ("refresh_token_rotation", text(&seen.refresh_token_rotation)),
            ("token_endpoint_auth_method", text(&seen.token_endpoint_auth_method)),
            ("dpop_bound", Field::is(seen.dpop_bound.unwrap_or_default())),
        ])
    }

    async fn create(&self, client: &Write, making: &Making<'_>) -> CallResult<Made<App>> {
        let SecretRef { arn, version } = self.secret.value().cloned().unwrap_or_default();
        let secret = self.vault.value(&arn, &Version::Id(version)).await?.value;
        let made = client.create_app(&self.spec(making.mark), &secret).await?;
        Ok(Made { seen: made.value, request_id: made.request_id })
    }

    async fn update(&self, client: &Write, seen: &App, making: &Making<'_>) -> CallResult<Made<App>> {
        let mut request_id = None;
        if !seen.is_active() {
            request_id = client.activate_app(&seen.id).await?.request_id;
        }
        let written = client.replace_app(seen, &self.spec(making.mark)).await?;
        Ok(Made { seen: written.value, request_id: written.request_id.or(request_id) })
    }

    fn identity(&self, seen: &App) -> AppIdentity {
        AppIdentity { id: seen.id.clone() }
    }

    fn written(&self) -> BTreeMap<String, String> {
        self.secret.value().map(|s| (SECRET.to_owned(), s.version.clone())).into_iter().collect()
    }

    fn output(&self, seen: &App) -> Client {
        Client {
            app_id: seen.id.clone(),
            client_id: seen.client_id.clone().unwrap_or_else(|| seen.id.clone()),
            secret: self.secret.value().cloned().unwrap_or_default(),
        }
    }

    fn by_hand(&self) -> ByHand {
        let secret = self.secret.value().map_or("the one in Secrets Manager".to_owned(), |s| s.arn.clone());
        ByHand {
            who: OKTA_ADMIN,
            what: format!(
                "Create an app integration (OIDC, web application) named `{}` with these values and the client secret \
                 that Secrets Manager holds as {secret}",
                self.label
            ),
            place: "Applications > Applications > Create App Integration".into(),
        }
    }
}
