//! The groups whose members may use the client app.

use std::collections::BTreeMap;
use std::time::Duration;

use extoauth_core::engine::{
    ByHand, Field, Fields, Found, Later, Lookup, Made, Making, Ownership, Port, Presence, Resource,
};
use extoauth_core::error::{CallResult, absent_is_none};
use extoauth_core::ids::Address;
use extoauth_systems::entra::{Assignment, Read, Write};
use serde::{Deserialize, Serialize};

use super::{ENTERPRISE_APPS, ENTRA_ADMIN, Principal, REPLICATION};
use crate::systems::Systems;
use crate::want::{Hands, WantedIntegration};

/// One group is assigned to the client app; only its direct members count, those of nested groups do not.
pub struct GroupAssignment {
    principal: Later<Principal>,
    app: String,
    name: String,
    group: String,
    hands: Hands,
}

/// How Graph names it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AssignmentIdentity {
    /// Object id of the client's service principal.
    pub principal: String,
    /// Id of the assignment.
    pub id: String,
    /// Object id of the group; empty in what was recorded before it was kept.
    #[serde(default)]
    pub group: String,
    /// A person has made it, since we lack the right: a person takes it away.
    #[serde(default)]
    pub by_hand: bool,
}

impl GroupAssignment {
    /// The assignment of a group.
    pub fn of(want: &WantedIntegration, principal: &Later<Principal>, name: &str, group: &str) -> Self {
        Self {
            principal: principal.clone(),
            app: want.names.app.clone(),
            name: name.to_owned(),
            group: group.to_owned(),
            hands: want.entra.assignment,
        }
    }

    fn principal(&self) -> &str {
        self.principal.value().map_or("", |principal| principal.id.as_str())
    }
}

/// The words for whoever assigns a group by hand.
pub fn assign_by_hand(app: &str, group: &str) -> ByHand {
    ByHand {
        who: ENTRA_ADMIN,
        what: format!("Assign the group `{group}` to the enterprise application `{app}`"),
        place: format!("{ENTERPRISE_APPS} > {app} > Users and groups"),
    }
}

impl Resource for GroupAssignment {
    type Systems = Systems;
    type Read = Read;
    type Write = Write;
    type Seen = Assignment;
    type Identity = AssignmentIdentity;
    type Output = ();

    const KIND: &'static str = "entra.assignment";
    const ROW: &'static str = "R14";
    const LAG: Duration = REPLICATION;
    const REPEATABLE: bool = true;

    fn address(&self) -> Address {
        Address::keyed("entra.assignment", &self.name)
    }

    fn port(systems: &Systems) -> Option<&Port<Read, Write>> {
        systems.entra.as_ref()
    }

    fn parents(&self) -> Presence {
        self.principal.presence()
    }

    fn only_by_hand(&self) -> bool {
        self.hands != Hands::Ours
    }

    async fn read(&self, client: &Read, _by: &Lookup<'_, AssignmentIdentity>) -> CallResult<Found<Assignment>> {
        let all = absent_is_none(client.assignments(self.principal()).await)?.unwrap_or_default();
        Ok(all.into_iter().find(|one| one.principal_id == self.group).map_or(Found::Absent, Found::Here))
    }

    fn wants(&self) -> Fields {
        Fields::from([("group", Field::is(self.group.as_str()))])
    }

    fn shows(&self, seen: &Assignment, _written: &BTreeMap<String, String>) -> Fields {
        Fields::from([("group", Field::is(seen.principal_id.as_str()))])
    }

    async fn create(&self, client: &Write, _making: &Making<'_>) -> CallResult<Made<Assignment>> {
        let made = client.assign(self.principal(), &self.group).await?;
        Ok(Made { seen: made.value, request_id: made.request_id })
    }

    async fn update(&self, client: &Write, _seen: &Assignment, making: &Making<'_>) -> CallResult<Made<Assignment>> {
        self.create(client, making).await
    }

    fn identity(&self, seen: &Assignment) -> AssignmentIdentity {
        AssignmentIdentity {
            principal: self.principal().to_owned(),
            id: seen.id.clone(),
            group: seen.principal_id.clone(),
            by_hand: self.hands != Hands::Ours,
        }
    }

    fn ownership(&self, _before: Option<&Assignment>) -> Ownership {
        Ownership::Child
    }

    fn output(&self, _seen: &Assignment) {}

    fn by_hand(&self) -> ByHand {
        assign_by_hand(&self.app, &self.name)
    }
}
