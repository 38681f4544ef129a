//! What Okta has of it.

mod access;
mod expression;
mod people;
mod token_rules;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use extoauth_core::error::CallResult;
use extoauth_systems::okta::{App, AuthorizationServer, ClientSecret, Discovery, EVERYONE, Proof, Read, Rule};
use extoauth_systems::secrets::Version;
use futures::future::join_all;
use futures::join;
use secrecy::{ExposeSecret, SecretString};

use super::{Asked, Document, IdpView, SecretProof, Seen, Unread};
use crate::resources::okta::{
    AccessPolicy, AppIdentity, AssignmentIdentity, AuthorizationServer as ServerResource, GroupAssignment, OidcApp,
    PolicyIdentity, RuleIdentity, ServerIdentity, TokenRule,
};
use crate::systems::{OktaPort, Systems};
use extoauth_core::engine::Resource;

pub use access::deciding_policy;
pub use expression::{AT_REFRESH, AT_SIGN_IN, carried_by_every_token};
pub use token_rules::{Shared, TokenRules, token_rules};
pub use view::{Assigned, AssignedUser, Members, OktaView, SecretView, WantedGroup};

/// People who are looked at; of more the first ones stand for the rest.
const MOST_USERS: u16 = 100;
/// Groups whose members are looked up for rules and missing assignments.
const MOST_GROUPS: usize = 20;

/// Reads it in three steps, each at once: twelve calls to the org for an integration as the recipe leaves it, and the
/// secret's value from Secrets Manager unless it is remembered.
///
/// 1. by recorded ids (nine): the app, its secrets, groups and users; the server, its scopes, claims and policies; the
///    discovery document;
/// 2. by what these say (three): the rules of the policy that decides, the signing keys, the proof of the secret;
/// 3. only where a rule names groups, or a group that is wanted is not assigned: the members of each of these groups.
pub(super) async fn observe(port: &OktaPort, systems: &Systems, asked: &Asked<'_>) -> (IdpView, OktaView) {
    let read = port.read();
    let known = asked.known;
    let app_id = recorded(known.identity::<AppIdentity>(OidcApp::KIND).map(|own| own.id), "app");
    let server_id =
        recorded(known.identity::<ServerIdentity>(ServerResource::KIND).map(|own| own.id), "authorization server");
    let (app, secrets, groups, users, server, scopes, claims, policies, discovery, secret) = join!(
        by(&app_id, |id| read.app(id)),
        by(&app_id, |id| read.client_secrets(id)),
        by(&app_id, |id| read.app_groups(id)),
        by(&app_id, |id| read.first_app_users(id, MOST_USERS)),
        by(&server_id, |id| read.authorization_server(id)),
        by(&server_id, |id| read.scopes(id)),
        by(&server_id, |id| read.claims(id)),
        by(&server_id, |id| read.policies(id)),
        by(&server_id, |id| read.openid_configuration(id)),
        secret_of_dbt(systems, asked),
    );
    let client_id = app.as_ref().map(|app| client_id(app).to_owned());
    let deciding: Seen<String> = match (&policies, &client_id) {
        (Seen::There(policies), Seen::There(client)) => {
            deciding_policy(policies, client).map_or(Seen::Gone, |policy| Seen::There(policy.id.clone()))
        }
        (Seen::Unread(why), _) | (_, Seen::Unread(why)) => Seen::Unread(why.clone()),
        (Seen::Gone, _) | (_, Seen::Gone) => Seen::Gone,
    };
    let jwks_uri = discovery.as_ref().and_then(|d| d.jwks_uri.clone().map_or(Seen::Gone, Seen::There));
    let (rules, keys, proof) = join!(
        rules(read, &server_id, &deciding),
        by(&jwks_uri, |uri| read.signing_keys(uri)),
        prove(read, &server, &client_id, &secret),
    );
    let wanted = wanted_groups(asked);
    let groups = groups.map(|groups| groups.into_iter().map(|group| group.id).collect::<Vec<_>>());
    let members = members(read, groups_to_read(&wanted, &groups, &rules)).await;
    let template = app.there().and_then(|app| app.user_name_template.clone());
    let implicit = app.there().is_some_and(|app| app.implicit_assignment == Some(true));
    let subjects = users.map(|page| {
        let joined = if implicit { people::of_members(&page, &members, template.as_deref()) } else { Vec::new() };
        people::subjects(page, joined)
    });
    let people = people::people(&subjects, &claims, &server, &client_id);
    let idp = IdpView {
        system: port.id.clone(),
        issuer: server.as_ref().map(|server| server.issuer.clone()),
        audience: server.as_ref().and_then(|s| s.audiences.first().cloned().map_or(Seen::Gone, Seen::There)),
        authorize_urls: endpoints(read, &server, &discovery, "authorize"),
        token_urls: endpoints(read, &server, &discovery, "token"),
        discovery: discovery.map(|d| Document { issuer: d.issuer, jwks_uri: d.jwks_uri.unwrap_or_default() }),
        keys,
        redirect_uris: app.as_ref().map(|app| app.redirect_uris.clone()),
        client_id,
        people,
        secret: proof,
    };
    let view = OktaView {
        secrets: secrets.map(|all| all.iter().map(|one| secret_view(one, secret.there())).collect()),
        assigned: subjects.map(|subjects| subjects.assigned),
        policy: known.identity::<PolicyIdentity>(AccessPolicy::KIND).map(|own| own.policy),
        rule: known.identity::<RuleIdentity>(TokenRule::KIND).map(|own| own.rule),
        app,
        groups,
        wanted,
        members,
        server,
        scopes,
        claims,
        policies,
        rules,
    };
    (idp, view)
}

