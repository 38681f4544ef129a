//! Answers; errors as `application/problem+json` (RFC 9457).

use extoauth_core::problem::Problem;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use serde::Serialize;

/// Seconds after which a caller may look again, or try again.
pub(super) const SOON: u32 = 5;

/// An HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Status code.
    pub status: StatusCode,
    /// Headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Body: JSON, unless the headers say otherwise.
    pub body: Vec<u8>,
}

#[derive(Serialize)]
struct ProblemDetails<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[Problem]>::is_empty")]
    errors: &'a [Problem],
}

impl Answer {
    /// JSON with this status.
    pub(super) fn json(status: u16, body: &impl Serialize) -> Self {
        Self::with_type(status, "application/json", body)
    }

    /// A file.
    pub(super) fn file(content_type: &'static str, body: String) -> Self {
        Self::bytes(200, content_type, body.into_bytes())
    }

    fn with_type(status: u16, content_type: &'static str, body: &impl Serialize) -> Self {
        Self::bytes(status, content_type, serde_json::to_vec(body).expect("our answers are maps with text keys"))
    }

    fn bytes(status: u16, content_type: &'static str, body: Vec<u8>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = vec![
            (CONTENT_TYPE, HeaderValue::from_static(content_type)),
            // Where a request stands changes by the second, and concerns only who may read it.
            (http::header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        Self { status, headers, body }
    }

    /// The same with a header. A value that HTTP does not allow is left out.
    #[must_use]
    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// The same with `Retry-After`.
    #[must_use]
    pub(super) fn retry_after(self, seconds: u32) -> Self {
        self.header(RETRY_AFTER, &seconds.to_string())
    }

    /// 500: our own fault.
    pub fn failed(detail: &str) -> Self {
        problem(500, detail)
    }

    /// As the `http` crate has it.
    pub fn into_response(self) -> Response<Vec<u8>> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers);
        response
    }
}

/// An error without fields at fault.
pub(super) fn problem(status: u16, detail: impl AsRef<str>) -> Answer {
    problems(status, detail, &[])
}

/// An error with the fields at fault.
pub(super) fn problems(status: u16, detail: impl AsRef<str>, errors: &[Problem]) -> Answer {
    let title = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Error");
    let details = ProblemDetails { r#type: "about:blank", title, status, detail: detail.as_ref(), errors };
    Answer::with_type(status, "application/problem+json", &details)
}

/// What a later version does.
pub(super) fn not_built(what: &str) -> Answer {
    problem(501, format!("{what} comes with a later version."))
}

/// The store or the queue does not answer.
pub(super) fn unavailable(detail: &str) -> Answer {
    problem(503, detail).retry_after(SOON)
}
