//! dbt's limits and errors, as the sender must know them.

use std::time::Duration;

use extoauth_core::error::ErrorKind;
use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderName};
use serde_json::Value;

use crate::http::{Answer, Refusal, Throttle, Vendor, retry_after};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Over the limit (5,000 calls a minute and account) dbt refuses everything for five minutes (its page on rate limits).
const COOLDOWN: Duration = Duration::from_secs(300);

pub(super) struct Dbt;

impl Vendor for Dbt {
    /// Whether dbt sends an id of the call is not documented.
    fn request_id(&self, headers: &HeaderMap) -> Option<String> {
        headers.get(REQUEST_ID)?.to_str().ok().map(str::to_owned)
    }

    fn throttle(&self, headers: &HeaderMap, now: Timestamp) -> Throttle {
        Throttle::Cooldown(retry_after(headers, now).unwrap_or_default().max(COOLDOWN))
    }

    fn refusal(&self, answer: &Answer<'_>) -> Refusal {
        let text = message(answer);
        let denied = answer.body.and_then(|b| b.pointer("/data/account_access_denied")).and_then(Value::as_bool);
        let (kind, message) = match answer.status.as_u16() {
            401 => (ErrorKind::Unauthorized, text),
            403 if denied == Some(true) => (
                ErrorKind::IpRestricted,
                format!(
                    "{text}: the account's IP restrictions refuse this function's address; allow the fixed egress \
                     address of its network in dbt, Account settings, IP restrictions"
                ),
            ),
            403 => (ErrorKind::Forbidden, format!("{text}: the service token's permission sets do not allow it")),
            404 => (ErrorKind::NotFound, text),
            409 | 423 => (ErrorKind::Conflict, text),
            300..=399 => (ErrorKind::Refused, text),
            _ => (ErrorKind::Invalid, text),
        };
        let code = answer.body.and_then(|b| b.get("error_code")).filter(|c| !c.is_null()).map(Value::to_string);
        Refusal { code, stale_credential: kind == ErrorKind::Unauthorized, ..Refusal::new(kind, message) }
    }
}

/// The message for users and, for a validation error, each field with its own.
fn message(answer: &Answer<'_>) -> String {
    let mut text = match answer.text("/status/user_message").or(answer.text("/detail")) {
        Some(text) => text.to_owned(),
        None if answer.status.is_redirection() => "answered with a redirect, which is not followed".to_owned(),
        None => format!("answered HTTP {} without an error of dbt's form", answer.status.as_u16()),
    };
    if let Some(detail) = answer.text("/status/developer_message") {
        text = format!("{text} ({detail})");
    }
    if answer.status.as_u16() != 400 && answer.status.as_u16() != 422 {
        return text;
    }
    let fields = answer.body.and_then(|b| b.get("data")).and_then(Value::as_object);
    for (name, problem) in fields.into_iter().flatten() {
        let problem = match problem {
            Value::String(problem) => problem.clone(),
            Value::Array(problems) => {
                problems.iter().map(|p| p.as_str().unwrap_or("not valid")).collect::<Vec<_>>().join(", ")
            }
            _ => "not valid".to_owned(),
        };
        text = format!("{text} {name}: {problem};");
    }
    text.trim_end_matches(';').to_owned()
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use serde_json::json;

    use super::*;

    fn refuse(status: u16, body: Option<&Value>) -> Refusal {
        let status = StatusCode::from_u16(status).expect("a status");
        Dbt.refusal(&Answer { status, headers: &HeaderMap::new(), body })
    }

    #[test]
    fn errors_and_what_they_mean() {
        let denied = json!({"status": {"code": 403, "user_message": "Forbidden: Access denied"},
            "data": {"account_id": 54321, "is_service_token": true, "account_access_denied": true}});
        let plain = json!({"status": {"user_message": "Text", "developer_message": null}, "data": null});
        let table = [
            (401, &plain, ErrorKind::Unauthorized),
            (403, &plain, ErrorKind::Forbidden),
            (403, &denied, ErrorKind::IpRestricted),
            (404, &plain, ErrorKind::NotFound),
            (409, &plain, ErrorKind::Conflict),
            (400, &plain, ErrorKind::Invalid),
            (301, &plain, ErrorKind::Refused),
        ];
        for (status, body, kind) in table {
            assert_eq!(refuse(status, Some(body)).kind, kind, "{status}");
        }
        assert!(refuse(403, Some(&denied)).message.contains("IP restrictions"));
        assert!(refuse(400, None).message.contains("HTTP 400"));
        assert!(refuse(401, Some(&plain)).stale_credential);
    }

    #[test]
    fn a_validation_error_names_the_fields() {
        let body = json!({"status": {"user_message": "The request was invalid.", "developer_message": ""},
            "data": {"name": "too long", "config": ["a", "b"], "x": {"y": 1}}});
        let text = refuse(400, Some(&body)).message;
        assert_eq!(text, "The request was invalid. config: a, b; name: too long; x: not valid");
    }

    #[test]
    fn a_429_is_a_cooldown() {
        let now: Timestamp = "2026-02-02T11:00:00Z".parse().expect("a timestamp");
        let mut headers = HeaderMap::new();
        assert_eq!(Dbt.throttle(&headers, now), Throttle::Cooldown(Duration::from_secs(300)));
        headers.insert("retry-after", "400".parse().expect("a value"));
        assert_eq!(Dbt.throttle(&headers, now), Throttle::Cooldown(Duration::from_secs(400)));
    }
}
