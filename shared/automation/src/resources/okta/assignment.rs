//! The groups whose members may use the app. The manual leaves this to the console; the API assigns nobody.

use std::collections::BTreeMap;

use extoauth_core::engine::{
    ByHand, Field, Fields, Found, Later, Lookup, Made, Making, Ownership, Port, Presence, Resource,
};
use extoauth_core::error::{CallResult, absent_is_none};
use extoauth_core::ids::Address;
use extoauth_systems::okta::{AppGroup, Read, Write};
use serde::{Deserialize, Serialize};

use super::{Client, OKTA_ADMIN};
use crate::systems::Systems;

/// One group is assigned to the app. Without any, every sign-in ends with "User is not assigned to the client
/// application".
pub struct GroupAssignment {
    client: Later<Client>,
    name: String,
    group: String,
}

/// How Okta names it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AssignmentIdentity {
    /// `0oa…`
    pub app: String,
    /// `00g…`
    pub group: String,
}

impl GroupAssignment {
    /// The assignment of a group.
    pub fn of(client: &Later<Client>, name: &str, group: &str) -> Self {
        Self { client: client.clone(), name: name.to_owned(), group: group.to_owned() }
    }

    fn app(&self) -> &str {
        self.client.value().map_or("", |client| client.app_id.as_str())
    }
}

impl Resource for GroupAssignment {
    type Systems = Systems;
    type Read = Read;
    type Write = Write;
    type Seen = AppGroup;
    type Identity = AssignmentIdentity;
    type Output = ();

    const KIND: &'static str = "okta.app.group";
    const ROW: &'static str = "R02";

    fn address(&self) -> Address {
        Address::keyed("okta.app.group", &self.name)
    }

    fn port(systems: &Systems) -> Option<&Port<Read, Write>> {
        systems.okta.as_ref()
    }

    fn parents(&self) -> Presence {
        self.client.presence()
    }

    async fn read(&self, client: &Read, _by: &Lookup<'_, AssignmentIdentity>) -> CallResult<Found<AppGroup>> {
        let groups = absent_is_none(client.app_groups(self.app()).await)?.unwrap_or_default();
        Ok(groups.into_iter().find(|group| group.id == self.group).map_or(Found::Absent, Found::Here))
    }

    fn wants(&self) -> Fields {
        Fields::from([("group", Field::is(self.group.as_str()))])
    }

    fn shows(&self, seen: &AppGroup, _written: &BTreeMap<String, String>) -> Fields {
        Fields::from([("group", Field::is(seen.id.as_str()))])
    }

    async fn create(&self, client: &Write, _making: &Making<'_>) -> CallResult<Made<AppGroup>> {
        let made = client.assign_group(self.app(), &self.group).await?;
        Ok(Made { seen: made.value, request_id: made.request_id })
    }

    async fn update(&self, client: &Write, _seen: &AppGroup, making: &Making<'_>) -> CallResult<Made<AppGroup>> {
        self.create(client, making).await
    }

    fn identity(&self, seen: &AppGroup) -> AssignmentIdentity {
        AssignmentIdentity { app: self.app().to_owned(), group: seen.id.clone() }
    }

    fn ownership(&self, _before: Option<&AppGroup>) -> Ownership {
        Ownership::Child
    }

    fn output(&self, _seen: &AppGroup) {}

    fn by_hand(&self) -> ByHand {
        ByHand {
            who: OKTA_ADMIN,
            what: format!("Assign the group `{}` to the app", self.name),
            place: format!("Applications > {} > Assignments", self.app()),
        }
    }
}
