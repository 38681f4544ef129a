//! The tags of a resource, asked of its service itself for conditions on `aws:ResourceTag/…`.

use axum::Router;
use axum::body::Body;
use http::{Request, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::needs::Need;
use crate::seed::{INSTANCE_ARN, REGION};
use crate::world::{Caller, access_key};

/// Adds the tags of the resource to the condition keys, where the service has tags and the resource is there.
pub(crate) async fn add_tags(service: Router, kind: &str, need: &mut Need) {
    let (name, target, body) = match kind {
        "sso-admin" => (
            "sso",
            "SWBExternalService.ListTagsForResource",
            json!({"InstanceArn": INSTANCE_ARN, "ResourceArn": need.resource}),
        ),
        "secretsmanager" => ("secretsmanager", "secretsmanager.DescribeSecret", json!({"SecretId": need.resource})),
        _ => return,
    };
    let (key, _) = access_key("admin");
    let credential = format!("{key}/20260101/{REGION}/{name}/aws4_request");
    let request = Request::post("/")
        .header("x-amz-target", target)
        .header(header::CONTENT_TYPE, "application/x-amz-json-1.1")
        .header(
            header::AUTHORIZATION,
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"),
        )
        .extension(Caller("admin".to_owned()))
        .body(Body::from(body.to_string()));
    let Ok(request) = request else { return };
    let answer = match service.oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    };
    let body = answer.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let described: Value = serde_json::from_slice(&body).unwrap_or_default();
    for tag in described.get("Tags").and_then(Value::as_array).into_iter().flatten() {
        if let (Some(key), Some(value)) = (tag["Key"].as_str(), tag["Value"].as_str()) {
            need.context.push((format!("aws:ResourceTag/{key}"), vec![value.to_owned()]));
            if kind == "secretsmanager" {
                need.context.push((format!("secretsmanager:ResourceTag/{key}"), vec![value.to_owned()]));
            }
        }
    }
}
