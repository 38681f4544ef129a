//! What people change on our objects: put back with the least writes, and what they add beside ours is kept.

use std::fmt;

use serde_json::{Value, json};

use super::{Ours, text};
use crate::cells::nothing_wrong;
use crate::drive::golden;
use crate::house::{House, beside_others};
use crate::picture::Picture;

/// What somebody does to our objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    TokenVersion2,
    TokenVersionByDefault,
    ScopeDisabled,
    ScopeForAdmins,
    ClaimsRemoved,
    UriRemoved,
    NameChanged,
    OtherTenants,
    RedirectChanged,
    RedirectAdded,
    PermissionsRemoved,
    AssignmentNotRequired,
    PrincipalDisabled,
    ResourceDisabled,
    Unassigned,
    ConsentShortened,
    ConsentRevoked,
}

const DEEDS: [Deed; 17] = [
    Deed::TokenVersion2,
    Deed::TokenVersionByDefault,
    Deed::ScopeDisabled,
    Deed::ScopeForAdmins,
    Deed::ClaimsRemoved,
    Deed::UriRemoved,
    Deed::NameChanged,
    Deed::OtherTenants,
    Deed::RedirectChanged,
    Deed::RedirectAdded,
    Deed::PermissionsRemoved,
    Deed::AssignmentNotRequired,
    Deed::PrincipalDisabled,
    Deed::ResourceDisabled,
    Deed::Unassigned,
    Deed::ConsentShortened,
    Deed::ConsentRevoked,
];

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl Deed {
    /// Writes that put it back. A scope that is in force must be disabled before it may change.
    fn writes(self) -> usize {
        match self {
            Self::ScopeForAdmins => 2,
            _ => 1,
        }
    }

    /// Whether things are as they should be all the same: version 1 is also what no version means.
    fn is_harmless(self) -> bool {
        self == Self::TokenVersionByDefault
    }
}

/// The scopes of the resource app with a change of ours.
fn scopes(ours: &Ours, field: &str, value: Value) -> Value {
    let mut scopes = ours.resource["api"]["oauth2PermissionScopes"].clone();
    scopes[0][field] = value;
    scopes
}

impl House {
    async fn grants_of(&self, ours: &Ours) -> Vec<Value> {
        let path = format!("{}/oauth2PermissionGrants", ours.principal_path());
        let answer = self.entra("GET", &path, Value::Null).await;
        answer["value"].as_array().cloned().unwrap_or_default()
    }

    async fn do_harm(&self, ours: &Ours, deed: Deed) {
        let (resource, client, principal) = (ours.resource_path(), ours.client_path(), ours.principal_path());
        let patch = async |path: &str, body: Value| {
            self.entra("PATCH", path, body).await;
        };
        match deed {
            Deed::TokenVersion2 => patch(&resource, json!({"api": {"requestedAccessTokenVersion": 2}})).await,
            Deed::TokenVersionByDefault => {
                patch(&resource, json!({"api": {"requestedAccessTokenVersion": null}})).await;
            }
            Deed::ScopeDisabled => {
                let scopes = scopes(ours, "isEnabled", json!(false));
                patch(&resource, json!({"api": {"oauth2PermissionScopes": scopes}})).await;
            }
            Deed::ScopeForAdmins => {
                for field in [("isEnabled", json!(false)), ("type", json!("Admin"))] {
                    let mut scopes = scopes(ours, "isEnabled", json!(false));
                    scopes[0][field.0] = field.1;
                    patch(&resource, json!({"api": {"oauth2PermissionScopes": scopes}})).await;
                }
                let mut scopes = scopes(ours, "type", json!("Admin"));
                scopes[0]["isEnabled"] = json!(true);
                patch(&resource, json!({"api": {"oauth2PermissionScopes": scopes}})).await;
            }
            Deed::ClaimsRemoved => patch(&resource, json!({"optionalClaims": null})).await,
            Deed::UriRemoved => patch(&resource, json!({"identifierUris": []})).await,
            Deed::NameChanged => patch(&client, json!({"displayName": "dbt (do not touch)"})).await,
            Deed::OtherTenants => patch(&client, json!({"signInAudience": "AzureADMultipleOrgs"})).await,
            Deed::RedirectChanged => {
                patch(&client, json!({"web": {"redirectUris": ["https://elsewhere.example.net/callback"]}})).await;
            }
            Deed::RedirectAdded => {
                let mut all = ours.client["web"]["redirectUris"].clone();
                all.as_array_mut().expect("a list").push(json!("https://elsewhere.example.net/callback"));
                patch(&client, json!({"web": {"redirectUris": all}})).await;
            }
            Deed::PermissionsRemoved => patch(&client, json!({"requiredResourceAccess": []})).await,
            Deed::AssignmentNotRequired => patch(&principal, json!({"appRoleAssignmentRequired": false})).await,
            Deed::PrincipalDisabled => patch(&principal, json!({"accountEnabled": false})).await,
            Deed::ResourceDisabled => {
                let path = format!("servicePrincipals(appId='{}')", text(&ours.resource, "appId"));
                patch(&path, json!({"accountEnabled": false})).await;
            }
            Deed::Unassigned => {
                let path = format!("{principal}/appRoleAssignedTo");
                let all = self.entra("GET", &path, Value::Null).await;
                self.entra("DELETE", &format!("{path}/{}", text(&all["value"][0], "id")), Value::Null).await;
            }
            Deed::ConsentShortened => {
                let grants = self.grants_of(ours).await;
                let graph = grants.iter().find(|grant| text(grant, "scope").contains("openid")).expect("a grant");
                let path = format!("oauth2PermissionGrants/{}", text(graph, "id"));
                patch(&path, json!({"scope": "openid profile"})).await;
            }
            Deed::ConsentRevoked => {
                for grant in self.grants_of(ours).await {
                    let path = format!("oauth2PermissionGrants/{}", text(&grant, "id"));
                    self.entra("DELETE", &path, Value::Null).await;
                }
            }
        }
    }
}

