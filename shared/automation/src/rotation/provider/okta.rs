//! Okta: at most two secrets an app, with values that we choose; one that is inactive can be deleted.

use std::collections::BTreeMap;

use extoauth_core::engine::{Book, ChangeKind, Event, Resource};
use extoauth_core::error::{CallError, ErrorKind};
use extoauth_systems::okta::ClientSecret;
use extoauth_systems::okta::Proof as Answer;
use secrecy::{ExposeSecret, SecretString};

use super::{Proof, unrecorded};
use crate::resources::okta::{AppIdentity, AuthorizationServer, OidcApp, ServerIdentity};
use crate::rotation::RotationError;
use crate::rotation::begin::{Work, identity};
use crate::rotation::journal::MadeAtProvider;
use crate::systems::OktaPort;

/// Okta takes no third.
const MOST: usize = 2;

/// The app at its org.
pub(in crate::rotation) struct Okta {
    pub(super) port: OktaPort,
    pub(super) client_id: String,
    app: String,
    server: String,
}

/// A secret of the app that is ours, and the version that holds its value.
struct Own {
    secret: ClientSecret,
    version: String,
}

impl Okta {
    pub(super) async fn of(port: &OktaPort, own: &Book, of_trust: &Book) -> Result<Self, RotationError> {
        let app = identity::<AppIdentity>(own, OidcApp::KIND).ok_or_else(|| unrecorded("app"))?.id;
        let server = identity::<ServerIdentity>(of_trust, AuthorizationServer::KIND);
        let server = server.ok_or_else(|| unrecorded("authorization server"))?.id;
        let client_id = port.read().app(&app).await?.client_id.unwrap_or_else(|| app.clone());
        Ok(Self { port: port.clone(), client_id, app, server })
    }

    pub(super) async fn prove(&self, value: &SecretString) -> Result<Proof, RotationError> {
        Ok(match self.port.read().prove_secret(&self.server, &self.client_id, value).await? {
            Answer::Proved => Proof::Proved,
            Answer::Refused => Proof::Refused,
            Answer::Unclear(said) => Proof::Unclear(said),
        })
    }

    /// Makes the new value a secret of the app. It is stored already.
    pub(in crate::rotation) async fn add(&self, work: &Work<'_>, value: &SecretString) -> Result<(), RotationError> {
        let there = self.port.read().client_secrets(&self.app).await?;
        if let Some(same) = there.iter().find(|secret| is(secret, value)) {
            return self.take_up(work, same).await;
        }
        if there.len() >= MOST {
            self.make_room(work, there).await?;
        }
        work.note_secret(Event::Intent, ChangeKind::Create, None, "a client secret is made beside the old one").await?;
        let gate = work.gate();
        let made = match self.port.writer(&gate)?.create_client_secret(&self.app, value).await {
            Ok(made) => made.value,
            Err(error) if error.kind == ErrorKind::Ambiguous => {
                // The answer is lost, and what Okta has tells whether it acted.
                let there = self.port.read().client_secrets(&self.app).await?;
                there.into_iter().find(|secret| is(secret, value)).ok_or(error)?
            }
            Err(error) => return Err(error.into()),
        };
        let made = MadeAtProvider { id: made.id, version: work.token.to_owned() };
        work.note_secret(Event::Outcome, ChangeKind::Create, Some(&made), "the new client secret").await
    }

    /// An earlier try has made it.
    async fn take_up(&self, work: &Work<'_>, same: &ClientSecret) -> Result<(), RotationError> {
        let made = MadeAtProvider { id: same.id.clone(), version: work.token.to_owned() };
        if !work.made().await?.contains(&made) {
            work.note_secret(Event::Outcome, ChangeKind::Create, Some(&made), "found as an earlier try made it")
                .await?;
        }
        if !same.is_active() {
            let gate = work.gate();
            self.port.writer(&gate)?.activate_client_secret(&self.app, &same.id).await?;
        }
        Ok(())
    }

    /// Ours among the secrets: those whose value a version holds, and those that a rotation has noted. No other may be
    /// touched.
    async fn own(
        &self,
        work: &Work<'_>,
        there: Vec<ClientSecret>,
    ) -> Result<(Vec<Own>, Vec<ClientSecret>), RotationError> {
        let mut values = BTreeMap::new();
        for version in work.stored.versions.keys() {
            if let Some(value) = work.value(version).await? {
                values.insert(version.clone(), value);
            }
        }
        let made = work.made().await?;
        let (mut own, mut others) = (Vec::new(), Vec::new());
        for secret in there {
            let by_value = values.iter().find(|(_, value)| is(&secret, value)).map(|(version, _)| version.clone());
            let noted = || made.iter().rev().find(|made| made.id == secret.id).map(|made| made.version.clone());
            match by_value.or_else(noted) {
                Some(version) => own.push(Own { secret, version }),
                None => others.push(secret),
            }
        }
        Ok((own, others))
    }

    /// Notes which secret holds the current version, before another version becomes the current one: a value that was made
    /// when the integration was provisioned is told from a stranger's by that as long as the app has it, also when
    /// Secrets Manager has long forgotten the version.
    pub(in crate::rotation) async fn note_current(&self, work: &Work<'_>) -> Result<(), RotationError> {
        let Some(version) = work.current() else { return Ok(()) };
        let Some(value) = work.value(version).await? else { return Ok(()) };
        let there = self.port.read().client_secrets(&self.app).await?;
        let Some(secret) = there.iter().find(|secret| is(secret, &value)) else { return Ok(()) };
        let made = MadeAtProvider { id: secret.id.clone(), version: version.to_owned() };
        if work.made().await?.contains(&made) {
            return Ok(());
        }
        work.note_secret(Event::Outcome, ChangeKind::None, Some(&made), "the secret that was in use until now").await
    }

