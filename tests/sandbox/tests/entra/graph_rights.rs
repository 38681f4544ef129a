//! What a token lets its bearer do.

use extoauth_sandbox::seed;
use extoauth_sandbox::world::{CallView, System as _};
use serde_json::{Value, json};

use crate::support::{Entra, How, text};

const FOREIGN: &str = "/applications/b1a2c3d4-0001-4000-8000-0000000000a0";

async fn automation(entra: &Entra) -> How {
    How { token: Some(entra.token().await), ..How::default() }
}

#[tokio::test]
async fn tokens_that_are_none() {
    let entra = Entra::new();
    for token in ["", "x", "a.b.c"] {
        let how = How { token: Some(token.to_owned()), ..How::default() };
        let reply = entra.call_as(&how, "GET", "/applications", None).await;
        reply.refused(401, "InvalidAuthenticationToken");
        assert!(reply.header("www-authenticate").starts_with("Bearer"));
    }
    let mut changed = entra.token().await;
    changed.push('x');
    let how = How { token: Some(changed), ..How::default() };
    entra.call_as(&how, "GET", "/applications", None).await.refused(401, "InvalidAuthenticationToken");
}

#[tokio::test]
async fn an_owner_changes_its_own_alone() {
    let entra = Entra::new();
    let how = automation(&entra).await;
    let call = |method: &'static str, path: String, body: Option<Value>| {
        let (entra, how) = (&entra, &how);
        async move { entra.call_as(how, method, &path, body).await }
    };
    let body = json!({"displayName": "own", "signInAudience": "AzureADMyOrg"});
    let made = call("POST", "/applications".to_owned(), Some(body)).await.expect(201);
    assert_eq!(made["createdByAppId"], entra.tenant.automation_client_id());
    let id = text(&made["id"]);
    let owners = call("GET", format!("/applications/{id}/owners"), None).await.expect(200);
    assert_eq!(owners["value"][0]["id"], json!(entra.automation_principal().await));
    call("PATCH", format!("/applications/{id}"), Some(json!({"notes": "x"}))).await.expect(204);
    call("POST", format!("/applications/{id}/addPassword"), Some(json!({}))).await.expect(200);
    // `Application.Read.All` reads the others', and no more.
    call("GET", FOREIGN.to_owned(), None).await.expect(200);
    for (method, path, body) in [
        ("PATCH", FOREIGN.to_owned(), Some(json!({"notes": "x"}))),
        ("POST", format!("{FOREIGN}/addPassword"), Some(json!({}))),
        ("DELETE", FOREIGN.to_owned(), None),
        ("PATCH", "/policies/defaultAppManagementPolicy".to_owned(), Some(json!({"isEnabled": true}))),
        ("PATCH", "/users/dev1@example.com".to_owned(), Some(json!({"accountEnabled": false}))),
    ] {
        call(method, path, body).await.refused(403, "Authorization_RequestDenied");
    }
    let mapped = Some(json!({"api": {"acceptMappedClaims": true}}));
    call("PATCH", format!("/applications/{id}"), mapped).await.refused(403, "Authorization_RequestDenied");
    // A service principal for somebody else's application.
    let other = entra.app("other").await;
    let body = Some(json!({"appId": other["appId"]}));
    call("POST", "/servicePrincipals".to_owned(), body).await.refused(403, "Authorization_RequestDenied");
}

#[tokio::test]
async fn each_right_can_be_missing() {
    for (right, method, path) in [
        ("AppRoleAssignment.ReadWrite.All", "POST", "/servicePrincipals/{me}/appRoleAssignedTo"),
        ("DelegatedPermissionGrant.ReadWrite.All", "POST", "/oauth2PermissionGrants"),
        ("DelegatedPermissionGrant.ReadWrite.All", "GET", "/oauth2PermissionGrants"),
        ("GroupMember.Read.All", "GET", "/groups"),
        ("User.Read.All", "GET", "/users"),
        ("Policy.Read.All", "GET", "/policies/defaultAppManagementPolicy"),
        ("Application.ReadWrite.OwnedBy", "POST", "/applications"),
    ] {
        let entra = Entra::new();
        let path = path.replace("{me}", &entra.automation_principal().await);
        let before = automation(&entra).await;
        let body = || (method == "POST").then(|| json!({}));
        let answer = entra.call_as(&before, method, &path, body()).await;
        assert_ne!(answer.status.as_u16(), 403, "{right}: {}", answer.text);
        entra.take_away(right).await;
        let answer = entra.call_as(&before, method, &path, body()).await;
        assert_ne!(answer.status.as_u16(), 403, "{right}: a token keeps what it was given");
        let after = automation(&entra).await;
        entra.call_as(&after, method, &path, body()).await.refused(403, "Authorization_RequestDenied");
    }
}

