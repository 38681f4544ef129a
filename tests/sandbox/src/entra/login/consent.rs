//! Whether a person may use a client, and what the client may do for them at a resource.

use super::super::data::{Application, Data, Grant, ServicePrincipal, User, texts};
use super::super::permissions::GRAPH_APP_ID;
use super::super::{Tenant, ids};
use super::error::Refusal;
use super::scopes::{Asked, DEFAULT, Resource};
use crate::seed::ENTRA_NAME;

/// What there is of what was asked for.
pub(super) struct Consent {
    /// Scopes of the resource that the token carries: all that the client has, not only those asked for (from memory).
    pub granted: Vec<String>,
    /// Scopes that nobody has consented to: object id of the resource's service principal, scope, and whether only an
    /// administrator can consent.
    missing: Vec<(String, String, bool)>,
}

/// The client's service principal, if this person may use it.
///
/// A client without a service principal is not in the directory (the code is UNCONFIRMED: Entra makes one at a first
/// consent).
pub(super) fn admit(data: &Data, app: &Application, user: &User) -> Result<ServicePrincipal, Refusal> {
    let principal = usable(data, app, super::client_auth::missing(&app.app_id))?;
    if principal.assignment_required() && !data.assigned(&principal.id, &user.id) {
        let text = format!(
            "Your administrator has configured the application {} ('{}') to block users unless they are specifically \
             granted ('assigned') access to the application. The signed in user '{}' is blocked because they are not a \
             direct member of a group with access, nor had access directly assigned by an administrator. Please contact \
             your administrator to assign access to this application.",
            app.name(),
            app.app_id,
            user.upn()
        );
        return Err(Refusal::grant(50_105, text));
    }
    Ok(principal)
}

/// The client's service principal, enabled; `missing` where there is none.
pub(super) fn usable(data: &Data, app: &Application, missing: Refusal) -> Result<ServicePrincipal, Refusal> {
    let principal = data.principal_of(&app.app_id).ok_or(missing)?;
    // The code of a deactivated application (`isDisabled`) is UNCONFIRMED.
    if principal.enabled() && !app.disabled() {
        return Ok(principal.clone());
    }
    let text = format!("Application '{}'({}) is disabled.", app.app_id, app.name());
    Err(Refusal::new(400, "unauthorized_client", 7_000_112, text))
}

/// Refuses somebody who left or whose account is disabled.
pub(super) fn active<'a>(data: &'a Data, user: &str) -> Result<&'a User, Refusal> {
    match data.users.get(user) {
        Some(user) if user.enabled() => Ok(user),
        Some(_) => Err(disabled()),
        None => Err(Refusal::grant(50_034, format!("The user account does not exist in the {ENTRA_NAME} directory."))),
    }
}

/// The account is disabled.
pub(super) fn disabled() -> Refusal {
    Refusal::grant(50_057, "The user account is disabled.")
}

impl Consent {
    /// Weighs what was asked for against grants for everybody, for this person, and pre-authorization.
    pub fn weigh(
        data: &Data,
        app: &Application,
        principal: &ServicePrincipal,
        resource: &Resource,
        asked: &Asked,
        user: &User,
    ) -> Result<Self, Refusal> {
        let known: Vec<&str> = resource.permissions().into_iter().filter_map(|scope| scope["value"].as_str()).collect();
        let of_resource = data.consented(&principal.id, &resource.principal.id, Some(&user.id));
        let spared = resource.pre_authorized(&app.app_id);
        let granted: Vec<String> =
            of_resource.into_iter().chain(spared).filter(|scope| known.contains(&scope.as_str())).collect();
        let wanted = match asked.scopes.as_slice() {
            [only] if only == DEFAULT => declared(app, resource),
            scopes => scopes.to_vec(),
        };
        if wanted.is_empty() && granted.is_empty() && !asked.scopes.is_empty() {
            let text = format!(
                "Misconfigured application. This could be due to one of the following: the client has not listed any \
                 permissions for '{}' in the requested permissions in the client's application registration. Or, the \
                 admin has not consented in the tenant.",
                resource.principal.shown["displayName"].as_str().unwrap_or(&resource.principal.app_id)
            );
            return Err(Refusal::new(400, "invalid_client", 650_056, text));
        }
        let admin_only = |scope: &str| resource.permission(scope).is_some_and(|scope| scope["type"] == "Admin");
        let missing = wanted.into_iter().filter(|scope| !granted.contains(scope));
        let mut missing: Vec<(String, String, bool)> =
            missing.map(|scope| (resource.principal.id.clone(), scope.clone(), admin_only(&scope))).collect();
        if let Some(graph) = data.resource(GRAPH_APP_ID) {
            let has = data.consented(&principal.id, &graph.id, Some(&user.id));
            let lacks = asked.oidc.iter().filter(|scope| !has.contains(*scope));
            missing.extend(lacks.map(|scope| (graph.id.clone(), scope.clone(), false)));
        }
        // A refresh token is no permission on anything.
        let mut all: Vec<String> = granted.into_iter().filter(|scope| scope != "offline_access").collect();
        all.sort();
        all.dedup();
        Ok(Self { granted: all, missing })
    }

