//! What every function's `main` and handler need.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use extoauth_core::clock::{SharedClock, SystemClock};
use extoauth_core::problem::Problems;
use extoauth_core::systems::{SystemId, SystemKind};
use extoauth_systems::aws::{Session, SharedDeadline};
use extoauth_systems::http::Deadline;
use extoauth_systems::secrets::{Read, Vault};
use futures::FutureExt;
use lambda_runtime::Context;
use thiserror::Error;
use tracing::Instrument;

use crate::config::{self, Config};
use crate::{aws, telemetry};

/// What lives as long as the process.
#[derive(Clone)]
pub struct Process {
    /// The configuration.
    pub config: Config,
    /// AWS: region, credentials, the one HTTP client.
    pub aws: SdkConfig,
    /// The deadline of the present invocation, shared by everything that calls AWS on its behalf.
    pub deadline: SharedDeadline,
    /// Secrets of our own account.
    pub vault: Vault,
    /// The present.
    pub clock: SharedClock,
}

/// Why a process cannot start.
#[derive(Clone, Debug, Error)]
#[error("the configuration is not valid: {0}")]
pub struct Unconfigured(#[from] Problems);

impl Process {
    /// Sets up logging, AWS and the configuration, of which this function needs the named variables ([`config`]). Calls
    /// AWS only where the configuration is kept in a secret.
    ///
    /// # Errors
    /// Every problem of the configuration at once; also logged.
    pub async fn start(function: &'static str, needed: &[&str]) -> Result<Self, Unconfigured> {
        telemetry::init(function);
        let aws = aws::load().await;
        let deadline = SharedDeadline::default();
        let session = Session::new(&aws, None, &deadline);
        let vault = Vault::new(Read::new(&session, SystemId::new(SystemKind::SecretsManager, "own")));
        let config = Config::load(&config::environment(), needed, &vault).await.inspect_err(|problems| {
            tracing::error!(%problems, "the configuration is not valid");
        })?;
        Ok(Self { config, aws, deadline, vault, clock: Arc::new(SystemClock) })
    }

    /// Begins an invocation: its end less `reserve`, which is kept for writing down where the work stands, becomes the
    /// deadline of every call.
    pub fn begin(&self, context: &Context, reserve: Duration) -> Deadline {
        let deadline = Deadline::at(context.deadline(), reserve);
        self.deadline.set(deadline);
        deadline
    }
}

/// A handler panicked. What it said is nowhere: it may hold the value that it stumbled over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("internal error; the log has the place")]
pub struct Panicked;

/// Runs one invocation's work in its span; a panic ends the work and not the process.
///
/// # Errors
/// The work panicked.
pub async fn guarded<T>(request_id: &str, work: impl Future<Output = T>) -> Result<T, Panicked> {
    let span = telemetry::invocation(request_id);
    AssertUnwindSafe(work).catch_unwind().instrument(span).await.map_err(|payload: Box<dyn Any + Send>| {
        drop(payload);
        Panicked
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn a_panic_ends_the_work_and_says_nothing() {
        assert_eq!(guarded("r", async { 7 }).await, Ok(7));
        let ended = guarded("r", async { panic!("canary") as u8 }).await;
        assert_eq!(ended, Err(Panicked));
        assert!(!Panicked.to_string().contains("canary"));
    }
}
