//! The frame of the scheduled checks: every integration once, in an order that stays the same, as far as the invocation
//! goes; the rest is sent to the check's own queue and goes on from there, repeating and missing nothing.

mod event;

use std::sync::Arc;
use std::time::Duration;

use extoauth_automation::clients::Clients;
use extoauth_automation::watch::lifetimes::{self, Shared};
use extoauth_automation::watch::{Counted, Watcher};
use extoauth_core::engine::LedgerError;
use extoauth_core::integration::Integration;
use extoauth_core::registry::Registry;
use extoauth_core::systems::{Idp, SystemKind};
use extoauth_systems::aws::SharedDeadline;
use extoauth_systems::http::{Deadline, Sender};
use serde::Serialize;
use thiserror::Error;

use crate::bootstrap::Process;
use crate::config::Config;
use crate::notices::Notices;
use crate::queue::{Queue, QueueError};
use crate::store::Store;

pub use event::{Event, Place, Unreadable};

/// Time kept at the end of an invocation for storing what was found and sending the rest on.
pub const RESERVE: Duration = Duration::from_secs(20);

/// What must be left before another integration is begun: the calls that one takes, with a vendor's pause between them.
const LEAST: Duration = Duration::from_secs(60);

/// All shards of a check go one after the other.
const GROUP: &str = "shard";

/// What a check answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Integrations that were looked at.
    pub checked: u64,
    /// What is not as it should be.
    pub findings: u64,
    /// What could not be read.
    pub unknown: u64,
    /// Notices that were stored to be sent.
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

/// Everything that the check of token lifetimes needs; lives as long as the process.
pub struct Checker {
    config: Config,
    store: Store,
    shards: Queue,
    notices: Notices,
    clients: Clients,
    sender: Arc<Sender>,
    aws_deadline: SharedDeadline,
}

impl Checker {
    /// The checker of a process. No call is made.
    ///
    /// # Errors
    /// No TLS configuration can be built.
    pub fn new(process: &Process) -> Result<Self, reqwest::Error> {
        let sender = Sender::new(extoauth_systems::http::client()?);
        let Config { deployment, systems, table, shard_queue_url, .. } = process.config.clone();
        let clients = Clients::new(deployment, systems, sender.clone(), process.aws.clone(), process.deadline.clone());
        Ok(Self {
            store: Store::new(&process.aws, table, process.clock.clone()),
            shards: Queue::new(&process.aws, shard_queue_url),
            notices: Notices::new(&process.aws, &process.config),
            clients,
            config: process.config.clone(),
            sender,
            aws_deadline: process.deadline.clone(),
        })
    }

    /// Checks as much as fits before the deadline, at least one integration, and sends the rest on.
    ///
    /// # Errors
    /// What was found until then is stored; the event is to be handled again.
    pub async fn check(&self, event: &Event, deadline: Deadline) -> Result<Answer, Stopped> {
        self.sender.set_deadline(deadline);
        self.aws_deadline.set(deadline);
        let watcher = Watcher {
            deployment: &self.config.deployment,
            policy: &self.config.policy,
            clients: &self.clients,
            ledger: &self.store,
            alerts: &self.store,
            now: event.time(),
        };
        let integrations = self.store.integrations().await?.into_iter().map(|record| record.desired).collect();
        let mut rest = ordered(integrations, event.after()).into_iter().peekable();
        let mut counted = Counted::default();
        let mut shared = (String::new(), Shared::default());
        while let Some((place, desired)) = rest.next() {
            if shared.0 != place.system {
                shared = (place.system.clone(), Shared::default());
            }
            let observed = watcher.lifetimes(&desired, &mut shared.1).await?;
            counted = counted.and(watcher.conclude(lifetimes::WATCH, observed).await?);
            if rest.peek().is_some() && deadline.remaining() < LEAST {
                self.send_on(event, place).await?;
                return Ok(answer(counted, 1));
            }
        }
        self.notices.deliver_due(&self.store, event.time(), deadline).await;
        Ok(answer(counted, 0))
    }

    async fn send_on(&self, event: &Event, after: Place) -> Result<(), QueueError> {
        let once = format!("{}/{}/{}", event.time(), after.system, after.integration);
        let shard = Event::Shard { time: event.time(), after };
        self.shards.send_body(shard.body(), GROUP, &once).await
    }
}

/// The integrations that come after a place, in the order of the check. One that was made or removed meanwhile changes
/// nothing for the others.
fn ordered(integrations: Vec<Integration>, after: Option<&Place>) -> Vec<(Place, Integration)> {
    let mut all: Vec<_> = integrations
        .into_iter()
        .map(|desired| {
            let kind = match desired.idp {
                Idp::Okta => SystemKind::Okta,
                Idp::Entra => SystemKind::Entra,
            };
            let system = format!("{kind}/{}", desired.idp_system);
            (Place { system, integration: desired.name.clone() }, desired)
        })
        .filter(|(place, _)| after.is_none_or(|after| place > after))
        .collect();
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    all
}

fn answer(counted: Counted, queued: u64) -> Answer {
    let Counted { checked, findings, unknown, notified } = counted;
    Answer { checked, findings, unknown, notified, queued }
}

#[cfg(test)]
mod tests {
    use super::*;
    use extoauth_core::integration::{Cutover, Lifetimes};

    fn integration(name: &str, idp: Idp, system: &str) -> Integration {
        Integration {
            name: name.to_owned().try_into().expect("a name"),
            idp,
            idp_system: system.into(),
            warehouse_system: "main".into(),
            dbt_system: "acme".into(),
            environments: [].into(),
            connection_id: None,
            private_link_endpoint_id: None,
            warehouse_host: String::new(),
            database: "dev".into(),
            groups: [].into(),
            user_claim: None,
            identity_attribute: "emails.value".into(),
            lifetimes: Lifetimes { access_minutes: 60, refresh_days: 90, idle_days: 90 },
            secret_days: 180,
            cutover: Cutover::Now,
        }
    }

    fn places(integrations: &[Integration], after: Option<&Place>) -> Vec<String> {
        let ordered = ordered(integrations.to_vec(), after);
        ordered.into_iter().map(|(place, _)| format!("{} {}", place.system, place.integration)).collect()
    }

    #[test]
    fn each_shard_goes_on_after_the_last_one() {
        let all = [
            integration("zebra", Idp::Okta, "acme"),
            integration("beta", Idp::Entra, "contoso"),
            integration("alpha", Idp::Okta, "acme"),
            integration("alpha-two", Idp::Okta, "a-later-org"),
        ];
        let whole = places(&all, None);
        assert_eq!(whole, ["entra/contoso beta", "okta/a-later-org alpha-two", "okta/acme alpha", "okta/acme zebra"]);
        for (at, (place, _)) in ordered(all.to_vec(), None).into_iter().enumerate() {
            assert_eq!(places(&all, Some(&place)), whole[at + 1..], "after {place:?}");
        }
    }

    #[test]
    fn the_last_one_may_be_gone() {
        let gone = Place { system: "okta/acme".into(), integration: "beta".to_owned().try_into().expect("a name") };
        let left = [integration("alpha", Idp::Okta, "acme"), integration("zebra", Idp::Okta, "acme")];
        assert_eq!(places(&left, Some(&gone)), ["okta/acme zebra"]);
    }
}
