//! Okta: client secrets by age, since they never end. Okta has no list of the secrets of several apps, so this is one read
//! an integration, each of which Okta logs as an event.

use std::collections::{BTreeMap, BTreeSet};

use extoauth_core::alert::About;
use extoauth_core::engine::LedgerError;
use extoauth_core::integration::Integration;
use extoauth_core::systems::{Mode, SystemId, SystemKind};
use extoauth_systems::okta::ClientSecret;
use extoauth_systems::secrets::Version;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use super::judge::{Case, Credential};
use super::kept::{Kept, Versions};
use super::{Secrets, due_for_rotation};
use crate::observe::{Seen, Unread};
use crate::watch::{Observed, Watcher};

pub(super) async fn observe(watcher: &Watcher<'_>, desired: &Integration) -> Result<Secrets, LedgerError> {
    let source = SystemId::new(SystemKind::Okta, &desired.idp_system);
    let kept = Kept::of(watcher, desired).await?;
    let reader = watcher.clients.okta_reader(&desired.idp_system);
    let managed = watcher.manages(reader.as_ref().map_or(Mode::Observe, |(_, mode)| *mode), desired);
    let case = Case { desired, policy: watcher.policy, source: &source, managed, now: watcher.now };
    let about = About::Integration(desired.name.clone());
    let mut observed = Observed { about, matters: Vec::new(), read: BTreeSet::new() };
    let (secrets, versions): (Seen<Vec<ClientSecret>>, _) = match (&reader, &kept.client) {
        (Err(error), _) => (Seen::Unread(error.into()), Seen::default()),
        // Nothing has been made yet.
        (Ok(_), None) => (Seen::There(Vec::new()), Seen::Gone),
        (Ok((read, _)), Some(app)) => {
            futures::join!(async { read.client_secrets(app).await.into() }, Versions::of(watcher, &kept))
        }
    };
    let credentials = match (secrets, versions) {
        (Seen::Unread(why), _) | (_, Seen::Unread(why)) => Err(why),
        (Seen::Gone, _) => Err(Unread::because("the client app is not in the org any more", "ask for `verify`")),
        (Seen::There(secrets), versions) => {
            let versions = versions.there().cloned().unwrap_or_default();
            told(watcher, &kept, desired, secrets, &versions).await
        }
    };
    let credentials = match credentials {
        Ok(credentials) => credentials,
        Err(why) => {
            observed.matters.push(case.unread("secrets", &why));
            return Ok(Secrets { observed, due: None });
        }
    };
    observed.matters = case.matters("okta.app", "the client app", &credentials);
    observed.read.insert(source.clone());
    let due = due_for_rotation(&credentials, desired, watcher.policy, managed, watcher.now);
    Ok(Secrets { observed, due })
}

/// The active secrets, told apart by their values: Okta shows them, and has no place for a name.
async fn told(
    watcher: &Watcher<'_>,
    kept: &Kept,
    desired: &Integration,
    secrets: Vec<ClientSecret>,
    versions: &Versions,
) -> Result<Vec<Credential>, Unread> {
    let active: Vec<ClientSecret> = secrets.into_iter().filter(ClientSecret::is_active).collect();
    let mut of_version: BTreeMap<String, String> = BTreeMap::new();
    // First those that tell most: usually the first is the only one that is read.
    let first = [&versions.held, &versions.current].into_iter().flatten();
    let mut tried = BTreeSet::new();
    for version in first.chain(&versions.all) {
        if of_version.len() == active.len() || !tried.insert(version) {
            continue;
        }
        let Some(arn) = &kept.arn else { break };
        match watcher.clients.vault().value(arn, &Version::Id(version.clone())).await {
            Ok(stored) => {
                let same = |secret: &&ClientSecret| is(secret, &stored.value);
                of_version.extend(active.iter().find(same).map(|secret| (secret.id.clone(), version.clone())));
            }
            // Only a version that is in use must be there: others go with their last stage.
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(Unread::from(&error)),
        }
    }
    let held = versions.held.as_ref();
    if held.is_some_and(|held| !of_version.values().any(|version| version == held)) {
        let why = "the client secret that dbt was given is not among the client app's active ones";
        return Err(Unread::because(why, "ask for `verify`, which says whether logins work"));
    }
    Ok(active
        .iter()
        .map(|secret| credential(secret, of_version.get(&secret.id), versions, desired.secret_days))
        .collect())
}

fn is(secret: &ClientSecret, value: &SecretString) -> bool {
    secret.value.as_ref().is_some_and(|shown| shown.expose_secret() == value.expose_secret())
}

fn credential(secret: &ClientSecret, version: Option<&String>, versions: &Versions, days: u32) -> Credential {
    Credential {
        id: secret.id.clone(),
        name: String::new(),
        kind: "client secret",
        standing: versions.standing(version.map(String::as_str)),
        version: version.cloned(),
        starts: secret.created,
        // Somebody else's has no agreed age.
        ends: version.and(secret.created).and_then(|created| aged(created, days)),
    }
}

/// When something that was made then is so many days old.
pub(super) fn aged(created: Timestamp, days: u32) -> Option<Timestamp> {
    created.checked_add(SignedDuration::from_hours(24 * i64::from(days))).ok()
}
