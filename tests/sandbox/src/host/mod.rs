//! Runs the functions' real binaries as AWS does.
//!
//! - [`Host::intake_url`]: an HTTP API (payload format 2.0) a function;
//! - [`Host::lambda_url`]: Lambda's Invoke API for every function;
//! - event source mappings that poll the FIFO queues, batch size 1, partial batch responses;
//! - schedules on the sandbox's calendar.
//!
//! Every instance is a process with a clean environment and a Runtime API of its own: real deadlines, cold starts, warm
//! reuse, several at once, killed at will. Two things are quicker than in AWS, and only these ([`Pace`]): a message whose
//! function crashed comes back after half a second instead of the visibility timeout, and an asynchronous invocation is
//! retried after a second instead of a minute. Not simulated: throttling, memory limits, extensions, response streaming,
//! recursive loop detection, signatures of the Invoke API.

mod environment;
mod event_source;
mod function;
mod http_api;
mod http_event;
mod instance;
mod invoke_api;
mod lambda;
mod outcome;
mod process;
mod rotation;
mod routes;
mod runtime_api;
mod schedules;
mod sqs;
mod wiring;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use serde_json::Value;
use tokio::sync::{Notify, OwnedRwLockWriteGuard};
use tokio::task::JoinSet;

pub use self::environment::function_arn;
use self::event_source::EventSource;
pub use self::function::Environment;
use self::function::Function;
use self::lambda::{Lambda, trace_id};
use self::outcome::Outcome;
use self::process::Launcher;
use self::schedules::Schedules;
use self::sqs::Sqs;
pub use self::wiring::{Pace, Schedule, Settings, Target, Wiring};
use crate::moto::Rotation;
use crate::world::World;

/// How long [`Host::quiesce`] lets running invocations end by themselves, where its caller has no better figure.
pub const GRACE: Duration = Duration::from_secs(2);

/// What the host runs, and against what.
#[derive(Clone)]
pub struct Options {
    /// Function → its `bootstrap`.
    pub binaries: BTreeMap<String, PathBuf>,
    /// The variables of a function's deployment, by its name: asked for every instance that starts. The host adds what
    /// Lambda adds; the credentials are to be given here.
    pub env: Environment,
    /// Base URL of SQS.
    pub sqs_endpoint: String,
    /// FIFO queues by the function that consumes them, with content-based deduplication (EventBridge Scheduler needs it).
    pub queues: BTreeMap<String, String>,
    /// Where the queues put what was received too often; only looked at.
    pub dead_letter_url: Option<String>,
    /// Access key id and secret of the host's own SQS calls (never the functions').
    pub credentials: (String, String),
    /// Everything that the functions write to stdout and stderr, appended as it is.
    pub log_file: PathBuf,
    /// Clock of the schedules.
    pub world: Arc<World>,
}

/// The running host. Everything it started ends with it, also when the process is killed.
pub struct Host {
    lambda: Arc<Lambda>,
    lambda_url: String,
    http_api_urls: BTreeMap<String, String>,
    schedules: Arc<Schedules>,
    dead_letters: Option<Sqs>,
    wakes: Vec<Arc<Notify>>,
    rotation_retry_after: Duration,
    tasks: JoinSet<()>,
}

/// No function runs while this is held. Dropping it lets them run again.
#[must_use = "the functions run again as soon as this is dropped"]
pub struct Quiet {
    _gate: OwnedRwLockWriteGuard<()>,
}

impl Host {
    /// Starts with the product's [`Wiring`]. No function is started before its first invocation. To be called inside a
    /// tokio runtime.
    ///
    /// # Errors
    /// A binary that is not there, an environment that Lambda would refuse, a log file or port that cannot be opened.
    pub async fn start(options: Options) -> Result<Self> {
        Self::start_with(options, Wiring::default()).await
    }

    /// Starts with another wiring: shorter timeouts, other schedules, more HTTP APIs.
    ///
    /// # Errors
    /// As [`Host::start`].
    pub async fn start_with(options: Options, wiring: Wiring) -> Result<Self> {
        let launcher = Arc::new(Launcher::start(&options.log_file)?);
        let mut functions = BTreeMap::new();
        for (name, binary) in options.binaries {
            let binary =
                binary.canonicalize().with_context(|| format!("no binary of {name} at {}", binary.display()))?;
            let (settings, env) = (wiring.settings(&name), Arc::clone(&options.env));
            let function = Function::new(name.clone(), binary, settings, env, Arc::clone(&launcher));
            function.check()?;
            functions.insert(name, Arc::new(function));
        }
        let lambda = Lambda::new(functions, wiring.pace.async_retry_after);
        let mut tasks = JoinSet::new();
        let (lambda_url, server) = invoke_api::serve(Arc::clone(&lambda)).await?;
        tasks.spawn(server);
        let mut http_api_urls = BTreeMap::new();
        for (function, routes) in wiring.http_apis {
            let (url, server) = http_api::serve(Arc::clone(&lambda), function.clone(), &routes).await?;
            tasks.spawn(server);
            http_api_urls.insert(function, url);
        }
        let queue = |url: &String| Sqs::new(&options.sqs_endpoint, url, &options.credentials.0);
        let queues: BTreeMap<String, Sqs> =
            options.queues.iter().map(|(function, url)| Ok((function.clone(), queue(url)?))).collect::<Result<_>>()?;
        let dead_letters = options.dead_letter_url.as_deref();
        let dead_letters = dead_letters.map(|url| Sqs::new(&options.sqs_endpoint, url, &options.credentials.0));
        let mut wakes = Vec::new();
        for (name, sqs) in queues.iter().filter(|(name, _)| !wiring.idle_queues.contains(*name)) {
            // A queue whose function is not built keeps what it gets.
            let Some(function) = lambda.function(name) else { continue };
            let wake = Arc::new(Notify::new());
            wakes.push(Arc::clone(&wake));
            let source =
                EventSource { lambda: Arc::clone(&lambda), function, sqs: sqs.clone(), pace: wiring.pace, wake };
            tasks.spawn(Arc::new(source).run());
        }
        let schedules = Arc::new(Schedules::new(options.world, Arc::clone(&lambda), queues, wiring.schedules));
        tasks.spawn(Arc::clone(&schedules).run());
        let dead_letters = dead_letters.transpose()?;
        let rotation_retry_after = wiring.pace.rotation_retry_after;
        Ok(Self { lambda, lambda_url, http_api_urls, schedules, dead_letters, wakes, rotation_retry_after, tasks })
    }

