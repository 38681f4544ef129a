//! CreateTokenWithIAM: each check, with the reason that only the sandbox tells.

use extoauth_sandbox::seed;
use extoauth_sandbox::world::System;
use jsonwebtoken::{Algorithm, get_current_timestamp};
use serde_json::{Value, json};

use super::support::{AUDIENCE, Bench, Documents, ISSUER, Keys, USER};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

fn request(assertion: &str) -> Value {
    json!({"clientId": seed::IDC_APPLICATION_ARN, "grantType": JWT_BEARER, "assertion": assertion})
}

/// A bench on which [`ISSUER`] is trusted.
async fn trusting() -> Bench {
    let bench = Bench::new();
    let issuer = bench.issuer(ISSUER).await;
    bench.trust(&issuer).await;
    bench
}

/// Presents a token that must be refused; answers the true reason.
async fn reason(bench: &Bench, input: Value, error: &str) -> String {
    let refused = bench.oidc().refused("CreateTokenWithIAM", input).await;
    assert_eq!(refused.body["error"], error, "{:?}", bench.oidc.last_refusals().last());
    let description = refused.body["error_description"].as_str().expect("a description");
    assert!(!description.contains("iss") && !description.contains("aud") && !description.contains('@'));
    let last = bench.oidc.last_refusals().pop().expect("a refusal");
    assert_eq!(last.error, error);
    last.reason
}

#[tokio::test]
async fn both_algorithms_lead_to_the_user() {
    let bench = trusting().await;
    for algorithm in [Algorithm::RS256, Algorithm::ES256] {
        let token = bench.keys.token(algorithm, json!({"aud": ["other", AUDIENCE]}));
        let tokens = bench.oidc().ok("CreateTokenWithIAM", request(&token)).await;
        assert_eq!((&tokens["tokenType"], &tokens["expiresIn"]), (&json!("Bearer"), &json!(3600)));
        assert!(tokens["awsAdditionalDetails"]["identityContext"].is_string());
        let id_token = tokens["idToken"].as_str().expect("an ID token");
        let claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(id_token).expect("claims");
        assert_eq!((&claims["sub"], &claims["aud"]), (&json!(USER), &json!(seed::IDC_APPLICATION_ARN)));
    }
    assert!(bench.oidc.last_refusals().is_empty());
}

#[tokio::test]
async fn each_token_works_once() {
    let bench = trusting().await;
    let tokens = [
        bench.keys.token(Algorithm::RS256, json!({})),
        bench.keys.token(Algorithm::RS256, json!({"jti": null, "uti": "abc"})),
        bench.keys.token(Algorithm::RS256, json!({"jti": null, "nonce": 1})),
    ];
    for token in tokens {
        bench.oidc().ok("CreateTokenWithIAM", request(&token)).await;
        assert!(reason(&bench, request(&token), "invalid_grant").await.contains("used before"));
    }
    // The same jti in another token is the same token.
    let again = bench.keys.token(Algorithm::RS256, json!({"jti": "one"}));
    bench.oidc().ok("CreateTokenWithIAM", request(&again)).await;
    let again = bench.keys.token(Algorithm::RS256, json!({"jti": "one", "nonce": 2}));
    assert!(reason(&bench, request(&again), "invalid_grant").await.contains("used before"));
    bench.oidc.reset();
    bench.oidc().ok("CreateTokenWithIAM", request(&again)).await;
}

#[tokio::test]
async fn a_refused_token_is_refused_for_its_reason() {
    let bench = trusting().await;
    let now = get_current_timestamp();
    let with = |changes: Value| request(&bench.keys.token(Algorithm::RS256, changes));
    let cases = [
        (with(json!({"iss": format!("{ISSUER}/")})), "none of the authorised issuer URLs"),
        (with(json!({"aud": "https://elsewhere"})), "aud"),
        (with(json!({"exp": now - 1})), "ExpiredSignature"),
        (with(json!({"exp": null})), "exp"),
        (with(json!({"nbf": now + 60})), "ImmatureSignature"),
        (with(json!({"sub": null})), "no claim sub"),
        (with(json!({"sub": "nobody@example.com"})), "0 users"),
        (request("not-a-token"), "not a JWT"),
    ];
    for (input, expected) in cases {
        let reason = reason(&bench, input, "invalid_grant").await;
        assert!(reason.contains(expected), "{reason:?} does not say {expected:?}");
    }
    bench.world.user("emails.value", "dev1@example.com", &[USER, "another"]);
    assert!(reason(&bench, with(json!({})), "invalid_grant").await.contains("2 users"));
}

