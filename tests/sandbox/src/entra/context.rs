//! What a handler of Graph is given of a request, and the answers it gives.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::access::Who;
use super::data::Data;
use super::error::{Answer, Problem};
use super::{Tenant, names};
use crate::world::Lag;

/// Content type of a success (recorded).
const ODATA: &str =
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

/// A request without its body.
pub(super) struct Cx {
    /// Whose token it carries.
    pub who: Who,
    pub query: Vec<(String, String)>,
    /// Path below `/v1.0`, alternate keys as segments of their own.
    pub path: String,
    /// How long what this call makes stays invisible.
    lag: Option<Duration>,
    flapping: bool,
    /// `Prefer: create-if-missing`.
    pub create_if_missing: bool,
    /// `ConsistencyLevel: eventual`.
    pub eventual: bool,
}

impl Cx {
    /// The first value of a query parameter, with or without its `$`.
    pub fn arg(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key.trim_start_matches('$').eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Hides what this call has made for as long as the tenant's lag is.
    pub fn hide(&self, data: &mut Data, id: &str) {
        data.hide(id, self.lag, self.flapping);
    }

    /// Lets reads see what was before this call, as long as the tenant's lag is.
    pub fn stale(&self, data: &mut Data, id: &str, before: Value) {
        data.stale(id, self.lag, before);
    }
}

impl FromRequestParts<Arc<Tenant>> for Cx {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, tenant: &Arc<Tenant>) -> Result<Self, Problem> {
        let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let options = tenant.options();
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let who = parts.extensions.get::<Who>().cloned();
        Ok(Self {
            who: who.ok_or_else(|| Problem::of_status(401))?,
            query: query.into_owned().collect(),
            path: parts.uri.path().trim_start_matches("/v1.0").to_owned(),
            lag: parts.extensions.get::<Lag>().map(|lag| lag.0).or(options.lag),
            flapping: options.flapping,
            create_if_missing: header("prefer").to_ascii_lowercase().contains("create-if-missing"),
            eventual: header("consistencylevel").eq_ignore_ascii_case("eventual"),
        })
    }
}

/// A JSON object from the body; an empty body is an empty object.
pub(super) struct Input(pub Map<String, Value>);

impl FromRequest<Arc<Tenant>> for Input {
    type Rejection = Problem;

    async fn from_request(request: Request, tenant: &Arc<Tenant>) -> Result<Self, Problem> {
        let json = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let json = json.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/json"));
        let unreadable = || Problem::new(400, "BadRequest", "Unable to read JSON request payload.");
        let body = Bytes::from_request(request, tenant).await.map_err(|_| unreadable())?;
        if body.is_empty() {
            return Ok(Self(Map::new()));
        }
        if !json {
            let text = "Write requests (excluding DELETE) must contain the Content-Type header declaration.";
            return Err(Problem::new(400, "RequestBodyRead", text));
        }
        match serde_json::from_slice(&body) {
            Ok(Value::Object(map)) => Ok(Self(map)),
            _ => Err(unreadable()),
        }
    }
}

/// The metadata URL of a set or type, for `@odata.context`.
pub(super) fn context(of: &str) -> Value {
    json!(format!("https://{}/v1.0/$metadata#{of}", names::GRAPH_HOST))
}

fn with_body(status: StatusCode, body: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, ODATA), (header::HeaderName::from_static("odata-version"), "4.0")];
    (status, headers, body.to_string()).into_response()
}

/// 200 with an entity of this set.
pub(super) fn entity(of: &str, body: Value) -> Answer {
    raw(format!("{of}/$entity"), body)
}

/// 200 with this context.
pub(super) fn raw(of: impl AsRef<str>, mut body: Value) -> Answer {
    body["@odata.context"] = context(of.as_ref());
    Ok(with_body(StatusCode::OK, &body))
}

/// 201 with an entity of this set. The `Location` is none that can be called, as recorded.
pub(super) fn created(of: &str, kind: &str, mut body: Value) -> Answer {
    body["@odata.context"] = context(&format!("{of}/$entity"));
    let location = format!(
        "https://{}/v2/{}/directoryObjects/{}/Microsoft.DirectoryServices.{kind}",
        names::GRAPH_HOST,
        names::ENTRA_TENANT,
        body["id"].as_str().unwrap_or_default(),
    );
    let mut response = with_body(StatusCode::CREATED, &body);
    if let Ok(value) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    Ok(response)
}

/// 204: no body, no content type, no OData version.
pub(super) fn no_content() -> Answer {
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// 200 with a number as text.
pub(super) fn number(count: usize) -> Answer {
    Ok(([(header::CONTENT_TYPE, "text/plain")], Body::from(count.to_string())).into_response())
}
