//! The reads: under recorded ids, everything at once that needs no other answer.

use std::collections::BTreeSet;

use extoauth_core::engine::{Book, Resource};
use extoauth_core::error::CallResult;
use extoauth_systems::entra::{
    Application, Assignment, Discovery, GRAPH_APP_ID, Grant, Read, SecretAnswer, ServicePrincipal, TokenVersion,
};
use extoauth_systems::secrets::Version;
use futures::future::{join, join_all, join3, join5};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::super::people::SAMPLE;
use super::{Asked, EntraView, GroupView, SecretView, Seen, Unread};
use crate::observe::SecretProof;
use crate::resources::entra::ServicePrincipal as PrincipalResource;
use crate::resources::entra::{AppIdentity, AssignmentIdentity, ClientApp, GroupAssignment, ResourceApp};
use crate::systems::{EntraPort, Systems};

/// Groups besides the wanted ones whose members are read to see who is assigned otherwise.
const OTHER_GROUPS: usize = 10;

/// What was read.
pub(super) struct Looked {
    pub view: EntraView,
    /// The discovery document of version 1.
    pub v1: Seen<Discovery>,
    /// The one of version 2.
    pub v2: Seen<Discovery>,
    /// Signing keys of the version that the resource app has.
    pub keys: Seen<usize>,
    pub proof: Seen<SecretProof>,
}

/// The ids of one of the two apps, as far as they are recorded.
struct Ids {
    /// Object id.
    app: Option<String>,
    /// Client id: with it the service principal need not wait for the app.
    app_id: Option<String>,
}

impl Ids {
    fn of(book: &Book, app_kind: &str) -> Self {
        #[derive(Deserialize)]
        struct Principal {
            app_id: String,
        }
        let of_kind = |kind: &str| book.items.values().find(|item| item.kind == kind).map(|item| item.identity.clone());
        let app = of_kind(app_kind).and_then(|identity| serde_json::from_value::<AppIdentity>(identity).ok());
        let principal = of_kind(PrincipalResource::KIND).and_then(|id| serde_json::from_value::<Principal>(id).ok());
        Self { app: app.map(|app| app.id), app_id: principal.map(|principal| principal.app_id) }
    }
}

