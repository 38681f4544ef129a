//! What is stored of a request, and what `GET /requests/{id}` shows of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Content, Digest, RequestId};
use crate::engine::{Plan, Step};
use crate::finding::Finding;
use crate::handoff::Handoff;

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Stored and queued.
    Accepted,
    /// Being worked on.
    Running,
    /// Interrupted for a short time (the invocation's end, a vendor's cooldown); goes on by itself.
    Paused,
    /// Waits for a person or a time.
    Waiting,
    /// Every resource is in its state and no finding is critical.
    Succeeded,
    /// Ended without that; `error` and the findings say why.
    Failed,
}

impl Status {
    /// Whether it has ended.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// What a request waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingFor {
    /// Who must act; `nobody` for a time.
    pub who: String,
    /// What must happen.
    pub what: String,
    /// Since when.
    pub since: Timestamp,
    /// When it goes on by itself at the latest.
    pub until: Option<Timestamp>,
}

/// Why a request has failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestError {
    /// Stable code; see [`codes`].
    pub code: String,
    /// What happened.
    pub message: String,
    /// In which system, where it was one: `okta/acme`.
    pub system: Option<String>,
    /// What to do.
    pub fix: String,
}

/// The stable codes of [`RequestError`] that callers rely on.
pub mod codes {
    /// The ticket is not approved.
    pub const NOT_APPROVED: &str = "not_approved";
    /// The ticket asks for something else than the request.
    pub const TICKET_MISMATCH: &str = "ticket_mismatch";
    /// The requester, the catalogue item or the approver is not allowed.
    pub const NOT_ALLOWED: &str = "not_allowed";
    /// The digest of the plan does not fit any more.
    pub const PLAN_CHANGED: &str = "plan_changed";
    /// Configuration or policy does not allow it any more.
    pub const NOT_VALID: &str = "not_valid";
}

/// A request as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRequest {
    /// Version of this shape: [`StoredRequest::SCHEMA`].
    pub schema: u32,
    /// Its id.
    pub id: RequestId,
    /// What is asked.
    pub content: Content,
    /// Digest of the content.
    pub digest: Digest,
    /// Where it stands.
    pub status: Status,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// When it was first posted.
    pub created: Timestamp,
    /// When it changed last.
    pub updated: Timestamp,
    /// Whether its message was sent; until then the sweep sends it.
    pub queued: bool,
    /// `webhook-id` of the delivery that began this attempt: the same delivery again is no new attempt.
    pub delivery: Option<String>,
    /// What it waits for, or waited for last: shown while it does.
    pub waiting_for: Option<WaitingFor>,
    /// What is done to each resource.
    pub steps: Vec<Step>,
    /// What the checks say.
    pub findings: Vec<Finding>,
    /// What people must do.
    pub handoffs: Vec<Handoff>,
    /// What would change, or has changed.
    pub plan: Option<Plan>,
    /// Why it failed.
    pub error: Option<RequestError>,
}

impl StoredRequest {
    /// Version of the stored shape.
    pub const SCHEMA: u32 = 1;

    /// A request that has just come.
    pub fn new(content: Content, delivery: Option<String>, now: Timestamp) -> Self {
        Self {
            schema: Self::SCHEMA,
            id: content.id(),
            digest: content.digest(),
            content,
            status: Status::Accepted,
            attempt: 1,
            created: now,
            updated: now,
            queued: false,
            delivery,
            waiting_for: None,
            steps: Vec::new(),
            findings: Vec::new(),
            handoffs: Vec::new(),
            plan: None,
            error: None,
        }
    }

    /// The next attempt of this request: same id, what the last one found forgotten.
    #[must_use]
    pub fn next_attempt(&self, content: Content, delivery: Option<String>, now: Timestamp) -> Self {
        Self { attempt: self.attempt.saturating_add(1), created: self.created, ..Self::new(content, delivery, now) }
    }

    /// What `GET /requests/{id}` answers.
    pub fn report(&self) -> Value {
        json!({
            "id": self.id,
            "action": self.content.action,
            "integration": self.content.integration,
            "status": self.status,
            "waiting_for": self.waiting_for.as_ref().filter(|_| matches!(self.status, Status::Paused | Status::Waiting)),
            "steps": self.steps,
            "findings": self.findings,
            "handoffs": self.handoffs,
            "plan": self.plan,
            "error": self.error,
            "attempt": self.attempt,
            "created": self.created,
            "updated": self.updated,
            "ticket": { "instance": self.content.instance, "number": self.content.ticket.number },
        })
    }
}
