//! Discovery, client authentication and app-only tokens.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use extoauth_sandbox::sandbox::{Options, Sandbox};
use extoauth_sandbox::seed::{self, ENTRA_DOMAIN, ENTRA_TENANT, LOGIN_HOST};
use extoauth_sandbox::world::{Caller, access_key};
use http::Request;
use http_body_util::BodyExt as _;
use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tower::ServiceExt as _;

use crate::sign_in::{Stage, code, contract, text};

const TOKEN_URL: &str = "https://login.microsoftonline.com/6f1d2c3b-4a59-4e68-8b7a-0c9d8e7f6a5b/oauth2/v2.0/token";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const EXCHANGE: &str = "api://AzureADTokenExchange";

/// Fields of a form.
type Fields<'a> = &'a [(&'a str, &'a str)];

/// A client credentials request of the automation for Graph, with these fields besides.
async fn automation(stage: &Stage, fields: &[(&str, &str)]) -> (u16, Value) {
    let all = [
        &[
            ("grant_type", "client_credentials"),
            ("client_id", stage.tenant.automation_client_id()),
            ("scope", "https://graph.microsoft.com/.default"),
        ],
        fields,
    ];
    stage.token(&all.concat()).await
}

async fn with_assertion(stage: &Stage, assertion: &str) -> (u16, Value) {
    automation(stage, &[("client_assertion_type", JWT_BEARER), ("client_assertion", assertion)]).await
}

#[tokio::test]
async fn each_version_has_its_documents() {
    let stage = Stage::new();
    let v1 = format!("https://sts.windows.net/{ENTRA_TENANT}/");
    let v2 = format!("https://{LOGIN_HOST}/{ENTRA_TENANT}/v2.0");
    for name in [ENTRA_TENANT, ENTRA_DOMAIN] {
        let document = stage.document(&format!("https://{LOGIN_HOST}/{name}/.well-known/openid-configuration")).await;
        contract("/{tenant}/.well-known/openid-configuration", "get", 200, &document);
        assert_eq!(document["issuer"], v1);
        let document =
            stage.document(&format!("https://{LOGIN_HOST}/{name}/v2.0/.well-known/openid-configuration")).await;
        contract("/{tenant}/v2.0/.well-known/openid-configuration", "get", 200, &document);
        assert_eq!(document["issuer"], v2);
        assert_eq!(document["token_endpoint"], TOKEN_URL, "the id, whatever name was used");
    }
    assert_eq!(stage.document(&format!("{v1}.well-known/openid-configuration")).await["issuer"], v1);
    let keys = stage.document(&format!("https://{LOGIN_HOST}/{ENTRA_TENANT}/discovery/v2.0/keys")).await;
    assert_eq!(keys["keys"][0]["issuer"], v2);
    let common = stage.document(&format!("https://{LOGIN_HOST}/common/v2.0/.well-known/openid-configuration")).await;
    assert_eq!(common["issuer"], format!("https://{LOGIN_HOST}/{{tenantid}}/v2.0"));

    stage.tenant.configure(|options| options.sts_host_serves_discovery = false);
    let absent = stage.world.fetch(&format!("{v1}.well-known/openid-configuration")).await.expect("an answer");
    assert_eq!(absent.status().as_u16(), 404);
    for (name, expected) in
        [("11111111-2222-4333-8444-555555555555", 90_002), ("other.example.com", 90_002), ("x", 900_023)]
    {
        let url = format!("https://{LOGIN_HOST}/{name}/v2.0/.well-known/openid-configuration");
        let answer = stage.world.fetch(&url).await.expect("an answer");
        let body: Value = serde_json::from_slice(answer.body()).expect("JSON");
        assert_eq!((answer.status().as_u16(), code(&(400, body))), (400, expected), "{name}");
    }
}

