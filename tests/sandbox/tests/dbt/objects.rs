//! The traps of the objects.

use std::time::Duration;

use extoauth_sandbox::dbt::Unconfirmed;
use extoauth_sandbox::world::{Lag, System};
use serde_json::{Value, json};

use crate::client::{Client, okta_configuration, redshift_connection, writable};

#[tokio::test]
async fn the_account_at_start() {
    let client = Client::new();
    let all = client.data("GET", "/environments/", None).await;
    let ids: Vec<u64> = all.as_array().expect("a list").iter().filter_map(|row| row["id"].as_u64()).collect();
    assert_eq!(ids, [90001, 90002, 90011]);
    let mut connections: Vec<u64> =
        all.as_array().expect("a list").iter().filter_map(|row| row["connection_id"].as_u64()).collect();
    connections.dedup();
    assert_eq!(connections.len(), 3, "each environment has a connection of its own");
    let connection = client.data("GET", "/connections/81001/", None).await;
    let endpoints = client.data("GET", "/private-endpoints/", None).await;
    assert_eq!(connection["private_link_endpoint_id"], endpoints[0]["id"]);
    assert_eq!(endpoints[0]["connection_count"], 1);
    let credentials = client.data("GET", "/projects/70001/credentials/", None).await;
    assert_eq!(credentials.as_array().map(Vec::len), Some(6), "five developers and the deployment");
    assert!(credentials.as_array().is_some_and(|rows| rows.iter().all(|row| row["auth_type"] == "password")));
    let (_, tunnels) =
        client.send("GET", "/api/v2/accounts/54321/encryptions/?connection_id=81002&state=1", None).await;
    assert_eq!(tunnels["data"][0]["hostname"], "bastion.example.net");
    let (_, accounts) = client.send("GET", "/api/v2/accounts/", None).await;
    assert_eq!(accounts["data"][0]["id"], 54321);
}

#[tokio::test]
async fn oauth_configurations() {
    let client = Client::new();
    let path = "/oauth-configurations/";
    let made = client.data("POST", path, Some(&okta_configuration())).await;
    assert!(made.get("client_secret").is_none() && made.get("state").is_none());
    let id = made["id"].as_u64().expect("an id");
    assert_eq!(client.account.oauth_client_secret(id).as_deref(), Some("s3cret"));
    let shown = &client.account.state()["oauth-configurations"][0];
    assert_eq!(shown["client_secret"]["sha256"], "1ec1c26b50d5d3c58d9583181af8076655fe00756bf7285940ba3670f99fcba0");

    // Names are labels.
    assert_eq!(client.call("POST", path, Some(&okta_configuration())).await.0, 200);
    let listed = client.data("GET", "/oauth-configurations/?client_id=0oa1&limit=1", None).await;
    assert_eq!(listed.as_array().map(Vec::len), Some(1));

    let refused = async |change: Value, field: &str| {
        let mut body = okta_configuration();
        for (key, value) in change.as_object().expect("an object") {
            body[key] = value.clone();
        }
        let (status, answer) = client.call("POST", path, Some(&body)).await;
        assert_eq!(status, 400, "{change}");
        assert!(answer["data"][field].is_string(), "{answer}");
    };
    refused(json!({"client_secret": ""}), "client_secret").await;
    refused(json!({"type": "ping"}), "type").await;
    refused(json!({"account_id": 1}), "account_id").await;
    refused(json!({"extra_data": {"application_id_uri": "api://x"}}), "extra_data").await;
    refused(json!({"type": "entra"}), "extra_data").await;
    refused(json!({"type": "entra", "extra_data": {}}), "extra_data").await;

    let one = format!("{path}{id}/");
    let renamed = json!({"account_id": 54321, "type": "okta", "name": "renamed"});
    let changed = client.data("POST", &one, Some(&renamed)).await;
    assert_eq!((changed["name"].as_str(), changed["client_id"].as_str()), (Some("renamed"), Some("0oa1")));
    assert_eq!(client.account.oauth_client_secret(id).as_deref(), Some("s3cret"));
    assert_eq!(client.call("PATCH", &one, Some(&renamed)).await.0, 405);
    client.account.set_unconfirmed(Unconfirmed { configuration_update_replaces: true, ..Unconfirmed::default() });
    let changed = client.data("POST", &one, Some(&renamed)).await;
    assert_eq!(changed["client_id"], Value::Null);
    assert_eq!(client.account.oauth_client_secret(id), None);
}

