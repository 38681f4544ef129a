//! Applications: what is common to both kinds of ours.

use std::time::Duration;

use extoauth_core::error::{CallError, CallResult};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::model::{Application, DeletedApplication};
use super::odata::{PAGE, by_key, equals};
use super::permission::Permission;
use super::recent::Place;
use super::references::Reference;
use super::visible::{may_be_lag, repeated, seen};
use super::{Read, Write};
use crate::http::Written;

/// The members that we read. Secrets must be named to be in an answer; `keyCredentials` is left out, since it counts
/// against a limit of 150 a minute (Graph, list applications).
const SELECT: &str = "id,appId,uniqueName,displayName,signInAudience,createdDateTime,tags,identifierUris,api,optionalClaims,\
    web,spa,publicClient,requiredResourceAccess,passwordCredentials,isDisabled";

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// How long the bin may not know what was deleted a moment ago (UNCONFIRMED whether that happens; recorded: a purge
/// seven seconds after the delete).
const PATIENCE_OF_BIN: Duration = Duration::from_secs(30);

impl Read {
    /// One application, by object id.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub async fn application(&self, id: &str) -> CallResult<Application> {
        self.application_at("read application", &["applications", id], &Place::Applications, id).await
    }

    /// The application of a unique name.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub async fn application_named(&self, unique_name: &str) -> CallResult<Application> {
        let key = by_key("applications", "uniqueName", unique_name);
        self.application_at("read application by unique name", &[&key], &Place::UniqueNames, unique_name).await
    }

    /// The same, of which this process or an earlier one has just made a client secret of this name: an answer without
    /// it is believed only when it has not appeared for so long. At the invocation's end: `OutOfTime`.
    ///
    /// # Errors
    /// `NotFound` if there is no such application.
    pub async fn application_with_password(
        &self,
        id: &str,
        display_name: &str,
        patience: Duration,
    ) -> CallResult<Application> {
        const OPERATION: &str = "read application with its new client secret";
        let shows = |app: &Application| app.passwords.iter().any(|p| p.display_name == display_name);
        let fits = |answer: &CallResult<Application>| answer.as_ref().is_ok_and(shows);
        let path = ["applications", id];
        let look = || self.get(OPERATION, Permission::ReadApplications, &path, SELECT, id);
        seen(self.session.patience(OPERATION, id).at_most(patience), fits, look).await
    }

    async fn application_at(
        &self,
        operation: &'static str,
        path: &[&str],
        place: &Place,
        id: &str,
    ) -> CallResult<Application> {
        let recent = &self.session.recent;
        let fits = |answer: &CallResult<Application>| match answer {
            Ok(app) => {
                let keys = app.passwords.iter().map(|p| p.key_id.as_str());
                recent.fits(&Place::Passwords(app.id.clone()), keys)
                    && !recent.was_removed(&Place::Applications, &app.id)
            }
            Err(_) => !recent.was_made(place, id),
        };
        let look = || self.get(operation, Permission::ReadApplications, path, SELECT, id);
        let answer = seen(self.session.patience(operation, id), fits, look).await;
        if answer.as_ref().err().is_none_or(CallError::is_not_found) && !fits(&answer) {
            recent.believe(place, Some(id));
            if let Ok(app) = &answer {
                recent.believe(&Place::Applications, Some(&app.id));
                recent.believe(&Place::Passwords(app.id.clone()), None);
            }
        }
        answer
    }

    /// The applications of exactly this display name, which is not unique.
    ///
    /// # Errors
    /// `Forbidden` without a right to read the applications of the whole tenant.
    pub async fn applications_displayed(&self, display_name: &str) -> CallResult<Vec<Application>> {
        const OPERATION: &str = "list applications of a name";
        let filter = equals("displayName", display_name);
        let query = [("$filter", filter.as_str()), ("$select", SELECT), ("$top", PAGE)];
        let place = Place::Displayed(display_name.to_owned());
        let recent = &self.session.recent;
        let fits = |answer: &CallResult<Vec<Application>>| {
            answer.as_ref().is_ok_and(|apps| recent.fits(&place, apps.iter().map(|a| a.id.as_str())))
        };
        let look = || self.list(OPERATION, Permission::ListApplications, &["applications"], &query, display_name);
        let answer = seen(self.session.patience(OPERATION, display_name), fits, look).await;
        if answer.is_ok() && !fits(&answer) {
            recent.believe(&place, None);
        }
        answer
    }

    /// The application of a unique name in the bin, the one deleted last.
    ///
    /// # Errors
    /// `Forbidden` without a right to read the applications of the whole tenant.
    pub async fn deleted_application(&self, unique_name: &str) -> CallResult<Option<DeletedApplication>> {
        let path = ["directory", "deletedItems", "microsoft.graph.application"];
        let select = "id,appId,uniqueName,displayName,tags,deletedDateTime";
        let query = [("$select", select), ("$top", PAGE)];
        // Which members can be filtered by in the bin is not documented.
        let mut deleted: Vec<DeletedApplication> =
            self.list("list deleted applications", Permission::ListApplications, &path, &query, unique_name).await?;
        deleted.retain(|app| app.unique_name.as_deref() == Some(unique_name));
        Ok(deleted.into_iter().max_by_key(|app| app.deleted))
    }
}

