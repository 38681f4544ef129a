//! `GetWebIdentityToken` (`sts`): the caller's role as a signed JWT of the account's own issuer, and the issuer's public
//! documents. Everything else that STS does passes on to moto.
//!
//! AWS query protocol, version 2011-06-15 (STS API reference); what the token says: IAM User Guide, "Understanding token
//! claims". The operation does not exist at STS's global endpoint; here the two have the same address, so that this
//! cannot be told. The limit behind `JWTPayloadSizeExceededException` is published nowhere, and sessions have no end
//! here: that error and `SessionDurationEscalationException` do not occur.

mod issuer;
mod request;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use http::request::Parts;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;

use super::redshift::query::Node;
use super::wire::{AwsError, answer, request_id};
use crate::seed;
use crate::world::{CallView, Caller, Classified, Credential, System, World};
pub(crate) use issuer::host;
use request::Asked;

const OPERATION: &str = "GetWebIdentityToken";
const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// The stand-in of `sts`.
pub struct Sts {
    world: Arc<World>,
    /// Where every other operation goes.
    upstream: OnceLock<Arc<dyn System>>,
    disabled: AtomicBool,
    /// Access key ids that `AssumeRole` gave out, with their roles.
    assumed: RwLock<HashMap<String, String>>,
}

impl Sts {
    /// An account with outbound identity federation on.
    pub fn new(world: &Arc<World>) -> Arc<Self> {
        Arc::new(Self {
            world: Arc::clone(world),
            upstream: OnceLock::new(),
            disabled: AtomicBool::new(false),
            assumed: RwLock::default(),
        })
    }

    /// Lets this system do all other operations. Only the first one counts.
    pub fn pass_on_to(&self, upstream: Arc<dyn System>) {
        let _ = self.upstream.set(upstream);
    }

    /// Switches outbound identity federation off or on (`iam:DisableOutboundWebIdentityFederation`).
    pub fn disable_outbound_federation(&self, disabled: bool) {
        self.disabled.store(disabled, Ordering::Relaxed);
    }

    async fn call(State(sts): State<Arc<Self>>, request: Request<Body>) -> Response {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let form = Node::parse(&body);
        match form.text("Action") {
            Some(OPERATION) => respond(OPERATION, sts.web_identity_token(&parts, &form)),
            _ => sts.pass_on(parts, body, &form).await,
        }
    }

