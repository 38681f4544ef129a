//! What the sender must know about a vendor.

use std::time::Duration;

use extoauth_core::error::{CallResult, ErrorKind};
use futures::future::BoxFuture;
use jiff::Timestamp;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::policy::Throttle;

/// An answer that is not the hoped-for one.
pub(crate) struct Answer<'a> {
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    /// The body, where it is JSON.
    pub(crate) body: Option<&'a Value>,
}

impl Answer<'_> {
    /// A text in the body, by JSON pointer.
    pub(crate) fn text(&self, pointer: &str) -> Option<&str> {
        self.body.and_then(|b| b.pointer(pointer)).and_then(Value::as_str).map(str::trim).filter(|s| !s.is_empty())
    }
}

/// What a refusing answer says.
pub(crate) struct Refusal {
    /// What it means (for a 4xx; the retry policy decides about 5xx).
    pub(crate) kind: ErrorKind,
    /// The vendor's code.
    pub(crate) code: Option<String>,
    /// The vendor's message, from its error fields only.
    pub(crate) message: String,
    /// A new credential or token may help.
    pub(crate) stale_credential: bool,
    /// For an object made a moment ago, the vendor's lag may be the cause.
    pub(crate) maybe_lag: bool,
}

impl Refusal {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, code: None, message: message.into(), stale_credential: false, maybe_lag: false }
    }
}

/// The ways of one vendor.
pub(crate) trait Vendor: Send + Sync {
    /// The vendor's id of the call.
    fn request_id(&self, headers: &HeaderMap) -> Option<String>;

    /// The limit's bucket that a path counts against; calls of one bucket wait together.
    fn bucket(&self, _path: &str) -> &'static str {
        ""
    }

    /// How long the bucket is empty, where a good answer says so.
    fn exhausted(&self, _headers: &HeaderMap, _now: Timestamp) -> Option<Duration> {
        None
    }

    /// What a 429 asks for.
    fn throttle(&self, headers: &HeaderMap, now: Timestamp) -> Throttle;

    /// What an error answer says.
    fn refusal(&self, answer: &Answer<'_>) -> Refusal;

    /// Headers that tell the vendor of a retry.
    fn mark_retry(&self, _headers: &mut HeaderMap, _retries: u32, _request_id: Option<&str>) {}
}

/// What signs a call.
#[derive(Default)]
pub(crate) struct Authorization {
    /// The headers to add, marked sensitive.
    pub(crate) headers: HeaderMap,
    /// The values to keep out of every error.
    pub(crate) secrets: Vec<SecretString>,
}

/// Signs calls.
pub(crate) trait Authorizer: Send + Sync {
    /// The headers for a call; `fresh` after the system refused the last ones.
    fn authorize<'a>(
        &'a self,
        method: &'a Method,
        url: &'a Url,
        fresh: bool,
    ) -> BoxFuture<'a, CallResult<Authorization>>;
}
