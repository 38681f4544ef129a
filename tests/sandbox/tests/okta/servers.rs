//! Authorization servers, and what is in them.

use std::time::Duration;

use extoauth_sandbox::okta::OrgOptions;
use serde_json::{Value, json};

use crate::support::{AUDIENCE, Okta, policy, rule, text};

const SERVERS: &str = "/api/v1/authorizationServers";

#[tokio::test]
async fn a_new_server_has_system_scopes_and_claims_and_no_policy() {
    let okta = Okta::new();
    let body =
        json!({"name": "Redshift", "audiences": [AUDIENCE], "credentials": {"signing": {"rotationMode": "MANUAL"}}});
    let made = okta.post(SERVERS, body).await.expect(201);
    let id = text(&made["id"]);
    assert_eq!(made["issuer"], format!("https://acme.okta.com/oauth2/{id}"));
    assert_eq!(made["credentials"]["signing"]["rotationMode"], "AUTO", "MANUAL is ignored at creation");
    assert!(made["credentials"]["signing"]["nextRotation"].is_string());
    assert_eq!((&made["description"], &made["default"]), (&Value::Null, &json!(false)));
    let scopes = okta.get(&format!("{SERVERS}/{id}/scopes")).await;
    assert!(scopes.link("self").is_none());
    assert_eq!(scopes.expect(200).as_array().map(Vec::len), Some(7));
    let claims = okta.get(&format!("{SERVERS}/{id}/claims")).await.expect(200);
    let access: Vec<_> =
        claims.as_array().expect("a list").iter().filter(|claim| claim["claimType"] == "RESOURCE").collect();
    assert_eq!((claims.as_array().map(Vec::len), access.len()), (Some(19), 1));
    assert_eq!(access[0]["name"], "sub");
    assert_eq!(okta.get(&format!("{SERVERS}/{id}/policies")).await.expect(200), json!([]));
}

#[tokio::test]
async fn put_answers_with_a_stale_time_and_can_set_manual_rotation() {
    let okta = Okta::new();
    let id = okta.make_server("Redshift").await;
    let path = format!("{SERVERS}/{id}");
    let before = okta.get(&path).await.expect(200);
    okta.world.clock.advance(jiff::SignedDuration::from_mins(5));
    let body = json!({"name": "Redshift", "description": "new", "audiences": [AUDIENCE],
        "credentials": {"signing": {"rotationMode": "MANUAL"}}});
    let put = okta.put(&path, body).await.expect(200);
    assert_eq!(put["lastUpdated"], before["lastUpdated"]);
    assert_eq!(put["credentials"]["signing"].get("nextRotation"), None);
    assert_ne!(okta.get(&path).await.expect(200)["lastUpdated"], before["lastUpdated"]);
}

#[tokio::test]
async fn search_finds_names_and_audiences_and_deletion_wants_inactive() {
    let okta = Okta::new();
    let id = okta.make_server("One").await;
    let by_audience = okta.get(&format!("{SERVERS}?q=wg.123456789012&limit=200")).await;
    assert!(by_audience.link("self").is_some());
    assert_eq!(by_audience.expect(200)[0]["id"], json!(id));
    okta.delete(&format!("{SERVERS}/{id}")).await.refused(400, "E0000001");
    okta.call("POST", &format!("{SERVERS}/{id}/lifecycle/deactivate"), None).await.expect(204);
    okta.delete(&format!("{SERVERS}/{id}")).await.expect(204);
    let default = okta.get(&format!("{SERVERS}/default")).await.expect(200);
    assert_eq!(default["issuer"], "https://acme.okta.com/oauth2/default");
    assert!(text(&default["id"]).starts_with("aus"));
    okta.delete(&format!("{SERVERS}/default")).await.refused(403, "E0000006");
    let two = json!({"name": "x", "audiences": ["a", "b"]});
    okta.post(SERVERS, two).await.refused(400, "E0000001");
}

#[tokio::test]
async fn an_org_without_the_licence_says_401() {
    let okta = Okta::with(OrgOptions { api_access_management: false, ..OrgOptions::default() });
    okta.get(&format!("{SERVERS}/default")).await.refused(401, "E0000015");
    okta.post(SERVERS, json!({})).await.refused(401, "E0000015");
    okta.org.configure(|options| options.api_access_management = true);
    okta.get(&format!("{SERVERS}/default")).await.expect(200);
}

