//! The client app (rows R14, R15).

use std::collections::BTreeMap;
use std::time::Duration;

use extoauth_core::engine::{
    ByHand, Field, Fields, Found, Later, Lookup, Made, Making, Mark, Port, Presence, Resource,
};
use extoauth_core::error::CallResult;
use extoauth_core::ids::Address;
use extoauth_systems::entra::{
    Application, ClientAppSpec, GRAPH_APP_ID, GRAPH_OFFLINE_ACCESS, GRAPH_OPENID, GRAPH_PROFILE, Read, RequiredScope,
    Write,
};

use super::{
    APP_REGISTRATIONS, AppIdentity, ENTRA_ADMIN, REPLICATION, ResourceServer, SINGLE_TENANT, find_app, make_room, tags,
    unique_name,
};
use crate::systems::Systems;
use crate::want::WantedIntegration;

/// The client that dbt is at Entra: dbt's redirect URI as a web platform, and the permissions for which it asks. What they
/// declare is what an administrator consents to with one click; the consent itself is another object.
pub struct ClientApp {
    name: String,
    redirect_uri: String,
    server: Later<ResourceServer>,
}

/// What others need of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Object id.
    pub object_id: String,
    /// Application (client) id.
    pub app_id: String,
}

impl ClientApp {
    /// The app of an integration.
    pub fn of(want: &WantedIntegration, server: &Later<ResourceServer>) -> Self {
        Self { name: want.names.app.clone(), redirect_uri: want.redirect_uri.to_string(), server: server.clone() }
    }

    fn permissions(&self) -> Vec<RequiredScope> {
        let graph = [GRAPH_OPENID, GRAPH_PROFILE, GRAPH_OFFLINE_ACCESS]
            .map(|id| RequiredScope { resource_app_id: GRAPH_APP_ID.to_owned(), scope_id: id.to_owned() });
        let ours = self
            .server
            .value()
            .map(|s| RequiredScope { resource_app_id: s.app_id.clone(), scope_id: s.scope_id.clone() });
        ours.into_iter().chain(graph).collect()
    }

    /// Whether a declared permission is the one that we want, or our scope of a resource app that is gone.
    fn is_ours(&self, declared: &RequiredScope) -> bool {
        self.permissions().contains(declared)
            || self.server.value().is_some_and(|server| server.scope_id == declared.scope_id)
    }

    fn spec(&self, mark: &Mark) -> ClientAppSpec {
        ClientAppSpec {
            unique_name: unique_name(mark),
            display_name: self.name.clone(),
            tags: tags(mark),
            redirect_uris: vec![self.redirect_uri.clone()],
            required_access: self.permissions(),
        }
    }
}

fn text(permission: &RequiredScope) -> String {
    format!("{}/{}", permission.resource_app_id, permission.scope_id)
}

impl Resource for ClientApp {
    type Systems = Systems;
    type Read = Read;
    type Write = Write;
    type Seen = Application;
    type Identity = AppIdentity;
    type Output = Client;

    const KIND: &'static str = "entra.client_app";
    const ROW: &'static str = "R14";
    const LAG: Duration = REPLICATION;
    const REPEATABLE: bool = true;

    fn address(&self) -> Address {
        Address::of("entra.client_app")
    }

    fn port(systems: &Systems) -> Option<&Port<Read, Write>> {
        systems.entra.as_ref()
    }

    fn parents(&self) -> Presence {
        // It is no part of the resource app: under a new one it may be there from before.
        match self.server.presence() {
            Presence::Fresh => Presence::Here,
            other => other,
        }
    }

    async fn read(&self, client: &Read, by: &Lookup<'_, AppIdentity>) -> CallResult<Found<Application>> {
        find_app(client, by, &self.name).await
    }

    fn wants(&self) -> Fields {
        let permissions = match self.server.value() {
            Some(_) => Field::set(self.permissions().iter().map(text)),
            None => Field::Unknown,
        };
        Fields::from([
            ("display_name", Field::is(self.name.as_str())),
            ("supported_accounts", Field::is(SINGLE_TENANT)),
            ("redirect_uris", Field::set([self.redirect_uri.as_str()])),
            ("permissions", permissions),
        ])
    }

    fn shows(&self, seen: &Application, _written: &BTreeMap<String, String>) -> Fields {
        Fields::from([
            ("display_name", Field::is(seen.display_name.as_str())),
            ("supported_accounts", Field::is(seen.sign_in_audience.as_deref().unwrap_or_default())),
            ("redirect_uris", Field::set(seen.redirect_uris.iter().cloned())),
            // What others have added to the declaration grants nothing by itself.
            ("permissions", Field::set(seen.required_access.iter().filter(|p| self.is_ours(p)).map(text))),
        ])
    }

    async fn create(&self, client: &Write, making: &Making<'_>) -> CallResult<Made<Application>> {
        let spec = self.spec(making.mark);
        let made = match client.put_client_app(&spec).await {
            Err(refused) => {
                make_room(client, making.mark, refused).await?;
                client.put_client_app(&spec).await?
            }
            Ok(made) => made,
        };
        Ok(Made { seen: made.value, request_id: made.request_id })
    }

    async fn update(&self, client: &Write, seen: &Application, making: &Making<'_>) -> CallResult<Made<Application>> {
        let written = client.update_client_app(seen, &self.spec(making.mark)).await?;
        Ok(Made { seen: written.value, request_id: written.request_id })
    }

    fn identity(&self, seen: &Application) -> AppIdentity {
        AppIdentity { id: seen.id.clone() }
    }

    fn output(&self, seen: &Application) -> Client {
        Client { object_id: seen.id.clone(), app_id: seen.app_id.clone() }
    }

    fn by_hand(&self) -> ByHand {
        ByHand {
            who: ENTRA_ADMIN,
            what: format!(
                "Register an app named `{}` for accounts of this organizational directory only, with this redirect URI \
                 of the platform Web, and add these delegated permissions (app id / permission id)",
                self.name
            ),
            place: APP_REGISTRATIONS.into(),
        }
    }
}
