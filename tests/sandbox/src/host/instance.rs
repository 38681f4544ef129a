//! One execution environment: a process and its Runtime API.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::outcome::Outcome;
use super::process::{Launcher, Process, Program};
use super::runtime_api::{Desk, Job};

/// Lambda ends an initialisation after ten seconds ("Lambda execution environment lifecycle", init phase). It then
/// tries once more inside the invocation; here the invocation ends.
const INIT_LIMIT: Duration = Duration::from_secs(10);

/// How one attempt on an instance went.
pub(super) enum Attempt {
    /// The invocation has ended.
    Ended(Outcome),
    /// The process had gone before it took the invocation: another instance may have it.
    NotTaken,
}

/// One execution environment. Its process dies with it.
pub(super) struct Instance {
    process: Process,
    desk: Arc<Desk>,
    api: JoinHandle<()>,
    busy: AtomicBool,
    /// Under which configuration it was started.
    pub(super) generation: u64,
}

impl Instance {
    /// Starts a process; `environment` gets the address of its Runtime API.
    pub(super) async fn start(
        launcher: &Launcher,
        binary: std::path::PathBuf,
        function_arn: String,
        generation: u64,
        environment: impl FnOnce(&str) -> Vec<(String, String)>,
    ) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("cannot listen for the Runtime API")?;
        let address = listener.local_addr()?.to_string();
        let desk = Desk::new(function_arn);
        let router = Arc::clone(&desk).router();
        let program = Program { environment: environment(&address), binary };
        let name = program.binary.display().to_string();
        let process = launcher.launch(program).await.with_context(|| format!("fork/exec {name}"))?;
        let api = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "a Runtime API has ended");
            }
        });
        Ok(Self { process, desk, api, busy: AtomicBool::new(false), generation })
    }

    /// Runs one invocation to its end, be it an answer, the end of the process, or the deadline.
    pub(super) async fn run(&self, request_id: &str, payload: Bytes, trace_id: &str, timeout: Duration) -> Attempt {
        self.busy.store(true, Ordering::SeqCst);
        let attempt = self.attempt(request_id, payload, trace_id, timeout).await;
        self.busy.store(false, Ordering::SeqCst);
        attempt
    }

    async fn attempt(&self, request_id: &str, payload: Bytes, trace_id: &str, timeout: Duration) -> Attempt {
        tokio::select! {
            biased;
            () = self.desk.initialised() => {}
            how = self.process.ended() => {
                let outcome = self.desk.init_error().map_or_else(|| Outcome::exited(request_id, &how), Outcome::reported);
                return Attempt::Ended(outcome);
            }
            () = tokio::time::sleep(INIT_LIMIT) => {
                self.kill().await;
                return Attempt::Ended(Outcome::timed_out(request_id, INIT_LIMIT));
            }
        }
        let (reply, mut answer) = oneshot::channel();
        let job = Job { request_id: request_id.to_owned(), payload, trace_id: trace_id.to_owned(), reply };
        self.desk.offer(job, timeout);
        let outcome = tokio::select! {
            biased;
            Ok(outcome) = &mut answer => outcome,
            how = self.process.ended() => match answer.try_recv() {
                Ok(outcome) => outcome,
                Err(_) if self.desk.take_back() => return Attempt::NotTaken,
                Err(_) => Outcome::exited(request_id, &how),
            },
            () = tokio::time::sleep(timeout) => {
                self.kill().await;
                Outcome::timed_out(request_id, timeout)
            }
        };
        Attempt::Ended(outcome)
    }

    /// Whether its process is there.
    pub(super) fn is_running(&self) -> bool {
        self.process.is_running()
    }

    /// Whether it works on an invocation.
    pub(super) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::SeqCst)
    }

    /// Process id.
    pub(super) fn pid(&self) -> Option<u32> {
        self.process.pid
    }

    /// Kills the process without waiting for its end.
    pub(super) fn start_kill(&self) {
        self.process.start_kill();
    }

    /// Kills the process and waits until it has gone.
    pub(super) async fn kill(&self) {
        self.process.start_kill();
        self.process.ended().await;
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.api.abort();
    }
}
