//! App management policies: what the tenant allows of client secrets.

use extoauth_core::error::CallResult;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::Value;

use super::Read;
use super::model::{PasswordRules, has_dated_restriction, own_rules, tenant_rules};
use super::permission::Permission;
use super::recent::Place;
use super::visible::seen;

impl Read {
    /// The tenant's rules for the secrets of an app that is made now.
    ///
    /// # Errors
    /// `Forbidden` without `Policy.Read.All`.
    pub async fn password_rules(&self) -> CallResult<PasswordRules> {
        let path = ["policies", "defaultAppManagementPolicy"];
        let call = self.call("read app management policy", Method::GET, &path)?;
        let policy: Value = self.send(Permission::ReadPolicies, &call).await?.json()?;
        Ok(tenant_rules(&policy, Timestamp::now()))
    }

    /// The rules of policies assigned to an app itself, which go before the tenant's; `None` where there are none.
    ///
    /// # Errors
    /// `Forbidden` without `Policy.Read.All`; `NotFound` if the app is not there.
    pub async fn password_rules_of(&self, application: &str) -> CallResult<Option<PasswordRules>> {
        const OPERATION: &str = "read app management policies of application";
        let path = ["applications", application, "appManagementPolicies"];
        let recent = &self.session.recent;
        let fits =
            |answer: &CallResult<Vec<Value>>| answer.is_ok() || !recent.was_made(&Place::Applications, application);
        let look = || self.list(OPERATION, Permission::ReadPolicies, &path, &[], application);
        let policies = seen(self.session.patience(OPERATION, application), fits, look).await?;
        let made = match has_dated_restriction(&policies) {
            true => self.application(application).await?.created,
            false => None,
        };
        Ok(own_rules(&policies, made))
    }
}
