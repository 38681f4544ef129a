//! What we state of an application, and how it is laid over what is there without losing what others put there.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Application, RequiredScope, TokenVersion};
use crate::http::{merge, text};

/// Single tenant: the personal-account audiences force version 2 and are limited to 60 writes a minute.
const THIS_TENANT: &str = "AzureADMyOrg";

/// What we state of the resource-server app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceAppSpec {
    /// Unique name in the tenant: the key of the upsert.
    pub unique_name: String,
    /// Name for people.
    pub display_name: String,
    /// Our marks; those of others are kept.
    pub tags: Vec<String>,
    /// Version of its access tokens; always sent, since the vendor's defaults differ.
    pub token_version: TokenVersion,
    /// The scope that dbt asks for.
    pub scope: PermissionScopeSpec,
    /// Names of the optional claims that access tokens must have: `upn`, `email`.
    pub access_token_claims: Vec<String>,
}

/// A delegated permission that we offer, for users and admins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionScopeSpec {
    /// GUID of ours. If the app has a scope of this value under another id, that id stays.
    pub id: String,
    /// What a client asks for: up to 120 characters, no space, not starting with a dot.
    pub value: String,
    /// Name on consent pages.
    pub display_name: String,
    /// Description on consent pages.
    pub description: String,
}

/// What we state of the client app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAppSpec {
    /// Unique name in the tenant: the key of the upsert.
    pub unique_name: String,
    /// Name for people.
    pub display_name: String,
    /// Our marks; those of others are kept.
    pub tags: Vec<String>,
    /// All of its redirect URIs (web). Others are taken out: a stranger's would receive authorization codes.
    pub redirect_uris: Vec<String>,
    /// The scopes that it declares to need; those that others declared are kept.
    pub required_access: Vec<RequiredScope>,
}

impl PermissionScopeSpec {
    fn body(&self, id: &str) -> Value {
        json!({
            "id": id,
            "value": self.value,
            "type": "User",
            "isEnabled": true,
            "adminConsentDisplayName": self.display_name,
            "adminConsentDescription": self.description,
            "userConsentDisplayName": self.display_name,
            "userConsentDescription": self.description,
        })
    }
}

impl ResourceAppSpec {
    /// A new app.
    pub(in crate::entra) fn body(&self) -> Value {
        json!({
            "displayName": self.display_name,
            "signInAudience": THIS_TENANT,
            "tags": self.tags,
            "api": {
                "requestedAccessTokenVersion": self.token_version.number(),
                "oauth2PermissionScopes": [self.scope.body(&self.scope.id)],
            },
            "optionalClaims": {
                "accessToken": self.access_token_claims.iter().map(|name| claim(name)).collect::<Vec<_>>(),
            },
        })
    }

    /// A change of the app that was read.
    pub(in crate::entra) fn patch(&self, seen: &Application, identifier_uri: &str) -> Value {
        let mut claims = seen.collection("/optionalClaims/accessToken").to_vec();
        claims.extend(
            self.access_token_claims.iter().filter(|n| !seen.access_token_claims.contains(n)).map(|n| claim(n)),
        );
        let mut optional = json!({"accessToken": claims});
        for token in ["idToken", "saml2Token"] {
            // Whether this object is merged or replaced is not documented, so that nothing is left out.
            optional[token] = seen.collection(&format!("/optionalClaims/{token}")).into();
        }
        json!({
            "displayName": self.display_name,
            "signInAudience": THIS_TENANT,
            "tags": union(&seen.tags, &self.tags),
            "identifierUris": union(&seen.identifier_uris, &[identifier_uri.to_owned()]),
            "api": {
                "requestedAccessTokenVersion": self.token_version.number(),
                "oauth2PermissionScopes": self.scopes(seen),
            },
            "optionalClaims": optional,
        })
    }

    /// The scopes of the app that was read, ours among them as it is wanted.
    fn scopes(&self, seen: &Application) -> Vec<Value> {
        let mut scopes = seen.collection("/api/oauth2PermissionScopes").to_vec();
        match ours(&self.scope, &scopes) {
            Some(at) => {
                let id = text(&scopes[at], "/id").unwrap_or_else(|| self.scope.id.clone());
                merge(&mut scopes[at], self.scope.body(&id));
            }
            None => scopes.push(self.scope.body(&self.scope.id)),
        }
        scopes
    }
}

impl ClientAppSpec {
    /// A new app.
    pub(in crate::entra) fn body(&self) -> Value {
        json!({
            "displayName": self.display_name,
            "signInAudience": THIS_TENANT,
            "tags": self.tags,
            "web": {"redirectUris": self.redirect_uris},
            "requiredResourceAccess": access(Vec::new(), &self.required_access),
        })
    }

