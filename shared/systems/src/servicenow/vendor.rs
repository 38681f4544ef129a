//! ServiceNow's limits and errors, as the sender must know them.

use extoauth_core::error::ErrorKind;
use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderName};

use crate::http::{Answer, Refusal, Throttle, Vendor, retry_after};

const TRANSACTION: HeaderName = HeaderName::from_static("x-transaction-id");

pub(super) struct Servicenow;

impl Vendor for Servicenow {
    fn request_id(&self, headers: &HeaderMap) -> Option<String> {
        headers.get(TRANSACTION)?.to_str().ok().map(str::to_owned)
    }

    fn throttle(&self, headers: &HeaderMap, now: Timestamp) -> Throttle {
        retry_after(headers, now).map_or(Throttle::Unspecified, Throttle::After)
    }

    fn refusal(&self, answer: &Answer<'_>) -> Refusal {
        // The token endpoint words its errors as OAuth does: `error` is a text there, an object elsewhere.
        let oauth = answer.text("/error").map(str::to_owned);
        let mut text = match answer.text("/error/message").or(answer.text("/error_description")).or(oauth.as_deref()) {
            Some(text) => text.to_owned(),
            None if answer.status.is_redirection() => "answered with a redirect, which is not followed".to_owned(),
            None => format!("answered HTTP {} without an error of ServiceNow's form", answer.status.as_u16()),
        };
        if let Some(detail) = answer.text("/error/detail") {
            text = format!("{text}: {detail}");
        }
        let kind = match answer.status.as_u16() {
            401 => ErrorKind::Unauthorized,
            403 => ErrorKind::Forbidden,
            404 => ErrorKind::NotFound,
            409 | 423 => ErrorKind::Conflict,
            300..=399 => ErrorKind::Refused,
            _ => ErrorKind::Invalid,
        };
        Refusal { code: oauth, stale_credential: kind == ErrorKind::Unauthorized, ..Refusal::new(kind, text) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::StatusCode;
    use serde_json::json;

    use super::*;

    #[test]
    fn both_forms_of_error() {
        let table = json!({"error": {"message": "No Record found", "detail": "Record doesn't exist"},
            "status": "failure"});
        let oauth = json!({"error": "invalid_client", "error_description": "access_denied"});
        let headers = HeaderMap::new();
        let refuse = |status, body| {
            let status = StatusCode::from_u16(status).expect("a status");
            Servicenow.refusal(&Answer { status, headers: &headers, body: Some(body) })
        };
        let refusal = refuse(404, &table);
        assert_eq!((refusal.kind, refusal.code), (ErrorKind::NotFound, None));
        assert_eq!(refusal.message, "No Record found: Record doesn't exist");
        let refusal = refuse(401, &oauth);
        assert!(refusal.stale_credential);
        assert_eq!((refusal.code.as_deref(), refusal.message.as_str()), (Some("invalid_client"), "access_denied"));
    }

    #[test]
    fn retry_after_is_kept() {
        let now: Timestamp = "2026-02-02T11:00:00Z".parse().expect("a timestamp");
        let mut headers = HeaderMap::new();
        assert_eq!(Servicenow.throttle(&headers, now), Throttle::Unspecified);
        headers.insert("retry-after", "30".parse().expect("a value"));
        assert_eq!(Servicenow.throttle(&headers, now), Throttle::After(Duration::from_secs(30)));
    }
}
