//! A healthy Entra side for the tests of its checks, which each test then changes where it looks.

use extoauth_core::finding::{Finding, Severity};
use extoauth_core::systems::Idp;
use extoauth_systems::entra::{GRAPH_APP_ID, GRAPH_OFFLINE_ACCESS, GRAPH_OPENID, Member};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::checks::testing::{ENTRA_CLIENT, ENTRA_URI, healthy};
use crate::observe::{EntraView, GroupView, Observed, SecretView, Seen};

/// The objects as Graph shows them, to be changed by JSON pointer.
pub fn objects() -> Value {
    let resource = ENTRA_URI.trim_start_matches("api://");
    json!({
        "resource": {
            "id": "rs", "appId": resource, "displayName": "dbt server", "signInAudience": "AzureADMyOrg",
            "identifierUris": [ENTRA_URI],
            "api": {"requestedAccessTokenVersion": 1, "acceptMappedClaims": null, "preAuthorizedApplications": [],
                "oauth2PermissionScopes": [{"id": "s1", "value": "dbt-redshift", "type": "User", "isEnabled": true}]},
            "optionalClaims": {"accessToken": [{"name": "upn", "additionalProperties": []},
                {"name": "email", "additionalProperties": []}]},
        },
        "client": {
            "id": "cl", "appId": ENTRA_CLIENT, "displayName": "dbt client", "signInAudience": "AzureADMyOrg",
            "web": {"redirectUris": ["https://ab123.us1.dbt.com/complete/entra"]},
            "spa": {"redirectUris": []}, "publicClient": {"redirectUris": []},
            "requiredResourceAccess": [
                {"resourceAppId": resource, "resourceAccess": [{"id": "s1", "type": "Scope"}]},
                {"resourceAppId": GRAPH_APP_ID, "resourceAccess": [
                    {"id": GRAPH_OPENID, "type": "Scope"}, {"id": GRAPH_OFFLINE_ACCESS, "type": "Scope"}]}],
            "passwordCredentials": [{"keyId": "k1", "displayName": "extoauth:main/integration/analytics#v1",
                "hint": "abc", "endDateTime": "2026-08-30T00:00:00Z"}],
        },
        "resource_principal": {"id": "rsp", "appId": resource, "displayName": "dbt server", "accountEnabled": true,
            "appRoleAssignmentRequired": false},
        "client_principal": {"id": "clp", "appId": ENTRA_CLIENT, "displayName": "dbt client", "accountEnabled": true,
            "appRoleAssignmentRequired": true},
        "graph_principal": {"id": "gp", "appId": GRAPH_APP_ID, "displayName": "Microsoft Graph"},
        "assignments": [{"id": "a1", "principalId": "g1", "principalType": "Group"}],
        "grants": [
            {"id": "1", "clientId": "clp", "resourceId": "rsp", "consentType": "AllPrincipals", "scope": "dbt-redshift"},
            {"id": "2", "clientId": "clp", "resourceId": "gp", "consentType": "AllPrincipals",
                "scope": "openid profile offline_access"}],
    })
}

fn read<T: DeserializeOwned>(objects: &Value, name: &str) -> Seen<T> {
    match &objects[name] {
        Value::Null => Seen::Gone,
        value => Seen::There(serde_json::from_value(value.clone()).expect("an object of Graph's")),
    }
}

pub fn member(id: &str) -> Member {
    Member {
        id: id.into(),
        user_principal_name: format!("{id}@example.com"),
        mail: Some(format!("{id}@example.com")),
        display_name: Some("Dev".into()),
        given_name: None,
        surname: None,
        enabled: Some(true),
        guest: false,
    }
}

pub fn group(name: &str, id: &str, members: &[&str]) -> GroupView {
    GroupView {
        name: name.into(),
        id: Seen::There(id.into()),
        members: Seen::There(members.iter().map(|id| member(id)).collect()),
        truncated: false,
    }
}

/// The view that these objects make.
pub fn view(objects: &Value) -> EntraView {
    EntraView {
        resource: read(objects, "resource"),
        client: read(objects, "client"),
        resource_principal: read(objects, "resource_principal"),
        client_principal: read(objects, "client_principal"),
        graph_principal: read(objects, "graph_principal"),
        assignments: read(objects, "assignments"),
        grants: read(objects, "grants"),
        groups: vec![group("analysts", "g1", &["dev1", "dev2"])],
        others: Vec::new(),
        secret: SecretView { version: Some("v1".into()), hint: Seen::There("abc".into()) },
    }
}

/// The objects with a change, by JSON pointer.
pub fn with(changes: &[(&str, Value)]) -> EntraView {
    let mut all = objects();
    for (pointer, value) in changes {
        let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
        let parent = all.pointer_mut(parent).expect("a parent");
        match field.parse::<usize>() {
            Ok(place) if parent.is_array() => parent[place] = value.clone(),
            _ => parent[field] = value.clone(),
        }
    }
    view(&all)
}

pub fn observed() -> Observed {
    healthy(Idp::Entra)
}

/// What all checks of Entra say.
pub fn judge(view: &EntraView, observed: &Observed) -> Vec<Finding> {
    super::CHECKS.iter().flat_map(|check| (check.run)(view, observed)).collect()
}

/// The checks with findings of this severity, in their order.
pub fn ids(findings: &[Finding], severity: Severity) -> Vec<&str> {
    findings.iter().filter(|finding| finding.severity == severity).map(|finding| finding.check.as_str()).collect()
}
