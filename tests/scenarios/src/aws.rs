//! Calls of the emulated AWS services as the administrator. The sandbox reads who calls from the signature's header and
//! checks no signature.

use anyhow::Context as _;
use reqwest::RequestBuilder;
use serde_json::Value;

use crate::client::Client;

impl Client {
    /// A call of a service that speaks JSON: `aws("sqs", "AmazonSQS.ReceiveMessage", …)`.
    ///
    /// # Errors
    /// The service refuses.
    pub async fn aws(&self, service: &str, target: &str, body: &Value) -> anyhow::Result<Value> {
        let version = if matches!(service, "dynamodb" | "sqs") { "1.0" } else { "1.1" };
        let call = self
            .aws_call(service)
            .header("content-type", format!("application/x-amz-json-{version}"))
            .header("x-amz-target", target);
        self.send(call.body(body.to_string())).await?.good().with_context(|| target.to_owned())
    }

    /// A call of a service that speaks the query protocol: the answer's XML.
    ///
    /// # Errors
    /// The service refuses.
    pub async fn aws_query(&self, service: &str, version: &str, parameters: &[(&str, &str)]) -> anyhow::Result<String> {
        let form = [&[("Version", version)], parameters].concat();
        let answer = self.send(self.aws_call(service).form(&form)).await?.good()?;
        Ok(answer.as_str().unwrap_or_default().to_owned())
    }

    fn aws_call(&self, service: &str) -> RequestBuilder {
        let (key, region) = (self.told("/aws/access_key_id"), self.told("/aws/region"));
        let scope = format!("{key}/20260101/{region}/{service}/aws4_request");
        let zeros = "0".repeat(64);
        let header = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={zeros}");
        self.http().post(self.told("/aws/endpoint")).header("authorization", header)
    }
}
