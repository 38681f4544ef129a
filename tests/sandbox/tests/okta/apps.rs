//! Apps, their secrets and assignments.

use serde_json::{Value, json};

use crate::support::{Okta, app, text};

#[tokio::test]
async fn labels_repeat_and_search_is_starts_with() {
    let okta = Okta::new();
    let first = okta.make_app("dbt analytics").await;
    let second = okta.make_app("dbt analytics").await;
    assert_ne!(first["id"], second["id"]);
    okta.make_app("my dbt analytics").await;
    let found = okta.get("/api/v1/apps?q=dbt&limit=1").await;
    let next = found.link("next").expect("a second page");
    assert!(found.link("self").expect("self").ends_with("/api/v1/apps?limit=1&q=dbt"));
    let rest = okta.get(next.trim_start_matches("https://acme.okta.com")).await;
    assert_eq!(
        [found.expect(200)[0]["id"].clone(), rest.expect(200)[0]["id"].clone()],
        [first["id"].clone(), second["id"].clone()]
    );
    assert!(rest.link("next").is_none());
}

#[tokio::test]
async fn inactive_apps_are_left_out_unless_asked_for_and_only_they_are_deleted() {
    let okta = Okta::new();
    let id = text(&okta.make_app("dbt").await["id"]);
    okta.delete(&format!("/api/v1/apps/{id}")).await.refused(403, "E0000056");
    let answer = okta.call("POST", &format!("/api/v1/apps/{id}/lifecycle/deactivate"), None).await;
    assert_eq!(answer.expect(200), json!({}));
    assert_eq!(okta.get("/api/v1/apps?q=dbt").await.expect(200), json!([]));
    assert_eq!(okta.get("/api/v1/apps?q=dbt&includeNonDeleted=true").await.expect(200)[0]["status"], "INACTIVE");
    okta.delete(&format!("/api/v1/apps/{id}")).await.expect(204);
    assert_eq!(okta.get(&format!("/api/v1/apps/{id}")).await.refused(404, "E0000007"), "");
    let never_active = text(&okta.post("/api/v1/apps?activate=false", app("x")).await.expect(200)["id"]);
    okta.delete(&format!("/api/v1/apps/{never_active}")).await.expect(204);
}

#[tokio::test]
async fn answers_are_normalised() {
    let okta = Okta::new();
    let made = okta.make_app("dbt").await;
    let client = &made["settings"]["oauthClient"];
    assert_eq!(client["refresh_token"], json!({"rotation_type": "STATIC"}), "the leeway is dropped");
    assert_eq!(made["credentials"]["oauthClient"]["client_id"], made["id"]);
    assert_eq!(made["credentials"]["oauthClient"]["client_secret"].as_str().map(str::len), Some(64));
    let path = format!("/api/v1/apps/{}", text(&made["id"]));
    let read = okta.get(&path).await.expect(200);
    assert_eq!(read["credentials"]["oauthClient"].get("client_secret"), None, "a read shows no secret");
    let mut wanted = app("dbt");
    wanted["credentials"]["oauthClient"]["client_secret"] = json!("");
    wanted["settings"]["oauthClient"].as_object_mut().expect("object").remove("refresh_token");
    let put = okta.put(&path, wanted).await.expect(200);
    assert_eq!(put["settings"]["oauthClient"]["refresh_token"], json!({"rotation_type": "STATIC"}));
    let secret = &made["credentials"]["oauthClient"]["client_secret"];
    assert_eq!(put["credentials"]["oauthClient"]["client_secret"], *secret, "an empty secret keeps the old one");
}

#[tokio::test]
async fn every_problem_of_an_app_is_named() {
    let okta = Okta::new();
    let mut bad = app("");
    bad["settings"]["oauthClient"]["redirect_uris"] = json!(["/relative"]);
    bad["settings"]["oauthClient"]["grant_types"] = json!(["refresh_token"]);
    bad["credentials"]["oauthClient"]["client_secret"] = json!("short");
    let body = okta.post("/api/v1/apps", bad).await.expect(400);
    assert_eq!(body["errorSummary"], "Api validation failed: label");
    let causes = body["errorCauses"].to_string();
    for part in ["label", "redirect_uris", "grant_types", "must be at least '14' characters long."] {
        assert!(causes.contains(part), "{part} in {causes}");
    }
    let reply = okta.call_as(&format!("SSWS {}", okta.org.admin_token()), "POST", "/api/v1/apps", None).await;
    reply.refused(400, "E0000001");
}

#[tokio::test]
async fn two_secrets_at_most_with_exact_causes() {
    let okta = Okta::new();
    let made = okta.make_app("dbt").await;
    let path = format!("/api/v1/apps/{}/credentials/secrets", text(&made["id"]));
    let list = okta.get(&path).await;
    assert!(list.link("self").is_none());
    let list = list.expect(200);
    let first = text(&list[0]["id"]);
    assert_eq!(list[0]["client_secret"], made["credentials"]["oauthClient"]["client_secret"], "readable every time");
    let only = okta.post(&format!("{path}/{first}/lifecycle/deactivate"), json!({})).await;
    assert_eq!(only.refused(400, "E0000001"), "You can't deactivate the only active client secret.");
    let short = okta.post(&path, json!({"client_secret": "x"})).await;
    assert_eq!(short.json()["errorSummary"], "Api validation failed: client_secret");
    let text_of = "client_secret: 'client_secret' must be at least '14' characters long.";
    assert_eq!(short.refused(400, "E0000001"), text_of);
    let own = "a-secret-of-our-own-making-0123456789";
    let second = okta.post(&path, json!({"client_secret": own})).await.expect(201);
    assert_eq!(second["client_secret"], own);
    assert_eq!(second["secret_hash"].as_str().map(str::len), Some(22));
    let third = okta.post(&path, json!({})).await;
    assert_eq!(third.json()["errorSummary"], "Api validation failed: OAuth2ClientSecretMediated");
    assert_eq!(third.refused(400, "E0000001"), "You've reached the maximum number of client secrets per client.");
    let active = okta.delete(&format!("{path}/{first}")).await.refused(400, "E0000001");
    assert_eq!(active, "You can't delete an active client secret. Deactivate the secret before deleting it.");
    let off = okta.post(&format!("{path}/{first}/lifecycle/deactivate"), json!({})).await.expect(200);
    assert!(off["_links"]["activate"].is_object() && off["_links"]["delete"].is_object());
    okta.delete(&format!("{path}/{first}")).await.expect(204);
    assert_eq!(okta.get(&path).await.expect(200).as_array().map(Vec::len), Some(1));
    let state = extoauth_sandbox::world::System::state(&*okta.org);
    assert!(!state.to_string().contains(own), "state shows hashes only");
}

