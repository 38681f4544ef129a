//! Entra ID, through Microsoft Graph v1.0: applications, service principals, consent, assignments, secrets, groups.
//!
//! Sources: Microsoft Graph's reference and metadata, recorded traffic of the Azure CLI, and the retries and issues of
//! Terraform's azuread provider. What none of them states is marked UNCONFIRMED where it matters. How the directory's
//! lag is dealt with is in `visible`.

mod aadsts;
mod applications;
mod assignments;
mod audits;
mod certificate;
mod client_app;
mod client_auth;
mod credentials;
mod grants;
mod groups;
mod lifetimes;
mod metadata;
mod model;
mod odata;
mod own;
mod passwords;
mod permission;
mod policies;
mod principals;
mod proof;
mod recent;
mod references;
mod resource_app;
mod session;
mod token;
mod vendor;
mod visible;

use std::ops::Deref;
use std::sync::Arc;

use extoauth_core::error::{CallError, CallResult, ErrorKind};
use extoauth_core::systems::{EntraSettings, SystemId};
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::http::{Call, Credential, Reply, Sender};

pub use audits::Audit;
pub use client_auth::WebIdentity;
pub use credentials::{AppCredentials, Certificate};
pub use lifetimes::TokenLifetimePolicy;
pub use metadata::{Discovery, Metadata};
pub use model::{
    Application, Assignment, ClientAppSpec, DeletedApplication, Grant, Group, Member, Password, PasswordRules,
    PermissionScope, PermissionScopeSpec, PreAuthorized, RequiredScope, ResourceAppSpec, ServicePrincipal,
    TokenVersion,
};
use odata::Page;
pub use own::{OwnCredential, OwnMeans};
pub use passwords::NewPassword;
use permission::Permission;
pub use proof::SecretAnswer;
use session::Session;

/// Client id of Microsoft Graph, in every tenant and cloud.
pub const GRAPH_APP_ID: &str = "00000003-0000-0000-c000-000000000000";
/// Id of Microsoft Graph's delegated scope `openid` (Microsoft Graph permissions reference).
pub const GRAPH_OPENID: &str = "37f7f235-527c-4136-accd-4a02d197296e";
/// Id of Microsoft Graph's delegated scope `profile` (Microsoft Graph permissions reference).
pub const GRAPH_PROFILE: &str = "14dad69e-099b-42c9-810b-d002981feec1";
/// Id of Microsoft Graph's delegated scope `offline_access` (recorded traffic): without it there is no refresh token.
pub const GRAPH_OFFLINE_ACCESS: &str = "7427e0e9-2fba-42fe-b0c0-848c9e6a8182";

/// Reads a tenant. Cheap to clone; clones share token, limits and what was made a moment ago.
#[derive(Clone)]
pub struct Read {
    session: Arc<Session>,
    authority: Url,
}

/// Reads and writes a tenant.
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

/// The clients of a tenant. Nothing is sent and no credential fetched before the first call.
///
/// The credential is one of
/// - `{"auth":"aws_web_identity","client_id"}`: nothing secret is stored; `web_identity` proves our AWS role, and the
///   app has a federated credential for it;
/// - `{"auth":"certificate","client_id","certificate_pem","private_key_pem"}` (an RSA key in PKCS#8 or PKCS#1);
/// - `{"auth":"client_secret","client_id","client_secret"}`.
pub fn connect(
    system: SystemId,
    settings: &EntraSettings,
    credential: Arc<dyn Credential>,
    web_identity: Arc<dyn WebIdentity>,
    sender: &Arc<Sender>,
) -> (Read, Write) {
    let graph = sender.endpoint(&system, &settings.graph, credential.name(), &vendor::Graph);
    // Of its own: a limit of Graph is none of the sign-in service.
    let key = format!("{} (sign-in)", credential.name());
    let login = sender.endpoint(&system, &settings.authority, &key, &vendor::Login);
    let session = Arc::new(Session::new(graph, login, settings.tenant_id.clone(), credential, web_identity));
    let read = Read { session, authority: settings.authority.clone() };
    (read.clone(), Write { read })
}

impl Read {
    /// The system that this client reads.
    pub fn system(&self) -> &SystemId {
        &self.session.graph.system
    }

