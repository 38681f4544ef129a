//! Apps and the groups assigned to them.

use extoauth_core::error::CallResult;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::model::{App, AppGroup, AppSpec, AppUser};
use super::page::next_page;
use super::scope::Scope;
use super::{Read, Write};
use crate::http::Written;

/// The first of the people assigned to an app.
#[derive(Clone, Debug, PartialEq)]
pub struct AppUserPage {
    /// The people.
    pub users: Vec<AppUser>,
    /// Whether these are all.
    pub complete: bool,
}

impl Read {
    /// The apps whose label or name starts with a text, inactive ones included. Labels are not unique.
    ///
    /// # Errors
    /// As every call; `Forbidden` without `okta.apps.read`.
    pub async fn apps_starting_with(&self, label: &str) -> CallResult<Vec<App>> {
        let query = [("q", label), ("limit", "200"), ("includeNonDeleted", "true")];
        self.list("list apps", Scope::AppsRead, &["api", "v1", "apps"], &query).await
    }

    /// One app.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub async fn app(&self, id: &str) -> CallResult<App> {
        self.get("read app", Scope::AppsRead, &["api", "v1", "apps", id], id).await
    }

    /// The groups assigned to an app. Nobody else can use it.
    ///
    /// # Errors
    /// `NotFound` if the app is not there.
    pub async fn app_groups(&self, app: &str) -> CallResult<Vec<AppGroup>> {
        let path = ["api", "v1", "apps", app, "groups"];
        self.list("list groups of app", Scope::AppsRead, &path, &[("limit", "200")]).await
    }

    /// The first people assigned to an app, by themselves or through a group, each with their account (`expand=user` of
    /// Okta's management API description, which asks for no right besides `okta.apps.read`). `most`: 1 to 500.
    ///
    /// # Errors
    /// `NotFound` if the app is not there; `Forbidden` without `okta.apps.read`.
    pub async fn first_app_users(&self, app: &str, most: u16) -> CallResult<AppUserPage> {
        let mut call = self.call("list users of app", Method::GET, &["api", "v1", "apps", app, "users"])?.on(app);
        call.url.query_pairs_mut().append_pair("limit", &most.to_string()).append_pair("expand", "user");
        let here = call.url.clone();
        let reply = self.send(Scope::AppsRead, call).await?;
        Ok(AppUserPage { users: reply.json()?, complete: next_page(&here, &reply).is_none() })
    }
}

impl Write {
    /// Makes an app, active, with a client secret of ours. Labels are not unique: a repeated create makes a second
    /// app.
    ///
    /// # Errors
    /// `Ambiguous` if the answer was lost: the app may be there.
    pub async fn create_app(&self, spec: &AppSpec, client_secret: &SecretString) -> CallResult<Written<App>> {
        let mut body = spec.body();
        body["credentials"]["oauthClient"]["client_secret"] = client_secret.expose_secret().into();
        let mut call = self.call("create app", Method::POST, &["api", "v1", "apps"])?;
        call.url.query_pairs_mut().append_pair("activate", "true");
        let call = call.on(&spec.label).json(body).hiding(client_secret);
        let made: Written<App> = self.send(Scope::AppsManage, call).await?.written()?;
        self.session.remember(&made.value.id);
        self.session.remember(made.value.client_id.as_deref().unwrap_or(&made.value.id));
        Ok(made)
    }

    /// Replaces an app that was read by what is wanted; what is not ours stays.
    ///
    /// # Errors
    /// `NotFound` if it is gone; `Invalid` with Okta's cause.
    pub async fn replace_app(&self, current: &App, spec: &AppSpec) -> CallResult<Written<App>> {
        let call = self.call("replace app", Method::PUT, &["api", "v1", "apps", &current.id])?;
        let call = call.on(&current.id).json(current.replacement(spec));
        self.send(Scope::AppsManage, call).await?.written()
    }

    /// Lets people use the app.
    ///
    /// # Errors
    /// `NotFound` if it is not there.
    pub async fn activate_app(&self, id: &str) -> CallResult<Written<()>> {
        self.act("activate app", Scope::AppsManage, &["api", "v1", "apps", id, "lifecycle", "activate"], id).await
    }

    /// Shuts the app; needed before deleting it.
    ///
    /// # Errors
    /// `NotFound` if it is not there.
    pub async fn deactivate_app(&self, id: &str) -> CallResult<Written<()>> {
        self.act("deactivate app", Scope::AppsManage, &["api", "v1", "apps", id, "lifecycle", "deactivate"], id).await
    }

    /// Deletes an inactive app with its secrets and assignments.
    ///
    /// # Errors
    /// `NotFound` if it is gone already, `Invalid` if it is active.
    pub async fn delete_app(&self, id: &str) -> CallResult<Written<()>> {
        self.delete("delete app", Scope::AppsManage, &["api", "v1", "apps", id], id).await
    }

    /// Lets a group use an app. Repeating it changes nothing.
    ///
    /// # Errors
    /// `NotFound` if app or group is not there.
    pub async fn assign_group(&self, app: &str, group: &str) -> CallResult<Written<AppGroup>> {
        let call = self.call("assign group to app", Method::PUT, &["api", "v1", "apps", app, "groups", group])?;
        self.send(Scope::AppsManage, call.on(group).json(json!({}))).await?.written()
    }

    /// Takes the app away from a group.
    ///
    /// # Errors
    /// `NotFound` if it was not assigned.
    pub async fn unassign_group(&self, app: &str, group: &str) -> CallResult<Written<()>> {
        let path = ["api", "v1", "apps", app, "groups", group];
        self.delete("remove group from app", Scope::AppsManage, &path, group).await
    }

    /// A lifecycle call: repeating it changes nothing, its answer is empty or says nothing.
    pub(super) async fn act(
        &self,
        operation: &'static str,
        scope: Scope,
        path: &[&str],
        object: &str,
    ) -> CallResult<Written<()>> {
        let call = self.call(operation, Method::POST, path)?.on(object).repeatable().expect_nothing();
        Ok(self.send(scope, call).await?.done())
    }

    /// A delete. Afterwards "not found" is believed at once.
    pub(super) async fn delete(
        &self,
        operation: &'static str,
        scope: Scope,
        path: &[&str],
        object: &str,
    ) -> CallResult<Written<()>> {
        let call = self.call(operation, Method::DELETE, path)?.on(object);
        let done = self.send(scope, call).await?.done();
        self.session.forget(object);
        Ok(done)
    }
}
