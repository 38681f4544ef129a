//! Signing in to Okta: assertion, DPoP, scopes, rotation of the credential, proof of a secret.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::vendor::{Act, Fixed, Request, SSWS, Vendor};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use extoauth_core::error::ErrorKind;
use extoauth_systems::RightState;
use extoauth_systems::okta::{AppSpec, Proof};
use secrecy::SecretString;
use serde_json::{Value, json};

const TOKEN: &str = "/oauth2/v1/token";
const ALL: [&str; 5] = [
    "okta.apps.manage",
    "okta.apps.read",
    "okta.authorizationServers.manage",
    "okta.authorizationServers.read",
    "okta.groups.read",
];

fn service_app() -> String {
    let pem = rcgen::KeyPair::generate().expect("a key").serialize_pem();
    json!({"auth": "private_key_jwt", "client_id": "0oaservice", "kid": "k1", "private_key_pem": pem}).to_string()
}

fn form(request: &Request) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(request.body.as_bytes()).into_owned().collect()
}

fn part(jwt: &str, at: usize) -> Value {
    let part = jwt.split('.').nth(at).expect("a part");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

fn granted(request: &Request, kind: &str) -> Act {
    let scope = form(request)["scope"].clone();
    Act::json(200, json!({"token_type": kind, "expires_in": 3600, "access_token": "canary-at", "scope": scope}))
}

fn app() -> Act {
    Act::json(200, json!({"id": "0oa1", "label": "x", "status": "ACTIVE"}))
}

fn spec() -> AppSpec {
    AppSpec::web("x", "https://b", "ORG_URL")
}

#[tokio::test]
async fn one_token_for_all_calls_of_a_purpose() {
    let vendor = Vendor::start(|r, _| if r.path() == TOKEN { granted(r, "Bearer") } else { app() }).await;
    let (read, write) = vendor.okta(&service_app());
    let (one, other) = futures::join!(read.app("0oa1"), read.app("0oa2"));
    one.and(other).expect("two reads");
    write.app("0oa1").await.expect("a read of the writer");
    write.deactivate_app("0oa1").await.expect("a write");
    read.app("0oa1").await.expect("a read");
    let calls = vendor.calls();
    let tokens: Vec<_> = calls.iter().filter(|c| c.path() == TOKEN).map(form).collect();
    assert_eq!(tokens.len(), 2, "one for reading, one for writing");
    assert_eq!(tokens[0]["scope"], "okta.apps.read okta.authorizationServers.read okta.groups.read");
    assert_eq!(tokens[1]["scope"], ALL.join(" "));
    assert_eq!(tokens[0]["grant_type"], "client_credentials");
    let claims = part(&tokens[0]["client_assertion"], 1);
    assert_eq!(claims["aud"], format!("{}oauth2/v1/token", vendor.url));
    assert!(calls.iter().filter(|c| c.path() != TOKEN).all(|c| c.headers["authorization"] == "Bearer canary-at"));
}

#[tokio::test]
async fn a_dpop_challenge_is_answered() {
    let vendor = Vendor::start(|request, _| match (request.path(), request.headers.get("dpop")) {
        (TOKEN, None) => Act::json(
            400,
            json!({"error": "invalid_dpop_proof", "error_description": "The DPoP proof JWT header is missing."}),
        ),
        (TOKEN, Some(proof)) if part(proof, 1)["nonce"] == "n1" => granted(request, "DPoP"),
        (TOKEN, Some(_)) => Act::json(
            400,
            json!({"error": "use_dpop_nonce",
                "error_description": "Authorization server requires nonce in DPoP proof."}),
        )
        .with("dpop-nonce", "n1"),
        _ => app(),
    })
    .await;
    let (read, _) = vendor.okta(&service_app());
    read.app("0oa1").await.expect("a read");
    let calls = vendor.calls();
    assert_eq!(calls.len(), 4);
    let assertions: Vec<_> = calls[..3].iter().map(|c| part(&form(c)["client_assertion"], 1)["jti"].clone()).collect();
    assert!(assertions[0] != assertions[1] && assertions[1] != assertions[2], "an assertion is taken once");
    let last = &calls[3];
    assert_eq!(last.headers["authorization"], "DPoP canary-at");
    let claims = part(&last.headers["dpop"], 1);
    assert_eq!((&claims["htm"], &claims["htu"]), (&json!("GET"), &json!(format!("{}api/v1/apps/0oa1", vendor.url))));
    assert!(claims["ath"].is_string() && claims.get("nonce").is_none());
    assert_eq!(part(&last.headers["dpop"], 0)["jwk"], part(&calls[2].headers["dpop"], 0)["jwk"]);
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let vendor = Vendor::start(|request, _| {
        if request.path() != TOKEN {
            return app();
        }
        if form(request)["scope"].contains("okta.apps.manage") {
            return Act::json(400, json!({"error": "invalid_scope", "error_description": "One or more scopes."}));
        }
        granted(request, "Bearer")
    })
    .await;
    let (_, write) = vendor.okta(&service_app());
    write.app("0oa1").await.expect("reading is granted");
    let error = write.create_app(&spec(), &SecretString::from("s")).await.expect_err("not granted");
    assert_eq!(error.kind, ErrorKind::Forbidden);
    assert!(error.message.contains("okta.apps.manage"), "{error}");
    let writes = vendor.calls().iter().filter(|c| c.path() == "/api/v1/apps").count();
    assert_eq!(writes, 0, "what cannot succeed is not sent");
    let rights = write.rights().await.expect("rights");
    let state = |name: &str| rights.iter().find(|r| r.name == name).map(|r| r.state);
    assert_eq!(state("okta.apps.manage"), Some(RightState::Missing));
    assert_eq!(state("okta.authorizationServers.manage"), Some(RightState::Have));
    assert_eq!(state("okta.apps.read"), Some(RightState::Have));
}

#[tokio::test]
async fn the_token_endpoints_texts_say_what_to_do() {
    let texts = [
        ("The audience claim for client_assertion must be the endpoint invoked for the request.", "-admin"),
        ("The client_assertion token is expired.", "clock"),
        ("The client does not have a JWKSet configured, but the client_assertion requires one.", "public key"),
        ("The client_assertion kid is invalid.", "`kid`"),
        ("The client_assertion signature is invalid.", "private key"),
    ];
    for (text, advice) in texts {
        let vendor =
            Vendor::start(move |_, _| Act::json(401, json!({"error": "invalid_client", "error_description": text})))
                .await;
        let error = vendor.okta(&service_app()).0.app("0oa1").await.expect_err("refused");
        assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Unauthorized, Some("invalid_client")));
        assert!(error.message.contains(text) && error.message.contains(advice), "{error}");
    }
}

