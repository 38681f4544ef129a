//! Processes of the functions: started with a clean environment, logged raw, and never left behind.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, mpsc};

use anyhow::{Context, Result};
use tokio::process::{Child, Command};
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinHandle;

/// What to run.
pub(super) struct Program {
    /// The `bootstrap`.
    pub(super) binary: PathBuf,
    /// Its whole environment.
    pub(super) environment: Vec<(String, String)>,
}

/// Starts processes from one thread of its own.
///
/// The kernel's parent-death signal follows the *thread* that forked, and the runtime's threads come and go, so a
/// process started from one of them could die at any time. This thread lives as long as the launcher; when it ends, or
/// when the whole sandbox is killed, so do all processes that it started.
pub(super) struct Launcher {
    requests: mpsc::Sender<(Command, oneshot::Sender<io::Result<Child>>)>,
    log: File,
}

impl Launcher {
    /// Opens the log and starts the thread. To be called inside a tokio runtime.
    pub(super) fn start(log_file: &Path) -> Result<Self> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log_file)
            .with_context(|| format!("cannot open the functions' log {}", log_file.display()))?;
        let (requests, queue) = mpsc::channel::<(Command, oneshot::Sender<io::Result<Child>>)>();
        let runtime = tokio::runtime::Handle::current();
        std::thread::Builder::new().name("function-launcher".into()).spawn(move || {
            let _inside = runtime.enter();
            while let Ok((mut command, answer)) = queue.recv() {
                // Nobody waits any more: the child goes with the answer (kill_on_drop).
                let _ = answer.send(command.spawn());
            }
        })?;
        Ok(Self { requests, log })
    }

    /// Starts one process. Its stdout and stderr are the log file itself, opened for appending, so that a line written
    /// just before a kill is there, byte for byte.
    pub(super) async fn launch(&self, program: Program) -> io::Result<Process> {
        let mut command = Command::new(&program.binary);
        command
            .env_clear()
            .envs(program.environment)
            .current_dir(program.binary.parent().unwrap_or(Path::new("/")))
            .stdin(Stdio::null())
            .stdout(self.log.try_clone()?)
            .stderr(self.log.try_clone()?)
            // A group of its own: Ctrl-C in the terminal is for the sandbox, which then ends the functions in order.
            .process_group(0)
            .kill_on_drop(true);
        die_with_parent(&mut command);
        let (answer, child) = oneshot::channel();
        let gone = || io::Error::other("the launcher has ended");
        self.requests.send((command, answer)).map_err(|_| gone())?;
        Ok(Process::supervise(child.await.map_err(|_| gone())??))
    }
}

/// Asks the kernel to kill the process when the launcher's thread ends, however it ends.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "the parent-death signal can only be set in the child, between fork and exec")]
fn die_with_parent(command: &mut Command) {
    let parent = std::process::id();
    // SAFETY: the closure only makes system calls, which are async-signal-safe, and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                return Err(io::Error::last_os_error());
            }
            // The parent may have gone before the call above; then there is no signal to come.
            if u32::try_from(libc::getppid()) != Ok(parent) {
                libc::_exit(1);
            }
            Ok(())
        });
    }
}

/// Elsewhere `kill_on_drop` and [`super::Host::shutdown`] must do.
#[cfg(not(target_os = "linux"))]
fn die_with_parent(_command: &mut Command) {}

/// A running process, killed when this is dropped.
pub(super) struct Process {
    /// Process id, for measurements.
    pub(super) pid: Option<u32>,
    kill: Arc<Notify>,
    exit: watch::Receiver<Option<String>>,
    supervisor: JoinHandle<()>,
}

impl Process {
    fn supervise(mut child: Child) -> Self {
        let pid = child.id();
        let kill = Arc::new(Notify::new());
        let (ended, exit) = watch::channel(None);
        let wish = Arc::clone(&kill);
        let supervisor = tokio::spawn(async move {
            let status = tokio::select! {
                status = child.wait() => status,
                () = wish.notified() => {
                    // Fails only if it has ended already, which the wait below then tells.
                    let _ = child.start_kill();
                    child.wait().await
                }
            };
            ended.send_replace(Some(describe(status)));
        });
        Self { pid, kill, exit, supervisor }
    }

    /// Waits for the end and says how it came, in Lambda's words ("signal: killed", "exit status 1").
    pub(super) async fn ended(&self) -> String {
        let mut exit = self.exit.clone();
        let end = exit.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
        end.unwrap_or_else(|| "signal: killed".to_owned())
    }

    /// Whether the process is there.
    pub(super) fn is_running(&self) -> bool {
        self.exit.borrow().is_none()
    }

    /// Asks for its end with SIGKILL, as Lambda ends an instance.
    pub(super) fn start_kill(&self) {
        self.kill.notify_one();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Drops the child, which kills it.
        self.supervisor.abort();
    }
}

fn describe(status: io::Result<ExitStatus>) -> String {
    #[cfg(unix)]
    use std::os::unix::process::ExitStatusExt;
    let status = match status {
        Ok(status) => status,
        Err(error) => return error.to_string(),
    };
    #[cfg(unix)]
    if let Some(signal) = status.signal() {
        return match signal {
            libc::SIGKILL => "signal: killed".to_owned(),
            libc::SIGABRT => "signal: aborted".to_owned(),
            libc::SIGSEGV => "signal: segmentation fault".to_owned(),
            other => format!("signal: {other}"),
        };
    }
    status.code().map_or_else(|| "unknown".to_owned(), |code| format!("exit status {code}"))
}
