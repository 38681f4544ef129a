//! Signing in to Entra: the three kinds of credential, refusals, rotation of the credential.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use extoauth_core::error::ErrorKind;
use extoauth_systems::http::Deadline;
use serde_json::json;

use crate::entra::{SECRET, TOKEN, app, connect, token};
use crate::vendor::{Act, Fixed, Request, Vendor};

const ROLE: &str = r#"{"auth":"aws_web_identity","client_id":"c1"}"#;

fn form(request: &Request) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(request.body.as_bytes()).into_owned().collect()
}

fn refused(number: u64, text: &str) -> Act {
    let text =
        format!("AADSTS{number}: {text}\r\nTrace ID: t-1\r\nCorrelation ID: c-1\r\nTimestamp: 2026-05-25 13:21:24Z");
    Act::json(
        401,
        json!({"error": "invalid_client", "error_description": text, "error_codes": [number],
        "timestamp": "2026-05-25 13:21:24Z", "trace_id": "t-1", "correlation_id": "c-1"}),
    )
}

#[tokio::test]
async fn one_token_for_all_calls() {
    let vendor = Vendor::start(|r, _| match r.path() == TOKEN {
        true => token(&["Application.ReadWrite.OwnedBy", "Policy.Read.All"]),
        false => Act::json(200, app("o1")),
    })
    .await;
    let (read, write) = connect(&vendor, Fixed::of(SECRET));
    let (one, other) = futures::join!(read.application("o1"), write.application("o1"));
    one.and(other).expect("two reads");
    let rights = read.rights().await.expect("rights").expect("a readable token");
    assert!(rights.contains("Policy.Read.All") && rights.len() == 2);
    let calls = vendor.calls();
    let tokens: Vec<_> = calls.iter().filter(|c| c.path() == TOKEN).map(form).collect();
    assert_eq!(tokens.len(), 1);
    assert_eq!((tokens[0]["client_id"].as_str(), tokens[0]["client_secret"].as_str()), ("c1", "canary-secret"));
    assert_eq!(tokens[0]["grant_type"], "client_credentials");
    assert_eq!(tokens[0]["scope"], format!("{}.default", vendor.url));
    assert!(calls.iter().all(|c| c.path() == TOKEN || c.headers["authorization"].starts_with("Bearer h.")));
}

#[tokio::test]
async fn refusals_say_what_to_do_and_hold_no_secret() {
    let table = [
        (7_000_215, "secret *id*"),
        (7_000_222, "expired"),
        (700_016, "tenant"),
        (90_002, "tenant_id"),
        (500_011, "same cloud"),
        (50_034, "app registration"),
    ];
    for (number, advice) in table {
        let vendor = Vendor::start(move |_, _| refused(number, "Text with canary-secret in it.")).await;
        let credential = Fixed::of(SECRET);
        let error = connect(&vendor, credential.clone()).0.application("o1").await.expect_err("refused");
        assert_eq!(error.kind, ErrorKind::Unauthorized, "{number}");
        assert_eq!((error.code, error.request_id.as_deref()), (Some(format!("AADSTS{number}")), Some("t-1")));
        assert!(error.message.contains(advice) && !error.message.contains("canary"), "{}", error.message);
        assert_eq!(*credential.fetched.lock().expect("nobody panicked"), 2, "fetched once more");
    }
}

#[tokio::test]
async fn a_rotated_secret_is_fetched() {
    let vendor = Vendor::start(|r, _| match r.path() == TOKEN {
        true if form(r)["client_secret"] == "new" => token(&[]),
        true => refused(7_000_215, "Invalid client secret provided."),
        false => Act::json(200, app("o1")),
    })
    .await;
    let values =
        ["old", "new"].map(|s| json!({"auth": "client_secret", "client_id": "c1", "client_secret": s}).to_string());
    let credential = std::sync::Arc::new(Fixed { values: values.to_vec(), fetched: Mutex::new(0) });
    connect(&vendor, credential).0.application("o1").await.expect("with the new secret");
}

#[tokio::test]
async fn a_refused_token_is_made_again_once() {
    let vendor = Vendor::start(|r, n| match (r.path() == TOKEN, n) {
        (true, _) => token(&[]),
        (_, 1) => Act::json(
            401,
            json!({"error": {"code": "InvalidAuthenticationToken", "message": "Access token has expired."}}),
        ),
        _ => Act::json(200, app("o1")),
    })
    .await;
    connect(&vendor, Fixed::of(SECRET)).0.application("o1").await.expect("with a new token");
    let paths: Vec<_> = vendor.calls().iter().map(|c| c.path() == TOKEN).collect();
    assert_eq!(paths, [true, false, true, false]);
}

#[tokio::test]
async fn a_federated_credential_appears_late() {
    let vendor = Vendor::start(|r, n| match r.path() == TOKEN {
        true if n < 3 => refused(70_021, "No matching federated identity record found for presented assertion."),
        true => token(&[]),
        false => Act::json(200, app("o1")),
    })
    .await;
    connect(&vendor, Fixed::of(ROLE)).0.application("o1").await.expect("signed in at last");
    let sent = form(&vendor.calls()[0]);
    assert_eq!(sent["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    assert!(sent["client_assertion"].ends_with(".canary-signature") && !sent.contains_key("client_secret"));
}

#[tokio::test]
async fn a_missing_federated_credential_is_described() {
    let vendor = Vendor::start(|_, _| refused(700_213, "No matching federated identity record found.")).await;
    let (read, _) = connect(&vendor, Fixed::of(ROLE));
    vendor.sender.set_deadline(Deadline::after(Duration::from_secs(3), Duration::ZERO));
    let error = read.application("o1").await.expect_err("the invocation ends before the wait does");
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::OutOfTime, Some("AADSTS700213")));
    for part in ["https://issuer.example", "arn:aws:iam::1:role/p", "api://AzureADTokenExchange", "c1"] {
        assert!(error.message.contains(part), "{}", error.message);
    }
    assert!(!error.message.contains("canary"));
}