#[tokio::test]
async fn a_secret_brings_a_token_for_graph() {
    let stage = Stage::new();
    let secret = stage.tenant.automation_secret().to_owned();
    let (status, body) = automation(&stage, &[("client_secret", &secret)]).await;
    assert_eq!((status, &body["expires_in"]), (200, &json!(3599)), "{body}");
    assert!(body.get("refresh_token").is_none() && body.get("id_token").is_none());
    let (header, claims) = stage.proved(&text(&body, "access_token")).await;
    assert!(header.x5t.is_some(), "Graph takes version 1 tokens");
    assert_eq!(claims["aud"], "https://graph.microsoft.com");
    assert_eq!(claims["appid"], stage.tenant.automation_client_id());
    assert_eq!(claims["appidacr"], "1");
    assert_eq!(claims["tid"], ENTRA_TENANT);
    let roles = claims["roles"].as_array().expect("roles");
    assert!(roles.contains(&json!("Application.ReadWrite.OwnedBy")), "{roles:?}");

    let id = stage.tenant.automation_client_id();
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{}", secret.replace('~', "%7E"))));
    let fields = [("grant_type", "client_credentials"), ("scope", "https://graph.microsoft.com/.default")];
    let path = format!("/{ENTRA_DOMAIN}/oauth2/v2.0/token");
    assert_eq!(stage.token_at(&path, &fields, Some(&basic)).await.0, 200);

    let v1 = [("grant_type", "client_credentials"), ("resource", "https://graph.microsoft.com")];
    let (status, body) = stage.token_at(&format!("/{ENTRA_TENANT}/oauth2/token"), &v1, Some(&basic)).await;
    assert_eq!((status, &body["expires_in"]), (200, &json!("3599")), "version 1 writes texts: {body}");
}

#[tokio::test]
async fn refusals_of_the_token_endpoint() {
    let stage = Stage::new();
    let id = stage.tenant.automation_client_id().to_owned();
    let secret = stage.tenant.automation_secret().to_owned();
    let graph = "https://graph.microsoft.com/.default";
    let nobody = "99999999-0000-4000-8000-000000000000";
    let cases: [(Fields<'_>, u16, u64, &str); 10] = [
        (&[], 400, 900_144, "invalid_request"),
        (&[("grant_type", "password"), ("client_id", &id)], 400, 70_003, "unsupported_grant_type"),
        (&[("grant_type", "client_credentials")], 400, 900_144, "invalid_request"),
        (
            &[("grant_type", "client_credentials"), ("client_id", nobody), ("scope", graph)],
            400,
            700_016,
            "unauthorized_client",
        ),
        (
            &[("grant_type", "client_credentials"), ("client_id", &id), ("scope", graph)],
            401,
            7_000_216,
            "invalid_client",
        ),
        (
            &[("grant_type", "client_credentials"), ("client_id", &id), ("scope", graph), ("client_secret", "wrong")],
            401,
            7_000_215,
            "invalid_client",
        ),
        (
            &[
                ("grant_type", "client_credentials"),
                ("client_id", &id),
                ("scope", "User.Read"),
                ("client_secret", &secret),
            ],
            400,
            1_002_012,
            "invalid_scope",
        ),
        (
            &[
                ("grant_type", "client_credentials"),
                ("client_id", &id),
                ("scope", "api://nothing/.default"),
                ("client_secret", &secret),
            ],
            400,
            500_011,
            "invalid_resource",
        ),
        (
            &[
                ("grant_type", "refresh_token"),
                ("client_id", &id),
                ("refresh_token", "junk"),
                ("client_secret", &secret),
            ],
            400,
            9_002_313,
            "invalid_grant",
        ),
        (
            &[("grant_type", "authorization_code"), ("client_id", &id), ("code", "junk")],
            401,
            7_000_218,
            "invalid_client",
        ),
    ];
    for (fields, status, expected, error) in cases {
        let refusal = stage.token(fields).await;
        assert_eq!((refusal.0, code(&refusal)), (status, expected), "{fields:?}");
        assert_eq!(refusal.1["error"], error);
    }
    let good = [("client_secret", secret.as_str())];
    stage.world.clock.advance(SignedDuration::from_hours(24 * 740));
    assert_eq!(code(&automation(&stage, &good).await), 7_000_222, "the secret has expired by the calendar");
}

#[tokio::test]
async fn a_new_secret_is_wrong_at_first() {
    let stage = Stage::new();
    let setup = stage.setup(1).await;
    stage.tenant.configure(|options| options.lag = Some(std::time::Duration::from_millis(1500)));
    let fresh = stage.secret(&setup.client).await;
    let scope = format!("{}/.default", setup.uri());
    let prove = async |secret: &str| {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", &*setup.client.app_id),
            ("scope", &*scope),
            ("client_secret", secret),
        ];
        stage.token(&fields).await
    };
    assert_eq!(code(&prove(&fresh).await), 7_000_215);
    assert_eq!(prove(&setup.secret).await.0, 200, "the old one goes on working");
    tokio::time::sleep(std::time::Duration::from_millis(1550)).await;
    let (status, body) = prove(&fresh).await;
    assert_eq!(status, 200, "{body}");
    let (_, claims) = stage.proved(&text(&body, "access_token")).await;
    assert_eq!(claims["aud"], setup.uri());
    assert!(claims.get("roles").is_none() && claims.get("scp").is_none());

    let required = json!({"appRoleAssignmentRequired": true});
    stage.patch(&format!("/servicePrincipals/{}", setup.resource.principal), required).await;
    assert_eq!(code(&prove(&fresh).await), 501_051);
    stage.delete(&format!("/servicePrincipals/{}", setup.resource.principal)).await;
    assert_eq!(code(&prove(&fresh).await), 500_011, "an application alone is no resource");
    stage.patch(&format!("/servicePrincipals/{}", setup.client.principal), json!({"accountEnabled": false})).await;
    assert_eq!(code(&prove(&fresh).await), 7_000_112);
    stage.delete(&format!("/servicePrincipals/{}", setup.client.principal)).await;
    assert_eq!(code(&prove(&fresh).await), 7_000_229);
    stage.delete(&format!("/applications/{}", setup.client.id)).await;
    assert_eq!(code(&prove(&fresh).await), 700_016);
}

