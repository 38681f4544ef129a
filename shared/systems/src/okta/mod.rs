//! Okta: OIDC apps, custom authorization servers, groups.
//!
//! Sources: Okta's management and OAuth API descriptions, its reference, and recorded traffic of its Terraform
//! provider. What none of them states is marked UNCONFIRMED where it matters.

mod api_tokens;
mod apps;
mod client_auth;
mod discovery;
mod dpop;
mod groups;
mod logs;
mod model;
mod page;
mod policies;
mod refresh_tokens;
mod rights;
mod scope;
mod secrets;
mod servers;
mod session;
mod token;
mod vendor;

use std::ops::Deref;
use std::sync::Arc;

use extoauth_core::error::CallResult;
use extoauth_core::systems::{OktaSettings, SystemId};
use reqwest::Method;
use serde::de::DeserializeOwned;

use crate::http::{Call, Credential, Reply, Sender};

pub use api_tokens::{ApiToken, Myself};
pub use apps::AppUserPage;
pub use client_auth::OwnCredential;
pub use discovery::{Discovery, Proof};
pub use groups::{Group, Member};
pub use logs::{LogEntry, LogFilter, LogPart};
pub use model::{
    Account, App, AppGroup, AppSpec, AppUser, AuthorizationServer, Claim, ClaimSpec, ClientSecret, EVERYONE, Policy,
    PolicySpec, Rule, RuleSpec, Scope as ServerScope, ScopeSpec, ServerSpec,
};
pub use page::{NextPage, Page};
pub use refresh_tokens::RefreshToken;
use scope::{Purpose, Scope};
use session::Session;

/// Reads an Okta org. Cheap to clone; clones share token and limits.
#[derive(Clone)]
pub struct Read {
    session: Arc<Session>,
    purpose: Purpose,
}

/// Reads and writes an Okta org.
///
/// Its reads are those of [`Read`], but with the token that may also write, so that a run needs one token only.
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

/// The clients of an org. Nothing is sent and no credential fetched before the first call.
///
/// The credential is `{"auth":"private_key_jwt","client_id","kid","private_key_pem"}` of an API Services app (an RSA
/// or P-256 key in PKCS#8; a DPoP challenge is answered), or `{"auth":"ssws","token"}`.
pub fn connect(
    system: SystemId,
    settings: &OktaSettings,
    credential: Arc<dyn Credential>,
    sender: &Arc<Sender>,
) -> (Read, Write) {
    let endpoint = sender.endpoint(&system, &settings.url, credential.name(), &vendor::Okta);
    let session = Arc::new(Session::new(endpoint, credential));
    let read = Read { session: Arc::clone(&session), purpose: Purpose::Read };
    (read, Write { read: Read { session, purpose: Purpose::Write } })
}

impl Read {
    /// The system that this client reads.
    pub fn system(&self) -> &SystemId {
        &self.session.endpoint.system
    }

    /// The same reader with the right to the System Log besides, where the org grants it: a token of its own.
    pub fn watching(&self) -> Self {
        Self { session: Arc::clone(&self.session), purpose: Purpose::Watch }
    }

    /// A call to a path below the org.
    fn call<'a>(&self, operation: &'static str, method: Method, path: &[&str]) -> CallResult<Call<'a>> {
        let url = self.session.endpoint.url(operation, path)?;
        let mut call = Call::new(operation, method, url);
        call.fresh = path.iter().any(|segment| self.session.is_fresh(segment));
        Ok(call)
    }

    async fn send(&self, scope: Scope, call: Call<'_>) -> CallResult<Reply> {
        self.session.send(scope, self.purpose, call).await
    }

    async fn get<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        scope: Scope,
        path: &[&str],
        object: &str,
    ) -> CallResult<T> {
        let call = self.call(operation, Method::GET, path)?.on(object);
        self.send(scope, call).await?.json()
    }

    /// All pages of a list. A missing `Link` means the last page: several of Okta's lists never send one.
    async fn list<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        scope: Scope,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> CallResult<Vec<T>> {
        let mut call = self.call(operation, Method::GET, path)?;
        if !query.is_empty() {
            call.url.query_pairs_mut().extend_pairs(query);
        }
        let mut items = Vec::new();
        let mut next = Some(call);
        while let Some(call) = next.take() {
            let here = call.url.clone();
            let reply = self.send(scope, call).await?;
            items.extend(reply.json::<Vec<T>>()?);
            next = page::next_page(&here, &reply).map(|url| Call::new(operation, Method::GET, url));
        }
        Ok(items)
    }
}
