//! The client among the resource-server app's authorized client applications, where we may not grant consent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use extoauth_core::engine::{
    ByHand, Field, Fields, Found, Later, Lookup, Made, Making, Ownership, Port, Presence, Resource, Value,
};
use extoauth_core::error::{CallResult, absent_is_none};
use extoauth_core::ids::Address;
use extoauth_systems::entra::{PreAuthorized, Read, Write};
use serde::{Deserialize, Serialize};

use super::{APP_REGISTRATIONS, Client, ENTRA_ADMIN, REPLICATION, ResourceServer};
use crate::systems::Systems;

/// Users of a pre-authorized client are not asked about our scope. It needs no right beyond the one on our own app, and
/// does not cover Microsoft Graph's scopes of a sign-in: for those an administrator still consents.
pub struct PreAuthorization {
    server: Later<ResourceServer>,
    client: Later<Client>,
}

/// How Graph names it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PreAuthorizationIdentity {
    /// Object id of the resource-server app.
    pub app: String,
    /// Client id of the client.
    pub client: String,
}

impl PreAuthorization {
    /// The entry of an integration's client in its trust's app.
    pub fn of(server: &Later<ResourceServer>, client: &Later<Client>) -> Self {
        Self { server: server.clone(), client: client.clone() }
    }

    fn app(&self) -> &str {
        self.server.value().map_or("", |server| server.object_id.as_str())
    }

    fn client(&self) -> &str {
        self.client.value().map_or("", |client| client.app_id.as_str())
    }

    fn scopes(&self) -> BTreeSet<String> {
        self.server.value().map(|server| server.scope_id.clone()).into_iter().collect()
    }
}

impl Resource for PreAuthorization {
    type Systems = Systems;
    type Read = Read;
    type Write = Write;
    type Seen = PreAuthorized;
    type Identity = PreAuthorizationIdentity;
    type Output = ();

    const KIND: &'static str = "entra.pre_authorization";
    const ROW: &'static str = "R16";
    const LAG: Duration = REPLICATION;
    const REPEATABLE: bool = true;

    fn address(&self) -> Address {
        Address::of("entra.pre_authorization")
    }

    fn port(systems: &Systems) -> Option<&Port<Read, Write>> {
        systems.entra.as_ref()
    }

    fn parents(&self) -> Presence {
        self.server.presence().and(self.client.presence())
    }

    fn shared_key(&self) -> Option<String> {
        Some(pre_authorization_key(self.app()))
    }

    async fn read(
        &self,
        client: &Read,
        _by: &Lookup<'_, PreAuthorizationIdentity>,
    ) -> CallResult<Found<PreAuthorized>> {
        let app = absent_is_none(client.application(self.app()).await)?;
        let entry = app.and_then(|app| app.pre_authorized.into_iter().find(|entry| entry.app_id == self.client()));
        Ok(entry.map_or(Found::Absent, Found::Here))
    }

    fn wants(&self) -> Fields {
        let scope = self.server.map(|server| server.scope_id.clone());
        Fields::from([
            ("client", Field::later(&self.client.map(|c| c.app_id.clone()))),
            ("scope", Field::later(&scope)),
        ])
    }

    fn shows(&self, seen: &PreAuthorized, _written: &BTreeMap<String, String>) -> Fields {
        let scopes = self.scopes();
        let scope = seen.scope_ids.iter().find(|id| scopes.contains(*id));
        Fields::from([
            ("client", Field::is(seen.app_id.as_str())),
            ("scope", Field::is(scope.cloned().unwrap_or_default())),
        ])
    }

    async fn create(&self, client: &Write, _making: &Making<'_>) -> CallResult<Made<PreAuthorized>> {
        let scopes = self.scopes();
        let written = client.pre_authorize(self.app(), self.client(), &scopes).await?;
        let seen = PreAuthorized { app_id: self.client().to_owned(), scope_ids: scopes };
        Ok(Made { seen, request_id: written.request_id })
    }

    async fn update(
        &self,
        client: &Write,
        _seen: &PreAuthorized,
        making: &Making<'_>,
    ) -> CallResult<Made<PreAuthorized>> {
        self.create(client, making).await
    }

    fn identity(&self, seen: &PreAuthorized) -> PreAuthorizationIdentity {
        PreAuthorizationIdentity { app: self.app().to_owned(), client: seen.app_id.clone() }
    }

    fn ownership(&self, _before: Option<&PreAuthorized>) -> Ownership {
        // The client is ours: nobody else has an entry for it.
        Ownership::Entry { pre_image: Value::Null }
    }

    fn output(&self, _seen: &PreAuthorized) {}

    fn by_hand(&self) -> ByHand {
        ByHand {
            who: ENTRA_ADMIN,
            what: "Add the client to the authorized client applications of the resource app, with its scope".into(),
            place: format!("{APP_REGISTRATIONS} > {} > Expose an API", self.app()),
        }
    }
}

/// The key under which writers of an app's list exclude each other: the list is replaced whole.
pub fn pre_authorization_key(app: &str) -> String {
    format!("entra/{app}/pre-authorized")
}
