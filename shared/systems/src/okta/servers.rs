//! Authorization servers, scopes and claims. They need the feature API Access Management: without it every call fails
//! with `FeatureMissing`.

use extoauth_core::error::CallResult;
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::model::{AuthorizationServer, Claim, ClaimSpec, Scope as ServerScope, ScopeSpec, ServerSpec};
use super::scope::Scope;
use super::{Read, Write};
use crate::http::Written;

pub(super) const SERVERS: [&str; 3] = ["api", "v1", "authorizationServers"];

/// A path below the authorization servers.
pub(super) fn below<'p>(rest: &[&'p str]) -> Vec<&'p str> {
    SERVERS.iter().chain(rest).copied().collect()
}

impl Read {
    /// The servers whose name or audience has a text.
    ///
    /// # Errors
    /// `FeatureMissing` without API Access Management.
    pub async fn authorization_servers(&self, text: &str) -> CallResult<Vec<AuthorizationServer>> {
        let query = [("q", text), ("limit", "200")];
        self.list("list authorization servers", Scope::ServersRead, &SERVERS, &query).await
    }

    /// One server.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub async fn authorization_server(&self, id: &str) -> CallResult<AuthorizationServer> {
        self.get("read authorization server", Scope::ServersRead, &below(&[id]), id).await
    }

    /// The scopes of a server, system ones included.
    ///
    /// # Errors
    /// `NotFound` if the server is not there.
    pub async fn scopes(&self, server: &str) -> CallResult<Vec<ServerScope>> {
        self.list("list scopes", Scope::ServersRead, &below(&[server, "scopes"]), &[]).await
    }

    /// The claims of a server, system ones included.
    ///
    /// # Errors
    /// `NotFound` if the server is not there.
    pub async fn claims(&self, server: &str) -> CallResult<Vec<Claim>> {
        self.list("list claims", Scope::ServersRead, &below(&[server, "claims"]), &[]).await
    }
}

impl Write {
    /// Makes an authorization server, active.
    ///
    /// # Errors
    /// `FeatureMissing` without API Access Management; `Ambiguous` if the answer was lost.
    pub async fn create_authorization_server(&self, spec: &ServerSpec) -> CallResult<Written<AuthorizationServer>> {
        let made: Written<AuthorizationServer> =
            self.create("create authorization server", &SERVERS, spec.body(), &spec.name).await?;
        self.session.remember(&made.value.id);
        Ok(made)
    }

    /// Replaces a server that was read by what is wanted. The answer has the `last_updated` from before.
    ///
    /// # Errors
    /// `NotFound` if it is gone.
    pub async fn replace_authorization_server(
        &self,
        current: &AuthorizationServer,
        spec: &ServerSpec,
    ) -> CallResult<Written<AuthorizationServer>> {
        let path = below(&[&current.id]);
        self.replace("replace authorization server", &path, current.replacement(spec), &current.id).await
    }

    /// Lets a server give tokens.
    ///
    /// # Errors
    /// `NotFound` if it is not there.
    pub async fn activate_authorization_server(&self, id: &str) -> CallResult<Written<()>> {
        let path = below(&[id, "lifecycle", "activate"]);
        self.act("activate authorization server", Scope::ServersManage, &path, id).await
    }

    /// Shuts a server; needed before deleting it.
    ///
    /// # Errors
    /// `NotFound` if it is not there.
    pub async fn deactivate_authorization_server(&self, id: &str) -> CallResult<Written<()>> {
        let path = below(&[id, "lifecycle", "deactivate"]);
        self.act("deactivate authorization server", Scope::ServersManage, &path, id).await
    }

    /// Deletes a server with all that is in it. Whether Okta refuses an active one: UNCONFIRMED, so deactivate first.
    ///
    /// # Errors
    /// `NotFound` if it is gone.
    pub async fn delete_authorization_server(&self, id: &str) -> CallResult<Written<()>> {
        self.delete("delete authorization server", Scope::ServersManage, &below(&[id]), id).await
    }

    /// Makes a scope.
    ///
    /// # Errors
    /// `Invalid` if the server has one of this name; `Ambiguous` if the answer was lost.
    pub async fn create_scope(&self, server: &str, spec: &ScopeSpec) -> CallResult<Written<ServerScope>> {
        self.create("create scope", &below(&[server, "scopes"]), spec.body(), &spec.name).await
    }

    /// Replaces a scope that was read by what is wanted.
    ///
    /// # Errors
    /// `NotFound` if it is gone.
    pub async fn replace_scope(
        &self,
        server: &str,
        current: &ServerScope,
        spec: &ScopeSpec,
    ) -> CallResult<Written<ServerScope>> {
        let path = below(&[server, "scopes", &current.id]);
        self.replace("replace scope", &path, current.replacement(spec), &current.name).await
    }

    /// Deletes a scope.
    ///
    /// # Errors
    /// `NotFound` if it is gone.
    pub async fn delete_scope(&self, server: &str, scope: &str) -> CallResult<Written<()>> {
        self.delete("delete scope", Scope::ServersManage, &below(&[server, "scopes", scope]), scope).await
    }

    /// Makes a claim in the access token.
    ///
    /// # Errors
    /// `Invalid` with Okta's cause; `Ambiguous` if the answer was lost.
    pub async fn create_claim(&self, server: &str, spec: &ClaimSpec) -> CallResult<Written<Claim>> {
        self.create("create claim", &below(&[server, "claims"]), spec.body(), &spec.name).await
    }

    /// Replaces a claim that was read by what is wanted.
    ///
    /// # Errors
    /// `NotFound` if it is gone.
    pub async fn replace_claim(&self, server: &str, current: &Claim, spec: &ClaimSpec) -> CallResult<Written<Claim>> {
        let path = below(&[server, "claims", &current.id]);
        self.replace("replace claim", &path, current.replacement(spec), &current.name).await
    }

    /// Deletes a claim.
    ///
    /// # Errors
    /// `NotFound` if it is gone.
    pub async fn delete_claim(&self, server: &str, claim: &str) -> CallResult<Written<()>> {
        self.delete("delete claim", Scope::ServersManage, &below(&[server, "claims", claim]), claim).await
    }

    /// A create below the authorization servers.
    pub(super) async fn create<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        path: &[&str],
        body: Value,
        object: &str,
    ) -> CallResult<Written<T>> {
        let call = self.call(operation, Method::POST, path)?.on(object).json(body);
        self.send(Scope::ServersManage, call).await?.written()
    }

    /// A full replace below the authorization servers.
    pub(super) async fn replace<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        path: &[&str],
        body: Value,
        object: &str,
    ) -> CallResult<Written<T>> {
        let call = self.call(operation, Method::PUT, path)?.on(object).json(body);
        self.send(Scope::ServersManage, call).await?.written()
    }
}
