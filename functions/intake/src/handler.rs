//! From an HTTP API event to the API of `extoauth-runtime`, and back.

use std::convert::Infallible;
use std::time::Duration;

use extoauth_runtime::bootstrap::{Process, guarded};
use extoauth_runtime::intake::{Answer, Door, Intake, Outbox, State};
use lambda_http::{Body, Request, RequestExt, Response};

/// Kept for the answer itself.
const RESERVE: Duration = Duration::from_millis(500);

/// Answers one call. The body goes on as raw bytes: a signature is over those.
pub async fn handle<D: Door, S: State, O: Outbox>(
    process: &Process,
    intake: &Intake<D, S, O>,
    event: Request,
) -> Result<Response<Body>, Infallible> {
    let context = event.lambda_context();
    process.begin(&context, RESERVE);
    let call = event.map(|body| match body {
        Body::Text(text) => text.into_bytes(),
        Body::Binary(bytes) => bytes,
        _ => Vec::new(),
    });
    let answer = guarded(&context.request_id, async {
        let answer = intake.answer(&call).await;
        tracing::info!(method = %call.method(), path = call.uri().path(), status = answer.status.as_u16(), "answered");
        answer
    });
    let answer = answer.await.unwrap_or_else(|panicked| Answer::failed(&panicked.to_string()));
    // Answers are JSON, hence text; binary bodies would be sent in base64.
    Ok(answer.into_response().map(|body| Body::from(String::from_utf8_lossy(&body).into_owned())))
}
