//! Leases as a run holds them.

use std::sync::Mutex;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::ledger::{Lease, Leases, LedgerError};
use super::run::StepError;
use crate::clock::Clock;
use crate::ids::Address;

/// The lease on the run's subject, kept alive while the run works, and the way to further ones.
pub struct LeaseGuard<'a> {
    leases: &'a dyn Leases,
    clock: &'a dyn Clock,
    ttl: Duration,
    own: Mutex<Lease>,
}

impl<'a> LeaseGuard<'a> {
    /// Takes the lease on `key`, waiting for another holder for at most `wait`; `None` if it is held longer.
    ///
    /// The owner is the request: a second try of the same request goes on at once, and its fence shuts the first out.
    ///
    /// # Errors
    /// The store failed.
    pub async fn take(
        leases: &'a dyn Leases,
        clock: &'a dyn Clock,
        key: &str,
        owner: &str,
        ttl: Duration,
        wait: Duration,
    ) -> Result<Option<Self>, LedgerError> {
        Ok(acquire(leases, key, owner, ttl, wait)
            .await?
            .map(|lease| Self { leases, clock, ttl, own: Mutex::new(lease) }))
    }

    /// The lease as it stands.
    pub fn own(&self) -> Lease {
        self.own.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Gives the lease back.
    ///
    /// # Errors
    /// The store failed; the lease then ends by itself.
    pub async fn release(self) -> Result<(), LedgerError> {
        self.leases.release(&self.own()).await
    }

    /// Makes sure that the lease lasts for the next call, which may take 30 seconds and more.
    pub(super) async fn fresh(&self) -> Result<(), StepError> {
        let own = self.own();
        if left(&own, self.clock.now()) < SignedDuration::from_secs(45) {
            let renewed = self.leases.renew(&own, self.ttl).await?;
            *self.own.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = renewed;
        }
        Ok(())
    }

    /// Takes the lease on a shared object for the time of one change.
    pub(super) async fn share(&self, key: &str, who: &Address, wait: Duration) -> Result<Lease, StepError> {
        // Two steps of one run exclude each other as well; a later try of the same step goes on at once.
        let owner = format!("{}/{who}", self.own().owner);
        acquire(self.leases, key, &owner, self.ttl, wait)
            .await?
            .ok_or_else(|| StepError::Busy { key: key.to_owned() })
    }

    pub(super) async fn give_back(&self, lease: &Lease) {
        if let Err(error) = self.leases.release(lease).await {
            tracing::warn!(lease = %lease.key, %error, "a lease could not be given back; it ends by itself");
        }
    }
}

async fn acquire(
    leases: &dyn Leases,
    key: &str,
    owner: &str,
    ttl: Duration,
    wait: Duration,
) -> Result<Option<Lease>, LedgerError> {
    let mut pause = Duration::from_millis(50);
    let mut waited = Duration::ZERO;
    loop {
        if let Some(lease) = leases.acquire(key, owner, ttl).await? {
            return Ok(Some(lease));
        }
        if waited >= wait {
            return Ok(None);
        }
        tokio::time::sleep(pause).await;
        waited += pause;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

fn left(lease: &Lease, now: Timestamp) -> SignedDuration {
    lease.until.duration_since(now)
}
