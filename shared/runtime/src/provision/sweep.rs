//! The sweep: sends what was stored but not sent, what waits and is due, what got lost, and the notices that are due.

use std::time::Duration;

use extoauth_systems::http::Deadline;
use jiff::{SignedDuration, Timestamp};

use super::{Handled, Worker};

/// Requests that one sweep sends.
const AT_ONCE: u16 = 100;
/// When the next sweep looks at a request again that this one has sent and nobody worked on.
const AGAIN: SignedDuration = SignedDuration::from_mins(10);

impl Worker {
    /// `time` is "now" as the schedule says: a deployment's clock is its schedules'.
    pub(super) async fn sweep(&self, time: Timestamp, receipt: &str, deadline: Deadline) -> Handled {
        let now = self.clock.now().max(time);
        let due = match self.store.due(now, AT_ONCE).await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "the sweep could not read what is due");
                return self.again_after(receipt, Duration::from_secs(15)).await;
            }
        };
        for one in &due {
            if let Err(error) = self.resend(one, now).await {
                // The others are not kept waiting; this one is due again with the next sweep.
                tracing::warn!(request.id = %one.request, error, "the sweep could not send request `{}`", one.request);
            }
        }
        self.notices.deliver_due(&self.store, now, deadline).await;
        tracing::info!(sent = due.len(), "the sweep is done");
        Handled::Done
    }

    async fn resend(&self, due: &crate::store::Due, now: Timestamp) -> Result<(), String> {
        let Some(held) = self.store.request(&due.request).await.map_err(|e| e.to_string())? else { return Ok(()) };
        let occasion = self.clock.now().to_string();
        self.queue.send_request(&held.request, &occasion, Some(now)).await.map_err(|e| e.to_string())?;
        self.store.mark_resent(due, self.clock.now() + AGAIN).await.map_err(|e| e.to_string())
    }
}
