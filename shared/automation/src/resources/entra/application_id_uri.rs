//! The Application ID URI of the resource-server app (row R12).

use std::collections::BTreeMap;
use std::time::Duration;

use extoauth_core::engine::{
    ByHand, Field, Fields, Found, Later, Lookup, Made, Making, Ownership, Port, Presence, Resource,
};
use extoauth_core::error::CallResult;
use extoauth_core::ids::Address;
use extoauth_systems::entra::{Read, Write};

use super::{APP_REGISTRATIONS, AppIdentity, ENTRA_ADMIN, REPLICATION, ResourceServer};
use crate::systems::Systems;

/// `api://` and the app's own id: the one form that every tenant's policy on identifier URIs takes. It needs a call of its
/// own, since Graph makes the app id. Other URIs of the app stay.
pub struct ApplicationIdUri {
    server: Later<ResourceServer>,
}

impl ApplicationIdUri {
    /// The URI of a trust's app.
    pub fn of(server: &Later<ResourceServer>) -> Self {
        Self { server: server.clone() }
    }

    fn app(&self) -> &str {
        self.server.value().map_or("", |server| server.object_id.as_str())
    }

    fn uri(&self) -> &str {
        self.server.value().map_or("", |server| server.application_id_uri.as_str())
    }
}

impl Resource for ApplicationIdUri {
    type Systems = Systems;
    type Read = Read;
    type Write = Write;
    /// The app's identifier URIs.
    type Seen = Vec<String>;
    type Identity = AppIdentity;
    type Output = ();

    const KIND: &'static str = "entra.application_id_uri";
    const ROW: &'static str = "R12";
    const LAG: Duration = REPLICATION;
    const REPEATABLE: bool = true;

    fn address(&self) -> Address {
        Address::of("entra.application_id_uri")
    }

    fn port(systems: &Systems) -> Option<&Port<Read, Write>> {
        systems.entra.as_ref()
    }

    fn parents(&self) -> Presence {
        self.server.presence()
    }

    async fn read(&self, _client: &Read, _by: &Lookup<'_, AppIdentity>) -> CallResult<Found<Vec<String>>> {
        // The app was read just before.
        Ok(self.server.value().map_or(Found::Absent, |server| Found::Here(server.identifier_uris.clone())))
    }

    fn wants(&self) -> Fields {
        Fields::from([("application_id_uri", Field::later(&self.server.map(|s| s.application_id_uri.clone())))])
    }

    fn shows(&self, seen: &Vec<String>, _written: &BTreeMap<String, String>) -> Fields {
        let there = seen.iter().find(|uri| *uri == self.uri());
        Fields::from([("application_id_uri", Field::is(there.cloned().unwrap_or_default()))])
    }

    async fn create(&self, client: &Write, making: &Making<'_>) -> CallResult<Made<Vec<String>>> {
        // The app is new.
        self.update(client, &Vec::new(), making).await
    }

    async fn update(&self, client: &Write, seen: &Vec<String>, _making: &Making<'_>) -> CallResult<Made<Vec<String>>> {
        let written = client.expose(self.app(), self.uri(), seen).await?;
        let all = seen.iter().cloned().chain([self.uri().to_owned()]).collect();
        Ok(Made { seen: all, request_id: written.request_id })
    }

    fn identity(&self, _seen: &Vec<String>) -> AppIdentity {
        AppIdentity { id: self.app().to_owned() }
    }

    fn ownership(&self, _before: Option<&Vec<String>>) -> Ownership {
        Ownership::Child
    }

    fn output(&self, _seen: &Vec<String>) {}

    fn by_hand(&self) -> ByHand {
        ByHand {
            who: ENTRA_ADMIN,
            what: "Set the Application ID URI of the resource app to exactly this value, without a slash at its end"
                .into(),
            place: format!("{APP_REGISTRATIONS} > {} > Expose an API", self.app()),
        }
    }
}
