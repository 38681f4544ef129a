//! Signing in to an instance.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use extoauth_core::error::{CallError, CallResult, ErrorKind};
use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::time::Instant;
use url::Url;

use crate::http::{Authorization, Authorizer, Call, Credential, Endpoint, Stored, parse_credential};

const FORM: &str =
    r#"{"auth":"basic","user","password"} or {"auth":"oauth_client_credentials","client_id","client_secret"}"#;
const OPERATION: &str = "request an access token";

/// A token is renewed this long before its end.
const EARLY: Duration = Duration::from_secs(60);

pub(super) struct Session {
    pub(super) endpoint: Endpoint,
    auth: Stored<Auth>,
}

#[derive(Deserialize)]
#[serde(tag = "auth", rename_all = "snake_case")]
enum Form {
    Basic { user: String, password: String },
    OauthClientCredentials { client_id: String, client_secret: String },
}

enum Auth {
    Basic { user: String, password: SecretString },
    Client { id: String, secret: SecretString, token: Option<(SecretString, Instant)> },
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

impl Session {
    pub(super) fn new(endpoint: Endpoint, credential: Arc<dyn Credential>) -> Self {
        Self { endpoint, auth: Stored::new(credential) }
    }

    fn parse(&self, secret: &SecretString) -> CallResult<Auth> {
        Ok(match parse_credential(&self.endpoint.system, secret, FORM)? {
            Form::Basic { user, password } => Auth::Basic { user, password: password.into() },
            Form::OauthClientCredentials { client_id, client_secret } => {
                Auth::Client { id: client_id, secret: client_secret.into(), token: None }
            }
        })
    }

    async fn sign(&self, fresh: bool) -> CallResult<Authorization> {
        let mut held = self.auth.get(fresh, |secret| self.parse(secret)).await?;
        match held.value() {
            Auth::Basic { user, password } => {
                let text: SecretString = STANDARD.encode(format!("{user}:{}", password.expose_secret())).into();
                self.header("Basic", &text, vec![password.clone(), text.clone()])
            }
            Auth::Client { id, secret, token } => {
                let good = token.as_ref().is_some_and(|(_, until)| !fresh && Instant::now() < *until);
                if !good {
                    *token = None;
                    *token = Some(self.token(id, secret).await?);
                }
                let token = token.as_ref().map(|(token, _)| token.clone()).unwrap_or_default();
                self.header("Bearer", &token, vec![token.clone()])
            }
        }
    }

    async fn token(&self, id: &str, secret: &SecretString) -> CallResult<(SecretString, Instant)> {
        let url = self.endpoint.url(OPERATION, &["oauth_token.do"])?;
        let call = Call::new(OPERATION, Method::POST, url)
            // Another token harms nobody.
            .safe()
            .hiding(secret)
            .form(vec![
                ("grant_type", "client_credentials".to_owned()),
                ("client_id", id.to_owned()),
                ("client_secret", secret.expose_secret().to_owned()),
            ]);
        let granted: Granted = self.endpoint.send(&call).await?.json()?;
        let life = Duration::from_secs(granted.expires_in.unwrap_or(1800));
        Ok((granted.access_token.into(), Instant::now() + life.saturating_sub(EARLY)))
    }

    fn header(&self, scheme: &str, text: &SecretString, secrets: Vec<SecretString>) -> CallResult<Authorization> {
        let mut value = HeaderValue::from_str(&format!("{scheme} {}", text.expose_secret())).map_err(|_| {
            let message = "the credential holds characters that no header can carry";
            CallError::new(ErrorKind::Unauthorized, self.endpoint.system.clone(), "sign a call", message)
        })?;
        value.set_sensitive(true);
        let mut authorization = Authorization { secrets, ..Authorization::default() };
        authorization.headers.insert(AUTHORIZATION, value);
        Ok(authorization)
    }
}

impl Authorizer for Session {
    fn authorize<'a>(
        &'a self,
        _method: &'a Method,
        _url: &'a Url,
        fresh: bool,
    ) -> BoxFuture<'a, CallResult<Authorization>> {
        self.sign(fresh).boxed()
    }
}
