//! Questions that sign-in and consent ask of what a tenant holds.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::data::{Application, Data, Password, SecretRefusal, ServicePrincipal, User, texts};

impl Data {
    /// The service principal of a resource by client id or identifier URI (a slash at its end does not matter). That the
    /// application exists is not enough: without a service principal there is no resource (AADSTS500011).
    pub fn resource(&self, name: &str) -> Option<&ServicePrincipal> {
        if let Some(found) = self.any_principal_of(name) {
            return self.replicated(&found.id).then_some(found);
        }
        let wanted = name.trim_end_matches('/');
        let same = |known: &str| known.trim_end_matches('/').eq_ignore_ascii_case(wanted);
        let app = self.applications.values().find(|app| app.identifier_uris().any(same));
        if let Some(app) = app {
            return self.principal_of(&app.app_id);
        }
        let mut all = self.service_principals.values();
        all.find(|principal| texts(&principal.shown["servicePrincipalNames"]).any(same))
            .filter(|principal| self.replicated(&principal.id))
    }

    /// `servicePrincipalNames`: the client id and the application's identifier URIs.
    pub fn names_of(&self, principal: &ServicePrincipal) -> Vec<String> {
        let own = texts(&principal.shown["servicePrincipalNames"]);
        let app = self.application_of(&principal.app_id);
        let uris = app.into_iter().flat_map(Application::identifier_uris);
        let mut names = vec![principal.app_id.clone()];
        for name in own.chain(uris) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    }

    /// The scopes that a client has on a resource for this user (for nobody in particular: only those for everybody).
    /// Grants that are not replicated yet count for nothing.
    pub fn consented(&self, client: &str, resource: &str, user: Option<&str>) -> BTreeSet<String> {
        let mut scopes = BTreeSet::new();
        for grant in self.grants.values() {
            let for_them = grant.principal.as_deref().is_none_or(|principal| Some(principal) == user);
            if grant.client == client && grant.resource == resource && for_them && self.replicated(&grant.id) {
                scopes.extend(grant.scope.split_whitespace().map(str::to_owned));
            }
        }
        scopes
    }

    /// The values of the app roles that a principal itself has on a resource: `roles` of an app-only token.
    pub fn app_roles(&self, principal: &str, resource: &str) -> Vec<String> {
        let Some(known) = self.service_principals.get(resource) else { return Vec::new() };
        let roles = self.roles_of(known);
        let assigned = self.role_assignments.values().filter(|assignment| {
            assignment.principal == principal && assignment.resource == resource && self.replicated(&assignment.id)
        });
        assigned
            .filter_map(|assignment| roles.iter().find(|role| role["id"] == assignment.role.as_str()))
            .filter_map(|role| role["value"].as_str().map(str::to_owned))
            .collect()
    }

    /// `appRoles` of a service principal: its application's where that is in this tenant.
    pub fn roles_of(&self, principal: &ServicePrincipal) -> Vec<Value> {
        let app = self.application_of(&principal.app_id);
        let roles = app.map_or(&principal.shown["appRoles"], |app| &app.shown["appRoles"]);
        roles.as_array().cloned().unwrap_or_default()
    }

    /// Whether a user has an app role on this service principal, themselves or through a group they are a direct member
    /// of (nested groups do not count for assignments).
    pub fn assigned(&self, resource: &str, user: &str) -> bool {
        self.role_assignments.values().any(|assignment| {
            let direct = assignment.principal == user;
            let group = self.groups.get(&assignment.principal);
            let through = group.is_some_and(|group| group.members.contains(user));
            assignment.resource == resource && (direct || through) && self.replicated(&assignment.id)
        })
    }

    /// The users of a group, nested groups included.
    pub fn members_of(&self, group: &str) -> BTreeSet<String> {
        let (mut users, mut done, mut open) = (BTreeSet::new(), BTreeSet::new(), vec![group.to_owned()]);
        while let Some(id) = open.pop() {
            let Some(group) = self.groups.get(&id).filter(|_| done.insert(id.clone())) else { continue };
            for member in &group.members {
                if self.groups.contains_key(member) {
                    open.push(member.clone())
                } else {
                    users.insert(member.clone());
                }
            }
        }
        users
    }

    /// A user by object id or user principal name.
    pub fn user(&self, name: &str) -> Option<&User> {
        let by_name = || self.users.values().find(|user| user.upn().eq_ignore_ascii_case(name));
        self.users.get(name).or_else(by_name)
    }

    /// The client secret of this value, if sign-in takes it now (by the vendor's calendar).
    pub fn check_secret<'a>(
        &self,
        app: &'a Application,
        secret: &str,
        now: Timestamp,
    ) -> Result<&'a Password, SecretRefusal> {
        let found = app.passwords.iter().find(|known| known.secret == secret && self.replicated(&known.key_id));
        let found = found.filter(|known| known.start <= now).ok_or(SecretRefusal::Unknown)?;
        if found.end <= now { Err(SecretRefusal::Expired) } else { Ok(found) }
    }

    /// The token lifetime policy in force for a resource: the tenant's default before the one of the application, as
    /// Microsoft describes the order for policies that are assigned to the organisation.
    pub fn lifetime_policy(&self, app: Option<&Application>) -> Option<&Value> {
        let default = self.lifetime_policies.values().find(|policy| policy["isOrganizationDefault"] == true);
        default.or_else(|| app?.lifetime_policies.iter().find_map(|id| self.lifetime_policies.get(id)))
    }
}
