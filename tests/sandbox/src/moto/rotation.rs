//! `RotateSecret` as Secrets Manager does it: a version without a value is attached as `AWSPENDING`, then the function's four
//! steps are called by whoever runs the functions (API reference, `RotateSecret`; user guide, "Rotation by Lambda
//! function").

use std::sync::Arc;

use axum::response::Response;
use serde_json::{Value, json};

use super::Moto;
use super::secrets::{answer, error};

/// What Secrets Manager calls a rotation function for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// ARN of the secret.
    pub secret: String,
    /// Id of the new version.
    pub token: String,
    /// ARN of the function.
    pub function: String,
}

/// Calls the four steps. It is told when the version is attached, and must not wait.
pub type Rotator = Arc<dyn Fn(Rotation) + Send + Sync>;

/// Where a call of `RotateSecret` leads.
pub(super) enum Ruling {
    /// This is the answer: nothing is begun.
    Answered(Response),
    /// The version is to be attached, then the steps are called.
    Begins(Rotation),
}

/// Judges a call; none where moto's own answer to it is right.
pub(super) async fn judge(moto: &Moto, call: &Value) -> anyhow::Result<Option<Ruling>> {
    let field = |name: &str| call.get(name).and_then(Value::as_str);
    let Some(secret) = field("SecretId") else { return Ok(None) };
    let refused = |message: &str| Ok(Some(Ruling::Answered(error("InvalidRequestException", message))));
    let described = moto.json("secretsmanager", "secretsmanager.DescribeSecret", &json!({"SecretId": secret})).await?;
    let Ok(described) = described else {
        let message = "Secrets Manager can't find the specified secret.";
        return Ok(Some(Ruling::Answered(error("ResourceNotFoundException", message))));
    };
    if described.get("DeletedDate").is_some_and(|date| !date.is_null()) {
        return refused("You can't perform this operation on the secret because it was marked for deletion.");
    }
    let Some(function) = field("RotationLambdaARN").or_else(|| described["RotationLambdaARN"].as_str()) else {
        return refused("No Lambda rotation function ARN is associated with this secret.");
    };
    let Some(token) = field("ClientRequestToken").filter(|token| (32..=64).contains(&token.len())) else {
        // The SDKs always give one.
        let message = "ClientRequestToken must be 32-64 characters long.";
        return Ok(Some(Ruling::Answered(error("InvalidParameterException", message))));
    };
    let arn = described["ARN"].as_str().unwrap_or(secret).to_owned();
    let versions = described["VersionIdsToStages"].as_object().cloned().unwrap_or_default();
    let has = |stages: &Value, stage: &str| stages.as_array().is_some_and(|all| all.iter().any(|one| one == stage));
    if versions.contains_key(token) {
        // The same call again: the rotation of this version has begun already.
        let same = json!({"ARN": arn, "Name": described["Name"], "VersionId": token});
        return Ok(Some(Ruling::Answered(answer(200, &same))));
    }
    if versions.values().any(|stages| has(stages, "AWSPENDING") && !has(stages, "AWSCURRENT")) {
        return refused("A previous rotation isn't complete. That rotation will be reattempted.");
    }
    Ok(Some(Ruling::Begins(Rotation { secret: arn, token: token.to_owned(), function: function.to_owned() })))
}
