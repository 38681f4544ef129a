//! The client: requests to intake, and what all other calls share.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use jiff::Timestamp;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Proxy, RequestBuilder};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::sign::signature;

/// How often a request's status is asked for.
const POLL: Duration = Duration::from_millis(60);

/// Whether a request of this status has ended, or waits for somebody outside.
pub fn is_final(report: &Value) -> bool {
    is_over(report) || report["status"] == "waiting"
}

/// Whether a request of this status has ended.
pub fn is_over(report: &Value) -> bool {
    matches!(report["status"].as_str(), Some("succeeded" | "failed"))
}

/// An HTTP answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Headers by lower-case name.
    pub headers: Map<String, Value>,
    /// Body; null where it is empty, text where it is no JSON.
    pub body: Value,
}

impl Answer {
    /// The request's id in an answer of `POST /requests`.
    ///
    /// # Errors
    /// There is none: the request was not taken.
    pub fn id(&self) -> anyhow::Result<&str> {
        self.body["id"].as_str().with_context(|| format!("not accepted: {} {}", self.status, self.body))
    }

    /// The body, if the status is 2xx.
    ///
    /// # Errors
    /// Another status, with the body.
    pub fn good(self) -> anyhow::Result<Value> {
        ensure!((200..300).contains(&self.status), "{}: {}", self.status, self.body);
        Ok(self.body)
    }
}

/// A client of one running sandbox.
#[derive(Clone, Debug)]
pub struct Client {
    told: Value,
    http: reqwest::Client,
    browser: reqwest::Client,
}

impl Client {
    /// A client of the sandbox that wrote this `sandbox.json`.
    ///
    /// # Errors
    /// Its certificate cannot be read.
    pub fn new(sandbox_json: Value) -> anyhow::Result<Self> {
        let text = |name: &str| {
            let value = sandbox_json[name].as_str();
            value.with_context(|| format!("sandbox.json has no {name}")).map(str::to_owned)
        };
        let ca_file = text("ca_file")?;
        let pem = std::fs::read(&ca_file).with_context(|| ca_file.clone())?;
        let builder = || reqwest::Client::builder().timeout(Duration::from_secs(60));
        // The administrator's doors and the API speak plain HTTP on loopback: no certificate is looked for.
        let http = builder().no_proxy().tls_certs_only([]).build()?;
        let browser = builder()
            .proxy(Proxy::https(text("proxy")?)?)
            .tls_certs_only([Certificate::from_pem(&pem)?])
            .redirect(Policy::none())
            .build()?;
        Ok(Self { told: sandbox_json, http, browser })
    }

    /// What `sandbox.json` says at this JSON pointer; empty if it says nothing.
    pub fn told(&self, pointer: &str) -> &str {
        self.told.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// All of `sandbox.json`: it holds test credentials.
    pub fn sandbox_json(&self) -> &Value {
        &self.told
    }

    /// A plain HTTP client: loopback only.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// An HTTP client that reaches the vendors' real host names in the sandbox; it does not follow redirects.
    pub fn browser(&self) -> &reqwest::Client {
        &self.browser
    }

    /// Sends a call.
    ///
    /// # Errors
    /// No answer.
    pub async fn send(&self, call: RequestBuilder) -> anyhow::Result<Answer> {
        let answer = call.send().await?;
        let status = answer.status().as_u16();
        let headers = answer.headers().iter();
        let headers =
            headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().into())).collect();
        let text = answer.text().await?;
        let body = match text.as_str() {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
        };
        Ok(Answer { status, headers, body })
    }

    /// Posts a ticket's request with the webhook signature of its ServiceNow instance.
    ///
    /// # Errors
    /// No answer.
    pub async fn post(&self, body: &Value) -> anyhow::Result<Answer> {
        self.post_as(&format!("msg_{}", Uuid::new_v4().simple()), body).await
    }

    /// The same with a delivery id (`webhook-id`) of the caller's choice.
    ///
    /// # Errors
    /// No answer.
    pub async fn post_as(&self, webhook_id: &str, body: &Value) -> anyhow::Result<Answer> {
        let bytes = serde_json::to_vec(body)?;
        let timestamp = Timestamp::now().as_second();
        let signature = signature(self.told("/keys/webhook_secret"), webhook_id, timestamp, &bytes)?;
        let call = self.http.post(format!("{}/requests", self.told("/intake")));
        let call = call
            .header("content-type", "application/json")
            .header("webhook-id", webhook_id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", signature);
        self.send(call.body(bytes)).await
    }

    /// Where a request stands.
    ///
    /// # Errors
    /// No answer, or another than 200.
    pub async fn request(&self, id: &str) -> anyhow::Result<Value> {
        let call = self.http.get(format!("{}/requests/{id}", self.told("/intake")));
        self.send(call.bearer_auth(self.told("/keys/bearer"))).await?.good()
    }

    /// What intake knows: `path` is `integrations` or `integrations/<name>`.
    ///
    /// # Errors
    /// No answer, or another than 200.
    pub async fn known(&self, path: &str) -> anyhow::Result<Value> {
        let call = self.http.get(format!("{}/{path}", self.told("/intake")));
        self.send(call.bearer_auth(self.told("/keys/bearer"))).await?.good()
    }

    /// dbt Core's `profiles.yml` for an integration, as text.
    ///
    /// # Errors
    /// No answer, or another than 200.
    pub async fn profiles(&self, integration: &str) -> anyhow::Result<String> {
        let call = self.http.get(format!("{}/integrations/{integration}/profiles.yml", self.told("/intake")));
        Ok(call.bearer_auth(self.told("/keys/bearer")).send().await?.error_for_status()?.text().await?)
    }

    /// What an error message means for an integration.
    ///
    /// # Errors
    /// No answer.
    pub async fn explain(&self, integration: &str, text: &str) -> anyhow::Result<Answer> {
        let call = self.http.post(format!("{}/explain", self.told("/intake")));
        let body = json!({"integration": integration, "text": text});
        self.send(call.bearer_auth(self.told("/keys/bearer")).json(&body)).await
    }

    /// Waits until a request has ended (or waits for somebody), and says how.
    ///
    /// # Errors
    /// It has not ended within `limit`: the error holds its last report.
    pub async fn end(&self, id: &str, limit: Duration) -> anyhow::Result<Value> {
        self.watch(id, limit, |_| {}).await
    }

    /// The same, showing every report to `look` on the way.
    ///
    /// # Errors
    /// As [`Client::end`].
    pub async fn watch(&self, id: &str, limit: Duration, look: impl FnMut(&Value)) -> anyhow::Result<Value> {
        self.until(is_final, id, limit, look).await
    }

    /// Waits until a request is in a state like this, showing every report to `look` on the way.
    ///
    /// # Errors
    /// As [`Client::end`].
    pub async fn until(
        &self,
        done: fn(&Value) -> bool,
        id: &str,
        limit: Duration,
        mut look: impl FnMut(&Value),
    ) -> anyhow::Result<Value> {
        let deadline = Instant::now() + limit;
        loop {
            let report = self.request(id).await?;
            look(&report);
            if done(&report) {
                return Ok(report);
            }
            if Instant::now() > deadline {
                bail!("request {id} has not ended after {} s: {report:#}", limit.as_secs());
            }
            sleep(POLL).await;
        }
    }

    /// Posts a request and waits for its end.
    ///
    /// # Errors
    /// It was not accepted, or has not ended within `limit`.
    pub async fn run(&self, body: &Value, limit: Duration) -> anyhow::Result<Value> {
        let answer = self.post(body).await?;
        self.end(answer.id()?, limit).await
    }
}
