//! What the sandbox around the org can do to it: state, reset, lag, limits, faults, log.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use extoauth_sandbox::okta::{OrgOptions, RateLimits};
use extoauth_sandbox::world::{CallView, Lag, System};
use serde_json::json;

use crate::support::{Okta, app, policy, text};

#[tokio::test]
async fn state_shows_everything_with_its_parents_and_reset_puts_it_back() {
    let okta = Okta::new();
    let before = okta.org.state();
    let setup = okta.setup().await;
    let tokens = okta.login(&setup).await;
    let state = okta.org.state();
    let find = |collection: &str, id: &str| {
        let list = state[collection].as_array().unwrap_or_else(|| panic!("{collection}"));
        list.iter().find(|object| object["id"] == id).unwrap_or_else(|| panic!("{collection} {id}")).clone()
    };
    assert_eq!(find("rules", &setup.rule)["policyId"], json!(setup.policy));
    assert_eq!(find("policies", &setup.policy)["authorizationServerId"], json!(setup.server));
    assert_eq!(find("scopes", &setup.scope)["name"], "session:role-any");
    let groups = state["groups"].as_array().expect("groups");
    assert!(groups.iter().any(|group| group["appId"] == json!(setup.app) && group["id"] == json!(setup.group)));
    let shown = state.to_string();
    for secret in [&setup.secret, &text(&tokens["refresh_token"]), &okta.org.admin_token().to_owned()] {
        assert!(!shown.contains(secret.as_str()));
    }
    let token = okta.org.admin_token().to_owned();
    okta.org.reset();
    assert_eq!(okta.org.state(), before);
    assert_eq!(okta.org.admin_token(), token);
}

#[tokio::test]
async fn what_is_created_can_lag() {
    let okta = Okta::new();
    let body = Body::from(app("dbt").to_string());
    let mut request = Request::post("/api/v1/apps")
        .header("authorization", format!("SSWS {}", okta.org.admin_token()))
        .header("content-type", "application/json")
        .body(body)
        .expect("a request");
    request.extensions_mut().insert(Lag(Duration::from_millis(150)));
    let id = text(&okta.send(request).await.expect(200)["id"]);
    okta.get(&format!("/api/v1/apps/{id}")).await.refused(404, "E0000007");
    assert_eq!(okta.get("/api/v1/apps?q=dbt").await.expect(200), json!([]));
    let cause =
        okta.post("/api/v1/authorizationServers/default/policies", policy("dbt", &id)).await.refused(400, "E0000001");
    assert_eq!(cause, "conditions.clients.include: Resource not found");
    tokio::time::sleep(Duration::from_millis(200)).await;
    okta.get(&format!("/api/v1/apps/{id}")).await.expect(200);
}

#[tokio::test]
async fn limits_are_enforced_when_switched_on() {
    let okta = Okta::with(OrgOptions { rate_limits: RateLimits::Free, ..OrgOptions::default() });
    for left in (0..10).rev() {
        let reply = okta.get("/api/v1/apps").await;
        reply.expect(200);
        assert_eq!(reply.header("x-rate-limit-remaining").parse::<i64>().expect("a number"), left + 10);
    }
    let refused = okta.get("/api/v1/apps").await;
    refused.refused(429, "E0000047");
    assert_eq!((refused.header("x-rate-limit-limit"), refused.header("x-rate-limit-remaining")), ("10", "0"));
    assert_eq!(refused.header("retry-after"), "", "Okta sends none");
    okta.get("/api/v1/groups").await.expect(200);
    okta.org.configure(|options| options.rate_limits = RateLimits::Generous);
    okta.get("/api/v1/apps").await.expect(200);
}

#[tokio::test]
async fn the_log_names_actor_and_targets() {
    let okta = Okta::new();
    let setup = okta.setup().await;
    okta.login(&setup).await;
    let filter = "filter=eventType%20eq%20%22oauth2.as.created%22%20or%20eventType%20eq%20%22oauth2.scope.created%22";
    let reply = okta.get(&format!("/api/v1/logs?{filter}&limit=1")).await;
    let event = reply.expect(200)[0].clone();
    assert_eq!((&event["eventType"], &event["target"][0]["id"]), (&json!("oauth2.as.created"), &json!(setup.server)));
    assert_eq!(event["actor"]["alternateId"], "admin@example.com");
    let next = reply.link("next").expect("always a next page");
    let next = okta.get(next.trim_start_matches("https://acme.okta.com")).await;
    assert_eq!(next.expect(200)[0]["eventType"], "oauth2.scope.created");
    let last = next.link("next").expect("always a next page");
    assert_eq!(okta.get(last.trim_start_matches("https://acme.okta.com")).await.expect(200), json!([]));
    let types = okta.get("/api/v1/logs?limit=1000").await.text;
    for kind in ["policy.rule.add", "group.application_assignment.add", "app.oauth2.as.token.grant.access_token"] {
        assert!(types.contains(kind), "{kind}");
    }
    assert!(!types.contains(&setup.secret));
}

#[tokio::test]
async fn calls_are_classified_and_faults_look_like_okta() {
    let okta = Okta::new();
    let headers = axum::http::HeaderMap::new();
    let write =
        |method: &str, path: &str| okta.org.classify(&CallView { method, path, headers: &headers, body: b"" }).write;
    assert!(write("POST", "/api/v1/apps") && write("DELETE", "/oauth2/v1/clients/x/roles/y"));
    assert!(!write("GET", "/api/v1/apps") && !write("POST", "/oauth2/v1/token"));
    assert!(!write("POST", "/oauth2/aus1/v1/introspect") && !write("POST", "/oauth2/aus1/v1/authorize"));
    let throttled = okta.org.throttled();
    assert_eq!(throttled.status().as_u16(), 429);
    assert_eq!(throttled.headers()["x-rate-limit-remaining"], "0");
    assert_eq!(okta.org.failed(503).status().as_u16(), 503);
}
