//! Eventual consistency: what was made is not there yet, and the texts say something else.

use std::time::Duration;

use extoauth_sandbox::entra::TenantOptions;
use extoauth_sandbox::world::Lag;
use serde_json::{Value, json};

use crate::support::{Entra, How, scope, text};

const LAG: Duration = Duration::from_millis(400);

fn lagging() -> How {
    How { lag: Some(Lag(LAG)), ..How::default() }
}

async fn over() {
    tokio::time::sleep(LAG + Duration::from_millis(50)).await;
}

#[tokio::test]
async fn an_application_appears_late() {
    let entra = Entra::new();
    let body = json!({"displayName": "late", "signInAudience": "AzureADMyOrg"});
    let app = entra.call_as(&lagging(), "POST", "/applications", Some(body)).await.expect(201);
    let (id, app_id) = (text(&app["id"]), text(&app["appId"]));
    let one = format!("/applications/{id}");
    entra.get(&one).await.refused(404, "Request_ResourceNotFound");
    entra.patch(&one, json!({"notes": "x"})).await.refused(404, "Request_ResourceNotFound");
    entra.post(&format!("{one}/addPassword"), json!({})).await.refused(404, "Request_ResourceNotFound");
    entra.get(&format!("{one}/federatedIdentityCredentials")).await.refused(404, "Request_ResourceNotFound");
    let listed = entra.get(&format!("/applications?$filter=appId eq '{app_id}'")).await.expect(200);
    assert_eq!(listed["value"], json!([]));
    let message = entra.post("/servicePrincipals", json!({"appId": app_id})).await.refused(400, "Request_BadRequest");
    assert!(message.contains("does not reference a valid application object"), "{message}");
    let owner = How { token: Some(entra.token().await), ..How::default() };
    let body = Some(json!({"appId": app_id}));
    let message =
        entra.call_as(&owner, "POST", "/servicePrincipals", body).await.refused(403, "Authorization_RequestDenied");
    assert!(message.starts_with("When using this permission, the backing application"), "{message}");
    over().await;
    entra.get(&one).await.expect(200);
    entra.post("/servicePrincipals", json!({"appId": app_id})).await.expect(201);
}

#[tokio::test]
async fn reads_alternate_where_replicas_answer_in_turn() {
    let entra = Entra::with(TenantOptions { lag: Some(LAG), flapping: true, ..TenantOptions::default() });
    let app = entra.app("late").await;
    let one = format!("/applications/{}", text(&app["id"]));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(entra.get(&one).await.status.as_u16());
    }
    assert_eq!(statuses, [404, 200, 404, 200]);
    over().await;
    for _ in 0..3 {
        entra.get(&one).await.expect(200);
    }
}

#[tokio::test]
async fn personal_accounts_have_a_conflict_of_their_own() {
    let entra = Entra::with(TenantOptions { lag: Some(LAG), ..TenantOptions::default() });
    let app = entra.post("/applications", json!({"displayName": "x"})).await.expect(201);
    let one = format!("/applications/{}", text(&app["id"]));
    entra.patch(&one, json!({"notes": "x"})).await.refused(409, "Error_MsaAppDoesNotExist");
}

#[tokio::test]
async fn consent_too_early() {
    let entra = Entra::new();
    let (.., resource) = entra.pair("resource").await;
    let app = entra.app("client").await;
    let body = Some(json!({"appId": app["appId"]}));
    let principal = entra.call_as(&lagging(), "POST", "/servicePrincipals", body).await.expect(201);
    let client = text(&principal["id"]);
    let grant = |client: &str, resource: &str| {
        let body = json!({"clientId": client, "consentType": "AllPrincipals", "resourceId": resource, "scope": "x"});
        entra.post("/oauth2PermissionGrants", body)
    };
    grant(&client, &resource).await.refused(404, "Request_ResourceNotFound");
    let message = grant(&resource, &client).await.refused(400, "Request_BadRequest");
    assert!(message.contains("does not exist or one of its queried reference-property objects"), "{message}");
    let assign =
        json!({"principalId": client, "resourceId": client, "appRoleId": "00000000-0000-0000-0000-000000000000"});
    let path = format!("/servicePrincipals/{client}/appRoleAssignedTo");
    entra.post(&path, assign).await.refused(404, "Request_ResourceNotFound");
    over().await;
    grant(&client, &resource).await.expect(201);
}

#[tokio::test]
async fn a_new_secret_is_not_taken_yet() {
    let entra = Entra::new();
    let (id, app_id, _) = entra.pair("client").await;
    let one = format!("/applications/{id}");
    let made = entra.call_as(&lagging(), "POST", &format!("{one}/addPassword"), Some(json!({}))).await.expect(200);
    let secret = text(&made["secretText"]);
    assert_eq!(entra.get(&one).await.expect(200)["passwordCredentials"], json!([]));
    assert_eq!(entra.token_of(&app_id, &secret).await, Err(json!([7000215])));
    let removing = format!("{one}/removePassword");
    let remove = || entra.post(&removing, json!({"keyId": made["keyId"]}));
    remove().await.refused(400, "Request_BadRequest");
    over().await;
    assert_eq!(entra.get(&one).await.expect(200)["passwordCredentials"][0]["keyId"], made["keyId"]);
    entra.token_of(&app_id, &secret).await.expect("a token");
    remove().await.expect(204);
    assert_eq!(entra.token_of(&app_id, &secret).await, Err(json!([7000215])));
}

#[tokio::test]
async fn a_change_is_read_late() {
    let entra = Entra::new();
    let one = format!("/applications/{}", text(&entra.app("x").await["id"]));
    let id = "0b5e0f9c-1c7d-4e8f-9a0b-1c2d3e4f5a6b";
    let body = Some(json!({"api": {"oauth2PermissionScopes": [scope(id, "a", true)]}}));
    entra.call_as(&lagging(), "PATCH", &one, body).await.expect(204);
    let scopes = |read: Value| read["api"]["oauth2PermissionScopes"].as_array().map(Vec::len);
    assert_eq!(scopes(entra.get(&one).await.expect(200)), Some(0));
    over().await;
    assert_eq!(scopes(entra.get(&one).await.expect(200)), Some(1));
}

#[tokio::test]
async fn an_upsert_is_decided_where_writes_are() {
    let entra = Entra::with(TenantOptions { lag: Some(LAG), ..TenantOptions::default() });
    let body = || json!({"displayName": "x", "signInAudience": "AzureADMyOrg"});
    entra.upsert("late", body()).await.expect(201);
    entra.get("/applications(uniqueName='late')").await.refused(404, "Request_ResourceNotFound");
    entra.upsert("late", body()).await.expect(204);
}
