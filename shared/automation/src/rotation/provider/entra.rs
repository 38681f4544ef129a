//! Entra: makes the value itself and shows it once; a secret is known by its name, which holds the version.

use extoauth_core::engine::{Book, ChangeKind, Event, Resource};
use extoauth_systems::entra::{NewPassword, Password, SecretAnswer};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::{Proof, unrecorded};
use crate::resources::entra::{AppIdentity, ClientApp, REPLICATION, ResourceApp};
use crate::rotation::RotationError;
use crate::rotation::begin::{Work, identity};
use crate::rotation::journal::MadeAtProvider;
use crate::systems::EntraPort;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The client app in its tenant.
pub(in crate::rotation) struct Entra {
    pub(super) port: EntraPort,
    pub(super) client_id: String,
    app: String,
    resource: String,
}

impl Entra {
    pub(super) async fn of(port: &EntraPort, own: &Book, of_trust: &Book) -> Result<Self, RotationError> {
        let app = identity::<AppIdentity>(own, ClientApp::KIND).ok_or_else(|| unrecorded("client app"))?.id;
        let resource = identity::<AppIdentity>(of_trust, ResourceApp::KIND);
        let resource = resource.ok_or_else(|| unrecorded("resource-server app"))?.id;
        let read = port.read();
        let (client, server) = futures::future::try_join(read.application(&app), read.application(&resource)).await?;
        Ok(Self { port: port.clone(), client_id: client.app_id, app, resource: server.app_id })
    }

    pub(super) async fn prove(&self, value: &SecretString) -> Result<Proof, RotationError> {
        Ok(match self.port.read().prove_secret(&self.client_id, &self.resource, value).await? {
            SecretAnswer::Proved => Proof::Proved,
            SecretAnswer::Refused(_) => Proof::Refused,
            SecretAnswer::Unclear(said) => Proof::Unclear(said),
        })
    }

    /// Has a secret issued. Its value must be stored at once.
    pub(in crate::rotation) async fn add(&self, work: &Work<'_>) -> Result<NewPassword, RotationError> {
        let name = name(work, work.token);
        // An earlier try may have made one whose value was never stored: nobody has it.
        let there = self.port.read().application(&self.app).await?.passwords;
        for lost in there.iter().filter(|password| password.display_name == name) {
            self.remove(work, lost, "its value was never stored").await?;
        }
        let days = i32::try_from(work.desired.secret_days).unwrap_or(i32::MAX);
        let ends = work.now().checked_add(DAY * days).unwrap_or(Timestamp::MAX);
        work.note_secret(Event::Intent, ChangeKind::Create, None, "a client secret is made beside the old one").await?;
        let gate = work.gate();
        let made = self.port.writer(&gate)?.add_password(&self.app, &name, ends).await?.value;
        let noted = MadeAtProvider { id: made.password.key_id.clone(), version: work.token.to_owned() };
        work.note_secret(Event::Outcome, ChangeKind::Create, Some(&noted), "the new client secret").await?;
        Ok(made)
    }

    /// Its value is stored: the secret must be there, by now.
    pub(in crate::rotation) async fn still_there(&self, work: &Work<'_>) -> Result<(), RotationError> {
        let name = name(work, work.token);
        let app = self.port.read().application_with_password(&self.app, &name, REPLICATION).await?;
        if app.passwords.iter().any(|password| password.display_name == name) {
            return Ok(());
        }
        Err(RotationError::Failed(format!(
            "the client secret `{name}` was removed from the client app while it was rotated in; its value cannot be had \
             again: cancel the rotation and ask for `rotate_secret` anew"
        )))
    }

    /// Removes one of ours.
    pub(in crate::rotation) async fn remove(
        &self,
        work: &Work<'_>,
        password: &Password,
        why: &str,
    ) -> Result<(), RotationError> {
        let version = version_of(work, password).unwrap_or_default().to_owned();
        let noted = MadeAtProvider { id: password.key_id.clone(), version };
        work.note_secret(Event::Intent, ChangeKind::Delete, Some(&noted), why).await?;
        let gate = work.gate();
        self.port.writer(&gate)?.remove_password(&self.app, &password.key_id).await?;
        work.note_secret(Event::Recorded, ChangeKind::Delete, Some(&noted), why).await
    }

    /// Removes the secret of a version that is never rotated in, if it is there.
    pub(in crate::rotation) async fn end_version(&self, work: &Work<'_>, version: &str) -> Result<(), RotationError> {
        let there = self.port.read().application(&self.app).await?.passwords;
        for of_it in there.iter().filter(|password| version_of(work, password) == Some(version)) {
            self.remove(work, of_it, "its rotation was given up").await?;
        }
        Ok(())
    }

    /// Ends every secret of ours but the current one. Gives how many.
    pub(in crate::rotation) async fn end_old(&self, work: &Work<'_>, keep: &str) -> Result<usize, RotationError> {
        let there = self.port.read().application(&self.app).await?.passwords;
        let mut ended = 0;
        for old in &there {
            let Some(version) = version_of(work, old).filter(|version| *version != keep) else { continue };
            // Read before: a version may be gone by the time its credential is.
            let value = work.value(version).await?;
            self.remove(work, old, "its grace is over").await?;
            if let Some(value) = value {
                work.is_dead(&value).await?;
                work.note_secret(Event::Recorded, ChangeKind::None, None, "Entra refuses the old secret").await?;
            }
            ended += 1;
        }
        Ok(ended)
    }
}

/// A credential's name: our mark and the version that holds its value.
fn name(work: &Work<'_>, version: &str) -> String {
    format!("{}#{version}", work.mark)
}

/// The version that a credential's name tells; none: we have not made it.
fn version_of<'p>(work: &Work<'_>, password: &'p Password) -> Option<&'p str> {
    password.display_name.strip_prefix(&work.mark.to_string())?.strip_prefix('#')
}
