//! Entra: the ends of client secrets and certificates, from one list of the tenant's applications. Federated credentials
//! have no end.

use std::collections::{BTreeMap, BTreeSet};

use extoauth_core::alert::About;
use extoauth_core::engine::{LedgerError, Mark};
use extoauth_core::ids::{IntegrationName, Subject};
use extoauth_core::integration::Integration;
use extoauth_core::systems::{Idp, Mode, SystemId, SystemKind};
use extoauth_systems::entra::{AppCredentials, OwnCredential, Password, Read};

use super::judge::{Case, Credential, Standing};
use super::kept::{Kept, Versions};
use super::{Secrets, Shared, due_for_rotation, own};
use crate::observe::{Seen, Unread};
use crate::watch::{Observed, Watcher};

/// What is kept of a tenant's list.
#[derive(Debug)]
pub(super) struct Tenant {
    /// Applications of our integrations and our own, by object id.
    apps: Seen<BTreeMap<String, AppCredentials>>,
    /// What is recorded of each integration.
    kept: BTreeMap<IntegrationName, Kept>,
}

impl Tenant {
    /// The application of a client id.
    pub fn app_of(&self, client_id: &str) -> Seen<&AppCredentials> {
        let apps = self.apps.as_ref();
        apps.and_then(|apps| {
            let found = apps.values().find(|app| app.app_id.eq_ignore_ascii_case(client_id));
            found.map_or(Seen::Gone, Seen::There)
        })
    }

    fn app(&self, id: &str) -> Seen<&AppCredentials> {
        self.apps.as_ref().and_then(|apps| apps.get(id).map_or(Seen::Gone, Seen::There))
    }
}

/// The tenant, listed the first time it is asked for.
pub(super) async fn tenant<'s>(
    watcher: &Watcher<'_>,
    name: &str,
    shared: &'s mut Shared,
) -> Result<&'s Tenant, LedgerError> {
    let Shared { integrations, tenant } = shared;
    if tenant.is_none() {
        let mut kept = BTreeMap::new();
        for desired in integrations.iter().filter(|one| one.idp == Idp::Entra && one.idp_system == name) {
            kept.insert(desired.name.clone(), Kept::of(watcher, desired).await?);
        }
        let ids: BTreeSet<&str> =
            kept.values().flat_map(|one| one.client.iter().chain(&one.resource)).map(String::as_str).collect();
        let apps = match watcher.clients.entra_reader(name) {
            Ok((read, _)) => list(&read, &ids, &own_clients(watcher, name).await).await,
            Err(error) => Seen::Unread(Unread::from(&error)),
        };
        *tenant = Some(Tenant { apps, kept });
    }
    Ok(tenant.as_ref().expect("it was filled above"))
}

/// Client ids of our own apps, as far as the stored credentials can be read: one that cannot is told of on its own.
async fn own_clients(watcher: &Watcher<'_>, name: &str) -> BTreeSet<String> {
    let system = SystemId::new(SystemKind::Entra, name);
    let mut clients = BTreeSet::new();
    for stored in own::stored(watcher.clients.config(), &system) {
        if let Ok(value) = own::value(watcher, &stored).await {
            clients.extend(OwnCredential::read(&system, &value).ok().map(|own| own.client_id.to_lowercase()));
        }
    }
    clients
}

/// Only what is ours is kept of each page.
async fn list(read: &Read, ids: &BTreeSet<&str>, clients: &BTreeSet<String>) -> Seen<BTreeMap<String, AppCredentials>> {
    let mut apps = BTreeMap::new();
    let listed = read
        .each_app_credentials(|app| {
            if ids.contains(app.id.as_str()) || clients.contains(&app.app_id.to_lowercase()) {
                apps.insert(app.id.clone(), app);
            }
        })
        .await;
    listed.map(|()| apps).into()
}

