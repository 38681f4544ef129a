//! Logins: who gets in, what the tokens say, and how long they live.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use extoauth_sandbox::seed;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{AUDIENCE, Okta, REDIRECT, claims, rule, text};

#[tokio::test]
async fn a_login_brings_a_token_that_verifies() {
    let okta = Okta::new();
    let setup = okta.setup().await;
    let tokens = okta.login(&setup).await;
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(3600)));
    let keys = okta.get(&format!("/oauth2/{}/v1/keys", setup.server)).await.expect(200);
    let jwk: Jwk = serde_json::from_value(keys["keys"][0].clone()).expect("a JWK");
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[format!("https://acme.okta.com/oauth2/{}", setup.server)]);
    let key = DecodingKey::from_jwk(&jwk).expect("a key");
    let token = jsonwebtoken::decode::<Value>(text(&tokens["access_token"]), &key, &validation).expect("a good token");
    let names: Vec<_> = token.claims.as_object().expect("claims").keys().cloned().collect();
    assert_eq!(names, ["aud", "cid", "exp", "iat", "iss", "jti", "scp", "sub", "uid", "ver"], "no email, no upn");
    assert_eq!((&token.claims["sub"], &token.claims["cid"]), (&json!(seed::USERS[0]), &json!(setup.app)));
    assert_eq!(claims(&tokens["id_token"])["nonce"], "n1");
    assert_eq!(claims(&tokens["id_token"])["aud"], json!(setup.app));
}

#[tokio::test]
async fn resource_claims_are_added() {
    let okta = Okta::new();
    let setup = okta.setup().await;
    let path = format!("/api/v1/authorizationServers/{}/claims", setup.server);
    for (name, value, kind) in
        [("email", "user.email", "EXPRESSION"), ("groups", "data", "GROUPS"), ("bad", "user.nothing", "EXPRESSION")]
    {
        let body = json!({"name": name, "claimType": "RESOURCE", "valueType": kind, "value": value, "conditions": {"scopes": []},
            "alwaysIncludeInToken": true});
        okta.post(&path, body).await.expect(201);
    }
    let got = claims(&okta.login(&setup).await["access_token"]);
    assert_eq!((&got["email"], &got["groups"]), (&json!(seed::USERS[0]), &json!([seed::GROUP])));
    assert_eq!(got.get("bad"), None);
}

#[tokio::test]
async fn without_assignment_nobody_gets_in() {
    let okta = Okta::new();
    let setup = okta.setup().await;
    okta.delete(&format!("/api/v1/apps/{}/groups/{}", setup.app, setup.group)).await.expect(204);
    let reply = okta.authorize(&setup, seed::USERS[0], &[]).await;
    assert_eq!(Okta::redirected(&reply, "error").as_deref(), Some("access_denied"));
    let text = "User is not assigned to the client application.";
    assert_eq!(Okta::redirected(&reply, "error_description").as_deref(), Some(text));
    assert_eq!(Okta::redirected(&reply, "state").as_deref(), Some("s1"));
}

#[tokio::test]
async fn policies_and_rules_decide() {
    let okta = Okta::new();
    let setup = okta.setup().await;
    let rules = format!("/api/v1/authorizationServers/{}/policies/{}", setup.server, setup.policy);
    let reason = async || {
        let reply = okta.authorize(&setup, seed::USERS[0], &[]).await;
        Okta::redirected(&reply, "error_description").unwrap_or_default()
    };
    let failed = "Policy evaluation failed for this request, please check the policy configurations.";
    let mut narrow = rule("dbt", 60, 129_600, 129_600);
    narrow["conditions"]["scopes"]["include"] = json!(["session:role-any"]);
    okta.put(&format!("{rules}/rules/{}", setup.rule), narrow.clone()).await.expect(200);
    assert_eq!(reason().await, "Policy evaluation succeeded, but all the requested scopes were rejected.");
    narrow["conditions"]["grantTypes"]["include"] = json!(["client_credentials"]);
    okta.put(&format!("{rules}/rules/{}", setup.rule), narrow).await.expect(200);
    assert_eq!(reason().await, failed);
    okta.put(&format!("{rules}/rules/{}", setup.rule), rule("dbt", 5, 0, 10_080)).await.expect(200);
    assert_eq!(okta.login(&setup).await["expires_in"], 300, "the lifetime of the rule in force");
    okta.call("POST", &format!("{rules}/rules/{}/lifecycle/deactivate", setup.rule), None).await.expect(204);
    assert_eq!(reason().await, failed);
    okta.call("POST", &format!("{rules}/rules/{}/lifecycle/activate", setup.rule), None).await.expect(204);
    okta.call("POST", &format!("{rules}/lifecycle/deactivate"), None).await.expect(204);
    assert_eq!(reason().await, failed);
}

