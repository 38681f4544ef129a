//! Looking for the object of an address.

use jiff::Timestamp;
use serde_json::Value;

use super::One;
use crate::engine::later::Presence;
use crate::engine::ledger::{ChangeKind, Intent, InventoryItem};
use crate::engine::resource::{Found, Lookup, Resource};
use crate::engine::run::StepError;
use crate::error::{CallError, ErrorKind};
use crate::systems::Mode;

impl<R: Resource> One<'_, '_, R> {
    /// What the journal knows of the address.
    pub(super) fn known(&self) -> (Option<InventoryItem>, Option<Intent>) {
        let book = self.run.book();
        (book.items.get(self.address).cloned(), book.intents.get(self.address).cloned())
    }

    /// What stands at the address now, looked for in the way that the journal calls for.
    pub(super) async fn find(&self) -> Result<Found<R::Seen>, StepError> {
        match self.known() {
            (None, None) => {
                if let Some(seen) = self.find_superseded().await? {
                    return Ok(Found::Here(seen));
                }
                self.look(None, false).await
            }
            (None, Some(intent)) => self.settle(intent.at).await,
            (Some(item), _) => self.find_recorded(&item).await,
        }
    }

    /// A recorded object that a read does not show may be one that the vendor does not show everywhere yet: only after
    /// its lag it is taken for gone, since making another would be a duplicate.
    async fn find_recorded(&self, item: &InventoryItem) -> Result<Found<R::Seen>, StepError> {
        // Below a parent that was just made there is nothing to wait for.
        let patient = self.resource.parents() == Presence::Here;
        let since = self.run.now();
        let waits = Waits::begin(self, since);
        loop {
            let found = self.look(Some(&item.identity), false).await?;
            if !matches!(found, Found::Absent) || !patient || waits.are_over() {
                return Ok(found);
            }
            waits.a_moment().await;
        }
    }

    /// Looks for what an unconfirmed create may have made, until the vendor's lag has passed since it was sent.
    pub(super) async fn settle(&self, sent: Timestamp) -> Result<Found<R::Seen>, StepError> {
        let waits = Waits::begin(self, sent);
        loop {
            let found = self.but_superseded(self.look(None, true).await?)?;
            if matches!(found, Found::Here(_)) || R::REPEATABLE || waits.are_over() {
                return Ok(found);
            }
            waits.a_moment().await;
        }
    }

    /// While an object is replaced, the natural key may still find the old one. It is what is wanted only if nothing
    /// calls for its replacement any more.
    fn but_superseded(&self, found: Found<R::Seen>) -> Result<Found<R::Seen>, StepError> {
        let Found::Here(seen) = found else { return Ok(found) };
        let old = self.superseded(&seen)?.is_some() && self.compare(&seen).0 == ChangeKind::Replace;
        Ok(if old { Found::Absent } else { Found::Here(seen) })
    }

    /// An object that was to be replaced and is what is wanted again. It carries our mark, so that another one beside it
    /// could not be told from it.
    pub(super) async fn find_superseded(&self) -> Result<Option<R::Seen>, StepError> {
        if !self.any_superseded() {
            return Ok(None);
        }
        let Found::Here(seen) = self.but_superseded(self.look(None, true).await?)? else { return Ok(None) };
        Ok(self.superseded(&seen)?.map(|_| seen))
    }

    /// Where a person makes it: by record, else by natural key, since what they delete and make again, or make anew, has a
    /// new identity.
    pub(super) async fn find_by_hand(&self) -> Result<Found<R::Seen>, StepError> {
        let Some(item) = self.known().0 else { return self.look(None, false).await };
        let recorded = self.look(Some(&item.identity), false).await?;
        let replaced = match &recorded {
            Found::Here(seen) => self.compare(seen).0 == ChangeKind::Replace,
            _ => true,
        };
        if !replaced {
            return Ok(recorded);
        }
        let named = self.look(None, false).await?;
        Ok(if matches!(named, Found::Here(_)) { named } else { recorded })
    }

    async fn look(&self, recorded: Option<&Value>, intent: bool) -> Result<Found<R::Seen>, StepError> {
        let identity: Option<R::Identity> = match recorded {
            None => None,
            Some(value) => Some(serde_json::from_value(value.clone()).map_err(|e| self.unreadable(&e))?),
        };
        let by_hand = self.mode() != Mode::Manage;
        let lookup = Lookup { recorded: identity.as_ref(), intent, mark: &self.run.setting.mark, by_hand };
        Ok(Box::pin(self.resource.read(self.port.read(), &lookup)).await?)
    }

    pub(super) fn unreadable(&self, error: &serde_json::Error) -> StepError {
        let message = format!("the identity in our inventory cannot be read: {error}");
        CallError::new(ErrorKind::Invalid, self.port.id.clone(), "look up", message).on(self.address.to_string()).into()
    }
}

/// The time for which a vendor may not show what is there.
struct Waits<'o, 'r, 'a, R: Resource> {
    one: &'o One<'r, 'a, R>,
    since: Timestamp,
    begun: tokio::time::Instant,
    lag: std::time::Duration,
}

impl<'o, 'r, 'a, R: Resource> Waits<'o, 'r, 'a, R> {
    fn begin(one: &'o One<'r, 'a, R>, since: Timestamp) -> Self {
        let lag = R::LAG.min(one.run.setting.timing.lag_cap);
        Self { one, since, begun: tokio::time::Instant::now(), lag }
    }

    /// A clock that was wrong when the call was sent cannot make this longer than the lag.
    fn are_over(&self) -> bool {
        let passed = std::time::Duration::try_from(self.one.run.now().duration_since(self.since)).unwrap_or_default();
        passed.max(self.begun.elapsed()) >= self.lag
    }

    async fn a_moment(&self) {
        tokio::time::sleep(self.one.run.setting.timing.poll.min(self.lag)).await;
    }
}
