//! From a schedule's event, or the queue's, to the checker of `extoauth-runtime`, and back.

use extoauth_runtime::bootstrap::guarded;
use extoauth_runtime::scheduled::{Answer, Checker, Event, RESERVE};
use extoauth_systems::http::Deadline;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;

/// Checks what the event asks for. The queue sends one record at a time: a failure makes it come again.
pub async fn handle(checker: &Checker, event: LambdaEvent<Value>) -> Result<Answer, Error> {
    let deadline = Deadline::at(event.context.deadline(), RESERVE);
    let asked = Event::received(event.payload)?;
    let checked = guarded(&event.context.request_id, Box::pin(checker.check(&asked, deadline))).await?;
    Ok(checked?)
}