/// The automation's certificate assertion with these changes to header and claims (null leaves one out).
fn certified(stage: &Stage, algorithm: Algorithm, changes: Value) -> String {
    let (certificate, key) = stage.tenant.automation_certificate();
    let der: String = certificate.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(der).expect("PEM");
    let key = EncodingKey::from_rsa_pem(key.as_bytes()).expect("a key");
    let id = stage.tenant.automation_client_id();
    let now = get_current_timestamp();
    let mut claims = json!({"aud": TOKEN_URL, "iss": id, "sub": id, "jti": uuid::Uuid::new_v4().to_string(), "nbf": now,
        "iat": now, "exp": now + 300});
    let all = claims.as_object_mut().expect("an object");
    all.extend(changes.as_object().expect("an object").clone());
    all.retain(|_, value| !value.is_null());
    let mut header = Header::new(algorithm);
    if algorithm == Algorithm::PS256 {
        header.x5t_s256 = Some(URL_SAFE_NO_PAD.encode(Sha256::digest(&der)));
    } else {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &der);
        header.x5t = Some(URL_SAFE_NO_PAD.encode(digest));
    }
    encode(&header, &claims, &key).expect("a token")
}

#[tokio::test]
async fn a_certificate_proves_a_client() {
    let stage = Stage::new();
    let good = certified(&stage, Algorithm::PS256, json!({}));
    let (status, body) = with_assertion(&stage, &good).await;
    assert_eq!(status, 200, "{body}");
    let (_, claims) = stage.proved(&text(&body, "access_token")).await;
    assert_eq!(claims["appidacr"], "2");
    assert_eq!(code(&with_assertion(&stage, &good).await), 50_013, "each assertion counts once");
    assert_eq!(with_assertion(&stage, &certified(&stage, Algorithm::RS256, json!({}))).await.0, 200);

    let now = get_current_timestamp();
    let cases = [
        (json!({"aud": "https://elsewhere.example.com/token"}), 700_023),
        (json!({"exp": now - 400, "nbf": now - 1000}), 700_024),
        (json!({"nbf": now + 400}), 700_024),
        (json!({"exp": null}), 700_024),
        (json!({"jti": null}), 50_027),
    ];
    for (changes, expected) in cases {
        let assertion = certified(&stage, Algorithm::PS256, changes.clone());
        let refusal = with_assertion(&stage, &assertion).await;
        assert_eq!((refusal.0, code(&refusal)), (401, expected), "{changes}");
    }
    let mut broken = certified(&stage, Algorithm::PS256, json!({}));
    let at = broken.len() - 20;
    let other = if broken.as_bytes()[at] == b'A' { "B" } else { "A" };
    broken.replace_range(at..=at, other);
    assert_eq!(code(&with_assertion(&stage, &broken).await), 700_027);
    assert_eq!(code(&with_assertion(&stage, "not.a.jwt").await), 50_027);

    let setup = stage.setup(1).await;
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", &*setup.client.app_id),
        ("scope", "https://graph.microsoft.com/.default"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", &*certified(&stage, Algorithm::PS256, json!({}))),
    ];
    assert_eq!(code(&stage.token(&fields).await), 700_027, "a key of another application");
    stage.world.clock.advance(SignedDuration::from_hours(24 * 740));
    let late = certified(&stage, Algorithm::PS256, json!({}));
    assert_eq!(code(&with_assertion(&stage, &late).await), 700_027, "the registered key has expired by the calendar");
}