#[tokio::test]
async fn deleting_what_is_in_use() {
    let client = Client::new();
    let configuration = client.data("POST", "/oauth-configurations/", Some(&okta_configuration())).await;
    let connection = client.data("POST", "/connections/", Some(&redshift_connection(&configuration["id"]))).await;
    let configuration = format!("/oauth-configurations/{}/", configuration["id"]);
    let connection = format!("/connections/{}/", connection["id"]);
    assert_eq!(client.call("DELETE", &configuration, None).await.0, 400);
    assert_eq!(client.call("DELETE", "/connections/81001/", None).await.0, 400);
    let cleared = client.data("PATCH", &connection, Some(&json!({"oauth_configuration_id": null}))).await;
    assert_eq!(cleared["oauth_configuration_id"], Value::Null);
    assert_eq!(client.call("DELETE", &configuration, None).await, (204, json!("")));
    assert_eq!(client.call("GET", &configuration, None).await.0, 404);
    assert_eq!(client.call("DELETE", &configuration, None).await.0, 404);
    let deleted = client.data("GET", "/oauth-configurations/?state=deleted", None).await;
    assert_eq!(deleted.as_array().map(Vec::len), Some(1));
    client.account.set_unconfirmed(Unconfirmed { delete_has_body: true, ..Unconfirmed::default() });
    assert_eq!(client.call("DELETE", &connection, None).await.0, 200);
}

#[tokio::test]
async fn connections() {
    let client = Client::new();
    let made = client.data("POST", "/connections/", Some(&redshift_connection(&Value::Null))).await;
    assert!(made["oauth_redirect_uri"].is_string());
    let listed = client.data("GET", "/connections/?name__icontains=ANALYTICS-dev", None).await;
    assert_eq!(listed[0]["config"], Value::Null, "a list never shows it");
    assert_eq!(listed[0]["environment__count"], 0);

    let one = format!("/connections/{}/", made["id"]);
    let unknown = [json!({"auth_method": "external"}), json!({"adapter_version": "redshift_v0"})];
    for body in unknown {
        let (status, answer) = client.call("PATCH", &one, Some(&body)).await;
        assert_eq!((status, answer["error_code"].clone()), (400, Value::Null));
        assert!(answer.get("error_code").is_some(), "the newer envelope");
    }
    let changed = client.data("PATCH", &one, Some(&json!({"config": {"dbname": "other"}}))).await;
    assert_eq!(changed["config"]["hostname"], "wg.example.com");
    assert_eq!(changed["config"]["dbname"], "other");
    let mut no_database = redshift_connection(&Value::Null);
    no_database["config"] = json!({"hostname": "h"});
    assert_eq!(client.call("POST", "/connections/", Some(&no_database)).await.1["data"]["dbname"], "field required");
    let dangling = json!({"oauth_configuration_id": 424_242});
    assert_eq!(client.call("PATCH", &one, Some(&dangling)).await.0, 500);
    assert_eq!(client.call("PATCH", &one, Some(&json!({"private_link_endpoint_id": "nope"}))).await.0, 400);
}