#[tokio::test]
async fn a_refused_token_is_made_again_once() {
    let good = Arc::new(Mutex::new(false));
    let vendor = Vendor::start(move |request, _| {
        let mut good = good.lock().expect("nobody panicked");
        if request.headers["authorization"] == "SSWS new" {
            *good = true;
        }
        if *good {
            return app();
        }
        Act::json(401, json!({"errorCode": "E0000011", "errorSummary": "Invalid token provided"}))
    })
    .await;
    let values = ["old", "new"].map(|t| format!(r#"{{"auth":"ssws","token":"{t}"}}"#)).to_vec();
    let credential = Arc::new(Fixed { values, fetched: Mutex::new(0) });
    let (_, write) = vendor.okta_with(credential.clone());
    write.create_app(&spec(), &SecretString::from("s")).await.expect("with the new token");
    assert_eq!(*credential.fetched.lock().expect("nobody panicked"), 2);
}

#[tokio::test]
async fn a_missing_feature_is_no_bad_token() {
    let body = json!({"errorCode": "E0000015",
        "errorSummary": "You do not have permission to access the feature you are requesting"});
    let vendor = Vendor::start(move |_, _| Act::json(401, body.clone())).await;
    let error = vendor.okta(SSWS).0.authorization_servers("x").await.expect_err("no licence");
    assert_eq!(error.kind, ErrorKind::FeatureMissing);
    assert!(error.message.contains("API Access Management"));
    assert_eq!(vendor.calls().len(), 1);
}

#[tokio::test]
async fn a_secret_is_proved_refused_or_unclear() {
    let secret = SecretString::from("canary-secret");
    let table = [
        (Act::json(200, json!({"active": false})), Some(Proof::Proved)),
        (Act::json(401, json!({"error": "invalid_client"})), Some(Proof::Refused)),
        (Act::json(400, json!({"error": "invalid_request"})), None),
        (Act::json(200, json!({"hello": 1})), None),
        (Act::json(404, json!({"errorCode": "E0000007", "errorSummary": "canary-secret"})), None),
    ];
    for (act, wanted) in table {
        let vendor = Vendor::start(move |_, _| act.clone()).await;
        let proof = vendor.okta(SSWS).0.prove_secret("aus1", "0oa1", &secret).await.expect("an answer");
        match wanted {
            Some(wanted) => assert_eq!(proof, wanted),
            None => assert!(matches!(&proof, Proof::Unclear(why) if !why.contains("canary")), "{proof:?}"),
        }
        let call = &vendor.calls()[0];
        assert_eq!(call.path(), "/oauth2/aus1/v1/introspect");
        assert_eq!(call.headers["authorization"], format!("Basic {}", STANDARD.encode("0oa1:canary-secret")));
        assert_eq!(form(call)["token"], "extoauth-proof");
    }
}
