//! The queue's worker: takes a message, carries out the request that it names, keeps its status, tells the ticket.
//!
//! A message carries no authority: it names a stored request. What happens is decided by what is stored and by what the
//! ticket system says when the ticket is read back.

mod notes;
mod progress;
mod run;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use extoauth_automation::clients::Clients;
use extoauth_core::clock::SharedClock;
use extoauth_core::engine::Timing;
use extoauth_systems::aws::SharedDeadline;
use extoauth_systems::http::{Deadline, Sender};
use futures::FutureExt;
use futures::future::LocalBoxFuture;

use crate::bootstrap::Process;
use crate::config::Config;
use crate::notices::Notices;
use crate::queue::{Message, Queue, Unreadable};
use crate::store::Store;

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handled {
    /// It is done with.
    Done,
    /// It comes again when its visibility ends.
    Again,
}

/// Failed attempts of one request until it ends failed; each is made after a longer pause.
pub const MAX_FAILURES: u32 = 7;

/// How long it is remembered what was told: longer than any ticket is open.
const REMEMBERED: Duration = Duration::from_hours(24 * 400);

/// Time kept at the end of an invocation for the journal, the status and the message.
pub const RESERVE: Duration = Duration::from_secs(20);

/// Everything that the worker needs; lives as long as the process.
pub struct Worker {
    /// The configuration.
    pub config: Config,
    /// The state.
    pub store: Store,
    /// The queue.
    pub queue: Queue,
    /// Who is told when a request ends.
    pub notices: Notices,
    /// The ways into the systems.
    pub clients: Clients,
    /// The sender of all REST calls.
    pub sender: Arc<Sender>,
    /// The deadline of AWS calls.
    pub aws_deadline: SharedDeadline,
    /// Time.
    pub clock: SharedClock,
    /// Patience with the vendors.
    pub timing: Timing,
}

impl Worker {
    /// The worker of a process. No call is made.
    ///
    /// # Errors
    /// No TLS configuration can be built.
    pub fn new(process: &Process) -> Result<Self, reqwest::Error> {
        let sender = Sender::new(extoauth_systems::http::client()?);
        let Config { deployment, systems, table, queue_url, .. } = process.config.clone();
        let clients = Clients::new(deployment, systems, sender.clone(), process.aws.clone(), process.deadline.clone());
        let mut notices = Notices::new(&process.aws, &process.config);
        // It is a configured one: the configuration was read so.
        if let Some((_, write)) = process.config.incident_instance().and_then(|name| clients.servicenow(name).ok()) {
            notices = notices.with_incidents(write);
        }
        Ok(Self {
            store: Store::new(&process.aws, table, process.clock.clone()),
            queue: Queue::new(&process.aws, queue_url),
            notices,
            clients,
            config: process.config.clone(),
            sender,
            aws_deadline: process.deadline.clone(),
            clock: process.clock.clone(),
            timing: Timing::default(),
        })
    }

    /// Handles one message within the invocation's time.
    pub fn handle<'a>(&'a self, body: &'a str, receipt: &'a str, deadline: Deadline) -> LocalBoxFuture<'a, Handled> {
        // Boxed: this way it is compiled here and not in every binary.
        self.take(body, receipt, deadline).boxed_local()
    }

    async fn take(&self, body: &str, receipt: &str, deadline: Deadline) -> Handled {
        self.sender.set_deadline(deadline);
        self.aws_deadline.set(deadline);
        match Message::parse(body) {
            Ok(Message::Request { request, time }) => self.carry_out(&request, time, receipt).await,
            Ok(Message::Sweep { time }) => self.sweep(time, receipt, deadline).await,
            Ok(Message::Look { system, events }) => {
                tracing::warn!(%system, events = events.len(), "an event was received, and nothing looks at it yet");
                Handled::Done
            }
            Err(error @ Unreadable::Newer(_)) => {
                // A later version may be on its way to this function: the message waits for it.
                tracing::error!(%error, "a message cannot be read");
                Handled::Again
            }
            Err(error) => {
                // It can never be read, so keeping it would only block its group. What it was about is stored: the sweep
                // finds it.
                tracing::error!(%error, "a message cannot be read and is dropped");
                Handled::Done
            }
        }
    }
}
