//! moto behind the gate: the AWS services that a well-kept emulator covers (DynamoDB, SQS, SNS, EventBridge and its
//! Scheduler, Secrets Manager, Identity Store, STS, SES), recorded, fault-injected, held to roles and corrected.

mod process;
mod rotation;
mod secrets;
mod seed;
mod service;
mod show;

pub use process::{PYTHON, Process, installed, python};
pub use rotation::{Rotation, Rotator};
pub use seed::{Names, Seed};
pub(crate) use show::sha256;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::Context as _;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};

use crate::seed::REGION;
use crate::world::{Credential, Dropped, Listener, System, World, access_key};

/// The services that moto stands for.
pub const SERVICES: [&str; 9] =
    ["dynamodb", "sqs", "sns", "events", "scheduler", "secretsmanager", "identitystore", "sts", "ses"];

/// Header by which moto is told in which account a call is made.
const ACCOUNT_HEADER: HeaderName = HeaderName::from_static("x-moto-account-id");

/// One account in a moto.
pub struct Moto {
    url: String,
    account: String,
    client: reqwest::Client,
    /// moto's threads interleave within a call, so that two conditional writes may both win: one call at a time for
    /// each service, as the real ones are atomic.
    turns: HashMap<&'static str, Mutex<()>>,
    rotator: RwLock<Option<Rotator>>,
    /// Kept while this account is used.
    _process: Option<Arc<Process>>,
}

impl Moto {
    /// An account of this moto.
    ///
    /// # Errors
    /// No HTTP client can be made.
    pub fn new(process: Arc<Process>, account: &str) -> anyhow::Result<Arc<Self>> {
        let url = process.url().to_owned();
        Self::build(url, account, Some(process))
    }

    /// An account of a moto that runs elsewhere.
    ///
    /// # Errors
    /// No HTTP client can be made.
    pub fn at(url: &str, account: &str) -> anyhow::Result<Arc<Self>> {
        Self::build(url.trim_end_matches('/').to_owned(), account, None)
    }

