//! The sandbox's control API.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::client::Client;

/// One recorded call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its number.
    pub n: u64,
    /// The system.
    pub system: String,
    /// HTTP method.
    pub method: String,
    /// Path, or AWS action.
    pub path: String,
    /// HTTP status; 0: none was sent.
    pub status: u64,
    /// Whether it can change an object of an administered system.
    pub write: bool,
    /// The function that called, or `admin`.
    pub caller: String,
}

impl Call {
    fn read(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Self {
            n: value["n"].as_u64().unwrap_or_default(),
            system: text("system"),
            method: text("method"),
            path: text("path"),
            status: value["status"].as_u64().unwrap_or_default(),
            write: value["write"] == json!(true),
            caller: text("caller"),
        }
    }

    /// The call in a few words: `okta POST /api/v1/apps`, `sso-admin CreateTrustedTokenIssuer`.
    pub fn words(&self) -> String {
        match self.path.starts_with('/') {
            true => format!("{} {} {}", self.system, self.method, self.path),
            false => format!("{} {}", self.system, self.path),
        }
    }
}

/// Of these calls those that can change an administered object.
pub fn writes(calls: &[Call]) -> Vec<String> {
    calls.iter().filter(|call| call.write).map(Call::words).collect()
}

/// How many calls went to each system.
pub fn by_system(calls: &[Call]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(call.system.as_str()).or_default() += 1;
    }
    counts
}

impl Client {
    async fn control(&self, method: &str, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let mut call = self.http().request(method.parse()?, format!("{}{path}", self.told("/control")));
        if let Some(body) = body {
            call = call.json(&body);
        }
        self.send(call).await?.good().with_context(|| format!("control: {method} {path}"))
    }

    /// Everything that the systems hold.
    ///
    /// # Errors
    /// The sandbox does not answer.
    pub async fn state(&self) -> anyhow::Result<Value> {
        self.control("GET", "/state", None).await
    }

    /// The calls after number `n` that the functions made; the administrator's own are left out.
    ///
    /// # Errors
    /// The sandbox does not answer.
    pub async fn calls(&self, n: u64) -> anyhow::Result<Vec<Call>> {
        let all = self.control("GET", &format!("/calls?after={n}"), None).await?;
        let all = all.as_array().context("calls are a list")?;
        Ok(all.iter().map(Call::read).filter(|call| call.caller != "admin").collect())
    }

    /// The number of the last call.
    ///
    /// # Errors
    /// The sandbox does not answer.
    pub async fn last_call(&self) -> anyhow::Result<u64> {
        let all = self.control("GET", "/calls?after=0", None).await?;
        Ok(all.as_array().and_then(|all| all.last()).map_or(0, |call| Call::read(call).n))
    }

    /// Adds faults: the body of `POST /faults`.
    ///
    /// # Errors
    /// The sandbox does not take them.
    pub async fn faults(&self, faults: Value) -> anyhow::Result<()> {
        self.control("POST", "/faults", Some(faults)).await.map(drop)
    }

    /// Takes all faults back.
    ///
    /// # Errors
    /// The sandbox does not answer.
    pub async fn clear_faults(&self) -> anyhow::Result<()> {
        self.control("DELETE", "/faults", None).await.map(drop)
    }

    /// Moves the vendors' calendars and the schedules by an ISO 8601 duration.
    ///
    /// # Errors
    /// The sandbox does not take it.
    pub async fn advance(&self, by: &str) -> anyhow::Result<Value> {
        self.control("POST", "/clock", Some(json!({"advance": by}))).await
    }

    /// What each function used of its role, and what it was granted.
    ///
    /// # Errors
    /// The sandbox does not answer.
    pub async fn permissions(&self) -> anyhow::Result<Value> {
        self.control("GET", "/permissions", None).await
    }

    /// Takes a new configuration into force; what is not given stays.
    ///
    /// # Errors
    /// The sandbox does not take it.
    pub async fn configure(&self, config: Value) -> anyhow::Result<()> {
        self.control("PUT", "/config", Some(config)).await.map(drop)
    }

    /// State, calendar, faults and record as at start.
    ///
    /// # Errors
    /// The sandbox does not answer.
    pub async fn reset(&self) -> anyhow::Result<()> {
        self.control("POST", "/reset", None).await.map(drop)
    }
}