impl Write {
    /// Makes the application of a unique name, or updates the one that there is: sending it twice makes no second one.
    /// What is there is not read first, so that this is only for where nothing was seen.
    pub(super) async fn put(
        &self,
        operation: &'static str,
        unique_name: &str,
        body: Value,
    ) -> CallResult<Written<Application>> {
        let _turn = self.session.writing(unique_name).await;
        let key = by_key("applications", "uniqueName", unique_name);
        let mut call = self.patch(operation, &[&key], unique_name, body)?;
        call.headers.insert(PREFER, HeaderValue::from_static("create-if-missing"));
        let reply = self.write(Permission::WriteApplications, &call, &[]).await?;
        let recent = &self.session.recent;
        if reply.status == StatusCode::NO_CONTENT {
            // It is there; only a read tells its ids.
            recent.made(Place::UniqueNames, unique_name);
            let value = self.application_named(unique_name).await?;
            return Ok(Written { value, request_id: reply.request_id });
        }
        let made: Written<Application> = reply.written()?;
        let app = &made.value;
        recent.made_for(Place::Applications, &app.id, &app.id);
        recent.made_for(Place::UniqueNames, unique_name, &app.id);
        recent.made_for(Place::AppIds, &app.app_id, &app.id);
        recent.made_for(Place::Displayed(app.display_name.clone()), &app.id, &app.id);
        Ok(made)
    }

    /// Changes an application that was read.
    pub(super) async fn update(
        &self,
        operation: &'static str,
        seen: &Application,
        patch: Value,
        lagging: impl Fn(&CallError) -> bool,
    ) -> CallResult<Written<Application>> {
        let references = [Reference::Application(&seen.id)];
        let call = self.patch(operation, &["applications", &seen.id], &seen.id, patch.clone())?;
        let reply = self.write_unless(Permission::WriteApplications, &call, &references, lagging).await?;
        Ok(Written { value: seen.patched(patch), request_id: reply.request_id })
    }

    /// Deletes an application, and its service principal with it. It lies in the bin for 30 days.
    ///
    /// # Errors
    /// `NotFound` if it is gone.
    pub async fn delete_application(&self, id: &str) -> CallResult<Written<()>> {
        let _turn = self.session.writing(id).await;
        let recent = &self.session.recent;
        let call = self.call("delete application", Method::DELETE, &["applications", id])?.on(id);
        let is_new = recent.was_made(&Place::Applications, id);
        let lagging = |e: &CallError| is_new && may_be_lag(e);
        let references = [Reference::Application(id)];
        let reply = self.write_unless(Permission::WriteApplications, &call, &references, lagging).await?;
        recent.deleted(id);
        Ok(reply.done())
    }

    /// Takes a deleted application out of the bin: then its names are free. It cannot be undone.
    ///
    /// # Errors
    /// `NotFound` if it is not in the bin.
    pub async fn purge_application(&self, id: &str) -> CallResult<Written<()>> {
        const OPERATION: &str = "purge deleted application";
        let call = self.call(OPERATION, Method::DELETE, &["directory", "deletedItems", id])?.on(id);
        let is_new = self.session.recent.was_removed(&Place::Applications, id);
        let patience = self.session.patience(OPERATION, id).at_most(PATIENCE_OF_BIN);
        let lagging = |e: &CallError| is_new && e.is_not_found();
        let reply = repeated(patience, lagging, || self.send(Permission::WriteApplications, &call)).await?;
        Ok(reply.done())
    }
}
