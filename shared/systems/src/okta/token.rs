//! The access token of an API Services app.

use std::time::Duration;

use extoauth_core::error::{CallError, CallResult, ErrorKind};
use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::time::Instant;
use url::Url;

use super::client_auth::ServiceApp;
use super::dpop::{ProofError, ProofKey};
use super::scope::{self, Scope};
use crate::http::{Call, Endpoint, Reply, Scrub};

pub(super) const DPOP: HeaderName = HeaderName::from_static("dpop");
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
const OPERATION: &str = "request an access token";

/// A token is renewed this long before its end.
const EARLY: Duration = Duration::from_secs(60);
/// A token that lacks scopes is asked for again after this time: an admin may have granted them.
const INCOMPLETE: Duration = Duration::from_secs(60);
/// Requests for one token: without proof, with one, with a nonce, with a newer nonce; and lost ones.
const MAX_REQUESTS: u32 = 6;

/// A token.
pub(super) struct Token {
    pub(super) value: SecretString,
    pub(super) scopes: Vec<Scope>,
    /// Bound to the proof key.
    pub(super) bound: bool,
    until: Instant,
}

impl Token {
    pub(super) fn is_good(&self) -> bool {
        Instant::now() < self.until
    }
}

/// What proofs need: a key once the server has asked for one, and its last nonce.
#[derive(Default)]
pub(super) struct Proofs {
    pub(super) key: Option<ProofKey>,
    nonce: Option<String>,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    expires_in: Option<u64>,
    #[serde(default)]
    scope: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refused {
    error: Option<String>,
    error_description: Option<String>,
    #[serde(rename = "errorCode")]
    code: Option<String>,
    #[serde(rename = "errorSummary")]
    summary: Option<String>,
}

/// Gets a token with these scopes, or, where the app was not granted all of them, with those that it has: Okta refuses
/// the whole request for one missing scope, so they are then asked for one by one.
pub(super) async fn obtain(
    endpoint: &Endpoint,
    app: &ServiceApp,
    proofs: &mut Proofs,
    wanted: &[Scope],
) -> CallResult<Token> {
    let refused = match request(endpoint, app, proofs, wanted).await {
        Err(e) if e.code.as_deref() == Some("invalid_scope") && wanted.len() > 1 => e,
        other => return other,
    };
    let mut granted = Vec::new();
    for scope in wanted {
        match request(endpoint, app, proofs, &[*scope]).await {
            Ok(_) => granted.push(*scope),
            Err(e) if e.code.as_deref() == Some("invalid_scope") => {}
            Err(e) => return Err(e),
        }
    }
    if granted.is_empty() {
        return Err(refused);
    }
    let token = request(endpoint, app, proofs, &granted).await?;
    let until = token.until.min(Instant::now() + INCOMPLETE);
    Ok(Token { until, ..token })
}

async fn request(endpoint: &Endpoint, app: &ServiceApp, proofs: &mut Proofs, wanted: &[Scope]) -> CallResult<Token> {
    let url = endpoint.url(OPERATION, &["oauth2", "v1", "token"])?;
    let names: Vec<_> = wanted.iter().map(|s| s.name()).collect();
    let mut sent = 0;
    loop {
        sent += 1;
        let (reply, assertion) = match send(endpoint, app, proofs, &url, &names).await {
            // A lost token harms nobody. The assertion may be used up, so each try makes its own.
            Err(e) if e.kind == ErrorKind::Ambiguous && sent < MAX_REQUESTS => continue,
            Err(e) if e.kind == ErrorKind::Ambiguous => return Err(CallError { kind: ErrorKind::Unavailable, ..e }),
            other => other?,
        };
        let nonce = reply.headers.get(DPOP_NONCE).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let nonce_is_new = nonce.is_some() && nonce != proofs.nonce;
        proofs.nonce = nonce.or(proofs.nonce.take());
        if reply.status.is_success() {
            return token(&reply, wanted);
        }
        let refused: Refused = reply.json().unwrap_or_default();
        let asks_for_proof = matches!(refused.error.as_deref(), Some("use_dpop_nonce" | "invalid_dpop_proof"));
        if asks_for_proof && sent < MAX_REQUESTS && (nonce_is_new || proofs.key.is_none()) {
            if proofs.key.is_none() {
                proofs.key = Some(ProofKey::generate().map_err(|e| broken_proof(endpoint, &e))?);
            }
            continue;
        }
        return Err(refusal(endpoint, &reply, refused, &names, &assertion));
    }
}

async fn send(
    endpoint: &Endpoint,
    app: &ServiceApp,
    proofs: &Proofs,
    url: &Url,
    scopes: &[&str],
) -> CallResult<(Reply, SecretString)> {
    let assertion = app.assertion(&endpoint.system, url)?;
    let mut call =
        Call::new(OPERATION, Method::POST, url.clone()).passing(&[400, 401, 403]).hiding(&assertion).form(vec![
            ("grant_type", "client_credentials".to_owned()),
            ("scope", scopes.join(" ")),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned()),
            ("client_assertion", assertion.expose_secret().to_owned()),
        ]);
    if let Some(key) = &proofs.key {
        let proof =
            key.proof(&Method::POST, url, proofs.nonce.as_deref(), None).map_err(|e| broken_proof(endpoint, &e))?;
        call.headers.insert(DPOP, sensitive(endpoint, &proof)?);
    }
    Ok((endpoint.send(&call).await?, assertion))
}

