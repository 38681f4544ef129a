//! Whose secret it is, and what is known of it.

use extoauth_core::engine::{Book, JournalEntry, LeaseGuard, Mark, Resource};
use extoauth_core::error::absent_is_none;
use extoauth_core::ids::{IntegrationName, Subject};
use extoauth_core::integration::Integration;
use extoauth_systems::secrets::{CURRENT, Description, PENDING, Version};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::journal::asked_in;
use super::provider::Provider;
use super::{Rotation, RotationError};
use crate::conduct::{PolicyGate, integration_lease};
use crate::resources::aws::{ClientSecret, ClientSecretIdentity, secret_name};
use crate::resources::dbt::OauthConfiguration;
use crate::resources::entra::{IssuedSecret, IssuedSecretIdentity};
use crate::systems::Systems;

/// One step's work: an integration whose lease is held, and what was read at the beginning.
pub(super) struct Work<'a> {
    pub(super) rotation: &'a Rotation<'a>,
    pub(super) lease: &'a LeaseGuard<'a>,
    pub(super) desired: Integration,
    pub(super) mark: Mark,
    pub(super) systems: Systems,
    pub(super) provider: Provider,
    pub(super) stored: Description,
    pub(super) book: Book,
    /// The new version.
    pub(super) token: &'a str,
    /// The journal as it was at the beginning; what this step writes is not in it.
    pub(super) journal: Vec<JournalEntry>,
    now: Timestamp,
}

impl Rotation<'_> {
    /// The integration that a secret's ARN names. An ARN that no secret of this deployment can have is refused before
    /// anything is called.
    pub(super) fn integration_of(&self, arn: &str) -> Result<IntegrationName, RotationError> {
        let foreign = || {
            let ours = secret_pattern(self.deployment);
            RotationError::Refused(format!("`{arn}` is not the ARN of a client secret of this deployment ({ours})"))
        };
        integration_in(arn, self.deployment).ok_or_else(foreign)
    }

    pub(super) async fn lease(&self, name: &IntegrationName, owner: &str) -> Result<LeaseGuard<'_>, RotationError> {
        let key = integration_lease(name);
        let (ttl, wait) = (self.timing.lease_ttl, self.timing.lease_wait);
        // Whoever owns a lease may take it again. Two invocations of one step are two owners: the second one waits, and
        // does not take over what the first one works on.
        let owner = format!("rotation {owner} {}", Uuid::new_v4());
        LeaseGuard::take(self.leases, self.clock, &key, &owner, ttl, wait).await?.ok_or(RotationError::Busy(key))
    }

    /// Reads what every step needs. The lease is held.
    pub(super) async fn begin<'w>(
        &'w self,
        name: &IntegrationName,
        arn: &str,
        token: &'w str,
        lease: &'w LeaseGuard<'w>,
    ) -> Result<Work<'w>, RotationError> {
        let refused = |why: String| RotationError::Refused(format!("`{arn}`: {why}"));
        let subject = Subject::Integration(name.clone());
        let record = self.registry.integration(name).await?;
        let desired = record.ok_or_else(|| refused(format!("there is no integration `{name}`")))?.desired;
        let systems = self.clients.systems(&desired).await?;
        let stored = absent_is_none(systems.secrets.read().describe(arn).await)?
            .ok_or_else(|| refused("there is no such secret".into()))?;
        let tag = |key: &str| stored.tags.get(key).map_or("", String::as_str);
        if tag("extoauth:deployment") != self.deployment || tag("extoauth:subject") != subject.to_string() {
            return Err(refused(format!("its tags do not say that it is the secret of `{name}` in this deployment")));
        }
        if stored.name != secret_name(self.deployment, name) {
            return Err(refused(format!("its name is not that of the secret of `{name}`")));
        }
        if stored.deleted.is_some() {
            return Err(refused("it is marked for deletion".into()));
        }
        let book = self.ledger.load(&subject).await?;
        let recorded = identity::<ClientSecretIdentity>(&book, ClientSecret::KIND)
            .map(|own| own.arn)
            .or_else(|| identity::<IssuedSecretIdentity>(&book, IssuedSecret::KIND).map(|issued| issued.arn));
        if recorded.as_deref() != Some(stored.arn.as_str()) {
            return Err(refused(format!("it is not the secret that is recorded for `{name}`")));
        }
        let of_trust = self.ledger.load(&Subject::Trust(desired.trust())).await?;
        let provider = Provider::of(&systems, &book, &of_trust).await?;
        let journal = self.ledger.journal(&subject).await?;
        let now = asked_in(&journal, token).map_or(self.clock.now(), |asked| asked.time.max(self.clock.now()));
        let mark = Mark { deployment: self.deployment.to_owned(), subject };
        Ok(Work { rotation: self, lease, desired, mark, systems, provider, stored, book, token, journal, now })
    }
}

