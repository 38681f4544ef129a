//! Our own credential at an Entra tenant, and what else our app registration has.

use std::collections::BTreeMap;

use extoauth_core::engine::LedgerError;
use extoauth_core::error::CallResult;
use extoauth_core::finding::{Finding, Severity};
use extoauth_systems::entra::{AppCredentials, OwnCredential, OwnMeans};
use jiff::Timestamp;

use super::Shared;
use super::entra::{called, foreign, tenant};
use super::judge::{Credential, day, urgency};
use super::own::{ID, Own, Stored, value};
use crate::clients::own_account;
use crate::observe::{Seen, Unread};
use crate::watch::Watcher;

pub(super) async fn observe(watcher: &Watcher<'_>, own: &mut Own, shared: &mut Shared) -> Result<(), LedgerError> {
    let system = own.system.clone();
    let tenant = tenant(watcher, &system.name, shared).await?;
    // Our apps with what we sign in with, by client id: the credential for checks may be one more of the same app.
    let mut apps: BTreeMap<String, Vec<(Stored, OwnMeans)>> = BTreeMap::new();
    for stored in own.stored.clone().into_iter().filter(|stored| stored.key != "notification_secret") {
        match read(watcher, own, &stored).await {
            Ok(OwnCredential { client_id, means }) => apps.entry(client_id).or_default().push((stored, means)),
            Err(error) => own.unread(&stored, own_account(), &Unread::from(&error)),
        }
    }
    for (client_id, all) in &apps {
        for (stored, means) in all {
            stored_end(own, stored, means);
        }
        let app = tenant.app_of(client_id);
        let why = match app {
            Seen::There(app) => {
                told(own, all, app);
                continue;
            }
            Seen::Gone => Unread::because(
                "our app is not among the tenant's applications that we may see",
                "give our app Application.Read.All of Microsoft Graph, without which it sees those alone that it owns; \
                 or correct the credential's `client_id`",
            ),
            Seen::Unread(why) => why,
        };
        all.iter().for_each(|(stored, _)| own.unread(stored, system.clone(), &why));
    }
    Ok(())
}

async fn read(watcher: &Watcher<'_>, own: &Own, stored: &Stored) -> CallResult<OwnCredential> {
    OwnCredential::read(&own.system, &value(watcher, stored).await?)
}

/// What the stored credential itself tells.
fn stored_end(own: &mut Own, stored: &Stored, means: &OwnMeans) {
    match means {
        OwnMeans::Certificate { thumbprint, ends: Some(ends) } => {
            let key = format!("{}/{thumbprint}", stored.key);
            own.ends(stored, own_account(), "a certificate", &key, *ends);
        }
        // It has no end and holds nothing secret; the tenant tells when a client secret ends.
        OwnMeans::Federated | OwnMeans::Secret { .. } => {}
        // Then its age is all there is.
        OwnMeans::Certificate { ends: None, .. } => return,
    }
    own.ended_elsewhere.insert(stored.key);
}

/// What the tenant shows of our app.
pub(super) fn told(own: &mut Own, stored: &[(Stored, OwnMeans)], app: &AppCredentials) {
    let all = foreign(app);
    for (stored, means) in stored.iter().filter(|(_, means)| matches!(means, OwnMeans::Secret { .. })) {
        let ours = all.iter().filter(|one| is_ours(one, means, app));
        match ours.filter_map(|one| Some((one.ends?, one))).min_by_key(|(ends, _)| *ends) {
            // Of several that begin alike, the first to end.
            Some((ends, secret)) => {
                let name = format!("the client secret `{}` (key id {})", secret.name, secret.id);
                let key = format!("{}/{}", stored.key, secret.id);
                own.ends(stored, own.system.clone(), &name, &key, ends);
            }
            None => {
                let why = "the stored client secret is not among our app's, or has no end";
                let why = Unread::because(why, "look at the app registration's Certificates & secrets");
                own.unread(stored, own.system.clone(), &why);
            }
        }
    }
    for other in all.iter().filter(|one| !stored.iter().any(|(_, means)| is_ours(one, means, app))) {
        beside(own, &called(app), other);
    }
}

/// Whether a credential of our app is the one that we use: a certificate by its thumbprint, or its end where Entra shows
/// another name; a secret by the first characters, which Entra shows.
fn is_ours(credential: &Credential, means: &OwnMeans, app: &AppCredentials) -> bool {
    match means {
        OwnMeans::Federated => false,
        OwnMeans::Certificate { thumbprint, ends } => app.certificates.iter().any(|known| {
            let same = known.thumbprint.as_ref() == Some(thumbprint) || same_second(known.ends, *ends);
            known.key_id == credential.id && same
        }),
        OwnMeans::Secret { hint } => {
            app.passwords.iter().any(|password| password.key_id == credential.id && password.hint == *hint)
        }
    }
}

fn same_second(one: Option<Timestamp>, other: Option<Timestamp>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one.as_second() == other.as_second())
}

/// A credential of our app that we do not use, such as the next one, or the last.
fn beside(own: &mut Own, app: &str, credential: &Credential) {
    let Credential { kind, id, name, ends, .. } = credential;
    let (until, on) = match ends {
        Some(ends) => (format!("ends on {}", day(*ends)), day(*ends)),
        None => ("has no end".to_owned(), "no end".to_owned()),
    };
    let finding = Finding {
        check: ID.into(),
        severity: ends.map_or(Severity::Warning, |ends| urgency(ends, own.now, Severity::Warning)),
        resource: own.system.to_string(),
        expected: "our app registration has no credential but those that are stored".into(),
        found: format!("the {kind} `{name}` (id {id}) of {app}, our own, is not used from here; it {until}"),
        effect: "none here. Whoever knows it has all the rights of the automation in this tenant".into(),
        fix: "find out whose it is; if nobody uses it, remove it in our app registration's Certificates & secrets"
            .into(),
        row: String::new(),
    };
    let source = own.system.clone();
    own.add(format!("beside/{id}/{on}"), source, finding, *ends, "nothing");
}