/// Graph reference, "Get servicePrincipal": the right to manage its own lists all applications of the tenant.
#[tokio::test]
async fn whoever_manages_its_own_sees_all_and_changes_its_own() {
    let entra = Entra::new();
    entra.take_away("Application.Read.All").await;
    let how = automation(&entra).await;
    let count = |list: &Value| list["value"].as_array().map_or(0, Vec::len);
    let before = count(&entra.call_as(&how, "GET", "/applications", None).await.expect(200));
    assert!(before > 1, "others' are in it");
    entra.call_as(&how, "GET", FOREIGN, None).await.expect(200);
    let name = || Some(json!({"displayName": "own", "signInAudience": "AzureADMyOrg"}));
    entra.call_as(&how, "PATCH", FOREIGN, name()).await.refused(403, "Authorization_RequestDenied");
    let own = entra.call_as(&how, "POST", "/applications", name()).await.expect(201);
    let path = format!("/applications/{}", own["id"].as_str().expect("an id"));
    entra.call_as(&how, "PATCH", &path, name()).await.expect(204);
    assert_eq!(count(&entra.call_as(&how, "GET", "/applications", None).await.expect(200)), before + 1);

    entra.take_away("Application.ReadWrite.OwnedBy").await;
    let how = automation(&entra).await;
    for path in ["/applications", FOREIGN] {
        entra.call_as(&how, "GET", path, None).await.refused(403, "Authorization_RequestDenied");
    }
}

#[tokio::test]
async fn the_limit_and_failures_look_like_graphs() {
    let entra = Entra::new();
    let response = entra.tenant.throttled();
    assert_eq!(response.status().as_u16(), 429);
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    assert_eq!(header("retry-after"), "2");
    assert_eq!(header("x-ms-throttle-information"), "WriteLimitExceeded");
    assert!(header("x-ms-throttle-scope").ends_with(seed::ENTRA_TENANT));
    assert!(!header("request-id").is_empty());
    entra.tenant.configure(|options| options.retry_after = None);
    assert!(entra.tenant.throttled().headers().get("retry-after").is_none());
    assert_eq!(entra.tenant.failed(503).status().as_u16(), 503);
}

#[tokio::test]
async fn writes_are_told_from_reads() {
    let entra = Entra::new();
    let write = |host: &'static str, method: &str, path: &str| {
        let mut headers = axum::http::HeaderMap::new();
        headers.insert("host", host.parse().expect("a host"));
        entra.tenant.classify(&CallView { method, path, headers: &headers, body: b"" }).write
    };
    assert!(write(seed::GRAPH_HOST, "POST", "/v1.0/applications"));
    assert!(write("127.0.0.1:4444", "PATCH", "/v1.0/applications/x"));
    assert!(!write(seed::GRAPH_HOST, "GET", "/v1.0/applications"));
    assert!(!write(seed::LOGIN_HOST, "POST", "/x/oauth2/v2.0/token"));
}

#[tokio::test]
async fn reset_puts_everything_back() {
    let entra = Entra::new();
    let before = entra.tenant.state();
    entra.app("x").await;
    entra.delete(FOREIGN).await.expect(204);
    entra.tenant.configure(|options| options.flapping = true);
    assert_ne!(entra.tenant.state(), before);
    entra.tenant.reset();
    assert_eq!(entra.tenant.state(), before);
    entra.token().await;
}
