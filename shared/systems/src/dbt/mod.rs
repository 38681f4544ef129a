//! The dbt platform: OAuth configurations, connections, environments (Admin API v3; SSH tunnels are v2).
//!
//! Sources: dbt Labs' API description, its Terraform provider and its documentation. What none of them states is
//! marked UNCONFIRMED where it matters.

mod account;
mod attributes;
mod connections;
mod envelope;
mod environments;
mod oauth;
mod tunnels;
mod vendor;

use std::ops::Deref;
use std::sync::Arc;

use extoauth_core::error::{CallError, CallResult, ErrorKind};
use extoauth_core::systems::{DbtSettings, SystemId};
use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::http::{
    Authorization, Authorizer, Call, Credential, Endpoint, Reply, Sender, Stored, Written, parse_credential,
};
use envelope::{Enveloped, Listed};

pub use account::{AccountPlan, PrivateEndpoint, Project};
pub use attributes::Attributes;
pub use connections::{Connection, ConnectionRow, ConnectionSpec};
pub use environments::Environment;
pub use oauth::{OauthConfiguration, OauthConfigurationSpec};
pub use tunnels::{Tunnel, TunnelSpec};

/// Rows asked for at a time; dbt's maximum.
const PAGE: usize = 100;

/// Reads a dbt account. Cheap to clone; clones share credential and limits.
#[derive(Clone)]
pub struct Read(Arc<Session>);

/// Reads and writes a dbt account.
#[derive(Clone)]
pub struct Write {
    read: Read,
}

impl Deref for Write {
    type Target = Read;

    fn deref(&self) -> &Read {
        &self.read
    }
}

struct Session {
    endpoint: Endpoint,
    account: u64,
    account_text: String,
    token: Stored<SecretString>,
}

/// The clients of an account. Nothing is sent and no credential fetched before the first call.
///
/// The credential is `{"token"}`, a service token. Connections need the permission set Account Admin or Project
/// Creator; OAuth configurations have no row in dbt's table of permissions: Account Admin is assumed (UNCONFIRMED).
pub fn connect(
    system: SystemId,
    settings: &DbtSettings,
    credential: Arc<dyn Credential>,
    sender: &Arc<Sender>,
) -> (Read, Write) {
    let endpoint = sender.endpoint(&system, &settings.url, credential.name(), &vendor::Dbt);
    let account = settings.account_id;
    let token = Stored::new(credential);
    let read = Read(Arc::new(Session { endpoint, account, account_text: account.to_string(), token }));
    (read.clone(), Write { read })
}

#[derive(Deserialize)]
struct StoredToken {
    token: String,
}

impl Authorizer for Session {
    fn authorize<'a>(
        &'a self,
        _method: &'a Method,
        _url: &'a Url,
        fresh: bool,
    ) -> BoxFuture<'a, CallResult<Authorization>> {
        async move {
            let system = &self.endpoint.system;
            let make = |secret: &SecretString| {
                let stored: StoredToken = parse_credential(system, secret, r#"{"token"}"#)?;
                Ok(SecretString::from(stored.token))
            };
            let token = self.token.get(fresh, make).await?.value().clone();
            let mut value =
                HeaderValue::from_str(&format!("Token {}", token.expose_secret().trim())).map_err(|_| {
                    let message = "the stored token holds characters that no header can carry";
                    CallError::new(ErrorKind::Unauthorized, system.clone(), "sign a call", message)
                })?;
            value.set_sensitive(true);
            let mut authorization = Authorization { secrets: vec![token], ..Authorization::default() };
            authorization.headers.insert(AUTHORIZATION, value);
            Ok(authorization)
        }
        .boxed()
    }
}

impl Read {
    /// The system that this client reads.
    pub fn system(&self) -> &SystemId {
        &self.0.endpoint.system
    }

    /// The id of the account.
    pub fn account(&self) -> u64 {
        self.0.account
    }

    /// A call below the account. Every path of the API ends with a slash.
    fn call(&self, operation: &'static str, method: Method, path: &[&str]) -> CallResult<Call<'_>> {
        self.call_version("v3", operation, method, path)
    }

    fn call_version(
        &self,
        version: &str,
        operation: &'static str,
        method: Method,
        path: &[&str],
    ) -> CallResult<Call<'_>> {
        let mut whole = vec!["api", version, "accounts", &self.0.account_text];
        whole.extend(path);
        let url = self.0.endpoint.url_slash(operation, &whole)?;
        Ok(Call::new(operation, method, url).signed(&*self.0))
    }

    async fn send(&self, call: &Call<'_>) -> CallResult<Reply> {
        self.0.endpoint.send(call).await
    }

    async fn get<T: DeserializeOwned>(&self, operation: &'static str, path: &[&str], object: &str) -> CallResult<T> {
        let call = self.call(operation, Method::GET, path)?.on(object);
        Ok(self.send(&call).await?.json::<Enveloped<T>>()?.data)
    }

    /// All rows of a list of v3.
    async fn list<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> CallResult<Vec<T>> {
        self.list_version("v3", operation, path, query).await
    }

    async fn list_version<T: DeserializeOwned>(
        &self,
        version: &str,
        operation: &'static str,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> CallResult<Vec<T>> {
        let mut rows: Vec<T> = Vec::new();
        let mut first_before: Option<Value> = None;
        loop {
            let mut call = self.call_version(version, operation, Method::GET, path)?;
            let offset = rows.len().to_string();
            let page = PAGE.to_string();
            call.url.query_pairs_mut().extend_pairs(query).append_pair("limit", &page).append_pair("offset", &offset);
            let listed: Listed<Value> = self.send(&call).await?.json()?;
            let more = listed.goes_on(rows.len(), PAGE);
            let first = listed.data.first().cloned();
            // Not every list is documented to take an offset; one that does not would give the same page for ever.
            if first.is_some() && first == first_before {
                return Ok(rows);
            }
            first_before = first;
            for row in listed.data {
                rows.push(T::deserialize(row).map_err(|_| {
                    let message = "a row of the list has not the expected form";
                    CallError::new(ErrorKind::Unavailable, self.system().clone(), operation, message)
                })?);
            }
            if !more {
                return Ok(rows);
            }
        }
    }
}

impl Write {
    async fn write<T: DeserializeOwned>(&self, call: Call<'_>) -> CallResult<Written<T>> {
        let written: Written<Enveloped<T>> = self.send(&call).await?.written()?;
        Ok(Written { value: written.value.data, request_id: written.request_id })
    }

    /// A delete: answered with 204, or with 200 and a body (the description and the provider differ).
    async fn delete(&self, operation: &'static str, path: &[&str], object: &str) -> CallResult<Written<()>> {
        let call = self.call(operation, Method::DELETE, path)?.on(object);
        Ok(self.send(&call).await?.done())
    }

    /// A body with the account's id in it, which dbt wants besides the path.
    fn body(&self, mut body: Value) -> Value {
        body["account_id"] = self.account().into();
        body
    }
}