    /// URL of intake's HTTP API; empty if the wiring has none.
    pub fn intake_url(&self) -> &str {
        self.http_api_url("intake").unwrap_or_default()
    }

    /// URL of a function's HTTP API.
    pub fn http_api_url(&self, function: &str) -> Option<&str> {
        self.http_api_urls.get(function).map(String::as_str)
    }

    /// Base URL of the Invoke API.
    pub fn lambda_url(&self) -> &str {
        &self.lambda_url
    }

    /// Invokes a function and waits for its answer.
    ///
    /// # Errors
    /// No such function, or what Lambda reports of its failure (`errorType: errorMessage`).
    pub async fn invoke(&self, function: &str, payload: Value) -> Result<Value> {
        let function = self.function(function)?;
        match self.lambda.invoke(function, Bytes::from(payload.to_string()), trace_id()).await {
            Outcome::Answer(answer) => serde_json::from_slice(&answer).context("the function's answer is not JSON"),
            Outcome::Failed(failure) => bail!(failure.summary()),
        }
    }

    /// Begins to call the four steps of a rotation, as Secrets Manager does; returns at once.
    pub fn rotate(&self, rotation: Rotation) {
        rotation::begin(&self.lambda, rotation, self.rotation_retry_after);
    }

    /// Kills the instance of a function that works on an invocation, which then ends with `Runtime.ExitError`. When not
    /// exactly one of its instances is at work, all of them are killed. The processes are gone when this returns.
    pub async fn kill(&self, function: &str) {
        if let Some(function) = self.lambda.function(function) {
            function.kill().await;
        }
    }

    /// Takes a changed environment into use, as an update of the functions' configuration does: running invocations end
    /// on the instances they have, every later one gets a fresh instance.
    ///
    /// # Errors
    /// An environment that Lambda would refuse; nothing is changed then.
    pub async fn restart(&self) -> Result<()> {
        for function in self.lambda.functions.values() {
            function.check()?;
        }
        futures::future::join_all(self.lambda.functions.values().map(|function| function.retire())).await;
        Ok(())
    }

    /// Ends all work: the queue is no longer polled, no schedule fires, new invocations wait, running ones have `grace`
    /// to end and are killed then, as are all warm instances. While the answer is held, nothing touches the remote
    /// systems. Asynchronous invocations that had not begun are forgotten.
    pub async fn quiesce(&self, grace: Duration) -> Quiet {
        Quiet { _gate: self.lambda.close_gate(grace).await }
    }

    /// Polls the queues now instead of at their next turn, for whoever knows that there is a message.
    pub fn wake(&self) {
        self.wakes.iter().for_each(|wake| wake.notify_one());
    }

    /// Fires every schedule that has fallen due, once, with the present time of the sandbox's calendar; gives their
    /// names. To be called when the calendar was moved (they would otherwise fire a moment later). Waits while
    /// [`Quiet`] is held.
    pub async fn clock_moved(&self) -> Vec<String> {
        let fired = self.schedules.fire_due().await;
        self.wake();
        fired
    }

    /// Fires one schedule now, due or not. Waits while [`Quiet`] is held.
    ///
    /// # Errors
    /// No such schedule, or its target did not take the message.
    pub async fn run_schedule(&self, name: &str) -> Result<()> {
        self.schedules.fire_now(name).await?;
        self.wake();
        Ok(())
    }

    /// How many messages were given up. 0 if the host was told of no dead-letter queue.
    ///
    /// # Errors
    /// SQS does not answer.
    pub async fn dead_letters(&self) -> Result<u64> {
        match &self.dead_letters {
            Some(queue) => queue.depth().await,
            None => Ok(0),
        }
    }

    /// Process ids of a function's instances, for measurements.
    ///
    /// # Errors
    /// No such function.
    pub fn pids(&self, function: &str) -> Result<Vec<u32>> {
        Ok(self.function(function)?.alive().iter().filter_map(|instance| instance.pid()).collect())
    }

    /// Ends everything and waits for the processes' end. Dropping the host does the same without waiting.
    pub async fn shutdown(mut self) {
        self.tasks.shutdown().await;
        self.close();
        self.lambda.kill_all().await;
    }

    fn close(&self) {
        self.lambda.functions.values().for_each(|function| function.close());
    }

    fn function(&self, name: &str) -> Result<Arc<Function>> {
        self.lambda.function(name).with_context(|| format!("there is no function {name}"))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.close();
    }
}
