//! What the API stands on, so that a test can put something else there.

use std::future::Future;
use std::time::Duration;

use extoauth_core::alert::Alert;
use extoauth_core::engine::{Book, Ledger, LedgerError};
use extoauth_core::ids::{IntegrationName, Subject, TrustKey};
use extoauth_core::registry::{CheckRecord, IntegrationRecord, Registry, TrustRecord};
use extoauth_core::request::{RequestId, StoredRequest};
use extoauth_core::rights::SystemRights;
use extoauth_core::systems::SystemId;
use http::Request;
use jiff::Timestamp;

use super::answer::{Answer, problem, unavailable};
use crate::store::{Delivery, Held, Placed, Store, StoreError};

/// How long a delivery is remembered: twice the five minutes around now in which a signature is good, and a little more.
const REMEMBERED: Duration = Duration::from_secs(15 * 60);

/// Who calls, by the key that was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The ticket system's instance that the key is bound to.
    pub instance: String,
    /// Whether the key may post.
    pub writes: bool,
    /// Whether the key may read.
    pub reads: bool,
    /// `webhook-id` of a signed call.
    pub delivery: Option<String>,
}

/// Why a call is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No key, or one that is not known, or a signature that does not fit; says which, never why in detail.
    Unauthenticated(String),
    /// The keys cannot be read now.
    Unavailable,
}

impl Refusal {
    pub(super) fn answer(self) -> Answer {
        match self {
            Self::Unauthenticated(detail) => {
                problem(401, detail).header(http::header::WWW_AUTHENTICATE, "Bearer realm=\"extoauth\"")
            }
            Self::Unavailable => unavailable("The keys of the callers cannot be read now."),
        }
    }
}

/// Tells who calls.
pub trait Door: Send + Sync {
    /// Checks the key or the signature of a call, over its raw body and before anything of it is read.
    fn admit(&self, call: &Request<Vec<u8>>, now: Timestamp) -> impl Future<Output = Result<Caller, Refusal>> + Send;
}

/// What became of a request that was to be stored.
#[derive(Debug)]
pub enum Placing<H> {
    /// It is stored.
    New(H),
    /// One with its id was there before.
    Existing(H),
    /// It was changed by somebody else since it was read: read again.
    Changed,
}

/// Keeps requests, and what is known of integrations.
pub trait State: Send + Sync {
    /// A stored request, with what is needed to change it.
    type Held: Send + Sync;

    /// The request itself.
    fn request<'a>(&self, held: &'a Self::Held) -> &'a StoredRequest;

    /// Remembers a delivery and says whether it was seen before.
    fn deliver(
        &self,
        instance: &str,
        webhook_id: &str,
        body_digest: &str,
    ) -> impl Future<Output = Result<Delivery, StoreError>> + Send;

    /// The request of an id.
    fn find(&self, id: &RequestId) -> impl Future<Output = Result<Option<Self::Held>, StoreError>> + Send;

    /// Stores a request unless there is one with its id.
    fn place(&self, request: StoredRequest) -> impl Future<Output = Result<Placing<Self::Held>, StoreError>> + Send;

    /// Replaces a request by its next attempt.
    fn place_next(
        &self,
        before: &Self::Held,
        request: StoredRequest,
    ) -> impl Future<Output = Result<Placing<Self::Held>, StoreError>> + Send;

    /// Notes that the request's message was sent.
    fn mark_queued(&self, held: &Self::Held) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// All integrations, by name.
    fn integrations(&self) -> impl Future<Output = Result<Vec<IntegrationRecord>, StoreError>> + Send;

    /// An integration.
    fn integration(
        &self,
        name: &IntegrationName,
    ) -> impl Future<Output = Result<Option<IntegrationRecord>, StoreError>> + Send;

    /// A trust.
    fn trust(&self, key: &TrustKey) -> impl Future<Output = Result<Option<TrustRecord>, StoreError>> + Send;

    /// The inventory of a subject.
    fn book(&self, subject: &Subject) -> impl Future<Output = Result<Book, StoreError>> + Send;

    /// When the journal of a subject got its last entry.
    fn last_change(&self, subject: &Subject) -> impl Future<Output = Result<Option<Timestamp>, StoreError>> + Send;

    /// What the last check of an integration saw.
    fn last_check(
        &self,
        name: &IntegrationName,
    ) -> impl Future<Output = Result<Option<CheckRecord>, StoreError>> + Send;

    /// All alerts.
    fn alerts(&self) -> impl Future<Output = Result<Vec<Alert>, StoreError>> + Send;

    /// Our rights in a system, as they were last seen.
    fn rights(&self, system: &SystemId) -> impl Future<Output = Result<Option<SystemRights>, StoreError>> + Send;
}

