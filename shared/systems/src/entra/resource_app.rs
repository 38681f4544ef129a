//! The resource-server app: what the tokens are for.

use std::collections::BTreeSet;

use extoauth_core::error::{CallError, CallResult};
use serde_json::json;

use super::Write;
use super::model::{Application, ResourceAppSpec, disabled, with_pre_authorized};
use super::permission::Permission;
use super::references::Reference;
use super::visible::may_be_lag;
use crate::http::Written;

impl Write {
    /// Makes the resource app, or updates the one of this unique name: only for where nothing was seen, since
    /// collections are written whole. Its Application ID URI needs the app id: see [`expose`](Self::expose).
    ///
    /// # Errors
    /// `Invalid` if the unique name is taken by an application in the bin (UNCONFIRMED).
    pub async fn put_resource_app(&self, spec: &ResourceAppSpec) -> CallResult<Written<Application>> {
        self.put("create resource application", &spec.unique_name, spec.body()).await
    }

    /// Changes a resource app that was read to what is wanted, in one PATCH; what others put into its collections is
    /// kept. The result is what was read with the change laid over it: Entra answers without a body. A scope that is
    /// enabled and must change is disabled first, in a PATCH of its own: meanwhile nobody gets a token for it.
    ///
    /// # Errors
    /// `NotFound` if it is gone; `Invalid` with Graph's reason.
    pub async fn update_resource_app(
        &self,
        seen: &Application,
        spec: &ResourceAppSpec,
        identifier_uri: &str,
    ) -> CallResult<Written<Application>> {
        const OPERATION: &str = "update resource application";
        let _turn = self.session.writing(&seen.id).await;
        let patch = spec.patch(seen, identifier_uri);
        let Some(first) = disabled(seen, &patch) else {
            return self.update(OPERATION, seen, patch, may_be_lag).await;
        };
        let seen = self.update("disable scope of resource application", seen, first, may_be_lag).await?.value;
        // The replica that takes the change may not know yet that the scope is disabled.
        self.update(OPERATION, &seen, patch, |e| may_be_lag(e) || is_still_enabled(e)).await
    }

    /// Gives a resource app its Application ID URI, beside those to be kept.
    ///
    /// # Errors
    /// `Invalid` if the tenant's policy does not take the URI, or another application has it.
    pub async fn expose(&self, application: &str, identifier_uri: &str, keep: &[String]) -> CallResult<Written<()>> {
        let _turn = self.session.writing(application).await;
        let mut uris: Vec<&str> = keep.iter().map(String::as_str).collect();
        if !uris.contains(&identifier_uri) {
            uris.push(identifier_uri);
        }
        let body = json!({"identifierUris": uris});
        let call = self.patch("set application ID URI", &["applications", application], application, body)?;
        let references = [Reference::Application(application)];
        Ok(self.write(Permission::WriteApplications, &call, &references).await?.done())
    }

    /// Lets a client (by app id) use exactly these scopes of a resource app without consent; with none, it needs
    /// consent again. Other clients are not touched. The way without a right to give consent: it needs a right to the
    /// resource app alone, but does not reach Microsoft Graph's own scopes (openid, profile, offline_access).
    ///
    /// # Errors
    /// `NotFound` if the resource app, or the client, is not there.
    pub async fn pre_authorize(
        &self,
        application: &str,
        client: &str,
        scope_ids: &BTreeSet<String>,
    ) -> CallResult<Written<Application>> {
        const OPERATION: &str = "pre-authorize client";
        let _turn = self.session.writing(application).await;
        let seen = self.application(application).await?;
        let patch = with_pre_authorized(&seen, client, scope_ids);
        let call = self.patch(OPERATION, &["applications", application], application, patch.clone())?;
        let both = [Reference::Application(application), Reference::AppId(client)];
        // A client that is taken out may be gone.
        let references = if scope_ids.is_empty() { &both[..1] } else { &both[..] };
        let reply = self.write(Permission::WriteApplications, &call, references).await?;
        Ok(Written { value: seen.patched(patch), request_id: reply.request_id })
    }
}

/// Text from go-azure-sdk (`sdk/odata/errors.go`).
fn is_still_enabled(error: &CallError) -> bool {
    error.status == Some(400) && error.message.contains("unless disabled first")
}
