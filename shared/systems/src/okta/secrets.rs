//! Client secrets of an app: at most two, both good while active; the last active one cannot be shut, and only an
//! inactive one deleted.

use extoauth_core::error::CallResult;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::model::ClientSecret;
use super::scope::Scope;
use super::{Read, Write};
use crate::http::Written;

impl Read {
    /// The secrets of an app, with their values. Okta logs each such read as an event.
    ///
    /// # Errors
    /// `NotFound` if the app is not there.
    pub async fn client_secrets(&self, app: &str) -> CallResult<Vec<ClientSecret>> {
        let path = ["api", "v1", "apps", app, "credentials", "secrets"];
        self.list("list client secrets", Scope::AppsRead, &path, &[]).await
    }
}

impl Write {
    /// Adds an active secret with a value of ours (14 to 100 printable ASCII characters).
    ///
    /// # Errors
    /// `Invalid` if there are two already; `Ambiguous` if the answer was lost: it may be there.
    pub async fn create_client_secret(&self, app: &str, value: &SecretString) -> CallResult<Written<ClientSecret>> {
        let path = ["api", "v1", "apps", app, "credentials", "secrets"];
        let body = json!({"client_secret": value.expose_secret(), "status": "ACTIVE"});
        let call = self.call("create client secret", Method::POST, &path)?.on(app).json(body).hiding(value);
        let made = self.send(Scope::AppsManage, call).await?.written()?;
        // The token endpoint may take a moment to know it.
        self.session.remember(app);
        Ok(made)
    }

    /// Makes a secret good again: the way back of a rotation.
    ///
    /// # Errors
    /// `NotFound` if it is not there.
    pub async fn activate_client_secret(&self, app: &str, secret: &str) -> CallResult<Written<()>> {
        let path = ["api", "v1", "apps", app, "credentials", "secrets", secret, "lifecycle", "activate"];
        self.act("activate client secret", Scope::AppsManage, &path, secret).await
    }

    /// Shuts a secret.
    ///
    /// # Errors
    /// `Invalid` if it is the only active one.
    pub async fn deactivate_client_secret(&self, app: &str, secret: &str) -> CallResult<Written<()>> {
        let path = ["api", "v1", "apps", app, "credentials", "secrets", secret, "lifecycle", "deactivate"];
        self.act("deactivate client secret", Scope::AppsManage, &path, secret).await
    }

    /// Deletes an inactive secret.
    ///
    /// # Errors
    /// `Invalid` if it is active, `NotFound` if it is gone.
    pub async fn delete_client_secret(&self, app: &str, secret: &str) -> CallResult<Written<()>> {
        let path = ["api", "v1", "apps", app, "credentials", "secrets", secret];
        self.delete("delete client secret", Scope::AppsManage, &path, secret).await
    }
}
