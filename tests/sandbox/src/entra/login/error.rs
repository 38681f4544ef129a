//! Refusals of the sign-in endpoints: an OAuth error with Microsoft's code, its text, and the ids to ask support with.
//!
//! Codes and texts: Microsoft's list of AADSTS codes, published traffic, and where neither has them from memory; those
//! whose code is a guess say UNCONFIRMED. Callers branch on `error_codes`, never on the text.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::json;

use super::super::ids;

/// Why a sign-in goes no further.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    status: u16,
    /// OAuth's word.
    pub error: &'static str,
    /// Digits behind `AADSTS`.
    pub code: u32,
    text: String,
}

impl Refusal {
    /// A refusal with this status, OAuth error, code and text.
    pub fn new(status: u16, error: &'static str, code: u32, text: impl Into<String>) -> Self {
        Self { status, error, code, text: text.into() }
    }

    /// `invalid_request`.
    pub fn request(code: u32, text: impl Into<String>) -> Self {
        Self::new(400, "invalid_request", code, text)
    }

    /// `invalid_grant`.
    pub fn grant(code: u32, text: impl Into<String>) -> Self {
        Self::new(400, "invalid_grant", code, text)
    }

    /// `invalid_client`: the client did not prove itself.
    pub fn client(code: u32, text: impl Into<String>) -> Self {
        Self::new(401, "invalid_client", code, text)
    }

    /// A parameter that must be there.
    pub fn missing(parameter: &str) -> Self {
        let text = format!("The request body must contain the following parameter: '{parameter}'.");
        Self::request(900_144, text)
    }

    /// Nothing that can be read.
    pub fn malformed() -> Self {
        Self::grant(9_002_313, "Invalid request. Request is malformed or invalid.")
    }

    /// `AADSTS<code>: <text>`, without ids.
    pub fn headline(&self) -> String {
        format!("AADSTS{}: {}", self.code, self.text)
    }

    /// HTTP status, for pages too.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST)
    }

    /// `error_description` and the ids in it: trace, correlation, time.
    fn described(&self) -> (String, [String; 3]) {
        let ids = [ids::guid(), ids::guid(), Timestamp::now().strftime("%Y-%m-%d %H:%M:%SZ").to_string()];
        let [trace, correlation, time] = &ids;
        let headline = self.headline();
        let text = format!("{headline}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {time}");
        (text, ids)
    }

    /// `error_description`.
    pub fn description(&self) -> String {
        self.described().0
    }

    /// Where Microsoft explains the code.
    pub fn uri(&self) -> String {
        format!("https://login.microsoftonline.com/error?code={}", self.code)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (description, [trace_id, correlation_id, timestamp]) = self.described();
        let body = json!({
            "error": self.error, "error_description": description, "error_codes": [self.code],
            "timestamp": timestamp, "trace_id": trace_id, "correlation_id": correlation_id, "error_uri": self.uri(),
        });
        let mut response = (self.status(), Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-cache"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        response
    }
}
