//! What a check of an integration asks of Entra besides its objects: discovery documents, signing keys, proof of a secret.

use extoauth_systems::entra::{Discovery, SecretAnswer, TokenVersion};
use secrecy::SecretString;
use serde_json::json;

use crate::entra::{SECRET, TENANT, TOKEN, connect, token};
use crate::vendor::{Act, Fixed, Request, Vendor};

fn field(request: &Request, name: &str) -> Option<String> {
    let found = url::form_urlencoded::parse(request.body.as_bytes()).find(|(key, _)| key == name);
    found.map(|(_, value)| value.into_owned())
}

#[tokio::test]
async fn a_secret_is_proved_without_a_user() {
    let secret = SecretString::from("canary-value".to_owned());
    let answer = |number: u64| {
        let text = format!("AADSTS{number}: a text with canary-value\r\nTrace ID: t");
        Act::json(401, json!({"error": "invalid_client", "error_description": text, "error_codes": [number]}))
    };
    for (number, proved) in [(0, "proved"), (7_000_215, "refused"), (7_000_222, "refused"), (501_051, "unclear")] {
        let vendor = Vendor::start(move |_, _| if number == 0 { token(&[]) } else { answer(number) }).await;
        let read = connect(&vendor, Fixed::of(SECRET)).0;
        let found = read.prove_secret("client-1", "resource-1", &secret).await.expect("an answer");
        assert!(!format!("{found:?}").contains("canary"), "{found:?}");
        let word = match found {
            SecretAnswer::Proved => "proved",
            SecretAnswer::Refused(_) => "refused",
            SecretAnswer::Unclear(_) => "unclear",
        };
        assert_eq!(word, proved, "{number}");
        let calls = vendor.calls();
        assert_eq!((calls.len(), calls[0].path()), (1, TOKEN));
        assert_eq!(field(&calls[0], "client_id").as_deref(), Some("client-1"));
        assert_eq!(field(&calls[0], "scope").as_deref(), Some("resource-1/.default"));
    }
}

#[tokio::test]
async fn a_document_and_its_keys_are_read_anew() {
    let base = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let known = base.clone();
    let vendor = Vendor::start(move |request, _| {
        if request.path().ends_with("/keys") {
            return Act::json(200, json!({"keys": [{"kty": "RSA", "use": "sig"}, {"kty": "RSA", "use": "enc"}, {}]}));
        }
        let base = known.get().cloned().unwrap_or_default();
        Act::json(
            200,
            json!({"issuer": format!("https://sts.windows.net/{TENANT}/"), "jwks_uri": format!("{base}keys"),
            "authorization_endpoint": format!("{base}authorize"), "token_endpoint": format!("{base}token")}),
        )
    })
    .await;
    base.set(vendor.url.to_string()).expect("set once");
    let read = connect(&vendor, Fixed::of(SECRET)).0;
    let one = read.discovery(TokenVersion::V1).await.expect("a document");
    assert_eq!(one.issuer, format!("https://sts.windows.net/{TENANT}/"));
    assert_eq!(read.discovery(TokenVersion::V1).await.expect("again"), one);
    assert_eq!(read.signing_keys(&one).await.expect("keys"), 1);
    assert_eq!(vendor.calls().len(), 3);
    let elsewhere = Discovery { jwks_uri: "https://elsewhere.example/keys".into(), ..one };
    read.signing_keys(&elsewhere).await.expect_err("another host");
}
