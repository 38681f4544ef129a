//! HTTP requests as API Gateway's payload format 2.0, and the function's answer back ("Create AWS Lambda proxy
//! integrations for HTTP APIs in API Gateway").

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::seed::ACCOUNT;

/// A request as it came in.
pub(super) struct Incoming {
    pub(super) parts: Parts,
    pub(super) body: Bytes,
    /// Who connected.
    pub(super) peer: SocketAddr,
    /// Port of the HTTP API.
    pub(super) port: u16,
    /// Id of the HTTP API.
    pub(super) api_id: String,
    /// `requestContext.requestId`.
    pub(super) request_id: String,
    /// The trace that the function will see.
    pub(super) trace_id: String,
}

/// The path as the function sees it. HTTP APIs decode it, and cut it off at a decoded `?` (observed by others on the
/// live service; function URLs and REST APIs do neither).
pub(super) fn decoded_path(path: &str) -> String {
    let decoded = percent_decode(path);
    decoded.split_once('?').map(|(head, _)| head.to_owned()).unwrap_or(decoded)
}

/// The event of a request that matched a route.
pub(super) fn event(incoming: &Incoming, route_key: &str, path_parameters: &BTreeMap<String, String>) -> Value {
    let Incoming { parts, body, peer, .. } = incoming;
    let path = decoded_path(parts.uri.path());
    let query = parts.uri.query().unwrap_or_default();
    let headers = headers(incoming);
    let host = headers.get("host").cloned().unwrap_or_default();
    let now = Timestamp::now();
    let mut event = json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": incoming.api_id,
            "domainName": host,
            "domainPrefix": host.split(['.', ':']).next().unwrap_or_default(),
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": format!("{:?}", parts.version),
                "sourceIp": peer.ip().to_string(),
                "userAgent": headers.get("user-agent").cloned().unwrap_or_default(),
            },
            "requestId": incoming.request_id,
            "routeKey": route_key,
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": now.as_millisecond(),
        },
        "isBase64Encoded": false,
    });
    let cookies = cookies(&parts.headers);
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    let parameters = query_parameters(query);
    if !parameters.is_empty() {
        event["queryStringParameters"] = json!(parameters);
    }
    if !path_parameters.is_empty() {
        let decoded: BTreeMap<_, _> = path_parameters.iter().map(|(name, text)| (name, percent_decode(text))).collect();
        event["pathParameters"] = json!(decoded);
    }
    if !body.is_empty() {
        match text(&parts.headers, body) {
            Some(text) => event["body"] = json!(text),
            None => {
                event["body"] = json!(STANDARD.encode(body));
                event["isBase64Encoded"] = json!(true);
            }
        }
    }
    event
}

/// Lower-cased names, values of one name joined by commas, cookies apart; with what API Gateway adds.
fn headers(incoming: &Incoming) -> BTreeMap<String, String> {
    let from = &incoming.parts.headers;
    let joined = |name: &HeaderName| {
        let values = from.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        values.collect::<Vec<_>>().join(",")
    };
    let mut headers: BTreeMap<String, String> = from
        .keys()
        .filter(|name| *name != header::COOKIE)
        .map(|name| (name.as_str().to_owned(), joined(name)))
        .collect();
    let client = incoming.peer.ip().to_string();
    let forwarded = match headers.get("x-forwarded-for") {
        Some(before) => format!("{before}, {client}"),
        None => client,
    };
    headers.insert("x-forwarded-for".into(), forwarded);
    headers.insert("x-forwarded-port".into(), incoming.port.to_string());
    // API Gateway speaks https only; here the function would otherwise name URLs that nobody can open.
    headers.insert("x-forwarded-proto".into(), "http".into());
    headers.insert("x-amzn-trace-id".into(), incoming.trace_id.clone());
    headers.entry("content-length".into()).or_insert_with(|| incoming.body.len().to_string());
    headers
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let lines =
        headers.get_all(header::COOKIE).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    lines.flat_map(|line| line.split(';').map(|cookie| cookie.trim().to_owned()).collect::<Vec<_>>()).collect()
}

fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::<String, String>::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        parameters
            .entry(name.into_owned())
            .and_modify(|before| {
                before.push(',');
                before.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    parameters
}

/// The body as text where API Gateway passes it as such: `text/*` and JSON, XML or JavaScript, uncompressed. Everything
/// else is base64, also forms. UNCONFIRMED: a body without a content type (here text if it is UTF-8).
fn text<'a>(headers: &HeaderMap, body: &'a [u8]) -> Option<&'a str> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return None;
    }
    let kind = headers.get(header::CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).to_lowercase());
    let textual = kind.is_none_or(|kind| {
        let essence = kind.split(';').next().unwrap_or_default().trim();
        essence.starts_with("text/")
            || matches!(essence, "application/json" | "application/xml" | "application/javascript")
            || essence.ends_with("+json")
            || essence.ends_with("+xml")
    });
    textual.then(|| std::str::from_utf8(body).ok()).flatten()
}

/// Decodes `%xx` and nothing else.
fn percent_decode(text: &str) -> String {
    // A form's value differs from a path in these three signs only.
    let as_form = text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    let mut pairs = url::form_urlencoded::parse(as_form.as_bytes());
    pairs.next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

/// What a function may answer. `multiValueHeaders` is no field of format 2.0; API Gateway ignores it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    #[serde(default)]
    headers: Option<Map<String, Value>>,
    #[serde(default)]
    cookies: Option<Vec<String>>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: Option<bool>,
}

/// The HTTP answer to what the function answered; `None` where API Gateway finds it malformed and says 500.
pub(super) fn answer(payload: &[u8]) -> Option<Response> {
    let value: Value = serde_json::from_slice(payload).ok()?;
    if value.get("statusCode").is_none() {
        // Without a status code, any JSON is the body of a 200.
        let body = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        return Response::builder().header(header::CONTENT_TYPE, "application/json").body(Body::from(body)).ok();
    }
    let answer: Answer = serde_json::from_value(value).ok()?;
    let body = answer.body.unwrap_or_default();
    let body = match answer.is_base64_encoded {
        Some(true) => STANDARD.decode(body).ok()?,
        _ => body.into_bytes(),
    };
    // 1xx cannot end an exchange.
    let status = StatusCode::from_u16(answer.status_code).ok().filter(|status| !status.is_informational())?;
    let mut headers = HeaderMap::new();
    for (name, value) in answer.headers.unwrap_or_default() {
        let value = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            _ => return None,
        };
        let name = HeaderName::try_from(name).ok()?;
        if !is_connections_own(&name) {
            headers.insert(name, HeaderValue::try_from(value).ok()?);
        }
    }
    for cookie in answer.cookies.unwrap_or_default() {
        headers.append(header::SET_COOKIE, HeaderValue::try_from(cookie).ok()?);
    }
    if !body.is_empty() && !headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    }
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Some(response)
}

/// Headers that belong to one connection, or that the server works out itself.
fn is_connections_own(name: &HeaderName) -> bool {
    [header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::UPGRADE, header::TE].contains(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_decoded_and_cut_at_a_decoded_question_mark() {
        assert_eq!(decoded_path("/requests/a%20b+c&d=e"), "/requests/a b+c&d=e");
        assert_eq!(decoded_path("/requests/a%3Fadmin=1"), "/requests/a");
    }

    #[test]
    fn repeated_query_parameters_are_joined() {
        let expected = BTreeMap::from([("a".to_owned(), "1,2 3".to_owned()), ("b".to_owned(), String::new())]);
        assert_eq!(query_parameters("a=1&b=&a=2%203"), expected);
    }

    #[test]
    fn malformed_answers_are_none() {
        for text in
            ["", "{", r#"{"statusCode":"x"}"#, r#"{"statusCode":99}"#, r#"{"statusCode":200,"headers":{"a":[]}}"#]
        {
            assert!(answer(text.as_bytes()).is_none(), "{text}");
        }
        let base64 = br#"{"statusCode":200,"isBase64Encoded":true,"body":"*"}"#;
        assert!(answer(base64).is_none());
    }
}
