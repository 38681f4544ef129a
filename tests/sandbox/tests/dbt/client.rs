//! A client of the stand-in's router, without a network.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use extoauth_sandbox::dbt::Account;
use extoauth_sandbox::world::{Caller, Lag, System, World};
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// The account's base path.
pub const ACCOUNT: &str = "/api/v3/accounts/54321";

/// An account and the token to use.
#[derive(Clone)]
pub struct Client {
    /// The world around it.
    pub world: Arc<World>,
    /// The stand-in.
    pub account: Arc<Account>,
    /// The `Authorization` header.
    pub authorization: String,
    /// Who the world says calls.
    pub caller: Option<Caller>,
    /// A replication lag in force.
    pub lag: Option<Lag>,
}

impl Client {
    /// A fresh account, seen by its operator.
    pub fn new() -> Self {
        let world = World::new();
        let account = Account::new(&world);
        let authorization = format!("Token {}", account.admin_token());
        Self { world, account, authorization, caller: None, lag: None }
    }

    /// The same account with another token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { authorization: format!("Bearer {token}"), ..self.clone() }
    }

    /// One call below the account; status and body (a string where it is not JSON).
    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.send(method, &format!("{ACCOUNT}{path}"), body).await
    }

    /// One call.
    pub async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let answer = self.answer(method, path, body).await;
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.expect("a body in memory").to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// One call, with its headers.
    pub async fn answer(&self, method: &str, path: &str, body: Option<&Value>) -> Response {
        let mut request = Request::builder().method(method).uri(path).header("authorization", &self.authorization);
        if let Some(caller) = &self.caller {
            request = request.extension(caller.clone());
        }
        if let Some(lag) = self.lag {
            request = request.extension(lag);
        }
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        let router = Arc::clone(&self.account).router();
        router.oneshot(request.expect("a well-formed request")).await.expect("infallible")
    }

    /// A call that must succeed; the `data` of its answer.
    pub async fn data(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.call(method, path, body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer["data"].clone()
    }
}

/// A body that makes an Okta configuration.
pub fn okta_configuration() -> Value {
    json!({
        "account_id": 54321, "type": "okta", "name": "analytics-dev", "client_id": "0oa1", "client_secret": "s3cret",
        "authorize_url": "https://acme.okta.com/oauth2/aus1/v1/authorize",
        "token_url": "https://acme.okta.com/oauth2/aus1/v1/token",
        "redirect_uri": "https://ab123.us1.dbt.com/complete/okta",
    })
}

/// A body that makes a Redshift connection.
pub fn redshift_connection(configuration: &Value) -> Value {
    json!({
        "account_id": 54321, "name": "analytics-dev", "adapter_version": "redshift_v0",
        "is_ssh_tunnel_enabled": false, "private_link_endpoint_id": null, "oauth_configuration_id": configuration,
        "config": {"hostname": "wg.example.com", "port": 5439, "dbname": "dev"},
    })
}

/// The keys that an environment's update takes.
const WRITABLE: &[&str] = &[
    "account_id",
    "project_id",
    "name",
    "dbt_version",
    "type",
    "use_custom_branch",
    "supports_docs",
    "state",
    "credentials_id",
    "connection_id",
    "extended_attributes_id",
    "custom_branch",
    "deployment_type",
    "enable_model_query_history",
    "enable_dbt_state",
    "primary_profile_id",
];

/// An environment without what an update does not take.
pub fn writable(environment: &Value) -> Value {
    WRITABLE.iter().map(|key| ((*key).to_owned(), environment[*key].clone())).collect::<serde_json::Map<_, _>>().into()
}
