//! The SNS topic.

use std::collections::HashMap;

use aws_config::SdkConfig;
use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;
use extoauth_core::finding::Severity;
use extoauth_core::notice::{Notice, NoticeKind};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::json;

use super::carrier::judge;
use super::{Carrier, Channel, Sending};

pub(super) struct Topic {
    client: Client,
    arn: String,
}

impl Topic {
    pub(super) fn new(config: &SdkConfig, arn: &str) -> Self {
        Self { client: Client::new(config), arn: arn.to_owned() }
    }

    async fn publish(&self, notice: &Notice) -> Sending {
        let text = notice.text();
        // By protocol (SNS API reference, `Publish`, MessageStructure): Amazon Q Developer in chat applications subscribes
        // by https and shows its own form only; everybody else reads the text.
        let message = json!({"default": text, "email": text, "https": notice.chat()}).to_string();
        let sent = self
            .client
            .publish()
            .topic_arn(&self.arn)
            .subject(notice.subject())
            .message_structure("json")
            .message(message)
            .set_message_attributes(Some(attributes(notice)))
            .send()
            .await;
        match sent {
            Ok(_) => Sending::Sent,
            Err(error) => judge("SNS", &error),
        }
    }
}

impl Carrier for Topic {
    fn channel(&self) -> Channel {
        Channel::Topic
    }

    fn carry<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Sending> {
        self.publish(notice).boxed()
    }
}

/// The severity's name, as in the event and in the API.
pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Ok => "ok",
        Severity::Info => "info",
        Severity::Unknown => "unknown",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

/// What a subscription's filter may look at. SNS takes no empty value and no control character.
fn attributes(notice: &Notice) -> HashMap<String, MessageAttributeValue> {
    let kind = match notice.kind {
        NoticeKind::Matter => "matter",
        NoticeKind::Mended => "mended",
    };
    let integration = notice.about.integration().map(ToString::to_string).unwrap_or_default();
    let pairs = [
        ("kind", kind.to_owned()),
        ("severity", severity(notice.finding.severity).to_owned()),
        ("check", notice.finding.check.clone()),
        ("about", notice.about.owned_as()),
        ("integration", integration),
        ("owner", notice.owner.clone().unwrap_or_default()),
    ];
    let value = |text: &str| {
        let text: String = text.chars().filter(|c| !c.is_control()).take(256).collect();
        let value = MessageAttributeValue::builder().data_type("String").string_value(&text);
        Some(text.trim()).filter(|text| !text.is_empty()).and_then(|_| value.build().ok())
    };
    pairs.iter().filter_map(|(name, text)| Some(((*name).to_owned(), value(text)?))).collect()
}