/// A header value that no log prints.
pub(super) fn sensitive(endpoint: &Endpoint, text: &str) -> CallResult<HeaderValue> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        let message = "the credential holds characters that no header can carry";
        CallError::new(ErrorKind::Unauthorized, endpoint.system.clone(), "sign a call", message)
    })?;
    value.set_sensitive(true);
    Ok(value)
}

pub(super) fn broken_proof(endpoint: &Endpoint, error: &ProofError) -> CallError {
    CallError::new(ErrorKind::Unavailable, endpoint.system.clone(), OPERATION, error.to_string())
}

fn token(reply: &Reply, wanted: &[Scope]) -> CallResult<Token> {
    let granted: Granted = reply.json()?;
    let life = Duration::from_secs(granted.expires_in.unwrap_or(3600));
    Ok(Token {
        value: granted.access_token.into(),
        scopes: granted.scope.as_deref().map_or_else(|| wanted.to_vec(), scope::parse),
        bound: granted.token_type.is_some_and(|t| t.eq_ignore_ascii_case("dpop")),
        until: Instant::now() + life.saturating_sub(EARLY),
    })
}

/// The texts of Okta's token endpoint, each with what to do about it.
fn refusal(
    endpoint: &Endpoint,
    reply: &Reply,
    refused: Refused,
    scopes: &[&str],
    assertion: &SecretString,
) -> CallError {
    let code = refused.error.or(refused.code);
    let text = refused.error_description.or(refused.summary).unwrap_or_else(|| "no reason given".to_owned());
    let (kind, advice) = match code.as_deref() {
        Some("invalid_scope") => {
            (ErrorKind::Forbidden, format!("a Super Admin must grant the API Services app: {}", scopes.join(", ")))
        }
        Some("invalid_client") => (ErrorKind::Unauthorized, advice(&text).to_owned()),
        Some("access_denied") => {
            (ErrorKind::Forbidden, "the API Services app must be active and allowed to get tokens".to_owned())
        }
        _ => (ErrorKind::Unauthorized, "check the API Services app that the credential names".to_owned()),
    };
    let text = Scrub::of(std::slice::from_ref(assertion)).clean(&text);
    CallError {
        status: Some(reply.status.as_u16()),
        code,
        request_id: reply.request_id.clone(),
        ..CallError::new(kind, endpoint.system.clone(), OPERATION, format!("{text} ({advice})"))
    }
}

fn advice(text: &str) -> &'static str {
    let has = |part: &str| text.contains(part);
    if has("audience claim") {
        "the configured `url` of the org must be the one that Okta itself uses, without `-admin`"
    } else if has("is expired") || has("too far into the future") {
        "the clock of the function and Okta's differ"
    } else if has("already been used") {
        "another client used the same assertion"
    } else if has("JWKSet") {
        "the API Services app has no public key: add the one that belongs to the stored private key"
    } else if has("kid") {
        "the stored `kid` is not that of a key of the API Services app"
    } else if has("signature") {
        "the stored private key does not belong to the public key of this `kid`"
    } else {
        "the stored `client_id` must be that of an active API Services app with private_key_jwt"
    }
}
