//! The sandbox as a process of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use extoauth_scenarios::{Client, stage};
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::screen::Screen;

/// A sandbox starts in a few seconds; a busy machine may take longer.
const START: Duration = Duration::from_secs(90);
/// How long the sandbox may take to end everything it started.
const END: Duration = Duration::from_secs(15);

/// A running sandbox.
pub struct Running {
    /// The way in.
    pub client: Client,
    child: Child,
    target: PathBuf,
}

impl Running {
    /// Starts the sandbox with the functions and waits until it is ready.
    pub async fn start(target: &Path, keep: bool) -> anyhow::Result<Self> {
        let file = target.join("sandbox.json");
        ensure!(
            !answers(&file).await,
            "a sandbox is running already ({}): end it first (Ctrl-C there, or kill its process)",
            file.display()
        );
        let _ = std::fs::remove_file(&file);
        let folder = target.join("sandbox");
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let log = folder.join("sandbox.log");
        let out = std::fs::File::create(&log).with_context(|| log.display().to_string())?;
        let program = std::env::current_exe()?.with_file_name("sandbox");
        // Says what is missing before anything is started.
        stage::binaries()?;
        let mut command = Command::new(&program);
        command
            .arg("--target")
            .arg(target)
            .arg("--functions")
            .arg(stage::functions_folder())
            .arg("--roles")
            .arg(stage::roles_file())
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .kill_on_drop(!keep);
        if keep {
            // Ctrl-C in this terminal is not for a sandbox that stays.
            command.process_group(0);
        }
        let mut child = command.spawn().with_context(|| format!("{} (make demo builds it)", program.display()))?;
        match ready(&mut child, &file).await {
            Ok(client) => Ok(Self { client, child, target: target.to_owned() }),
            Err(error) => {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                let last: Vec<&str> = said.lines().rev().take(15).collect();
                let last: Vec<&str> = last.into_iter().rev().collect();
                bail!("{error:#}\n{}\n(all of it in {})", last.join("\n"), log.display())
            }
        }
    }

    /// Ends it and everything it started.
    pub async fn end(mut self) {
        if let Some(pid) = self.child.id() {
            // SIGTERM, so that it ends its functions and takes its files away.
            let _ = Command::new("kill").arg(pid.to_string()).status().await;
        }
        if timeout(END, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
            let _ = std::fs::remove_file(self.target.join("sandbox.json"));
        }
    }

    /// Leaves it running and says where everything is.
    pub fn leave(self, screen: &Screen) {
        let told = |pointer: &str| self.client.told(pointer).to_owned();
        screen.title("Left running");
        for (name, value) in [
            ("requests", format!("{}/requests", told("/intake"))),
            ("functions", format!("{}/2015-03-31/functions/<name>/invocations", told("/lambda"))),
            ("Okta (admin)", told("/admin/okta/acme/url")),
            ("Entra (admin)", told("/admin/entra/contoso/graph")),
            ("dbt (admin)", told("/admin/dbt/acme/url")),
            ("ServiceNow (admin)", told("/admin/servicenow/acme.service-now.com/url")),
            ("AWS", told("/aws/endpoint")),
            ("what is there", format!("{}/state", told("/control"))),
            ("who called whom", format!("{}/calls", told("/control"))),
            ("proxy", told("/proxy")),
            ("functions' log", told("/functions_log")),
            ("test credentials", self.target.join("sandbox.json").display().to_string()),
        ] {
            screen.field(name, &value);
        }
        if let Some(pid) = self.child.id() {
            screen.text(&format!("kill {pid} ends all of it."));
        }
    }

    /// Keeps a copy of the functions' log that the next sandbox does not add to.
    pub fn log_copy(&self) -> std::io::Result<PathBuf> {
        let copy = self.target.join("demo-functions.log");
        std::fs::copy(self.client.told("/functions_log"), &copy)?;
        Ok(copy)
    }
}

/// Waits until the sandbox has written its file.
async fn ready(child: &mut Child, file: &Path) -> anyhow::Result<Client> {
    let deadline = Instant::now() + START;
    loop {
        if let Ok(text) = std::fs::read_to_string(file) {
            return Client::new(serde_json::from_str(&text)?);
        }
        if let Some(status) = child.try_wait()? {
            bail!("the sandbox did not start: {status}");
        }
        ensure!(Instant::now() < deadline, "the sandbox did not start within {} s", START.as_secs());
        sleep(Duration::from_millis(50)).await;
    }
}

/// Whether the sandbox of an earlier `sandbox.json` is still there.
async fn answers(file: &Path) -> bool {
    let Ok(text) = std::fs::read_to_string(file) else { return false };
    let Ok(told) = serde_json::from_str::<Value>(&text) else { return false };
    let Ok(client) = Client::new(told) else { return false };
    client.last_call().await.is_ok()
}
