//! Telling people and programs: how a request stands ([`RequestNotice`]), and what must be known of until it is mended
//! (the outbox: [`Notices::deliver_due`]).
//!
//! A notice of an alert is stored with the alert, once for each [`Channel`], and sent from there. Each channel fails alone:
//! they are worked on beside each other, each with a bounded time for one message, and one that fails twice in a row is left
//! alone until the next round. What is not sent is tried again with growing pauses; what is given up is logged as an error
//! and counted in a metric that an alarm watches.

mod bus;
mod carrier;
mod channel;
mod deliver;
mod incident;
mod mail;
mod request;
mod topic;

use std::collections::BTreeSet;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use extoauth_systems::servicenow;

use crate::config::Config;

pub use carrier::{Carrier, Sending};
pub use channel::Channel;
pub use deliver::Delivered;
pub use request::{FINISHED, RequestNotice, WAITING};

pub(crate) use mail::is_address;
use request::Requests;

/// `source` of our events.
pub const SOURCE: &str = "extoauth";

/// Who is told, and how. Lives as long as the process.
pub struct Notices {
    deployment: String,
    requests: Requests,
    /// The channels that the deployment uses.
    on: BTreeSet<Channel>,
    /// Those that this process can send on.
    carriers: Vec<Box<dyn Carrier>>,
}

impl Notices {
    /// The channels of a configuration, incidents left to [`Notices::with_incidents`]. No call is made.
    pub fn new(base: &SdkConfig, config: &Config) -> Self {
        let mut on = BTreeSet::new();
        let mut carriers: Vec<Box<dyn Carrier>> = Vec::new();
        let once = once(base);
        if !config.topic_arn.is_empty() {
            on.insert(Channel::Topic);
            carriers.push(Box::new(topic::Topic::new(&once, &config.topic_arn)));
        }
        if !config.event_bus.is_empty() {
            on.insert(Channel::Bus);
            carriers.push(Box::new(bus::Bus::new(&once, &config.event_bus)));
        }
        if !config.mail_from.is_empty() {
            on.insert(Channel::Mail);
            carriers.push(Box::new(mail::Mail::new(&once, &config.mail_from, &config.mail_to)));
        }
        if config.incident_instance().is_some() {
            // Without a carrier its entries wait for a process that has one.
            on.insert(Channel::Incident);
        }
        Self {
            deployment: config.deployment.clone(),
            requests: Requests::new(base, &config.topic_arn, &config.event_bus),
            on,
            carriers,
        }
    }

    /// The same with the client of the instance that incidents are opened in.
    #[must_use]
    pub fn with_incidents(self, client: servicenow::Write) -> Self {
        self.with_carrier(Box::new(incident::Incidents::new(client)))
    }

    /// The same with another carrier in place of the one of its channel.
    #[must_use]
    pub fn with_carrier(mut self, carrier: Box<dyn Carrier>) -> Self {
        self.on.insert(carrier.channel());
        self.carriers.retain(|known| known.channel() != carrier.channel());
        self.carriers.push(carrier);
        self
    }

    /// Tells how a request stands, on the topic and the bus, each failing alone; failures are logged and given back. A
    /// request does not fail for them.
    pub async fn tell(&self, notice: &RequestNotice) -> Vec<String> {
        self.requests.tell(notice).await
    }
}

/// Calls are made once: an SDK that repeats one whose answer was lost would send a message twice. The outbox repeats what
/// was certainly not sent.
fn once(base: &SdkConfig) -> SdkConfig {
    base.to_builder()
        .retry_config(RetryConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(3))
                .operation_timeout(Duration::from_secs(8))
                .build(),
        )
        .build()
}
