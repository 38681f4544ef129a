//! The few SQS calls of the host, in SQS's JSON protocol.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::seed::REGION;

/// A client for one queue. It does not sign: the emulator looks at the credential's scope and at no signature.
#[derive(Clone)]
pub(super) struct Sqs {
    http: reqwest::Client,
    endpoint: String,
    queue_url: String,
    authorization: String,
}

/// A received message, in the words of `ReceiveMessage`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Message {
    pub(super) message_id: String,
    pub(super) receipt_handle: String,
    pub(super) body: String,
    #[serde(rename = "MD5OfBody")]
    pub(super) md5_of_body: String,
    #[serde(rename = "MD5OfMessageAttributes")]
    pub(super) md5_of_message_attributes: Option<String>,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) message_attributes: BTreeMap<String, MessageAttribute>,
}

/// A message attribute; binary values in base64.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct MessageAttribute {
    pub(super) string_value: Option<String>,
    pub(super) binary_value: Option<String>,
    pub(super) data_type: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Received {
    messages: Vec<Message>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Attributes {
    attributes: BTreeMap<String, String>,
}

impl Sqs {
    /// A client for the queue at this URL, reached at `endpoint` whatever host the URL names.
    pub(super) fn new(endpoint: &str, queue_url: &str, access_key_id: &str) -> Result<Self> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .user_agent("extoauth-function-host")
            .timeout(Duration::from_secs(30))
            .build()
            .context("cannot build an HTTP client")?;
        Ok(Self {
            http,
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            queue_url: queue_url.to_owned(),
            authorization: format!(
                "AWS4-HMAC-SHA256 Credential={access_key_id}/20200101/{REGION}/sqs/aws4_request, SignedHeaders=host, \
                 Signature=0"
            ),
        })
    }

    /// ARN of the queue, from the account and name that end its URL.
    pub(super) fn queue_arn(&self) -> String {
        let mut parts = self.queue_url.rsplit('/');
        let name = parts.next().unwrap_or_default();
        let account = parts.next().unwrap_or_default();
        format!("arn:aws:sqs:{REGION}:{account}:{name}")
    }

    /// The next message, if there is one; nobody else sees it for this long.
    pub(super) async fn receive(&self, visibility: Duration) -> Result<Option<Message>> {
        let body = json!({
            "MaxNumberOfMessages": 1,
            "WaitTimeSeconds": 0,
            "VisibilityTimeout": visibility.as_secs(),
            "AttributeNames": ["All"],
            "MessageSystemAttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        });
        let received: Received = serde_json::from_value(self.call("ReceiveMessage", body).await?)?;
        Ok(received.messages.into_iter().next())
    }

    /// Takes a message off the queue.
    pub(super) async fn delete(&self, receipt_handle: &str) -> Result<()> {
        self.call("DeleteMessage", json!({ "ReceiptHandle": receipt_handle })).await.map(drop)
    }

    /// Makes a received message visible after this many seconds.
    pub(super) async fn change_visibility(&self, receipt_handle: &str, seconds: u64) -> Result<()> {
        let body = json!({ "ReceiptHandle": receipt_handle, "VisibilityTimeout": seconds });
        self.call("ChangeMessageVisibility", body).await.map(drop)
    }

    /// Puts a message into a group. The queue deduplicates by content.
    pub(super) async fn send(&self, body: &str, group: &str) -> Result<()> {
        self.call("SendMessage", json!({ "MessageBody": body, "MessageGroupId": group })).await.map(drop)
    }

    /// How many messages are there, visible or not.
    pub(super) async fn depth(&self) -> Result<u64> {
        let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
        let answer = self.call("GetQueueAttributes", json!({ "AttributeNames": names })).await?;
        let answer: Attributes = serde_json::from_value(answer)?;
        Ok(names.iter().filter_map(|name| answer.attributes.get(*name)?.parse::<u64>().ok()).sum())
    }

    async fn call(&self, action: &str, mut body: Value) -> Result<Value> {
        body["QueueUrl"] = json!(self.queue_url);
        let request = self
            .http
            .post(format!("{}/", self.endpoint))
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("AmazonSQS.{action}"))
            .header("authorization", &self.authorization)
            .body(body.to_string());
        let answer = request.send().await.with_context(|| format!("sqs {action}"))?;
        let status = answer.status();
        let text = answer.text().await.with_context(|| format!("sqs {action}"))?;
        if !status.is_success() {
            bail!("sqs {action}: {status}: {text}");
        }
        if text.trim().is_empty() {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        serde_json::from_str(&text).with_context(|| format!("sqs {action}: not JSON"))
    }
}
