//! What an administrator of the Okta org does, through Okta's API.

use anyhow::Context as _;
use extoauth_sandbox::seed::OKTA_NAME;
use serde_json::Value;

use crate::client::Client;

impl Client {
    /// A call to Okta's API; `path` begins after `/api/v1/`, `null` sends no body.
    ///
    /// # Errors
    /// Okta refuses.
    pub async fn okta(&self, method: &str, path: &str, body: Value) -> anyhow::Result<Value> {
        let door = &self.sandbox_json()["admin"]["okta"][OKTA_NAME];
        let (url, token) = (door["url"].as_str().unwrap_or_default(), door["token"].as_str().unwrap_or_default());
        let call = self.http().request(method.parse()?, format!("{url}/api/v1/{path}"));
        let call = call.header("authorization", format!("SSWS {token}"));
        let call = if body.is_null() { call } else { call.json(&body) };
        self.send(call).await?.good().with_context(|| format!("okta: {method} {path}"))
    }
}