/// One deed, told by a comparison and put back by the next run.
async fn one(house: &House, expected: &Picture, deed: Deed) -> Vec<String> {
    let mut wrong = Vec::new();
    let ours = house.ours().await;
    house.do_harm(&ours, deed).await;
    house.forget_calls();
    let told = house.run("entra-verify").await;
    let drift = told.report.findings.iter().filter(|one| one.check == "drift").count();
    match (deed.is_harmless(), drift) {
        (true, 0) | (false, 1) => {}
        (_, drift) => wrong.push(format!("a comparison tells {drift} drifts: {:#?}", told.report.findings)),
    }
    wrong.extend(house.writes().into_iter().map(|write| format!("a comparison wrote {write}")));

    house.forget_calls();
    let ended = house.run_anew(&golden("entra-provision")).await;
    if !ended.is_good() {
        wrong.push(format!("it ended {:?}", ended.verdict));
    }
    let writes = house.writes();
    let least = match deed {
        _ if deed.is_harmless() => 0,
        // Two grants were there.
        Deed::ConsentRevoked => 2,
        _ => deed.writes(),
    };
    if writes.len() != least {
        wrong.push(format!("{least} writes put it back, not {writes:#?}"));
    }
    if !deed.is_harmless() {
        wrong.extend(house.picture().await.unlike(expected));
    }
    house.forget_calls();
    let again = house.run("entra-verify").await;
    if again.report.findings.iter().any(|one| one.check == "drift") {
        wrong.push(format!("it is still told: {:#?}", again.report.findings));
    }
    wrong
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_changed_is_put_back() {
    let _turn = beside_others().await;
    let Some(mut house) = House::open().await else { return };
    let start = house.picture().await;
    house.run("entra-provision").await.good();
    let expected = house.picture().await;
    let mut wrong = Vec::new();
    for deed in DEEDS {
        let found = one(&house, &expected, deed).await;
        if !found.is_empty() {
            wrong.push(format!("--- {deed}\n{}", found.join("\n")));
            house.clear().await;
            house.run("entra-provision").await.good();
        }
    }
    nothing_wrong(&wrong);
    house.run("entra-deprovision").await.good();
    house.picture().await.must_be(&start, "after the removal");
}

/// What others add to our apps is theirs: it stays, also when something of ours is put back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_added_is_kept() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    let start = house.picture().await;
    house.run("entra-provision").await.good();
    let ours = house.ours().await;
    let app_id = text(&ours.resource, "appId");
    let mut scopes = ours.resource["api"]["oauth2PermissionScopes"].clone();
    scopes.as_array_mut().expect("a list").push(json!({
        "id": "5e1f0c2a-7b3d-4f6e-8a9c-0d1e2f3a4b5c", "value": "reports", "type": "User", "isEnabled": true,
        "adminConsentDisplayName": "Reports", "adminConsentDescription": "Reports",
    }));
    let theirs = json!([{"appId": "b1a2c3d4-0001-4000-8000-0000000000a1",
                         "delegatedPermissionIds": ["5e1f0c2a-7b3d-4f6e-8a9c-0d1e2f3a4b5c"]}]);
    let uris = json!([format!("api://{app_id}"), format!("api://{app_id}/reports")]);
    let mut claims = ours.resource["optionalClaims"].clone();
    let more = json!({"name": "groups", "source": null, "essential": false, "additionalProperties": []});
    claims["accessToken"].as_array_mut().expect("a list").push(more);
    let path = ours.resource_path();
    house.entra("PATCH", &path, json!({"api": {"oauth2PermissionScopes": scopes}})).await;
    let body = json!({"api": {"preAuthorizedApplications": theirs}, "identifierUris": uris, "optionalClaims": claims});
    house.entra("PATCH", &path, body).await;
    let mut access = ours.client["requiredResourceAccess"].clone();
    for api in access.as_array_mut().expect("a list") {
        if api["resourceAppId"] == "00000003-0000-0000-c000-000000000000" {
            let more = json!({"id": "e1fe6dd8-ba31-4d61-89e7-88639da4683d", "type": "Scope"});
            api["resourceAccess"].as_array_mut().expect("a list").push(more);
        }
    }
    let tags = json!(["finance", ours.client["tags"][0]]);
    house.entra("PATCH", &ours.client_path(), json!({"requiredResourceAccess": access, "tags": tags})).await;
    let graph = house.grants_of(&ours).await;
    let graph = graph.iter().find(|grant| text(grant, "scope").contains("openid")).expect("a grant");
    let wider = format!("{} User.Read", text(graph, "scope"));
    house.entra("PATCH", &format!("oauth2PermissionGrants/{}", text(graph, "id")), json!({"scope": wider})).await;
    let expected = house.picture().await;

    house.forget_calls();
    let told = house.run("entra-verify").await.good();
    assert!(!super::has_finding(&told, "drift"), "{:#?}", told.report.findings);
    house.run_anew(&golden("entra-provision")).await.good();
    assert_eq!(house.writes(), Vec::<String>::new(), "there is nothing to put back");
    house.picture().await.must_be(&expected, "after a repetition");

    let deeds = [
        Deed::TokenVersion2,
        Deed::UriRemoved,
        Deed::RedirectChanged,
        Deed::ScopeDisabled,
        Deed::ConsentShortened,
        Deed::PermissionsRemoved,
    ];
    for deed in deeds {
        let ours = house.ours().await;
        match deed {
            // Only ours goes.
            Deed::UriRemoved => {
                house.entra("PATCH", &path, json!({"identifierUris": [format!("api://{app_id}/reports")]})).await;
            }
            Deed::ScopeDisabled => {
                let mut scopes = ours.resource["api"]["oauth2PermissionScopes"].clone();
                let all = scopes.as_array_mut().expect("a list");
                let own = all.iter_mut().find(|scope| scope["value"] == "dbt-redshift").expect("our scope");
                own["isEnabled"] = json!(false);
                house.entra("PATCH", &path, json!({"api": {"oauth2PermissionScopes": scopes}})).await;
            }
            Deed::ConsentShortened => {
                let graph = house.grants_of(&ours).await;
                let graph = graph.iter().find(|grant| text(grant, "scope").contains("openid")).expect("a grant");
                let path = format!("oauth2PermissionGrants/{}", text(graph, "id"));
                house.entra("PATCH", &path, json!({"scope": "openid User.Read"})).await;
            }
            Deed::PermissionsRemoved => {
                let mut access = ours.client["requiredResourceAccess"].clone();
                for api in access.as_array_mut().expect("a list") {
                    if api["resourceAppId"] == "00000003-0000-0000-c000-000000000000" {
                        api["resourceAccess"] =
                            json!([{"id": "e1fe6dd8-ba31-4d61-89e7-88639da4683d", "type": "Scope"}]);
                    }
                }
                house.entra("PATCH", &ours.client_path(), json!({"requiredResourceAccess": access})).await;
            }
            other => house.do_harm(&ours, other).await,
        }
        house.forget_calls();
        house.run_anew(&golden("entra-provision")).await.good();
        let writes = house.writes();
        assert_eq!(writes.len(), 1, "{deed}: {writes:#?}");
        let wrong = house.picture().await.unlike(&expected);
        let other: Vec<_> = wrong.iter().filter(|line| !is_order(line)).collect();
        assert_eq!(other, Vec::<&String>::new(), "{deed}");
    }
    house.run("entra-deprovision").await.good();
    house.picture().await.must_be(&start, "after the removal");
}

/// A list of scopes in one text has no order.
fn is_order(line: &str) -> bool {
    let Some((_, both)) = line.split_once("/scope: ") else { return false };
    let Some((one, other)) = both.split_once(" expected, found ") else { return false };
    let words = |text: &str| {
        let mut words: Vec<String> = text.trim_matches('"').split(' ').map(str::to_owned).collect();
        words.sort();
        words
    };
    words(one) == words(other)
}
