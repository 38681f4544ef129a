//! The access token for Microsoft Graph.

use std::collections::BTreeSet;
use std::time::Duration;

use extoauth_core::error::{CallError, CallResult, ErrorKind};
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::time::Instant;

use super::aadsts::Refused;
use super::client_auth::{self, ClientAuth, Proof};
use super::session::Session;
use crate::http::{Call, Reply, Scrub};

const OPERATION: &str = "request an access token";

/// A token is renewed this long before its end.
const EARLY: Duration = Duration::from_secs(60);

/// A token.
pub(super) struct Token {
    pub(super) value: SecretString,
    /// The permissions that it says; `None` where it cannot be read.
    pub(super) roles: Option<BTreeSet<String>>,
    made: Instant,
    until: Instant,
}

impl Token {
    pub(super) fn is_good(&self) -> bool {
        Instant::now() < self.until
    }

    pub(super) fn age(&self) -> Duration {
        self.made.elapsed()
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

#[derive(Deserialize)]
struct Payload {
    #[serde(default)]
    roles: BTreeSet<String>,
}

/// Asks for a token once.
pub(super) async fn request(session: &Session, auth: &ClientAuth) -> CallResult<Token> {
    let login = &session.login;
    let url = login.url(OPERATION, &[&session.tenant_id, "oauth2", "v2.0", "token"])?;
    let proof = auth.proof(&login.system, &url, &session.web_identity).await?;
    let mut form = vec![
        ("client_id", auth.client_id.clone()),
        ("scope", format!("{}/.default", session.graph.base.as_str().trim_end_matches('/'))),
        ("grant_type", "client_credentials".to_owned()),
    ];
    form.extend(proof.fields.iter().cloned());
    // A lost token harms nobody, so the request may be repeated.
    let call = Call::new(OPERATION, Method::POST, url)
        .on(&auth.client_id)
        .safe()
        .passing(&[400, 401, 403])
        .hiding(&proof.secret)
        .form(form);
    let reply = login.send(&call).await?;
    if !reply.status.is_success() {
        return Err(refusal(session, auth, &reply, &proof));
    }
    let granted: Granted = reply.json()?;
    let life = Duration::from_secs(granted.expires_in.unwrap_or(3600));
    let now = Instant::now();
    Ok(Token {
        roles: client_auth::claims::<Payload>(&granted.access_token).map(|p| p.roles),
        value: granted.access_token.into(),
        made: now,
        // A life of a minute or less would never be good.
        until: now + life.saturating_sub(EARLY).max(life / 2),
    })
}

/// Whether a refusal may be the lag of a federated credential: for minutes after it was set up, even after a first
/// success, replicas do not know it.
pub(super) fn lacks_federated_credential(error: &CallError) -> bool {
    let code = error.code.as_deref().unwrap_or_default();
    error.kind == ErrorKind::Unauthorized && (code == "AADSTS70021" || code.starts_with("AADSTS70021"))
}

fn refusal(session: &Session, auth: &ClientAuth, reply: &Reply, proof: &Proof) -> CallError {
    let refused: Refused = reply.json().unwrap_or_default();
    let (kind, advice) = refused.meaning();
    let advice = match &proof.federated {
        Some(federated) if refused.lacks_federated_credential() => format!(
            "the app {} must have a federated credential with issuer `{}`, subject `{}` and audience `{}`; after it was \
             added it takes some minutes to work",
            auth.client_id, federated.iss, federated.sub, federated.audience
        ),
        _ => advice.to_owned(),
    };
    let text = Scrub::of(std::slice::from_ref(&proof.secret)).clean(refused.text());
    CallError {
        status: Some(reply.status.as_u16()),
        code: refused.code(),
        request_id: refused.trace_id.or_else(|| reply.request_id.clone()),
        ..CallError::new(kind, session.login.system.clone(), OPERATION, format!("{text} ({advice})"))
    }
}

/// The header of a call.
pub(super) fn bearer(token: &SecretString) -> String {
    format!("Bearer {}", token.expose_secret())
}
