//! Graph's errors: `{"error": {"code", "message", "innerError"}}`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::ids;

/// An answer other than success.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
    details: Vec<Value>,
    headers: Vec<(&'static str, String)>,
}

/// What every handler returns.
pub(super) type Answer = Result<Response, Problem>;

/// The problem behind an answer, in its extensions until the layer around every call writes the request's ids into the
/// body.
#[derive(Clone)]
pub(super) struct Refused(pub Problem);

impl Problem {
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, code, message: message.into(), details: Vec::new(), headers: Vec::new() }
    }

    /// The same with one more header.
    pub fn with(mut self, header: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((header, value.into()));
        self
    }

    /// The same with an entry in `details`.
    pub fn detail(mut self, code: &str, target: &str) -> Self {
        let detail = json!({"code": code, "message": self.message, "target": target});
        self.details.push(detail);
        self
    }

    /// The id is unknown, not replicated yet, or a client id where an object id belongs (recorded).
    pub fn not_found(id: &str) -> Self {
        let text = "does not exist or one of its queried reference-property objects are not present.";
        Self::new(404, "Request_ResourceNotFound", format!("Resource '{id}' {text}"))
    }

    /// The same of a reference in a body: 400.
    pub fn no_reference(id: &str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: "Request_BadRequest", ..Self::not_found(id) }
    }

    /// `Request_BadRequest`.
    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "Request_BadRequest", message)
    }

    /// A property's value makes no sense.
    pub fn invalid(property: &str) -> Self {
        Self::bad(format!("Invalid value specified for property '{property}' of resource 'Application'."))
            .detail("InvalidValue", property)
    }

    /// The token lacks the permission (recorded).
    pub fn forbidden() -> Self {
        Self::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    }

    /// No token, or none that Graph takes.
    pub fn no_token(message: &str) -> Self {
        Self::new(401, "InvalidAuthenticationToken", message).with(
            "www-authenticate",
            "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
             client_id=\"00000003-0000-0000-c000-000000000000\"",
        )
    }

    /// The value is taken. The status is by memory of clients' error handling; Graph's reference names none.
    pub fn conflict(property: &str) -> Self {
        let text =
            "A conflicting object with one or more of the specified property values is present in the directory.";
        Self::new(400, "Request_MultipleObjectsWithSameKeyValue", text).detail("ObjectConflict", property)
    }

    /// Over the limit; the code is by memory.
    pub fn throttled() -> Self {
        Self::new(429, "TooManyRequests", "Too many requests.")
    }

    /// What Graph has and this stand-in has not.
    pub fn not_implemented() -> Self {
        Self::new(501, "notImplemented", "The sandbox does not stand in for this part of Microsoft Graph.")
    }

    /// What Graph answers with this status and no particular reason.
    pub fn of_status(status: u16) -> Self {
        match status {
            400 => Self::bad("One or more property values specified are invalid."),
            401 => Self::no_token("Access token is empty."),
            403 => Self::forbidden(),
            404 => Self::not_found("unknown"),
            405 => Self::new(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target."),
            409 => {
                Self::new(409, "Directory_ConcurrencyViolation", "Unable to complete the request due to data conflict.")
            }
            429 => Self::throttled(),
            501 => Self::not_implemented(),
            503 => Self::new(503, "serviceNotAvailable", "The service is temporarily unavailable."),
            504 => Self::new(504, "UnknownError", ""),
            status => Self::new(status, "generalException", "General exception while processing"),
        }
    }

    /// The answer with these ids.
    pub fn answer(&self, now: Timestamp, request_id: &str, client_request_id: &str) -> Response {
        let mut error = json!({
            "code": self.code, "message": self.message,
            "innerError": {
                "date": ids::error_time(now), "request-id": request_id, "client-request-id": client_request_id,
            },
        });
        if !self.details.is_empty() {
            error["details"] = json!(self.details);
        }
        let body = json!({"error": error}).to_string();
        let mut response = (self.status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
        for (name, value) in &self.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().append(*name, value);
            }
        }
        response
    }
}

impl IntoResponse for Problem {
    /// With ids of its own; the layer around every call writes the request's.
    fn into_response(self) -> Response {
        let id = ids::guid();
        let mut response = self.answer(Timestamp::now(), &id, &id);
        response.extensions_mut().insert(Refused(self));
        response
    }
}
