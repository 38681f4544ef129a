//! The authorization server of a trust (rows R05, R06).

use std::collections::BTreeMap;

use extoauth_core::engine::{ByHand, Field, Fields, Found, Lookup, Made, Making, Mark, Port, Resource};
use extoauth_core::error::{CallResult, absent_is_none};
use extoauth_core::ids::Address;
use extoauth_systems::okta::{self, Read, ServerSpec, Write};
use serde::{Deserialize, Serialize};

use super::OKTA_ADMIN;
use crate::resources::found;
use crate::systems::Systems;
use crate::want::WantedTrust;

/// A custom authorization server whose tokens carry the warehouse's audience.
///
/// The issuer mode is pinned: with `DYNAMIC` the issuer would depend on the host that the browser used, and Identity
/// Center compares it byte for byte.
pub struct AuthorizationServer {
    name: String,
    audience: String,
    issuer_mode: String,
    title: String,
}

/// How Okta names it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServerIdentity {
    /// `aus…`
    pub id: String,
}

/// What others need of it, in Okta's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// `aus…`
    pub id: String,
    /// The tokens' `iss`: without a slash at its end, whatever dbt's manual says.
    pub issuer: String,
    /// The tokens' `aud`.
    pub audience: String,
}

impl Server {
    /// Where a developer signs in.
    pub fn authorize_url(&self) -> String {
        format!("{}/v1/authorize", self.issuer)
    }

    /// Where dbt gets tokens.
    pub fn token_url(&self) -> String {
        format!("{}/v1/token", self.issuer)
    }
}

impl AuthorizationServer {
    /// The server of a trust.
    pub fn of(want: &WantedTrust) -> Self {
        let audience = want.terms.audience.clone().unwrap_or_default();
        Self {
            name: want.server_name.clone(),
            issuer_mode: want.issuer_mode.clone(),
            title: format!("Tokens of dbt for {audience}"),
            audience,
        }
    }

    /// The description carries the mark: Okta has no other place for it on a server.
    fn spec(&self, mark: &Mark) -> ServerSpec {
        ServerSpec {
            name: self.name.clone(),
            description: format!("{} [{mark}]", self.title),
            audience: self.audience.clone(),
            issuer_mode: self.issuer_mode.clone(),
        }
    }
}

fn is_marked(server: &okta::AuthorizationServer, mark: &Mark) -> bool {
    server.description.as_deref().is_some_and(|text| text.ends_with(&format!("[{mark}]")))
}

impl Resource for AuthorizationServer {
    type Systems = Systems;
    type Read = Read;
    type Write = Write;
    type Seen = okta::AuthorizationServer;
    type Identity = ServerIdentity;
    type Output = Server;

    const KIND: &'static str = "okta.server";
    const ROW: &'static str = "R05";

    fn address(&self) -> Address {
        Address::of("okta.server")
    }

    fn port(systems: &Systems) -> Option<&Port<Read, Write>> {
        systems.okta.as_ref()
    }

    async fn read(
        &self,
        client: &Read,
        by: &Lookup<'_, ServerIdentity>,
    ) -> CallResult<Found<okta::AuthorizationServer>> {
        if let Some(identity) = by.recorded {
            let found = absent_is_none(client.authorization_server(&identity.id).await)?;
            return Ok(found.map_or(Found::Absent, Found::Here));
        }
        let mut same_name = client.authorization_servers(&self.name).await?;
        same_name.retain(|server| server.name == self.name);
        let marked = same_name.iter().position(|server| is_marked(server, by.mark));
        Ok(found(same_name, marked, by.intent, by.by_hand, |server| {
            format!("the authorization server `{}` ({})", server.name, server.id)
        }))
    }

    fn wants(&self) -> Fields {
        Fields::from([
            ("name", Field::is(self.name.as_str())),
            ("audiences", Field::set([self.audience.as_str()])),
            ("issuer_mode", Field::is(self.issuer_mode.as_str())),
            ("status", Field::is("ACTIVE")),
        ])
    }

    fn shows(&self, seen: &okta::AuthorizationServer, _written: &BTreeMap<String, String>) -> Fields {
        Fields::from([
            ("name", Field::is(seen.name.as_str())),
            ("audiences", Field::set(seen.audiences.iter().cloned())),
            ("issuer_mode", Field::is(seen.issuer_mode.as_deref().unwrap_or_default())),
            ("status", Field::is(seen.status.as_str())),
        ])
    }

    async fn create(&self, client: &Write, making: &Making<'_>) -> CallResult<Made<okta::AuthorizationServer>> {
        let made = client.create_authorization_server(&self.spec(making.mark)).await?;
        Ok(Made { seen: made.value, request_id: made.request_id })
    }

    async fn update(
        &self,
        client: &Write,
        seen: &okta::AuthorizationServer,
        making: &Making<'_>,
    ) -> CallResult<Made<okta::AuthorizationServer>> {
        // A replacement does not change the status; its own call does.
        let mut request_id = None;
        if !seen.is_active() {
            request_id = client.activate_authorization_server(&seen.id).await?.request_id;
        }
        let written = client.replace_authorization_server(seen, &self.spec(making.mark)).await?;
        Ok(Made { seen: written.value, request_id: written.request_id.or(request_id) })
    }

    fn identity(&self, seen: &okta::AuthorizationServer) -> ServerIdentity {
        ServerIdentity { id: seen.id.clone() }
    }

    fn output(&self, seen: &okta::AuthorizationServer) -> Server {
        Server { id: seen.id.clone(), issuer: seen.issuer.clone(), audience: self.audience.clone() }
    }

    fn by_hand(&self) -> ByHand {
        ByHand {
            who: OKTA_ADMIN,
            what: format!("Add an authorization server named `{}` with this audience", self.name),
            place: "Security > API > Authorization Servers".into(),
        }
    }
}
