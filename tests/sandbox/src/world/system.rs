//! What a stand-in is, seen from the world around it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use serde_json::Value;

/// Every kind of system there is, by the names that the control API uses.
pub const KINDS: [&str; 18] = [
    "okta",
    "entra",
    "dbt",
    "servicenow",
    "redshift-wire",
    "sso-admin",
    "sso-oidc",
    "redshift",
    "redshift-data",
    "identitystore",
    "secretsmanager",
    "dynamodb",
    "sqs",
    "sns",
    "events",
    "scheduler",
    "sts",
    "ses",
];

/// Who makes a call: the name of the function (`provision`, `intake`, …) or `admin`. The world puts it into the
/// request's extensions: for HTTPS through the CONNECT proxy it is known from the proxy's credentials, for AWS from the
/// access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller(pub String);

/// A fault `lag:<ms>` in force for this call, in the request's extensions: what the call creates stays invisible to
/// reads for this long, as with a vendor's replication.
#[derive(Clone, Copy, Debug)]
pub struct Lag(pub Duration);

/// A call as the classification sees it.
pub struct CallView<'a> {
    /// HTTP method.
    pub method: &'a str,
    /// Path without the query.
    pub path: &'a str,
    /// Headers (AWS JSON services name their action in `x-amz-target`).
    pub headers: &'a http::HeaderMap,
    /// The whole body (AWS query services name their action there).
    pub body: &'a [u8],
}

/// What the record says of a call.
pub struct Classified {
    /// Path, or AWS action.
    pub path: String,
    /// Whether it can change an object of an administered system.
    pub write: bool,
}

/// Puts objects back to what they were when they were kept ([`System::keep`]); as often as it is called.
pub type PutBack = Box<dyn Fn() + Send + Sync>;

/// A stand-in of one remote system.
///
/// Its router is the vendor's API and nothing else: recording, faults and latency are laid around it by the world, once
/// for all systems.
pub trait System: Send + Sync + 'static {
    /// `okta`, `dbt`, `servicenow`, `sso-admin`, `sso-oidc`, `redshift`, …
    fn kind(&self) -> &'static str;

    /// The name of this instance in the systems configuration (`acme`, `main`, `acme.service-now.com`).
    fn name(&self) -> &str;

    /// The vendor's API.
    fn router(self: Arc<Self>) -> Router;

    /// What to write into the record of calls. The default fits REST APIs: any method but GET and HEAD writes.
    fn classify(&self, call: &CallView<'_>) -> Classified {
        Classified { path: call.path.to_owned(), write: !matches!(call.method, "GET" | "HEAD" | "OPTIONS") }
    }

    /// The answer of this vendor to a caller over its limit, headers included (fault `throttle`).
    fn throttled(&self) -> Response;

    /// The answer of this vendor with this status and no particular reason (fault `status:<n>`).
    fn failed(&self, status: u16) -> Response;

    /// `{collection: [objects as the vendor's API shows them to an admin]}`, secrets as `{"sha256": hex}`.
    fn state(&self) -> Value;

    /// Back to the objects it held at start.
    fn reset(&self);

    /// Keeps the objects as they are now, for the way back to them. The default keeps nothing: for a stand-in whose
    /// objects are kept elsewhere, or never change.
    fn keep(self: Arc<Self>) -> PutBack {
        Box::new(|| {})
    }
}

/// Shorthands for stand-ins in `Arc`s.
pub trait SystemExt: System + Sized {
    /// The stand-in as the world keeps it.
    fn shared(self: &Arc<Self>) -> Arc<dyn System> {
        Arc::clone(self) as Arc<dyn System>
    }
}

impl<S: System> SystemExt for S {}
