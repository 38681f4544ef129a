//! What a `scope` (or version 1's `resource`) asks for.

use serde_json::Value;

use super::super::data::{Application, Data, ServicePrincipal, texts};
use super::super::permissions::GRAPH_APP_ID;
use super::error::Refusal;
use crate::seed::ENTRA_NAME;

/// The scopes of OpenID Connect. They are Graph's, whatever resource the token is for.
const OIDC: [&str; 4] = ["openid", "profile", "email", "offline_access"];
/// All permissions that were consented to.
pub(super) const DEFAULT: &str = ".default";

/// One resource and what is asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// Client id or identifier URI, exactly as the client wrote it: version 1 tokens have it as their audience.
    pub resource: String,
    /// Scopes of that resource.
    pub scopes: Vec<String>,
    /// Those of OpenID Connect.
    pub oidc: Vec<String>,
}

impl Asked {
    /// Reads `scope`. A scope without a resource is Graph's.
    pub fn parse(scope: &str) -> Result<Self, Refusal> {
        let mut asked = Self { resource: String::new(), scopes: Vec::new(), oidc: Vec::new() };
        for word in scope.split_ascii_whitespace() {
            if OIDC.contains(&word) {
                push(&mut asked.oidc, word);
                continue;
            }
            let (resource, name) = word.rsplit_once('/').unwrap_or((GRAPH_APP_ID, word));
            if resource.is_empty() || name.is_empty() {
                return Err(invalid_scope(word));
            }
            if asked.resource.is_empty() {
                resource.clone_into(&mut asked.resource);
            } else if asked.resource != resource {
                let text = format!(
                    "Provided value for the input parameter scope is not valid because it contains more than one \
                     resource. Scope {scope} is not valid."
                );
                return Err(Refusal::request(28_000, text));
            }
            push(&mut asked.scopes, name);
        }
        if asked.scopes.iter().any(|scope| scope == DEFAULT) && asked.scopes.len() > 1 {
            let text = format!(
                "The provided value for scope {scope} is not valid. .default scope can't be combined with \
                 resource-specific scopes."
            );
            return Err(Refusal::new(400, "invalid_scope", 70_011, text));
        }
        if asked.scopes.is_empty() && asked.oidc.is_empty() {
            return Err(invalid_scope(scope));
        }
        if asked.resource.is_empty() {
            GRAPH_APP_ID.clone_into(&mut asked.resource);
        }
        Ok(asked)
    }

    /// What version 1 asks for: a resource, with all that was consented to.
    pub fn of_resource(resource: &str) -> Self {
        let oidc = ["openid", "profile", "offline_access"].map(str::to_owned).to_vec();
        Self { resource: resource.to_owned(), scopes: vec![DEFAULT.to_owned()], oidc }
    }

    /// Whether one of OpenID Connect's scopes is among them.
    pub fn has(&self, scope: &str) -> bool {
        self.oidc.iter().any(|asked| asked == scope)
    }
}

fn push(list: &mut Vec<String>, word: &str) {
    if !list.iter().any(|known| known == word) {
        list.push(word.to_owned());
    }
}

fn invalid_scope(scope: &str) -> Refusal {
    let text = format!(
        "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' \
         is not valid. The scope {scope} is not valid."
    );
    Refusal::new(400, "invalid_scope", 70_011, text)
}

/// A resource in the tenant: its service principal, and its application where that is in the tenant too.
#[derive(Clone)]
pub(super) struct Resource {
    pub principal: ServicePrincipal,
    pub app: Option<Application>,
}

impl Resource {
    /// The resource of this name. Its application alone is not enough: the service principal makes it one.
    pub fn find(data: &Data, name: &str) -> Result<Self, Refusal> {
        let Some(principal) = data.resource(name) else {
            let text = format!(
                "The resource principal named {name} was not found in the tenant named {ENTRA_NAME}. This can happen if \
                 the application has not been installed by the administrator of the tenant or consented to by any user \
                 in the tenant. You might have sent your authentication request to the wrong tenant."
            );
            return Err(Refusal::new(400, "invalid_resource", 500_011, text));
        };
        let app = data.applications.values().find(|app| app.app_id == principal.app_id).cloned();
        // The code of a deactivated application (`isDisabled`) is UNCONFIRMED.
        if !principal.enabled() || app.as_ref().is_some_and(Application::disabled) {
            let text = format!("The service principal for resource '{name}' is disabled.");
            return Err(Refusal::new(400, "invalid_resource", 500_014, text));
        }
        Ok(Self { principal: principal.clone(), app })
    }

    /// Its enabled delegated permissions.
    pub fn permissions(&self) -> Vec<&Value> {
        let all = match &self.app {
            Some(app) => &app.shown["api"]["oauth2PermissionScopes"],
            None => &self.principal.shown["oauth2PermissionScopes"],
        };
        all.as_array().into_iter().flatten().filter(|scope| scope["isEnabled"] == true).collect()
    }

    /// One of them by its value.
    pub fn permission(&self, value: &str) -> Option<&Value> {
        self.permissions().into_iter().find(|scope| scope["value"] == value)
    }

    /// Refuses scopes that it does not have, or has disabled.
    pub fn check(&self, client: &Application, asked: &Asked) -> Result<(), Refusal> {
        let unknown = |scope: &&String| scope.as_str() != DEFAULT && self.permission(scope).is_none();
        let Some(scope) = asked.scopes.iter().find(unknown) else { return Ok(()) };
        let text = format!(
            "The application '{}' asked for scope '{scope}' that doesn't exist on the resource '{}'. Contact the app \
             vendor.",
            client.name(),
            self.principal.app_id
        );
        Err(Refusal::new(400, "invalid_client", 650_053, text))
    }

    /// The scopes for which the application itself spares a client consent (`preAuthorizedApplications`).
    pub fn pre_authorized(&self, client: &str) -> Vec<String> {
        let Some(app) = &self.app else { return Vec::new() };
        let listed = app.shown["api"]["preAuthorizedApplications"].as_array().into_iter().flatten();
        let ids: Vec<&str> = listed
            .filter(|entry| entry["appId"].as_str().is_some_and(|id| id.eq_ignore_ascii_case(client)))
            .flat_map(|entry| texts(&entry["delegatedPermissionIds"]))
            .collect();
        let named = self.permissions().into_iter().filter(|scope| {
            scope["id"].as_str().is_some_and(|id| ids.iter().any(|known| known.eq_ignore_ascii_case(id)))
        });
        named.filter_map(|scope| scope["value"].as_str().map(str::to_owned)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_name_their_resource() {
        let asked = Asked::parse("openid api://a/b/dbt-redshift offline_access openid").expect("scopes");
        assert_eq!((asked.resource.as_str(), asked.scopes.as_slice()), ("api://a/b", &["dbt-redshift".to_owned()][..]));
        assert_eq!(asked.oidc, ["openid", "offline_access"]);
        assert_eq!(Asked::parse("api://a//x").expect("scopes").resource, "api://a/");
        assert_eq!(Asked::parse("User.Read openid").expect("scopes").resource, GRAPH_APP_ID);
        assert_eq!(Asked::parse("api://a/x api://b/x").expect_err("two").code, 28_000);
        assert_eq!(Asked::parse("api://a/.default api://a/x").expect_err("mixed").code, 70_011);
    }
}
