//! Whether Entra takes a client's secret, asked without a user.

use std::time::Duration;

use extoauth_core::error::{CallError, CallResult, ErrorKind};
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};

use super::Read;
use super::aadsts::Refused;
use super::visible::repeated;
use crate::http::{Call, Scrub};

/// What Entra says of a client's secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretAnswer {
    /// It takes it.
    Proved,
    /// It refuses it: it is no secret of this client (AADSTS7000215), or one that has ended (AADSTS7000222).
    Refused(String),
    /// It says something else, which proves nothing either way.
    Unclear(String),
}

const OPERATION: &str = "prove client secret";

/// No secret of this client, or one that the replica that answered does not know yet.
const WRONG: &str = "AADSTS7000215";
/// Ended.
const ENDED: &str = "AADSTS7000222";

/// How long a secret that this process has just made may be unknown to replicas (from memory: seconds, at times a minute).
const PATIENCE: Duration = Duration::from_secs(60);

impl Read {
    /// Asks for a token for the client itself (client credentials) for a resource, by client id or Application ID URI. The
    /// token is dropped at once; without app roles it would open nothing.
    ///
    /// # Errors
    /// If there is no answer that tells anything: no connection, no time, or Entra asks to try again later.
    pub async fn prove_secret(
        &self,
        client_id: &str,
        resource: &str,
        secret: &SecretString,
    ) -> CallResult<SecretAnswer> {
        let session = &self.session;
        let lagging = |e: &CallError| e.code.as_deref() == Some(WRONG) && session.recent.has_new_password();
        let patience = session.patience(OPERATION, client_id).at_most(PATIENCE);
        match repeated(patience, lagging, || self.try_secret(client_id, resource, secret)).await {
            Ok(()) => Ok(SecretAnswer::Proved),
            Err(e) if matches!(e.code.as_deref(), Some(WRONG | ENDED)) => Ok(SecretAnswer::Refused(e.message)),
            Err(e) if e.kind == ErrorKind::Invalid => Ok(SecretAnswer::Unclear(e.message)),
            Err(e) => Err(e),
        }
    }

    async fn try_secret(&self, client_id: &str, resource: &str, secret: &SecretString) -> CallResult<()> {
        let login = &self.session.login;
        let url = login.url(OPERATION, &[&self.session.tenant_id, "oauth2", "v2.0", "token"])?;
        let form = vec![
            ("client_id", client_id.to_owned()),
            ("client_secret", secret.expose_secret().to_owned()),
            ("scope", format!("{resource}/.default")),
            ("grant_type", "client_credentials".to_owned()),
        ];
        // A lost token harms nobody, so the request may be repeated.
        let call = Call::new(OPERATION, Method::POST, url)
            .on(client_id)
            .safe()
            .passing(&[400, 401, 403])
            .hiding(secret)
            .form(form);
        let reply = login.send(&call).await?;
        if reply.status.is_success() {
            return Ok(());
        }
        let refused: Refused = reply.json().unwrap_or_default();
        // Everything but "later" is an answer about the client or the resource.
        let kind = match refused.meaning().0 {
            ErrorKind::Unavailable => ErrorKind::Unavailable,
            _ => ErrorKind::Invalid,
        };
        let text = Scrub::of(std::slice::from_ref(secret)).clean(refused.text());
        Err(CallError {
            status: Some(reply.status.as_u16()),
            code: refused.code(),
            request_id: refused.trace_id.or_else(|| reply.request_id.clone()),
            ..CallError::new(kind, login.system.clone(), OPERATION, text).on(client_id)
        })
    }
}
