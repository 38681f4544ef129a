//! The EventBridge bus.

use aws_config::SdkConfig;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use extoauth_core::notice::Notice;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::carrier::judge;
use super::{Carrier, Channel, SOURCE, Sending};

/// `detail-type` of the event of an alert.
const ALERT: &str = "Integration Alert";

pub(super) struct Bus {
    client: Client,
    name: String,
}

impl Bus {
    pub(super) fn new(config: &SdkConfig, name: &str) -> Self {
        Self { client: Client::new(config), name: name.to_owned() }
    }

    async fn put(&self, notice: &Notice) -> Sending {
        let detail = match serde_json::to_string(notice) {
            Ok(detail) => detail,
            Err(error) => return Sending::NotSent(format!("the notice cannot be written as JSON: {error}")),
        };
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(ALERT)
            .resources(notice.about.to_string())
            .detail(detail)
            .build();
        match self.client.put_events().entries(entry).send().await {
            // The call succeeds although its one entry was refused.
            Ok(put) => match put.entries().iter().find_map(|entry| entry.error_code()) {
                Some(code) => Sending::NotSent(format!("EventBridge: {code}")),
                None => Sending::Sent,
            },
            Err(error) => judge("EventBridge", &error),
        }
    }
}

impl Carrier for Bus {
    fn channel(&self) -> Channel {
        Channel::Bus
    }

    fn carry<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Sending> {
        self.put(notice).boxed()
    }
}
