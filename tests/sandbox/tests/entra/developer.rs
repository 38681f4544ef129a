//! A simulated developer: through the tenant's pages, and from dbt to Identity Center.

use std::sync::Arc;

use axum::body::Body;
use extoauth_sandbox::aws::{Lookups, Redshift, SsoAdmin, SsoOidc};
use extoauth_sandbox::developer::{Developer, OAuthConfiguration, Provider, Step};
use extoauth_sandbox::seed::{self, ENTRA_TENANT, LOGIN_HOST};
use extoauth_sandbox::world::{System, World, access_key};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::sign_in::{REDIRECT, Setup, Stage, form, text};

const DEV: &str = "dev1@example.com";

async fn serve(router: axum::Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
    url
}

fn developer(base: &str, setup: &Setup, secret: &str, user: &str) -> Developer {
    let configuration = OAuthConfiguration {
        provider: Provider::of("entra", Some(&setup.uri())).expect("a provider"),
        authorize_url: format!("{base}/{ENTRA_TENANT}/oauth2/v2.0/authorize"),
        token_url: format!("{base}/{ENTRA_TENANT}/oauth2/v2.0/token"),
        client_id: setup.client.app_id.clone(),
        client_secret: secret.to_owned(),
        redirect_uri: REDIRECT.to_owned(),
    };
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build();
    Developer::new(configuration, user, http.expect("a client"))
}

#[tokio::test]
async fn a_developer_walks_the_pages() {
    let stage = Stage::new();
    let setup = stage.without_consent(1).await;
    let base = serve(stage.router.clone()).await;
    let dev = || developer(&base, &setup, &setup.secret, DEV);
    let error = dev().sign_in().await.expect_err("no consent");
    assert_eq!(error.step, Step::Consent);
    assert!(error.message.contains("AADSTS65001"), "{error}");
    let tokens = dev().consenting().sign_in().await.expect("a login");
    let fresh = dev().refresh(&tokens).await.expect("a refresh");
    assert_ne!(fresh.access_token, tokens.access_token);
    dev().sign_in().await.expect("consent lasts");
    let error = developer(&base, &setup, "wrong", DEV).sign_in().await.expect_err("a wrong secret");
    assert_eq!((error.step, error.code.as_deref()), (Step::Token, Some("invalid_client")));
    let error = developer(&base, &setup, &setup.secret, "nobody@example.com").sign_in().await.expect_err("nobody");
    assert_eq!((error.step, error.status), (Step::SignIn, Some(401)));
}

/// Documents from the world, and one user by any attribute.
struct Users(Arc<World>);

impl Lookups for Users {
    fn get_json<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Value, String>> {
        async move {
            let answer = self.0.fetch(url).await.map_err(|error| error.to_string())?;
            serde_json::from_slice(answer.body()).map_err(|error| error.to_string())
        }
        .boxed()
    }

    fn users_by<'a>(&'a self, _path: &'a str, value: &'a str) -> BoxFuture<'a, Result<Vec<String>, String>> {
        let found = if value == DEV { vec!["user-1".to_owned()] } else { Vec::new() };
        async move { Ok(found) }.boxed()
    }

    fn groups_of<'a>(&'a self, _user_id: &'a str) -> BoxFuture<'a, Result<Vec<String>, String>> {
        async move { Ok(Vec::new()) }.boxed()
    }
}

/// Identity Center trusts this issuer with this audience, and maps `upn` to the e-mail address.
async fn identity_center(stage: &Stage, issuer: &str, audience: &str) -> Arc<SsoOidc> {
    let sso = SsoAdmin::new(&stage.world);
    let redshift = Redshift::new(&stage.world, &sso);
    let body = json!({
        "InstanceArn": seed::INSTANCE_ARN, "Name": "entra-contoso", "TrustedTokenIssuerType": "OIDC_JWT",
        "TrustedTokenIssuerConfiguration": {"OidcJwtConfiguration": {"IssuerUrl": issuer, "ClaimAttributePath": "upn",
            "IdentityStoreAttributePath": "emails.value", "JwksRetrievalOption": "OPEN_ID_DISCOVERY"}},
    });
    let request = Request::post("/").header("x-amz-target", "SWBExternalService.CreateTrustedTokenIssuer");
    let answer =
        Arc::clone(&sso).router().oneshot(request.body(Body::from(body.to_string())).expect("a request")).await;
    let body = answer.expect("an answer").into_body().collect().await.expect("a body").to_bytes();
    let arn = text(&serde_json::from_slice(&body).expect("JSON"), "TrustedTokenIssuerArn");
    let list = "AuthorizedTokenIssuerList.member.1";
    let modify = form(&[
        ("Action", "ModifyRedshiftIdcApplication"),
        ("RedshiftIdcApplicationArn", seed::REDSHIFT_APPLICATION_ARN),
        (&format!("{list}.TrustedTokenIssuerArn"), &arn),
        (&format!("{list}.AuthorizedAudiencesList.member.1"), audience),
    ]);
    let answer = redshift.router().oneshot(Request::post("/").body(Body::from(modify)).expect("a request")).await;
    assert!(answer.expect("an answer").status().is_success());
    SsoOidc::with_lookups(&sso, Arc::new(Users(Arc::clone(&stage.world))))
}

#[tokio::test]
async fn from_dbt_to_identity_center() {
    for version in [1, 2] {
        let stage = Stage::new();
        let setup = stage.setup(version).await;
        let base = serve(stage.router.clone()).await;
        let (issuer, audience) = match version {
            1 => (format!("https://sts.windows.net/{ENTRA_TENANT}/"), setup.uri()),
            _ => (format!("https://{LOGIN_HOST}/{ENTRA_TENANT}/v2.0"), setup.resource.app_id.clone()),
        };
        let oidc = identity_center(&stage, &issuer, &audience).await;
        let exchange = serve(Arc::clone(&oidc).router()).await;
        let (key, _) = access_key("admin");
        let dev = developer(&base, &setup, &setup.secret, DEV);
        let tokens = dev.sign_in().await.expect("a login");
        let redeem = |tokens| dev.exchange(&exchange, seed::IDC_APPLICATION_ARN, &key, tokens);
        redeem(&tokens).await.unwrap_or_else(|error| panic!("version {version}: {error} {:?}", oidc.last_refusals()));
        redeem(&tokens).await.expect_err("each token works once, by its uti");
        let fresh = dev.refresh(&tokens).await.expect("a refresh");
        redeem(&fresh).await.expect("a fresh token works");

        // The resource is set to the other version by hand: nothing fits any more.
        let flipped = json!({"api": {"requestedAccessTokenVersion": 3 - version}});
        stage.patch(&format!("/applications/{}", setup.resource.id), flipped).await;
        let tokens = dev.sign_in().await.expect("a login all the same");
        redeem(&tokens).await.expect_err("another issuer");
        let reason = oidc.last_refusals().pop().expect("a refusal").reason;
        assert!(reason.starts_with("iss "), "{reason}");
    }
}
