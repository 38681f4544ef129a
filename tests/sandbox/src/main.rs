//! Runs the sandbox and the functions in the foreground until Ctrl-C or SIGTERM.
//!
//! `sandbox [--functions DIR] [--target DIR] [--roles FILE] [--aws-tls]`

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use extoauth_sandbox::sandbox::{Options, Sandbox, root};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

const USAGE: &str = "usage: sandbox [--functions DIR] [--target DIR] [--roles FILE] [--aws-tls]

  --functions DIR  the functions' binaries: DIR/<function>/bootstrap or DIR/<function> (default: <target>/debug)
  --target DIR     where sandbox.json and the folder sandbox/ go (default: target)
  --roles FILE     the functions' roles (default: <target>/roles.json; absent: functions may do everything in AWS)
  --aws-tls        the AWS services speak TLS, with certificates of the sandbox's authority";

struct Arguments {
    functions: Option<PathBuf>,
    target: PathBuf,
    roles: Option<PathBuf>,
    aws_tls: bool,
}

fn arguments(given: impl IntoIterator<Item = OsString>) -> anyhow::Result<Arguments> {
    let mut arguments = Arguments { functions: None, target: root().join("target"), roles: None, aws_tls: false };
    let mut given = given.into_iter();
    while let Some(name) = given.next() {
        let name = name.to_string_lossy().into_owned();
        let mut path = || given.next().map(PathBuf::from).with_context(|| format!("{name} needs a path\n{USAGE}"));
        match name.as_str() {
            "--functions" => arguments.functions = Some(path()?),
            "--target" => arguments.target = path()?,
            "--roles" => arguments.roles = Some(path()?),
            "--aws-tls" => arguments.aws_tls = true,
            _ => anyhow::bail!("{name}: unknown\n{USAGE}"),
        }
    }
    // The functions run elsewhere: what they are told must not depend on where this was started.
    arguments.target = std::path::absolute(&arguments.target).context("the target folder")?;
    Ok(arguments)
}

#[tokio::main]
async fn main() -> ExitCode {
    match start().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sandbox: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn start() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let arguments = arguments(std::env::args_os().skip(1))?;

    // Listened for from the start: an end in the middle of starting must leave nothing behind either.
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let end = async {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
    };
    let file = arguments.target.join("sandbox.json");
    remove(&file)?;
    let result = tokio::select! {
        result = run(&arguments, &file) => result,
        () = end => Ok(()),
    };
    remove(&file)?;
    eprintln!("sandbox: ended");
    result
}

/// Starts everything and stays. Dropping it ends everything.
async fn run(arguments: &Arguments, file: &Path) -> anyhow::Result<()> {
    let directory = arguments.target.join("sandbox");
    std::fs::create_dir_all(&directory).with_context(|| format!("{}", directory.display()))?;
    let roles = arguments.roles.clone().unwrap_or_else(|| arguments.target.join("roles.json"));
    eprintln!("sandbox: starting the stand-ins and moto …");
    let options = Options { aws_tls: arguments.aws_tls, roles: Some(roles.clone()), ..Options::standalone(&directory) };
    let sandbox = Sandbox::start(options).await?;
    if !sandbox.world.iam.enforced() {
        eprintln!("sandbox: no {}: the functions may do everything in AWS", roles.display());
    }
    let functions = arguments.functions.clone().unwrap_or_else(|| arguments.target.join("debug"));
    let binaries = Sandbox::binaries(&functions);
    match binaries.is_empty() {
        true => eprintln!("sandbox: no functions in {}: running without them", functions.display()),
        false => eprintln!("sandbox: functions: {}", binaries.keys().cloned().collect::<Vec<_>>().join(", ")),
    }
    let host = match binaries.is_empty() {
        true => None,
        false => Some(sandbox.start_functions(binaries).await?),
    };
    write(file, &format!("{:#}\n", sandbox.sandbox_json()))?;

    if let Some(host) = &host {
        eprintln!("sandbox: intake   {}/requests", host.intake_url());
        eprintln!("sandbox: lambda   {}", host.lambda_url());
        eprintln!("sandbox: log      {}", sandbox.functions_log().display());
    }
    eprintln!("sandbox: aws      {}", sandbox.aws_endpoint(""));
    eprintln!("sandbox: control  {}", sandbox.control_url());
    eprintln!("sandbox: ready, all of it in {} (Ctrl-C ends it)", file.display());
    let _keep = (host, Arc::clone(&sandbox));
    std::future::pending().await
}

/// Writes a file so that nobody ever reads half of it. It holds keys, so it is for its owner alone.
fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;

    let half = file.with_extension("json.part");
    let mut options = std::fs::OpenOptions::new();
    let mut opened = options
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&half)
        .with_context(|| format!("{}", half.display()))?;
    opened.write_all(text.as_bytes()).with_context(|| format!("{}", half.display()))?;
    std::fs::rename(&half, file).with_context(|| format!("{}", file.display()))
}

fn remove(file: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{}", file.display()))
        }
        _ => Ok(()),
    }
}
