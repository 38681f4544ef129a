//! A version that is never rotated in: dbt gets the current secret again, and what was made for the version goes.
//!
//! Secrets Manager leaves `AWSPENDING` on the version of a rotation that failed, and refuses another rotation as long as
//! it is there ("a previous rotation request is still in progress"; AWS Secrets Manager API reference, `RotateSecret`).

use extoauth_core::engine::Resource;
use extoauth_systems::secrets::PENDING;

use super::begin::Work;
use super::journal::{has_touched, last_sign_in};
use super::provider::Provider;
use super::{RotationError, SILENCE};
use crate::resources::dbt::OauthConfiguration;

impl Work<'_> {
    /// The version that is being rotated in, if that is another one than the current one.
    pub(super) fn pending_elsewhere(&self) -> Option<&str> {
        self.stored.holder_of(PENDING).filter(|version| Some(*version) != self.current())
    }

    /// Whether a version's rotation may still go on. One that we hear of for the first time may. Judged by the clock alone:
    /// no message can make a rotation that is under way look dead.
    pub(super) async fn is_alive(&self, version: &str) -> Result<bool, RotationError> {
        match last_sign_in(&self.journal, version) {
            Some(sign) => Ok(self.rotation.clock.now().duration_since(sign.draft.at) < SILENCE),
            None => self.note_seen(version).await.map(|()| true),
        }
    }

    /// Takes back what was done for a version, in the order in which a login works after each call: dbt first, then the
    /// secret at the provider, then the stage. May be called again.
    pub(super) async fn give_up(&self, version: &str, why: &str) -> Result<(), RotationError> {
        let configuration = self.book.items.values().find(|item| item.kind == OauthConfiguration::KIND);
        // It may have been written and not recorded: what was begun counts as written.
        let has_it = configuration.is_some_and(|item| has_touched(&self.journal, &item.address, version));
        if has_it || self.held_by_dbt() == Some(version) {
            self.give_current().await?;
        }
        match &self.provider {
            Provider::Okta(okta) => okta.end_version(self, version).await?,
            Provider::Entra(entra) => entra.end_version(self, version).await?,
        }
        let gate = self.gate();
        self.lease.fresh().await?;
        self.systems.secrets.writer(&gate)?.move_stage(&self.stored.arn, PENDING, Some(version), None).await?;
        self.note_given_up(version, why).await
    }
}
