//! What moto gets wrong of Secrets Manager, corrected (API reference: `PutSecretValue`, `CreateSecret`, `UpdateSecret`).

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::Moto;

/// The answer that moto would not give; none where moto is right.
pub(super) async fn before(moto: &Moto, action: &str, body: &[u8]) -> anyhow::Result<Option<Response>> {
    if !matches!(action, "PutSecretValue" | "CreateSecret" | "UpdateSecret") {
        return Ok(None);
    }
    let Ok(call) = serde_json::from_slice::<Value>(body) else { return Ok(None) };
    let field = |name: &str| call.get(name).and_then(Value::as_str);
    let Some(secret) = field("SecretId").or_else(|| field("Name")) else { return Ok(None) };

    if action == "CreateSecret" {
        let described =
            moto.json("secretsmanager", "secretsmanager.DescribeSecret", &json!({"SecretId": secret})).await?;
        if described.is_ok_and(|described| described.get("DeletedDate").is_some_and(|date| !date.is_null())) {
            let message =
                "You can't create this secret because a secret with this name is already scheduled for deletion.";
            return Ok(Some(error("InvalidRequestException", message)));
        }
    }

    // A version that exists is never changed: the same value again is a success, another one is refused. moto
    // overwrites the value while the version is labelled AWSPENDING.
    let Some(token) = field("ClientRequestToken") else { return Ok(None) };
    let version = json!({"SecretId": secret, "VersionId": token});
    let Ok(version) = moto.json("secretsmanager", "secretsmanager.GetSecretValue", &version).await? else {
        return Ok(None);
    };
    let same = ["SecretString", "SecretBinary"].iter().all(|value| {
        call.get(*value).filter(|value| !value.is_null()) == version.get(*value).filter(|value| !value.is_null())
    });
    let message = format!(
        "You can't use ClientRequestToken {token} because that value is already in use for a version of secret {}.",
        version["ARN"].as_str().unwrap_or(secret)
    );
    Ok(match action {
        // This one never takes a token twice where it carries a value.
        "UpdateSecret" if call.get("SecretString").or_else(|| call.get("SecretBinary")).is_some() => {
            Some(error("ResourceExistsException", &message))
        }
        "UpdateSecret" => None,
        _ if !same => Some(error("ResourceExistsException", &message)),
        "PutSecretValue" => Some(answer(
            200,
            &json!({
                "ARN": version["ARN"], "Name": version["Name"], "VersionId": version["VersionId"],
                "VersionStages": version["VersionStages"],
            }),
        )),
        // moto answers without the version that was made.
        _ => Some(answer(
            200,
            &json!({"ARN": version["ARN"], "Name": version["Name"], "VersionId": version["VersionId"]}),
        )),
    })
}

/// Every error of this service has status 400 on AWS; moto answers 404 to what it does not find.
pub(super) fn after(answer: &mut Response) {
    if answer.status() == StatusCode::NOT_FOUND {
        *answer.status_mut() = StatusCode::BAD_REQUEST;
    }
}

pub(super) fn error(code: &str, message: &str) -> Response {
    answer(400, &json!({"__type": code, "Message": message}))
}

pub(super) fn answer(status: u16, body: &Value) -> Response {
    let mut answer = Response::new(Body::from(body.to_string()));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    answer
}
