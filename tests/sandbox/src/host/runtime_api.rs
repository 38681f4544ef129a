//! The Lambda Runtime API of one instance ("AWS Lambda Developer Guide", "Using the Lambda runtime API").

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use serde_json::json;
use tokio::sync::{Notify, oneshot, watch};

use super::outcome::Outcome;

/// The largest answer of a synchronous invocation: 6 MB and the room that Lambda leaves around it.
pub(super) const MAX_RESPONSE: usize = 6_291_556;

/// One invocation on its way to the process.
pub(super) struct Job {
    /// Id of the invocation.
    pub(super) request_id: String,
    /// The event, JSON.
    pub(super) payload: Bytes,
    /// `X-Amzn-Trace-Id` of the invocation.
    pub(super) trace_id: String,
    /// Where its end is told.
    pub(super) reply: oneshot::Sender<Outcome>,
}

#[derive(Default)]
enum Slot {
    #[default]
    Empty,
    Offered(Job, SystemTime),
    Running {
        request_id: String,
        reply: oneshot::Sender<Outcome>,
    },
}

/// The desk between the host and the process: holds at most one invocation.
pub(super) struct Desk {
    function_arn: String,
    slot: Mutex<Slot>,
    offered: Notify,
    polled: watch::Sender<bool>,
    init_error: Mutex<Option<Bytes>>,
}

impl Desk {
    pub(super) fn new(function_arn: String) -> Arc<Self> {
        Arc::new(Self {
            function_arn,
            slot: Mutex::default(),
            offered: Notify::new(),
            polled: watch::Sender::new(false),
            init_error: Mutex::default(),
        })
    }

    /// Waits until the process has asked for work once, which ends its initialisation.
    pub(super) async fn initialised(&self) {
        // The sender is in `self`, so the channel cannot close meanwhile.
        let _ = self.polled.subscribe().wait_for(|polled| *polled).await;
    }

    /// Puts an invocation on the desk, with the time left until its deadline.
    pub(super) fn offer(&self, job: Job, timeout: Duration) {
        *self.slot() = Slot::Offered(job, SystemTime::now() + timeout);
        self.offered.notify_one();
    }

    /// Clears the desk; true if the process had not taken the invocation from it.
    pub(super) fn take_back(&self) -> bool {
        matches!(std::mem::take(&mut *self.slot()), Slot::Offered(..))
    }

    /// What the process said of its failed initialisation.
    pub(super) fn init_error(&self) -> Option<Bytes> {
        self.init_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The endpoints of the Runtime API, version 2018-06-01. Lambda extensions are not offered.
    pub(super) fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .with_state(self)
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the invocation in hand if it is this one.
    fn finish(&self, request_id: &str) -> Option<oneshot::Sender<Outcome>> {
        let mut slot = self.slot();
        match std::mem::take(&mut *slot) {
            Slot::Running { request_id: running, reply } if running == request_id => Some(reply),
            other => {
                *slot = other;
                None
            }
        }
    }

    /// The answer to a process that asks for work: the offered invocation, which becomes the running one, or a refusal
    /// if one is running already. `None` while there is nothing.
    fn take(&self) -> Option<Response> {
        let mut slot = self.slot();
        match std::mem::take(&mut *slot) {
            Slot::Empty => None,
            running @ Slot::Running { .. } => {
                *slot = running;
                Some(refusal(StatusCode::FORBIDDEN, "InvalidStateTransition", "an invocation is running"))
            }
            Slot::Offered(job, deadline) => {
                let deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
                let answer = Response::builder()
                    .header("content-type", "application/json")
                    .header("lambda-runtime-aws-request-id", &job.request_id)
                    .header("lambda-runtime-deadline-ms", deadline.to_string())
                    .header("lambda-runtime-invoked-function-arn", &self.function_arn)
                    .header("lambda-runtime-trace-id", &job.trace_id)
                    .body(Body::from(job.payload));
                *slot = Slot::Running { request_id: job.request_id, reply: job.reply };
                Some(answer.unwrap_or_else(|error| {
                    refusal(StatusCode::INTERNAL_SERVER_ERROR, "Sandbox.Header", &error.to_string())
                }))
            }
        }
    }
}

async fn next(State(desk): State<Arc<Desk>>) -> Response {
    desk.polled.send_replace(true);
    loop {
        match desk.take() {
            Some(answer) => return answer,
            None => desk.offered.notified().await,
        }
    }
}

async fn response(State(desk): State<Arc<Desk>>, Path(id): Path<String>, body: Body) -> Response {
    match read(body).await {
        Ok(body) => complete(&desk, &id, Outcome::Answer(body)),
        Err(()) => {
            complete(&desk, &id, Outcome::too_large(MAX_RESPONSE));
            refusal(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", "Exceeded maximum allowed payload size")
        }
    }
}

async fn error(State(desk): State<Arc<Desk>>, Path(id): Path<String>, body: Body) -> Response {
    match read(body).await {
        Ok(body) => complete(&desk, &id, Outcome::reported(body)),
        Err(()) => complete(&desk, &id, Outcome::too_large(MAX_RESPONSE)),
    }
}

async fn init_error(State(desk): State<Arc<Desk>>, body: Body) -> Response {
    *desk.init_error.lock().unwrap_or_else(PoisonError::into_inner) = read(body).await.ok();
    accepted()
}

fn complete(desk: &Desk, request_id: &str, outcome: Outcome) -> Response {
    match desk.finish(request_id) {
        Some(reply) => {
            // The caller may have gone; the invocation ends all the same.
            let _ = reply.send(outcome);
            accepted()
        }
        None => refusal(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID"),
    }
}

async fn read(body: Body) -> Result<Bytes, ()> {
    Limited::new(body, MAX_RESPONSE).collect().await.map(|body| body.to_bytes()).map_err(|_| ())
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, axum::Json(json!({ "status": "OK" }))).into_response()
}

fn refusal(status: StatusCode, kind: &str, message: &str) -> Response {
    (status, axum::Json(json!({ "errorType": kind, "errorMessage": message }))).into_response()
}
