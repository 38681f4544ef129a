//! The HTTP API in front of a function, as API Gateway behaves.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use serde_json::json;
use tokio::net::TcpListener;
use uuid::Uuid;

use super::http_event::{Incoming, answer, event};
use super::lambda::{Lambda, trace_id};
use super::outcome::Outcome;
use super::routes::{Route, find};

/// Largest body, and largest request line and headers together ("Quotas for configuring and running an HTTP API").
const MAX_BODY: usize = 10 * 1024 * 1024;
const MAX_HEADERS: usize = 10_240;

/// The longest that an HTTP API waits for its integration (same source).
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(30);

/// One HTTP API.
struct HttpApi {
    lambda: Arc<Lambda>,
    function: String,
    routes: Vec<Route>,
    id: String,
    port: u16,
}

/// Serves an HTTP API on a free loopback port. Gives its URL and the server, which runs while it is polled.
pub(super) async fn serve(
    lambda: Arc<Lambda>,
    function: String,
    route_keys: &[String],
) -> Result<(String, impl Future<Output = ()> + Send + 'static)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let api = HttpApi {
        lambda,
        function,
        routes: route_keys.iter().map(|key| Route::parse(key)).collect(),
        id: Uuid::new_v4().simple().to_string()[..10].to_owned(),
        port: address.port(),
    };
    let router = Router::new().fallback(handle).with_state(Arc::new(api));
    let server = async move {
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        if let Err(error) = axum::serve(listener, service).await {
            tracing::error!(%error, "an HTTP API has ended");
        }
    };
    Ok((format!("http://{address}"), server))
}

async fn handle(
    State(api): State<Arc<HttpApi>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let request_id = Uuid::new_v4().simple().to_string()[..16].to_owned();
    let mut response = api.answer(peer, request, request_id.clone()).await;
    if let Ok(id) = HeaderValue::try_from(request_id) {
        response.headers_mut().insert("apigw-requestid", id);
    }
    response
}

impl HttpApi {
    async fn answer(&self, peer: SocketAddr, request: Request, request_id: String) -> Response {
        let (parts, body) = request.into_parts();
        let Some((route, parameters)) = find(&self.routes, parts.method.as_str(), parts.uri.path()) else {
            return message(StatusCode::NOT_FOUND, "Not Found");
        };
        let size: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if size + parts.uri.path().len() > MAX_HEADERS {
            return message(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large");
        }
        let body = match read(body).await {
            Ok(body) => body,
            Err(refused) => return refused,
        };
        let given = parts.headers.get("x-amzn-trace-id").and_then(|value| value.to_str().ok());
        let trace_id = given.filter(|id| id.starts_with("Root=")).map_or_else(trace_id, str::to_owned);
        let incoming = Incoming { parts, body, peer, port: self.port, api_id: self.id.clone(), request_id, trace_id };
        let event = Bytes::from(event(&incoming, &route.key, &parameters).to_string());
        let Some(function) = self.lambda.function(&self.function) else {
            return internal_error();
        };
        let running = self.lambda.invoke(function, event, incoming.trace_id);
        match tokio::time::timeout(INTEGRATION_TIMEOUT, running).await {
            Ok(Outcome::Answer(payload)) => answer(&payload).unwrap_or_else(internal_error),
            Ok(Outcome::Failed(_)) => internal_error(),
            Err(_) => message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        }
    }
}

async fn read(body: Body) -> Result<Bytes, Response> {
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            Err(message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"))
        }
        Err(_) => Err(message(StatusCode::BAD_REQUEST, "Bad Request")),
    }
}

fn internal_error() -> Response {
    message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}

fn message(status: StatusCode, text: &str) -> Response {
    (status, axum::Json(json!({ "message": text }))).into_response()
}
