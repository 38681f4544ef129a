//! The client app: what dbt signs users in with.

use extoauth_core::error::CallResult;

use super::Write;
use super::model::{Application, ClientAppSpec};
use super::visible::may_be_lag;
use crate::http::Written;

impl Write {
    /// Makes the client app, or updates the one of this unique name: only for where nothing was seen, since collections
    /// are written whole.
    ///
    /// # Errors
    /// `Invalid` if the unique name is taken by an application in the bin (UNCONFIRMED).
    pub async fn put_client_app(&self, spec: &ClientAppSpec) -> CallResult<Written<Application>> {
        self.put("create client application", &spec.unique_name, spec.body()).await
    }

    /// Changes a client app that was read to what is wanted. Tags and declared permissions of others are kept, redirect
    /// URIs are not.
    ///
    /// # Errors
    /// `NotFound` if it is gone; `Invalid` with Graph's reason.
    pub async fn update_client_app(
        &self,
        seen: &Application,
        spec: &ClientAppSpec,
    ) -> CallResult<Written<Application>> {
        let _turn = self.session.writing(&seen.id).await;
        self.update("update client application", seen, spec.patch(seen), may_be_lag).await
    }
}
