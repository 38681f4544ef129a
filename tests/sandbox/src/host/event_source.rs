//! Lambda's event source mapping for a FIFO queue: batch size 1, `ReportBatchItemFailures`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

use super::function::Function;
use super::lambda::{Lambda, Pass, trace_id};
use super::outcome::Outcome;
use super::sqs::{Message, Sqs};
use super::wiring::Pace;
use crate::seed::REGION;

/// Polls the queue and hands its messages to a function, as many message groups at once as the function has instances.
/// The queue keeps the order inside a group: it gives out nothing of a group that has a message in flight.
pub(super) struct EventSource {
    pub(super) lambda: Arc<Lambda>,
    pub(super) function: Arc<Function>,
    pub(super) sqs: Sqs,
    pub(super) pace: Pace,
    /// Ends the wait between two polls of an empty queue.
    pub(super) wake: Arc<Notify>,
}

/// What becomes of a message.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Taken off the queue.
    Done,
    /// The function reported it as failed: it comes back when its visibility timeout ends, which the function may have
    /// set.
    Kept,
    /// The function did not come so far: it comes back after [`Pace::retry_after`].
    Retried,
}

impl EventSource {
    /// Polls for ever. A queue that is not there, or an emulator that is being reset, is asked again later.
    pub(super) async fn run(self: Arc<Self>) {
        let slots = Arc::new(Semaphore::new(self.function.settings.concurrency.max(1)));
        let visibility = self.pace.visibility.unwrap_or(self.function.settings.timeout * 6);
        let mut failing = false;
        while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
            let pass = self.lambda.pass().await;
            match self.sqs.receive(visibility).await {
                Ok(Some(message)) => {
                    failing = false;
                    let source = Arc::clone(&self);
                    tokio::spawn(async move {
                        source.deliver(message, pass).await;
                        drop(slot);
                        source.wake.notify_one();
                    });
                }
                Ok(None) => {
                    failing = false;
                    drop((pass, slot));
                    self.rest().await;
                }
                Err(error) => {
                    // Once a series: an emulator that restarts would fill the log.
                    if !failing {
                        tracing::warn!(error = %format!("{error:#}"), "the queue cannot be polled");
                    }
                    failing = true;
                    drop((pass, slot));
                    self.rest().await;
                }
            }
        }
    }

    async fn rest(&self) {
        tokio::select! {
            () = self.wake.notified() => {}
            () = tokio::time::sleep(self.pace.poll) => {}
        }
    }

    async fn deliver(&self, message: Message, _pass: Pass) {
        let event = Bytes::from(event(&message, &self.sqs.queue_arn()).to_string());
        let trace = message.attributes.get("AWSTraceHeader").cloned().unwrap_or_else(trace_id);
        let outcome = self.function.invoke(&Uuid::new_v4().to_string(), event, &trace).await;
        let settled = match verdict(&outcome) {
            Verdict::Done => self.delete(&message).await,
            Verdict::Kept => Ok(()),
            Verdict::Retried => {
                // SQS counts whole seconds.
                let wait = self.pace.retry_after;
                tokio::time::sleep(Duration::from_nanos(u64::from(wait.subsec_nanos()))).await;
                self.sqs.change_visibility(&message.receipt_handle, wait.as_secs()).await
            }
        };
        if let Err(error) = settled {
            tracing::warn!(message = %message.message_id, error = %format!("{error:#}"), "a message was not settled");
        }
    }

    async fn delete(&self, message: &Message) -> anyhow::Result<()> {
        for _ in 0..2 {
            if self.sqs.delete(&message.receipt_handle).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.sqs.delete(&message.receipt_handle).await
    }
}

/// Reads the function's answer as Lambda does ("Implementing partial batch responses"): an empty list, a null one and
/// an empty answer are success; an answer that is not JSON fails the batch; with one message in it, so does any item.
fn verdict(outcome: &Outcome) -> Verdict {
    let Outcome::Answer(answer) = outcome else { return Verdict::Retried };
    let Ok(answer) = serde_json::from_slice::<Value>(answer) else { return Verdict::Retried };
    match answer.get("batchItemFailures") {
        None | Some(Value::Null) => Verdict::Done,
        Some(Value::Array(items)) if items.is_empty() => Verdict::Done,
        Some(_) => Verdict::Kept,
    }
}

/// The event of one message ("Using Lambda with Amazon SQS", FIFO queue message event).
fn event(message: &Message, queue_arn: &str) -> Value {
    let attributes: Map<String, Value> = message
        .message_attributes
        .iter()
        .map(|(name, attribute)| {
            let mut value = json!({
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": attribute.data_type,
            });
            if let Some(text) = &attribute.string_value {
                value["stringValue"] = json!(text);
            }
            if let Some(binary) = &attribute.binary_value {
                value["binaryValue"] = json!(binary);
            }
            (name.clone(), value)
        })
        .collect();
    let mut system = message.attributes.clone();
    if let (Some(sent), None) = (system.get("SentTimestamp").cloned(), system.get("SequenceNumber")) {
        // SQS numbers every message of a FIFO queue; moto only those that came with a deduplication id.
        system.insert("SequenceNumber".to_owned(), format!("{sent:0>20}"));
    }
    let mut record = json!({
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": system,
        "messageAttributes": attributes,
        "md5OfBody": message.md5_of_body,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    });
    if let Some(md5) = &message.md5_of_message_attributes {
        record["md5OfMessageAttributes"] = json!(md5);
    }
    json!({ "Records": [record] })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(text: &'static str) -> Verdict {
        verdict(&Outcome::Answer(Bytes::from_static(text.as_bytes())))
    }

    #[test]
    fn an_answer_without_failures_takes_the_message_off() {
        for text in ["null", "{}", r#"{"batchItemFailures":[]}"#, r#"{"batchItemFailures":null}"#] {
            assert_eq!(answered(text), Verdict::Done, "{text}");
        }
    }

    #[test]
    fn a_reported_failure_keeps_it_and_anything_else_is_retried() {
        assert_eq!(answered(r#"{"batchItemFailures":[{"itemIdentifier":"m"}]}"#), Verdict::Kept);
        assert_eq!(answered("not json"), Verdict::Retried);
        assert_eq!(verdict(&Outcome::exited("r", "signal: killed")), Verdict::Retried);
    }
}