    /// The scopes that somebody must consent to.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.missing.iter().map(|(_, scope, _)| scope.as_str())
    }

    /// Whether nothing is missing.
    pub fn complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// Whether the person themselves may consent: not to permissions for administrators, not where the tenant forbids it,
    /// and not for a client that requires assignment ("Restrict your Microsoft Entra app to a set of users").
    pub fn by_user(&self, tenant: &Tenant, principal: &ServicePrincipal) -> bool {
        let admin_only = self.missing.iter().any(|(_, _, admin)| *admin);
        tenant.options().user_consent && !admin_only && !principal.assignment_required()
    }

    /// Writes down that this person consents to all that is missing.
    pub fn give(&self, data: &mut Data, principal: &ServicePrincipal, user: &User) {
        for (resource, scope, _) in &self.missing {
            let mut grant = Grant {
                id: String::new(),
                client: principal.id.clone(),
                resource: resource.clone(),
                principal: Some(user.id.clone()),
                scope: scope.clone(),
            };
            grant.id = ids::grant(&grant);
            match data.grants.get_mut(&grant.id) {
                Some(known) => {
                    known.scope.push(' ');
                    known.scope.push_str(scope);
                }
                None => drop(data.grants.insert(grant.id.clone(), grant)),
            }
        }
    }

    /// What a token request is told where consent is missing.
    pub fn refusal(app: &Application) -> Refusal {
        let text = format!(
            "The user or administrator has not consented to use the application with ID '{}' named '{}'. Send an \
             interactive authorization request for this user and resource.",
            app.app_id,
            app.name()
        );
        Refusal::grant(65_001, text)
    }

    /// What a person is told who may not consent.
    pub fn needs_admin(app: &Application) -> Refusal {
        let text = format!(
            "An administrator of {ENTRA_NAME} has set a policy that prevents you from granting {} the permissions it is \
             requesting. Contact an administrator of {ENTRA_NAME} who can grant permissions to this application on your \
             behalf.",
            app.name()
        );
        Refusal::new(403, "access_denied", 90_094, text)
    }
}

/// The delegated permissions that a client's registration lists for a resource.
fn declared(app: &Application, resource: &Resource) -> Vec<String> {
    let lists = app.shown["requiredResourceAccess"].as_array().into_iter().flatten();
    let mine = lists.filter(|entry| entry["resourceAppId"] == resource.principal.app_id.as_str());
    let ids: Vec<&str> = mine
        .flat_map(|entry| entry["resourceAccess"].as_array().into_iter().flatten())
        .filter(|access| access["type"] == "Scope")
        .filter_map(|access| access["id"].as_str())
        .collect();
    let named = resource.permissions().into_iter();
    let named = named.filter(|scope| scope["id"].as_str().is_some_and(|id| ids.contains(&id)));
    named.filter_map(|scope| scope["value"].as_str().map(str::to_owned)).collect()
}

/// The redirect URIs that a client may be sent back to: web and single-page ones.
pub(super) fn redirect_uris(app: &Application) -> impl Iterator<Item = &str> {
    app.redirect_uris().chain(texts(&app.shown["spa"]["redirectUris"]))
}
