//! How extoauth signs in: assertions, DPoP, scopes and roles.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::body::Body;
use axum::http::Request;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use extoauth_sandbox::okta::{KeyKind, OrgOptions};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Okta, Reply, app, text};

const TOKEN_URL: &str = "https://acme.okta.com/oauth2/v1/token";

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// A client assertion of the seeded app with some claims changed.
fn assertion(okta: &Okta, change: &Value) -> String {
    let (client, kid, pem) = okta.org.service_app();
    let mut claims = json!({"iss": client, "sub": client, "aud": TOKEN_URL, "iat": now(), "exp": now() + 300,
        "jti": uuid::Uuid::new_v4()});
    for (name, value) in change.as_object().into_iter().flatten() {
        claims[name] = value.clone();
    }
    let rsa = EncodingKey::from_rsa_pem(pem.as_bytes());
    let (algorithm, key) = match rsa {
        Ok(key) => (Algorithm::RS256, key),
        Err(_) => (Algorithm::ES256, EncodingKey::from_ec_pem(pem.as_bytes()).expect("an EC key")),
    };
    let mut header = Header::new(algorithm);
    header.kid = Some(change["kid"].as_str().map_or(kid, str::to_owned));
    jsonwebtoken::encode(&header, &claims, &key).expect("a JWT")
}

async fn token(okta: &Okta, assertion: &str, scope: &str, proof: Option<&str>) -> Reply {
    let fields = [
        ("grant_type", "client_credentials"),
        ("scope", scope),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion),
    ];
    let headers: Vec<_> = proof.map(|proof| ("dpop", proof)).into_iter().collect();
    okta.form_with("/oauth2/v1/token", None, &fields, &headers).await
}

/// A DPoP key.
struct Prover(EncodingKey);

impl Prover {
    fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let der = pair.to_pkcs8v1().expect("DER");
        let pem =
            format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der.as_ref()));
        Self(EncodingKey::from_ec_pem(pem.as_bytes()).expect("a key"))
    }

    fn proof(&self, method: &str, url: &str, more: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("dpop+jwt".to_owned());
        header.jwk = Some(Jwk::from_encoding_key(&self.0, Algorithm::ES256).expect("a JWK"));
        let mut claims = json!({"htm": method, "htu": url, "iat": now(), "jti": uuid::Uuid::new_v4()});
        for (name, value) in more.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
        jsonwebtoken::encode(&header, &claims, &self.0).expect("a proof")
    }
}

async fn plain(key: KeyKind) -> Okta {
    Okta::with(OrgOptions { dpop: false, service_key: key, ..OrgOptions::default() })
}

#[tokio::test]
async fn a_token_needs_scope_and_role() {
    for key in [KeyKind::Rsa, KeyKind::Ec] {
        let okta = plain(key).await;
        let reply =
            token(&okta, &assertion(&okta, &json!({})), "okta.apps.manage okta.logs.read", None).await.expect(200);
        assert_eq!((&reply["token_type"], &reply["expires_in"]), (&json!("Bearer"), &json!(3600)));
        let bearer = format!("Bearer {}", text(&reply["access_token"]));
        okta.call_as(&bearer, "GET", "/api/v1/apps", None).await.expect(200);
        okta.call_as(&bearer, "GET", "/api/v1/logs", None).await.expect(200);
        okta.call_as(&bearer, "POST", "/api/v1/apps", Some(app("dbt"))).await.expect(200);
        okta.call_as(&bearer, "GET", "/api/v1/groups", None).await.refused(403, "E0000006");
        okta.call_as(&bearer, "GET", "/api/v1/authorizationServers", None).await.refused(403, "E0000006");
        let (client, ..) = okta.org.service_app();
        let grants = format!("/api/v1/apps/{client}/grants");
        let body = json!({"scopeId": "okta.users.manage", "issuer": "https://acme.okta.com"});
        okta.call_as(&bearer, "POST", &grants, Some(body.clone())).await.refused(403, "E0000005");
        okta.post(&grants, body).await.expect(201);
        let menu = okta.get("/api/v1/apps?q=Lunch").await.expect(200);
        let path = format!("/api/v1/apps/{}/lifecycle/deactivate", text(&menu[0]["id"]));
        okta.call_as(&bearer, "POST", &path, None).await.refused(403, "E0000006");
    }
}

#[tokio::test]
async fn roles_are_given_and_taken() {
    let okta = plain(KeyKind::Rsa).await;
    let (client, ..) = okta.org.service_app();
    let path = format!("/oauth2/v1/clients/{client}/roles");
    let made = okta.post(&path, json!({"type": "HELP_DESK_ADMIN"})).await.expect(201);
    assert_eq!(made["id"], "JBCUYUC7IRCVGS27IFCE2SKO", "the id is the type in base32");
    for role in okta.get(&path).await.expect(200).as_array().expect("a list") {
        okta.delete(&format!("{path}/{}", text(&role["id"]))).await.expect(204);
    }
    let reply = token(&okta, &assertion(&okta, &json!({})), "okta.apps.manage", None).await.expect(200);
    let bearer = format!("Bearer {}", text(&reply["access_token"]));
    okta.call_as(&bearer, "GET", "/api/v1/apps", None).await.refused(403, "E0000006");
}

