//! Admin consent: delegated permission grants. There is one per client, resource and consenting party; its scopes are a
//! list that a PATCH replaces.

use std::collections::BTreeSet;

use extoauth_core::error::{CallError, CallResult};
use reqwest::Method;
use serde_json::json;

use super::model::{Grant, scope_text};
use super::odata::{PAGE, equals};
use super::permission::Permission;
use super::recent::Place;
use super::references::Reference;
use super::visible::{may_be_lag, seen};
use super::{Read, Write, is_duplicate};
use crate::http::Written;

const LIST: &str = "list consent of client";

impl Read {
    /// The grants to a client, by object id of its service principal: those for everybody and those of single users.
    ///
    /// # Errors
    /// `Forbidden` without a right to read grants.
    pub async fn grants_of(&self, client_principal: &str) -> CallResult<Vec<Grant>> {
        let recent = &self.session.recent;
        let place = Place::Grants(client_principal.to_owned());
        let fits = |answer: &CallResult<Vec<Grant>>| match answer {
            Ok(all) => recent.fits(&place, all.iter().map(|g| g.id.as_str())),
            Err(_) => recent.fits(&place, std::iter::empty()),
        };
        let look = || self.grants_now(client_principal);
        let answer = seen(self.session.patience(LIST, client_principal), fits, look).await;
        if answer.as_ref().err().is_none_or(CallError::is_not_found) && !fits(&answer) {
            recent.believe(&place, None);
        }
        answer
    }

    async fn grants_now(&self, client_principal: &str) -> CallResult<Vec<Grant>> {
        let filter = equals("clientId", client_principal);
        let query = [("$filter", filter.as_str()), ("$top", PAGE)];
        self.list(LIST, Permission::ReadGrants, &["oauth2PermissionGrants"], &query, client_principal).await
    }
}

impl Write {
    /// Consents for everybody to scopes of a resource. If there is such a consent already, it is returned as it is:
    /// its scopes may be others.
    ///
    /// # Errors
    /// `Forbidden` without `DelegatedPermissionGrant.ReadWrite.All`; `NotFound` if a service principal is not there.
    pub async fn grant(
        &self,
        client_principal: &str,
        resource_principal: &str,
        scopes: &BTreeSet<String>,
    ) -> CallResult<Written<Grant>> {
        const OPERATION: &str = "consent for everybody";
        let body = json!({
            "clientId": client_principal,
            "consentType": "AllPrincipals",
            "resourceId": resource_principal,
            "scope": scope_text(scopes),
        });
        let call = self.post(OPERATION, &["oauth2PermissionGrants"], client_principal, body)?;
        let references = [Reference::Principal(client_principal), Reference::Principal(resource_principal)];
        let refused = match self.write(Permission::WriteGrants, &call, &references).await {
            Ok(reply) => {
                let made: Written<Grant> = reply.written()?;
                self.session.recent.made(Place::Grants(client_principal.to_owned()), &made.value.id);
                return Ok(made);
            }
            Err(refused) if is_duplicate(&refused) => refused,
            Err(e) => return Err(e),
        };
        // It is there, so that a list without it can only be the lag. Consent of single users is not ours to touch.
        let find = |all: &[Grant]| {
            all.iter().find(|g| g.all_principals && g.resource_id.eq_ignore_ascii_case(resource_principal)).cloned()
        };
        let fits = |answer: &CallResult<Vec<Grant>>| answer.as_ref().is_ok_and(|all| find(all).is_some());
        let look = || self.grants_now(client_principal);
        let all = seen(self.session.patience(OPERATION, client_principal), fits, look).await?;
        match find(&all) {
            Some(value) => Ok(Written { value, request_id: refused.request_id }),
            None => Err(refused),
        }
    }

    /// Replaces the scopes of a grant.
    ///
    /// # Errors
    /// `NotFound` if it is gone.
    pub async fn set_grant(&self, grant: &Grant, scopes: &BTreeSet<String>) -> CallResult<Written<Grant>> {
        let body = json!({"scope": scope_text(scopes)});
        let call = self.patch("change consent", &["oauth2PermissionGrants", &grant.id], &grant.id, body)?;
        let reply = self.write(Permission::WriteGrants, &call, &[Reference::Grant(&grant.id)]).await?;
        Ok(Written { value: Grant { scopes: scopes.clone(), ..grant.clone() }, request_id: reply.request_id })
    }

    /// Takes a consent back. Tokens that were given live on until they end.
    ///
    /// # Errors
    /// `NotFound` if it is gone.
    pub async fn revoke_grant(&self, id: &str) -> CallResult<Written<()>> {
        let call = self.call("take consent back", Method::DELETE, &["oauth2PermissionGrants", id])?.on(id);
        let is_new = self.session.recent.was_made_somewhere(id);
        let lagging = |e: &CallError| is_new && may_be_lag(e);
        let reply = self.write_unless(Permission::WriteGrants, &call, &[Reference::Grant(id)], lagging).await?;
        self.session.recent.forget(id);
        Ok(reply.done())
    }
}
