//! What the calls to one tenant share: credential, token, what was done a moment ago, and who writes to what.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use extoauth_core::error::{CallError, CallResult, ErrorKind};
use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;
use url::Url;

use super::client_auth::{ClientAuth, WebIdentity};
use super::metadata::Documents;
use super::permission::Permission;
use super::recent::Recent;
use super::token::{self, Token};
use super::visible::{self, Patience};
use crate::http::{Authorization, Authorizer, Call, Credential, Endpoint, Reply};

/// After the credential was fetched past every cache, further refusals within this time are not its fault.
const JUST_FETCHED: Duration = Duration::from_secs(5);
/// A token older than this may lack a right that an admin has given since: it is renewed before a refusal is believed.
const OLD: Duration = Duration::from_secs(60);
/// How old the token may be that the rights are read from.
const OLD_FOR_RIGHTS: Duration = Duration::from_secs(300);
/// How long a missing federated credential is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// The same once it was there: then only replicas can be the cause.
const PATIENCE_AFTER_SUCCESS: Duration = Duration::from_secs(120);

pub(super) struct Session {
    pub(super) graph: Endpoint,
    pub(super) login: Endpoint,
    pub(super) tenant_id: String,
    pub(super) web_identity: Arc<dyn WebIdentity>,
    pub(super) recent: Recent,
    pub(super) documents: Documents,
    credential: Arc<dyn Credential>,
    state: tokio::sync::Mutex<State>,
    writing: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

#[derive(Default)]
struct State {
    auth: Option<ClientAuth>,
    refetched: Option<Instant>,
    token: Option<Token>,
    signed_in: bool,
}

impl Session {
    pub(super) fn new(
        graph: Endpoint,
        login: Endpoint,
        tenant_id: String,
        credential: Arc<dyn Credential>,
        web_identity: Arc<dyn WebIdentity>,
    ) -> Self {
        Self {
            graph,
            login,
            tenant_id,
            web_identity,
            recent: Recent::default(),
            documents: Documents::default(),
            credential,
            state: tokio::sync::Mutex::default(),
            writing: Mutex::default(),
        }
    }

    /// Waits until nobody else writes to an object: Entra loses changes that are made to one application at the same
    /// time (Terraform's provider locks likewise).
    pub(super) async fn writing(&self, object: &str) -> OwnedMutexGuard<()> {
        let lock = {
            let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
            writing.retain(|_, lock| lock.strong_count() > 0);
            writing.get(object).and_then(Weak::upgrade).unwrap_or_else(|| {
                let lock = Arc::default();
                writing.insert(object.to_owned(), Arc::downgrade(&lock));
                lock
            })
        };
        lock.lock_owned().await
    }

    /// Patience for one operation, within the invocation.
    pub(super) fn patience(&self, operation: &str, object: &str) -> Patience {
        Patience::new(self.graph.sender.deadline(), &self.graph.system, operation, object)
    }

    /// Sends a call to Graph. A refusal for want of a right is believed only of a young token.
    pub(super) async fn send(&self, permission: Permission, call: &Call<'_>) -> CallResult<Reply> {
        let answer = match self.graph.send(call).await {
            Err(e) if Permission::is_denied(&e) && !visible::may_be_lag(&e) && self.drop_token(OLD).await => {
                self.graph.send(call).await
            }
            other => other,
        };
        answer.map_err(|e| if visible::may_be_lag(&e) { e } else { permission.explain(e) })
    }

    /// The permissions of our token.
    pub(super) async fn roles(&self) -> CallResult<Option<BTreeSet<String>>> {
        self.drop_token(OLD_FOR_RIGHTS).await;
        let mut state = self.state.lock().await;
        self.prepare(&mut state).await?;
        Ok(state.token.as_ref().and_then(|t| t.roles.clone()))
    }

    /// Drops the token if it is older than this; tells whether it was.
    async fn drop_token(&self, age: Duration) -> bool {
        let mut state = self.state.lock().await;
        state.token.take_if(|token| token.age() > age).is_some()
    }

    async fn load(&self, state: &mut State, fresh: bool) -> CallResult<()> {
        if state.auth.is_none() {
            let secret = self.credential.fetch(fresh).await?;
            state.auth = Some(ClientAuth::parse(&self.graph.system, &secret)?);
            if fresh {
                state.refetched = Some(Instant::now());
            }
        }
        Ok(())
    }

    /// Sees to it that there is a good token. A credential from a cache that is refused is fetched once more: it may
    /// have been rotated. A federated credential that is not found is waited for.
    async fn prepare(&self, state: &mut State) -> CallResult<()> {
        if state.token.as_ref().is_some_and(Token::is_good) {
            return Ok(());
        }
        self.load(state, false).await?;
        let mut answer = self.request(state).await;
        if matches!(&answer, Err(e) if e.kind == ErrorKind::Unauthorized) && !recent(state.refetched) {
            state.auth = None;
            self.load(state, true).await?;
            answer = self.request(state).await;
        }
        if answer.as_ref().is_err_and(token::lacks_federated_credential) {
            let longest = if state.signed_in { PATIENCE_AFTER_SUCCESS } else { PATIENCE };
            let patience = self.patience("sign in", &self.tenant_id).at_most(longest);
            let state = &*state;
            answer = visible::repeated(patience, token::lacks_federated_credential, || self.request(state)).await;
        }
        state.token = Some(answer?);
        state.signed_in = true;
        Ok(())
    }

    async fn request(&self, state: &State) -> CallResult<Token> {
        match &state.auth {
            Some(auth) => token::request(self, auth).await,
            None => Err(self.unsigned("no credential was read")),
        }
    }

    async fn authorize(&self, fresh: bool) -> CallResult<Authorization> {
        let mut state = self.state.lock().await;
        if fresh {
            // Calls in parallel that were refused with the same token do not each make a new one.
            let is_new = state.token.as_ref().is_some_and(|t| t.age() < JUST_FETCHED) && recent(state.refetched);
            if !is_new {
                state.token = None;
            }
            if !recent(state.refetched) {
                state.auth = None;
                self.load(&mut state, true).await?;
            }
        }
        self.prepare(&mut state).await?;
        let token = state.token.as_ref().ok_or_else(|| self.unsigned("no token was given"))?;
        let mut value = HeaderValue::from_str(&token::bearer(&token.value))
            .map_err(|_| self.unsigned("the token holds characters that no header can carry"))?;
        value.set_sensitive(true);
        let mut authorization = Authorization { secrets: vec![token.value.clone()], ..Authorization::default() };
        authorization.headers.insert(AUTHORIZATION, value);
        Ok(authorization)
    }

    fn unsigned(&self, text: &str) -> CallError {
        CallError::new(ErrorKind::Unauthorized, self.graph.system.clone(), "sign a call", text)
    }
}

fn recent(refetched: Option<Instant>) -> bool {
    refetched.is_some_and(|at| at.elapsed() < JUST_FETCHED)
}

impl Authorizer for Session {
    fn authorize<'a>(&'a self, _: &'a Method, _: &'a Url, fresh: bool) -> BoxFuture<'a, CallResult<Authorization>> {
        Session::authorize(self, fresh).boxed()
    }
}
