//! Limits and errors of Microsoft Graph and of the sign-in service, as the sender must know them.

use extoauth_core::error::ErrorKind;
use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderName};
use serde_json::Value;

use super::aadsts::Refused;
use crate::http::{Answer, Refusal, Throttle, Vendor, retry_after};

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const LOGIN_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");

const URI_POLICY: &str = "the tenant's policy takes only an Application ID URI that holds the app id, the tenant id or a \
    verified domain, such as `api://{app id}`";
const URI_TAKEN: &str = "another application of the tenant has the same value, perhaps one in the bin: take it out there, \
    or delete that application for good";

/// Microsoft Graph.
pub(super) struct Graph;

/// The sign-in service.
pub(super) struct Login;

fn throttle(headers: &HeaderMap, now: Timestamp) -> Throttle {
    retry_after(headers, now).map_or(Throttle::Unspecified, Throttle::After)
}

fn request_id(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

impl Vendor for Graph {
    fn request_id(&self, headers: &HeaderMap) -> Option<String> {
        request_id(headers, &REQUEST_ID)
    }

    /// `Retry-After` may be absent (Graph, throttling).
    fn throttle(&self, headers: &HeaderMap, now: Timestamp) -> Throttle {
        throttle(headers, now)
    }

    /// Lag is not told to the sender: what is waited for, and how, is in `visible`.
    fn refusal(&self, answer: &Answer<'_>) -> Refusal {
        let code = answer.text("/error/code").map(str::to_owned);
        let mut text = message(answer);
        let kind = match (answer.status.as_u16(), code.as_deref()) {
            (_, Some(code)) if code.ends_with("AsPerAppPolicy") => {
                text.push_str(": ");
                text.push_str(policy_advice(code));
                ErrorKind::Invalid
            }
            _ if text.contains("Failed to add identifier URI") => {
                text = format!("{text}: {URI_POLICY}");
                ErrorKind::Invalid
            }
            (400 | 409, _) if is_taken(&text) => {
                text = format!("{text}: {URI_TAKEN}");
                ErrorKind::Invalid
            }
            (401, _) => ErrorKind::Unauthorized,
            (403, _) => ErrorKind::Forbidden,
            (404, _) => ErrorKind::NotFound,
            (409 | 412 | 423, _) => ErrorKind::Conflict,
            (300..=399, _) => ErrorKind::Refused,
            _ => ErrorKind::Invalid,
        };
        Refusal { stale_credential: kind == ErrorKind::Unauthorized, code, ..Refusal::new(kind, text) }
    }
}

impl Vendor for Login {
    fn request_id(&self, headers: &HeaderMap) -> Option<String> {
        request_id(headers, &LOGIN_REQUEST_ID)
    }

    fn throttle(&self, headers: &HeaderMap, now: Timestamp) -> Throttle {
        throttle(headers, now)
    }

    fn refusal(&self, answer: &Answer<'_>) -> Refusal {
        let refused: Refused = answer.body.and_then(|b| serde_json::from_value(b.clone()).ok()).unwrap_or_default();
        let (kind, advice) = match (refused.number(), answer.status.as_u16()) {
            (Some(_), _) => refused.meaning(),
            (None, 404) => (ErrorKind::NotFound, "the configured `authority` or `tenant_id` is wrong"),
            (None, 300..=399) => (ErrorKind::Refused, "the configured `authority` points somewhere else"),
            (None, _) => (ErrorKind::Invalid, "check the configured `authority` and `tenant_id`"),
        };
        Refusal { code: refused.code(), ..Refusal::new(kind, format!("{} ({advice})", refused.text())) }
    }
}

/// Whether a value that must be unique is another application's.
fn is_taken(text: &str) -> bool {
    text.contains("same value for property identifierUris") || text.contains("same value for property uniqueName")
}

fn policy_advice(code: &str) -> &'static str {
    if code.starts_with("CredentialInvalidLifetime") {
        "the app management policy of the tenant allows only a shorter life; ask for less, or ask the tenant's admin \
         for an exemption of this app (an app management policy assigned to it)"
    } else {
        "the app management policy of the tenant does not allow it; ask the tenant's admin for an exemption of this app \
         (an app management policy assigned to it)"
    }
}