#[tokio::test]
async fn a_stranger_gets_a_page_and_no_redirect() {
    let okta = Okta::new();
    let setup = okta.setup().await;
    for more in [[("client_id", "0oanobody00000000000")], [("redirect_uri", "https://evil.example.com/")]] {
        let reply = okta.authorize(&setup, seed::USERS[0], &more).await;
        assert_eq!((reply.status.as_u16(), reply.header("location")), (400, ""));
    }
    let unknown = okta.authorize(&setup, "nobody@example.com", &[]).await;
    assert_eq!(unknown.status.as_u16(), 401);
    let scope = okta.authorize(&setup, seed::USERS[0], &[("scope", "openid nothing")]).await;
    assert_eq!(Okta::redirected(&scope, "error").as_deref(), Some("invalid_scope"));
    let page = okta
        .get(&format!(
            "/oauth2/{}/v1/authorize?client_id={}&redirect_uri={REDIRECT}&response_type=code&scope=openid&state=%22%3E",
            setup.server, setup.app
        ))
        .await;
    assert!(page.text.contains("name=\"username\"") && page.text.contains("&quot;&gt;"), "{}", page.text);
}

#[tokio::test]
async fn codes_count_once_and_for_their_client_only() {
    let okta = Okta::new();
    let setup = okta.setup().await;
    let reply = okta.authorize(&setup, seed::USERS[0], &[]).await;
    let code = Okta::redirected(&reply, "code").expect("a code");
    let path = format!("/oauth2/{}/v1/token", setup.server);
    let fields = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", REDIRECT)];
    let wrong = okta.form(&path, Some((&setup.app, "wrong")), &fields).await.expect(401);
    assert_eq!(wrong["error_description"], "The client secret supplied for a confidential client is invalid.");
    okta.redeem(&setup, &code).await.expect(200);
    assert_eq!(okta.redeem(&setup, &code).await.expect(400)["error"], "invalid_grant");
    let verifier = "a-verifier-of-at-least-forty-three-characters-0";
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    let pkce = [("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")];
    for (given, status) in [(None, 400), (Some("x"), 400), (Some(verifier), 200)] {
        let reply = okta.authorize(&setup, seed::USERS[0], &pkce).await;
        let code = Okta::redirected(&reply, "code").expect("a code");
        let mut fields =
            vec![("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", REDIRECT)];
        fields.extend(given.map(|given| ("code_verifier", given)));
        okta.form(&path, Some((&setup.app, &setup.secret)), &fields).await.expect(status);
    }
}

#[tokio::test]
async fn refresh_tokens_idle_out_and_end() {
    let okta = Okta::new();
    let setup = okta.setup().await;
    let rules = format!("/api/v1/authorizationServers/{}/policies/{}/rules", setup.server, setup.policy);
    // Ten days in all, four days idle.
    okta.put(&format!("{rules}/{}", setup.rule), rule("dbt", 60, 14_400, 5_760)).await.expect(200);
    let token = okta.login(&setup).await["refresh_token"].clone();
    let days = |days: i64| okta.world.clock.advance(jiff::SignedDuration::from_hours(days * 24));
    for _ in 0..3 {
        days(3);
        let fresh = okta.refresh(&setup, &token).await.expect(200);
        assert_eq!(fresh["refresh_token"], token, "STATIC keeps the value");
    }
    days(2);
    let gone = okta.refresh(&setup, &token).await.expect(400);
    assert_eq!(gone["error_description"], "The refresh token is invalid or expired.", "after its lifetime");
    let token = okta.login(&setup).await["refresh_token"].clone();
    days(5);
    okta.refresh(&setup, &token).await.expect(400);
}

