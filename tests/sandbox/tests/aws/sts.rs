//! `GetWebIdentityToken` at the address of STS, and the account's issuer.

use std::sync::Arc;

use extoauth_sandbox::moto;
use extoauth_sandbox::sandbox::{Options, Sandbox};
use extoauth_sandbox::seed::{self, AWS_TOKEN_ISSUER as ISSUER};
use extoauth_sandbox::world::access_key;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};

const AUDIENCE: &str = "api://AzureADTokenExchange";

async fn sandbox() -> Arc<Sandbox> {
    Sandbox::start(Options::in_process()).await.expect("a sandbox")
}

/// A call of STS: status and body.
async fn call(sandbox: &Sandbox, caller: &str, parameters: &[(&str, &str)]) -> (u16, String) {
    let (key, _) = access_key(caller);
    perform(sandbox, &key, "GetWebIdentityToken", parameters).await
}

/// A call of any operation with any access key.
async fn perform(sandbox: &Sandbox, key: &str, action: &str, parameters: &[(&str, &str)]) -> (u16, String) {
    let credential = format!("{key}/20260101/{}/sts/aws4_request", seed::REGION);
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("Action", action)
        .append_pair("Version", "2011-06-15")
        .extend_pairs(parameters)
        .finish();
    let answer = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client")
        .post(sandbox.aws_endpoint("sts"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"))
        .body(body)
        .send()
        .await
        .expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("a body"))
}

fn element<'a>(body: &'a str, name: &str) -> &'a str {
    let (_, rest) = body.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("no {name} in {body}"));
    rest.split_once(&format!("</{name}>")).expect("the element ends").0
}

async fn document(sandbox: &Sandbox, url: &str) -> Value {
    let answer = sandbox.world.fetch(url).await.expect("the issuer answers");
    serde_json::from_slice(answer.body()).expect("JSON")
}

/// The claims of a token, proved by what the issuer publishes.
async fn proved(sandbox: &Sandbox, token: &str) -> Value {
    let discovery = document(sandbox, &format!("{ISSUER}/.well-known/openid-configuration")).await;
    assert_eq!(discovery["issuer"], ISSUER);
    let keys = document(sandbox, discovery["jwks_uri"].as_str().expect("a URL")).await;
    let header = decode_header(token).expect("a JWT");
    let keys = keys["keys"].as_array().expect("keys").iter();
    let key = keys.filter(|key| key["kid"].as_str() == header.kid.as_deref()).collect::<Vec<_>>();
    let [key] = key.as_slice() else { panic!("one key {:?}", header.kid) };
    let key: Jwk = serde_json::from_value((*key).clone()).expect("a key");
    let mut validation = Validation::new(header.alg);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    decode(token, &DecodingKey::from_jwk(&key).expect("a key"), &validation).expect("a good token").claims
}

#[tokio::test]
async fn a_function_gets_a_token_of_its_role() {
    let sandbox = sandbox().await;
    let asked = [
        ("Audience.member.1", AUDIENCE),
        ("SigningAlgorithm", "RS256"),
        ("DurationSeconds", "600"),
        ("Tags.member.1.Key", "job"),
        ("Tags.member.1.Value", "a&b"),
    ];
    let (status, body) = call(&sandbox, "provision", &asked).await;
    assert_eq!((status, element(&body, "Code")), (400, "ValidationError"), "& is no character of a tag");
    let (status, body) = call(&sandbox, "provision", &asked[..3]).await;
    assert_eq!(status, 200, "{body}");
    let claims = proved(&sandbox, element(&body, "WebIdentityToken")).await;
    assert_eq!(claims["sub"], json!(seed::role_arn("provision")));
    assert_eq!(claims["aud"], AUDIENCE, "one audience is no list");
    assert_eq!(claims["exp"].as_i64(), claims["iat"].as_i64().map(|issued| issued + 600));
    let context = &claims["https://sts.amazonaws.com/"];
    assert_eq!(context["aws_account"], seed::ACCOUNT);
    let expires: jiff::Timestamp = element(&body, "Expiration").parse().expect("a time");
    assert_eq!(Some(expires.as_second()), claims["exp"].as_i64());

    let elliptic = [("Audience.member.1", AUDIENCE), ("SigningAlgorithm", "ES384")];
    let (_, body) = call(&sandbox, "intake", &elliptic).await;
    let token = element(&body, "WebIdentityToken");
    assert_eq!(decode_header(token).expect("a JWT").alg, Algorithm::ES384);
    let claims = proved(&sandbox, token).await;
    assert_eq!(claims["exp"].as_i64(), claims["iat"].as_i64().map(|issued| issued + 300));
    let calls = sandbox.world.calls.after(0);
    assert!(calls.iter().all(|call| call.system == "sts" && call.path == "GetWebIdentityToken" && !call.write));
}

