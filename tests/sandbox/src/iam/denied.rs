//! How each service says that the caller lacks a permission.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::needs::Need;
use crate::seed::ACCOUNT;
use crate::world::Caller;

/// The refusal, in the shape of the service.
pub(super) fn response(caller: &Caller, kind: &str, need: &Need) -> Response {
    let Need { action, resource, .. } = need;
    let role = format!("arn:aws:sts::{ACCOUNT}:assumed-role/extoauth-{0}/{0}", caller.0);
    let message = format!(
        "User: {role} is not authorized to perform: {action} on resource: {resource} because no identity-based policy \
         allows the {action} action"
    );
    match kind {
        "redshift" if need.dependent => xml("DependentServiceAccessDenied", &message),
        "redshift" | "sts" => xml("AccessDenied", &message),
        "sns" => xml("AuthorizationError", &message),
        "ses" => json(403, &json!({"__type": "AccessDeniedException", "message": message})),
        "scheduler" => json(403, &json!({"Message": message})),
        "sso-oidc" => json(400, &json!({"error": "access_denied", "error_description": message})),
        _ => json(400, &json!({"__type": "AccessDeniedException", "Message": message})),
    }
}

fn json(status: u16, body: &serde_json::Value) -> Response {
    let mut answer = Response::new(Body::from(body.to_string()));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    headers.insert("x-amzn-errortype", HeaderValue::from_static("AccessDeniedException"));
    answer
}

fn xml(code: &str, message: &str) -> Response {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>00000000-0000-4000-8000-000000000000</RequestId></ErrorResponse>"
    );
    let mut answer = Response::new(Body::from(body));
    *answer.status_mut() = StatusCode::FORBIDDEN;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    answer
}
