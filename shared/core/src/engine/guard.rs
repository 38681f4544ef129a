//! Leases as a run holds them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::OwnedMutexGuard;

use super::ledger::{Lease, Leases, LedgerError};
use super::run::StepError;
use crate::clock::Clock;

/// The lease on the run's subject, kept alive while the run works, and the way to further ones.
pub struct LeaseGuard<'a> {
    leases: &'a dyn Leases,
    clock: &'a dyn Clock,
    ttl: Duration,
    own: Mutex<Lease>,
    steps: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

/// The lease on a shared object, held by one step.
pub(super) struct SharedLease {
    lease: Lease,
    _alone: OwnedMutexGuard<()>,
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
        Ok(acquire(leases, key, owner, ttl, wait).await?.map(|lease| Self {
            leases,
            clock,
            ttl,
            own: Mutex::new(lease),
            steps: Mutex::default(),
        }))
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
    ///
    /// # Errors
    /// Another run has taken over, or the store failed: no further write may be made.
    pub async fn fresh(&self) -> Result<(), LedgerError> {
        let own = self.own();
        if left(&own, self.clock.now()) < SignedDuration::from_secs(45) {
            let renewed = self.leases.renew(&own, self.ttl).await?;
            *self.own.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = renewed;
        }
        Ok(())
    }

    /// Takes the lease on a shared object for the time of one change.
    ///
    /// The owner is the request, so that a later try of it goes on at once, whichever step held the lease when the one
    /// before died. Steps of one run exclude each other here, in the process.
    pub(super) async fn share(&self, key: &str, wait: Duration) -> Result<SharedLease, StepError> {
        let step = {
            let mut steps = self.steps.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            Arc::clone(steps.entry(key.to_owned()).or_default())
        };
        let alone = step.lock_owned().await;
        let owner = self.own().owner;
        let lease = acquire(self.leases, key, &owner, self.ttl, wait)
            .await?
            .ok_or_else(|| StepError::Busy { key: key.to_owned() })?;
        Ok(SharedLease { lease, _alone: alone })
    }

    pub(super) async fn give_back(&self, held: SharedLease) {
        if let Err(error) = self.leases.release(&held.lease).await {
            tracing::warn!(lease = %held.lease.key, %error, "a lease could not be given back; it ends by itself");
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
