//! Errors as the Table API words them.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

/// What a handler gives back.
pub(super) type Answer = Result<Response, Problem>;

/// An error answer.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    message: String,
    detail: Value,
    retry_after: Option<u64>,
}

impl Problem {
    fn new(status: StatusCode, message: impl Into<String>, detail: &str) -> Self {
        Self { status, message: message.into(), detail: json!(detail), retry_after: None }
    }

    /// 401.
    pub(super) fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "User Not Authenticated", "Required to provide Auth information")
    }

    /// 403: no right on the table at all.
    pub(super) fn unauthorized() -> Self {
        Self::new(StatusCode::FORBIDDEN, "User Not Authorized", "Failed API level ACL Validation")
    }

    /// 403: a right or a business rule stopped the operation.
    pub(super) fn failed(detail: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Operation Failed", detail)
    }

    /// 404.
    pub(super) fn no_record() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "No Record found",
            "Record doesn't exist or ACL restricts the record retrieval",
        )
    }

    /// 400.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self { detail: Value::Null, ..Self::new(StatusCode::BAD_REQUEST, message, "") }
    }

    /// 429 with the seconds to wait.
    pub(super) fn throttled(seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "Rate limit exceeded",
                "Rejected by a REST API rate limit rule of this instance",
            )
        }
    }

    /// Any status without a particular reason.
    pub(super) fn of_status(status: u16) -> Self {
        match status {
            401 => Self::unauthenticated(),
            403 => Self::unauthorized(),
            404 => Self::no_record(),
            429 => Self::throttled(30),
            other => Self::new(
                StatusCode::from_u16(other).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
                "Transaction failed",
                "The request could not be completed",
            ),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({"error": {"message": self.message, "detail": self.detail}, "status": "failure"});
        let mut answer = (self.status, Json(body)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            answer
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("BASIC realm=\"Service-now\""));
        }
        if let Some(seconds) = self.retry_after {
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        answer
    }
}

/// `{"result": …}`.
pub(super) fn result(status: StatusCode, value: Value) -> Response {
    (status, Json(json!({"result": value}))).into_response()
}
