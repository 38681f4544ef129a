//! One process of a function, and what the kernel says of it.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::runtime_api::{Answered, RuntimeApi};

/// A function to be measured.
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// Its release `bootstrap`.
    pub binary: PathBuf,
    /// What its deployment sets.
    pub environment: Vec<(String, String)>,
    /// Where everything that it writes goes.
    pub log: PathBuf,
}

/// A running process of a function. It ends when this is dropped.
pub struct Instance {
    api: RuntimeApi,
    child: Child,
    started: Instant,
}

/// A process's start and first invocation.
pub struct Cold {
    /// Process start to the first question for work.
    pub next: Duration,
    /// Process start to the first answer.
    pub first_answer: Duration,
    /// Time on a CPU until then; none where the kernel does not count it.
    pub cpu: Option<Duration>,
    /// Largest resident memory until then, bytes.
    pub rss_peak: u64,
    /// The answer.
    pub answer: Value,
}

impl Instance {
    async fn launch(function: &Function, first: Option<&Value>) -> anyhow::Result<Self> {
        let api = RuntimeApi::start(function.name).await?;
        if let Some(event) = first {
            // As in Lambda, where the event that starts an instance waits for it.
            api.offer(event);
        }
        let log = log(&function.log)?;
        let mut command = Command::new(&function.binary);
        command
            .env_clear()
            .envs(function.environment.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", api.address())
            .env("AWS_LAMBDA_FUNCTION_NAME", function.name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", function.name))
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "bench")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true);
        let started = Instant::now();
        let child = command.spawn().with_context(|| function.binary.display().to_string())?;
        Ok(Self { api, child, started })
    }

    /// Starts a process, lets it answer one event, and ends it.
    ///
    /// # Errors
    /// It does not start, does not answer, or answers with an error.
    pub async fn cold(function: &Function, event: &Value) -> anyhow::Result<Cold> {
        let mut instance = Self::launch(function, Some(event)).await?;
        let next = instance.api.polled().await.with_context(|| function.name)?;
        let answered = instance.api.answered().await.with_context(|| function.name)?;
        let pid = instance.pid()?;
        let cold = Cold {
            next: next - instance.started,
            first_answer: answered.at - instance.started,
            cpu: cpu_time(pid),
            rss_peak: rss_peak(pid)?,
            answer: answered.answer,
        };
        instance.end().await?;
        Ok(cold)
    }

    /// Starts a process and waits until it asks for work.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(function: &Function) -> anyhow::Result<Self> {
        let mut instance = Self::launch(function, None).await?;
        instance.api.polled().await.with_context(|| function.name)?;
        Ok(instance)
    }

    /// One invocation.
    ///
    /// # Errors
    /// It does not answer, or answers with an error.
    pub async fn invoke(&mut self, event: &Value) -> anyhow::Result<Answered> {
        self.api.offer(event);
        self.api.answered().await
    }

    /// Its process id.
    ///
    /// # Errors
    /// It has ended.
    pub fn pid(&self) -> anyhow::Result<u32> {
        self.child.id().context("the process has ended")
    }

    /// Ends it and waits for that, so that the next one has the machine for itself.
    ///
    /// # Errors
    /// It cannot be ended.
    pub async fn end(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("the process cannot be ended")
    }
}

fn log(path: &Path) -> anyhow::Result<File> {
    OpenOptions::new().create(true).append(true).open(path).with_context(|| path.display().to_string())
}

/// `VmHWM` of a process, bytes (proc(5)).
///
/// # Errors
/// It has ended.
pub fn rss_peak(pid: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM in /proc")?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes * 1024)
}

/// Time that the threads of a process were on a CPU: the first word of each `schedstat` (kernel documentation,
/// "Scheduler Statistics").
fn cpu_time(pid: u32) -> Option<Duration> {
    let mut sum = 0;
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let stat = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        sum += stat.split(' ').next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(sum))
}
