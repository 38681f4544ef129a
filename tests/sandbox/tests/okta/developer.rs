//! The simulated developer against the org, over real HTTP.

use std::sync::Arc;

use extoauth_sandbox::developer::{Developer, OAuthConfiguration, Provider, Step};
use extoauth_sandbox::seed;
use serde_json::json;

use crate::support::{Okta, REDIRECT, Setup};

async fn serve(okta: &Okta) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = okta.router.clone();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn developer(base: &str, setup: &Setup, secret: &str, user: &str) -> Developer {
    let url = |name: &str| format!("{base}/oauth2/{}/v1/{name}", setup.server);
    let configuration = OAuthConfiguration {
        provider: Provider::Okta,
        authorize_url: url("authorize"),
        token_url: url("token"),
        client_id: setup.app.clone(),
        client_secret: secret.to_owned(),
        redirect_uri: REDIRECT.to_owned(),
    };
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
    Developer::new(configuration, user, http.expect("a client"))
}

#[tokio::test]
async fn walks_the_whole_way() {
    let okta = Okta::new();
    let setup = okta.setup().await;
    let base = serve(&okta).await;
    let dev = developer(&base, &setup, &setup.secret, seed::USERS[1]);
    let tokens = dev.sign_in().await.expect("a login");
    assert_eq!(tokens.expires_in, 3600);
    let again = dev.refresh(&tokens).await.expect("a refresh");
    assert_ne!(again.access_token, tokens.access_token);
    assert!(!format!("{tokens:?}").contains(&tokens.access_token));
}

#[tokio::test]
async fn names_the_step_that_fails() {
    let okta = Okta::new();
    let setup = okta.setup().await;
    let base = serve(&okta).await;
    let error = developer(&base, &setup, "wrong-secret", seed::USERS[0]).sign_in().await.expect_err("no login");
    assert_eq!((error.step, error.code.as_deref()), (Step::Token, Some("invalid_client")));
    let error = developer(&base, &setup, &setup.secret, "nobody@example.com").sign_in().await.expect_err("no login");
    assert_eq!((error.step, error.status), (Step::SignIn, Some(401)));
    okta.put(&format!("/api/v1/apps/{}", setup.app), {
        let mut app = crate::support::app("dbt");
        app["settings"]["oauthClient"]["redirect_uris"] = json!(["https://other.example.com/"]);
        app
    })
    .await
    .expect(200);
    let error = developer(&base, &setup, &setup.secret, seed::USERS[0]).sign_in().await.expect_err("no login");
    assert_eq!((error.step, error.status), (Step::Authorize, Some(400)));
    assert!(error.to_string().contains("redirect_uri"), "{error}");
}

#[tokio::test]
async fn never_follows_to_a_strange_host() {
    let okta = Arc::new(Okta::new());
    let setup = okta.setup().await;
    let router =
        axum::Router::new().fallback(|| async { axum::response::Redirect::to("https://evil.example.com/steal") });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let error = developer(&base, &setup, &setup.secret, seed::USERS[0]).sign_in().await.expect_err("no login");
    assert!(error.to_string().contains("evil.example.com"), "{error}");
}
