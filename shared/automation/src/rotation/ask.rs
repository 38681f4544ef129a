//! How a request brings a rotation about, and where it stands. The rotation itself is Secrets Manager's and the rotation
//! function's; here it is asked for, watched, given up if it failed, and its old secret ended.

use extoauth_core::engine::{Event, Resource as _};
use extoauth_core::ids::{IntegrationName, Subject};
use extoauth_systems::secrets::{PENDING, Rotate};
use jiff::Timestamp;

use super::begin::{Work, identity};
use super::journal::{asked_in, failure_in, given_up_in, grace_in, last_sign_in};
use super::{Retired, Rotation, RotationError, SILENCE};
use crate::resources::aws::{ClientSecret, ClientSecretIdentity};
use crate::resources::entra::{IssuedSecret, IssuedSecretIdentity};

/// What a request asks for.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// The integration.
    pub integration: &'a IntegrationName,
    /// The version that is to be rotated in: the `ClientRequestToken`. The same request gives the same one each time.
    pub token: &'a str,
    /// ARN of the rotation function.
    pub function: &'a str,
    /// When the request came: a rotation that ended since has done what it asks.
    pub since: Timestamp,
    /// "Now", as what resumed the request says.
    pub time: Timestamp,
}

/// Where a rotation stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Secrets Manager works on it; the version.
    UnderWay(String),
    /// A step has failed, and Secrets Manager may call it again until then.
    Failing {
        /// Why.
        why: String,
        /// When it is taken as failed.
        until: Timestamp,
    },
    /// The old secret of the rotation before is good until then; this one begins after it: Okta takes no third secret.
    AfterGrace(Timestamp),
    /// The new secret is the current one, and dbt holds it; the old one is good until then.
    Grace(Timestamp),
    /// The old one is dead and gone; so many were.
    Done(usize),
    /// It failed: dbt holds the old secret, and nothing of the new one is left.
    Failed(String),
}

impl Rotation<'_> {
    /// Takes a rotation a step further. May be called again at any time; the integration's lease is held for the time of
    /// the call only, so that the rotation function can work.
    ///
    /// # Errors
    /// Why nothing is known, or nothing can be done now.
    pub async fn ask(&self, asking: &Asking<'_>) -> Result<Standing, RotationError> {
        let arn = self.recorded_secret(asking.integration).await?;
        if self.integration_of(&arn)? != *asking.integration {
            return Err(RotationError::Refused(format!("`{arn}` is not the secret of `{}`", asking.integration)));
        }
        let lease = self.lease(asking.integration, asking.token).await?;
        let standing =
            async { self.begin(asking.integration, &arn, asking.token, &lease).await?.ask(asking).await }.await;
        if let Err(error) = lease.release().await {
            tracing::warn!(%error, "the lease could not be given back; it ends by itself");
        }
        standing
    }

    /// Whether this version was asked for before: then its request was approved.
    ///
    /// # Errors
    /// The store failed.
    pub async fn was_asked(&self, name: &IntegrationName, token: &str) -> Result<bool, RotationError> {
        let journal = self.ledger.journal(&Subject::Integration(name.clone())).await?;
        Ok(asked_in(&journal, token).is_some())
    }

    async fn recorded_secret(&self, name: &IntegrationName) -> Result<String, RotationError> {
        let book = self.ledger.load(&Subject::Integration(name.clone())).await?;
        let own = identity::<ClientSecretIdentity>(&book, ClientSecret::KIND).map(|own| own.arn);
        let issued = || identity::<IssuedSecretIdentity>(&book, IssuedSecret::KIND).map(|issued| issued.arn);
        own.or_else(issued).ok_or_else(|| {
            RotationError::Refused(format!("no client secret of `{name}` is recorded: ask for `provision` first"))
        })
    }
}

impl Work<'_> {
    async fn ask(&self, asking: &Asking<'_>) -> Result<Standing, RotationError> {
        // Under the lease nobody moves the stages but Secrets Manager itself, and that only adds a version.
        if self.is_current() || self.was_done_since(asking.since) {
            return Ok(match self.retire(asking.time).await? {
                Retired::Grace(until) => Standing::Grace(until),
                Retired::Gone(ended) => Standing::Done(ended),
            });
        }
        if let Some(why) = given_up_in(&self.journal, self.token) {
            return Ok(Standing::Failed(why));
        }
        if let Some(version) = self.pending_elsewhere() {
            let own = version == self.token;
            if self.is_alive(version).await? {
                return Ok(self.how_it_goes(version, own));
            }
            let why = failure_in(&self.journal, version).unwrap_or_else(|| "Secrets Manager did not end it".to_owned());
            self.give_up(version, &why).await?;
            if own {
                return Ok(Standing::Failed(why));
            }
        }
        if asked_in(&self.journal, self.token).is_none() {
            if let Some(grace) = self.grace().filter(|grace| grace.until > asking.time) {
                return Ok(Standing::AfterGrace(grace.until));
            }
            self.note_asked(asking.time).await?;
        }
        let gate = self.gate();
        // Half-way between the day on which policy has it rotated and its end: by then nothing else has done it.
        let secret_days = self.desired.secret_days;
        let days = secret_days - self.rotation.policy.rotation_window(secret_days) / 2;
        let rotate = Rotate { arn: &self.stored.arn, token: self.token, function: asking.function, days };
        self.lease.fresh().await?;
        self.systems.secrets.writer(&gate)?.rotate(&rotate).await?;
        Ok(Standing::UnderWay(self.token.to_owned()))
    }

    /// Whether another rotation has ended since: then the secret is as new as it was asked to be.
    fn was_done_since(&self, since: Timestamp) -> bool {
        let ended = grace_in(&self.journal).filter(|(at, grace)| *at > since && self.current() == Some(&grace.new));
        ended.is_some() && self.stored.holder_of(PENDING) != Some(self.token)
    }

    fn how_it_goes(&self, version: &str, own: bool) -> Standing {
        let last = last_sign_in(&self.journal, version);
        match last.filter(|last| own && last.draft.event == Event::Failure) {
            Some(last) => Standing::Failing {
                why: last.draft.detail.clone().unwrap_or_default(),
                until: last.draft.at.checked_add(SILENCE).unwrap_or(Timestamp::MAX),
            },
            None => Standing::UnderWay(version.to_owned()),
        }
    }
}
