//! A simulated dbt developer who clicks "Connect to Redshift": walks the authorization code flow of the identity provider
//! as dbt and a browser do together, refreshes the tokens, and exchanges the access token at IAM Identity Center.
//!
//! It uses nothing but what dbt has stored (the OAuth configuration) and a username, so that a login that works here
//! shows that the objects at the identity provider, in Identity Center and in dbt fit together.

mod error;
mod exchange;
mod form;
mod provider;

use std::fmt;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Client, Method, Response, StatusCode};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::Url;
use uuid::Uuid;

pub use error::{LoginError, Step};
pub use exchange::IdentityContext;
pub use provider::Provider;

use form::Form;

/// The OAuth configuration that dbt has stored.
#[derive(Clone)]
pub struct OAuthConfiguration {
    /// The kind of identity provider: it decides the scopes.
    pub provider: Provider,
    /// Where a person signs in.
    pub authorize_url: String,
    /// Where codes and refresh tokens are redeemed.
    pub token_url: String,
    /// The client dbt is at the identity provider.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Where the identity provider sends the person back.
    pub redirect_uri: String,
}

impl fmt::Debug for OAuthConfiguration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthConfiguration")
            .field("provider", &self.provider)
            .field("authorize_url", &self.authorize_url)
            .field("token_url", &self.token_url)
            .field("client_id", &self.client_id)
            .field("redirect_uri", &self.redirect_uri)
            .finish_non_exhaustive()
    }
}

/// What a login brings.
#[derive(Clone, Deserialize)]
pub struct Tokens {
    /// The access token: each can be exchanged once.
    pub access_token: String,
    /// The refresh token, if `offline_access` was granted.
    pub refresh_token: Option<String>,
    /// The ID token, if `openid` was granted.
    pub id_token: Option<String>,
    /// Lifetime of the access token in seconds.
    #[serde(deserialize_with = "seconds")]
    pub expires_in: u64,
    /// The granted scopes, space-separated.
    #[serde(default)]
    pub scope: String,
}

/// A number, or the text of one, as Entra's version 1 endpoint writes it.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    number.ok_or_else(|| serde::de::Error::custom("expires_in is no number of seconds"))
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("refresh_token", &self.refresh_token.is_some())
            .field("id_token", &self.id_token.is_some())
            .field("expires_in", &self.expires_in)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// One developer in front of one dbt environment.
pub struct Developer {
    configuration: OAuthConfiguration,
    username: String,
    scopes: String,
    consents: bool,
    http: Client,
}

/// Redirects and forms on the way to the code: enough for a provider that asks for the name and then for consent.
const MAX_STEPS: usize = 10;

impl Developer {
    /// A developer with this username. `http` brings proxy and certificate authority; it must not follow redirects
    /// (`redirect::Policy::none()`): each is looked at first.
    pub fn new(configuration: OAuthConfiguration, username: impl Into<String>, http: Client) -> Self {
        let scopes = configuration.provider.scopes();
        Self { configuration, username: username.into(), scopes, consents: false, http }
    }

    /// The same with other scopes.
    #[must_use]
    pub fn scopes(mut self, scopes: impl Into<String>) -> Self {
        self.scopes = scopes.into();
        self
    }

    /// The same developer, who gives consent where the provider asks for it. Without this such a page ends the login:
    /// an integration that is set up needs nobody's consent.
    #[must_use]
    pub fn consenting(mut self) -> Self {
        self.consents = true;
        self
    }

    /// Signs in: authorize, form, code, tokens.
    ///
    /// # Errors
    /// Names the step that failed, with the identity provider's own words where it gave any.
    pub async fn sign_in(&self) -> Result<Tokens, LoginError> {
        let code = self.authorize().await?;
        self.token(Step::Token, &[("grant_type", "authorization_code"), ("code", &code)]).await
    }

    /// New tokens for the refresh token of an earlier login, asked for as dbt does.
    ///
    /// # Errors
    /// As [`Self::sign_in`]; also if there is no refresh token.
    pub async fn refresh(&self, tokens: &Tokens) -> Result<Tokens, LoginError> {
        let Some(token) = &tokens.refresh_token else {
            return Err(LoginError::new(Step::Refresh, "the login brought no refresh token"));
        };
        let scope: Vec<&str> = tokens.scope.split(' ').filter(|scope| *scope != "openid").collect();
        let scope = scope.join(" ");
        let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
        if !scope.is_empty() {
            fields.push(("scope", &scope));
        }
        let mut fresh = self.token(Step::Refresh, &fields).await?;
        // A provider that keeps the refresh token need not send it again.
        fresh.refresh_token = fresh.refresh_token.or_else(|| Some(token.clone()));
        Ok(fresh)
    }