    fn web_identity_token(&self, parts: &Parts, form: &Node) -> Result<Value, AwsError> {
        let asked = Asked::read(form)?;
        if self.disabled.load(Ordering::Relaxed) {
            let message = "Outbound web identity federation is not enabled for this account.";
            return Err(AwsError::new(403, "OutboundWebIdentityFederationDisabledException", message));
        }
        let caller = parts.extensions.get::<Caller>().map_or("admin", |caller| caller.0.as_str());
        let now = Timestamp::now();
        let expires = now + SignedDuration::from_secs(asked.seconds);
        let mut context = json!({"aws_account": seed::ACCOUNT, "source_region": seed::REGION});
        if seed::FUNCTIONS.contains(&caller) {
            context["lambda_source_function_arn"] =
                json!(format!("arn:aws:lambda:{}:{}:function:{caller}", seed::REGION, seed::ACCOUNT));
        }
        if !asked.tags.is_empty() {
            context["request_tags"] = json!(asked.tags);
        }
        let audience = match asked.audiences.as_slice() {
            [one] => json!(one),
            several => json!(several),
        };
        let claims = json!({
            "iss": seed::AWS_TOKEN_ISSUER,
            "sub": self.principal(parts, caller),
            "aud": audience,
            "iat": now.as_second(),
            "exp": expires.as_second(),
            "jti": Uuid::new_v4().to_string(),
            "https://sts.amazonaws.com/": context,
        });
        Ok(json!({
            "WebIdentityToken": issuer::sign(asked.algorithm, &claims),
            "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        }))
    }

    /// ARN of the IAM principal behind the access key: a role that was assumed, the function's own role, or the user.
    fn principal(&self, parts: &Parts, caller: &str) -> String {
        let assumed = self.assumed.read().unwrap_or_else(PoisonError::into_inner);
        let role = Credential::of(&parts.headers).and_then(|key| assumed.get(&key.access_key_id).cloned());
        role.unwrap_or_else(|| match caller {
            "admin" => format!("arn:aws:iam::{}:user/admin", seed::ACCOUNT),
            function => seed::role_arn(function),
        })
    }

    async fn pass_on(&self, parts: Parts, body: Bytes, form: &Node) -> Response {
        let Some(upstream) = self.upstream.get() else {
            let action = form.text("Action").unwrap_or_default();
            let error = AwsError::new(400, "InvalidAction", format!("Could not find operation {action}"));
            return respond(action, Err(error));
        };
        let caller = parts.extensions.get::<Caller>().cloned();
        let call = Arc::clone(upstream).router().oneshot(Request::from_parts(parts, Body::from(body)));
        let passed = match call.await {
            Ok(passed) => passed,
            Err(never) => match never {},
        };
        match (caller, form.text("RoleArn")) {
            (Some(caller), Some(role)) if passed.status().is_success() => {
                self.remember_assumed(&caller, role, passed).await
            }
            _ => passed,
        }
    }

    /// The keys of a role that a function assumed stand for that function from now on, and for that role.
    async fn remember_assumed(&self, caller: &Caller, role: &str, passed: Response) -> Response {
        let (parts, body) = passed.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let text = String::from_utf8_lossy(&body);
        let id = text.split_once("<AccessKeyId>").and_then(|(_, rest)| rest.split_once("</AccessKeyId>"));
        if let Some((id, _)) = id {
            self.world.keys.learn(id, &caller.0);
            self.assumed.write().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), role.to_owned());
        }
        Response::from_parts(parts, Body::from(body))
    }
}

/// The answer to a call of `action` in the AWS query protocol.
fn respond(action: &str, result: Result<Value, AwsError>) -> Response {
    let id = request_id();
    match result {
        Ok(members) => {
            let members = members.as_object().into_iter().flatten();
            let members: String = members
                .filter_map(|(name, value)| Some(format!("<{name}>{}</{name}>", escaped(value.as_str()?))))
                .collect();
            let body = format!(
                "<{action}Response xmlns=\"{NAMESPACE}\"><{action}Result>{members}</{action}Result>\
                 <ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></{action}Response>"
            );
            answer(200, "text/xml", &id, body)
        }
        Err(error) => {
            let side = if error.status < 500 { "Sender" } else { "Receiver" };
            let body = format!(
                "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>{side}</Type><Code>{}</Code>\
                 <Message>{}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>",
                error.code,
                escaped(&error.message)
            );
            answer(error.status, "text/xml", &id, body)
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

impl System for Sts {
    fn kind(&self) -> &'static str {
        "sts"
    }

    fn name(&self) -> &str {
        seed::REGION
    }

    fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route(issuer::DISCOVERY_PATH, get(|| async { Json(issuer::discovery()) }))
            .route(issuer::KEYS_PATH, get(|| async { Json(issuer::key_set()) }))
            .fallback(Self::call)
            .with_state(self)
    }

    /// The action; for the issuer's documents their path.
    fn classify(&self, call: &CallView<'_>) -> Classified {
        let action = Node::parse(call.body).text("Action").map(str::to_owned);
        Classified { path: action.unwrap_or_else(|| call.path.to_owned()), write: false }
    }

    fn throttled(&self) -> Response {
        respond("", Err(AwsError::new(400, "Throttling", "Rate exceeded")))
    }

    fn failed(&self, status: u16) -> Response {
        let code = match status {
            403 => "AccessDenied",
            503 => "ServiceUnavailable",
            500.. => "InternalFailure",
            _ => "ValidationError",
        };
        let mut failed = respond("", Err(AwsError::new(status, code, "The request could not be served.")));
        if let Ok(status) = StatusCode::from_u16(status) {
            *failed.status_mut() = status;
        }
        failed
    }

    /// Nothing: this API lists no objects.
    fn state(&self) -> Value {
        Value::Null
    }

    fn reset(&self) {
        self.disable_outbound_federation(false);
        self.assumed.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
