//! The client secret: made by Entra, shown once, and stored before anything else happens (rows R17, R18, R20).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use extoauth_core::engine::{
    ByHand, Field, Fields, Found, Later, Lookup, Made, Making, Mark, Port, Presence, Resource,
};
use extoauth_core::error::{CallError, CallResult, ErrorKind, absent_is_none};
use extoauth_core::finding::{Finding, Severity};
use extoauth_core::ids::Address;
use extoauth_systems::entra::Password;
use extoauth_systems::secrets::{CURRENT, Description, NewSecret, version_id};
use futures::future::try_join;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{APP_REGISTRATIONS, Client, ENTRA_ADMIN, REPLICATION};
use crate::federation::SecretRef;
use crate::resources::aws::secret_name;
use crate::systems::{IssuedSecretsRead, IssuedSecretsWrite, Systems};
use crate::want::WantedIntegration;

/// A client secret of the client app, with its value in Secrets Manager.
///
/// Entra shows the value once, in the answer that makes it. A crash before it is stored leaves a credential of ours whose
/// value nobody has: the credential is named after the version that was to hold it, so the next run sees that this version
/// does not exist, removes it, and makes another. Credentials with other names are somebody else's: kept, and told.
pub struct IssuedSecret {
    client: Later<Client>,
    name: String,
    integration: String,
    mark: Mark,
    ends: Timestamp,
    now: Timestamp,
    days: u32,
    tried: AtomicBool,
}

/// How both sides name it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IssuedSecretIdentity {
    /// Object id of the app.
    pub app: String,
    /// ARN of the secret.
    pub arn: String,
}

/// What was read of it.
pub struct Seen {
    secret: SecretRef,
    /// The credential of the current version, if the app has it and it has not ended.
    credential: Option<Password>,
    /// Credentials of ours whose value is stored nowhere.
    lost: Vec<Password>,
    /// Credentials of ours whose value is stored, and that dbt does not use any more.
    older: Vec<Password>,
    /// Somebody else's.
    others: Vec<Password>,
}

const DAY: SignedDuration = SignedDuration::from_hours(24);

impl IssuedSecret {
    /// The secret of an integration's client app.
    pub fn of(want: &WantedIntegration, mark: &Mark, client: &Later<Client>) -> Self {
        Self {
            client: client.clone(),
            name: secret_name(&want.deployment, want.name()),
            integration: want.name().to_string(),
            mark: mark.clone(),
            ends: want
                .now
                .checked_add(DAY * i32::try_from(want.secret_days).unwrap_or(i32::MAX))
                .unwrap_or(Timestamp::MAX),
            now: want.now,
            days: want.secret_days,
            tried: AtomicBool::new(false),
        }
    }

    fn app(&self) -> &str {
        self.client.value().map_or("", |client| client.object_id.as_str())
    }

    /// The credential's name: our mark and the version that holds its value.
    fn credential_name(&self, version: &str) -> String {
        format!("{}#{version}", self.mark)
    }

