//! Admin consent: what the client may ask of users without asking them (row R16).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use extoauth_core::engine::{
    ByHand, Field, Fields, Found, Later, Lookup, Made, Making, Ownership, Port, Presence, Resource,
};
use extoauth_core::error::{CallResult, absent_is_none};
use extoauth_core::ids::Address;
use extoauth_systems::entra::{Grant, Read, Write};
use extoauth_systems::http::Written;
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::resource_app::SCOPE;
use super::{Client, Principal, REPLICATION};
use crate::systems::Systems;
use crate::want::{Hands, WantedIntegration};

/// The tenant-wide grants of the client: our scope, and Microsoft Graph's scopes of a sign-in. Without the second, users
/// are asked, or where the tenant forbids that, refused; without `offline_access` dbt gets no refresh token.
pub struct AdminConsent {
    client: Later<Principal>,
    resource: Later<Principal>,
    graph: Option<String>,
    link: String,
    name: String,
    hands: Hands,
}

/// How Graph names them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConsentIdentity {
    /// Ids of the grants.
    pub grants: BTreeSet<String>,
}

/// Scopes of a sign-in.
const SIGN_IN: [&str; 3] = ["offline_access", "openid", "profile"];

impl AdminConsent {
    /// The consent of an integration.
    pub fn of(
        want: &WantedIntegration,
        app: &Later<Client>,
        client: &Later<Principal>,
        resource: &Later<Principal>,
    ) -> Self {
        Self {
            client: client.clone(),
            resource: resource.clone(),
            graph: want.entra.graph_principal.clone(),
            link: consent_link(&want.entra.authority, app.value().map_or("<its client id>", |app| app.app_id.as_str())),
            name: want.names.app.clone(),
            hands: want.entra.consent,
        }
    }

    fn client(&self) -> &str {
        self.client.value().map_or("", |client| client.id.as_str())
    }

    /// What is to be granted, by the service principal of the resource.
    fn wanted(&self) -> Vec<(&str, BTreeSet<String>)> {
        let ours = self.resource.value().map(|resource| (resource.id.as_str(), set(&[SCOPE])));
        let graph = self.graph.as_deref().map(|graph| (graph, set(&SIGN_IN)));
        ours.into_iter().chain(graph).collect()
    }

    fn names(&self) -> Vec<&'static str> {
        let graph: &[&str] = if self.graph.is_some() { &SIGN_IN } else { &[] };
        [SCOPE].iter().chain(graph).copied().collect()
    }

    /// What of it is granted.
    fn granted(&self, seen: &[Grant]) -> BTreeSet<String> {
        let of = |resource: &str| seen.iter().find(|grant| grant.resource_id == resource).map(|grant| &grant.scopes);
        let wanted = self.wanted();
        let each = wanted.iter().filter_map(|(resource, scopes)| Some(of(resource)?.intersection(scopes).cloned()));
        each.flatten().collect()
    }

    async fn bring(&self, client: &Write, seen: &[Grant]) -> CallResult<Made<Vec<Grant>>> {
        let each = self.wanted().into_iter().map(|(resource, scopes)| async move {
            let known = seen.iter().find(|grant| grant.resource_id == resource);
            let (grant, request_id) = match known {
                Some(grant) => (grant.clone(), None),
                None => {
                    let made = client.grant(self.client(), resource, &scopes).await?;
                    (made.value, made.request_id)
                }
            };
            if scopes.is_subset(&grant.scopes) {
                return Ok(Written { value: grant, request_id });
            }
            // A grant's list is replaced whole: what an administrator has added stays.
            let all = grant.scopes.union(&scopes).cloned().collect();
            client.set_grant(&grant, &all).await
        });
        let written = try_join_all(each).await?;
        let request_id = written.iter().find_map(|one| one.request_id.clone());
        Ok(Made { seen: written.into_iter().map(|one| one.value).collect(), request_id })
    }
}

/// Where an administrator consents with one click to what the app declares (Microsoft identity platform: "Grant
/// tenant-wide admin consent to an application").
fn consent_link(authority: &str, app_id: &str) -> String {
    format!("{authority}/adminconsent?client_id={app_id}")
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

impl Resource for AdminConsent {
    type Systems = Systems;
    type Read = Read;
    type Write = Write;
    type Seen = Vec<Grant>;
    type Identity = ConsentIdentity;
    type Output = ();

    const KIND: &'static str = "entra.consent";
    const ROW: &'static str = "R16";
    const LAG: Duration = REPLICATION;
    const REPEATABLE: bool = true;

    fn address(&self) -> Address {
        Address::of("entra.consent")
    }

    fn port(systems: &Systems) -> Option<&Port<Read, Write>> {
        systems.entra.as_ref()
    }

    fn parents(&self) -> Presence {
        // Under a client that was there before, grants may be left of a resource that is new by now.
        match (self.client.presence(), self.resource.presence()) {
            (Presence::Here, Presence::Fresh) => Presence::Here,
            (client, resource) => client.and(resource),
        }
    }

    fn only_by_hand(&self) -> bool {
        self.hands != Hands::Ours
    }

    async fn read(&self, client: &Read, _by: &Lookup<'_, ConsentIdentity>) -> CallResult<Found<Vec<Grant>>> {
        let mut all = absent_is_none(client.grants_of(self.client()).await)?.unwrap_or_default();
        let wanted = self.wanted();
        all.retain(|grant| grant.all_principals && wanted.iter().any(|(resource, _)| grant.resource_id == *resource));
        Ok(if all.is_empty() { Found::Absent } else { Found::Here(all) })
    }

    fn wants(&self) -> Fields {
        Fields::from([("permissions", Field::set(self.names()))])
    }

    fn shows(&self, seen: &Vec<Grant>, _written: &BTreeMap<String, String>) -> Fields {
        Fields::from([("permissions", Field::set(self.granted(seen)))])
    }

    async fn create(&self, client: &Write, _making: &Making<'_>) -> CallResult<Made<Vec<Grant>>> {
        self.bring(client, &[]).await
    }

    async fn update(&self, client: &Write, seen: &Vec<Grant>, _making: &Making<'_>) -> CallResult<Made<Vec<Grant>>> {
        self.bring(client, seen).await
    }

    fn identity(&self, seen: &Vec<Grant>) -> ConsentIdentity {
        ConsentIdentity { grants: seen.iter().map(|grant| grant.id.clone()).collect() }
    }

    fn ownership(&self, _before: Option<&Vec<Grant>>) -> Ownership {
        Ownership::Child
    }

    fn output(&self, _seen: &Vec<Grant>) {}

    fn by_hand(&self) -> ByHand {
        ByHand {
            who: "an administrator of the Entra tenant who may grant admin consent (Privileged Role Administrator or \
                  Cloud Application Administrator)",
            what: format!(
                "Open this link and accept, so that the app `{}` may sign users in without asking each of them",
                self.name
            ),
            place: self.link.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_names_tenant_and_client() {
        assert_eq!(
            consent_link("https://login.microsoftonline.com/t-1", "c-1"),
            "https://login.microsoftonline.com/t-1/adminconsent?client_id=c-1"
        );
    }
}
