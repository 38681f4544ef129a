//! What the calls to one org share: credential, tokens, and what was made a moment ago.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use extoauth_core::error::{CallError, CallResult, ErrorKind};
use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use url::Url;

use super::client_auth::ClientAuth;
use super::scope::{Purpose, Scope};
use super::token::{self, DPOP, Proofs, Token};
use crate::http::{Authorization, Authorizer, Call, Credential, Endpoint, Reply};

/// An object made less than this ago may still be missing elsewhere (provider issues #58 and #316: readable, then 404
/// on what is below it, flapping).
const LAG: Duration = Duration::from_secs(30);
/// After the credential was fetched past every cache, further refusals within this time are not its fault.
const JUST_FETCHED: Duration = Duration::from_secs(5);

pub(super) struct Session {
    pub(super) endpoint: Endpoint,
    credential: Arc<dyn Credential>,
    state: tokio::sync::Mutex<State>,
    made: Mutex<HashMap<String, Instant>>,
}

#[derive(Default)]
struct State {
    auth: Option<ClientAuth>,
    refetched: Option<Instant>,
    proofs: Proofs,
    read: Option<Token>,
    write: Option<Token>,
    watch: Option<Token>,
}

impl State {
    /// A good token that serves the purpose: the ones for writing and for watching serve reads too.
    fn token(&self, purpose: Purpose) -> Option<&Token> {
        let [read, write, watch] = [&self.read, &self.write, &self.watch].map(|t| t.as_ref().filter(|t| t.is_good()));
        match purpose {
            Purpose::Write => write,
            Purpose::Watch => watch,
            Purpose::Read => write.or(watch).or(read),
        }
    }
}

impl Session {
    pub(super) fn new(endpoint: Endpoint, credential: Arc<dyn Credential>) -> Self {
        Self { endpoint, credential, state: tokio::sync::Mutex::default(), made: Mutex::default() }
    }