    /// The version that a credential's name tells; none: we have not made it.
    fn version_of<'p>(&self, password: &'p Password) -> Option<&'p str> {
        password.display_name.strip_prefix(&self.mark.to_string())?.strip_prefix('#')
    }

    /// Whether a person has made it for us: they cannot know the version, so its name is the mark alone.
    fn is_made_for_us(&self, password: &Password) -> bool {
        password.display_name == self.mark.to_string()
    }

    fn judge(&self, stored: &Description, passwords: Vec<Password>) -> Option<Seen> {
        let current = stored.holder_of(CURRENT)?;
        let mut seen = Seen {
            secret: SecretRef { arn: stored.arn.clone(), version: current.to_owned() },
            credential: None,
            lost: Vec::new(),
            older: Vec::new(),
            others: Vec::new(),
        };
        for password in passwords {
            match self.version_of(&password) {
                Some(version) if version == current => {
                    let over = password.ends.is_some_and(|end| end <= self.now);
                    seen.credential = seen.credential.or((!over).then_some(password));
                }
                Some(version) if stored.versions.contains_key(version) => seen.older.push(password),
                Some(_) => seen.lost.push(password),
                None if self.is_made_for_us(&password) => seen.credential = seen.credential.or(Some(password)),
                None => seen.others.push(password),
            }
        }
        Some(seen)
    }

    /// For how much longer the credential of a value that was stored a moment ago may be invisible. Another run may have
    /// made it: taking it for removed would make a second one, at every look anew.
    fn still_to_appear(&self, stored: &Description) -> Option<Duration> {
        let age = Duration::try_from(self.now.duration_since(stored.last_changed?)).unwrap_or_default();
        REPLICATION.checked_sub(age).filter(|left| !left.is_zero() && self.client.presence() == Presence::Here)
    }

    async fn wait_for(
        &self,
        client: &IssuedSecretsRead,
        stored: &Description,
        seen: Seen,
        patience: Duration,
    ) -> CallResult<Found<Seen>> {
        let name = self.credential_name(&seen.secret.version);
        let app = absent_is_none(client.tenant.application_with_password(self.app(), &name, patience).await)?;
        let now = app.and_then(|app| self.judge(stored, app.passwords));
        Ok(Found::Here(now.unwrap_or(seen)))
    }

    /// Makes a credential and stores its value at once.
    async fn issue(
        &self,
        client: &IssuedSecretsWrite,
        making: &Making<'_>,
        stored: Option<&SecretRef>,
    ) -> CallResult<Made<Seen>> {
        let subject = making.mark.subject.to_string();
        let version = version_id(&making.mark.deployment, &subject, making.intent);
        let name = self.credential_name(&version.to_string());
        let made = client.tenant.add_password(self.app(), &name, self.ends).await?;
        let (request_id, made) = (made.request_id, made.value);
        let done = match stored {
            Some(secret) => client.store.put(&secret.arn, &version.to_string(), &made.secret, &[CURRENT], None).await,
            None => {
                let new = NewSecret {
                    name: self.name.clone(),
                    description: format!(
                        "Client secret of the dbt integration {} (managed by extoauth)",
                        self.integration
                    ),
                    tags: BTreeMap::from([
                        ("extoauth:deployment".to_owned(), making.mark.deployment.clone()),
                        ("extoauth:subject".to_owned(), subject),
                    ]),
                    kms_key: None,
                };
                client.store.create(&new, version, &made.secret).await
            }
        };
        let done = done.map_err(|e| {
            // The next run finds the credential without a stored value, and makes another.
            let message = format!("Entra made the client secret, and its value could not be stored: {}", e.message);
            CallError { message, ..e }
        })?;
        let secret = SecretRef { arn: done.value.arn, version: done.value.version };
        let credential = Some(made.password);
        let seen = Seen { secret, credential, lost: Vec::new(), older: Vec::new(), others: Vec::new() };
        Ok(Made { seen, request_id })
    }

    async fn remove(&self, client: &IssuedSecretsWrite, lost: &[Password]) -> CallResult<()> {
        // One after the other: writes to one app must not cross.
        for password in lost {
            client.tenant.remove_password(self.app(), &password.key_id).await?;
        }
        Ok(())
    }
}

impl Resource for IssuedSecret {
    type Systems = Systems;
    type Read = IssuedSecretsRead;
    type Write = IssuedSecretsWrite;
    type Seen = Seen;
    type Identity = IssuedSecretIdentity;
    type Output = SecretRef;

    const KIND: &'static str = "entra.client_secret";
    const ROW: &'static str = "R17";
    const LAG: Duration = REPLICATION;

    fn address(&self) -> Address {
        Address::of("entra.client_secret")
    }

    fn port(systems: &Systems) -> Option<&Port<IssuedSecretsRead, IssuedSecretsWrite>> {
        systems.issued_secrets.as_ref()
    }

    fn parents(&self) -> Presence {
        // The value's place in Secrets Manager outlives an app that was made anew.
        match self.client.presence() {
            Presence::Fresh => Presence::Here,
            other => other,
        }
    }

    async fn read(
        &self,
        client: &IssuedSecretsRead,
        _by: &Lookup<'_, IssuedSecretIdentity>,
    ) -> CallResult<Found<Seen>> {
        // The name holds deployment and integration, and only this deployment's role can write there: the name is the
        // mark, whatever ARN an earlier secret of that name had.
        let stored = async { absent_is_none(client.store.describe(&self.name).await) };
        let app = async {
            if self.client.presence() == Presence::Fresh {
                return Ok(None);
            }
            absent_is_none(client.tenant.application(self.app()).await)
        };
        let (stored, app) = try_join(stored, app).await?;
        let Some(stored) = stored else { return Ok(Found::Absent) };
        if stored.deleted.is_some() {
            let message = "a secret of this name is marked for deletion: restore it, or wait until it is gone";
            let system = client.store.system().clone();
            return Err(CallError::new(ErrorKind::Invalid, system, "use the secret", message).on(&self.name));
        }
        let passwords = app.map(|app| app.passwords).unwrap_or_default();
        let Some(seen) = self.judge(&stored, passwords) else { return Ok(Found::Absent) };
        match (&seen.credential, self.still_to_appear(&stored)) {
            (None, Some(patience)) => self.wait_for(client, &stored, seen, patience).await,
            _ => Ok(Found::Here(seen)),
        }
    }

