//! A development environment uses the connection (row R29).

use std::collections::BTreeMap;
use std::time::Duration;

use extoauth_core::engine::{
    ByHand, Field, Fields, Found, Later, Lookup, Made, Making, Ownership, Port, Presence, Resource,
};
use extoauth_core::error::{CallResult, absent_is_none};
use extoauth_core::ids::Address;
use extoauth_systems::dbt::{self, Read, Write};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::DBT_ADMIN;
use crate::systems::Systems;
use crate::want::{Environment, WantedIntegration};

/// An environment's reference to our connection. dbt replaces an environment whole, so everything else is read just
/// before and sent back as it was.
pub struct EnvironmentConnection {
    account: String,
    environment: Environment,
    connection: Later<u64>,
}

/// How dbt names it, and which connection is ours.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EnvironmentIdentity {
    /// The account in the configuration.
    pub account: String,
    /// Project id.
    pub project: u64,
    /// Environment id.
    pub id: u64,
}

/// What stood there before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreImage {
    /// The connection that the environment used.
    pub connection_id: Option<u64>,
}

/// The key under which writers of an environment exclude each other.
pub fn environment_key(account: &str, id: u64) -> String {
    format!("dbt/{account}/environment/{id}")
}

impl EnvironmentConnection {
    /// The environment's use of the connection.
    pub fn of(want: &WantedIntegration, environment: &Environment, connection: &Later<u64>) -> Self {
        Self { account: want.dbt_account.clone(), environment: environment.clone(), connection: connection.clone() }
    }
}

/// Gives the environment the connection that it had before, if it still has ours. Where
/// `ours` is not known, it stays as it is.
///
/// # Errors
/// As any call. An environment that is gone is success.
pub async fn put_back(
    client: &Write,
    identity: &EnvironmentIdentity,
    ours: Option<u64>,
    pre_image: PreImage,
) -> CallResult<Option<String>> {
    let Some(seen) = absent_is_none(client.environment(identity.project, identity.id).await)? else { return Ok(None) };
    if ours.is_none() || seen.connection_id != ours {
        return Ok(None);
    }
    Ok(client.repoint_environment(&seen, pre_image.connection_id).await?.request_id)
}

impl Resource for EnvironmentConnection {
    type Systems = Systems;
    type Read = Read;
    type Write = Write;
    type Seen = dbt::Environment;
    type Identity = EnvironmentIdentity;
    type Output = ();

    const KIND: &'static str = "dbt.environment_connection";
    const ROW: &'static str = "R29";
    // It is there before us.
    const LAG: Duration = Duration::ZERO;

    fn address(&self) -> Address {
        let key = format!("{}/{}", self.environment.project, self.environment.id);
        Address::keyed("dbt.environment_connection", key)
    }

    fn port(systems: &Systems) -> Option<&Port<Read, Write>> {
        Some(&systems.dbt)
    }

    fn parents(&self) -> Presence {
        // The environment is there before us; only the connection may still be unknown.
        match self.connection.presence() {
            Presence::Fresh => Presence::Here,
            other => other,
        }
    }

    fn shared_key(&self) -> Option<String> {
        Some(environment_key(&self.account, self.environment.id))
    }

    async fn read(&self, client: &Read, _by: &Lookup<'_, EnvironmentIdentity>) -> CallResult<Found<dbt::Environment>> {
        // One that is not there is the ticket's mistake: it is never made.
        client.environment(self.environment.project, self.environment.id).await.map(Found::Here)
    }

    fn wants(&self) -> Fields {
        Fields::from([("connection_id", Field::later(&self.connection))])
    }

    fn shows(&self, seen: &dbt::Environment, _written: &BTreeMap<String, String>) -> Fields {
        Fields::from([("connection_id", Field::is(seen.connection_id))])
    }

    async fn create(&self, client: &Write, making: &Making<'_>) -> CallResult<Made<dbt::Environment>> {
        let seen = client.environment(self.environment.project, self.environment.id).await?;
        self.update(client, &seen, making).await
    }

    async fn update(
        &self,
        client: &Write,
        seen: &dbt::Environment,
        _making: &Making<'_>,
    ) -> CallResult<Made<dbt::Environment>> {
        let written = client.repoint_environment(seen, self.connection.value().copied()).await?;
        Ok(Made { seen: written.value, request_id: written.request_id })
    }

    fn identity(&self, seen: &dbt::Environment) -> EnvironmentIdentity {
        EnvironmentIdentity { account: self.account.clone(), project: seen.project_id, id: seen.id }
    }

    fn ownership(&self, before: Option<&dbt::Environment>) -> Ownership {
        let pre_image = PreImage { connection_id: before.and_then(|seen| seen.connection_id) };
        Ownership::Entry { pre_image: json!(pre_image) }
    }

    fn output(&self, _seen: &dbt::Environment) {}

    fn written(&self) -> BTreeMap<String, String> {
        // Which connection is ours: what stood there before is put back only where it still stands.
        self.connection.value().map(|id| (OURS.to_owned(), id.to_string())).into_iter().collect()
    }

    fn by_hand(&self) -> ByHand {
        ByHand {
            who: DBT_ADMIN,
            what: format!("Choose our connection for the environment `{}`", self.environment.name),
            place: format!("Project {} > Environments > {}", self.environment.project, self.environment.id),
        }
    }
}

/// Key of our connection's id in the inventory.
pub(in crate::resources) const OURS: &str = "connection_id";