#[tokio::test]
async fn refresh_tokens_are_listed_and_revoked() {
    let okta = Okta::new();
    let setup = okta.setup().await;
    let token = okta.login(&setup).await["refresh_token"].clone();
    let list = okta.get(&format!("/api/v1/apps/{}/tokens", setup.app)).await.expect(200);
    assert_eq!(list[0]["scopes"], json!(["openid", "offline_access", "session:role-any"]));
    let of_server = format!("/api/v1/authorizationServers/{}/clients", setup.server);
    assert_eq!(okta.get(&of_server).await.expect(200)[0]["client_id"], json!(setup.app));
    let id = text(&okta.get(&format!("{of_server}/{}/tokens?limit=1", setup.app)).await.expect(200)[0]["id"]);
    okta.delete(&format!("/api/v1/apps/{}/tokens/{id}", setup.app)).await.expect(204);
    okta.refresh(&setup, &token).await.expect(400);
    let token = okta.login(&setup).await["refresh_token"].clone();
    let path = format!("/oauth2/{}/v1/revoke", setup.server);
    okta.form(&path, Some((&setup.app, &setup.secret)), &[("token", &text(&token))]).await.expect(200);
    okta.refresh(&setup, &token).await.expect(400);
}

#[tokio::test]
async fn rotating_tokens_notice_reuse() {
    let okta = Okta::new();
    let setup = okta.setup().await;
    let mut app = crate::support::app("dbt");
    app["settings"]["oauthClient"]["refresh_token"] = json!({"rotation_type": "ROTATE", "leeway": 0});
    okta.put(&format!("/api/v1/apps/{}", setup.app), app).await.expect(200);
    let first = okta.login(&setup).await["refresh_token"].clone();
    let second = okta.refresh(&setup, &first).await.expect(200)["refresh_token"].clone();
    assert_ne!(first, second);
    okta.refresh(&setup, &first).await.expect(400);
    okta.refresh(&setup, &second).await.expect(400);
}

#[tokio::test]
async fn introspection_proves_a_secret() {
    let okta = Okta::new();
    let setup = okta.setup().await;
    let path = format!("/oauth2/{}/v1/introspect", setup.server);
    let dummy = [("token", "dummy"), ("token_type_hint", "access_token")];
    assert_eq!(okta.form(&path, Some((&setup.app, &setup.secret)), &dummy).await.expect(200), json!({"active": false}));
    assert_eq!(okta.form(&path, Some((&setup.app, "wrong")), &dummy).await.expect(401)["error"], "invalid_client");
    let post = [("token", "dummy"), ("client_id", setup.app.as_str()), ("client_secret", setup.secret.as_str())];
    okta.form(&path, None, &post).await.expect(200);
    let both = okta.form(&path, Some((&setup.app, &setup.secret)), &post).await.expect(400);
    assert_eq!(both["error"], "invalid_request");
    let secrets = format!("/api/v1/apps/{}/credentials/secrets", setup.app);
    let second = okta.post(&secrets, json!({})).await.expect(201);
    let first = text(&okta.get(&secrets).await.expect(200)[0]["id"]);
    okta.form(&path, Some((&setup.app, &text(&second["client_secret"]))), &dummy).await.expect(200);
    okta.post(&format!("{secrets}/{first}/lifecycle/deactivate"), json!({})).await.expect(200);
    okta.form(&path, Some((&setup.app, &setup.secret)), &dummy).await.expect(401);
    let token = text(&okta_login_with(&okta, &setup, &text(&second["client_secret"])).await["access_token"]);
    let live =
        okta.form(&path, Some((&setup.app, &text(&second["client_secret"]))), &[("token", &token)]).await.expect(200);
    assert_eq!((&live["active"], &live["username"]), (&json!(true), &json!(seed::USERS[0])));
}

async fn okta_login_with(okta: &Okta, setup: &crate::support::Setup, secret: &str) -> Value {
    let reply = okta.authorize(setup, seed::USERS[0], &[]).await;
    let code = Okta::redirected(&reply, "code").expect("a code");
    let fields = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", REDIRECT)];
    okta.form(&format!("/oauth2/{}/v1/token", setup.server), Some((&setup.app, secret)), &fields).await.expect(200)
}
