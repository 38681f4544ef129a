//! A Lambda Runtime API on loopback that notes when a process asks for work and when it answers ("AWS Lambda Developer
//! Guide", "Using the Lambda runtime API"). One for each process; it does nothing else, so that the times are the
//! process's own.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Nothing that is measured here takes as long.
const LIMIT: Duration = Duration::from_secs(30);
/// What the function is told as its deadline.
const TIMEOUT: Duration = Duration::from_secs(60);

/// An answered invocation.
pub struct Answered {
    /// When the invocation was handed out.
    pub handed: Instant,
    /// When the answer came.
    pub at: Instant,
    /// The answer.
    pub answer: Value,
}

/// The Runtime API of one process.
pub struct RuntimeApi {
    address: String,
    jobs: UnboundedSender<String>,
    polls: UnboundedReceiver<Instant>,
    ends: UnboundedReceiver<End>,
    server: JoinHandle<()>,
}

struct End {
    handed: Instant,
    at: Instant,
    body: Bytes,
    good: bool,
}

struct Desk {
    function_arn: String,
    count: AtomicU64,
    jobs: tokio::sync::Mutex<UnboundedReceiver<String>>,
    handed: Mutex<Instant>,
    polls: UnboundedSender<Instant>,
    ends: UnboundedSender<End>,
}

impl RuntimeApi {
    /// Listens on a free port.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn start(function: &str) -> anyhow::Result<Self> {
        let (jobs, todo) = unbounded_channel();
        let (polled, polls) = unbounded_channel();
        let (ended, ends) = unbounded_channel();
        let desk = Arc::new(Desk {
            function_arn: format!("arn:aws:lambda:us-east-1:123456789012:function:{function}"),
            count: AtomicU64::new(0),
            jobs: tokio::sync::Mutex::new(todo),
            handed: Mutex::new(Instant::now()),
            polls: polled,
            ends: ended,
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(error))
            .with_state(desk);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?.to_string();
        let server = tokio::spawn(async move {
            // Ends with the task that it is.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, jobs, polls, ends, server })
    }

    /// `AWS_LAMBDA_RUNTIME_API` of the process.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Puts an event before the process.
    pub fn offer(&self, event: &Value) {
        // The server keeps the other end as long as this is there.
        let _ = self.jobs.send(event.to_string());
    }

    /// When the process asked for work, the first time first.
    ///
    /// # Errors
    /// It does not ask.
    pub async fn polled(&mut self) -> anyhow::Result<Instant> {
        timeout(LIMIT, self.polls.recv()).await.ok().flatten().context("the process does not ask for an invocation")
    }

    /// The next answer.
    ///
    /// # Errors
    /// None comes, or the function reports an error.
    pub async fn answered(&mut self) -> anyhow::Result<Answered> {
        let end = timeout(LIMIT, self.ends.recv()).await.ok().flatten().context("the process does not answer")?;
        if !end.good {
            bail!("the function failed: {}", String::from_utf8_lossy(&end.body));
        }
        let answer = serde_json::from_slice(&end.body).context("the answer is not JSON")?;
        Ok(Answered { handed: end.handed, at: end.at, answer })
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn next(State(desk): State<Arc<Desk>>) -> Response {
    let _ = desk.polls.send(Instant::now());
    let Some(event) = desk.jobs.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let id = desk.count.fetch_add(1, Ordering::Relaxed);
    let deadline = (SystemTime::now() + TIMEOUT).duration_since(UNIX_EPOCH).unwrap_or_default();
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", format!("00000000-0000-4000-8000-{id:012}")),
        ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
        ("lambda-runtime-invoked-function-arn", desk.function_arn.clone()),
        ("lambda-runtime-trace-id", "Root=1-65f00000-000000000000000000000000;Sampled=0".to_owned()),
    ];
    *desk.handed.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    (headers, event).into_response()
}

async fn response(State(desk): State<Arc<Desk>>, body: Bytes) -> StatusCode {
    desk.end(body, true)
}

async fn error(State(desk): State<Arc<Desk>>, body: Bytes) -> StatusCode {
    desk.end(body, false)
}

impl Desk {
    fn end(&self, body: Bytes, good: bool) -> StatusCode {
        let at = Instant::now();
        let handed = *self.handed.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.ends.send(End { handed, at, body, good });
        StatusCode::ACCEPTED
    }
}
