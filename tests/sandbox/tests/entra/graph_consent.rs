//! Service principals, grants and role assignments.

use serde_json::{Value, json};

use crate::support::{Entra, text};

#[tokio::test]
async fn a_service_principal_follows_its_application() {
    let entra = Entra::new();
    let (id, app_id, principal) = entra.pair("x").await;
    entra
        .post("/servicePrincipals", json!({"appId": app_id}))
        .await
        .refused(400, "Request_MultipleObjectsWithSameKeyValue");
    let message = entra
        .post("/servicePrincipals", json!({"appId": "11111111-2222-4333-8444-555555555555"}))
        .await
        .refused(400, "Request_BadRequest");
    assert!(message.ends_with("of the service principal does not reference a valid application object."), "{message}");
    entra
        .patch(&format!("/applications/{id}"), json!({"identifierUris": [format!("api://{app_id}")]}))
        .await
        .expect(204);
    let read = entra.get(&format!("/servicePrincipals(appId='{app_id}')")).await.expect(200);
    assert_eq!(read["id"], json!(principal));
    assert_eq!(read["servicePrincipalNames"], json!([format!("api://{app_id}"), app_id]), "in another order");
    let path = format!("/servicePrincipals/{principal}");
    entra.patch(&path, json!({"appRoleAssignmentRequired": true, "tags": ["HideApp"]})).await.expect(204);
    let read = entra.get(&path).await.expect(200);
    assert_eq!(read["appRoleAssignmentRequired"], true);
    entra.patch(&path, json!({"appId": app_id, "replyUrls": []})).await.refused(400, "Request_BadRequest");
    entra.delete(&path).await.expect(204);
    let bin = entra.get("/directory/deletedItems/microsoft.graph.servicePrincipal").await.expect(200);
    assert_eq!(bin["value"][0]["id"], json!(principal));
    entra.post("/servicePrincipals", json!({"appId": app_id})).await.expect(201);
}

#[tokio::test]
async fn a_grant_is_one_per_client_resource_and_principal() {
    let entra = Entra::new();
    let (.., client) = entra.pair("client").await;
    let (.., resource) = entra.pair("resource").await;
    let body =
        json!({"clientId": client, "consentType": "AllPrincipals", "resourceId": resource, "scope": "dbt-redshift"});
    let made = entra.post("/oauth2PermissionGrants", body.clone()).await.expect(201);
    assert_eq!(text(&made["id"]).len(), 43);
    assert_eq!(made["principalId"], Value::Null);
    let message =
        entra.post("/oauth2PermissionGrants", body).await.refused(409, "Request_MultipleObjectsWithSameKeyValue");
    assert_eq!(message, "Permission entry already exists.");
    let path = format!("/oauth2PermissionGrants/{}", text(&made["id"]));
    entra.patch(&path, json!({"scope": "a b"})).await.expect(204);
    assert_eq!(entra.get(&path).await.expect(200)["scope"], "a b");
    let filter = format!("clientId eq '{client}' and resourceId eq '{resource}' and consentType eq 'AllPrincipals'");
    let list = entra.get(&format!("/oauth2PermissionGrants?$filter={filter}")).await;
    assert_eq!(list.header("x-ms-resource-unit"), "2");
    assert_eq!(list.expect(200)["value"].as_array().map(Vec::len), Some(1));
    let of = entra.get(&format!("/servicePrincipals/{client}/oauth2PermissionGrants")).await.expect(200);
    assert_eq!(of["value"][0]["id"], made["id"]);
    let user = text(&entra.get("/users/dev1@example.com").await.expect(200)["id"]);
    let body = json!({"clientId": client, "consentType": "Principal", "principalId": user, "resourceId": resource,
        "scope": "a"});
    let mine = entra.post("/oauth2PermissionGrants", body).await.expect(201);
    assert_eq!(text(&mine["id"]).len(), 64);
    entra.delete(&path).await.expect(204);
    entra.delete(&path).await.refused(404, "Request_ResourceNotFound");
    // The rest goes with the client.
    entra.delete(&format!("/servicePrincipals/{client}")).await.expect(204);
    entra.get(&format!("/oauth2PermissionGrants/{}", text(&mine["id"]))).await.refused(404, "Request_ResourceNotFound");
}

#[tokio::test]
async fn roles_are_assigned_to_people_and_groups() {
    let entra = Entra::new();
    let (.., resource) = entra.pair("resource").await;
    let group = entra.get("/groups?$filter=displayName eq 'data-engineers'").await.expect(200);
    let group = text(&group["value"][0]["id"]);
    let path = format!("/servicePrincipals/{resource}/appRoleAssignedTo");
    let body =
        json!({"principalId": group, "resourceId": resource, "appRoleId": "00000000-0000-0000-0000-000000000000"});
    let made = entra.post(&path, body.clone()).await.expect(201);
    assert_eq!(made["principalType"], "Group");
    assert_eq!(made["principalDisplayName"], "data-engineers");
    assert_eq!(made["resourceDisplayName"], "resource");
    let message = entra.post(&path, body.clone()).await.refused(400, "Request_BadRequest");
    assert_eq!(message, "Permission being assigned already exists on the object");
    let mut unknown = body.clone();
    unknown["appRoleId"] = json!("11111111-2222-4333-8444-555555555555");
    entra.post(&path, unknown).await.refused(400, "Request_BadRequest");
    let mut elsewhere = body;
    elsewhere["resourceId"] = json!(group);
    entra.post(&path, elsewhere).await.refused(400, "Request_BadRequest");
    assert_eq!(entra.get(&path).await.expect(200)["value"][0]["id"], made["id"]);
    let of_group = entra.get(&format!("/groups/{group}/appRoleAssignments")).await.expect(200);
    assert_eq!(of_group["value"][0]["id"], made["id"]);
    entra.delete(&format!("{path}/{}", text(&made["id"]))).await.expect(204);
    assert_eq!(entra.get(&path).await.expect(200)["value"], json!([]));
}

#[tokio::test]
async fn a_lifetime_policy_is_assigned_to_the_resource() {
    let entra = Entra::new();
    let (id, ..) = entra.pair("resource").await;
    let inner = json!({"TokenLifetimePolicy": {"Version": 1, "AccessTokenLifetime": "1:00:00"}}).to_string();
    let body = json!({"displayName": "dbt 1h", "isOrganizationDefault": false, "definition": [inner]});
    let made = entra.post("/policies/tokenLifetimePolicies", body.clone()).await.expect(201);
    let mut wrong = body;
    wrong["definition"] = json!([{"TokenLifetimePolicy": {}}]);
    entra.post("/policies/tokenLifetimePolicies", wrong).await.refused(400, "Request_BadRequest");
    let policy = text(&made["id"]);
    let path = format!("/applications/{id}/tokenLifetimePolicies");
    let body =
        || json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/policies/tokenLifetimePolicies/{policy}")});
    entra.post(&format!("{path}/$ref"), body()).await.expect(204);
    entra.post(&format!("{path}/$ref"), body()).await.refused(400, "Request_BadRequest");
    assert_eq!(entra.get(&path).await.expect(200)["value"][0]["displayName"], "dbt 1h");
    let applied = entra.get(&format!("/policies/tokenLifetimePolicies/{policy}/appliesTo")).await.expect(200);
    assert_eq!(applied["value"][0]["id"], json!(id));
    entra.delete(&format!("{path}/{policy}/$ref")).await.expect(204);
    assert_eq!(entra.get(&path).await.expect(200)["value"], json!([]));
    entra.delete(&format!("/policies/tokenLifetimePolicies/{policy}")).await.expect(204);
}
