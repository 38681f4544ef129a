//! Client secrets, certificates and federated credentials.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::{Entra, text};

fn ahead(days: i64) -> String {
    (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[tokio::test]
async fn a_secret_is_shown_once() {
    let entra = Entra::new();
    let app = entra.app("x").await;
    let path = format!("/applications/{}", text(&app["id"]));
    let reply = entra.post(&format!("{path}/addPassword"), json!({})).await;
    assert_eq!(reply.header("location"), "https://graph.microsoft.com");
    let made = reply.expect(200);
    assert_eq!(made["@odata.context"], "https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.passwordCredential");
    let secret = text(&made["secretText"]);
    assert_eq!(secret.len(), 40);
    assert_eq!(made["hint"], json!(&secret[..3]));
    let years = |name: &str| text(&made[name])[..4].parse::<i32>().expect("a year");
    assert_eq!(years("endDateTime") - years("startDateTime"), 2, "the default");
    let read = entra.get(&path).await.expect(200);
    assert_eq!(read["passwordCredentials"][0]["secretText"], Value::Null);
    assert_eq!(read["passwordCredentials"][0]["keyId"], made["keyId"]);
    let state = extoauth_sandbox::world::System::state(&*entra.tenant);
    let held = state["applications"].as_array().expect("a list").iter().find(|one| one["id"] == app["id"]);
    let digest = &held.expect("the application")["passwordCredentials"][0]["secretText"]["sha256"];
    assert_eq!(text(digest).len(), 64);
    assert!(!state.to_string().contains(&secret));

    let far = json!({"passwordCredential": {"displayName": "far", "endDateTime": "2100-12-31T11:59:59Z"}});
    let far = entra.post(&format!("{path}/addPassword"), far).await.expect(200);
    assert_eq!(far["endDateTime"], "2100-12-31T11:59:59Z", "the API has no upper limit");
    let past = json!({"passwordCredential": {"startDateTime": "2020-01-01T00:00:00Z"}});
    entra.post(&format!("{path}/addPassword"), past).await.refused(400, "KeyCredentialsInvalidStartDate");

    let removing = format!("{path}/removePassword");
    let remove = |key: Value| entra.post(&removing, json!({"keyId": key}));
    let reply = remove(made["keyId"].clone()).await;
    assert!(reply.headers.get("content-type").is_none());
    reply.expect(204);
    let message = remove(made["keyId"].clone()).await.refused(400, "Request_BadRequest");
    assert!(message.starts_with("No password credential found with keyId"), "{message}");
}

#[tokio::test]
async fn the_policy_caps_secrets() {
    let entra = Entra::new();
    let id = text(&entra.app("x").await["id"]);
    let policy = "/policies/defaultAppManagementPolicy";
    let read = entra.get(policy).await.expect(200);
    assert_eq!(read["isEnabled"], false);
    let adding = format!("/applications/{id}/addPassword");
    let add = |days: i64| {
        let body = json!({"passwordCredential": {"displayName": "x", "endDateTime": ahead(days)}});
        entra.post(&adding, body)
    };
    add(400).await.expect(200);
    let restrict = |kind: &str, since: Value| {
        json!({"isEnabled": true, "applicationRestrictions": {"passwordCredentials": [{
            "restrictionType": kind, "state": "enabled", "maxLifetime": "P180D",
            "restrictForAppsCreatedAfterDateTime": since}]}})
    };
    entra.patch(policy, restrict("passwordLifetime", Value::Null)).await.expect(204);
    let refused = add(181).await;
    let message = refused.refused(400, "CredentialInvalidLifetimeAsPerAppPolicy");
    assert!(
        message.starts_with("Credential lifetime exceeds the max value allowed as per assigned policy '"),
        "{message}"
    );
    let body = refused.expect(400);
    assert_eq!(body["error"]["details"][0]["code"], "InvalidKeyEndDate");
    assert_eq!(body["error"]["details"][0]["target"], "EndDate");
    add(179).await.expect(200);
    // Only for newer applications.
    entra.patch(policy, restrict("passwordLifetime", json!("2099-01-01T00:00:00Z"))).await.expect(204);
    add(181).await.expect(200);
    entra.patch(policy, restrict("passwordAddition", Value::Null)).await.expect(204);
    add(1).await.refused(400, "CredentialTypeNotAllowedAsPerAppPolicy");
    // One of its own comes before the tenant's.
    let body = json!({"displayName": "exempt", "isEnabled": true, "restrictions": {"passwordCredentials": []}});
    let own = text(&entra.post("/policies/appManagementPolicies", body).await.expect(201)["id"]);
    let reference =
        json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/policies/appManagementPolicies/{own}")});
    entra.post(&format!("/applications/{id}/appManagementPolicies/$ref"), reference).await.expect(204);
    let listed = entra.get(&format!("/applications/{id}/appManagementPolicies")).await.expect(200);
    assert_eq!(listed["value"][0]["id"], json!(own));
    add(400).await.expect(200);
}

#[tokio::test]
async fn federated_credentials_have_rules() {
    let entra = Entra::new();
    let id = text(&entra.app("x").await["id"]);
    let path = format!("/applications/{id}/federatedIdentityCredentials");
    let body = |name: &str, subject: &str| {
        json!({"name": name, "issuer": "https://issuer.example.com", "subject": subject,
            "audiences": ["api://AzureADTokenExchange"]})
    };
    let made = entra.post(&path, body("aws", "role-1")).await.expect(201);
    let one = format!("{path}/{}", text(&made["id"]));
    assert_eq!(entra.get(&one).await.expect(200)["subject"], "role-1");
    entra.post(&path, body("aws", "role-2")).await.refused(409, "Request_MultipleObjectsWithSameKeyValue");
    entra.post(&path, body("other", "role-1")).await.refused(409, "Request_MultipleObjectsWithSameKeyValue");
    entra.post(&path, body("a b", "role-2")).await.refused(400, "Request_BadRequest");
    let mut two = body("two", "role-2");
    two["audiences"] = json!(["a", "b"]);
    entra.post(&path, two).await.refused(400, "Request_BadRequest");
    entra.patch(&one, json!({"name": "renamed"})).await.refused(400, "Request_BadRequest");
    entra.patch(&one, json!({"subject": "role-3"})).await.expect(204);
    assert_eq!(entra.get(&path).await.expect(200)["value"][0]["subject"], "role-3");
    for n in 2..=20 {
        entra.post(&path, body(&format!("more-{n}"), &format!("more-{n}"))).await.expect(201);
    }
    entra.post(&path, body("too-many", "x")).await.refused(400, "Request_BadRequest");
    entra.delete(&one).await.expect(204);
    entra.get(&one).await.refused(404, "Request_ResourceNotFound");
}

#[tokio::test]
async fn certificates_are_registered_by_patch() {
    let entra = Entra::new();
    let path = format!("/applications/{}", text(&entra.app("x").await["id"]));
    let (certificate, _) = entra.tenant.automation_certificate();
    let key = json!({"type": "AsymmetricX509Cert", "usage": "Verify", "key": STANDARD.encode(certificate),
        "displayName": "CN=x"});
    entra.patch(&path, json!({"keyCredentials": [key]})).await.expect(204);
    let read = entra.get(&path).await.expect(200);
    assert_eq!(read["keyCredentials"][0]["type"], "AsymmetricX509Cert");
    assert_eq!(read["keyCredentials"][0]["key"], Value::Null);
    let wrong = json!({"keyCredentials": [{"type": "Symmetric", "usage": "Sign", "key": "eA=="}]});
    entra.patch(&path, wrong).await.refused(400, "KeyCredentialsInvalidValue");
    let secret = json!({"passwordCredentials": [{"displayName": "x"}]});
    entra.patch(&path, secret).await.refused(400, "Request_BadRequest");
}
