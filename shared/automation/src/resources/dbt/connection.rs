//! Our Redshift connection with external OAuth (rows R27, R28).

use std::collections::BTreeMap;

use extoauth_core::engine::{ByHand, Field, Fields, Found, Later, Lookup, Made, Making, Port, Presence, Resource};
use extoauth_core::error::{CallResult, absent_is_none};
use extoauth_core::ids::Address;
use extoauth_systems::dbt::{self, ConnectionSpec, Read, Write};
use serde::{Deserialize, Serialize};

use super::{DBT_ADMIN, REDSHIFT_PORT};
use crate::systems::Systems;
use crate::want::WantedIntegration;

/// A connection of our own. That it refers to an OAuth configuration is what "External OAuth" means: Redshift's
/// connections have no other field for the method (dbt Admin API v3).
pub struct Connection {
    name: String,
    host: String,
    database: String,
    configuration: Later<u64>,
    private_link: Option<String>,
    tunnel: bool,
}

/// How dbt names it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConnectionIdentity {
    /// Its id.
    pub id: u64,
    /// Its private link endpoint, as it was when it was recorded: the ticket may have taken it over from another
    /// connection, so that it stands nowhere else.
    #[serde(default)]
    pub private_link_endpoint_id: Option<String>,
}

impl Connection {
    /// The connection of an integration.
    pub fn of(want: &WantedIntegration, configuration: &Later<u64>) -> Self {
        Self {
            name: want.names.connection.clone(),
            host: want.desired.warehouse_host.clone(),
            database: want.desired.database.clone(),
            configuration: configuration.clone(),
            private_link: want.link.private_link_endpoint_id.clone(),
            tunnel: want.link.tunnel.is_some(),
        }
    }

    fn spec(&self) -> ConnectionSpec {
        ConnectionSpec {
            name: self.name.clone(),
            hostname: self.host.clone(),
            port: REDSHIFT_PORT,
            dbname: self.database.clone(),
            oauth_configuration_id: self.configuration.value().copied(),
            private_link_endpoint_id: self.private_link.clone(),
            is_ssh_tunnel_enabled: self.tunnel,
        }
    }
}

impl Resource for Connection {
    type Systems = Systems;
    type Read = Read;
    type Write = Write;
    type Seen = dbt::Connection;
    type Identity = ConnectionIdentity;
    type Output = u64;

    const KIND: &'static str = "dbt.connection";
    const ROW: &'static str = "R27";

    fn address(&self) -> Address {
        Address::of("dbt.connection")
    }

    fn port(systems: &Systems) -> Option<&Port<Read, Write>> {
        Some(&systems.dbt)
    }

    fn parents(&self) -> Presence {
        self.configuration.presence()
    }

    async fn read(&self, client: &Read, by: &Lookup<'_, ConnectionIdentity>) -> CallResult<Found<dbt::Connection>> {
        if let Some(identity) = by.recorded {
            return Ok(absent_is_none(client.connection(identity.id).await)?.map_or(Found::Absent, Found::Here));
        }
        let rows = client.connections_containing(&self.name).await?;
        let mut foreign = None;
        for row in rows.into_iter().filter(|row| row.name == self.name) {
            // A list shows no details. The configuration is ours, so a connection that uses it is.
            let Some(seen) = absent_is_none(client.connection(row.id).await)? else { continue };
            let uses_ours = seen.oauth_configuration_id.is_some()
                && seen.oauth_configuration_id.as_ref() == self.configuration.value();
            if by.by_hand || uses_ours {
                return Ok(Found::Here(seen));
            }
            foreign = Some(format!("the connection `{}` ({})", row.name, row.id));
        }
        Ok(foreign.map_or(Found::Absent, |what| Found::Foreign { what, marked: false }))
    }

    fn wants(&self) -> Fields {
        Fields::from([
            ("name", Field::is(self.name.as_str())),
            ("hostname", Field::is(self.host.as_str())),
            ("port", Field::is(REDSHIFT_PORT)),
            ("dbname", Field::is(self.database.as_str())),
            ("oauth_configuration_id", Field::later(&self.configuration)),
            ("private_link_endpoint_id", Field::is(self.private_link.clone())),
            ("is_ssh_tunnel_enabled", Field::is(self.tunnel)),
        ])
    }

    fn shows(&self, seen: &dbt::Connection, _written: &BTreeMap<String, String>) -> Fields {
        Fields::from([
            ("name", Field::is(seen.name.as_str())),
            ("hostname", Field::is(seen.hostname.clone())),
            ("port", Field::is(seen.port)),
            ("dbname", Field::is(seen.dbname.clone())),
            ("oauth_configuration_id", Field::is(seen.oauth_configuration_id)),
            ("private_link_endpoint_id", Field::is(seen.private_link_endpoint_id.clone())),
            ("is_ssh_tunnel_enabled", Field::is(seen.is_ssh_tunnel_enabled)),
        ])
    }

    async fn create(&self, client: &Write, _making: &Making<'_>) -> CallResult<Made<dbt::Connection>> {
        let made = client.create_connection(&self.spec()).await?;
        Ok(Made { seen: made.value, request_id: made.request_id })
    }

    async fn update(
        &self,
        client: &Write,
        seen: &dbt::Connection,
        _making: &Making<'_>,
    ) -> CallResult<Made<dbt::Connection>> {
        let written = client.update_connection(seen, &self.spec()).await?;
        Ok(Made { seen: written.value, request_id: written.request_id })
    }

    fn identity(&self, seen: &dbt::Connection) -> ConnectionIdentity {
        ConnectionIdentity { id: seen.id, private_link_endpoint_id: seen.private_link_endpoint_id.clone() }
    }

    fn output(&self, seen: &dbt::Connection) -> u64 {
        seen.id
    }

    fn by_hand(&self) -> ByHand {
        ByHand {
            who: DBT_ADMIN,
            what: format!(
                "Add a Redshift connection named `{}` with the OAuth method External OAuth and our configuration",
                self.name
            ),
            place: "Account settings > Connections > New connection".into(),
        }
    }
}
