//! Okta's limits and errors, as the sender must know them.

use std::time::Duration;

use extoauth_core::error::ErrorKind;
use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use serde_json::Value;

use crate::http::{Answer, Refusal, Throttle, Vendor, until_reset};

const LIMIT: HeaderName = HeaderName::from_static("x-rate-limit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-rate-limit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-rate-limit-reset");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-okta-request-id");
const RETRY_FOR: HeaderName = HeaderName::from_static("x-okta-retry-for");
const RETRY_COUNT: HeaderName = HeaderName::from_static("x-okta-retry-count");

/// What to do about `E0000015` (recorded as 401 on creating an authorization server and on reading `default`).
const NO_API_ACCESS_MANAGEMENT: &str = "this org lacks the feature API Access Management, which custom authorization \
    servers need: have it added to the Okta subscription (Integrator Free orgs have it), then submit the request again";

pub(super) struct Okta;

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

impl Vendor for Okta {
    fn request_id(&self, headers: &HeaderMap) -> Option<String> {
        headers.get(REQUEST_ID)?.to_str().ok().map(str::to_owned)
    }

    /// Okta counts the list of apps and everything below one app together, one app itself apart, and nearly all the
    /// rest of the management API together (the endpoint table of its Terraform provider).
    fn bucket(&self, path: &str) -> &'static str {
        let mut segments = path.split('/').filter(|s| !s.is_empty());
        match (segments.next(), segments.next(), segments.next()) {
            (Some("api"), Some("v1"), Some("apps")) if segments.clone().count() == 1 => "app",
            (Some("api"), Some("v1"), Some("apps")) => "apps",
            (Some("api"), Some("v1"), Some("groups")) => "groups",
            (Some("oauth2"), Some("v1"), Some("token")) => "token",
            (Some("oauth2"), ..) => "oauth2",
            _ => "api",
        }
    }

    fn exhausted(&self, headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
        let empty = number(headers, &REMAINING)? == 0 && number(headers, &LIMIT)? > 0;
        if empty { until_reset(headers, &RESET, now) } else { None }
    }

    /// Okta sends no `Retry-After`. A limit of zero marks the concurrency limit, whose reset is a suggestion only.
    fn throttle(&self, headers: &HeaderMap, now: Timestamp) -> Throttle {
        match (number(headers, &LIMIT), until_reset(headers, &RESET, now)) {
            (Some(0), _) | (_, None) => Throttle::Unspecified,
            (_, Some(wait)) => Throttle::After(wait),
        }
    }

    fn refusal(&self, answer: &Answer<'_>) -> Refusal {
        let code = answer.text("/errorCode").or(answer.text("/error")).map(str::to_owned);
        let message = message(answer);
        let lost_reference = message.contains("Resource not found");
        let kind = match (answer.status.as_u16(), code.as_deref()) {
            (401, Some("E0000015")) => {
                let message = format!("{message}: {NO_API_ACCESS_MANAGEMENT}");
                return Refusal { code, ..Refusal::new(ErrorKind::FeatureMissing, message) };
            }
            (401, _) => ErrorKind::Unauthorized,
            (403, Some("E0000056")) => ErrorKind::Invalid,
            (403, _) => ErrorKind::Forbidden,
            (404, _) => ErrorKind::NotFound,
            (409 | 423, _) => ErrorKind::Conflict,
            (300..=399, _) => ErrorKind::Refused,
            _ => ErrorKind::Invalid,
        };
        Refusal {
            stale_credential: kind == ErrorKind::Unauthorized,
            maybe_lag: match kind {
                ErrorKind::NotFound => true,
                ErrorKind::Invalid => lost_reference,
                // A client's own secret (not ours) is refused so.
                ErrorKind::Unauthorized => code.as_deref() == Some("invalid_client"),
                _ => false,
            },
            code,
            ..Refusal::new(kind, message)
        }
    }

    fn mark_retry(&self, headers: &mut HeaderMap, retries: u32, request_id: Option<&str>) {
        if let Some(id) = request_id.and_then(|id| HeaderValue::from_str(id).ok()) {
            headers.insert(RETRY_FOR, id);
        }
        headers.insert(RETRY_COUNT, HeaderValue::from(retries));
    }
}

