//! What decides how long the tokens of one client live, without the rest of the integration: for a sweep over many.

use std::collections::BTreeMap;

use extoauth_systems::okta::{Policy, Read, Rule};
use futures::join;

use super::{
    AppIdentity, Assigned, MOST_USERS, Members, OidcApp, Seen, ServerIdentity, ServerResource, by, client_id,
    deciding_policy, groups_to_read, members, people, recorded, rules,
};
use crate::observe::Known;
use extoauth_core::engine::Resource;

/// What integrations of one org share: read once in a sweep.
#[derive(Debug, Default)]
pub struct Shared {
    policies: BTreeMap<String, Seen<Vec<Policy>>>,
    members: BTreeMap<String, Seen<Members>>,
}

/// What decides how long a client's tokens live.
#[derive(Clone, Debug)]
pub struct TokenRules {
    /// The authorization server.
    pub server: Seen<String>,
    /// The client's id.
    pub client: Seen<String>,
    /// Who may use the app.
    pub assigned: Seen<Assigned>,
    /// The rules of the policy that decides; `Gone`: no policy does.
    pub rules: Seen<Vec<Rule>>,
    /// Members of the groups that these rules name.
    pub members: BTreeMap<String, Seen<Members>>,
}

/// Reads it: three calls for an integration, and what [`Shared`] does not have yet: the policies of a server, the members
/// of a group.
pub async fn token_rules(read: &Read, known: &Known, shared: &mut Shared) -> TokenRules {
    let app_id = recorded(known.identity::<AppIdentity>(OidcApp::KIND).map(|own| own.id), "app");
    let server =
        recorded(known.identity::<ServerIdentity>(ServerResource::KIND).map(|own| own.id), "authorization server");
    let policies = async {
        match &server {
            Seen::There(id) if shared.policies.contains_key(id) => None,
            Seen::There(id) => Some((id.clone(), Seen::from(read.policies(id).await))),
            Seen::Gone | Seen::Unread(_) => None,
        }
    };
    let (app, users, new) =
        join!(by(&app_id, |id| read.app(id)), by(&app_id, |id| read.first_app_users(id, MOST_USERS)), policies);
    shared.policies.extend(new);
    let client = app.map(|app| client_id(&app).to_owned());
    let policies = match &server {
        Seen::There(id) => shared.policies.get(id).map(Seen::as_ref).unwrap_or_default(),
        Seen::Gone => Seen::Gone,
        Seen::Unread(why) => Seen::Unread(why.clone()),
    };
    let deciding = policies.and_then(|policies| {
        client.as_ref().and_then(|client| {
            deciding_policy(policies, client).map_or(Seen::Gone, |policy| Seen::There(policy.id.clone()))
        })
    });
    let rules = rules(read, &server, &deciding).await;
    let named = groups_to_read(&[], &Seen::Gone, &rules);
    let new = named.iter().filter(|group| !shared.members.contains_key(*group)).cloned().collect();
    shared.members.extend(members(read, new).await);
    let members = named.into_iter().filter_map(|group| shared.members.get_key_value(&group));
    let members = members.map(|(group, seen)| (group.clone(), seen.clone())).collect();
    let assigned = users.map(|page| people::subjects(page, Vec::new()).assigned);
    TokenRules { server, client, assigned, rules, members }
}