#[tokio::test]
async fn an_environment_is_replaced_whole() {
    let client = Client::new();
    let path = "/projects/70001/environments/90001/";
    let before = client.data("GET", path, None).await;
    assert_eq!(before["custom_branch"], "develop");
    assert_eq!(before["extended_attributes_id"], 85001);

    let changed = client.data("POST", path, Some(&writable(&before))).await;
    assert_eq!(writable(&changed), writable(&before));

    let mut echo = client.data("GET", "/projects/70001/environments/90002/", None).await;
    let (status, answer) = client.call("POST", "/projects/70001/environments/90002/", Some(&echo)).await;
    assert_eq!(status, 400);
    let message = answer["data"]["credentials"].as_str().expect("names the field");
    assert!(message.ends_with("is not valid under any of the given schemas"), "{message}");
    echo["credentials"] = Value::Null;
    assert_eq!(client.call("POST", "/projects/70001/environments/90002/", Some(&echo)).await.0, 200);

    let mut zero = writable(&before);
    zero["extended_attributes_id"] = json!(0);
    let (status, answer) = client.call("POST", path, Some(&zero)).await;
    assert_eq!(status, 500);
    assert_eq!(answer["status"]["user_message"], "There was a server error. Please contact support!");

    let partial = json!({
        "account_id": 54321, "project_id": 70001, "name": "Development", "dbt_version": "latest",
        "type": "development", "use_custom_branch": false, "supports_docs": false, "state": 1,
    });
    let wiped = client.data("POST", path, Some(&partial)).await;
    for field in ["connection_id", "custom_branch", "extended_attributes_id"] {
        assert_eq!(wiped[field], Value::Null, "{field}");
    }
    let mut missing = partial.clone();
    missing.as_object_mut().expect("an object").remove("dbt_version");
    assert_eq!(client.call("POST", path, Some(&missing)).await.0, 400);
    let (status, _) = client.call("POST", "/projects/70001/environments/", Some(&partial)).await;
    assert_eq!(status, 400, "one development environment a project");
}

#[tokio::test]
async fn what_a_developer_connects_with() {
    let client = Client::new();
    let account = &client.account;
    assert!(account.development_login(70001, 90001).is_err(), "no external OAuth yet");
    let configuration = client.data("POST", "/oauth-configurations/", Some(&okta_configuration())).await;
    let connection = client.data("POST", "/connections/", Some(&redshift_connection(&configuration["id"]))).await;
    let path = "/projects/70001/environments/90001/";
    let mut environment = writable(&client.data("GET", path, None).await);
    environment["connection_id"] = connection["id"].clone();
    client.data("POST", path, Some(&environment)).await;
    let login = account.development_login(70001, 90001).expect("set up");
    assert_eq!((login.client_id.as_str(), login.client_secret.as_deref()), ("0oa1", Some("s3cret")));
    assert_eq!((login.hostname.as_str(), login.port), ("wg.example.com", 5439));
    environment["dbt_version"] = json!("latest-fusion");
    client.data("POST", path, Some(&environment)).await;
    assert!(account.development_login(70001, 90001).is_err(), "Fusion");
    let logs = client.data("GET", "/audit-logs/", None).await;
    assert_eq!(logs[0]["event_type"], "environment.changed", "the newest first");
    assert!(logs.as_array().is_some_and(|logs| logs.iter().all(|log| log["event_type"] != "oauth_client.added")));
}

#[tokio::test]
async fn pages_hold_a_hundred() {
    let client = Client::new();
    for _ in 0..101 {
        client.data("POST", "/oauth-configurations/", Some(&okta_configuration())).await;
    }
    let (_, first) = client.call("GET", "/oauth-configurations/?limit=1000", None).await;
    assert_eq!(first["extra"]["pagination"], json!({"count": 100, "total_count": 101}));
    let (_, second) = client.call("GET", "/oauth-configurations/?offset=100", None).await;
    assert_eq!(second["extra"]["pagination"], json!({"count": 1, "total_count": 101}));
}

#[tokio::test]
async fn replication_hides_what_was_just_made() {
    let client = Client { lag: Some(Lag(Duration::from_millis(150))), ..Client::new() };
    let made = client.data("POST", "/oauth-configurations/", Some(&okta_configuration())).await;
    let path = format!("/oauth-configurations/{}/", made["id"]);
    assert_eq!(client.call("GET", &path, None).await.0, 404);
    assert_eq!(client.data("GET", "/oauth-configurations/", None).await, json!([]));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(client.call("GET", &path, None).await.0, 200);
}

#[tokio::test]
async fn reset_brings_back_the_start() {
    let client = Client::new();
    let before = client.account.state();
    client.data("POST", "/oauth-configurations/", Some(&okta_configuration())).await;
    assert_ne!(client.account.state(), before);
    client.account.reset();
    let ids = |state: &Value, name: &str| -> Vec<Value> {
        state[name].as_array().into_iter().flatten().map(|row| row["id"].clone()).collect()
    };
    for name in ["oauth-configurations", "connections", "environments", "credentials", "service-tokens"] {
        assert_eq!(ids(&client.account.state(), name), ids(&before, name), "{name}");
    }
}
