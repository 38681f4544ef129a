//! The FIFO queue between those who accept work and `provision`, which does it.
//!
//! A message carries no authority: it names a stored request, says that it is time for a sweep, or where something was
//! changed.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use extoauth_core::request::{RequestId, StoredRequest};
use extoauth_core::systems::SystemId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::intake::Outbox;

/// Version of the messages' shape.
const SCHEMA: u32 = 1;

/// The longest that a message can be kept from being received again (Amazon SQS quotas).
const LONGEST_PAUSE: Duration = Duration::from_secs(12 * 60 * 60);

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Message {
    /// A stored request is to be worked on.
    Request {
        /// Its id.
        request: RequestId,
        /// "Now", as the schedule says that found it due; none for one that was just stored.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        time: Option<Timestamp>,
    },
    /// It is time to look for what waits, and for what was stored and not queued.
    Sweep {
        /// "Now", as the schedule says.
        time: Timestamp,
    },
    /// Something was changed at an identity provider. It says where to look; what is there now is read.
    Look {
        /// The system that it was changed in.
        system: SystemId,
        /// What was changed, in no order; the same event may come more than once, also in another message.
        events: Vec<Changed>,
    },
}

/// One event at an identity provider: ids, and nothing that could be taken for its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The vendor's id of the event: by it a repetition is known.
    pub id: String,
    /// The vendor's ids of the objects that it is about.
    pub targets: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Envelope<M> {
    schema: u32,
    #[serde(flatten)]
    message: M,
}

/// Why a message cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// It is of a later version.
    #[error("the message has the schema {0} of a later version")]
    Newer(u32),
    /// It is none of ours.
    #[error("the message is none that this version knows: {0}")]
    Unknown(String),
}

impl Message {
    /// Reads a message's body.
    ///
    /// # Errors
    /// It is of a later version, or none of ours.
    pub fn parse(body: &str) -> Result<Self, Unreadable> {
        let unknown = |error: serde_json::Error| Unreadable::Unknown(error.to_string());
        let outer: Envelope<serde_json::Value> = serde_json::from_str(body).map_err(unknown)?;
        if outer.schema > SCHEMA {
            return Err(Unreadable::Newer(outer.schema));
        }
        serde_json::from_value(outer.message).map_err(unknown)
    }

    /// The message's body.
    ///
    /// # Errors
    /// Never for a message of ours.
    pub fn body(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Envelope { schema: SCHEMA, message: self })
    }
}

/// A failure of the queue.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the queue failed: {0}")]
pub struct QueueError(String);

/// The queue. Lives as long as the process.
#[derive(Clone, Debug)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// The queue at this URL. No call is made.
    pub fn new(base: &SdkConfig, url: impl Into<String>) -> Self {
        Self { client: Client::new(base), url: url.into() }
    }

    /// Sends the message of a request. Messages of one integration are handled one after the other. The queue takes
    /// each `occasion` of an attempt once (within five minutes): the time when the sweep found it, or empty for the
    /// first sending. `time` is "now" where a schedule's message led to this one.
    ///
    /// # Errors
    /// The queue failed; the message may have been sent all the same.
    pub async fn send_request(
        &self,
        request: &StoredRequest,
        occasion: &str,
        time: Option<Timestamp>,
    ) -> Result<(), QueueError> {
        let message = Message::Request { request: request.id.clone(), time };
        let once = format!("{}/{}/{occasion}", request.id, request.attempt);
        self.send(&message, &group_of(request), &once).await
    }

    /// Sends a message to a group, once for each `once` within five minutes.
    ///
    /// # Errors
    /// The queue failed; the message may have been sent all the same.
    pub async fn send(&self, message: &Message, group: &str, once: &str) -> Result<(), QueueError> {
        self.send_body(message.body(), group, once).await
    }

    /// The same with what was made of a message.
    pub(crate) async fn send_body(
        &self,
        body: Result<String, serde_json::Error>,
        group: &str,
        once: &str,
    ) -> Result<(), QueueError> {
        let body = body.map_err(|e| QueueError(e.to_string()))?;
        let sent = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(body)
            .message_group_id(group)
            .message_deduplication_id(once)
            .send()
            .await;
        sent.map(drop).map_err(|e| told(&e))
    }

    /// Keeps a message that is being handled from being received again for this long: a pause. The messages behind it
    /// in its group wait too, so the order holds.
    ///
    /// # Errors
    /// The queue failed; the message then comes back when its present visibility ends.
    pub async fn pause(&self, receipt_handle: &str, wait: Duration) -> Result<(), QueueError> {
        let sent = self
            .client
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(receipt_handle)
            .visibility_timeout(seconds(wait))
            .send()
            .await;
        sent.map(drop).map_err(|e| told(&e))
    }
}

impl Outbox for Queue {
    async fn send(&self, request: &StoredRequest) -> Result<(), String> {
        self.send_request(request, "", None).await.map_err(|error| error.to_string())
    }
}

/// Messages of one integration wait for each other; actions of a system share a group.
fn group_of(request: &StoredRequest) -> String {
    match &request.content.integration {
        Some(name) => format!("integration/{name}"),
        None => "system".to_owned(),
    }
}

/// Whole seconds, rounded up, within what SQS takes.
fn seconds(wait: Duration) -> i32 {
    let whole = wait.min(LONGEST_PAUSE).as_millis().div_ceil(1000);
    i32::try_from(whole).unwrap_or(i32::MAX)
}

fn told<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> QueueError {
    QueueError(match (error.code(), error.message()) {
        (Some(code), message) => format!("{code}: {}", message.unwrap_or("no message")),
        (None, _) => "no answer".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "6f1f2b1e-5a0e-5c0e-8c0e-0123456789ab";

    #[test]
    fn messages_have_their_fixed_shape() {
        let request = Message::Request { request: ID.parse().expect("an id"), time: None };
        let body = format!(r#"{{"schema":1,"kind":"request","request":"{ID}"}}"#);
        assert_eq!(request.body().expect("JSON"), body);
        assert_eq!(Message::parse(&body), Ok(request));
        let sweep = r#"{"schema":1,"kind":"sweep","time":"2026-11-23T12:00:00Z"}"#;
        let read = Message::parse(sweep).expect("a sweep");
        assert_eq!(read.body().expect("JSON"), sweep);
        let look = r#"{"schema":1,"kind":"look","system":{"kind":"okta","name":"acme"},"events":[{"id":"85b6","targets":["0oa1"]}]}"#;
        let read = Message::parse(look).expect("a look");
        assert_eq!(read.body().expect("JSON"), look);
    }

    #[test]
    fn what_is_not_ours_is_told() {
        assert_eq!(Message::parse(r#"{"schema":2,"kind":"new"}"#), Err(Unreadable::Newer(2)));
        for body in ["", "{}", "[]", r#"{"schema":1}"#, r#"{"schema":1,"kind":"request","request":"x"}"#] {
            assert!(matches!(Message::parse(body), Err(Unreadable::Unknown(_))), "{body}");
        }
    }

    #[test]
    fn pauses_are_what_sqs_takes() {
        assert_eq!(seconds(Duration::ZERO), 0);
        assert_eq!(seconds(Duration::from_millis(1)), 1);
        assert_eq!(seconds(Duration::from_secs(61)), 61);
        assert_eq!(seconds(Duration::from_secs(1_000_000)), 43_200);
    }
}
