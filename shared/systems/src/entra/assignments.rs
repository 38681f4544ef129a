//! Who may use an app: assignments to its service principal.

use extoauth_core::error::{CallError, CallResult};
use reqwest::Method;
use serde_json::json;

use super::model::Assignment;
use super::odata::PAGE;
use super::permission::Permission;
use super::recent::Place;
use super::references::Reference;
use super::visible::{may_be_lag, seen};
use super::{Read, Write, is_duplicate};
use crate::http::Written;

/// The app role of an assignment to an app that has no roles.
const DEFAULT_ACCESS: &str = "00000000-0000-0000-0000-000000000000";

const LIST: &str = "list assignments";

impl Read {
    /// The users and groups assigned to a service principal.
    ///
    /// # Errors
    /// `NotFound` if the service principal is not there.
    pub async fn assignments(&self, principal: &str) -> CallResult<Vec<Assignment>> {
        let recent = &self.session.recent;
        let place = Place::Assignments(principal.to_owned());
        let fits = |answer: &CallResult<Vec<Assignment>>| match answer {
            Ok(all) => recent.fits(&place, all.iter().map(|a| a.id.as_str())),
            Err(_) => recent.fits(&place, std::iter::empty()),
        };
        let look = || self.assignments_now(principal);
        let answer = seen(self.session.patience(LIST, principal), fits, look).await;
        if answer.as_ref().err().is_none_or(CallError::is_not_found) && !fits(&answer) {
            recent.believe(&place, None);
        }
        answer
    }

    async fn assignments_now(&self, principal: &str) -> CallResult<Vec<Assignment>> {
        let path = ["servicePrincipals", principal, "appRoleAssignedTo"];
        self.list(LIST, Permission::ReadAssignments, &path, &[("$top", PAGE)], principal).await
    }
}

impl Write {
    /// Lets the members of a group use an app. Nested groups' members are not among them (Microsoft Entra, assign users
    /// and groups). If the group is assigned already, that assignment is returned.
    ///
    /// # Errors
    /// `NotFound` if service principal or group is not there; `Forbidden` without `AppRoleAssignment.ReadWrite.All`.
    pub async fn assign(&self, principal: &str, group: &str) -> CallResult<Written<Assignment>> {
        const OPERATION: &str = "assign group";
        let body = json!({"principalId": group, "resourceId": principal, "appRoleId": DEFAULT_ACCESS});
        let call = self.post(OPERATION, &["servicePrincipals", principal, "appRoleAssignedTo"], group, body)?;
        let references = [Reference::Principal(principal), Reference::Group(group)];
        let refused = match self.write(Permission::WriteAssignments, &call, &references).await {
            Ok(reply) => {
                let made: Written<Assignment> = reply.written()?;
                self.session.recent.made(Place::Assignments(principal.to_owned()), &made.value.id);
                return Ok(made);
            }
            Err(refused) if is_duplicate(&refused) => refused,
            Err(e) => return Err(e),
        };
        // It is there, so that a list without it can only be the lag.
        let find = |all: &[Assignment]| {
            all.iter().find(|a| a.principal_id == group && a.app_role_id == DEFAULT_ACCESS).cloned()
        };
        let fits = |answer: &CallResult<Vec<Assignment>>| answer.as_ref().is_ok_and(|all| find(all).is_some());
        let look = || self.assignments_now(principal);
        let all = seen(self.session.patience(OPERATION, group), fits, look).await?;
        match find(&all) {
            Some(value) => Ok(Written { value, request_id: refused.request_id }),
            None => Err(refused),
        }
    }

    /// Takes an app away from a user or group.
    ///
    /// # Errors
    /// `NotFound` if it is not assigned.
    pub async fn unassign(&self, principal: &str, assignment: &str) -> CallResult<Written<()>> {
        let path = ["servicePrincipals", principal, "appRoleAssignedTo", assignment];
        let call = self.call("remove assignment", Method::DELETE, &path)?.on(assignment);
        let place = Place::Assignments(principal.to_owned());
        let is_new = self.session.recent.was_made(&place, assignment);
        let lagging = |e: &CallError| is_new && may_be_lag(e);
        let references = [Reference::Principal(principal)];
        let reply = self.write_unless(Permission::WriteAssignments, &call, &references, lagging).await?;
        self.session.recent.removed(place, assignment);
        Ok(reply.done())
    }
}
