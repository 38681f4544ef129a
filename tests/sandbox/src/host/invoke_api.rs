//! Lambda's Invoke API (`POST /2015-03-31/functions/{name}/invocations`). Signatures are not looked at.

use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use serde_json::json;
use tokio::net::TcpListener;
use uuid::Uuid;

use super::environment::function_arn;
use super::lambda::{Lambda, trace_id};
use super::outcome::Outcome;

/// Largest event of a synchronous and of an asynchronous invocation ("Lambda quotas").
const MAX_SYNC: usize = 6 * 1024 * 1024;
const MAX_ASYNC: usize = 1024 * 1024;

/// Serves the API on a free loopback port. Gives its URL and the server, which runs while it is polled.
pub(super) async fn serve(lambda: Arc<Lambda>) -> Result<(String, impl Future<Output = ()> + Send + 'static)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = Router::new()
        .route("/2015-03-31/functions/{name}/invocations", post(invoke))
        .layer(DefaultBodyLimit::disable())
        .fallback(|| async { failure(StatusCode::NOT_FOUND, "UnknownOperationException", "Unknown operation") })
        .with_state(lambda);
    let server = async move {
        if let Err(error) = axum::serve(listener, router).await {
            tracing::error!(%error, "the Lambda API has ended");
        }
    };
    Ok((url, server))
}

async fn invoke(
    State(lambda): State<Arc<Lambda>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    payload: Bytes,
) -> Response {
    let request_id = Uuid::new_v4().to_string();
    let mut response = answer(&lambda, &name, &headers, payload, &request_id).await;
    if let Ok(id) = request_id.parse() {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}

async fn answer(lambda: &Arc<Lambda>, name: &str, headers: &HeaderMap, payload: Bytes, request_id: &str) -> Response {
    let Some(function) = lambda.function(function_name(name)) else {
        let text = format!("Function not found: {}", function_arn(function_name(name)));
        return failure(StatusCode::NOT_FOUND, "ResourceNotFoundException", &text);
    };
    // Lambda gives a function that is invoked without a payload an empty object.
    let payload = if payload.is_empty() { Bytes::from_static(b"{}") } else { payload };
    let asynchronous = match headers.get("x-amz-invocation-type").map(|kind| kind.as_bytes()) {
        None | Some(b"RequestResponse") => false,
        Some(b"Event") => true,
        Some(b"DryRun") => return StatusCode::NO_CONTENT.into_response(),
        Some(_) => {
            return failure(StatusCode::BAD_REQUEST, "InvalidParameterValueException", "Invalid invocation type");
        }
    };
    let limit = if asynchronous { MAX_ASYNC } else { MAX_SYNC };
    if payload.len() > limit {
        let text = format!("Request must be smaller than {limit} bytes for the InvokeFunction operation");
        return failure(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException", &text);
    }
    if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(&payload) {
        let text = format!("Could not parse request body into json: {error}");
        return failure(StatusCode::BAD_REQUEST, "InvalidRequestContentException", &text);
    }
    if asynchronous {
        lambda.invoke_later(function, payload, request_id.to_owned());
        return StatusCode::ACCEPTED.into_response();
    }
    let (error, body) = match lambda.invoke(function, payload, trace_id()).await {
        Outcome::Answer(body) => (None, body),
        Outcome::Failed(failure) => (Some("Unhandled"), failure.payload),
    };
    let mut response =
        Response::builder().header("content-type", "application/json").header("x-amz-executed-version", "$LATEST");
    if let Some(error) = error {
        response = response.header("x-amz-function-error", error);
    }
    response.body(Body::from(body)).unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// The name in `name`, `name:qualifier`, `account:function:name` or an ARN.
fn function_name(given: &str) -> &str {
    let name = given.rsplit_once(":function:").map_or(given, |(_, name)| name);
    let name = name.strip_prefix("function:").unwrap_or(name);
    name.split_once(':').map_or(name, |(name, _)| name)
}

fn failure(status: StatusCode, kind: &'static str, message: &str) -> Response {
    let type_header = (HeaderName::from_static("x-amzn-errortype"), kind);
    (status, [type_header], axum::Json(json!({ "Type": "User", "Message": message }))).into_response()
}

#[cfg(test)]
mod tests {
    use super::function_name;

    #[test]
    fn functions_are_named_in_every_way_that_lambda_takes() {
        for given in [
            "provision",
            "provision:$LATEST",
            "123456789012:function:provision",
            "arn:aws:lambda:us-east-1:123456789012:function:provision",
            "arn:aws:lambda:us-east-1:123456789012:function:provision:live",
        ] {
            assert_eq!(function_name(given), "provision", "{given}");
        }
    }
}
