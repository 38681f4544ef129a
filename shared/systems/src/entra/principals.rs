//! Service principals.

use extoauth_core::error::{CallError, CallResult};
use serde_json::json;

use super::model::ServicePrincipal;
use super::odata::by_key;
use super::permission::Permission;
use super::recent::Place;
use super::references::Reference;
use super::visible::seen;
use super::{Read, Write, is_duplicate};
use crate::http::Written;

const SELECT: &str = "id,appId,displayName,accountEnabled,appRoleAssignmentRequired,tags";

impl Read {
    /// The service principal of an app id in this tenant. Microsoft Graph's own is that of
    /// [`GRAPH_APP_ID`](super::GRAPH_APP_ID).
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub async fn service_principal_of(&self, app_id: &str) -> CallResult<ServicePrincipal> {
        const OPERATION: &str = "read service principal";
        let recent = &self.session.recent;
        let key = by_key("servicePrincipals", "appId", app_id);
        let path = [key.as_str()];
        let fits = |answer: &CallResult<ServicePrincipal>| match answer {
            Ok(_) => !recent.was_removed(&Place::Principals, app_id),
            Err(_) => !recent.was_made(&Place::Principals, app_id),
        };
        let look = || self.get(OPERATION, Permission::ReadApplications, &path, SELECT, app_id);
        let answer = seen(self.session.patience(OPERATION, app_id), fits, look).await;
        if answer.as_ref().err().is_none_or(CallError::is_not_found) && !fits(&answer) {
            recent.believe(&Place::Principals, Some(app_id));
        }
        answer
    }
}

impl Write {
    /// Makes the service principal of an application of this tenant. If there is one, that one is returned as it is.
    ///
    /// # Errors
    /// `NotFound` if the application is not there.
    pub async fn create_service_principal(
        &self,
        app_id: &str,
        assignment_required: bool,
        tags: &[String],
    ) -> CallResult<Written<ServicePrincipal>> {
        const OPERATION: &str = "create service principal";
        let body = json!({"appId": app_id, "appRoleAssignmentRequired": assignment_required, "tags": tags});
        let call = self.post(OPERATION, &["servicePrincipals"], app_id, body)?;
        let recent = &self.session.recent;
        match self.write(Permission::WriteApplications, &call, &[Reference::AppId(app_id)]).await {
            Ok(reply) => {
                let made = reply.written()?;
                recent.made(Place::Principals, app_id);
                Ok(made)
            }
            Err(refused) if is_duplicate(&refused) => {
                // It is there, so that "not found" can only be the lag.
                recent.made(Place::Principals, app_id);
                match self.service_principal_of(app_id).await {
                    Ok(value) => Ok(Written { value, request_id: refused.request_id }),
                    Err(e) if e.is_not_found() => Err(refused),
                    Err(e) => Err(e),
                }
            }
            Err(e) => Err(e),
        }
    }

    /// Sets whether a service principal can be used, and whether only by assigned users and groups.
    ///
    /// # Errors
    /// `NotFound` if it is gone.
    pub async fn update_service_principal(
        &self,
        id: &str,
        enabled: bool,
        assignment_required: bool,
    ) -> CallResult<Written<()>> {
        let body = json!({"accountEnabled": enabled, "appRoleAssignmentRequired": assignment_required});
        let call = self.patch("update service principal", &["servicePrincipals", id], id, body)?;
        Ok(self.write(Permission::WriteApplications, &call, &[Reference::Principal(id)]).await?.done())
    }
}
