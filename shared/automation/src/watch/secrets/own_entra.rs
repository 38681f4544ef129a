//! Our own credential at an Entra tenant, and what else our app registration has.

use extoauth_core::engine::LedgerError;
use extoauth_core::finding::{Finding, Severity};
use extoauth_systems::entra::{AppCredentials, OwnCredential, OwnMeans};
use jiff::Timestamp;

use super::Shared;
use super::entra::{foreign, tenant};
use super::judge::{Credential, day, urgency};
use super::own::{ID, Own, Stored, value};
use crate::clients::own_account;
use crate::observe::{Seen, Unread};
use crate::watch::Watcher;

pub(super) async fn observe(watcher: &Watcher<'_>, own: &mut Own, shared: &mut Shared) -> Result<(), LedgerError> {
    let system = own.system.clone();
    let tenant = tenant(watcher, &system.name, shared).await?;
    for stored in own.stored.clone().iter().filter(|stored| stored.key != "notification_secret") {
        let read = match value(watcher, stored).await {
            Ok(value) => OwnCredential::read(&system, &value),
            Err(error) => Err(error),
        };
        let credential = match read {
            Ok(credential) => credential,
            Err(error) => {
                own.unread(stored, own_account(), &Unread::from(&error));
                continue;
            }
        };
        let app = tenant.app_of(&credential.client_id);
        if let OwnMeans::Certificate { thumbprint, ends: Some(ends) } = &credential.means {
            own.ended_elsewhere.insert(stored.key);
            own.ends(stored, own_account(), "a certificate", thumbprint, *ends);
        }
        if credential.means == OwnMeans::Federated {
            own.ended_elsewhere.insert(stored.key);
        }
        match app {
            Seen::There(app) => told(own, stored, &credential.means, app),
            Seen::Gone => {
                let why = Unread::because(
                    "our app is not among the tenant's applications that we may see",
                    "give our app Application.Read.All of Microsoft Graph, without which it sees those alone that it \
                     owns; or correct the credential's `client_id`",
                );
                own.unread(stored, system.clone(), &why);
            }
            Seen::Unread(why) => own.unread(stored, system.clone(), &why),
        }
    }
    Ok(())
}

/// What the tenant shows of our app.
fn told(own: &mut Own, stored: &Stored, means: &OwnMeans, app: &AppCredentials) {
    let all = foreign(app);
    let (ours, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| is_ours(one, means, app));
    if let OwnMeans::Secret { .. } = means {
        own.ended_elsewhere.insert(stored.key);
        match ours.iter().filter_map(|one| Some((one.ends?, one))).min_by_key(|(ends, _)| *ends) {
            // Of several that begin alike, the first to end.
            Some((ends, secret)) => {
                let name = format!("the client secret `{}` (key id {})", secret.name, secret.id);
                own.ends(stored, own.system.clone(), &name, &secret.id, ends);
            }
            None => {
                let why = "the stored client secret is not among our app's";
                let why = Unread::because(why, "look at the app registration's Certificates & secrets");
                own.unread(stored, own.system.clone(), &why);
            }
        }
    }
    for other in others {
        beside(own, stored, &other);
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
    one.map(Timestamp::as_second) == other.map(Timestamp::as_second)
}

/// A credential of our app that we do not use, such as the next one, or the last.
fn beside(own: &mut Own, stored: &Stored, credential: &Credential) {
    let Credential { kind, id, name, ends, .. } = credential;
    let (until, on) = match ends {
        Some(ends) => (format!("ends on {}", day(*ends)), day(*ends)),
        None => ("has no end".to_owned(), "no end".to_owned()),
    };
    let finding = Finding {
        check: ID.into(),
        severity: ends.map_or(Severity::Warning, |ends| urgency(ends, own.now, Severity::Warning)),
        resource: own.system.to_string(),
        expected: "our app registration has no credential but the one that is stored".into(),
        found: format!("{}: a {kind} `{name}` (id {id}) that is not used from here {until}", stored.what),
        effect: "none here. Whoever knows it has all the rights of the automation in this tenant".into(),
        fix: "find out whose it is; if nobody uses it, remove it in our app registration's Certificates & secrets"
            .into(),
        row: String::new(),
    };
    let source = own.system.clone();
    own.add(format!("{}/beside/{id}/{on}", stored.key), source, finding, *ends, "nothing");
}
