//! The identity store as AWS services themselves read it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Map, Value, json};

use crate::seed;
use crate::world::{World, access_key};

/// The Identity Store API of the sandbox's world, without record, faults and permissions.
pub struct IdentityStore {
    world: Arc<World>,
    client: reqwest::Client,
}

impl IdentityStore {
    /// The one of this world.
    pub fn new(world: &Arc<World>) -> Self {
        // Loopback without TLS: the one client that needs no root certificates, so that building it cannot fail.
        let builder = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10));
        let client = builder.tls_certs_only([]).build().expect("a client without any option that can fail");
        Self { world: Arc::clone(world), client }
    }

    /// One call of the API. The signature is not checked; its credential tells moto the region.
    ///
    /// # Errors
    /// The sandbox runs without an identity store, or the store refuses the call.
    pub(crate) async fn call(&self, operation: &str, mut input: Map<String, Value>) -> anyhow::Result<Value> {
        let url = self.world.identity_store_url().context("the sandbox runs without an identity store")?;
        input.insert("IdentityStoreId".to_owned(), json!(seed::IDENTITY_STORE));
        let (key, _) = access_key("admin");
        let credential = format!("{key}/20260101/{}/identitystore/aws4_request", seed::REGION);
        let request = self
            .client
            .post(url)
            .header("x-amz-target", format!("AWSIdentityStore.{operation}"))
            .header(CONTENT_TYPE, "application/x-amz-json-1.1")
            .header(AUTHORIZATION, format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"))
            .body(Value::Object(input).to_string());
        let answer = request.send().await?;
        let status = answer.status();
        let body = answer.bytes().await?;
        ensure!(status.is_success(), "{operation} answered {status}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).with_context(|| format!("the answer to {operation} is not JSON"))
    }

    /// All entries of a list that comes in pages.
    ///
    /// # Errors
    /// As [`IdentityStore::call`].
    pub(crate) async fn entries(
        &self,
        operation: &str,
        mut input: Map<String, Value>,
        key: &str,
    ) -> anyhow::Result<Vec<Value>> {
        let mut all = Vec::new();
        loop {
            let mut answer = self.call(operation, input.clone()).await?;
            if let Some(Value::Array(entries)) = answer.get_mut(key).map(Value::take) {
                all.extend(entries);
            }
            match answer.get("NextToken") {
                Some(Value::String(token)) => input.insert("NextToken".to_owned(), json!(token)),
                _ => return Ok(all),
            };
        }
    }
}
