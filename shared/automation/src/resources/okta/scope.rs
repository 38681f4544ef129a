//! The scope that dbt asks for (row R07).

use std::collections::BTreeMap;

use extoauth_core::engine::{
    ByHand, Field, Fields, Found, Later, Lookup, Made, Making, Ownership, Port, Presence, Resource,
};
use extoauth_core::error::{CallResult, absent_is_none};
use extoauth_core::ids::Address;
use extoauth_systems::okta::{Read, ScopeSpec, ServerScope, Write};
use serde::{Deserialize, Serialize};

use super::{OKTA_ADMIN, Server};
use crate::systems::Systems;

/// `session:role-any`.
pub const SESSION_ROLE_ANY: &str = "session:role-any";

/// A scope of the authorization server, published in its metadata, so that anybody can check that it is there.
pub struct Scope {
    server: Later<Server>,
    spec: ScopeSpec,
}

/// How Okta names a part of an authorization server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PartIdentity {
    /// `aus…`
    pub server: String,
    /// `scp…`, `ocl…`
    pub id: String,
}

impl Scope {
    /// The scope of dbt's manual.
    pub fn session_role_any(server: &Later<Server>) -> Self {
        let spec = ScopeSpec::published(SESSION_ROLE_ANY, "Redshift session", "Sign in to Amazon Redshift with dbt");
        Self { server: server.clone(), spec }
    }

    fn server_id(&self) -> &str {
        self.server.value().map_or("", |server| server.id.as_str())
    }
}

impl Resource for Scope {
    type Systems = Systems;
    type Read = Read;
    type Write = Write;
    type Seen = ServerScope;
    type Identity = PartIdentity;
    type Output = ();

    const KIND: &'static str = "okta.server.scope";
    const ROW: &'static str = "R07";

    fn address(&self) -> Address {
        Address::keyed("okta.server.scope", &self.spec.name)
    }

    fn port(systems: &Systems) -> Option<&Port<Read, Write>> {
        systems.okta.as_ref()
    }

    fn parents(&self) -> Presence {
        self.server.presence()
    }

    async fn read(&self, client: &Read, _by: &Lookup<'_, PartIdentity>) -> CallResult<Found<ServerScope>> {
        // The name is unique within our server, so whatever has it is the scope.
        let scopes = absent_is_none(client.scopes(self.server_id()).await)?.unwrap_or_default();
        Ok(scopes.into_iter().find(|scope| scope.name == self.spec.name).map_or(Found::Absent, Found::Here))
    }

    fn wants(&self) -> Fields {
        Fields::from([
            ("name", Field::is(self.spec.name.as_str())),
            ("metadata_publish", Field::is(self.spec.metadata_publish.as_str())),
            ("consent", Field::is(self.spec.consent.as_str())),
        ])
    }

    fn shows(&self, seen: &ServerScope, _written: &BTreeMap<String, String>) -> Fields {
        Fields::from([
            ("name", Field::is(seen.name.as_str())),
            ("metadata_publish", Field::is(seen.metadata_publish.as_deref().unwrap_or_default())),
            ("consent", Field::is(seen.consent.as_deref().unwrap_or_default())),
        ])
    }

    async fn create(&self, client: &Write, _making: &Making<'_>) -> CallResult<Made<ServerScope>> {
        let made = client.create_scope(self.server_id(), &self.spec).await?;
        Ok(Made { seen: made.value, request_id: made.request_id })
    }

    async fn update(&self, client: &Write, seen: &ServerScope, _making: &Making<'_>) -> CallResult<Made<ServerScope>> {
        let written = client.replace_scope(self.server_id(), seen, &self.spec).await?;
        Ok(Made { seen: written.value, request_id: written.request_id })
    }

    fn identity(&self, seen: &ServerScope) -> PartIdentity {
        PartIdentity { server: self.server_id().to_owned(), id: seen.id.clone() }
    }

    fn ownership(&self, _before: Option<&ServerScope>) -> Ownership {
        Ownership::Child
    }

    fn output(&self, _seen: &ServerScope) {}

    fn by_hand(&self) -> ByHand {
        ByHand {
            who: OKTA_ADMIN,
            what: format!("Add the scope `{}` and include it in the public metadata", self.spec.name),
            place: format!("Security > API > Authorization Servers > {} > Scopes", self.server_id()),
        }
    }
}
