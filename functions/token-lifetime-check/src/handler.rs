//! From a schedule's event, or the queue's, to the checker of `extoauth-runtime`, and back.

use anyhow::Context;
use aws_lambda_events::sqs::SqsEvent;
use extoauth_runtime::bootstrap::guarded;
use extoauth_runtime::scheduled::{Answer, Checker, Event, RESERVE};
use extoauth_systems::http::Deadline;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;

/// Checks what the event asks for. The queue sends one record at a time: a failure makes it come again.
pub async fn handle(checker: &Checker, event: LambdaEvent<Value>) -> Result<Answer, Error> {
    let deadline = Deadline::at(event.context.deadline(), RESERVE);
    let asked = Event::parse(unwrapped(event.payload)?)?;
    let checked = guarded(&event.context.request_id, Box::pin(checker.check(&asked, deadline))).await?;
    Ok(checked?)
}

/// The event itself, out of the queue's record where it came by the queue.
fn unwrapped(payload: Value) -> anyhow::Result<Value> {
    if payload.get("Records").is_none() {
        return Ok(payload);
    }
    let batch: SqsEvent = serde_json::from_value(payload).context("the queue's event cannot be read")?;
    let [record] = batch.records.as_slice() else {
        anyhow::bail!("the queue sent {} messages at once; its batch size must be 1", batch.records.len());
    };
    serde_json::from_str(record.body.as_deref().unwrap_or_default()).context("a message is no JSON")
}