pub(super) async fn look(port: &EntraPort, systems: &Systems, asked: &Asked<'_>) -> Looked {
    let read = port.read();
    let resource_ids = Ids::of(&asked.known.trust, ResourceApp::KIND);
    let client_ids = Ids::of(&asked.known.own, ClientApp::KIND);
    let value = async { secret_value(systems, asked).await };
    let documents = join(read.discovery(TokenVersion::V1), read.discovery(TokenVersion::V2));
    let tenant = join(documents, read.service_principal_of(GRAPH_APP_ID));
    let groups = join_all(asked.desired.groups.iter().map(|name| read.groups_named(name)));
    let early = match (&client_ids.app_id, &resource_ids.app_id) {
        (Some(client), Some(resource)) => Some((client.clone(), resource.clone())),
        _ => None,
    };
    let secret = async {
        let value = value.await;
        let proof = match (&early, &value) {
            (Some((client, resource)), Seen::There(value)) => Some(prove(read, client, resource, value).await),
            _ => None,
        };
        (value, proof)
    };
    let server_side = Box::pin(app_and_principal(read, &resource_ids));
    let client_side = Box::pin(client_side(read, &client_ids));
    let ((resource, resource_principal), client, (((v1, v2), graph), named), (value, proof), ()) =
        join5(server_side, client_side, join(tenant, groups), Box::pin(secret), async {}).await;
    let Client { app: client, principal: client_principal, assignments, grants } = client;
    let (v1, v2): (Seen<Discovery>, Seen<Discovery>) = (v1.into(), v2.into());

    let recorded = asked.known.identities::<AssignmentIdentity>(GroupAssignment::KIND);
    let ids = asked.desired.groups.iter().zip(named).map(|(name, named)| {
        let known = recorded.iter().find(|(key, _)| key == name).map(|(_, identity)| identity);
        let there = assignments.there().into_iter().flatten();
        // The group that was assigned, even if it has another name by now.
        let assigned = known.and_then(|known| {
            let is_it = |one: &&Assignment| one.id == known.id || one.principal_id == known.group;
            there.into_iter().find(is_it).map(|one| one.principal_id.clone())
        });
        let id = assigned.map_or_else(|| one_of(name, named), Seen::There);
        (name.clone(), id)
    });
    let wanted: Vec<(String, Seen<String>)> = ids.collect();
    let others = others(&wanted, &assignments);
    let proof = async {
        match (proof, &value, &client, &resource) {
            (Some(proof), ..) => proof,
            (None, Seen::There(value), Seen::There(client), Seen::There(resource)) => {
                prove(read, &client.app_id, &resource.app_id, value).await
            }
            (None, Seen::Unread(why), ..) => Seen::Unread(why.clone()),
            _ => Seen::Gone,
        }
    };
    let keys = async {
        let of = |app: &Application| if app.token_version == TokenVersion::V1 { v1.as_ref() } else { v2.as_ref() };
        match resource.as_ref().and_then(of) {
            Seen::There(document) => read.signing_keys(document).await.into(),
            Seen::Gone => Seen::Gone,
            Seen::Unread(why) => Seen::Unread(why),
        }
    };
    let members = join_all(wanted.into_iter().map(|(name, id)| group(read, name, id)));
    let of_others = join_all(others.into_iter().map(|id| group(read, id.clone(), Seen::There(id))));
    let ((groups, others), proof, keys) = join3(join(members, of_others), Box::pin(proof), keys).await;
    let secret = SecretView {
        version: asked.known.secret_of_dbt().map(|secret| secret.version),
        hint: value.map(|value| value.expose_secret().chars().take(3).collect()),
    };
    // Without the client app the secret has nothing that it could be proved for.
    let proof = if client.is_gone() { Seen::Gone } else { proof };
    let graph_principal = graph.into();
    let view = EntraView {
        resource,
        client,
        resource_principal,
        client_principal,
        graph_principal,
        assignments,
        grants,
        groups,
        others,
        secret,
    };
    Looked { view, v1, v2, keys, proof }
}

/// An app by its recorded id, and its service principal.
async fn app_and_principal(read: &Read, ids: &Ids) -> (Seen<Application>, Seen<ServicePrincipal>) {
    let Some(id) = &ids.app else {
        let why = Unread::because("no such app is recorded", "ask for `provision`, or `adopt` the apps that are there");
        return (Seen::Unread(why.clone()), Seen::Unread(why));
    };
    if let Some(app_id) = &ids.app_id {
        let (app, principal) = join(read.application(id), read.service_principal_of(app_id)).await;
        return (app.into(), principal.into());
    }
    let app: Seen<Application> = read.application(id).await.into();
    let principal = match &app {
        Seen::There(app) => read.service_principal_of(&app.app_id).await.into(),
        Seen::Gone => Seen::Gone,
        Seen::Unread(why) => Seen::Unread(why.clone()),
    };
    (app, principal)
}

/// The client side: the app, its principal, and what hangs on that.
struct Client {
    app: Seen<Application>,
    principal: Seen<ServicePrincipal>,
    assignments: Seen<Vec<Assignment>>,
    grants: Seen<Vec<Grant>>,
}

async fn client_side(read: &Read, ids: &Ids) -> Client {
    let (app, app_id) = (ids.app.as_ref(), ids.app_id.as_ref());
    if let (Some(app), Some(app_id)) = (app, app_id) {
        // The app is not waited for.
        let (app, (principal, assignments, grants)) = join(read.application(app), async {
            let principal = read.service_principal_of(app_id).await.into();
            below(read, principal).await
        })
        .await;
        return Client { app: app.into(), principal, assignments, grants };
    }
    let (app, principal) = app_and_principal(read, ids).await;
    let (principal, assignments, grants) = below(read, principal).await;
    Client { app, principal, assignments, grants }
}

