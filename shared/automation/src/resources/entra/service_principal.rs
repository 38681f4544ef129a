//! The service principals of both apps: what the tenant knows of them as users do.

use std::collections::BTreeMap;
use std::time::Duration;

use extoauth_core::engine::{
    ByHand, Field, Fields, Found, Later, Lookup, Made, Making, Ownership, Port, Presence, Resource,
};
use extoauth_core::error::{CallResult, absent_is_none};
use extoauth_core::ids::Address;
use extoauth_systems::entra::{self, Read, Write};
use serde::{Deserialize, Serialize};

use super::{ENTERPRISE_APPS, ENTRA_ADMIN, REPLICATION};
use crate::systems::Systems;

/// An app's service principal. Without the resource app's, every sign-in ends with AADSTS500011; the client's requires
/// assignment, or the whole tenant, guests included, would get tokens.
pub struct ServicePrincipal {
    address: &'static str,
    row: Role,
    app_id: Later<String>,
}

/// With this tag the admin center lists it among the enterprise applications.
const SHOWN: &str = "WindowsAzureActiveDirectoryIntegratedApp";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Resource,
    Client,
}

/// What others need of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Object id.
    pub id: String,
}

/// How Graph names it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PrincipalIdentity {
    /// The app's client id: an alternate key of its principal.
    pub app_id: String,
}

impl ServicePrincipal {
    /// The principal of the resource-server app.
    pub fn of_resource(app_id: Later<String>) -> Self {
        Self { address: "entra.resource_principal", row: Role::Resource, app_id }
    }

    /// The principal of the client app.
    pub fn of_client(app_id: Later<String>) -> Self {
        Self { address: "entra.client_principal", row: Role::Client, app_id }
    }

    fn app(&self) -> &str {
        self.app_id.value().map_or("", String::as_str)
    }

    fn assignment_required(&self) -> bool {
        self.row == Role::Client
    }
}

impl Resource for ServicePrincipal {
    type Systems = Systems;
    type Read = Read;
    type Write = Write;
    type Seen = entra::ServicePrincipal;
    type Identity = PrincipalIdentity;
    type Output = Principal;

    const KIND: &'static str = "entra.service_principal";
    const ROW: &'static str = "R14";
    const LAG: Duration = REPLICATION;
    const REPEATABLE: bool = true;

    fn address(&self) -> Address {
        Address::of(self.address)
    }

    fn port(systems: &Systems) -> Option<&Port<Read, Write>> {
        systems.entra.as_ref()
    }

    fn parents(&self) -> Presence {
        self.app_id.presence()
    }

    async fn read(
        &self,
        client: &Read,
        _by: &Lookup<'_, PrincipalIdentity>,
    ) -> CallResult<Found<entra::ServicePrincipal>> {
        let found = absent_is_none(client.service_principal_of(self.app()).await)?;
        Ok(found.map_or(Found::Absent, Found::Here))
    }

    fn wants(&self) -> Fields {
        let mut fields = Fields::from([("app_id", Field::later(&self.app_id)), ("enabled", Field::is(true))]);
        // Who may use the resource app is decided at its clients: another client of it is none of ours.
        if self.assignment_required() {
            fields.insert("assignment_required", Field::is(true));
        }
        fields
    }

    fn shows(&self, seen: &entra::ServicePrincipal, _written: &BTreeMap<String, String>) -> Fields {
        Fields::from([
            ("app_id", Field::is(seen.app_id.as_str())),
            ("enabled", Field::is(seen.enabled)),
            ("assignment_required", Field::is(seen.assignment_required)),
        ])
    }

    async fn create(&self, client: &Write, _making: &Making<'_>) -> CallResult<Made<entra::ServicePrincipal>> {
        let tags = [SHOWN.to_owned()];
        let made = client.create_service_principal(self.app(), self.assignment_required(), &tags).await?;
        Ok(Made { seen: made.value, request_id: made.request_id })
    }

    async fn update(
        &self,
        client: &Write,
        seen: &entra::ServicePrincipal,
        _making: &Making<'_>,
    ) -> CallResult<Made<entra::ServicePrincipal>> {
        let required = self.assignment_required() || seen.assignment_required;
        let written = client.update_service_principal(&seen.id, true, required).await?;
        let seen = entra::ServicePrincipal { enabled: true, assignment_required: required, ..seen.clone() };
        Ok(Made { seen, request_id: written.request_id })
    }

    fn identity(&self, seen: &entra::ServicePrincipal) -> PrincipalIdentity {
        PrincipalIdentity { app_id: seen.app_id.clone() }
    }

    fn ownership(&self, _before: Option<&entra::ServicePrincipal>) -> Ownership {
        Ownership::Child
    }

    fn output(&self, seen: &entra::ServicePrincipal) -> Principal {
        Principal { id: seen.id.clone() }
    }

    fn by_hand(&self) -> ByHand {
        ByHand {
            who: ENTRA_ADMIN,
            what: format!(
                "Make the enterprise application of the app {} (registering the app in the admin center does it) and set \
                 these properties",
                self.app()
            ),
            place: format!("{ENTERPRISE_APPS} > {} > Properties", self.app()),
        }
    }
}
