//! Who may do what.

use extoauth_sandbox::world::{Caller, System};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::client::{ACCOUNT, Client, okta_configuration, redshift_connection, writable};

#[tokio::test]
async fn tokens() {
    let client = Client::new();
    for authorization in ["", "Basic abc", "Token nonsense", "dbts_sandbox"] {
        let stranger = Client { authorization: authorization.into(), ..client.clone() };
        let (status, body) = stranger.call("GET", "/connections/", None).await;
        assert_eq!(status, 401);
        assert_eq!(body["status"]["user_message"], "Unauthorized: Invalid or expired token.");
        assert_eq!(body["status"]["is_success"], false);
    }
    let bearer = client.with_token(client.account.automation_token());
    assert_eq!(bearer.call("GET", "/oauth-configurations/", None).await.0, 200);
    assert_eq!(client.send("GET", "/api/v3/accounts/1/connections/", None).await.0, 404);
}

#[tokio::test]
async fn permission_sets_and_projects() {
    let client = Client::new();
    let token = async |grants: Value| {
        let made =
            client.data("POST", "/service-tokens/", Some(&json!({"name": "t", "permission_grants": grants}))).await;
        let token = made["token_string"].as_str().expect("shown once").to_owned();
        let again = client.data("GET", "/service-tokens/", None).await;
        assert!(!again.to_string().contains(&token), "a token is shown once");
        (made["id"].clone(), client.with_token(&token))
    };
    let (_, creator) = token(json!([{"permission_set": "project_creator"}])).await;
    assert_eq!(creator.call("POST", "/connections/", Some(&redshift_connection(&Value::Null))).await.0, 200);
    let (status, body) = creator.call("POST", "/oauth-configurations/", Some(&okta_configuration())).await;
    assert_eq!(status, 403);
    assert!(
        body["status"]["user_message"].as_str().is_some_and(|m| m.starts_with("Forbidden: You do not have permission"))
    );

    let (id, job_admin) = token(json!([{"permission_set": "job_admin", "project_id": 70001}])).await;
    let environment = client.data("GET", "/projects/70001/environments/90001/", None).await;
    assert_eq!(
        job_admin.call("POST", "/projects/70001/environments/90001/", Some(&writable(&environment))).await.0,
        200
    );
    assert_eq!(job_admin.call("POST", "/connections/", Some(&redshift_connection(&Value::Null))).await.0, 403);
    let (status, body) = job_admin.call("GET", "/projects/70002/environments/90011/", None).await;
    assert_eq!(status, 404, "a project out of sight");
    assert_eq!(
        body["status"]["user_message"],
        "The requested resource was not found. Please check that you have the proper permissions."
    );
    let listed = job_admin.data("GET", "/environments/", None).await;
    assert_eq!(listed.as_array().map(Vec::len), Some(2));

    assert_eq!(client.call("DELETE", &format!("/service-tokens/{id}/"), None).await.0, 204);
    assert_eq!(job_admin.call("GET", "/connections/", None).await.0, 401);
}

#[tokio::test]
async fn ip_restrictions_shut_out_the_functions_only() {
    let client = Client::new();
    client.account.set_ip_restricted(true);
    assert_eq!(client.call("GET", "/connections/", None).await.0, 200);
    let function =
        Client { caller: Some(Caller("provision".into())), ..client.with_token(client.account.automation_token()) };
    let (status, body) = function.call("GET", "/connections/", None).await;
    assert_eq!(status, 403);
    assert_eq!(body["status"]["user_message"], "Forbidden: Access denied");
    assert_eq!(body["data"]["account_access_denied"], true);
    assert_eq!(body["data"]["is_service_token"], true);
    client.account.reset();
    assert_eq!(function.call("GET", "/connections/", None).await.0, 200);
}

#[tokio::test]
async fn too_many_calls_cost_five_minutes() {
    let client = Client::new();
    client.account.set_rate_limit(2);
    let mut last = 0;
    // A minute may end between two calls.
    for _ in 0..6 {
        last = client.call("GET", "/connections/", None).await.0;
        if last == 429 {
            break;
        }
    }
    assert_eq!(last, 429);
    let answer = client.answer("GET", &format!("{ACCOUNT}/connections/"), None).await;
    assert_eq!(answer.status(), 429);
    assert!(!answer.headers().contains_key("retry-after"), "promised for SCIM only");
    client.world.clock.advance(SignedDuration::from_secs(290));
    assert_eq!(client.call("GET", "/connections/", None).await.0, 429);
    client.world.clock.advance(SignedDuration::from_secs(15));
    assert_eq!(client.call("GET", "/connections/", None).await.0, 200);
}

#[tokio::test]
async fn a_path_without_its_slash_is_another_path() {
    let client = Client::new();
    let (status, body) = client.call("GET", "/connections", None).await;
    assert_eq!(status, 404);
    assert!(body.is_string(), "not JSON");
    assert_eq!(client.call("GET", "/connections/abc/", None).await.0, 404);
    assert_eq!(client.call("PUT", "/connections/", Some(&json!({}))).await.0, 405);
}

#[tokio::test]
async fn only_a_developer_links_a_credential() {
    let client = Client::new();
    let (user, token) = client.account.developer_token("dev1@example.com").expect("seeded");
    let path = format!("/api/v3/users/{user}/credentials/");
    assert_eq!(client.send("GET", &path, None).await.0, 403, "no service token");
    let developer = client.with_token(&token);
    assert_eq!(developer.send("GET", "/api/v3/users/102/credentials/", None).await.0, 403, "nor another user");
    let (status, links) = developer.send("GET", &path, None).await;
    assert_eq!((status, links["data"].as_array().map(Vec::len)), (200, Some(2)));
    let credential = json!({"account_id": 54321, "type": "redshift", "state": 1, "threads": 4,
        "auth_type": "external_oauth", "default_schema": "dbt_dev1", "target_name": "default"});
    let credential = developer.data("POST", "/projects/70001/credentials/", Some(&credential)).await;
    let link = json!({"account_id": 54321, "user_id": user, "project_id": 70001, "credentials_id": credential["id"],
        "state": 1});
    assert_eq!(developer.send("POST", &path, Some(&link)).await.0, 200);
}