type Below = (Seen<ServicePrincipal>, Seen<Vec<Assignment>>, Seen<Vec<Grant>>);

async fn below(read: &Read, principal: Seen<ServicePrincipal>) -> Below {
    let (assignments, grants) = match &principal {
        Seen::There(there) => {
            let (assignments, grants) = join(read.assignments(&there.id), read.grants_of(&there.id)).await;
            (assignments.into(), grants.into())
        }
        Seen::Gone => (Seen::Gone, Seen::Gone),
        Seen::Unread(why) => (Seen::Unread(why.clone()), Seen::Unread(why.clone())),
    };
    (principal, assignments, grants)
}

/// The group of a name, if there is one and no other.
fn one_of(name: &str, named: CallResult<Vec<extoauth_systems::entra::Group>>) -> Seen<String> {
    match named {
        Ok(groups) => match groups.as_slice() {
            [] => Seen::Gone,
            [only] => Seen::There(only.id.clone()),
            several => Seen::Unread(Unread::because(
                format!("{} groups are named `{name}`, and which one is meant is not recorded", several.len()),
                "rename the others, or assign the right one to the enterprise application by hand",
            )),
        },
        Err(e) => Seen::Unread(Unread::from(&e)),
    }
}

/// The assigned groups whose members are read besides: only where a wanted group is not assigned itself.
fn others(wanted: &[(String, Seen<String>)], assignments: &Seen<Vec<Assignment>>) -> Vec<String> {
    let Some(all) = assignments.there() else { return Vec::new() };
    let ids: BTreeSet<&str> = wanted.iter().filter_map(|(_, id)| id.there()).map(String::as_str).collect();
    let is_assigned = |id: &str| all.iter().any(|one| one.principal_id == id);
    if ids.len() == wanted.len() && ids.iter().all(|id| is_assigned(id)) {
        return Vec::new();
    }
    let groups = all.iter().filter(|one| one.principal_type == "Group" && !ids.contains(one.principal_id.as_str()));
    let others: BTreeSet<String> = groups.map(|one| one.principal_id.clone()).collect();
    others.into_iter().take(OTHER_GROUPS).collect()
}

async fn group(read: &Read, name: String, id: Seen<String>) -> GroupView {
    let members = match &id {
        Seen::There(id) => read.members(id, SAMPLE + 1).await.into(),
        Seen::Gone => Seen::Gone,
        Seen::Unread(why) => Seen::Unread(why.clone()),
    };
    let truncated = members.there().is_some_and(|all: &Vec<_>| all.len() > SAMPLE);
    let members = members.map(|mut all| {
        all.truncate(SAMPLE);
        all
    });
    GroupView { name, id, members, truncated }
}

/// The secret as dbt was given it last.
async fn secret_value(systems: &Systems, asked: &Asked<'_>) -> Seen<SecretString> {
    let Some(secret) = asked.known.secret_of_dbt() else {
        return Seen::Unread(Unread::because(
            "which secret dbt was given is not recorded",
            "ask for `provision`, which gives dbt a secret that is known",
        ));
    };
    match systems.vault.value(&secret.arn, &Version::Id(secret.version.clone())).await {
        Ok(value) => Seen::There(value.value),
        Err(e) if e.is_not_found() => Seen::Unread(Unread::because(
            format!("Secrets Manager no longer has version {} of {}", secret.version, secret.arn),
            "ask for `rotate_secret`, which makes a new one",
        )),
        Err(e) => Seen::Unread(Unread::from(&e)),
    }
}

async fn prove(read: &Read, client: &str, resource: &str, secret: &SecretString) -> Seen<SecretProof> {
    match read.prove_secret(client, resource, secret).await {
        Ok(SecretAnswer::Proved) => Seen::There(SecretProof::Proved),
        Ok(SecretAnswer::Refused(_)) => Seen::There(SecretProof::Refused),
        Ok(SecretAnswer::Unclear(text)) => Seen::There(SecretProof::Unclear(text)),
        Err(e) => Seen::Unread(Unread::from(&e)),
    }
}
