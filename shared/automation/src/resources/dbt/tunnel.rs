//! The SSH tunnel of our connection, where the environment's present connection has one.

use std::collections::BTreeMap;

use extoauth_core::engine::{
    ByHand, Field, Fields, Found, Later, Lookup, Made, Making, Ownership, Port, Presence, Resource,
};
use extoauth_core::error::CallResult;
use extoauth_core::ids::Address;
use extoauth_systems::dbt::{self, Read, TunnelSpec, Write};
use serde::{Deserialize, Serialize};

use super::DBT_ADMIN;
use crate::systems::Systems;

/// A tunnel through the same bastion as before. dbt makes a new key for it, which the bastion must be told.
pub struct Tunnel {
    connection: Later<u64>,
    spec: TunnelSpec,
}

/// How dbt names it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TunnelIdentity {
    /// Its id.
    pub id: u64,
}

impl Tunnel {
    /// The tunnel of a connection.
    pub fn of(connection: &Later<u64>, spec: &TunnelSpec) -> Self {
        Self { connection: connection.clone(), spec: spec.clone() }
    }

    fn connection_id(&self) -> u64 {
        self.connection.value().copied().unwrap_or_default()
    }
}

impl Resource for Tunnel {
    type Systems = Systems;
    type Read = Read;
    type Write = Write;
    type Seen = dbt::Tunnel;
    type Identity = TunnelIdentity;
    type Output = ();

    const KIND: &'static str = "dbt.connection.tunnel";
    const ROW: &'static str = "R27";

    fn address(&self) -> Address {
        Address::of("dbt.connection.tunnel")
    }

    fn port(systems: &Systems) -> Option<&Port<Read, Write>> {
        Some(&systems.dbt)
    }

    fn parents(&self) -> Presence {
        self.connection.presence()
    }

    async fn read(&self, client: &Read, _by: &Lookup<'_, TunnelIdentity>) -> CallResult<Found<dbt::Tunnel>> {
        // The connection is ours, so its tunnel is.
        let tunnels = client.tunnels(self.connection_id()).await?;
        Ok(tunnels.into_iter().next().map_or(Found::Absent, Found::Here))
    }

    fn wants(&self) -> Fields {
        Fields::from([
            ("hostname", Field::is(self.spec.hostname.as_str())),
            ("port", Field::is(self.spec.port)),
            ("username", Field::is(self.spec.username.as_str())),
        ])
    }

    fn shows(&self, seen: &dbt::Tunnel, _written: &BTreeMap<String, String>) -> Fields {
        Fields::from([
            ("hostname", Field::is(seen.hostname.clone())),
            ("port", Field::is(seen.port)),
            ("username", Field::is(seen.username.clone())),
        ])
    }

    fn immutable(&self) -> &'static [&'static str] {
        &["hostname", "port", "username"]
    }

    async fn create(&self, client: &Write, _making: &Making<'_>) -> CallResult<Made<dbt::Tunnel>> {
        let made = client.create_tunnel(self.connection_id(), &self.spec).await?;
        Ok(Made { seen: made.value, request_id: made.request_id })
    }

    async fn update(&self, client: &Write, _seen: &dbt::Tunnel, making: &Making<'_>) -> CallResult<Made<dbt::Tunnel>> {
        self.create(client, making).await
    }

    fn identity(&self, seen: &dbt::Tunnel) -> TunnelIdentity {
        TunnelIdentity { id: seen.id }
    }

    fn ownership(&self, _before: Option<&dbt::Tunnel>) -> Ownership {
        Ownership::Child
    }

    fn output(&self, _seen: &dbt::Tunnel) {}

    fn by_hand(&self) -> ByHand {
        ByHand {
            who: DBT_ADMIN,
            what: "Set up the SSH tunnel of our connection through the same bastion as before".into(),
            place: format!("Account settings > Connections > {}", self.connection_id()),
        }
    }
}