#[tokio::test]
async fn assertions_are_refused_with_okta_s_words() {
    let okta = plain(KeyKind::Rsa).await;
    let reason = async |change: Value| {
        let reply = token(&okta, &assertion(&okta, &change), "okta.apps.manage", None).await.expect(401);
        assert_eq!(reply["error"], "invalid_client");
        text(&reply["error_description"])
    };
    let audience = "The audience claim for client_assertion must be the endpoint invoked for the request.";
    assert_eq!(reason(json!({"aud": "https://acme.okta.com"})).await, audience);
    assert_eq!(reason(json!({"exp": now() - 1})).await, "The client_assertion token is expired.");
    assert!(reason(json!({"exp": now() + 4000})).await.contains("too far into the future"));
    assert_eq!(reason(json!({"kid": "other"})).await, "The client_assertion kid is invalid.");
    let other = Okta::with(OrgOptions { dpop: false, service_key: KeyKind::Ec, ..OrgOptions::default() });
    let (client, kid, _) = okta.org.service_app();
    let forged = assertion(&other, &json!({"iss": client, "sub": client, "kid": kid}));
    let forged = token(&okta, &forged, "okta.apps.manage", None).await.expect(401);
    assert_eq!(forged["error_description"], "The client_assertion signature is invalid.");
    let once = assertion(&okta, &json!({}));
    token(&okta, &once, "okta.apps.manage", None).await.expect(200);
    let twice = token(&okta, &once, "okta.apps.manage", None).await.expect(401);
    assert_eq!(twice["error_description"], "The client_assertion token has already been used.");
    let scope = token(&okta, &assertion(&okta, &json!({})), "okta.users.manage", None).await.expect(400);
    assert_eq!(scope["error"], "invalid_scope");
}

#[tokio::test]
async fn dpop_is_challenged_and_checked() {
    let okta = Okta::new();
    let prover = Prover::new();
    let scope = "okta.apps.manage";
    let missing = token(&okta, &assertion(&okta, &json!({})), scope, None).await.expect(400);
    assert_eq!(missing["error_description"], "The DPoP proof JWT header is missing.");
    let proof = prover.proof("POST", TOKEN_URL, &json!({}));
    let challenge = token(&okta, &assertion(&okta, &json!({})), scope, Some(&proof)).await;
    assert_eq!(challenge.expect(400)["error"], "use_dpop_nonce");
    let nonce = challenge.header("dpop-nonce").to_owned();
    let wrong = prover.proof("POST", "https://acme.okta.com/other", &json!({"nonce": nonce}));
    let wrong = token(&okta, &assertion(&okta, &json!({})), scope, Some(&wrong)).await.expect(400);
    assert_eq!(wrong["error"], "invalid_dpop_proof");
    let old = prover.proof("POST", TOKEN_URL, &json!({"nonce": nonce, "iat": now() - 400}));
    token(&okta, &assertion(&okta, &json!({})), scope, Some(&old)).await.expect(400);
    let proof = prover.proof("POST", TOKEN_URL, &json!({"nonce": nonce}));
    let got = token(&okta, &assertion(&okta, &json!({})), scope, Some(&proof)).await.expect(200);
    assert_eq!(got["token_type"], "DPoP");
    let replay = token(&okta, &assertion(&okta, &json!({})), scope, Some(&proof)).await.expect(400);
    assert_eq!(replay["error"], "invalid_dpop_proof", "each proof counts once");

    let access = text(&got["access_token"]);
    let url = "https://acme.okta.com/api/v1/apps";
    let call = async |scheme: &str, proof: Option<String>| {
        let mut request = Request::get("/api/v1/apps?limit=1").header("authorization", format!("{scheme} {access}"));
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        okta.send(request.body(Body::empty()).expect("a request")).await
    };
    let ath = URL_SAFE_NO_PAD.encode(Sha256::digest(&access));
    call("DPoP", Some(prover.proof("GET", url, &json!({"ath": ath})))).await.expect(200);
    call("Bearer", None).await.refused(401, "E0000011");
    call("DPoP", None).await.refused(401, "E0000011");
    call("DPoP", Some(prover.proof("GET", url, &json!({})))).await.refused(401, "E0000011");
    call("DPoP", Some(Prover::new().proof("GET", url, &json!({"ath": ath})))).await.refused(401, "E0000011");
    okta.org.require_dpop(false);
    token(&okta, &assertion(&okta, &json!({})), scope, None).await.expect(200);
}
