//! Access policies and rules of an authorization server.
//!
//! Okta keeps their priorities contiguous by renumbering, and parallel writes then fail with 500 or 423 or end in
//! another order (provider issues #1198 and #2140), so all such writes of an org wait for each other.

use extoauth_core::error::CallResult;
use reqwest::Method;

use super::model::{Policy, PolicySpec, Rule, RuleSpec};
use super::scope::Scope;
use super::servers::below;
use super::{Read, Write};
use crate::http::Written;

impl Read {
    /// The policies of a server.
    ///
    /// # Errors
    /// `NotFound` if the server is not there.
    pub async fn policies(&self, server: &str) -> CallResult<Vec<Policy>> {
        self.list("list access policies", Scope::ServersRead, &below(&[server, "policies"]), &[]).await
    }

    /// The rules of a policy.
    ///
    /// # Errors
    /// `NotFound` if server or policy is not there.
    pub async fn rules(&self, server: &str, policy: &str) -> CallResult<Vec<Rule>> {
        let path = below(&[server, "policies", policy, "rules"]);
        self.list("list rules", Scope::ServersRead, &path, &[]).await
    }
}

impl Write {
    async fn serially(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.session.endpoint.gate.serial.lock().await
    }

    /// Makes a policy, active and first. A client that was made a moment ago is waited for.
    ///
    /// # Errors
    /// `Invalid` if a client is not there; `Ambiguous` if the answer was lost.
    pub async fn create_policy(&self, server: &str, spec: &PolicySpec) -> CallResult<Written<Policy>> {
        let _serial = self.serially().await;
        let path = below(&[server, "policies"]);
        let mut call = self.call("create access policy", Method::POST, &path)?.on(&spec.name).json(spec.create_body());
        call.fresh |= self.knows_fresh(&spec.clients);
        let made: Written<Policy> = self.send(Scope::ServersManage, call).await?.written()?;
        self.session.remember(&made.value.id);
        Ok(made)
    }

    /// Replaces a policy that was read by what is wanted; status and place stay.
    ///
    /// # Errors
    /// `NotFound` if it is gone.
    pub async fn replace_policy(
        &self,
        server: &str,
        current: &Policy,
        spec: &PolicySpec,
    ) -> CallResult<Written<Policy>> {
        let _serial = self.serially().await;
        let path = below(&[server, "policies", &current.id]);
        let body = current.replacement(spec);
        let mut call = self.call("replace access policy", Method::PUT, &path)?.on(&current.id).json(body);
        call.fresh |= self.knows_fresh(&spec.clients);
        self.send(Scope::ServersManage, call).await?.written()
    }

    fn knows_fresh(&self, clients: &[String]) -> bool {
        clients.iter().any(|client| self.session.is_fresh(client))
    }

    /// Puts a policy in force.
    ///
    /// # Errors
    /// `NotFound` if it is not there.
    pub async fn activate_policy(&self, server: &str, policy: &str) -> CallResult<Written<()>> {
        let _serial = self.serially().await;
        let path = below(&[server, "policies", policy, "lifecycle", "activate"]);
        self.act("activate access policy", Scope::ServersManage, &path, policy).await
    }

    /// Takes a policy out of force.
    ///
    /// # Errors
    /// `NotFound` if it is not there.
    pub async fn deactivate_policy(&self, server: &str, policy: &str) -> CallResult<Written<()>> {
        let _serial = self.serially().await;
        let path = below(&[server, "policies", policy, "lifecycle", "deactivate"]);
        self.act("deactivate access policy", Scope::ServersManage, &path, policy).await
    }

    /// Deletes a policy with its rules.
    ///
    /// # Errors
    /// `NotFound` if it is gone.
    pub async fn delete_policy(&self, server: &str, policy: &str) -> CallResult<Written<()>> {
        let _serial = self.serially().await;
        let path = below(&[server, "policies", policy]);
        self.delete("delete access policy", Scope::ServersManage, &path, policy).await
    }

    /// Makes a rule, active and first.
    ///
    /// # Errors
    /// `Invalid` with Okta's cause (lifetimes out of range); `Ambiguous` if the answer was lost.
    pub async fn create_rule(&self, server: &str, policy: &str, spec: &RuleSpec) -> CallResult<Written<Rule>> {
        let _serial = self.serially().await;
        let path = below(&[server, "policies", policy, "rules"]);
        let made: Written<Rule> = self.create("create rule", &path, spec.create_body(), &spec.name).await?;
        self.session.remember(&made.value.id);
        Ok(made)
    }

    /// Replaces a rule that was read by what is wanted; status and place stay (a replace does not change the status
    /// reliably: provider issue #385).
    ///
    /// # Errors
    /// `NotFound` if it is gone.
    pub async fn replace_rule(
        &self,
        server: &str,
        policy: &str,
        current: &Rule,
        spec: &RuleSpec,
    ) -> CallResult<Written<Rule>> {
        let _serial = self.serially().await;
        let path = below(&[server, "policies", policy, "rules", &current.id]);
        self.replace("replace rule", &path, current.replacement(spec), &current.id).await
    }

    /// Puts a rule in force.
    ///
    /// # Errors
    /// `NotFound` if it is not there.
    pub async fn activate_rule(&self, server: &str, policy: &str, rule: &str) -> CallResult<Written<()>> {
        let _serial = self.serially().await;
        let path = below(&[server, "policies", policy, "rules", rule, "lifecycle", "activate"]);
        self.act("activate rule", Scope::ServersManage, &path, rule).await
    }

    /// Takes a rule out of force.
    ///
    /// # Errors
    /// `NotFound` if it is not there.
    pub async fn deactivate_rule(&self, server: &str, policy: &str, rule: &str) -> CallResult<Written<()>> {
        let _serial = self.serially().await;
        let path = below(&[server, "policies", policy, "rules", rule, "lifecycle", "deactivate"]);
        self.act("deactivate rule", Scope::ServersManage, &path, rule).await
    }

    /// Deletes a rule.
    ///
    /// # Errors
    /// `NotFound` if it is gone; `Invalid` for a system rule.
    pub async fn delete_rule(&self, server: &str, policy: &str, rule: &str) -> CallResult<Written<()>> {
        let _serial = self.serially().await;
        let path = below(&[server, "policies", policy, "rules", rule]);
        self.delete("delete rule", Scope::ServersManage, &path, rule).await
    }
}
