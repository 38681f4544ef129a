//! The demo: from a ServiceNow ticket to a login that works, on this machine, over real HTTP, with the functions' real
//! binaries against stand-ins of every remote system.
//!
//! `demo [--target DIR]`; with `KEEP=1` in the environment everything is left running and its URLs are printed. Ends with
//! 0 only if all of it is healthy.

mod chapters;
mod entra;
mod running;
mod screen;
mod secret;
mod story;
mod words;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use extoauth_sandbox::sandbox::root;
use tokio::signal::unix::{SignalKind, signal};

use running::Running;
use screen::Screen;
use story::Story;

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("demo: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(demo()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\ndemo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn target(mut given: impl Iterator<Item = OsString>) -> anyhow::Result<PathBuf> {
    match (given.next(), given.next(), given.next()) {
        (None, ..) => Ok(root().join("target")),
        (Some(name), Some(folder), None) if name == "--target" => Ok(folder.into()),
        _ => anyhow::bail!("usage: demo [--target DIR]"),
    }
}

/// Whether everything went well.
async fn demo() -> anyhow::Result<bool> {
    let target = target(std::env::args_os().skip(1))?;
    let keep = std::env::var("KEEP").is_ok_and(|keep| !matches!(keep.as_str(), "" | "0"));
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;

    let screen = Screen::new();
    screen.title("extoauth: from a ServiceNow ticket to a Redshift login in dbt");
    screen.text(
        "Okta, Entra ID, dbt, ServiceNow, IAM Identity Center and Redshift are stand-ins on this machine, reached under \
         their real names; the functions are the ones that run on AWS Lambda.",
    );
    let running = Running::start(&target, keep).await?;
    let mut story = Story::new(&running.client, &screen, keep);
    let told = tokio::select! {
        told = story.tell() => told,
        _ = interrupted.recv() => Err(anyhow::anyhow!("interrupted")),
        _ = terminated.recv() => Err(anyhow::anyhow!("terminated")),
    };
    let healthy = told.is_ok();
    story.results(told.err());
    if !healthy {
        let log = running.log_copy().context("the functions' log could not be kept")?;
        screen.text(&format!("What the functions logged: {}", log.display()));
    }
    if keep {
        running.leave(&screen);
    } else {
        running.end().await;
    }
    Ok(healthy)
}