#[tokio::test]
async fn what_is_wrong_is_refused() {
    let sandbox = sandbox().await;
    let good = [("Audience.member.1", AUDIENCE), ("SigningAlgorithm", "RS256")];
    for wrong in [
        vec![("SigningAlgorithm", "RS256")],
        vec![("Audience.member.1", AUDIENCE)],
        vec![("Audience.member.1", AUDIENCE), ("SigningAlgorithm", "PS256")],
        [&good[..], &[("DurationSeconds", "59")]].concat(),
        [&good[..], &[("DurationSeconds", "3601")]].concat(),
    ] {
        let (status, body) = call(&sandbox, "provision", &wrong).await;
        assert_eq!((status, element(&body, "Code")), (400, "ValidationError"), "{wrong:?}");
    }
    sandbox.aws.sts.disable_outbound_federation(true);
    let (status, body) = call(&sandbox, "provision", &good).await;
    assert_eq!((status, element(&body, "Code")), (403, "OutboundWebIdentityFederationDisabledException"));
    sandbox.reset().await.expect("a reset");
    assert_eq!(call(&sandbox, "provision", &good).await.0, 200);
}

#[tokio::test]
async fn the_role_must_allow_it() {
    let sandbox = sandbox().await;
    let allow = |audience: &str| {
        let condition = json!({
            "ForAllValues:StringEquals": {"sts:IdentityTokenAudience": audience},
            "StringEquals": {"sts:SigningAlgorithm": "RS256"},
            "NumericLessThanEquals": {"sts:DurationSeconds": "300"},
        });
        let statement = json!([{"Effect": "Allow", "Action": "sts:GetWebIdentityToken", "Resource": "*",
            "Condition": condition}]);
        serde_json::from_value(statement).expect("statements")
    };
    sandbox.world.iam.enforce([("provision".to_owned(), allow(AUDIENCE))].into());
    let good = [("Audience.member.1", AUDIENCE), ("SigningAlgorithm", "RS256")];
    assert_eq!(call(&sandbox, "provision", &good).await.0, 200);
    let refused = [
        ("intake", good.to_vec()),
        ("provision", [&good[..], &[("DurationSeconds", "301")]].concat()),
        ("provision", vec![("Audience.member.1", "api://elsewhere"), ("SigningAlgorithm", "RS256")]),
    ];
    for (caller, parameters) in refused {
        let (status, body) = call(&sandbox, caller, &parameters).await;
        assert_eq!((status, element(&body, "Code")), (403, "AccessDenied"), "{caller} {parameters:?}");
    }
}

#[tokio::test]
async fn the_rest_is_motos() {
    if !moto::installed() {
        eprintln!("skipped: no Python with moto ({} names one)", moto::PYTHON);
        return;
    }
    let sandbox = Sandbox::start(Options::with_moto()).await.expect("a sandbox");
    let role = format!("arn:aws:iam::{}:role/elsewhere", seed::ACCOUNT);
    let (key, _) = access_key("provision");
    let assume = [("RoleArn", role.as_str()), ("RoleSessionName", "extoauth")];
    let (status, body) = perform(&sandbox, &key, "AssumeRole", &assume).await;
    assert_eq!(status, 200, "{body}");
    let assumed = element(&body, "AccessKeyId");
    let good = [("Audience.member.1", AUDIENCE), ("SigningAlgorithm", "RS256")];
    let (status, body) = perform(&sandbox, assumed, "GetWebIdentityToken", &good).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(proved(&sandbox, element(&body, "WebIdentityToken")).await["sub"], json!(role));
    let calls = sandbox.world.calls.after(0);
    let calls = calls.iter().filter(|call| call.system == "sts");
    assert!(calls.clone().count() == 2 && calls.into_iter().all(|call| call.caller == "provision"));
}
