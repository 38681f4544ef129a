//! What the services' protocols share: errors, request ids, time and pages.

use axum::body::Body;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// An error of an AWS service before it is put into the shape of a protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AwsError {
    /// HTTP status.
    pub status: u16,
    /// Code as the SDKs show it.
    pub code: &'static str,
    /// Text for a person.
    pub message: String,
}

impl AwsError {
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// What the caller sent does not fit the operation's shape (JSON services).
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationException", message)
    }
}

/// A new request id.
pub(super) fn request_id() -> String {
    Uuid::new_v4().to_string()
}

/// An answer with a request id in the header that all three services use.
pub(super) fn answer(status: u16, content_type: &'static str, request_id: &str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

/// An answer of a service that speaks AWS JSON 1.1.
pub(super) fn json_answer(result: Result<Value, AwsError>) -> Response {
    match result {
        Ok(value) => answer(200, "application/x-amz-json-1.1", &request_id(), value.to_string()),
        Err(error) => {
            let body = json!({"__type": error.code, "Message": error.message});
            answer(error.status, "application/x-amz-json-1.1", &request_id(), body.to_string())
        }
    }
}

/// A time as AWS JSON writes it: seconds since 1970, with a fraction.
pub(super) fn epoch_seconds(time: Timestamp) -> Value {
    json!(time.as_millisecond() as f64 / 1000.0)
}

/// One page of a list whose entries have ascending numbers: at most `max` of them after the entry that `token` names,
/// and the token of the next page. `None` for a token that this function did not make.
pub(super) fn page<T>(
    entries: impl IntoIterator<Item = (u64, T)>,
    max: usize,
    token: Option<&str>,
) -> Option<(Vec<T>, Option<String>)> {
    let after = match token {
        Some(token) => {
            let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
            std::str::from_utf8(&bytes).ok()?.strip_prefix("after:")?.parse::<u64>().ok()?
        }
        None => 0,
    };
    let mut taken = Vec::new();
    let mut last = after;
    for (number, entry) in entries.into_iter().filter(|(number, _)| *number > after) {
        if taken.len() == max {
            return Some((taken, Some(URL_SAFE_NO_PAD.encode(format!("after:{last}")))));
        }
        last = number;
        taken.push(entry);
    }
    Some((taken, None))
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn pages_survive_removed_entries() {
        let all: Vec<(u64, u64)> = (1..=5).map(|n| (n, n)).collect();
        let (first, token) = page(all.clone(), 2, None).expect("a page");
        assert_eq!(first, [1, 2]);
        let without_two = all.into_iter().filter(|(n, _)| *n != 2);
        let (second, token) = page(without_two, 10, token.as_deref()).expect("a page");
        assert_eq!((second, token), (vec![3, 4, 5], None));
        assert!(page::<u64>([], 2, Some("made-up")).is_none());
    }
}
