//! The tenant in a whole sandbox: its host names, the administrator's door, configuration, record and faults.

use extoauth_sandbox::sandbox::{Options, Sandbox};
use extoauth_sandbox::seed;
use extoauth_sandbox::world::FaultSpec;
use serde_json::{Value, json};

use crate::support::text;

#[tokio::test]
async fn its_hosts_and_its_door_lead_to_the_same_objects() {
    let sandbox = Sandbox::start(Options::in_process()).await.expect("a sandbox");
    let settings = &sandbox.systems_config()["entra"][seed::ENTRA_NAME];
    assert_eq!(settings["tenant_id"], seed::ENTRA_TENANT);
    let all = sandbox.sandbox_json();
    let admin = &all["admin"]["entra"][seed::ENTRA_NAME];
    let door = format!("{}/v1.0/applications", text(&admin["graph"]));
    let direct = reqwest::Client::builder().no_proxy().build().expect("a client");
    let token = text(&admin["token"]);
    let create = || {
        let body = json!({"displayName": "x", "signInAudience": "AzureADMyOrg"}).to_string();
        direct.post(&door).bearer_auth(&token).header("content-type", "application/json").body(body).send()
    };
    let made: Value = create().await.expect("an answer").json().await.expect("JSON");

    let root = reqwest::Certificate::from_pem(sandbox.ca_pem().as_bytes()).expect("a certificate");
    let proxy = reqwest::Proxy::https(sandbox.proxy_url("provision")).expect("a proxy");
    let client = reqwest::Client::builder().proxy(proxy).tls_certs_only([root]).build().expect("a client");
    let one = format!("{}/v1.0/applications(appId='{}')", text(&settings["graph"]), text(&made["appId"]));
    let read = client.get(one).bearer_auth(&token).send().await.expect("an answer");
    assert_eq!(read.status().as_u16(), 200);
    for url in [
        format!("https://{}/{}/v2.0/.well-known/openid-configuration", seed::LOGIN_HOST, seed::ENTRA_TENANT),
        format!("https://{}/{}/.well-known/openid-configuration", seed::STS_WINDOWS_HOST, seed::ENTRA_TENANT),
    ] {
        assert_eq!(client.get(&url).send().await.expect("an answer").status().as_u16(), 200, "{url}");
    }
    let state = sandbox.state().await.expect("a state");
    let apps = state["entra"][seed::ENTRA_NAME]["applications"].as_array().expect("a list").clone();
    assert!(apps.iter().any(|app| app["id"] == made["id"]));

    // The world's lag is the tenant's, and its limit looks like Graph's.
    sandbox.world.faults.add(vec![FaultSpec::new("entra", "/v1.0/applications", "lag:60000")]).expect("a fault");
    let late: Value = create().await.expect("an answer").json().await.expect("JSON");
    let path = format!("{door}/{}", text(&late["id"]));
    let get = || direct.get(&path).bearer_auth(&token).send();
    assert_eq!(get().await.expect("an answer").status().as_u16(), 404);
    sandbox.world.faults.add(vec![FaultSpec::new("entra", "/v1.0/*", "throttle")]).expect("a fault");
    let limited = get().await.expect("an answer");
    assert_eq!(limited.status().as_u16(), 429);
    assert!(limited.headers().contains_key("retry-after"));

    let calls = serde_json::to_value(sandbox.world.calls.after(0)).expect("JSON");
    let writes = calls.as_array().expect("a list").iter().filter(|call| call["write"] == true).count();
    assert_eq!(writes, 2);
    sandbox.shutdown().await;
}
