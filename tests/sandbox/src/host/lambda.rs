//! The Lambda service: all functions behind one gate.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedRwLockReadGuard, RwLock};
use uuid::Uuid;

use super::function::Function;
use super::outcome::Outcome;

/// How often Lambda tries an asynchronous invocation: once and two retries.
const ASYNC_ATTEMPTS: u32 = 3;

/// The right to run an invocation; [`Lambda::close_gate`] waits for all of them.
pub(super) type Pass = OwnedRwLockReadGuard<()>;

/// The functions, and the gate that every invocation passes.
pub(super) struct Lambda {
    pub(super) functions: BTreeMap<String, Arc<Function>>,
    gate: Arc<RwLock<()>>,
    /// Grows when the gate closes: what was accepted before and has not begun is dropped.
    epoch: AtomicU64,
    async_retry_after: Duration,
}

impl Lambda {
    pub(super) fn new(functions: BTreeMap<String, Arc<Function>>, async_retry_after: Duration) -> Arc<Self> {
        Arc::new(Self { functions, gate: Arc::default(), epoch: AtomicU64::new(0), async_retry_after })
    }

    /// The function of this name.
    pub(super) fn function(&self, name: &str) -> Option<Arc<Function>> {
        self.functions.get(name).cloned()
    }

    /// Waits while the gate is closed.
    pub(super) async fn pass(&self) -> Pass {
        Arc::clone(&self.gate).read_owned().await
    }

    /// Runs a synchronous invocation. It runs to its end even when this future is dropped, as Lambda's do when the
    /// caller hangs up.
    pub(super) async fn invoke(&self, function: Arc<Function>, payload: Bytes, trace_id: String) -> Outcome {
        let gate = Arc::clone(&self.gate);
        let request_id = Uuid::new_v4().to_string();
        let id = request_id.clone();
        let run = tokio::spawn(async move {
            let _pass = gate.read_owned().await;
            function.invoke(&id, payload, &trace_id).await
        });
        run.await.unwrap_or_else(|error| Outcome::exited(&request_id, &error.to_string()))
    }

    /// Accepts an asynchronous invocation, which is tried again when it fails.
    pub(super) fn invoke_later(self: &Arc<Self>, function: Arc<Function>, payload: Bytes, request_id: String) {
        let lambda = Arc::clone(self);
        let epoch = lambda.epoch();
        tokio::spawn(async move {
            for attempt in 0..ASYNC_ATTEMPTS {
                if attempt > 0 {
                    tokio::time::sleep(lambda.async_retry_after * attempt).await;
                }
                let _pass = lambda.pass().await;
                if !lambda.is_wanted(epoch) {
                    return;
                }
                if let Outcome::Answer(_) = function.invoke(&request_id, payload.clone(), &trace_id()).await {
                    return;
                }
            }
            tracing::warn!(function = %function.name, request_id, "asynchronous invocation given up");
        });
    }

    /// What was accepted now is still wanted as long as [`Lambda::is_wanted`] of this.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// Whether the gate was not closed since.
    pub(super) fn is_wanted(&self, epoch: u64) -> bool {
        self.epoch() == epoch
    }

    /// Closes the gate: no invocation begins any more, running ones have `grace` to end and are killed then. Open again
    /// when the guard is dropped. All instances are fresh after it.
    pub(super) async fn close_gate(&self, grace: Duration) -> tokio::sync::OwnedRwLockWriteGuard<()> {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        let closing = Arc::clone(&self.gate).write_owned();
        tokio::pin!(closing);
        let closed = match tokio::time::timeout(grace, &mut closing).await {
            Ok(closed) => closed,
            Err(_) => loop {
                // Again and again: an invocation that waited for a free instance may have begun meanwhile.
                self.kill_all().await;
                if let Ok(closed) = tokio::time::timeout(Duration::from_millis(50), &mut closing).await {
                    break closed;
                }
            },
        };
        self.kill_all().await;
        closed
    }

    /// Kills every instance of every function.
    pub(super) async fn kill_all(&self) {
        futures::future::join_all(self.functions.values().map(|function| function.kill_all())).await;
    }
}

/// A fresh `X-Amzn-Trace-Id`, not sampled.
pub(super) fn trace_id() -> String {
    let seconds = jiff::Timestamp::now().as_second();
    let id = Uuid::new_v4().simple().to_string();
    let parent = Uuid::new_v4().simple().to_string();
    format!("Root=1-{seconds:08x}-{};Parent={};Sampled=0", &id[..24], &parent[..16])
}