/// Graph's text with its details. Members are `message`, or `{"lang","value"}` in older parts; `details` is an array
/// or an object (the comments of go-azure-sdk: both were seen).
fn message(answer: &Answer<'_>) -> String {
    let error = answer.body.and_then(|b| b.get("error"));
    let Some(mut text) = error.and_then(text_of) else {
        return match error.and_then(Value::as_str) {
            Some(code) => format!("HTTP {} ({code}) without a reason", answer.status.as_u16()),
            None => format!("HTTP {} without a reason", answer.status.as_u16()),
        };
    };
    let details = match error.and_then(|e| e.get("details")) {
        Some(Value::Array(details)) => details.iter().collect(),
        Some(detail @ Value::Object(_)) => vec![detail],
        _ => Vec::new(),
    };
    for detail in details.into_iter().filter_map(text_of) {
        if !text.contains(&detail) {
            text = format!("{text}; {detail}");
        }
    }
    text
}

fn text_of(error: &Value) -> Option<String> {
    let message = error.get("message").or_else(|| error.get("Message"))?;
    let text = message.as_str().or_else(|| message.get("value").and_then(Value::as_str))?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::StatusCode;
    use reqwest::header::RETRY_AFTER;
    use serde_json::json;

    use super::*;

    fn refuse(status: u16, body: &Value) -> Refusal {
        let headers = HeaderMap::new();
        let status = StatusCode::from_u16(status).expect("a status");
        Graph.refusal(&Answer { status, headers: &headers, body: Some(body) })
    }

    fn of(code: &str, message: &str) -> Value {
        json!({"error": {"code": code, "message": message, "innerError": {"request-id": "r"}}})
    }

    #[test]
    fn errors_and_what_they_mean() {
        let table = [
            (404, "Request_ResourceNotFound", "Resource 'x' does not exist", ErrorKind::NotFound, ""),
            (403, "Authorization_RequestDenied", "Insufficient privileges", ErrorKind::Forbidden, ""),
            (401, "InvalidAuthenticationToken", "Access token has expired.", ErrorKind::Unauthorized, ""),
            (
                409,
                "Request_MultipleObjectsWithSameKeyValue",
                "Permission entry already exists.",
                ErrorKind::Conflict,
                "",
            ),
            (400, "Request_BadRequest", "Failed to add identifier URI x.", ErrorKind::Invalid, "api://{app id}"),
            (
                400,
                "ObjectConflict",
                "Another object with the same value for property identifierUris already exists.",
                ErrorKind::Invalid,
                "bin",
            ),
            (400, "CredentialInvalidLifetimeAsPerAppPolicy", "Too long.", ErrorKind::Invalid, "shorter life"),
            (400, "CredentialTypeNotAllowedAsPerAppPolicy", "No.", ErrorKind::Invalid, "exemption"),
        ];
        for (status, code, text, kind, advice) in table {
            let refusal = refuse(status, &of(code, text));
            assert_eq!((refusal.kind, refusal.code.as_deref()), (kind, Some(code)));
            assert!(refusal.message.starts_with(text) && refusal.message.contains(advice), "{}", refusal.message);
            assert_eq!(refusal.stale_credential, status == 401);
        }
    }

    #[test]
    fn every_form_of_a_body_is_taken() {
        let language = json!({"error": {"code": "c", "message": {"lang": "en", "value": "Text."},
            "details": {"message": "More.", "code": "d"}}});
        assert_eq!(refuse(400, &language).message, "Text.; More.");
        for body in [json!(5), json!({"error": "x"}), json!({"error": {"message": null}}), json!([])] {
            assert!(refuse(400, &body).message.starts_with("HTTP 400"), "{body}");
        }
        let headers = HeaderMap::new();
        let answer = Answer { status: StatusCode::NOT_FOUND, headers: &headers, body: None };
        assert_eq!(Graph.refusal(&answer).kind, ErrorKind::NotFound);
        assert_eq!(Login.refusal(&answer).kind, ErrorKind::NotFound);
    }

    #[test]
    fn limits() {
        let mut headers = HeaderMap::new();
        assert_eq!(Graph.throttle(&headers, Timestamp::now()), Throttle::Unspecified);
        headers.insert(RETRY_AFTER, "7".parse().expect("a value"));
        assert_eq!(Graph.throttle(&headers, Timestamp::now()), Throttle::After(Duration::from_secs(7)));
    }
}