/// The id under which something is recorded.
fn recorded(id: Option<String>, what: &str) -> Seen<String> {
    id.map_or_else(
        || {
            let why = format!("no {what} of this integration is recorded");
            Seen::Unread(Unread::because(why, "submit the request `provision`, or `adopt` for what is there already"))
        },
        Seen::There,
    )
}

/// Asks by an id, if there is one.
async fn by<'i, T, F>(id: &'i Seen<String>, ask: impl FnOnce(&'i str) -> F) -> Seen<T>
where
    F: Future<Output = CallResult<T>>,
{
    match id {
        Seen::There(id) => ask(id).await.into(),
        Seen::Gone => Seen::Gone,
        Seen::Unread(why) => Seen::Unread(why.clone()),
    }
}

/// The OAuth client id; by default it is the app's own.
fn client_id(app: &App) -> &str {
    app.client_id.as_deref().unwrap_or(&app.id)
}

async fn rules(read: &Read, server: &Seen<String>, policy: &Seen<String>) -> Seen<Vec<Rule>> {
    match (server, policy) {
        (Seen::There(server), Seen::There(policy)) => read.rules(server, policy).await.into(),
        (Seen::Unread(why), _) | (_, Seen::Unread(why)) => Seen::Unread(why.clone()),
        (Seen::Gone, _) | (_, Seen::Gone) => Seen::Gone,
    }
}

async fn secret_of_dbt(systems: &Systems, asked: &Asked<'_>) -> Seen<SecretString> {
    let Some(secret) = asked.known.secret_of_dbt() else {
        return Seen::Unread(Unread::because(
            "no client secret is recorded that dbt was given",
            "submit the request `rotate_secret`: it gives dbt a secret that is known",
        ));
    };
    let value: Seen<_> = systems.vault.value(&secret.arn, &Version::Id(secret.version)).await.into();
    value.map(|found| found.value)
}

async fn prove(
    read: &Read,
    server: &Seen<AuthorizationServer>,
    client_id: &Seen<String>,
    secret: &Seen<SecretString>,
) -> Seen<SecretProof> {
    match (server, client_id, secret) {
        (Seen::There(server), Seen::There(client), Seen::There(secret)) => {
            let proof: Seen<Proof> = read.prove_secret(&server.id, client, secret).await.into();
            proof.map(|proof| match proof {
                Proof::Proved => SecretProof::Proved,
                Proof::Refused => SecretProof::Refused,
                Proof::Unclear(answer) => SecretProof::Unclear(answer),
            })
        }
        (Seen::Gone, ..) | (_, Seen::Gone, _) | (.., Seen::Gone) => Seen::Gone,
        (Seen::Unread(why), ..) | (_, Seen::Unread(why), _) | (.., Seen::Unread(why)) => Seen::Unread(why.clone()),
    }
}

fn secret_view(secret: &ClientSecret, of_dbt: Option<&SecretString>) -> SecretView {
    let value = secret.value.as_ref().map(ExposeSecret::expose_secret);
    let same = value.zip(of_dbt).map(|(value, of_dbt)| value == of_dbt.expose_secret());
    SecretView { id: secret.id.clone(), active: secret.is_active(), created: secret.created, of_dbt: same }
}

/// Where sign-in works: what we write first, then the same on the org's own host, then what the document names.
fn endpoints(
    read: &Read,
    server: &Seen<AuthorizationServer>,
    discovery: &Seen<Discovery>,
    endpoint: &str,
) -> Seen<Vec<String>> {
    discovery.as_ref().and_then(|document| {
        server.as_ref().map(|server| {
            let (written, named) = match endpoint {
                "token" => (server.token_url(), document.token_endpoint.clone()),
                _ => (server.authorize_url(), document.authorization_endpoint.clone()),
            };
            let mut urls = vec![written];
            for url in read.oauth_url(&server.id, endpoint).ok().into_iter().chain(named) {
                if !urls.contains(&url) {
                    urls.push(url);
                }
            }
            urls
        })
    })
}

fn wanted_groups(asked: &Asked<'_>) -> Vec<WantedGroup> {
    let recorded: BTreeMap<String, AssignmentIdentity> =
        asked.known.identities::<AssignmentIdentity>(GroupAssignment::KIND).into_iter().collect();
    let names: BTreeSet<&String> = asked.desired.groups.iter().chain(recorded.keys()).collect();
    let wanted = names.into_iter().map(|name| {
        let id = recorded.get(name).map(|assignment| assignment.group.clone());
        WantedGroup { name: name.clone(), id }
    });
    wanted.collect()
}

/// The groups whose members tell who may sign in: those that rules name, and those that are wanted and not assigned.
fn groups_to_read(wanted: &[WantedGroup], assigned: &Seen<Vec<String>>, rules: &Seen<Vec<Rule>>) -> BTreeSet<String> {
    let assigned = assigned.there();
    let missing = wanted
        .iter()
        .filter_map(|group| group.id.as_ref())
        .filter(|id| assigned.is_some_and(|assigned| !assigned.contains(id)));
    let active = rules.there().into_iter().flatten().filter(|rule| rule.is_active());
    let named = active.flat_map(|rule| rule.groups.iter().chain(&rule.groups_excluded));
    missing.chain(named.filter(|group| *group != EVERYONE)).cloned().collect()
}

async fn members(read: &Read, groups: BTreeSet<String>) -> BTreeMap<String, Seen<Members>> {
    let many = groups.len();
    let each = groups.into_iter().enumerate().map(|(place, group)| async move {
        let found = if place < MOST_GROUPS {
            Seen::from(read.group_members(&group, None).await)
        } else {
            let why = format!("{many} groups decide who may sign in: only {MOST_GROUPS} of them are looked up");
            Seen::Unread(Unread::because(why, "name fewer groups in the rule, or check the people by hand"))
        };
        (group, found.map(|page| Members { complete: page.next.is_none(), people: page.items }))
    });
    join_all(each).await.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use extoauth_systems::okta::Rule;
    use serde_json::json;

    use super::{Seen, Unread, WantedGroup, groups_to_read};

    fn rules(include: &str, status: &str) -> Seen<Vec<Rule>> {
        let rule = json!({"id": "0pr1", "status": status, "conditions":
            {"people": {"groups": {"include": [include], "exclude": ["00gout"]}}}});
        Seen::There(vec![serde_json::from_value(rule).expect("a rule")])
    }

    #[test]
    fn only_groups_that_decide_are_read() {
        let wanted = [WantedGroup { name: "devs".into(), id: Some("00gdevs".into()) }];
        let assigned = Seen::There(vec!["00gdevs".to_owned()]);
        let unread = Seen::Unread(Unread::default());
        assert!(groups_to_read(&wanted, &assigned, &Seen::Gone).is_empty());
        assert!(groups_to_read(&wanted, &unread, &rules("00gin", "INACTIVE")).is_empty());
        let ids = |found: std::collections::BTreeSet<String>| found.into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(ids(groups_to_read(&wanted, &assigned, &rules("EVERYONE", "ACTIVE"))), "00gout");
        assert_eq!(
            ids(groups_to_read(&wanted, &Seen::There(vec![]), &rules("00gin", "ACTIVE"))),
            "00gdevs 00gin 00gout"
        );
    }
}