    /// The configured tenant.
    pub fn tenant_id(&self) -> &str {
        &self.session.tenant_id
    }

    /// The configured base URL of the sign-in service.
    pub fn authority(&self) -> &Url {
        &self.authority
    }

    /// A signed call to a path below Graph's version 1.0.
    fn call(&self, operation: &'static str, method: Method, path: &[&str]) -> CallResult<Call<'_>> {
        let url = self.session.graph.url(operation, &[&["v1.0"], path].concat())?;
        Ok(Call::new(operation, method, url).signed(&*self.session))
    }

    async fn send(&self, permission: Permission, call: &Call<'_>) -> CallResult<Reply> {
        self.session.send(permission, call).await
    }

    /// One object, as one replica knows it.
    async fn get<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        permission: Permission,
        path: &[&str],
        select: &str,
        object: &str,
    ) -> CallResult<T> {
        let mut call = self.call(operation, Method::GET, path)?.on(object);
        odata::set_query(&mut call.url, &[("$select", select)]);
        self.send(permission, &call).await?.json()
    }

    /// All pages of a list, as one replica knows it.
    async fn list<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        permission: Permission,
        path: &[&str],
        query: &[(&str, &str)],
        object: &str,
    ) -> CallResult<Vec<T>> {
        self.pages(operation, permission, path, query, object, usize::MAX).await
    }

    /// Pages of a list, until there are enough items.
    async fn pages<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        permission: Permission,
        path: &[&str],
        query: &[(&str, &str)],
        object: &str,
        enough: usize,
    ) -> CallResult<Vec<T>> {
        let mut items = Vec::new();
        self.each_page(operation, permission, path, query, object, |page| {
            items.extend(page);
            items.len() < enough
        })
        .await?;
        Ok(items)
    }

    /// Shows the pages of a list one after the other, as long as more is wanted.
    async fn each_page<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        permission: Permission,
        path: &[&str],
        query: &[(&str, &str)],
        object: &str,
        mut wants_more: impl FnMut(Vec<T>) -> bool,
    ) -> CallResult<()> {
        let mut call = self.call(operation, Method::GET, path)?.on(object);
        odata::set_query(&mut call.url, query);
        loop {
            let page: Page<T> = self.send(permission, &call).await?.json()?;
            let more = wants_more(page.value);
            let Some(next) = page.next.filter(|_| more) else { return Ok(()) };
            let next = Url::parse(&next).map_err(|_| self.error(operation, object, "the next page is not a URL"))?;
            if next == call.url {
                return Err(self.error(operation, object, "the next page is the present one"));
            }
            // The sender takes it only on Graph's own host: the token goes with it.
            call.url = next;
        }
    }

    /// An answer that cannot be used; reading again may help.
    fn error(&self, operation: &'static str, object: &str, text: &str) -> CallError {
        CallError::new(ErrorKind::Unavailable, self.system().clone(), operation, text).on(object)
    }
}

impl Write {
    /// A PATCH, which may be repeated: it states values.
    fn patch(&self, operation: &'static str, path: &[&str], object: &str, body: Value) -> CallResult<Call<'_>> {
        let call = self.call(operation, Method::PATCH, path)?;
        Ok(call.on(object).json(body).repeatable().expect_nothing())
    }

    /// A POST that may be repeated, because Entra refuses duplicates.
    fn post(&self, operation: &'static str, path: &[&str], object: &str, body: Value) -> CallResult<Call<'_>> {
        Ok(self.call(operation, Method::POST, path)?.on(object).json(body).repeatable())
    }
}

/// Whether a create is refused because the object is there. Statuses differ: 409 for a grant (Terraform's provider,
/// azure-cli#20974), 400 or 409 elsewhere.
fn is_duplicate(error: &CallError) -> bool {
    let has = |part: &str| error.message.contains(part);
    let code = error.code.as_deref().unwrap_or_default();
    matches!(error.status, Some(400 | 409))
        && (code == "Request_MultipleObjectsWithSameKeyValue"
            || code == "ObjectConflict"
            || has("already exist")
            || has("already in use")
            || has("conflicting object"))
}
