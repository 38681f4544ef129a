//! The claim that Identity Center maps, where access tokens do not carry it by themselves (row R23 needs it).

use std::collections::{BTreeMap, BTreeSet};

use extoauth_core::engine::{
    ByHand, Field, Fields, Found, Later, Lookup, Made, Making, Ownership, Port, Presence, Resource,
};
use extoauth_core::error::{CallResult, absent_is_none};
use extoauth_core::ids::Address;
use extoauth_systems::okta::{Claim, ClaimSpec, Read, Write};

use super::{OKTA_ADMIN, PartIdentity, Server};
use crate::systems::Systems;
use crate::want::WantedTrust;

/// A claim of the access token with the user's name.
///
/// Okta's access tokens carry `sub`, the app user's name, and no `email` and no `upn` (recorded claims of a new server):
/// another claim has to be added.
pub struct UserClaim {
    server: Later<Server>,
    spec: ClaimSpec,
}

/// Okta's name for the access token.
const ACCESS_TOKEN: &str = "RESOURCE";
/// What Okta's tokens carry anyway.
const ALWAYS_THERE: &str = "sub";

impl UserClaim {
    /// The claim of a trust; `None` if tokens carry it anyway.
    pub fn of(want: &WantedTrust, server: &Later<Server>) -> Option<Self> {
        let name = want.terms.claim.as_str();
        (name != ALWAYS_THERE).then(|| Self {
            server: server.clone(),
            spec: ClaimSpec { name: name.to_owned(), value: expression(name) },
        })
    }

    fn server_id(&self) -> &str {
        self.server.value().map_or("", |server| server.id.as_str())
    }
}

/// The Okta expression that gives the claim's value. `user.email` and `user.login` are in every profile; any other name
/// is taken for a profile attribute of that name. (Okta Expression Language; no recording shows it: UNCONFIRMED.)
fn expression(claim: &str) -> String {
    match claim {
        "upn" | "preferred_username" | "username" => "user.login".to_owned(),
        attribute => format!("user.{attribute}"),
    }
}

impl Resource for UserClaim {
    type Systems = Systems;
    type Read = Read;
    type Write = Write;
    type Seen = Claim;
    type Identity = PartIdentity;
    type Output = ();

    const KIND: &'static str = "okta.server.claim";
    const ROW: &'static str = "R23";

    fn address(&self) -> Address {
        Address::keyed("okta.server.claim", &self.spec.name)
    }

    fn port(systems: &Systems) -> Option<&Port<Read, Write>> {
        systems.okta.as_ref()
    }

    fn parents(&self) -> Presence {
        self.server.presence()
    }

    async fn read(&self, client: &Read, _by: &Lookup<'_, PartIdentity>) -> CallResult<Found<Claim>> {
        // Okta's own claim `email` is in the ID token only: ours is the one in the access token.
        let claims = absent_is_none(client.claims(self.server_id()).await)?.unwrap_or_default();
        let ours = |claim: &Claim| claim.name == self.spec.name && claim.claim_type.as_deref() == Some(ACCESS_TOKEN);
        Ok(claims.into_iter().find(ours).map_or(Found::Absent, Found::Here))
    }

    fn wants(&self) -> Fields {
        Fields::from([
            ("name", Field::is(self.spec.name.as_str())),
            ("value", Field::is(self.spec.value.as_str())),
            ("status", Field::is("ACTIVE")),
            ("always_included", Field::is(true)),
            ("scopes", Field::Set(BTreeSet::new())),
        ])
    }

    fn shows(&self, seen: &Claim, _written: &BTreeMap<String, String>) -> Fields {
        Fields::from([
            ("name", Field::is(seen.name.as_str())),
            ("value", Field::is(seen.value.as_deref().unwrap_or_default())),
            ("status", Field::is(seen.status.as_deref().unwrap_or_default())),
            ("always_included", Field::is(seen.always_include.unwrap_or_default())),
            ("scopes", Field::set(seen.scopes.iter().cloned())),
        ])
    }

    async fn create(&self, client: &Write, _making: &Making<'_>) -> CallResult<Made<Claim>> {
        let made = client.create_claim(self.server_id(), &self.spec).await?;
        Ok(Made { seen: made.value, request_id: made.request_id })
    }

    async fn update(&self, client: &Write, seen: &Claim, _making: &Making<'_>) -> CallResult<Made<Claim>> {
        let written = client.replace_claim(self.server_id(), seen, &self.spec).await?;
        Ok(Made { seen: written.value, request_id: written.request_id })
    }

    fn identity(&self, seen: &Claim) -> PartIdentity {
        PartIdentity { server: self.server_id().to_owned(), id: seen.id.clone() }
    }

    fn ownership(&self, _before: Option<&Claim>) -> Ownership {
        Ownership::Child
    }

    fn output(&self, _seen: &Claim) {}

    fn by_hand(&self) -> ByHand {
        ByHand {
            who: OKTA_ADMIN,
            what: format!("Add the claim `{}` to the access token, always included", self.spec.name),
            place: format!("Security > API > Authorization Servers > {} > Claims", self.server_id()),
        }
    }
}