    /// Walks to the redirect URI and returns the code found there. The redirect URI itself is never called.
    async fn authorize(&self) -> Result<String, LoginError> {
        let configuration = &self.configuration;
        let start = parse(Step::Authorize, &configuration.authorize_url)?;
        let home = start.host_str().map(str::to_owned);
        let state = Uuid::new_v4().to_string();
        let mut url = start;
        url.query_pairs_mut()
            .append_pair("client_id", &configuration.client_id)
            .append_pair("redirect_uri", &configuration.redirect_uri)
            .append_pair("response_type", "code")
            .append_pair("scope", &self.scopes)
            .append_pair("state", &state)
            .append_pair("nonce", &Uuid::new_v4().to_string());
        let mut response = self.send(Step::Authorize, Method::GET, url.clone(), None).await?;
        let (mut signed_in, mut consented) = (false, false);
        for _ in 0..MAX_STEPS {
            if response.status().is_redirection() {
                let target = response.headers().get(LOCATION).and_then(|target| target.to_str().ok());
                let target = target.ok_or_else(|| LoginError::new(Step::Authorize, "a redirect without Location"))?;
                let target = url.join(target).map_err(|error| LoginError::new(Step::Authorize, error.to_string()))?;
                if is_at(&target, &configuration.redirect_uri) {
                    return code(&target, &state);
                }
                if target.host_str().map(str::to_owned) != home {
                    let host = target.host_str().unwrap_or_default();
                    return Err(LoginError::new(
                        Step::Authorize,
                        format!("a redirect to {host}, which is not the provider"),
                    ));
                }
                url = target;
                response = self.send(Step::Authorize, Method::GET, url.clone(), None).await?;
                continue;
            }
            let status = response.status();
            let page = text(Step::Authorize, response).await?;
            let form = Form::find(&page).filter(|_| status == StatusCode::OK);
            let asks_consent = signed_in && form.as_ref().is_some_and(|form| form.has("consent"));
            if asks_consent && (!self.consents || consented) {
                return Err(LoginError::new(Step::Consent, form::plain(&page)).status(status.as_u16()));
            }
            if status != StatusCode::OK || (signed_in && !asks_consent) {
                let step = if signed_in { Step::SignIn } else { Step::Authorize };
                return Err(LoginError::new(step, form::plain(&page)).status(status.as_u16()));
            }
            let Some(form) = form else {
                return Err(LoginError::new(Step::SignIn, "the sign-in page has no form"));
            };
            consented = asks_consent;
            let action = url.join(&form.action).map_err(|error| LoginError::new(Step::SignIn, error.to_string()))?;
            if action.host_str().map(str::to_owned) != home {
                return Err(LoginError::new(Step::SignIn, "the sign-in form leads to another host"));
            }
            url = action;
            signed_in = true;
            response = self.send(Step::SignIn, Method::POST, url.clone(), Some(form.filled(&self.username))).await?;
        }
        Err(LoginError::new(Step::Authorize, "too many redirects"))
    }

    /// A token request as dbt makes it: client id and secret in the header.
    async fn token(&self, step: Step, fields: &[(&str, &str)]) -> Result<Tokens, LoginError> {
        let url = parse(step, &self.configuration.token_url)?;
        let mut fields = fields.to_vec();
        fields.push(("redirect_uri", &self.configuration.redirect_uri));
        let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let request = self
            .http
            .post(url)
            .basic_auth(encode(&self.configuration.client_id), Some(encode(&self.configuration.client_secret)))
            .form(&fields)
            .timeout(Duration::from_secs(30));
        let response = request.send().await.map_err(|error| LoginError::sending(step, &error))?;
        let status = response.status();
        let body = text(step, response).await?;
        if status == StatusCode::OK {
            return serde_json::from_str(&body)
                .map_err(|error| LoginError::new(step, format!("the token answer cannot be read: {error}")));
        }
        Err(LoginError::answer(step, status.as_u16(), &body))
    }

    async fn send(&self, step: Step, method: Method, url: Url, form: Option<String>) -> Result<Response, LoginError> {
        let mut request = self.http.request(method, url.clone()).timeout(Duration::from_secs(30));
        if let Some(form) = form {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        }
        let response = request.send().await.map_err(|error| LoginError::sending(step, &error))?;
        if response.url() != &url {
            return Err(LoginError::new(step, "the HTTP client follows redirects by itself"));
        }
        Ok(response)
    }
}

fn parse(step: Step, url: &str) -> Result<Url, LoginError> {
    Url::parse(url).map_err(|error| LoginError::new(step, format!("'{url}' is no URL: {error}")))
}

async fn text(step: Step, response: Response) -> Result<String, LoginError> {
    response.text().await.map_err(|error| LoginError::sending(step, &error))
}

/// Whether a URL is the redirect URI, whatever its query.
fn is_at(url: &Url, redirect_uri: &str) -> bool {
    Url::parse(redirect_uri).is_ok_and(|redirect| redirect.origin() == url.origin() && redirect.path() == url.path())
}

/// The code in the redirect, or the error there.
fn code(url: &Url, state: &str) -> Result<String, LoginError> {
    let field = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    if let Some(error) = field("error") {
        let description = field("error_description").unwrap_or_default();
        return Err(LoginError::new(Step::Authorize, description).code(error));
    }
    if field("state").as_deref() != Some(state) {
        return Err(LoginError::new(Step::Authorize, "the provider did not give back the state it was sent"));
    }
    field("code").ok_or_else(|| LoginError::new(Step::Authorize, "the redirect carries neither code nor error"))
}
