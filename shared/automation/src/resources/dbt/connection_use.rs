//! An existing connection that the ticket names: ours is only its reference to the OAuth configuration.

use std::collections::BTreeMap;

use extoauth_core::engine::{
    ByHand, Field, Fields, Found, Later, Lookup, Made, Making, Ownership, Port, Presence, Resource, Value,
};
use extoauth_core::error::{CallResult, absent_is_none};
use extoauth_core::ids::Address;
use extoauth_systems::dbt::{self, Read, Write};
use serde_json::json;

use super::{ConnectionIdentity, DBT_ADMIN};
use crate::systems::Systems;
use crate::want::WantedIntegration;

/// Somebody else's connection uses our configuration. Everything else of it stays; on removal it gets back what it had,
/// if it still has ours.
pub struct ConnectionUse {
    id: u64,
    account: String,
    configuration: Later<u64>,
}

/// Key of our configuration's id in the inventory.
pub(in crate::resources) const OURS: &str = "oauth_configuration_id";

/// The key under which writers of a connection exclude each other.
pub fn connection_key(account: &str, id: u64) -> String {
    format!("dbt/{account}/connection/{id}")
}

impl ConnectionUse {
    /// The use of a connection that the ticket names.
    pub fn of(want: &WantedIntegration, id: u64, configuration: &Later<u64>) -> Self {
        Self { id, account: want.dbt_account.clone(), configuration: configuration.clone() }
    }
}

/// Puts back what the connection had before, if it still has ours.
///
/// # Errors
/// As any call. A connection that is gone is success.
pub async fn put_back(client: &Write, id: u64, ours: Option<u64>, pre_image: &Value) -> CallResult<Option<String>> {
    let Some(seen) = absent_is_none(client.connection(id).await)? else { return Ok(None) };
    if ours.is_none() || seen.oauth_configuration_id != ours {
        return Ok(None);
    }
    let spec = seen.with_configuration(pre_image.as_u64());
    Ok(client.update_connection(&seen, &spec).await?.request_id)
}

impl Resource for ConnectionUse {
    type Systems = Systems;
    type Read = Read;
    type Write = Write;
    type Seen = dbt::Connection;
    type Identity = ConnectionIdentity;
    type Output = u64;

    const KIND: &'static str = "dbt.connection_use";
    const ROW: &'static str = "R28";

    fn address(&self) -> Address {
        Address::keyed("dbt.connection_use", self.id)
    }

    fn port(systems: &Systems) -> Option<&Port<Read, Write>> {
        Some(&systems.dbt)
    }

    fn parents(&self) -> Presence {
        // The connection is there before us; only the configuration may still be unknown.
        match self.configuration.presence() {
            Presence::Fresh => Presence::Here,
            other => other,
        }
    }

    fn shared_key(&self) -> Option<String> {
        Some(connection_key(&self.account, self.id))
    }

    async fn read(&self, client: &Read, _by: &Lookup<'_, ConnectionIdentity>) -> CallResult<Found<dbt::Connection>> {
        // One that is not there is the ticket's mistake: it is never made.
        client.connection(self.id).await.map(Found::Here)
    }

    fn wants(&self) -> Fields {
        Fields::from([("oauth_configuration_id", Field::later(&self.configuration))])
    }

    fn shows(&self, seen: &dbt::Connection, _written: &BTreeMap<String, String>) -> Fields {
        Fields::from([("oauth_configuration_id", Field::is(seen.oauth_configuration_id))])
    }

    async fn create(&self, client: &Write, making: &Making<'_>) -> CallResult<Made<dbt::Connection>> {
        let seen = client.connection(self.id).await?;
        self.update(client, &seen, making).await
    }

    async fn update(
        &self,
        client: &Write,
        seen: &dbt::Connection,
        _making: &Making<'_>,
    ) -> CallResult<Made<dbt::Connection>> {
        let spec = seen.with_configuration(self.configuration.value().copied());
        let written = client.update_connection(seen, &spec).await?;
        Ok(Made { seen: written.value, request_id: written.request_id })
    }

    fn identity(&self, seen: &dbt::Connection) -> ConnectionIdentity {
        ConnectionIdentity { id: seen.id, private_link_endpoint_id: seen.private_link_endpoint_id.clone() }
    }

    fn ownership(&self, before: Option<&dbt::Connection>) -> Ownership {
        Ownership::Entry { pre_image: before.map_or(Value::Null, |seen| json!(seen.oauth_configuration_id)) }
    }

    fn written(&self) -> BTreeMap<String, String> {
        // Which configuration is ours: what stood there before is put back only where it still stands.
        self.configuration.value().map(|id| (OURS.to_owned(), id.to_string())).into_iter().collect()
    }

    fn output(&self, seen: &dbt::Connection) -> u64 {
        seen.id
    }

    fn by_hand(&self) -> ByHand {
        ByHand {
            who: DBT_ADMIN,
            what: "Set the connection's OAuth method to External OAuth and select our configuration".into(),
            place: format!("Account settings > Connections > {}", self.id),
        }
    }
}