#[tokio::test]
async fn only_published_scopes_are_in_the_metadata() {
    let okta = Okta::new();
    let id = okta.make_server("Redshift").await;
    let made = okta.post(&format!("{SERVERS}/{id}/scopes"), json!({"name": "session:role-any"})).await.expect(201);
    assert_eq!((&made["metadataPublish"], &made["consent"]), (&json!("NO_CLIENTS"), &json!("IMPLICIT")));
    let metadata = format!("/oauth2/{id}/.well-known/oauth-authorization-server");
    let supported = |document: &Value| document["scopes_supported"].to_string().contains("session:role-any");
    assert!(!supported(&okta.get(&metadata).await.expect(200)));
    let path = format!("{SERVERS}/{id}/scopes/{}", text(&made["id"]));
    okta.put(&path, json!({"name": "session:role-any", "metadataPublish": "ALL_CLIENTS"})).await.expect(200);
    assert!(supported(&okta.get(&metadata).await.expect(200)));
    let rfc8414 = format!("/.well-known/oauth-authorization-server/oauth2/{id}");
    assert_eq!(okta.get(&rfc8414).await.expect(200), okta.get(&metadata).await.expect(200));
    for name in ["okta.x", "a b", "*", ""] {
        okta.post(&format!("{SERVERS}/{id}/scopes"), json!({"name": name})).await.refused(400, "E0000001");
    }
    okta.post(&format!("{SERVERS}/{id}/scopes"), json!({"name": "session:role-any"})).await.refused(400, "E0000001");
    okta.get("/oauth2/aus00000000000000000/.well-known/openid-configuration").await.refused(404, "E0000007");
    let bad_client = okta.get(&format!("{metadata}?client_id=nobody")).await;
    bad_client.refused(400, "invalid_client");
}

#[tokio::test]
async fn claims_are_normalised() {
    let okta = Okta::new();
    let id = okta.make_server("Redshift").await;
    let body = json!({"name": "email", "status": "ACTIVE", "claimType": "RESOURCE", "valueType": "EXPRESSION",
        "value": "user.email", "conditions": {}, "alwaysIncludeInToken": true});
    let made = okta.post(&format!("{SERVERS}/{id}/claims"), body.clone()).await.expect(201);
    assert_eq!(made["conditions"], json!({"scopes": []}));
    assert_eq!(made["apiResourceId"], Value::Null);
    okta.post(&format!("{SERVERS}/{id}/claims"), body).await.refused(400, "E0000001");
    okta.delete(&format!("{SERVERS}/{id}/claims/{}", text(&made["id"]))).await.expect(204);
}

#[tokio::test]
async fn policies_need_existing_clients_and_keep_contiguous_priorities() {
    let okta = Okta::new();
    let id = okta.make_server("Redshift").await;
    let path = format!("{SERVERS}/{id}/policies");
    let cause = okta.post(&path, policy("a", "0oadoesnotexist00000")).await.refused(400, "E0000001");
    assert_eq!(cause, "conditions.clients.include: Resource not found");
    let mut ids = Vec::new();
    for (name, priority) in [("first", 1), ("second", 99_999), ("third", 1)] {
        let mut body = policy(name, "ALL_CLIENTS");
        body["priority"] = json!(priority);
        ids.push(text(&okta.post(&path, body).await.expect(201)["id"]));
    }
    let list = okta.get(&path).await.expect(200);
    let order: Vec<_> = list
        .as_array()
        .expect("a list")
        .iter()
        .map(|policy| (text(&policy["name"]), policy["priority"].clone()))
        .collect();
    assert_eq!(
        order,
        [("third".to_owned(), json!(1)), ("first".to_owned(), json!(2)), ("second".to_owned(), json!(3))]
    );
    okta.delete(&format!("{path}/{}", ids[2])).await.expect(204);
    assert_eq!(okta.get(&format!("{path}/{}", ids[1])).await.expect(200)["priority"], 2);
    okta.call("POST", &format!("{path}/{}/lifecycle/deactivate", ids[0]), None).await.expect(204);
    let mut body = policy("first", "ALL_CLIENTS");
    body["status"] = json!("ACTIVE");
    let put = okta.put(&format!("{path}/{}", ids[0]), body).await.expect(200);
    assert_eq!(put["status"], "INACTIVE", "PUT does not flip the status");
}

