//! The gate before every system: who calls, what the record says, faults, latency, permissions.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::FutureExt as _;
use futures::StreamExt as _;
use http::request::Parts;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use tower::ServiceExt as _;

use super::faults::{Effects, Fault};
use super::system::{CallView, Caller, Lag, System};
use super::{Call, World};
use crate::iam::{self, Need};

/// No vendor takes more in one call, nor do we send it.
const BODY_CAP: usize = 16 << 20;
/// What a `garbage` answer holds.
const GARBAGE: &[u8] = b"\x00\xff{\"<html>this is not what the server answered";
/// The head and the first half of a truncated answer must have left before the connection breaks.
const BEFORE_THE_BREAK: Duration = Duration::from_millis(20);

/// The connection ends here without an answer.
#[derive(Debug)]
pub struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the sandbox dropped the connection")
    }
}

impl std::error::Error for Dropped {}

/// A system with its gate.
pub struct Gate {
    system: Arc<dyn System>,
    router: Router,
}

impl Gate {
    /// The gate of this system.
    pub fn new(system: Arc<dyn System>) -> Self {
        let router = Arc::clone(&system).router();
        Self { system, router }
    }

    /// The system behind it.
    pub fn system(&self) -> &Arc<dyn System> {
        &self.system
    }

    /// The vendor's API, without anything around it.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Takes one call. It goes on and is recorded even if the client leaves meanwhile, as with a real server.
    ///
    /// # Errors
    /// [`Dropped`] where a fault says that no answer comes; the connection must be closed.
    pub async fn call(
        self: Arc<Self>,
        world: Arc<World>,
        caller: Caller,
        request: Request<Incoming>,
    ) -> Result<Response, Dropped> {
        let (parts, body) = request.into_parts();
        let body = match Limited::new(body, BODY_CAP).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => return Ok(self.system.failed(413)),
            // The client left in the middle of its request: the server never saw a call.
            Err(_) => return Err(Dropped),
        };
        let task = tokio::spawn(async move { self.answer(&world, caller, parts, body).await });
        task.await.unwrap_or(Err(Dropped))
    }

    async fn answer(
        &self,
        world: &Arc<World>,
        caller: Caller,
        mut parts: Parts,
        body: Bytes,
    ) -> Result<Response, Dropped> {
        let start_ms = world.elapsed_ms();
        let generation = world.calls.generation();
        let kind = self.system.kind();
        let method = parts.method.as_str().to_owned();
        let view = CallView { method: &method, path: parts.uri.path(), headers: &parts.headers, body: &body };
        let classified = self.system.classify(&view);
        let needs = iam::needs(kind, &classified.path, &view);
        let effects = world.faults.strike(kind, &method, &classified.path, &caller.0);
        tokio::time::sleep(world.latency_of(kind)).await;

        let answer = match effects.outcome {
            Some(Fault::ResetBefore | Fault::KillBefore) => None,
            Some(Fault::Status(status)) => Some(self.system.failed(status)),
            Some(Fault::Throttle) => Some(self.system.throttled()),
            _ => match self.refusal(world, &caller, needs).await {
                Some(refusal) => Some(refusal),
                None => {
                    parts.extensions.insert(caller.clone());
                    if !effects.lag.is_zero() {
                        parts.extensions.insert(Lag(effects.lag));
                    }
                    Some(self.act(Request::from_parts(parts, Body::from(body))).await)
                }
            },
        };
        let answer = match answer {
            Some(answer) => spoil(&effects, answer).await,
            None => None,
        };
        tokio::time::sleep(effects.delay).await;

        world.calls.finish(
            generation,
            Call {
                n: 0,
                system: kind.to_owned(),
                method,
                path: classified.path,
                status: answer.as_ref().map_or(0, |answer| answer.status().as_u16()),
                write: classified.write,
                caller: caller.0.clone(),
                start_ms,
                end_ms: world.elapsed_ms(),
            },
        );
        if matches!(effects.outcome, Some(Fault::KillBefore | Fault::KillAfter)) {
            world.kill(&caller.0).await;
        }
        answer.ok_or(Dropped)
    }

    /// The refusal of a call to an AWS service that the caller's role does not allow.
    async fn refusal(&self, world: &World, caller: &Caller, needs: Option<Vec<Need>>) -> Option<Response> {
        let mut needs = needs?;
        let kind = self.system.kind();
        if world.iam.asks_for_tags(caller) {
            for need in &mut needs {
                iam::add_tags(self.router(), kind, need).await;
            }
        }
        world.iam.refusal(caller, kind, &needs)
    }

    async fn act(&self, request: Request<Body>) -> Response {
        let call = self.router.clone().oneshot(request);
        match AssertUnwindSafe(call).catch_unwind().await {
            Ok(Ok(answer)) => answer,
            Ok(Err(never)) => match never {},
            Err(_) => {
                // The panic hook has already said where.
                tracing::error!(system = self.system.kind(), "the stand-in panicked");
                self.system.failed(500)
            }
        }
    }
}

/// What is left of the answer after the fault; none if nothing is sent.
async fn spoil(effects: &Effects, answer: Response) -> Option<Response> {
    match effects.outcome {
        Some(Fault::ResetAfter | Fault::KillAfter) => None,
        Some(Fault::Garbage) => {
            let (mut parts, _) = answer.into_parts();
            parts.headers.remove(header::CONTENT_LENGTH);
            if matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
                // These may have no body at all.
                parts.status = StatusCode::OK;
            }
            Some(Response::from_parts(parts, Body::from(GARBAGE)))
        }
        Some(Fault::Truncate) => {
            let (mut parts, body) = answer.into_parts();
            let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            if body.is_empty() {
                // Nothing to cut: the answer breaks off in its head.
                return None;
            }
            parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
            let half = body.slice(..body.len() / 2);
            let broken = futures::stream::once(async move { Ok(half) }).chain(futures::stream::once(async {
                tokio::time::sleep(BEFORE_THE_BREAK).await;
                Err::<Bytes, _>(Dropped)
            }));
            Some(Response::from_parts(parts, Body::from_stream(broken)))
        }
        _ => Some(answer),
    }
}