    fn made(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers that an object was made now.
    pub(super) fn remember(&self, id: &str) {
        let mut made = self.made();
        made.retain(|_, at| at.elapsed() < LAG);
        made.insert(id.to_owned(), Instant::now());
    }

    /// Forgets an object that was deleted: from now on "not found" is the truth.
    pub(super) fn forget(&self, id: &str) {
        self.made().remove(id);
    }

    /// Whether the object was made a moment ago.
    pub(super) fn is_fresh(&self, id: &str) -> bool {
        self.made().get(id).is_some_and(|at| at.elapsed() < LAG)
    }

    /// Sends a call that needs a scope.
    pub(super) async fn send(&self, scope: Scope, purpose: Purpose, call: Call<'_>) -> CallResult<Reply> {
        let need = Need { session: self, scope, purpose };
        self.endpoint.send(&call.signed(&need)).await.map_err(|e| self.explain(e, scope))
    }

    /// Names what a refusal for want of rights can be about.
    fn explain(&self, error: CallError, scope: Scope) -> CallError {
        if error.kind != ErrorKind::Forbidden || error.code.as_deref() != Some("E0000006") {
            return error;
        }
        let message = format!(
            "{}: the client needs the scope {} and an admin role that allows it (API Access Management \
             Administrator, or a custom role); an SSWS token needs the role alone",
            error.message,
            scope.name()
        );
        CallError { message, ..error }
    }

    /// The scopes of the token for a purpose; `None` for an SSWS token, which has none.
    pub(super) async fn granted(&self, purpose: Purpose) -> CallResult<Option<Vec<Scope>>> {
        let mut state = self.state.lock().await;
        self.prepare(&mut state, purpose).await?;
        Ok(match &state.auth {
            Some(ClientAuth::ServiceApp(_)) => state.token(purpose).map(|t| t.scopes.clone()),
            Some(ClientAuth::Ssws(_)) | None => None,
        })
    }

    async fn load(&self, state: &mut State, fresh: bool) -> CallResult<()> {
        if state.auth.is_none() {
            let secret = self.credential.fetch(fresh).await?;
            state.auth = Some(ClientAuth::parse(&self.endpoint.system, &secret)?);
            if fresh {
                state.refetched = Some(Instant::now());
            }
        }
        Ok(())
    }

    /// Sees to it that the credential is there and, for an app, a good token. A credential from a cache that the token
    /// endpoint refuses is fetched once more: it may have been rotated.
    async fn prepare(&self, state: &mut State, purpose: Purpose) -> CallResult<()> {
        self.load(state, false).await?;
        match self.renew(state, purpose).await {
            Err(e) if e.kind == ErrorKind::Unauthorized && !recent(state.refetched) => {
                state.auth = None;
                self.load(state, true).await?;
                self.renew(state, purpose).await
            }
            other => other,
        }
    }

    async fn renew(&self, state: &mut State, purpose: Purpose) -> CallResult<()> {
        if state.token(purpose).is_some() {
            return Ok(());
        }
        let Some(ClientAuth::ServiceApp(app)) = &state.auth else { return Ok(()) };
        let token = token::obtain(&self.endpoint, app, &mut state.proofs, purpose.scopes()).await?;
        match purpose {
            Purpose::Read => state.read = Some(token),
            Purpose::Write => state.write = Some(token),
            Purpose::Watch => state.watch = Some(token),
        }
        Ok(())
    }

    async fn authorize(&self, need: &Need<'_>, method: &Method, url: &Url, fresh: bool) -> CallResult<Authorization> {
        let mut state = self.state.lock().await;
        if fresh && !recent(state.refetched) {
            let State { proofs, .. } = std::mem::take(&mut *state);
            state.proofs = proofs;
            self.load(&mut state, true).await?;
        } else if fresh {
            (state.read, state.write, state.watch) = (None, None, None);
        }
        self.prepare(&mut state, need.purpose).await?;
        match &state.auth {
            Some(ClientAuth::Ssws(token)) => self.headers("SSWS", token),
            _ => self.with_token(&state, need, method, url),
        }
    }

    fn with_token(&self, state: &State, need: &Need<'_>, method: &Method, url: &Url) -> CallResult<Authorization> {
        let system = &self.endpoint.system;
        let token = state.token(need.purpose).ok_or_else(|| {
            CallError::new(ErrorKind::Unauthorized, system.clone(), "sign a call", "the token ended at once")
        })?;
        if !need.scope.is_in(&token.scopes) {
            let message = format!(
                "the API Services app was not granted the scope {}: a Super Admin grants it on the app's tab Okta API \
                 Scopes",
                need.scope.name()
            );
            return Err(CallError::new(ErrorKind::Forbidden, system.clone(), need.scope.feature(), message));
        }
        let key = match (&state.proofs.key, token.bound) {
            (Some(key), true) => key,
            _ => return self.headers("Bearer", &token.value),
        };
        let proof =
            key.proof(method, url, None, Some(&token.value)).map_err(|e| token::broken_proof(&self.endpoint, &e))?;
        let mut authorization = self.headers("DPoP", &token.value)?;
        authorization.headers.insert(DPOP, token::sensitive(&self.endpoint, &proof)?);
        Ok(authorization)
    }

    fn headers(&self, scheme: &str, token: &SecretString) -> CallResult<Authorization> {
        let mut authorization = Authorization { secrets: vec![token.clone()], ..Authorization::default() };
        let value = format!("{scheme} {}", token.expose_secret());
        authorization.headers.insert(AUTHORIZATION, token::sensitive(&self.endpoint, &value)?);
        Ok(authorization)
    }
}

fn recent(refetched: Option<Instant>) -> bool {
    refetched.is_some_and(|at| at.elapsed() < JUST_FETCHED)
}

/// The right that a call needs.
struct Need<'s> {
    session: &'s Session,
    scope: Scope,
    purpose: Purpose,
}

impl Authorizer for Need<'_> {
    fn authorize<'a>(
        &'a self,
        method: &'a Method,
        url: &'a Url,
        fresh: bool,
    ) -> BoxFuture<'a, CallResult<Authorization>> {
        self.session.authorize(self, method, url, fresh).boxed()
    }
}