pub(super) async fn observe(
    watcher: &Watcher<'_>,
    desired: &Integration,
    shared: &mut Shared,
) -> Result<Secrets, LedgerError> {
    let source = SystemId::new(SystemKind::Entra, &desired.idp_system);
    let mode = watcher.clients.entra_reader(&desired.idp_system).map_or(Mode::Observe, |(_, mode)| mode);
    let managed = watcher.manages(mode, desired);
    let case = Case { desired, policy: watcher.policy, source: &source, managed, now: watcher.now };
    let about = About::Integration(desired.name.clone());
    let mut observed = Observed { about, matters: Vec::new(), read: BTreeSet::new() };
    let speaks = speaks_for_trust(desired, &shared.integrations, watcher);
    let tenant = tenant(watcher, &desired.idp_system, shared).await?;
    let kept = tenant.kept.get(&desired.name).cloned().unwrap_or_default();
    let Some(client) = &kept.client else {
        // Nothing has been made yet.
        observed.read.insert(source);
        return Ok(Secrets { observed, due: None });
    };
    let mark = Mark { deployment: watcher.deployment.to_owned(), subject: Subject::Integration(desired.name.clone()) };
    let credentials = match (tenant.app(client), Versions::of(watcher, &kept).await) {
        (Seen::Unread(why), _) | (_, Seen::Unread(why)) => Err(why),
        (Seen::Gone, _) => {
            let why = "the client app is not among the tenant's applications any more";
            Err(Unread::because(why, "ask for `verify`"))
        }
        (Seen::There(app), versions) => {
            let versions = versions.there().cloned().unwrap_or_default();
            told(app, &mark.to_string(), &versions).map(|credentials| (called(app), credentials))
        }
    };
    let mut due = None;
    match credentials {
        Ok((app, credentials)) => {
            observed.matters = case.matters("entra.client_app", &app, &credentials);
            observed.read.insert(source.clone());
            due = due_for_rotation(&credentials, desired, watcher.policy, managed, watcher.now);
        }
        Err(why) => observed.matters.push(case.unread("secrets", &why)),
    }
    // Whoever shares the resource app is told once an owner. We give it no credential at all. Where it is not listed,
    // the checks of `verify` say so; whether the list was read is known from the client app.
    if let Some(resource) = kept.resource.as_deref().filter(|_| speaks)
        && let Seen::There(app) = tenant.app(resource)
    {
        observed.matters.extend(case.matters("entra.resource_app", &called(app), &foreign(app)));
    }
    Ok(Secrets { observed, due })
}

/// How people call an app.
pub(super) fn called(app: &AppCredentials) -> String {
    format!("the app `{}`", app.display_name)
}

/// Whether what is said of the trust is said to this integration's owner here: to each owner once.
pub(super) fn speaks_for_trust(desired: &Integration, all: &[Integration], watcher: &Watcher<'_>) -> bool {
    let owner = |one: &Integration| watcher.policy.owners.get(one.name.as_str());
    let trust = desired.trust();
    let first =
        all.iter().filter(|one| one.trust() == trust && owner(one) == owner(desired)).map(|one| &one.name).min();
    first.is_none_or(|first| *first == desired.name)
}

/// Those of our client app. Ours are named after the version that holds their value, or with the mark alone if a person
/// made one for us.
pub(super) fn told(app: &AppCredentials, mark: &str, versions: &Versions) -> Result<Vec<Credential>, Unread> {
    let standing = |password: &Password| match password.display_name.strip_prefix(mark) {
        Some("") => (Standing::Held, versions.held.clone()),
        Some(rest) if rest.starts_with('#') => (versions.standing(Some(&rest[1..])), Some(rest[1..].to_owned())),
        _ => (Standing::Foreign, None),
    };
    let secrets = app.passwords.iter().map(|password| {
        let (standing, version) = standing(password);
        secret(password, standing, version)
    });
    let all: Vec<Credential> = secrets.chain(certificates(app)).collect();
    if versions.held.is_some() && !all.iter().any(|credential| credential.standing == Standing::Held) {
        let why = "the client secret that dbt was given is not among the client app's";
        return Err(Unread::because(why, "ask for `verify`, which says whether logins work"));
    }
    Ok(all)
}

/// Those of an app that is to have none.
pub(super) fn foreign(app: &AppCredentials) -> Vec<Credential> {
    app.passwords.iter().map(|password| secret(password, Standing::Foreign, None)).chain(certificates(app)).collect()
}

fn secret(password: &Password, standing: Standing, version: Option<String>) -> Credential {
    Credential {
        id: password.key_id.clone(),
        name: password.display_name.clone(),
        kind: "client secret",
        standing,
        version,
        starts: password.starts,
        ends: password.ends,
    }
}

/// Certificates: dbt signs in with a secret, so each is somebody else's.
fn certificates(app: &AppCredentials) -> impl Iterator<Item = Credential> {
    app.certificates.iter().map(|certificate| Credential {
        id: certificate.key_id.clone(),
        name: certificate.display_name.clone(),
        kind: "certificate",
        standing: Standing::Foreign,
        version: None,
        starts: None,
        ends: certificate.ends,
    })
}
