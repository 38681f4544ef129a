//! What a handler is given of a request, and the answers it gives.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::Org;
use super::error::{Answer, Problem};
use crate::world::Lag;

/// Who calls the management API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Principal {
    /// An administrator, by the id of the SSWS token.
    Token(String),
    /// A service app, by its id.
    App(String),
}

/// A request without its body.
pub(super) struct Cx {
    /// Set by the guard for every path of the management API.
    pub who: Option<Principal>,
    pub query: Vec<(String, String)>,
    /// The fault `lag`, if one is in force for this call.
    pub lag: Option<Duration>,
    pub path: String,
    pub headers: HeaderMap,
}

impl Cx {
    /// The first value of a query parameter, if it is not empty.
    pub fn arg(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A boolean query parameter.
    pub fn flag(&self, name: &str, default: bool) -> bool {
        self.arg(name).map_or(default, |value| value == "true")
    }
}

impl FromRequestParts<Arc<Org>> for Cx {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Org>) -> Result<Self, Problem> {
        let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        Ok(Self {
            who: parts.extensions.get::<Principal>().cloned(),
            query: query.into_owned().collect(),
            lag: parts.extensions.get::<Lag>().map(|lag| lag.0),
            path: parts.uri.path().to_owned(),
            headers: parts.headers.clone(),
        })
    }
}

/// A JSON object from the body; an empty body is an empty object.
pub(super) struct Input(pub Value);

impl FromRequest<Arc<Org>> for Input {
    type Rejection = Problem;

    async fn from_request(request: Request, org: &Arc<Org>) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).cloned();
        let body = Bytes::from_request(request, org).await.map_err(|_| Problem::malformed())?;
        if body.is_empty() {
            return Ok(Self(Value::Object(Map::new())));
        }
        let json =
            kind.as_ref().and_then(|kind| kind.to_str().ok()).is_some_and(|kind| kind.starts_with("application/json"));
        if !json {
            let text = "Bad request.  Accept and/or Content-Type headers likely do not match supported values.";
            return Err(Problem::new(400, "E0000021", text));
        }
        match serde_json::from_slice(&body) {
            Ok(value @ Value::Object(_)) => Ok(Self(value)),
            _ => Err(Problem::malformed()),
        }
    }
}

/// 200 with JSON.
pub(super) fn ok(body: Value) -> Answer {
    Ok(Json(body).into_response())
}

/// 201 with JSON.
pub(super) fn created(body: Value) -> Answer {
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// 204 without anything.
pub(super) fn no_content() -> Answer {
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A list in one piece: no `Link` header at all, as recorded for scopes, claims, policies and secrets.
pub(super) fn list(items: Vec<Value>) -> Answer {
    ok(Value::Array(items))
}

/// How a list is cut into pages.
pub(super) struct Pages {
    /// Page size where the request names none.
    pub default: usize,
    /// Largest page size.
    pub max: usize,
    /// Whether `rel="next"` is always there, as on the System Log without `until`.
    pub always_next: bool,
}

impl Pages {
    pub const fn new(default: usize, max: usize) -> Self {
        Self { default, max, always_next: false }
    }

    /// One page of `items` (in order of their keys), with `Link` headers: `self` where the request carried `limit`,
    /// `next` where more follows. `after` is a key: opaque to callers.
    pub fn answer<'a, T: 'a>(
        &self,
        org: &Org,
        cx: &Cx,
        items: impl Iterator<Item = (&'a str, T)>,
        show: impl Fn(T) -> Value,
    ) -> Answer {
        let limit = match cx.arg("limit").map(str::parse::<i64>) {
            None | Some(Ok(-1)) => self.default,
            Some(Ok(limit)) if limit >= 0 => usize::try_from(limit).unwrap_or(self.max).clamp(1, self.max),
            Some(_) => return Err(Problem::invalid("limit", ["Invalid limit value"])),
        };
        let after = cx.arg("after").map(str::to_owned);
        let mut left = items.skip_while(|(key, _)| after.as_deref().is_some_and(|after| *key <= after)).peekable();
        let mut page = Vec::new();
        let mut last = None;
        while page.len() < limit {
            let Some((key, item)) = left.next() else { break };
            last = Some(key.to_owned());
            page.push(show(item));
        }
        let more = left.peek().is_some();
        let mut response = ok(Value::Array(page))?;
        if cx.arg("limit").is_some() {
            link(&mut response, &self.url(org, cx, None), "self");
        }
        if more || self.always_next {
            let cursor = last.or(after).unwrap_or_default();
            link(&mut response, &self.url(org, cx, Some((cursor, limit))), "next");
        }
        Ok(response)
    }

    /// The request's URL with its query in Okta's order; for the next page with `after` and `limit` in front.
    fn url(&self, org: &Org, cx: &Cx, next: Option<(String, usize)>) -> String {
        const ORDER: [&str; 4] = ["after", "limit", "q", "filter"];
        let mut query = cx.query.clone();
        if let Some((after, limit)) = next {
            query.retain(|(key, _)| key != "after" && key != "limit");
            query.push(("after".to_owned(), after));
            query.push(("limit".to_owned(), limit.to_string()));
        }
        query.sort_by_key(|(key, _)| ORDER.iter().position(|known| known == key).unwrap_or(ORDER.len()));
        let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        format!("{}{}?{text}", org.base(), cx.path)
    }
}

fn link(response: &mut Response, url: &str, relation: &str) {
    if let Ok(value) = format!("<{url}>; rel=\"{relation}\"").parse() {
        response.headers_mut().append(header::LINK, value);
    }
}
