//! How an invocation ends, as its caller sees it.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

/// The end of one invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// What the function answered.
    Answer(Bytes),
    /// The payload that Lambda returns with `X-Amz-Function-Error: Unhandled`.
    Failed(Failure),
}

/// Why an invocation failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// JSON with `errorType` and `errorMessage`.
    pub(super) payload: Bytes,
}

impl Outcome {
    /// What the function reported through the Runtime API.
    pub(super) fn reported(payload: Bytes) -> Self {
        Self::Failed(Failure { payload })
    }

    /// Killed at its deadline.
    pub(super) fn timed_out(request_id: &str, after: Duration) -> Self {
        let text = format!("RequestId: {request_id} Error: Task timed out after {:.2} seconds", after.as_secs_f64());
        Self::failed("Sandbox.Timedout", &text)
    }

    /// The process ended without an answer.
    pub(super) fn exited(request_id: &str, how: &str) -> Self {
        let text = match how {
            "exit status 0" => format!("RequestId: {request_id} Error: Runtime exited without providing a reason"),
            how => format!("RequestId: {request_id} Error: Runtime exited with error: {how}"),
        };
        Self::failed("Runtime.ExitError", &text)
    }

    /// The process could not be started.
    pub(super) fn not_started(request_id: &str, error: &anyhow::Error) -> Self {
        Self::failed("Runtime.InvalidEntrypoint", &format!("RequestId: {request_id} Error: {error:#}"))
    }

    /// The answer is larger than Lambda carries.
    pub(super) fn too_large(limit: usize) -> Self {
        let text = format!("Response payload size exceeded maximum allowed payload size ({limit} bytes).");
        Self::failed("Function.ResponseSizeTooLarge", &text)
    }

    fn failed(kind: &str, message: &str) -> Self {
        let payload = json!({ "errorType": kind, "errorMessage": message }).to_string();
        Self::Failed(Failure { payload: payload.into() })
    }
}

impl Failure {
    /// `errorType: errorMessage`, for the sandbox's own messages.
    pub(super) fn summary(&self) -> String {
        let value: Value = serde_json::from_slice(&self.payload).unwrap_or_default();
        let field = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or("?").to_owned();
        format!("{}: {}", field("errorType"), field("errorMessage"))
    }
}
