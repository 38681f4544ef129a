//! EventBridge Scheduler: recurring messages on the sandbox's calendar.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::lambda::Lambda;
use super::sqs::Sqs;
use super::wiring::{Schedule, Target};
use crate::world::World;

/// The placeholder of EventBridge Scheduler ("Adding context attributes").
const TIME: &str = "<aws.scheduler.scheduled-time>";

/// How often a due schedule is looked for.
const TICK: Duration = Duration::from_millis(250);

/// How often a schedule tries its target before it leaves it to the next time, and the wait between.
const ATTEMPTS: u32 = 5;
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// The schedules and when each is due.
pub(super) struct Schedules {
    world: Arc<World>,
    lambda: Arc<Lambda>,
    queues: BTreeMap<String, Sqs>,
    table: Mutex<Vec<(Schedule, Timestamp)>>,
}

impl Schedules {
    pub(super) fn new(
        world: Arc<World>,
        lambda: Arc<Lambda>,
        queues: BTreeMap<String, Sqs>,
        schedules: Vec<Schedule>,
    ) -> Self {
        let now = world.clock.now();
        let table = schedules.into_iter().map(|schedule| {
            let due = later(now, schedule.every);
            (schedule, due)
        });
        Self { world, lambda, queues, table: Mutex::new(table.collect()) }
    }

    /// Fires what falls due, for ever.
    pub(super) async fn run(self: Arc<Self>) {
        loop {
            tokio::time::sleep(TICK).await;
            self.fire_due().await;
        }
    }

    /// Fires each schedule that is due, once, with the present time: a calendar that jumped by a month starts one sweep,
    /// not thousands. Gives the names of those that were due.
    pub(super) async fn fire_due(&self) -> Vec<String> {
        // The lock is held while sending, so that two callers do not both fire; and the pass, so that nothing is sent
        // into a sandbox that is being reset.
        let mut table = self.table.lock().await;
        let _pass = self.lambda.pass().await;
        let now = self.world.clock.now();
        let mut fired = Vec::new();
        for (schedule, due) in table.iter_mut() {
            let next = later(now, schedule.every);
            if now < *due {
                // The calendar was set back: the next one is never further away than the interval.
                *due = next.min(*due);
                continue;
            }
            *due = next;
            if let Err(error) = self.fire(schedule, now).await {
                tracing::warn!(schedule = %schedule.name, error = %format!("{error:#}"), "a schedule's target failed");
            }
            fired.push(schedule.name.clone());
        }
        fired
    }

    /// Fires one schedule now, due or not.
    pub(super) async fn fire_now(&self, name: &str) -> Result<()> {
        let mut table = self.table.lock().await;
        let _pass = self.lambda.pass().await;
        let now = self.world.clock.now();
        let (schedule, due) =
            table.iter_mut().find(|(schedule, _)| schedule.name == name).context("there is no such schedule")?;
        *due = later(now, schedule.every);
        self.fire(schedule, now).await
    }

    async fn fire(&self, schedule: &Schedule, now: Timestamp) -> Result<()> {
        // EventBridge Scheduler writes whole seconds.
        let time = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let input = schedule.input.replace(TIME, &time);
        match &schedule.target {
            Target::Function(name) => {
                let function = self.lambda.function(name).with_context(|| format!("no function {name}"))?;
                self.lambda.invoke_later(function, Bytes::from(input), Uuid::new_v4().to_string());
                Ok(())
            }
            Target::Queue { of, group } => {
                let queue = self.queues.get(of).with_context(|| format!("{of} has no queue"))?;
                for _ in 1..ATTEMPTS {
                    if queue.send(&input, group).await.is_ok() {
                        return Ok(());
                    }
                    tokio::time::sleep(RETRY_AFTER).await;
                }
                queue.send(&input, group).await
            }
        }
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}