    fn wants(&self) -> Fields {
        Fields::from([
            ("stored_as", Field::is(self.name.as_str())),
            ("lives_days", Field::is(self.days)),
            ("credential", Field::is("named after the stored version")),
            ("credentials_without_a_stored_value", Field::set(Vec::<String>::new())),
        ])
    }

    fn shows(&self, seen: &Seen, _written: &BTreeMap<String, String>) -> Fields {
        let mut fields = self.wants();
        if seen.credential.is_none() {
            fields.insert("credential", Field::is("none that is in force"));
        }
        let lost = seen.lost.iter().map(|password| password.key_id.clone());
        fields.insert("credentials_without_a_stored_value", Field::set(lost));
        fields
    }

    async fn create(&self, client: &IssuedSecretsWrite, making: &Making<'_>) -> CallResult<Made<Seen>> {
        // Nothing is stored, so every credential of ours is one whose value is lost. A new app has none, unless an
        // earlier try of this very create has made one.
        if self.client.presence() != Presence::Fresh || self.tried.swap(true, Ordering::Relaxed) {
            let app = client.tenant.application(self.app()).await?;
            let lost: Vec<Password> = app.passwords.into_iter().filter(|p| self.version_of(p).is_some()).collect();
            self.remove(client, &lost).await?;
        }
        self.issue(client, making, None).await
    }

    async fn update(&self, client: &IssuedSecretsWrite, seen: &Seen, making: &Making<'_>) -> CallResult<Made<Seen>> {
        self.remove(client, &seen.lost).await?;
        if seen.credential.is_none() {
            return self.issue(client, making, Some(&seen.secret)).await;
        }
        let seen = Seen {
            secret: seen.secret.clone(),
            credential: seen.credential.clone(),
            lost: Vec::new(),
            older: seen.older.clone(),
            others: seen.others.clone(),
        };
        Ok(Made { seen, request_id: None })
    }

    fn identity(&self, seen: &Seen) -> IssuedSecretIdentity {
        IssuedSecretIdentity { app: self.app().to_owned(), arn: seen.secret.arn.clone() }
    }

    fn output(&self, seen: &Seen) -> SecretRef {
        seen.secret.clone()
    }

    fn notices(&self, seen: &Seen) -> Vec<Finding> {
        let told = |passwords: &[Password]| {
            let each = passwords.iter().map(|password| {
                let end = password.ends.map_or("without an end".to_owned(), |end| format!("ends {end}"));
                format!("`{}` (key id {}, {end})", password.display_name, password.key_id)
            });
            each.collect::<Vec<_>>().join(", ")
        };
        let finding = |check: &str, found: String, effect: &str, fix: &str| Finding {
            check: check.into(),
            severity: Severity::Warning,
            resource: Self::KIND.into(),
            expected: "the client app has no client secret but the one that dbt uses".into(),
            found,
            effect: effect.into(),
            fix: fix.into(),
            row: Self::ROW.into(),
        };
        let others = (!seen.others.is_empty()).then(|| {
            finding(
                "foreign_client_secret",
                told(&seen.others),
                "whoever knows it can act as dbt towards the identity provider; it is not rotated",
                "if nobody uses it, remove it in the client app's Certificates & secrets; it is never removed here",
            )
        });
        let older = (!seen.older.is_empty()).then(|| {
            finding(
                "older_client_secret",
                told(&seen.older),
                "it was ours until it was replaced, and works until it ends",
                "remove it in the client app's Certificates & secrets, unless a rotation is under way",
            )
        });
        others.into_iter().chain(older).collect()
    }

    fn by_hand(&self) -> ByHand {
        let ends = self.ends.strftime("%Y-%m-%d");
        ByHand {
            who: ENTRA_ADMIN,
            what: format!(
                "Make a client secret with the description `{}` that ends on {ends}, and put its value (not its secret ID) \
                 as plain text into a Secrets Manager secret of the name below",
                self.mark
            ),
            place: format!("{APP_REGISTRATIONS} > {} > Certificates & secrets", self.app()),
        }
    }
}
