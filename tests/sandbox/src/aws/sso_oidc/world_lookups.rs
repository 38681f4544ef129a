//! The look-ups of the exchange in the sandbox's world: issuers by their real host names, users in the identity store.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Map, Value, json};

use super::lookups::{Lookups, attribute_values};
use crate::seed;
use crate::world::{World, access_key};

/// Asks the world.
pub(super) struct WorldLookups {
    world: Arc<World>,
    client: reqwest::Client,
}

impl WorldLookups {
    pub fn new(world: &Arc<World>) -> Self {
        // Loopback without TLS: the one client that needs no root certificates, so that building it cannot fail.
        let builder = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10));
        let client = builder.tls_certs_only([]).build().expect("a client without any option that can fail");
        Self { world: Arc::clone(world), client }
    }

    async fn document(&self, url: &str) -> anyhow::Result<Value> {
        let answer = self.world.fetch(url).await?;
        ensure!(answer.status().is_success(), "{url} answered {}", answer.status());
        serde_json::from_slice(answer.body()).with_context(|| format!("{url} is not JSON"))
    }

    /// One call of the Identity Store API. The signature is not checked; its credential tells moto the region.
    async fn identity_store(&self, operation: &str, mut input: Map<String, Value>) -> anyhow::Result<Value> {
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
    async fn entries(&self, operation: &str, input: Map<String, Value>, key: &str) -> anyhow::Result<Vec<Value>> {
        let mut all = Vec::new();
        let mut input = input;
        loop {
            let mut answer = self.identity_store(operation, input.clone()).await?;
            if let Some(Value::Array(entries)) = answer.get_mut(key).map(Value::take) {
                all.extend(entries);
            }
            match answer.get("NextToken") {
                Some(Value::String(token)) => input.insert("NextToken".to_owned(), json!(token)),
                _ => return Ok(all),
            };
        }
    }

    async fn users(&self, path: &str, value: &str) -> anyhow::Result<Vec<String>> {
        let mut input = Map::new();
        if path.eq_ignore_ascii_case("userName") {
            // The only attribute that the API can filter by; for others every user is looked at.
            input.insert("Filters".to_owned(), json!([{"AttributePath": "UserName", "AttributeValue": value}]));
        }
        let users = self.entries("ListUsers", input, "Users").await?;
        let matching = users.iter().filter(|user| attribute_values(user, path).contains(&value));
        Ok(matching.filter_map(|user| Some(user["UserId"].as_str()?.to_owned())).collect())
    }

    async fn groups(&self, user_id: &str) -> anyhow::Result<Vec<String>> {
        let mut input = Map::new();
        input.insert("MemberId".to_owned(), json!({"UserId": user_id}));
        let memberships = self.entries("ListGroupMembershipsForMember", input, "GroupMemberships").await?;
        Ok(memberships.iter().filter_map(|entry| Some(entry["GroupId"].as_str()?.to_owned())).collect())
    }
}

impl Lookups for WorldLookups {
    fn get_json<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Value, String>> {
        self.document(url).map(|result| result.map_err(|error| format!("{error:#}"))).boxed()
    }

    fn users_by<'a>(&'a self, path: &'a str, value: &'a str) -> BoxFuture<'a, Result<Vec<String>, String>> {
        self.users(path, value).map(|result| result.map_err(|error| format!("{error:#}"))).boxed()
    }

    fn groups_of<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<Vec<String>, String>> {
        self.groups(user_id).map(|result| result.map_err(|error| format!("{error:#}"))).boxed()
    }
}
