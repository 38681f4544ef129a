//! `finishSecret`: the new version becomes the current one, and the old one's grace begins.

use extoauth_core::engine::{ChangeKind, Event};
use extoauth_systems::secrets::PENDING;
use jiff::{SignedDuration, Timestamp};

use super::begin::Work;
use super::journal::{Grace, asked_in, grace_in};
use super::provider::Provider;
use super::{GRACE, RotationError, Unfollowed};

impl Work<'_> {
    /// This rotation, now that it has ended, if no request has asked for it: somebody must end the old secret.
    pub(super) async fn unfollowed(&self) -> Result<Option<Unfollowed>, RotationError> {
        if asked_in(&self.journal, self.token).is_some() {
            return Ok(None);
        }
        // Read anew: the grace may have begun just now.
        let journal = self.rotation.ledger.journal(&self.mark.subject).await?;
        let begun = grace_in(&journal).filter(|(_, grace)| grace.new == self.token);
        let since = begun.map(|(at, _)| at.checked_sub(SignedDuration::from_millis(1)).unwrap_or(Timestamp::MIN));
        Ok(since.map(|since| Unfollowed { integration: self.desired.name.clone(), since }))
    }

    pub(super) async fn finish(&self) -> Result<(), RotationError> {
        let gate = self.gate();
        let store = self.systems.secrets.writer(&gate)?;
        let arn = &self.stored.arn;
        if !self.is_current() {
            self.is_held()?;
            if let Provider::Okta(okta) = &self.provider {
                okta.note_current(self).await?;
            }
            let from = self.current();
            // Before the stage moves: which version it was on is not told any more afterwards, should this stop here.
            if let Some(old) = from {
                let until = self.now().checked_add(GRACE).unwrap_or(Timestamp::MAX);
                let grace = Grace { old: old.to_owned(), new: self.token.to_owned(), until };
                self.note(Event::Recorded, ChangeKind::Update, Some(&grace), "the old secret's grace begins").await?;
            }
            // Compare and swap: it fails if another version has become the current one meanwhile.
            store.make_current(arn, from, self.token).await?;
        }
        if self.stored.holder_of(PENDING) == Some(self.token) {
            store.move_stage(arn, PENDING, Some(self.token), None).await?;
        }
        Ok(())
    }
}