/// The summary with its causes. One example of Okta's description has the causes as an object instead of an array.
fn message(answer: &Answer<'_>) -> String {
    let summary = answer.text("/errorSummary").or(answer.text("/error_description"));
    let mut text = match (summary, answer.text("/error")) {
        (Some(summary), _) => summary.to_owned(),
        (None, Some(error)) => error.to_owned(),
        (None, None) if answer.status.is_redirection() => "answered with a redirect, which is not followed".to_owned(),
        (None, None) => format!("answered HTTP {} without an error of Okta's form", answer.status.as_u16()),
    };
    let causes: Vec<&Value> = match answer.body.and_then(|b| b.get("errorCauses")) {
        Some(Value::Array(causes)) => causes.iter().collect(),
        Some(cause @ Value::Object(_)) => vec![cause],
        _ => Vec::new(),
    };
    let causes: Vec<&str> = causes.iter().filter_map(|c| c.get("errorSummary")).filter_map(Value::as_str).collect();
    if !causes.is_empty() {
        text = format!("{text}: {}", causes.join("; "));
    }
    let challenge = answer.headers.get(WWW_AUTHENTICATE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if challenge.contains("insufficient_scope") {
        text.push_str(": the access token lacks the scope");
    }
    text
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use serde_json::json;

    use super::*;

    fn refuse(status: u16, body: &Value) -> Refusal {
        let headers = HeaderMap::new();
        let status = StatusCode::from_u16(status).expect("a status");
        Okta.refusal(&Answer { status, headers: &headers, body: Some(body) })
    }

    #[test]
    fn errors_and_what_they_mean() {
        let of = |code: &str| json!({"errorCode": code, "errorSummary": "Text", "errorCauses": []});
        let table = [
            (401, "E0000015", ErrorKind::FeatureMissing, false, false),
            (401, "E0000011", ErrorKind::Unauthorized, true, false),
            (403, "E0000006", ErrorKind::Forbidden, false, false),
            (403, "E0000056", ErrorKind::Invalid, false, false),
            (404, "E0000007", ErrorKind::NotFound, false, true),
            (400, "E0000001", ErrorKind::Invalid, false, false),
            (409, "E0000268", ErrorKind::Conflict, false, false),
            (302, "", ErrorKind::Refused, false, false),
        ];
        for (status, code, kind, stale, lag) in table {
            let refusal = refuse(status, &of(code));
            let found = (refusal.kind, refusal.stale_credential, refusal.maybe_lag);
            assert_eq!(found, (kind, stale, lag), "{status} {code}");
        }
        assert!(refuse(401, &of("E0000015")).message.contains("API Access Management"));
    }

    #[test]
    fn causes_are_read_in_every_form() {
        let cause = "conditions.clients.include: Resource not found";
        let array = json!({"errorCode": "E0000001", "errorSummary": "Api validation failed: policy",
            "errorCauses": [{"errorSummary": cause}, {"reason": "x"}]});
        let object = json!({"errorCode": "E0000041", "errorSummary": "S", "errorCauses": {"errorSummary": "c"}});
        let oauth = json!({"error": "invalid_client", "error_description": "The signature is invalid."});
        assert_eq!(refuse(400, &array).message, format!("Api validation failed: policy: {cause}"));
        assert!(refuse(400, &array).maybe_lag);
        assert_eq!(refuse(400, &object).message, "S: c");
        assert_eq!(refuse(401, &oauth).message, "The signature is invalid.");
        assert_eq!(refuse(401, &oauth).code.as_deref(), Some("invalid_client"));
        assert!(refuse(400, &json!("x")).message.contains("HTTP 400"));
    }

    #[test]
    fn limits() {
        let now: Timestamp = "2026-02-02T11:11:19Z".parse().expect("a timestamp");
        let make = |limit: &str, remaining: &str, reset: i64| {
            let mut headers = HeaderMap::new();
            headers.insert(LIMIT, limit.parse().expect("a value"));
            headers.insert(REMAINING, remaining.parse().expect("a value"));
            headers.insert(RESET, HeaderValue::from(now.as_second() + reset));
            headers.insert("date", HeaderValue::from_static("Mon, 02 Feb 2026 11:11:19 GMT"));
            headers
        };
        let wait = Duration::from_secs(31);
        assert_eq!(Okta.throttle(&make("50", "0", 30), now), Throttle::After(wait));
        assert_eq!(Okta.throttle(&make("0", "0", 30), now), Throttle::Unspecified);
        assert_eq!(Okta.throttle(&HeaderMap::new(), now), Throttle::Unspecified);
        assert_eq!(Okta.exhausted(&make("50", "0", 30), now), Some(wait));
        assert_eq!(Okta.exhausted(&make("50", "1", 30), now), None);
        assert_eq!(Okta.exhausted(&make("0", "0", 30), now), None);
    }

    #[test]
    fn buckets() {
        let table = [
            ("/api/v1/apps", "apps"),
            ("/api/v1/apps/0oa1", "app"),
            ("/api/v1/apps/0oa1/credentials/secrets", "apps"),
            ("/api/v1/authorizationServers/aus1", "api"),
            ("/api/v1/groups", "groups"),
            ("/oauth2/v1/token", "token"),
            ("/oauth2/aus1/v1/introspect", "oauth2"),
        ];
        for (path, bucket) in table {
            assert_eq!(Okta.bucket(path), bucket, "{path}");
        }
    }
}