/// A token of AWS STS for a function.
async fn web_identity(stage: &Stage, function: &str, audience: &str, algorithm: &str) -> String {
    let (key, _) = access_key(function);
    let credential = format!("{key}/20260101/{}/sts/aws4_request", seed::REGION);
    let body = crate::sign_in::form(&[
        ("Action", "GetWebIdentityToken"),
        ("Version", "2011-06-15"),
        ("Audience.member.1", audience),
        ("SigningAlgorithm", algorithm),
    ]);
    let request = Request::post("/")
        .header("authorization", format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"))
        .extension(Caller(function.to_owned()))
        .body(axum::body::Body::from(body))
        .expect("a request");
    let router = extoauth_sandbox::world::System::router(std::sync::Arc::clone(&stage.sts));
    let answer = router.oneshot(request).await.expect("an answer");
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    let body = String::from_utf8(body.to_vec()).expect("UTF-8");
    let (_, rest) = body.split_once("<WebIdentityToken>").unwrap_or_else(|| panic!("a token: {body}"));
    rest.split_once("</WebIdentityToken>").expect("the element ends").0.to_owned()
}

#[tokio::test]
async fn aws_vouches_for_a_function() {
    let stage = Stage::new();
    let token = web_identity(&stage, "provision", EXCHANGE, "RS256").await;
    let (status, body) = with_assertion(&stage, &token).await;
    assert_eq!(status, 200, "{body}");
    let (_, claims) = stage.proved(&text(&body, "access_token")).await;
    assert_eq!((&claims["appid"], &claims["appidacr"]), (&json!(stage.tenant.automation_client_id()), &json!("2")));
    assert_eq!(with_assertion(&stage, &token).await.0, 200, "such a token may be shown again while it lasts");

    let cases = [
        (web_identity(&stage, "provision", "api://elsewhere", "RS256").await, 700_212),
        (web_identity(&stage, "admin", EXCHANGE, "RS256").await, 700_213),
        (web_identity(&stage, "provision", EXCHANGE, "ES384").await, 50_027),
    ];
    for (token, expected) in cases {
        let refusal = with_assertion(&stage, &token).await;
        assert_eq!((refusal.0, code(&refusal)), (401, expected));
    }
    let mut forged: Vec<&str> = token.split('.').collect();
    let other = web_identity(&stage, "provision", EXCHANGE, "RS256").await;
    forged[2] = other.rsplit('.').next().expect("a signature");
    assert_eq!(code(&with_assertion(&stage, &forged.join(".")).await), 50_013);
    let (status, _) =
        with_assertion(&stage, &certified(&stage, Algorithm::RS256, json!({"iss": "https://x.example"}))).await;
    assert_eq!(status, 401, "an issuer that nobody trusts");
}

#[tokio::test]
async fn a_new_federated_credential_is_unknown_at_first() {
    let stage = Stage::new();
    let setup = stage.setup(1).await;
    let token = web_identity(&stage, "intake", EXCHANGE, "RS256").await;
    stage.tenant.configure(|options| options.lag = Some(std::time::Duration::from_millis(1500)));
    let credential = json!({"name": "aws", "issuer": seed::AWS_TOKEN_ISSUER, "subject": seed::role_arn("intake"),
        "audiences": [EXCHANGE]});
    stage.post(&format!("/applications/{}/federatedIdentityCredentials", setup.client.id), credential).await;
    let scope = format!("{}/.default", setup.uri());
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", &*setup.client.app_id),
        ("scope", &*scope),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", &*token),
    ];
    let refusal = stage.token(&fields).await;
    assert_eq!((refusal.0, code(&refusal)), (400, 70_021));
    tokio::time::sleep(std::time::Duration::from_millis(1550)).await;
    assert_eq!(stage.token(&fields).await.0, 200);

    // While the replicas disagree, a success promises nothing.
    stage
        .tenant
        .configure(|options| (options.lag, options.flapping) = (Some(std::time::Duration::from_secs(60)), true));
    let credential = json!({"name": "aws-2", "issuer": seed::AWS_TOKEN_ISSUER, "subject": seed::role_arn("provision"),
        "audiences": [EXCHANGE]});
    stage.post(&format!("/applications/{}/federatedIdentityCredentials", setup.client.id), credential).await;
    let token = web_identity(&stage, "provision", EXCHANGE, "RS256").await;
    let mut fields = fields;
    fields[4].1 = &token;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(stage.token(&fields).await.0);
    }
    assert_eq!(statuses, [400, 200, 400, 200]);
}

