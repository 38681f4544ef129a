//! From the outbox to the channels.

use std::time::Duration;

use extoauth_core::alert::Alerts;
use extoauth_core::notice::{Notice, NoticeKind};
use extoauth_systems::http::Deadline;
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::{Carrier, Channel, Notices, Sending};
use crate::store::{Claim, Claimed, Outgoing, Settled, Store, StoreError};
use crate::telemetry::{self, DeliveryMetrics};

/// Notices that one round takes from a channel.
const AT_ONCE: u16 = 50;
/// The longest that one message may take. A carrier's own limits are shorter; this one holds for all that it does.
const LONGEST: Duration = Duration::from_secs(20);
/// What must be left of the invocation before another message is begun: the message and the writes around it.
const LEAST: Duration = Duration::from_secs(25);
/// Failures in a row after which a channel is left alone until the next round.
const PATIENCE: u32 = 2;
/// After this time, and not before, a notice that is being sent counts as left by a process that died. Longer than any
/// sending takes.
const ABANDONED: SignedDuration = SignedDuration::from_mins(3);
/// Tries until a notice is given up: with the pauses between them about seven hours.
const TRIES: u32 = 12;

/// What a round of sending came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Messages that were taken.
    pub sent: u64,
    /// Messages that are tried again later.
    pub later: u64,
    /// Messages that were given up.
    pub failed: u64,
    /// Messages of which nobody can say whether they were sent.
    pub unknown: u64,
}

impl Delivered {
    fn count(&mut self, settled: &Settled) {
        match settled {
            Settled::Sent => self.sent += 1,
            Settled::Again(..) => self.later += 1,
            Settled::Failed(_) => self.failed += 1,
            Settled::Unknown(_) => self.unknown += 1,
            Settled::Off | Settled::Stale => {}
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            sent: self.sent + other.sent,
            later: self.later + other.later,
            failed: self.failed + other.failed,
            unknown: self.unknown + other.unknown,
        }
    }
}

impl Notices {
    /// Sends what is due by `now` (as the schedule says: a deployment's clock is its schedules'), all channels beside each
    /// other, and stops in time before the deadline. What is left is due for the next round; failures are logged and
    /// counted, never given back: telling is nobody's reason to fail. May run in several processes at once.
    pub async fn deliver_due(&self, store: &Store, now: Timestamp, deadline: Deadline) -> Delivered {
        let rounds = Channel::ALL.map(|channel| self.round(store, channel, now, deadline));
        let delivered = join_all(rounds).await.into_iter().fold(Delivered::default(), Delivered::and);
        if delivered != Delivered::default() {
            let Delivered { sent, later, failed, unknown } = delivered;
            tracing::info!(sent, later, failed, unknown, "notices were delivered");
            let deployment = self.deployment.clone();
            let figures = DeliveryMetrics { deployment, sent, later, lost: failed + unknown };
            telemetry::emit_delivery(&figures, Timestamp::now());
        }
        delivered
    }

    async fn round(&self, store: &Store, channel: Channel, now: Timestamp, deadline: Deadline) -> Delivered {
        let mut delivered = Delivered::default();
        let carrier = self.carriers.iter().find(|carrier| carrier.channel() == channel);
        if carrier.is_none() && self.on.contains(&channel) {
            // Some other process of the deployment sends there.
            return delivered;
        }
        let due = match store.outbox(channel, now, AT_ONCE).await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%channel, %error, "what is due on a channel could not be read");
                return delivered;
            }
        };
        let mut failures = 0;
        for one in &due {
            if failures >= PATIENCE || deadline.remaining() < LEAST {
                break;
            }
            match one_notice(store, carrier.map(AsRef::as_ref), one, now).await {
                Ok(Some(settled)) => {
                    let fine = matches!(settled, Settled::Sent | Settled::Off | Settled::Stale);
                    failures = if fine { 0 } else { failures + 1 };
                    delivered.count(&settled);
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%channel, notice = one.notice, %error, "the store failed while a notice was sent");
                    break;
                }
            }
        }
        delivered
    }
}

/// Takes one notice, sends it, stores what became of it. `None`: somebody else has it.
async fn one_notice(
    store: &Store,
    carrier: Option<&dyn Carrier>,
    due: &Outgoing,
    now: Timestamp,
) -> Result<Option<Settled>, StoreError> {
    let (claimed, interrupted) = match store.claim(due, now + ABANDONED).await? {
        Claim::Ours(claimed) => (claimed, false),
        Claim::Interrupted(claimed) => (claimed, true),
        Claim::Gone => return Ok(None),
    };
    let settled = match carrier {
        None => Settled::Off,
        Some(_) if interrupted && !due.channel.dedupes() => {
            Settled::Unknown("the process that sent it ended before an answer came".into())
        }
        Some(_) if is_stale(store, &claimed).await? => Settled::Stale,
        Some(carrier) => {
            let sending = tokio::time::timeout(LONGEST, carrier.carry(&claimed.notice)).await;
            let sending = sending.unwrap_or_else(|_| Sending::Unknown("no answer in time".into()));
            judge(&claimed, sending, now)
        }
    };
    let Notice { id, alert, .. } = &claimed.notice;
    let channel = claimed.channel;
    match &settled {
        Settled::Failed(why) => {
            tracing::error!(notice = id, alert, %channel, why, "a notice could not be sent and is given up");
        }
        Settled::Unknown(why) => {
            tracing::error!(notice = id, alert, %channel, why, "it is not known whether a notice was sent; it is not sent again");
        }
        Settled::Again(at, why) => {
            tracing::warn!(notice = id, %channel, why, %at, "a notice was not sent; it is tried again")
        }
        Settled::Sent | Settled::Off | Settled::Stale => {}
    }
    store.settle(&claimed, &settled).await?;
    Ok(Some(settled))
}

fn judge(claimed: &Claimed, sending: Sending, now: Timestamp) -> Settled {
    match sending {
        Sending::Sent => Settled::Sent,
        Sending::Unknown(why) if !claimed.channel.dedupes() => Settled::Unknown(why),
        Sending::NotSent(why) | Sending::Unknown(why) if claimed.tries >= TRIES => {
            Settled::Failed(format!("{why} (after {} tries)", claimed.tries))
        }
        Sending::NotSent(why) | Sending::Unknown(why) => Settled::Again(now + pause(claimed.tries), why),
    }
}

/// One minute, two, four, … at most an hour.
fn pause(tries: u32) -> SignedDuration {
    SignedDuration::from_mins(1_i64 << tries.saturating_sub(1).min(6)).min(SignedDuration::from_hours(1))
}

/// An incident that is opened late, after its matter was mended, would stay open for ever: what closes it has come by
/// already.
async fn is_stale(store: &Store, claimed: &Claimed) -> Result<bool, StoreError> {
    let Notice { kind, about, alert: id, .. } = &claimed.notice;
    if claimed.channel != Channel::Incident || *kind != NoticeKind::Matter {
        return Ok(false);
    }
    let alerts = store.alerts_of(about).await.map_err(|error| StoreError::Failed(error.to_string()))?;
    Ok(!alerts.iter().any(|alert| alert.id() == *id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_an_hour_and_all_of_them_outlast_an_outage() {
        let pauses: Vec<i64> = (1..TRIES).map(|tries| pause(tries).as_mins()).collect();
        assert_eq!(pauses[..7], [1, 2, 4, 8, 16, 32, 60]);
        assert!(pauses.iter().sum::<i64>() > 5 * 60);
    }
}