#[tokio::test]
async fn rules_are_normalised_and_their_lifetimes_checked() {
    let okta = Okta::new();
    let setup = okta.setup().await;
    let path = format!("{SERVERS}/{}/policies/{}/rules", setup.server, setup.policy);
    let mut body = rule("defaults", 60, 0, 10_080);
    body["actions"] = json!({"token": {}});
    body["conditions"]["scopes"] = json!({});
    body["conditions"]["people"]["users"] = json!({});
    let made = okta.post(&path, body).await.expect(201);
    assert_eq!(made["conditions"]["people"], json!({"users": {"exclude": []}, "groups": {"include": ["EVERYONE"]}}));
    assert_eq!(made["conditions"]["scopes"], json!({"include": []}));
    let defaults = json!({"accessTokenLifetimeMinutes": 60, "refreshTokenLifetimeMinutes": 0, "refreshTokenWindowMinutes": 10_080});
    assert_eq!(made["actions"]["token"], defaults, "the idle window is seven days unless sent");
    for (access, refresh, window) in [(4, 0, 60), (60, 30, 60), (60, 120, 240), (60, 0, 4)] {
        okta.post(&path, rule("bad", access, refresh, window)).await.refused(400, "E0000001");
    }
    assert_eq!(
        okta.get(&format!("{path}/{}", setup.rule)).await.expect(200)["priority"],
        2,
        "the newer one came first"
    );
}

#[tokio::test]
async fn parallel_policy_writes_can_be_refused() {
    let okta = Okta::with(OrgOptions { policy_write: Some(Duration::from_millis(100)), ..OrgOptions::default() });
    let id = okta.make_server("Redshift").await;
    let path = format!("{SERVERS}/{id}/policies");
    let both = tokio::join!(okta.post(&path, policy("a", "ALL_CLIENTS")), okta.post(&path, policy("b", "ALL_CLIENTS")));
    let mut statuses = [both.0.status.as_u16(), both.1.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 423]);
}

#[tokio::test]
async fn keys_rotate() {
    let okta = Okta::new();
    let id = okta.make_server("Redshift").await;
    let path = format!("{SERVERS}/{id}/credentials");
    let before = okta.get(&format!("{path}/keys")).await.expect(200);
    assert_eq!((&before[0]["status"], &before[1]["status"]), (&json!("ACTIVE"), &json!("NEXT")));
    let bad = okta.post(&format!("{path}/lifecycle/keyRotate"), json!({"use": "enc"})).await;
    assert_eq!(bad.refused(400, "E0000001"), "Invalid value specified for key 'use' parameter.");
    let after = okta.post(&format!("{path}/lifecycle/keyRotate"), json!({"use": "sig"})).await.expect(200);
    assert_eq!((&after[0]["kid"], &after[2]["kid"]), (&before[1]["kid"], &before[0]["kid"]));
    let published = okta.get(&format!("/oauth2/{id}/v1/keys")).await.expect(200);
    assert_eq!(published["keys"].as_array().map(Vec::len), Some(2), "active and expired");
}

#[tokio::test]
async fn a_custom_domain_changes_the_issuer() {
    let domain = Some("login.example.com".to_owned());
    let okta = Okta::with(OrgOptions { custom_domain: domain, ..OrgOptions::default() });
    let made = okta.post(SERVERS, json!({"name": "x", "audiences": ["a"]})).await.expect(201);
    assert_eq!(made["issuerMode"], "CUSTOM_URL");
    assert!(text(&made["issuer"]).starts_with("https://login.example.com/oauth2/aus"));
    let pinned = okta.make_server("pinned").await;
    let metadata = okta.get(&format!("/oauth2/{pinned}/.well-known/openid-configuration")).await.expect(200);
    assert_eq!(metadata["issuer"], format!("https://acme.okta.com/oauth2/{pinned}"));
    let plain = Okta::new();
    let body = json!({"name": "x", "audiences": ["a"], "issuerMode": "CUSTOM_URL"});
    plain.post(SERVERS, body).await.refused(400, "E0000001");
}