#[tokio::test]
async fn a_key_for_authentication_deletes_the_secrets() {
    let okta = Okta::new();
    let id = text(&okta.make_app("dbt").await["id"]);
    let mut keyed = app("dbt");
    keyed["credentials"]["oauthClient"]["token_endpoint_auth_method"] = json!("private_key_jwt");
    keyed["settings"]["oauthClient"]["jwks"] =
        json!({"keys": [{"kty": "EC", "kid": "k", "crv": "P-256", "x": "", "y": ""}]});
    let put = okta.put(&format!("/api/v1/apps/{id}"), keyed).await.expect(200);
    assert_eq!(put["_links"]["clientCredentials"][0]["name"], "jwks");
    assert_eq!(okta.get(&format!("/api/v1/apps/{id}/credentials/secrets")).await.expect(200), json!([]));
}

#[tokio::test]
async fn groups_are_assigned_in_pages() {
    let okta = Okta::new();
    let id = text(&okta.make_app("dbt").await["id"]);
    let group = okta.group().await;
    let path = format!("/api/v1/apps/{id}/groups");
    let made = okta.put(&format!("{path}/{group}"), json!({"priority": 1, "profile": {}})).await.expect(200);
    assert_eq!((&made["id"], &made["priority"]), (&json!(group), &json!(1)));
    okta.put(&format!("{path}/{group}"), json!({})).await.expect(200);
    let list = okta.get(&format!("{path}?limit=200")).await;
    assert!(list.link("self").expect("self").ends_with("/groups?limit=200"));
    assert_eq!(list.expect(200).as_array().map(Vec::len), Some(1));
    let users = okta.get(&format!("/api/v1/apps/{id}/users?limit=2")).await;
    assert!(users.link("next").is_some());
    assert_eq!(users.expect(200)[0]["credentials"]["userName"], "dev1@example.com");
    okta.put(&format!("{path}/00gdoesnotexist00000"), json!({})).await.refused(404, "E0000007");
    okta.delete(&format!("{path}/{group}")).await.expect(204);
    assert_eq!(okta.get(&path).await.expect(200), json!([]));
}

#[tokio::test]
async fn groups_and_users_are_found_and_made() {
    let okta = Okta::new();
    let everyone = okta.get("/api/v1/groups?q=Every").await;
    assert!(everyone.link("self").is_none(), "no Link without limit");
    assert_eq!(everyone.expect(200)[0]["type"], "BUILT_IN");
    let search = "/api/v1/groups?search=profile.name%20eq%20%22data-engineers%22";
    let group = text(&okta.get(search).await.expect(200)[0]["id"]);
    let page = okta.get(&format!("/api/v1/groups/{group}/users?limit=3")).await;
    let next = page.link("next").expect("more");
    assert_eq!(page.expect(200).as_array().map(Vec::len), Some(3));
    let rest = okta.get(next.trim_start_matches("https://acme.okta.com")).await.expect(200);
    assert_eq!(rest.as_array().map(Vec::len), Some(2));
    let body = json!({"profile": {"login": "new@example.com", "firstName": "New", "lastName": "One"}});
    let user = text(&okta.post("/api/v1/users", body).await.expect(200)["id"]);
    okta.put(&format!("/api/v1/groups/{group}/users/{user}"), json!({})).await.expect(204);
    assert_eq!(okta.get("/api/v1/users/new@example.com").await.expect(200)["profile"]["email"], "new@example.com");
    okta.post(&format!("/api/v1/users/{user}/lifecycle/deactivate"), json!({})).await.expect(200);
    let members: Value = okta.get(&format!("/api/v1/groups/{group}/users")).await.expect(200);
    assert_eq!(members.as_array().map(Vec::len), Some(5), "a deactivated user leaves their groups");
}

#[tokio::test]
async fn errors_have_their_shapes() {
    let okta = Okta::new();
    okta.get("/api/v1/nothing").await.refused(404, "E0000007");
    okta.call("PATCH", "/api/v1/apps", None).await.refused(405, "E0000022");
    okta.get("/api/v1/eventHooks").await.refused(501, "E0000060");
    okta.call_as("SSWS wrong", "GET", "/api/v1/apps", None).await.refused(401, "E0000011");
    let request = axum::http::Request::post("/api/v1/apps")
        .header("authorization", format!("SSWS {}", okta.org.admin_token()))
        .header("content-type", "application/json")
        .body(axum::body::Body::from("{"))
        .expect("a request");
    let reply = okta.send(request).await;
    reply.refused(400, "E0000003");
    assert_eq!(reply.header("content-type"), "application/json");
    assert!(!reply.header("x-okta-request-id").is_empty() && !reply.header("x-rate-limit-reset").is_empty());
}
