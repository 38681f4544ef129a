//! The one error of a remote call, as every caller sees it, whatever the system.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::systems::SystemId;

/// What a failed call means to the caller. Clients of a system translate the vendor's statuses and codes into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The credential is not accepted.
    Unauthorized,
    /// The credential lacks a right (the message names it where the vendor does).
    Forbidden,
    /// The tenant lacks a feature or licence (Okta's API Access Management).
    FeatureMissing,
    /// The vendor's IP allow-list refuses us.
    IpRestricted,
    /// The object is not there, or not visible to us.
    NotFound,
    /// Somebody else changes the object, or an earlier write is not visible yet: worth another try.
    Conflict,
    /// The vendor refuses the content. Trying again cannot help.
    Invalid,
    /// Over a limit; `retry_after` says how long.
    Throttled,
    /// The system is down or answered 5xx before acting, or the call never left: nothing was changed.
    Unavailable,
    /// The call was sent and its answer lost, cut or unreadable: it may or may not have acted.
    Ambiguous,
    /// The invocation's time is too short for the call, or for the wait that it needs: not sent.
    OutOfTime,
    /// We refuse: a host that is not configured, a lost lease, a write that policy forbids.
    Refused,
}

impl ErrorKind {
    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Conflict | Self::Throttled | Self::Unavailable | Self::Ambiguous | Self::OutOfTime)
    }
}

/// A failed call with its whole context. Its text never holds a secret: bodies of requests are never part of it, and
/// answers only as far as the vendor's own error fields.
#[derive(Clone, Debug, Serialize)]
pub struct CallError {
    /// What it means.
    pub kind: ErrorKind,
    /// The system that was called.
    pub system: SystemId,
    /// What was attempted, in words: `create authorization server`.
    pub operation: String,
    /// On what: an id or name.
    pub object: String,
    /// HTTP status, where an answer came.
    pub status: Option<u16>,
    /// The vendor's error code.
    pub code: Option<String>,
    /// The vendor's message, or ours.
    pub message: String,
    /// The vendor's id of the call, for its support.
    pub request_id: Option<String>,
    /// How long to wait before another try, where the vendor says.
    pub retry_after: Option<Duration>,
}

impl CallError {
    /// An error of our own making about a system (no answer involved).
    pub fn new(kind: ErrorKind, system: SystemId, operation: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind,
            system,
            operation: operation.into(),
            object: String::new(),
            status: None,
            code: None,
            message: message.into(),
            request_id: None,
            retry_after: None,
        }
    }

    /// Names the object that the call was about.
    #[must_use]
    pub fn on(mut self, object: impl Into<String>) -> Self {
        self.object = object.into();
        self
    }

    /// Whether the object was not there.
    pub fn is_not_found(&self) -> bool {
        self.kind == ErrorKind::NotFound
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.system, self.operation)?;
        if !self.object.is_empty() {
            write!(f, " `{}`", self.object)?;
        }
        write!(f, ": {}", self.message)?;
        let mut extra = Vec::new();
        if let Some(status) = self.status {
            extra.push(format!("HTTP {status}"));
        }
        if let Some(code) = &self.code {
            extra.push(code.clone());
        }
        if let Some(id) = &self.request_id {
            extra.push(format!("request {id}"));
        }
        if !extra.is_empty() {
            write!(f, " ({})", extra.join(", "))?;
        }
        Ok(())
    }
}

impl std::error::Error for CallError {}

/// The result of a remote call.
pub type CallResult<T> = Result<T, CallError>;

/// Makes `None` of "not found": most reads and all deletes want that.
pub fn absent_is_none<T>(result: CallResult<T>) -> CallResult<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e) if e.is_not_found() => Ok(None),
        Err(e) => Err(e),
    }
}
