//! The frame of the scheduled checks: every integration once, and every system that the check asks of, in an order that
//! stays the same, as far as the invocation goes; the rest is sent to the check's own queue and goes on from there,
//! repeating and missing nothing.

mod event;
mod look;
mod order;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use extoauth_automation::clients::Clients;
use extoauth_automation::watch::secrets::Due;
use extoauth_automation::watch::{Counted, Watcher};
use extoauth_core::alert::About;
use extoauth_core::engine::LedgerError;
use extoauth_core::integration::Integration;
use extoauth_core::registry::Registry;
use extoauth_systems::aws::SharedDeadline;
use extoauth_systems::http::{Deadline, Sender};
use jiff::Timestamp;
use serde::Serialize;
use thiserror::Error;

use crate::bootstrap::Process;
use crate::config::Config;
use crate::queue::{Queue, QueueError};
use crate::rotate::{Occasion, ask_rotation};
use crate::store::Store;
use crate::telemetry::{CheckMetrics, emit_check};

pub use event::{Event, Place, Unreadable};
use look::Look;
pub use look::Watch;
use order::ordered;

/// Time kept at the end of an invocation for storing what was found and sending the rest on.
pub const RESERVE: Duration = Duration::from_secs(20);

/// What must be left before another integration is begun: the calls that one takes, with a vendor's pause between them.
const LEAST: Duration = Duration::from_secs(60);

/// All shards of a check go one after the other.
const GROUP: &str = "shard";

/// What a check answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Integrations, and systems, that were looked at.
    pub checked: u64,
    /// What is not as it should be.
    pub findings: u64,
    /// What could not be read.
    pub unknown: u64,
    /// Notices that were stored to be sent: `provision`'s next sweep does it, and has the rights for it.
    pub notified: u64,
    /// Messages that carry the rest: none or one.
    pub queued: u64,
}

/// Why a check stopped. It is started again, by Lambda or the queue, and repeats nothing that was told.
#[derive(Debug, Error)]
pub enum Stopped {
    /// The state store failed.
    #[error(transparent)]
    Store(#[from] LedgerError),
    /// The rest could not be sent on.
    #[error("the rest of the check could not be sent on: {0}")]
    Queue(#[from] QueueError),
}

/// Everything that a scheduled check needs; lives as long as the process.
pub struct Checker {
    watch: Watch,
    config: Config,
    store: Store,
    shards: Queue,
    clients: Clients,
    sender: Arc<Sender>,
    aws_deadline: SharedDeadline,
}

impl Checker {
    /// The checker of a process, for one of the checks. No call is made.
    ///
    /// # Errors
    /// No TLS configuration can be built.
    pub fn new(process: &Process, watch: Watch) -> Result<Self, reqwest::Error> {
        let sender = Sender::new(extoauth_systems::http::client()?);
        let Config { deployment, systems, table, shard_queue_url, .. } = process.config.clone();
        let clients = Clients::new(deployment, systems, sender.clone(), process.aws.clone(), process.deadline.clone());
        Ok(Self {
            watch,
            store: Store::new(&process.aws, table, process.clock.clone()),
            shards: Queue::new(&process.aws, shard_queue_url),
            clients,
            config: process.config.clone(),
            sender,
            aws_deadline: process.deadline.clone(),
        })
    }

    /// Checks as much as fits before the deadline, at least one integration or system, and sends the rest on.
    ///
    /// # Errors
    /// What was found until then is stored; the event is to be handled again.
    pub async fn check(&self, event: &Event, deadline: Deadline) -> Result<Answer, Stopped> {
        self.sender.set_deadline(deadline);
        self.aws_deadline.set(deadline);
        let Swept { mut counted, due, last } = self.sweep(event, deadline).await?;
        // The one place where rotations are asked for: these are the secrets in their window that this part has met. The
        // same ones are met again every day until dbt holds others.
        for Due { integration, version } in &due {
            let now = Timestamp::now();
            let id = ask_rotation(&self.store, integration, Occasion::Ends(version), now, now).await;
            let id = id.map_err(LedgerError::from)?;
            tracing::info!(%integration, version, request.id = %id, "request `{id}` rotates the client secret");
        }
        if let Some(last) = last {
            self.send_on(event, last).await?;
            return Ok(answer(counted, 1));
        }
        counted.notified += self.close_what_is_gone(event).await?;
        // The alarm on a check that does not run any more counts these.
        let figures = CheckMetrics { deployment: self.config.deployment.clone(), check: self.watch.name(), ended: 1 };
        emit_check(&figures, Timestamp::now());
        Ok(answer(counted, 0))
    }

    /// Looks at one after the other.
    async fn sweep(&self, event: &Event, deadline: Deadline) -> Result<Swept, Stopped> {
        let watcher = self.watcher(event);
        let integrations: Vec<Integration> =
            self.store.integrations().await?.into_iter().map(|record| record.desired).collect();
        let systems = self.watch.systems(&self.config);
        let mut rest = ordered(systems, &integrations, event.after()).into_iter().peekable();
        let mut look = Look::new(self.watch, &self.config, &integrations);
        let mut swept = Swept { counted: Counted::default(), due: Vec::new(), last: None };
        while let Some((place, step)) = rest.next() {
            let (observed, due) = look.at(&watcher, &place, &step).await?;
            swept.counted = swept.counted.and(watcher.conclude(self.watch.name(), observed).await?);
            swept.due.extend(due);
            if rest.peek().is_some() && deadline.remaining() < LEAST {
                swept.last = Some(place);
                break;
            }
        }
        Ok(swept)
    }

    /// The end of a check: what is watched and was not among its places, because it is gone, is watched no longer.
    async fn close_what_is_gone(&self, event: &Event) -> Result<u64, Stopped> {
        // The alerts first: what one of them is about was there when it was made, so it is missing below only if it is gone.
        let alerts = self.store.alerts().await.map_err(LedgerError::from)?;
        let subjects: BTreeSet<About> =
            alerts.into_iter().filter(|one| one.watch == self.watch.name()).map(|one| one.matter.about).collect();
        if subjects.is_empty() {
            return Ok(0);
        }
        let integrations = self.store.integrations().await?;
        let here: BTreeSet<About> = (integrations.into_iter().map(|record| About::Integration(record.desired.name)))
            .chain(self.watch.systems(&self.config).into_iter().map(About::System))
            .collect();
        let watcher = self.watcher(event);
        let mut notified = 0;
        for about in subjects.difference(&here) {
            notified += watcher.close(self.watch.name(), about).await?;
            tracing::info!(%about, "it is gone: its alerts are closed");
        }
        Ok(notified)
    }

    fn watcher(&self, event: &Event) -> Watcher<'_> {
        Watcher {
            deployment: &self.config.deployment,
            policy: &self.config.policy,
            clients: &self.clients,
            ledger: &self.store,
            alerts: &self.store,
            now: event.time(),
        }
    }

    async fn send_on(&self, event: &Event, after: Place) -> Result<(), QueueError> {
        let once = format!("{}/{after}", event.time());
        let shard = Event::Shard { time: event.time(), after };
        self.shards.send_body(shard.body(), GROUP, &once).await
    }
}

/// How far an invocation came.
struct Swept {
    counted: Counted,
    /// Client secrets that are to be rotated.
    due: Vec<Due>,
    /// The last one that was looked at, if there is more after it.
    last: Option<Place>,
}

fn answer(counted: Counted, queued: u64) -> Answer {
    let Counted { checked, findings, unknown, notified } = counted;
    Answer { checked, findings, unknown, notified, queued }
}
