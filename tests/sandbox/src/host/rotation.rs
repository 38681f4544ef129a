//! Secrets Manager's part in a rotation: it calls the function's four steps one after the other, and begins again with the
//! first where one fails.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use uuid::Uuid;

use super::lambda::{Lambda, trace_id};
use super::outcome::Outcome;
use crate::moto::Rotation;

/// The steps in their order (user guide, "Lambda rotation functions").
const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];
/// How often the four steps are tried. How often Secrets Manager does is not documented.
const ATTEMPTS: u32 = 5;

/// Begins a rotation; it runs by itself.
pub(super) fn begin(lambda: &Arc<Lambda>, rotation: Rotation, retry_after: Duration) {
    let name = rotation.function.rsplit(':').next().unwrap_or_default();
    let Some(function) = lambda.function(name) else {
        tracing::warn!(function = rotation.function, "there is no such rotation function: the version stays pending");
        return;
    };
    let lambda = Arc::clone(lambda);
    let epoch = lambda.epoch();
    tokio::spawn(async move {
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(retry_after * attempt).await;
            }
            let mut failed = None;
            for step in STEPS {
                if !lambda.is_wanted(epoch) {
                    return;
                }
                let event = json!({
                    "Step": step, "SecretId": rotation.secret, "ClientRequestToken": rotation.token,
                    "RotationToken": Uuid::new_v4(),
                });
                let payload = Bytes::from(event.to_string());
                if let Outcome::Failed(_) = lambda.invoke(Arc::clone(&function), payload, trace_id()).await {
                    failed = Some(step);
                    break;
                }
            }
            match failed {
                None => return,
                Some(step) => tracing::info!(secret = rotation.secret, step, attempt, "a rotation step failed"),
            }
        }
        tracing::warn!(secret = rotation.secret, "rotation given up; its version stays pending");
    });
}
