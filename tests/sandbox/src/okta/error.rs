//! The two error shapes of Okta: the management API's, and OAuth's.

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::ids;

/// An answer other than success.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    status: StatusCode,
    body: Box<Body>,
    headers: Vec<(&'static str, String)>,
}

#[derive(Debug, Clone)]
enum Body {
    Management { code: String, summary: String, causes: Vec<String> },
    OAuth { error: &'static str, description: String },
}

/// What every handler returns.
pub(super) type Answer = Result<Response, Problem>;

impl Problem {
    /// An error of the management API.
    pub fn new(status: u16, code: &str, summary: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = Body::Management { code: code.to_owned(), summary: summary.into(), causes: Vec::new() };
        Self { status, body: Box::new(body), headers: Vec::new() }
    }

    /// An error of an OAuth endpoint.
    pub fn oauth(status: u16, error: &'static str, description: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        let body = Body::OAuth { error, description: description.into() };
        Self { status, body: Box::new(body), headers: Vec::new() }
    }

    /// The same with one more header.
    pub fn with(mut self, header: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((header, value.into()));
        self
    }

    /// `E0000001`: what was sent is not valid; also for duplicates.
    pub fn invalid<C: Into<String>>(what: &str, causes: impl IntoIterator<Item = C>) -> Self {
        let mut problem = Self::new(400, "E0000001", format!("Api validation failed: {what}"));
        if let Body::Management { causes: list, .. } = &mut *problem.body {
            *list = causes.into_iter().map(Into::into).collect();
        }
        problem
    }

    /// `E0000007`.
    pub fn not_found(id: &str, kind: &str) -> Self {
        Self::new(404, "E0000007", format!("Not found: Resource not found: {id} ({kind})"))
    }

    /// `E0000003`.
    pub fn malformed() -> Self {
        Self::new(400, "E0000003", "The request body was not well-formed.")
    }

    /// `E0000006`: scope or role missing.
    pub fn forbidden() -> Self {
        Self::new(403, "E0000006", "You do not have permission to perform the requested action")
    }

    /// `E0000011`.
    pub fn bad_token() -> Self {
        Self::new(401, "E0000011", "Invalid token provided")
    }

    /// `E0000015`: the org has no API Access Management. A 401, although the token is good.
    pub fn no_feature() -> Self {
        Self::new(401, "E0000015", "You do not have permission to access the feature you are requesting")
    }

    /// `E0000047`.
    pub fn rate_limited() -> Self {
        Self::new(429, "E0000047", "API call exceeded rate limit due to too many requests.")
    }

    /// `E0000060`: part of Okta's API that this stand-in does not have.
    pub fn unsupported() -> Self {
        Self::new(501, "E0000060", "Unsupported operation.")
    }

    /// What Okta answers with this status and no particular reason.
    pub fn of_status(status: u16) -> Self {
        match status {
            400 => Self::malformed(),
            401 => Self::bad_token(),
            403 => Self::forbidden(),
            404 => Self::new(404, "E0000007", "Not found: Resource not found"),
            405 => Self::new(405, "E0000022", "The endpoint does not support the provided HTTP method"),
            423 => Self::new(423, "E0000239", "Policy priorities are being reconciled. Please try again later."),
            429 => Self::rate_limited(),
            501 => Self::unsupported(),
            503 => Self::new(503, "E0000010", "Service is in read only mode"),
            status => Self::new(status, "E0000009", "Internal Server Error"),
        }
    }

    /// `error` and `error_description` of an OAuth problem, to be carried in a redirect.
    pub fn parts(&self) -> (String, String) {
        match &*self.body {
            Body::OAuth { error, description } => ((*error).to_owned(), description.clone()),
            Body::Management { code, summary, .. } => (code.clone(), summary.clone()),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = match *self.body {
            Body::Management { code, summary, causes } => {
                let causes: Vec<_> = causes.iter().map(|cause| json!({"errorSummary": cause})).collect();
                json!({"errorCode": code, "errorSummary": summary, "errorLink": code,
                    "errorId": ids::error_id(), "errorCauses": causes})
            }
            Body::OAuth { error, description } => json!({"error": error, "error_description": description}),
        };
        let mut response = (self.status, Json(body)).into_response();
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().append(HeaderName::from_static(name), value);
            }
        }
        response
    }
}
