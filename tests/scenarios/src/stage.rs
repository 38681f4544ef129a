//! A sandbox in this process with the functions' real binaries: what every scenario plays on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use extoauth_sandbox::host::{Host, Wiring};
use extoauth_sandbox::moto;
use extoauth_sandbox::sandbox::{Options, Sandbox, root};
use serde_json::Value;

use crate::client::Client;

/// Environment variable with the folder of the functions' binaries.
pub const FUNCTIONS: &str = "EXTOAUTH_FUNCTIONS";
/// The functions that there are.
pub const BUILT: [&str; 5] = ["intake", "provision", "rotate-secret", "secret-expiry-check", "token-lifetime-check"];
/// A request that has not ended by then hangs: the slowest vendor of a scenario takes eight seconds a call.
pub const LIMIT: Duration = Duration::from_secs(120);

/// Lines of the functions' log that a failed scenario shows.
const LAST_WORDS: usize = 30;

/// A running sandbox with its functions.
pub struct Stage {
    /// The sandbox.
    pub sandbox: Arc<Sandbox>,
    /// What runs its functions.
    pub host: Arc<Host>,
    /// The way in from outside.
    pub client: Client,
}

/// Where the functions' binaries are: [`FUNCTIONS`], else beside this program, else `target/debug`.
pub fn functions_folder() -> PathBuf {
    if let Some(folder) = std::env::var_os(FUNCTIONS) {
        return folder.into();
    }
    // A program is in `target/debug`, a test in `target/debug/deps`.
    let program = std::env::current_exe().unwrap_or_default();
    let near = program.ancestors().skip(1).take(2).find(|folder| BUILT.iter().all(|name| folder.join(name).is_file()));
    near.map_or_else(|| root().join("target/debug"), Path::to_owned)
}

/// The functions' roles, as `make` writes them.
pub fn roles_file() -> PathBuf {
    root().join("target/roles.json")
}

/// The functions' binaries.
///
/// # Errors
/// They are not built.
pub fn binaries() -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let folder = functions_folder();
    let found = Sandbox::binaries(&folder);
    let missing: Vec<&str> = BUILT.into_iter().filter(|name| !found.contains_key(*name)).collect();
    ensure!(
        missing.is_empty(),
        "{}: no {} (cargo build{})",
        folder.display(),
        missing.join(" and "),
        BUILT.map(|name| format!(" -p {name}")).concat()
    );
    Ok(found)
}

impl Stage {
    /// A sandbox of its own with the functions; `None`, and a word about it, where moto is not installed.
    ///
    /// # Errors
    /// The functions are not built, or the sandbox does not start.
    pub async fn start() -> anyhow::Result<Option<Self>> {
        Self::start_with(Wiring::default()).await
    }

    /// The same with another wiring.
    ///
    /// # Errors
    /// As [`Stage::start`].
    pub async fn start_with(wiring: Wiring) -> anyhow::Result<Option<Self>> {
        if !moto::installed() {
            eprintln!("skipped: no Python with moto ({} names one)", moto::PYTHON);
            return Ok(None);
        }
        let roles = roles_file();
        if !roles.is_file() {
            eprintln!("no {}: the functions are not held to their roles (make target/roles.json)", roles.display());
        }
        let sandbox = Sandbox::start(Options { roles: Some(roles), ..Options::with_moto() }).await?;
        let host = sandbox.start_functions_with(binaries()?, wiring).await?;
        let client = Client::new(sandbox.sandbox_json())?;
        Ok(Some(Self { sandbox, host, client }))
    }

    /// Posts a request and waits for its end.
    ///
    /// # Errors
    /// It was not accepted, or does not end.
    pub async fn run(&self, body: &Value) -> anyhow::Result<Value> {
        self.client.run(body, LIMIT).await
    }

    /// The same under a new, approved ticket.
    ///
    /// # Errors
    /// As [`Stage::run`].
    pub async fn run_anew(&self, body: &Value) -> anyhow::Result<Value> {
        self.run(&self.client.reopened(body).await?).await
    }

    /// Waits until each of these scheduled checks has come to an end, as they say in the log.
    ///
    /// # Errors
    /// They do not.
    pub async fn checked<const N: usize>(&self, checks: [&str; N]) -> anyhow::Result<()> {
        self.checked_times(checks, 1).await
    }

    /// The same for so many times since the sandbox started.
    ///
    /// # Errors
    /// They do not.
    pub async fn checked_times<const N: usize>(&self, checks: [&str; N], times: usize) -> anyhow::Result<()> {
        let begin = std::time::Instant::now();
        loop {
            let log = self.log()?;
            let ended = |check: &str| log.matches(&format!("\"check\":\"{check}\",\"checks_ended\":1")).count();
            let missing: Vec<&str> = checks.into_iter().filter(|check| ended(check) < times).collect();
            if missing.is_empty() {
                return Ok(());
            }
            ensure!(begin.elapsed() < LIMIT, "{} did not end", missing.join(" and "));
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Everything that the functions logged.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn log(&self) -> anyhow::Result<String> {
        Ok(String::from_utf8_lossy(&std::fs::read(self.sandbox.functions_log())?).into_owned())
    }
}

impl Drop for Stage {
    /// The log goes with the sandbox: of a scenario that failed its end is shown.
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Ok(log) = self.log()
        {
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("the functions' last words:\n{}", lines[lines.len().saturating_sub(LAST_WORDS)..].join("\n"));
        }
    }
}
