//! What one credential's calls to one system share: how many may be in flight, and until when they must wait.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::policy::LONGEST_WAIT;

/// Calls in flight to one system with one credential. Okta lets an org have 35 to 75 at once and one principal half of
/// them; a recipe never has more than a few that do not wait for each other.
const IN_FLIGHT: usize = 8;

/// A gate. One refusal for a limit closes it for everybody, instead of each call finding out for itself.
pub(crate) struct Gate {
    permits: Semaphore,
    /// By the vendor's bucket; the empty name stands for all.
    closed: Mutex<HashMap<&'static str, Instant>>,
    /// Held by writes that the vendor cannot take in parallel.
    pub(crate) serial: tokio::sync::Mutex<()>,
}

/// Why the gate was not passed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shut {
    /// The limit opens again only after this time.
    For(Duration),
    /// No call came back in the time that there was.
    Busy,
}

/// Waiting that a call did at its gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Waited(pub(super) Duration);

impl Gate {
    pub(super) fn new() -> Self {
        Self {
            permits: Semaphore::new(IN_FLIGHT),
            closed: Mutex::new(HashMap::new()),
            serial: tokio::sync::Mutex::new(()),
        }
    }

    fn closed(&self) -> MutexGuard<'_, HashMap<&'static str, Instant>> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes one bucket (or all of them, `""`) for a time. An earlier, longer closing stays.
    pub(super) fn close(&self, bucket: &'static str, wait: Duration) {
        let until = Instant::now() + wait;
        let mut closed = self.closed();
        let present = closed.entry(bucket).or_insert(until);
        *present = (*present).max(until);
    }

    fn wait(&self, bucket: &'static str) -> Duration {
        let now = Instant::now();
        let closed = self.closed();
        let until = |name| closed.get(name).map_or(Duration::ZERO, |at: &Instant| at.saturating_duration_since(now));
        until(bucket).max(until(""))
    }

    /// Waits for the bucket to open and for a free place, within `time`.
    pub(super) async fn enter(
        &self,
        bucket: &'static str,
        time: Duration,
    ) -> Result<(SemaphorePermit<'_>, Waited), Shut> {
        let start = Instant::now();
        let mut waited = Duration::ZERO;
        loop {
            let left = time.saturating_sub(start.elapsed());
            let wait = self.wait(bucket);
            if wait > left.min(LONGEST_WAIT) {
                return Err(Shut::For(wait));
            }
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
                waited += wait;
            }
            let left = time.saturating_sub(start.elapsed());
            let permit = match tokio::time::timeout(left, self.permits.acquire()).await {
                Ok(Ok(permit)) => permit,
                Ok(Err(_)) | Err(_) => return Err(Shut::Busy),
            };
            if self.wait(bucket).is_zero() {
                return Ok((permit, Waited(waited)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEC: fn(u64) -> Duration = Duration::from_secs;

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn a_closed_bucket_holds_its_own_calls() {
        let gate = Gate::new();
        gate.close("apps", SEC(20));
        let start = Instant::now();
        assert!(gate.enter("rest", SEC(60)).await.is_ok());
        assert_eq!(start.elapsed(), Duration::ZERO);
        let (_permit, waited) = gate.enter("apps", SEC(60)).await.expect("opens within the time");
        assert_eq!(waited, Waited(SEC(20)));
        assert!(start.elapsed() >= SEC(20));
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn a_wait_that_does_not_fit_is_not_begun() {
        let gate = Gate::new();
        gate.close("", SEC(300));
        let start = Instant::now();
        assert_eq!(gate.enter("apps", SEC(10)).await.err(), Some(Shut::For(SEC(300))));
        assert_eq!(gate.enter("apps", Duration::MAX).await.err(), Some(Shut::For(SEC(300))));
        assert_eq!(start.elapsed(), Duration::ZERO);
        gate.close("", SEC(5));
        assert_eq!(gate.wait("apps"), SEC(300));
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn only_so_many_are_in_flight() {
        let gate = Gate::new();
        let mut held = Vec::new();
        for _ in 0..IN_FLIGHT {
            held.push(gate.enter("", SEC(1)).await.expect("a free place"));
        }
        assert_eq!(gate.enter("", SEC(1)).await.err(), Some(Shut::Busy));
        held.pop();
        assert!(gate.enter("", SEC(1)).await.is_ok());
    }
}