    /// Ends the secret of a version that is never rotated in, if it is there.
    pub(in crate::rotation) async fn end_version(&self, work: &Work<'_>, version: &str) -> Result<(), RotationError> {
        let there = self.port.read().client_secrets(&self.app).await?;
        let (own, _) = self.own(work, there).await?;
        for of_it in own.iter().filter(|own| own.version == version) {
            self.end(work, of_it).await?;
        }
        Ok(())
    }

    /// The app has as many secrets as Okta takes: one of ours that nobody uses goes.
    async fn make_room(&self, work: &Work<'_>, there: Vec<ClientSecret>) -> Result<(), RotationError> {
        let (own, others) = self.own(work, there).await?;
        let now = work.now();
        let grace = work.grace().filter(|grace| grace.until > now);
        let uses = Uses {
            current: work.current(),
            held_by_dbt: work.held_by_dbt(),
            in_grace: grace.as_ref().map(|grace| grace.old.as_str()),
        };
        if let Some(own) = own.iter().find(|own| uses.spare(&own.version, own.secret.is_active())) {
            return self.end(work, own).await;
        }
        let why = match (&grace, others.is_empty()) {
            (Some(grace), true) => format!("the one before the current one is good until {}", grace.until),
            _ => {
                let ids: Vec<&str> = others.iter().map(|secret| secret.id.as_str()).collect();
                format!(
                    "not made here: {}; delete those that nobody uses in the app's Client Credentials",
                    ids.join(", ")
                )
            }
        };
        Err(RotationError::Failed(format!("the app has two client secrets, and Okta takes no third ({why})")))
    }

    /// Ends every secret of ours but the current one. Gives how many.
    pub(in crate::rotation) async fn end_old(&self, work: &Work<'_>, keep: &str) -> Result<usize, RotationError> {
        let there = self.port.read().client_secrets(&self.app).await?;
        let (own, _) = self.own(work, there).await?;
        let mut ended = 0;
        for old in own.iter().filter(|own| own.version != keep) {
            self.end(work, old).await?;
            ended += 1;
        }
        Ok(ended)
    }

    /// Shuts one, sees that it is dead, and deletes it.
    async fn end(&self, work: &Work<'_>, old: &Own) -> Result<(), RotationError> {
        let gate = work.gate();
        let write = self.port.writer(&gate)?;
        let (id, version) = (&old.secret.id, &old.version);
        let noted = MadeAtProvider { id: id.clone(), version: version.clone() };
        work.note_secret(Event::Intent, ChangeKind::Delete, Some(&noted), "it is deactivated and deleted").await?;
        if old.secret.is_active() {
            write.deactivate_client_secret(&self.app, id).await?;
        }
        let mut evidence = "its value is not shown, so that it is dead was not proved";
        if let Some(value) = &old.secret.value {
            work.is_dead(value).await?;
            evidence = "Okta refuses it";
        }
        match write.delete_client_secret(&self.app, id).await {
            Ok(_) | Err(CallError { kind: ErrorKind::NotFound, .. }) => {}
            Err(error) => return Err(error.into()),
        }
        work.note_secret(Event::Recorded, ChangeKind::Delete, Some(&noted), evidence).await
    }
}

/// Which versions somebody relies on.
struct Uses<'a> {
    current: Option<&'a str>,
    held_by_dbt: Option<&'a str>,
    /// The one whose grace lasts.
    in_grace: Option<&'a str>,
}

impl Uses<'_> {
    /// Whether one of our secrets may go for another. An inactive one is refused by Okta already, so no grace keeps it.
    fn spare(&self, version: &str, is_active: bool) -> bool {
        let version = Some(version);
        version != self.current && version != self.held_by_dbt && (!is_active || version != self.in_grace)
    }
}

fn is(secret: &ClientSecret, value: &SecretString) -> bool {
    secret.value.as_ref().is_some_and(|shown| shown.expose_secret() == value.expose_secret())
}

#[cfg(test)]
mod tests {
    use super::Uses;

    #[test]
    fn only_what_nobody_relies_on_makes_room() {
        let uses = Uses { current: Some("current"), held_by_dbt: Some("held"), in_grace: Some("old") };
        let no_grace = Uses { in_grace: None, ..uses };
        let uses = Uses { current: Some("current"), held_by_dbt: Some("held"), in_grace: Some("old") };
        for (uses, version, is_active, expected, why) in [
            (&uses, "current", true, false, "the current one stays"),
            (&uses, "current", false, false, "also where somebody has shut it: that is not ours to settle"),
            (&uses, "held", true, false, "dbt signs in with it"),
            (&uses, "held", false, false, "dbt would be given another first"),
            (&uses, "old", true, false, "its grace lasts"),
            (&uses, "old", false, true, "a shut one helps nobody, grace or not"),
            (&no_grace, "old", true, true, "its grace is over"),
            (&uses, "given up", true, true, "a rotation that failed has left it"),
            (&uses, "given up", false, true, "the same, half removed"),
        ] {
            assert_eq!(uses.spare(version, is_active), expected, "{version}, active {is_active}: {why}");
        }
    }
}