/// Sends messages about requests.
pub trait Outbox: Send + Sync {
    /// Sends the message that names this request and attempt. Sent twice, it arrives once, or does no harm.
    ///
    /// # Errors
    /// Why it could not be sent, for the log.
    fn send(&self, request: &StoredRequest) -> impl Future<Output = Result<(), String>> + Send;
}

impl State for Store {
    type Held = Held;

    fn request<'a>(&self, held: &'a Held) -> &'a StoredRequest {
        &held.request
    }

    async fn deliver(&self, instance: &str, webhook_id: &str, body_digest: &str) -> Result<Delivery, StoreError> {
        Self::deliver(self, instance, webhook_id, body_digest, REMEMBERED).await
    }

    async fn find(&self, id: &RequestId) -> Result<Option<Held>, StoreError> {
        Self::request(self, id).await
    }

    async fn place(&self, request: StoredRequest) -> Result<Placing<Held>, StoreError> {
        match Self::place(self, request).await {
            Ok(Placed::New(held)) => Ok(Placing::New(held)),
            Ok(Placed::Existing(held)) => Ok(Placing::Existing(held)),
            Err(StoreError::Changed) => Ok(Placing::Changed),
            Err(error) => Err(error),
        }
    }

    async fn place_next(&self, before: &Held, request: StoredRequest) -> Result<Placing<Held>, StoreError> {
        match Self::place_next(self, before, request).await {
            Ok(held) => Ok(Placing::New(held)),
            Err(StoreError::Changed) => Ok(Placing::Changed),
            Err(error) => Err(error),
        }
    }

    async fn mark_queued(&self, held: &Held) -> Result<(), StoreError> {
        Self::mark_queued(self, held).await
    }

    async fn integrations(&self) -> Result<Vec<IntegrationRecord>, StoreError> {
        Registry::integrations(self).await.map_err(read_failed)
    }

    async fn integration(&self, name: &IntegrationName) -> Result<Option<IntegrationRecord>, StoreError> {
        Registry::integration(self, name).await.map_err(read_failed)
    }

    async fn trust(&self, key: &TrustKey) -> Result<Option<TrustRecord>, StoreError> {
        Registry::trust(self, key).await.map_err(read_failed)
    }

    async fn book(&self, subject: &Subject) -> Result<Book, StoreError> {
        Ledger::load(self, subject).await.map_err(read_failed)
    }

    async fn last_change(&self, subject: &Subject) -> Result<Option<Timestamp>, StoreError> {
        Self::last_change(self, subject).await
    }

    async fn last_check(&self, name: &IntegrationName) -> Result<Option<CheckRecord>, StoreError> {
        Registry::last_check(self, name).await.map_err(read_failed)
    }

    async fn alerts(&self) -> Result<Vec<Alert>, StoreError> {
        Self::alerts(self).await
    }

    async fn rights(&self, system: &SystemId) -> Result<Option<SystemRights>, StoreError> {
        Registry::rights(self, system).await.map_err(read_failed)
    }
}

/// Reading holds no lease, so it is the store that failed.
fn read_failed(error: LedgerError) -> StoreError {
    match error {
        LedgerError::Store(error) | LedgerError::Fenced(error) => StoreError::Failed(error),
    }
}
