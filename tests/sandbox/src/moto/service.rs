//! One of moto's services as a system of the world.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use super::Moto;
use crate::seed;
use crate::world::{CallView, Classified, System};

/// One service of one account.
pub(super) struct Service {
    moto: Arc<Moto>,
    kind: &'static str,
}

impl Service {
    pub fn shared(moto: &Arc<Moto>, kind: &'static str) -> Arc<dyn System> {
        Arc::new(Self { moto: Arc::clone(moto), kind })
    }

    async fn call(State(service): State<Arc<Self>>, request: Request<Body>) -> Response {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        match service.moto.forward(service.kind, &parts, body).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::error!(%error, service = service.kind, "moto");
                service.failed(500)
            }
        }
    }

    /// An error in the protocol of this service.
    fn error(&self, status: u16, code: &str, message: &str) -> Response {
        let (content_type, body) = match self.kind {
            "sns" | "sts" => (
                "text/xml",
                format!(
                    "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
                     <RequestId>00000000-0000-4000-8000-000000000000</RequestId></ErrorResponse>"
                ),
            ),
            _ => ("application/x-amz-json-1.1", json!({"__type": code, "message": message}).to_string()),
        };
        let mut answer = Response::new(Body::from(body));
        *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Ok(code) = HeaderValue::from_str(code) {
            headers.insert("x-amzn-errortype", code);
        }
        answer
    }
}

impl System for Service {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn name(&self) -> &str {
        if self.kind == "identitystore" { seed::REDSHIFT_NAME } else { seed::REGION }
    }

    fn router(self: Arc<Self>) -> Router {
        Router::new().fallback(Self::call).with_state(self)
    }

    fn classify(&self, call: &CallView<'_>) -> Classified {
        let method = Method::from_bytes(call.method.as_bytes()).unwrap_or(Method::POST);
        let path = action(&method, call.path, call.headers, call.body);
        let write = self.kind == "secretsmanager"
            && !["Get", "List", "Describe", "BatchGet", "Validate"].iter().any(|reads| path.starts_with(reads));
        Classified { path, write }
    }

    fn throttled(&self) -> Response {
        let code = match self.kind {
            "dynamodb" => "ProvisionedThroughputExceededException",
            "sqs" => "RequestThrottled",
            "sns" => "Throttled",
            "sts" => "Throttling",
            "ses" => "TooManyRequestsException",
            _ => "ThrottlingException",
        };
        let status = if self.kind == "ses" { 429 } else { 400 };
        self.error(status, code, "Rate exceeded")
    }

    fn failed(&self, status: u16) -> Response {
        let code = match status {
            503 => "ServiceUnavailable",
            500.. => "InternalFailure",
            403 => "AccessDeniedException",
            413 => "RequestEntityTooLargeException",
            _ => "ValidationException",
        };
        self.error(status, code, "The request could not be served.")
    }

    fn state(&self) -> Value {
        // moto keeps the objects: they are asked for where the whole state is put together.
        Value::Null
    }

    fn reset(&self) {}
}

/// The action of a call: the target of the JSON protocol, the form's `Action`, or what a REST path means.
pub(super) fn action(method: &Method, path: &str, headers: &HeaderMap, body: &[u8]) -> String {
    if let Some(target) = headers.get("x-amz-target").and_then(|value| value.to_str().ok()) {
        return target.rsplit('.').next().unwrap_or(target).to_owned();
    }
    if path == "/v2/email/outbound-emails" {
        return "SendEmail".to_owned();
    }
    let schedule = |group: &str| {
        let verb = match method.as_str() {
            "POST" => "Create",
            "PUT" => "Update",
            "DELETE" => "Delete",
            _ => "Get",
        };
        format!("{verb}{group}")
    };
    match path {
        "/schedules" => return "ListSchedules".to_owned(),
        "/schedule-groups" => return "ListScheduleGroups".to_owned(),
        path if path.starts_with("/schedules/") => return schedule("Schedule"),
        path if path.starts_with("/schedule-groups/") => return schedule("ScheduleGroup"),
        _ => {}
    }
    let form = url::form_urlencoded::parse(body).find(|(key, _)| key == "Action");
    match form {
        Some((_, action)) => action.into_owned(),
        None => format!("{method} {path}"),
    }
}
