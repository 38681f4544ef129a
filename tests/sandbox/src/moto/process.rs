//! moto as a child process.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;

/// Environment variable with the Python of the virtual environment that holds moto.
pub const PYTHON: &str = "EXTOAUTH_SANDBOX_PYTHON";
/// Started with this.
const LAUNCHER: &str = include_str!("launch.py");

/// A running moto server. It ends when this is dropped, or when this process ends in whatever way: it waits for the end
/// of its standard input, which we hold.
pub struct Process {
    url: String,
    child: Child,
    // Held only to be closed.
    _stdin: Option<ChildStdin>,
}

impl Process {
    /// Starts moto with this Python and waits until it listens. What it says goes to `log`, or to our standard error.
    ///
    /// # Errors
    /// There is no such Python, or moto is not installed for it: the message says how to get it.
    pub fn start(python: &Path, log: Option<&Path>) -> anyhow::Result<Self> {
        let stderr = match log {
            Some(log) => Stdio::from(std::fs::File::create(log).with_context(|| format!("{}", log.display()))?),
            None => Stdio::inherit(),
        };
        let mut child = Command::new(python)
            .args(["-c", LAUNCHER])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .with_context(|| format!("{}: no Python with moto[server] there ({PYTHON})", python.display()))?;
        let stdin = child.stdin.take();
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        match line.trim().parse::<u16>() {
            Ok(port) => Ok(Self { url: format!("http://127.0.0.1:{port}"), child, _stdin: stdin }),
            Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                anyhow::bail!("moto did not start: is moto[server] installed for {}?", python.display())
            }
        }
    }

    /// The moto that the sandboxes of this process share, started with the first: each has an account of its own in it.
    ///
    /// # Errors
    /// As [`Process::start`].
    pub fn shared() -> anyhow::Result<Arc<Self>> {
        static SHARED: Mutex<Option<Arc<Process>>> = Mutex::new(None);
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(process) = shared.as_ref() {
            return Ok(Arc::clone(process));
        }
        let process = Arc::new(Self::start(&python(), None)?);
        *shared = Some(Arc::clone(&process));
        Ok(process)
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It holds nothing worth a graceful end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The Python that runs moto: [`PYTHON`], or the project's virtual environment.
pub fn python() -> PathBuf {
    match std::env::var_os(PYTHON) {
        Some(python) => PathBuf::from(python),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/venv/bin/python"),
    }
}

/// Whether [`python`] is there: tests that need moto say that they skip where it is not.
pub fn installed() -> bool {
    python().exists()
}