    /// A change of the app that was read.
    pub(in crate::entra) fn patch(&self, seen: &Application) -> Value {
        json!({
            "displayName": self.display_name,
            "signInAudience": THIS_TENANT,
            "tags": union(&seen.tags, &self.tags),
            "web": {"redirectUris": self.redirect_uris},
            "requiredResourceAccess":
                access(seen.collection("/requiredResourceAccess").to_vec(), &self.required_access),
        })
    }
}

fn claim(name: &str) -> Value {
    json!({"name": name, "essential": false})
}

/// Where our scope is: by its id, else by its value, which an app can have only once.
fn ours(wanted: &PermissionScopeSpec, scopes: &[Value]) -> Option<usize> {
    let by = |field: &str, value: &str| scopes.iter().position(|s| text(s, field).as_deref() == Some(value));
    by("/id", &wanted.id).or_else(|| by("/value", &wanted.value))
}

/// The scopes of the app that was read, with those disabled that the patch changes; `None` if there is none such. Entra
/// refuses to change an enabled one: "Permission (scope or role) cannot be deleted or updated unless disabled first".
pub(in crate::entra) fn disabled(seen: &Application, patch: &Value) -> Option<Value> {
    let wanted = super::items(patch, "/api/oauth2PermissionScopes");
    let mut scopes = seen.collection("/api/oauth2PermissionScopes").to_vec();
    let mut any = false;
    for scope in &mut scopes {
        let is_enabled = scope.get("isEnabled").and_then(Value::as_bool).unwrap_or(true);
        let same = wanted.iter().any(|w| w == scope);
        if is_enabled && !same {
            scope["isEnabled"] = false.into();
            any = true;
        }
    }
    any.then(|| json!({"api": {"oauth2PermissionScopes": scopes}}))
}

/// The pre-authorizations of the app that was read, with exactly these scopes for a client.
pub(in crate::entra) fn with_pre_authorized(seen: &Application, client: &str, scope_ids: &BTreeSet<String>) -> Value {
    let mut clients = seen.collection("/api/preAuthorizedApplications").to_vec();
    clients.retain(|c| !text(c, "/appId").is_some_and(|id| id.eq_ignore_ascii_case(client)));
    if !scope_ids.is_empty() {
        clients.push(json!({"appId": client, "delegatedPermissionIds": scope_ids}));
    }
    json!({"api": {"preAuthorizedApplications": clients}})
}

/// Adds the scopes to what is declared already. The same scope id declared of another application is that of one that is
/// gone: a scope has one application, and a consent to all that is declared would stumble over it.
fn access(mut declared: Vec<Value>, wanted: &[RequiredScope]) -> Vec<Value> {
    for scope in wanted {
        for resource in &mut declared {
            let other =
                text(resource, "/resourceAppId").is_some_and(|id| !id.eq_ignore_ascii_case(&scope.resource_app_id));
            if let Some(scopes) = resource.get_mut("resourceAccess").and_then(Value::as_array_mut).filter(|_| other) {
                scopes.retain(|s| s["id"] != scope.scope_id.as_str());
            }
        }
        declared.retain(|resource| resource["resourceAccess"].as_array().is_none_or(|scopes| !scopes.is_empty()));
        let entry = json!({"id": scope.scope_id, "type": "Scope"});
        let resource = declared
            .iter_mut()
            .find(|r| text(r, "/resourceAppId").is_some_and(|id| id.eq_ignore_ascii_case(&scope.resource_app_id)));
        match resource.and_then(|r| r.get_mut("resourceAccess")).and_then(Value::as_array_mut) {
            Some(scopes) => {
                if !scopes.iter().any(|s| s["id"] == entry["id"] && s["type"] == entry["type"]) {
                    scopes.push(entry);
                }
            }
            None => declared.push(json!({"resourceAppId": scope.resource_app_id, "resourceAccess": [entry]})),
        }
    }
    declared
}