/// The integration in `arn:<partition>:secretsmanager:<region>:<account>:secret:<name>-<six characters>`.
fn integration_in(arn: &str, deployment: &str) -> Option<IntegrationName> {
    let parts: Vec<&str> = arn.split(':').collect();
    let ["arn", _, "secretsmanager", _, _, "secret", name] = parts.as_slice() else { return None };
    let rest = name.strip_prefix("extoauth/")?.strip_prefix(deployment)?.strip_prefix('/')?;
    let (integration, suffix) = rest.split_once("/client-secret-")?;
    let is_suffix = suffix.len() == 6 && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric());
    IntegrationName::try_from(integration.to_owned()).ok().filter(|_| is_suffix)
}

/// What the names of our client secrets look like.
fn secret_pattern(deployment: &str) -> String {
    format!("extoauth/{deployment}/<integration>/client-secret")
}

/// How the vendor names the one object of a kind.
pub(super) fn identity<I: DeserializeOwned>(book: &Book, kind: &str) -> Option<I> {
    let item = book.items.values().find(|item| item.kind == kind)?;
    serde_json::from_value(item.identity.clone()).ok()
}

impl Work<'_> {
    pub(super) fn gate(&self) -> PolicyGate<'_> {
        PolicyGate { policy: self.rotation.policy, clock: self.rotation.clock, integration: &self.desired.name }
    }

    /// "Now" as the request says that asked for this rotation: a schedule's time where one started it.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// Secrets Manager attaches the new version before it calls the first step.
    pub(super) fn has_version(&self) -> Result<(), RotationError> {
        let why = match self.stored.versions.get(self.token) {
            Some(stages) if stages.contains(PENDING) || stages.contains(CURRENT) => return Ok(()),
            Some(_) => "is not the version that is being rotated in",
            None => "is no version of the secret",
        };
        Err(RotationError::Refused(format!("`{}` {why}", self.token)))
    }

    pub(super) fn is_current(&self) -> bool {
        self.current() == Some(self.token)
    }

    pub(super) fn current(&self) -> Option<&str> {
        self.stored.holder_of(CURRENT)
    }

    /// The version that dbt was given last, as recorded.
    pub(super) fn held_by_dbt(&self) -> Option<&str> {
        let item = self.book.items.values().find(|item| item.kind == OauthConfiguration::KIND)?;
        item.written.get(crate::resources::dbt::SECRET).map(String::as_str)
    }

    /// A version's value; `None` if it has none yet.
    pub(super) async fn value(&self, version: &str) -> Result<Option<SecretString>, RotationError> {
        let found = self.systems.vault.value(&self.stored.arn, &Version::Id(version.to_owned())).await;
        Ok(absent_is_none(found)?.map(|found| found.value))
    }

    /// The new version's value.
    pub(super) async fn pending(&self) -> Result<SecretString, RotationError> {
        self.value(self.token).await?.ok_or_else(|| {
            RotationError::Failed(format!("version {} has no value yet: createSecret has not ended", self.token))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::integration_in;

    #[test]
    fn only_arns_of_our_client_secrets() {
        let of = |name: &str| {
            let arn = format!("arn:aws:secretsmanager:eu-central-1:111122223333:secret:{name}");
            integration_in(&arn, "prod").map(|name| name.to_string())
        };
        assert_eq!(of("extoauth/prod/sales/client-secret-AbC123").as_deref(), Some("sales"));
        for foreign in [
            "extoauth/test/sales/client-secret-AbC123",
            "extoauth/prod/sales/client-secret-AbC12",
            "extoauth/prod/sales/client-secret",
            "extoauth/prod/sales/other-AbC123",
            "extoauth/prod/a/b/client-secret-AbC123",
            "extoauth/prod2/sales/client-secret-AbC123",
            "extoauth/prod/sales/client-secret-AbC123:x",
            "rds/master",
            "",
        ] {
            assert_eq!(of(foreign), None, "{foreign}");
        }
        let elsewhere = "arn:aws:ssm:eu-central-1:111122223333:secret:extoauth/prod/sales/client-secret-AbC123";
        assert_eq!(integration_in(elsewhere, "prod"), None);
    }
}
