//! What the API stands on, so that a test can put something else there.

use std::future::Future;
use std::time::Duration;

use extoauth_core::engine::LedgerError;
use extoauth_core::ids::IntegrationName;
use extoauth_core::registry::Registry;
use extoauth_core::request::{RequestId, StoredRequest};
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

/// Keeps requests.
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

    /// Whether there is an integration of this name.
    fn knows(&self, integration: &IntegrationName) -> impl Future<Output = Result<bool, StoreError>> + Send;
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

    async fn knows(&self, integration: &IntegrationName) -> Result<bool, StoreError> {
        match Registry::integration(self, integration).await {
            Ok(found) => Ok(found.is_some()),
            Err(LedgerError::Store(error) | LedgerError::Fenced(error)) => Err(StoreError::Failed(error)),
        }
    }
}
