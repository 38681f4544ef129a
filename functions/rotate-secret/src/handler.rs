//! From Secrets Manager's event to the rotator of `extoauth-runtime`, and back.

use extoauth_runtime::bootstrap::guarded;
use extoauth_runtime::rotate::{RESERVE, RotationEvent, Rotator};
use extoauth_systems::http::Deadline;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::Value;

/// Does one step. A failed one fails the invocation: that is how Secrets Manager learns of it, and tries again.
pub async fn handle(rotator: &Rotator, event: LambdaEvent<RotationEvent>) -> Result<Value, Error> {
    let deadline = Deadline::at(event.context.deadline(), RESERVE);
    guarded(&event.context.request_id, rotator.handle(&event.payload, deadline)).await??;
    Ok(Value::Null)
}