/// All of both, in order, each once.
fn union(present: &[String], wanted: &[String]) -> Vec<String> {
    let mut all = present.to_vec();
    all.extend(wanted.iter().filter(|w| !present.contains(w)).cloned());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> ResourceAppSpec {
        ResourceAppSpec {
            unique_name: "n".into(),
            display_name: "Warehouse".into(),
            tags: vec!["ours".into()],
            token_version: TokenVersion::V1,
            scope: PermissionScopeSpec {
                id: "s1".into(),
                value: "dbt-redshift".into(),
                display_name: "d".into(),
                description: "e".into(),
            },
            access_token_claims: vec!["upn".into(), "email".into()],
        }
    }

    fn seen(scopes: Value) -> Application {
        let raw = json!({"id": "o", "appId": "a", "tags": ["theirs"], "identifierUris": ["api://other"],
            "api": {"requestedAccessTokenVersion": 2, "oauth2PermissionScopes": scopes,
                "preAuthorizedApplications": [{"appId": "c1", "delegatedPermissionIds": ["x"]}]},
            "optionalClaims": {"accessToken": [{"name": "upn", "essential": true, "source": null}],
                "idToken": [{"name": "email"}]}});
        Application::try_from(raw).expect("an application")
    }

    #[test]
    fn what_others_put_there_is_kept() {
        let theirs = json!({"id": "t", "value": "read", "type": "Admin", "isEnabled": true, "origin": "Application"});
        let seen = seen(json!([theirs]));
        let patch = spec().patch(&seen, "api://a");
        assert_eq!(patch["tags"], json!(["theirs", "ours"]));
        assert_eq!(patch["identifierUris"], json!(["api://other", "api://a"]));
        assert_eq!(patch["api"]["oauth2PermissionScopes"][0], theirs);
        assert_eq!(patch["api"]["oauth2PermissionScopes"][1]["value"], "dbt-redshift");
        assert_eq!(patch["optionalClaims"]["accessToken"][0]["essential"], true);
        assert_eq!(patch["optionalClaims"]["accessToken"][1]["name"], "email");
        assert_eq!(patch["optionalClaims"]["idToken"], json!([{"name": "email"}]));
        assert!(patch["api"].get("preAuthorizedApplications").is_none(), "properties that are not sent stay");
        assert_eq!(disabled(&seen, &patch), None);
        let after = seen.patched(patch);
        assert_eq!((after.token_version, after.scopes.len(), after.pre_authorized.len()), (TokenVersion::V1, 2, 1));
    }

    #[test]
    fn a_changed_scope_is_disabled_first_and_keeps_its_id() {
        let seen = seen(json!([{"id": "s0", "value": "dbt-redshift", "type": "Admin", "isEnabled": true}]));
        let patch = spec().patch(&seen, "api://a");
        let scope = &patch["api"]["oauth2PermissionScopes"][0];
        assert_eq!((&scope["id"], &scope["type"]), (&json!("s0"), &json!("User")));
        let first = disabled(&seen, &patch).expect("a changed one");
        assert_eq!(first["api"]["oauth2PermissionScopes"][0]["isEnabled"], false);
        assert_eq!(first["api"]["oauth2PermissionScopes"][0]["type"], "Admin");
        let after = seen.patched(first).patched(patch);
        assert_eq!(disabled(&after, &spec().patch(&after, "api://a")), None);
    }

    #[test]
    fn pre_authorization_touches_one_client() {
        let seen = seen(json!([]));
        let scopes = BTreeSet::from(["s1".to_owned()]);
        let added = with_pre_authorized(&seen, "c2", &scopes);
        assert_eq!(added["api"]["preAuthorizedApplications"].as_array().map(Vec::len), Some(2));
        let gone = with_pre_authorized(&seen.patched(added), "C2", &BTreeSet::new());
        assert_eq!(gone["api"]["preAuthorizedApplications"], json!([{"appId": "c1", "delegatedPermissionIds": ["x"]}]));
    }

    #[test]
    fn declared_access_is_merged_by_resource() {
        let raw = json!({"id": "o", "appId": "a", "requiredResourceAccess": [
            {"resourceAppId": "graph", "resourceAccess": [{"id": "r", "type": "Role"}, {"id": "s", "type": "Scope"}]}]});
        let seen = Application::try_from(raw).expect("an application");
        let of =
            |resource: &str, scope: &str| RequiredScope { resource_app_id: resource.into(), scope_id: scope.into() };
        let spec = ClientAppSpec {
            unique_name: "n".into(),
            display_name: "d".into(),
            tags: Vec::new(),
            redirect_uris: vec!["https://b".into()],
            required_access: vec![of("GRAPH", "s"), of("graph", "t"), of("rs", "u")],
        };
        let after = seen.patched(spec.patch(&seen));
        assert_eq!(after.required_access, [of("graph", "s"), of("graph", "t"), of("rs", "u")]);
        assert_eq!(after.collection("/requiredResourceAccess")[0]["resourceAccess"][0]["type"], "Role");
        // The resource app was made anew: its scope has the same id, and the old app is gone.
        let spec = ClientAppSpec { required_access: vec![of("rs2", "u")], ..spec };
        let anew = after.patched(spec.patch(&after));
        assert_eq!(anew.required_access, [of("graph", "s"), of("graph", "t"), of("rs2", "u")]);
    }
}