#[tokio::test]
async fn under_their_real_names() {
    let sandbox = Sandbox::start(Options::in_process()).await.expect("a sandbox");
    let proxy = reqwest::Proxy::https(sandbox.proxy_url("provision")).expect("a proxy");
    let authority = reqwest::Certificate::from_pem(sandbox.ca_pem().as_bytes()).expect("a certificate");
    let http = reqwest::Client::builder().proxy(proxy).tls_certs_only([authority]).build().expect("a client");
    let (key, _) = access_key("provision");
    let credential = format!("{key}/20260101/{}/sts/aws4_request", seed::REGION);
    let body = crate::sign_in::form(&[
        ("Action", "GetWebIdentityToken"),
        ("Version", "2011-06-15"),
        ("Audience.member.1", EXCHANGE),
        ("SigningAlgorithm", "RS256"),
    ]);
    let answer = http
        .post(sandbox.aws_endpoint("sts"))
        .header("authorization", format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"))
        .body(body);
    let answer = answer.send().await.expect("an answer").text().await.expect("a body");
    let (_, rest) = answer.split_once("<WebIdentityToken>").unwrap_or_else(|| panic!("a token: {answer}"));
    let assertion = rest.split_once("</WebIdentityToken>").expect("the element ends").0;
    let body = crate::sign_in::form(&[
        ("grant_type", "client_credentials"),
        ("client_id", sandbox.entra.automation_client_id()),
        ("scope", "https://graph.microsoft.com/.default"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
    ]);
    let answer = http.post(TOKEN_URL).body(body).send().await.expect("an answer");
    let token: Value = serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON");
    let graph = http.get(format!(
        "https://graph.microsoft.com/v1.0/applications?$filter=appId eq '{}'",
        sandbox.entra.automation_client_id()
    ));
    let graph = graph.bearer_auth(text(&token, "access_token")).send().await.expect("an answer");
    assert_eq!(graph.status().as_u16(), 200, "Graph takes the token");
    let calls = sandbox.world.calls.after(0);
    let of_entra: Vec<_> = calls.iter().filter(|call| call.system == "entra").collect();
    assert!(of_entra.len() == 2 && of_entra.iter().all(|call| !call.write && call.caller == "provision"));
}