    fn build(url: String, account: &str, process: Option<Arc<Process>>) -> anyhow::Result<Arc<Self>> {
        // Loopback without TLS: no root certificates are needed, and building must not look for any. moto closes each
        // connection after its answer, so there is none to keep.
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).pool_max_idle_per_host(0).build()?;
        let turns = SERVICES.iter().map(|service| (*service, Mutex::new(()))).collect();
        Ok(Arc::new(Self {
            url,
            account: account.to_owned(),
            client,
            turns,
            rotator: RwLock::new(None),
            _process: process,
        }))
    }

    /// The account's id.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Installs what calls a rotation function's steps. Without one a rotation stays where its version is attached.
    pub fn set_rotator(&self, rotator: Rotator) {
        *self.rotator.write().unwrap_or_else(PoisonError::into_inner) = Some(rotator);
    }

    /// Adds every service to the world but STS, which has an operation that moto lacks: it is returned, for the stand-in
    /// in front of it.
    pub fn register(self: &Arc<Self>, world: &Arc<World>) -> Arc<dyn System> {
        for kind in SERVICES.into_iter().filter(|kind| *kind != "sts") {
            world.systems.add(service::Service::shared(self, kind), &[]);
        }
        world.iam.set_account(&self.account);
        service::Service::shared(self, "sts")
    }

    /// A door without record, faults, permissions and latency: for the stand-ins themselves and the function host's own
    /// polling of the queue, which on AWS is not the function's call either.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn back_door(self: &Arc<Self>) -> anyhow::Result<Listener> {
        let moto = Arc::clone(self);
        Listener::http(None, move |request: Request<Incoming>| {
            let moto = Arc::clone(&moto);
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await.map_err(|_| Dropped)?.to_bytes();
                let kind = Credential::of(&parts.headers).map_or_else(String::new, |credential| credential.service);
                moto.forward(&kind, &parts, body).await.map_err(|error| {
                    tracing::warn!(%error, "moto");
                    Dropped
                })
            }
        })
        .await
    }

    /// Waits for this service's turn; none where the service is unknown or the call may wait for something itself.
    async fn turn(&self, kind: &str, action: &str) -> Option<MutexGuard<'_, ()>> {
        match action {
            // Long polling: it would keep everybody who sends away.
            "ReceiveMessage" => None,
            _ => Some(self.turns.get(kind)?.lock().await),
        }
    }

    /// Takes a call to moto and corrects the answer.
    async fn forward(&self, kind: &str, parts: &Parts, body: Bytes) -> anyhow::Result<Response> {
        let action = service::action(&parts.method, parts.uri.path(), &parts.headers, &body);
        let _turn = self.turn(kind, &action).await;
        if kind == "secretsmanager"
            && let Some(answer) = secrets::before(self, &action, &body).await?
        {
            return Ok(answer);
        }
        let rotation = match (kind, action.as_str(), serde_json::from_slice::<Value>(&body)) {
            ("secretsmanager", "RotateSecret", Ok(call)) => match rotation::judge(self, &call).await? {
                Some(rotation::Ruling::Answered(answer)) => return Ok(answer),
                Some(rotation::Ruling::Begins(rotation)) => Some(rotation),
                None => None,
            },
            _ => None,
        };
        let mut answer = self.pass(parts, body).await?;
        if kind == "secretsmanager" {
            secrets::after(&mut answer);
        }
        if let Some(rotation) = rotation.filter(|_| answer.status().is_success())
            && let Some(rotator) = self.rotator.read().unwrap_or_else(PoisonError::into_inner).as_ref()
        {
            rotator(rotation);
        }
        Ok(answer)
    }

    async fn pass(&self, parts: &Parts, body: Bytes) -> anyhow::Result<Response> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut headers = parts.headers.clone();
        for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH, header::EXPECT] {
            headers.remove(name);
        }
        // The host stays: moto builds queue URLs from it.
        headers.insert(ACCOUNT_HEADER, HeaderValue::from_str(&self.account)?);
        let request = self.client.request(parts.method.clone(), format!("{}{path}", self.url));
        let answer = request.headers(headers).body(body).send().await.context("moto")?;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH] {
            response.headers_mut().remove(name);
        }
        *response.body_mut() = Body::from(answer.bytes().await.context("moto")?);
        Ok(response)
    }

    /// A call of a JSON service by the sandbox itself: the answer, or the error's type.
    async fn json(&self, service: &str, target: &str, body: &Value) -> anyhow::Result<Result<Value, String>> {
        let version = if matches!(service, "dynamodb" | "sqs") { "1.0" } else { "1.1" };
        let request = self.own(service).header("x-amz-target", target);
        let request = request.header(header::CONTENT_TYPE, format!("application/x-amz-json-{version}"));
        let answer = request.body(body.to_string()).send().await.context("moto")?;
        let good = answer.status().is_success();
        let text = answer.text().await.context("moto")?;
        let value: Value = match text.as_str() {
            "" => Value::Null,
            text => serde_json::from_str(text).with_context(|| format!("moto answered {target} with {text:?}"))?,
        };
        if good {
            return Ok(Ok(value));
        }
        let kind = value.get("__type").and_then(Value::as_str).unwrap_or_default();
        Ok(Err(kind.rsplit('#').next().unwrap_or(kind).to_owned()))
    }

    /// The same where an error is none that is expected.
    async fn must(&self, service: &str, target: &str, body: Value) -> anyhow::Result<Value> {
        self.json(service, target, &body).await?.map_err(|error| anyhow::anyhow!("moto: {target}: {error}"))
    }

    /// A call of SNS, which speaks the query protocol, by the sandbox itself.
    async fn sns(&self, action: &str, parameters: &[(&str, &str)]) -> anyhow::Result<String> {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", action)
            .append_pair("Version", "2010-03-31")
            .extend_pairs(parameters)
            .finish();
        let request = self.own("sns").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = request.body(form).send().await.context("moto")?;
        let status = answer.status();
        let text = answer.text().await.context("moto")?;
        anyhow::ensure!(status.is_success(), "moto: {action}: {status} {text}");
        Ok(text)
    }

    /// A call of a REST service by the sandbox itself.
    async fn rest(&self, service: &str, method: Method, path: &str) -> anyhow::Result<Value> {
        let answer = self.request(service, method, path).send().await.context("moto")?;
        let status = answer.status();
        let text = answer.text().await.context("moto")?;
        anyhow::ensure!(status.is_success(), "moto: {path}: {status} {text}");
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }

    fn own(&self, service: &str) -> reqwest::RequestBuilder {
        self.request(service, Method::POST, "/")
    }

    fn request(&self, service: &str, method: Method, path: &str) -> reqwest::RequestBuilder {
        let (key, _) = access_key("admin");
        let credential = format!("{key}/20260101/{REGION}/{service}/aws4_request");
        self.client.request(method, format!("{}{path}", self.url)).header(ACCOUNT_HEADER, &self.account).header(
            header::AUTHORIZATION,
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"),
        )
    }
}
