//! The access policy for this client alone (row R08).

use std::collections::BTreeMap;

use extoauth_core::engine::{
    ByHand, Field, Fields, Found, Later, Lookup, Made, Making, Mark, Ownership, Port, Presence, Resource,
};
use extoauth_core::error::{CallResult, absent_is_none};
use extoauth_core::ids::Address;
use extoauth_systems::okta::{Policy, PolicySpec, Read, Write};
use serde::{Deserialize, Serialize};

use super::{Client, OKTA_ADMIN, Server};
use crate::systems::Systems;
use crate::want::WantedIntegration;

/// A policy of the shared authorization server that applies to one client. Without one nobody gets a token.
pub struct AccessPolicy {
    name: String,
    server: Later<Server>,
    client: Later<Client>,
}

/// How Okta names it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PolicyIdentity {
    /// `aus…`
    pub server: String,
    /// `00p…`
    pub policy: String,
}

/// What its rule needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyOutput {
    /// `aus…`
    pub server: String,
    /// `00p…`
    pub policy: String,
}

/// The key under which writers of a server's policies and rules exclude each other: Okta renumbers priorities at each
/// write, and answers 500 or mixes them up when writes meet (terraform-provider-okta #1198, #713).
pub(super) fn policies_key(server: &str) -> String {
    format!("okta/{server}/policies")
}

impl AccessPolicy {
    /// The policy of an integration.
    pub fn of(want: &WantedIntegration, server: &Later<Server>, client: &Later<Client>) -> Self {
        Self { name: want.names.policy.clone(), server: server.clone(), client: client.clone() }
    }

    fn server_id(&self) -> &str {
        self.server.value().map_or("", |server| server.id.as_str())
    }

    fn client_id(&self) -> Later<String> {
        self.client.map(|client| client.client_id.clone())
    }

    fn spec(&self, mark: &Mark) -> PolicySpec {
        PolicySpec {
            name: self.name.clone(),
            description: format!("Lets dbt get tokens for Redshift [{mark}]"),
            clients: self.client_id().value().cloned().into_iter().collect(),
        }
    }
}

impl Resource for AccessPolicy {
    type Systems = Systems;
    type Read = Read;
    type Write = Write;
    type Seen = Policy;
    type Identity = PolicyIdentity;
    type Output = PolicyOutput;

    const KIND: &'static str = "okta.server.policy";
    const ROW: &'static str = "R08";

    fn address(&self) -> Address {
        Address::of("okta.server.policy")
    }

    fn port(systems: &Systems) -> Option<&Port<Read, Write>> {
        systems.okta.as_ref()
    }

    fn parents(&self) -> Presence {
        self.server.presence().and(self.client.presence())
    }

    fn shared_key(&self) -> Option<String> {
        let server = self.server.value()?;
        Some(policies_key(&server.id))
    }

    async fn read(&self, client: &Read, by: &Lookup<'_, PolicyIdentity>) -> CallResult<Found<Policy>> {
        let mut policies = absent_is_none(client.policies(self.server_id()).await)?.unwrap_or_default();
        if let Some(identity) = by.recorded {
            let ours = policies.into_iter().find(|policy| policy.id == identity.policy);
            return Ok(ours.map_or(Found::Absent, Found::Here));
        }
        // It is in our server and for our client: nobody else's can be.
        let client_id = self.client_id();
        policies.retain(|policy| client_id.value().is_some_and(|id| policy.clients == [id.clone()]));
        Ok(policies.into_iter().next().map_or(Found::Absent, Found::Here))
    }

    fn wants(&self) -> Fields {
        let client_id = self.client_id();
        Fields::from([
            ("name", Field::is(self.name.as_str())),
            ("status", Field::is("ACTIVE")),
            ("clients", client_id.value().map_or(Field::Unknown, |id| Field::set([id.as_str()]))),
        ])
    }

    fn shows(&self, seen: &Policy, _written: &BTreeMap<String, String>) -> Fields {
        Fields::from([
            ("name", Field::is(seen.name.as_str())),
            ("status", Field::is(seen.status.as_str())),
            ("clients", Field::set(seen.clients.iter().cloned())),
        ])
    }

    async fn create(&self, client: &Write, making: &Making<'_>) -> CallResult<Made<Policy>> {
        let made = client.create_policy(self.server_id(), &self.spec(making.mark)).await?;
        Ok(Made { seen: made.value, request_id: made.request_id })
    }

    async fn update(&self, client: &Write, seen: &Policy, making: &Making<'_>) -> CallResult<Made<Policy>> {
        let mut request_id = None;
        if !seen.is_active() {
            request_id = client.activate_policy(self.server_id(), &seen.id).await?.request_id;
        }
        let written = client.replace_policy(self.server_id(), seen, &self.spec(making.mark)).await?;
        Ok(Made { seen: written.value, request_id: written.request_id.or(request_id) })
    }

    fn identity(&self, seen: &Policy) -> PolicyIdentity {
        PolicyIdentity { server: self.server_id().to_owned(), policy: seen.id.clone() }
    }

    fn ownership(&self, _before: Option<&Policy>) -> Ownership {
        Ownership::Child
    }

    fn output(&self, seen: &Policy) -> PolicyOutput {
        PolicyOutput { server: self.server_id().to_owned(), policy: seen.id.clone() }
    }

    fn by_hand(&self) -> ByHand {
        ByHand {
            who: OKTA_ADMIN,
            what: format!("Add an access policy named `{}` for the following clients: this one only", self.name),
            place: format!("Security > API > Authorization Servers > {} > Access Policies", self.server_id()),
        }
    }
}