#[tokio::test]
async fn client_and_grant_come_first() {
    let bench = Bench::new();
    let token = bench.keys.token(Algorithm::RS256, json!({}));
    let mut input = request(&token);
    input["clientId"] = json!("arn:aws:sso::123456789012:application/ssoins-7223b05b8f8ca0d1/apl-0000000000000000");
    let refused = bench.oidc().refused("CreateTokenWithIAM", input).await;
    assert_eq!((refused.status, refused.code.as_str()), (401, "InvalidClientException"));
    let mut input = request(&token);
    input["grantType"] = json!("refresh_token");
    reason(&bench, input.clone(), "unauthorized_client").await;
    input["grantType"] = json!("password");
    reason(&bench, input.clone(), "unsupported_grant_type").await;
    reason(&bench, json!({"clientId": seed::IDC_APPLICATION_ARN}), "invalid_request").await;
    // Not trusted: the issuer of the token is nobody that the application authorises.
    reason(&bench, request(&token), "invalid_grant").await;
    let clear = json!({
        "RedshiftIdcApplicationArn": seed::REDSHIFT_APPLICATION_ARN, "AuthorizedTokenIssuerList": [],
    });
    bench.redshift().ok("ModifyRedshiftIdcApplication", clear).await;
    reason(&bench, request(&token), "unauthorized_client").await;
}

#[tokio::test]
async fn the_issuers_documents_must_fit() {
    let bench = trusting().await;
    let token = bench.keys.token(Algorithm::RS256, json!({}));
    let discovery = format!("{ISSUER}/.well-known/openid-configuration");
    bench.world.serve(&discovery, json!({"issuer": format!("{ISSUER}/"), "jwks_uri": format!("{ISSUER}/v1/keys")}));
    assert!(reason(&bench, request(&token), "invalid_grant").await.contains("discovery document"));
    let strangers = Keys::new().key_set();
    bench.world.publish(ISSUER, &strangers);
    assert!(reason(&bench, request(&token), "invalid_grant").await.contains("InvalidSignature"));
    bench.world.publish(ISSUER, &bench.keys.key_set());
    bench.oidc().ok("CreateTokenWithIAM", request(&token)).await;
}

#[tokio::test]
async fn an_issuer_with_a_slash_has_its_documents_below_it() {
    let bench = Bench::new();
    let url = "https://sts.windows.net/0b0e5a0c-0000-0000-0000-000000000000/";
    let issuer = bench.issuer(url).await;
    bench.trust(&issuer).await;
    Documents::publish(&bench.world, url, &bench.keys.key_set());
    let token = bench.keys.token(Algorithm::RS256, json!({"iss": url}));
    bench.oidc().ok("CreateTokenWithIAM", request(&token)).await;
}

#[tokio::test]
async fn a_deleted_issuer_lets_nobody_in() {
    let bench = Bench::new();
    let issuer = bench.issuer(ISSUER).await;
    bench.trust(&issuer).await;
    bench.sso().ok("DeleteTrustedTokenIssuer", json!({"TrustedTokenIssuerArn": issuer})).await;
    let token = bench.keys.token(Algorithm::RS256, json!({}));
    assert!(reason(&bench, request(&token), "invalid_grant").await.contains("none of the authorised"));
}

#[tokio::test]
async fn assignments_count_where_they_are_required() {
    let bench = trusting().await;
    let application = json!({"ApplicationArn": seed::IDC_APPLICATION_ARN});
    let with = |name: &str, value: Value| {
        let mut input = application.clone();
        input[name] = value;
        input
    };
    bench.sso().ok("PutApplicationAssignmentConfiguration", with("AssignmentRequired", json!(true))).await;
    let token = bench.keys.token(Algorithm::RS256, json!({}));
    reason(&bench, request(&token), "access_denied").await;
    let group = "99999999-2222-3333-4444-555555555555";
    let mut assignment = with("PrincipalId", json!(group));
    assignment["PrincipalType"] = json!("GROUP");
    bench.sso().ok("CreateApplicationAssignment", assignment).await;
    bench.world.group(USER, group);
    bench.oidc().ok("CreateTokenWithIAM", request(&token)).await;
}
