//! The callers' keys, as the intake secret holds them.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::Denied;
use super::bearer::{self, BearerKey};
use super::signature::{Signed, SigningKey};
use crate::intake::Caller;

/// Every key by which somebody may call.
#[derive(Debug, Default)]
pub struct Keys {
    signing: Vec<SigningKey>,
    bearer: Vec<BearerKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    #[serde(default)]
    webhook: Vec<StoredWebhook>,
    #[serde(default)]
    bearer: Vec<StoredBearer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredWebhook {
    secret: String,
    instance: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredBearer {
    sha256: String,
    scopes: Vec<String>,
    instance: String,
}

impl Keys {
    /// Reads the secret: `{"webhook":[{"secret","instance"}],"bearer":[{"sha256","scopes","instance"}]}`.
    ///
    /// # Errors
    /// What is wrong with it, without quoting it.
    pub fn parse(secret: &SecretString) -> Result<Self, String> {
        let stored: Stored = serde_json::from_str(secret.expose_secret())
            .map_err(|e| format!("the keys are not of the expected form (line {}, column {})", e.line(), e.column()))?;
        let mut keys = Self::default();
        for (n, StoredWebhook { secret, instance }) in stored.webhook.into_iter().enumerate() {
            let key = SigningKey::parse(&secret, instance).map_err(|why| format!("webhook {n}: {why}"))?;
            keys.signing.push(key);
        }
        for (n, StoredBearer { sha256, scopes, instance }) in stored.bearer.into_iter().enumerate() {
            keys.bearer.push(BearerKey::parse(&sha256, &scopes, instance).map_err(|why| format!("bearer {n}: {why}"))?);
        }
        Ok(keys)
    }

    /// Adds the keys of an earlier version of the secret, which stay good while callers change over.
    #[must_use]
    pub fn and(mut self, earlier: Self) -> Self {
        self.signing.extend(earlier.signing);
        self.bearer.extend(earlier.bearer);
        self
    }

    /// Tells who calls. A signed call may post and not read: what it proves is that this body comes from there.
    ///
    /// # Errors
    /// Why the call is not let in.
    pub fn identify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<Caller, Denied> {
        if headers.contains_key("webhook-signature") {
            let signed = Signed {
                id: one(headers, "webhook-id")?,
                timestamp: one(headers, "webhook-timestamp")?,
                signatures: one(headers, "webhook-signature")?,
            };
            let key = signed.verify(&self.signing, body, now)?;
            return Ok(Caller {
                instance: key.instance.clone(),
                writes: true,
                reads: false,
                delivery: Some(signed.id.to_owned()),
            });
        }
        let Some(value) = headers.get(AUTHORIZATION) else { return Err(Denied::Nothing) };
        let given = value.to_str().ok().and_then(bearer::of_header).ok_or(Denied::Nothing)?;
        let key = bearer::find(&self.bearer, given).ok_or(Denied::Bearer)?;
        Ok(Caller { instance: key.instance.clone(), writes: key.writes, reads: key.reads, delivery: None })
    }
}

/// The header, if it is there once: of two, we might check one and the caller mean the other.
fn one<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, Denied> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map_err(|_| Denied::Header(name)),
        _ => Err(Denied::Header(name)),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn keys() -> Keys {
        let secret = SecretString::from(
            r#"{"webhook":[{"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw","instance":"acme"}],
                "bearer":[{"sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                           "scopes":["read"],"instance":"other"}]}"#,
        );
        Keys::parse(&secret).expect("keys")
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, HeaderValue::from_static(value));
        }
        map
    }

    const SIGNED: [(&str, &str); 3] = [
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ];

    fn identify(headers: &HeaderMap) -> Result<Caller, Denied> {
        let now = Timestamp::from_second(1_614_265_330).expect("a time");
        keys().identify(headers, br#"{"test": 2432232314}"#, now)
    }

    #[test]
    fn a_signed_call_posts_and_a_key_does_what_it_may() {
        let caller = identify(&headers(&SIGNED)).expect("signed");
        assert_eq!((caller.instance.as_str(), caller.writes, caller.reads), ("acme", true, false));
        assert_eq!(caller.delivery.as_deref(), Some("msg_p5jXN8AQM9LWM0D4loKWxJek"));
        let caller = identify(&headers(&[("authorization", "Bearer abc")])).expect("a key");
        assert_eq!((caller.instance.as_str(), caller.writes, caller.reads), ("other", false, true));
        assert_eq!(caller.delivery, None);
    }

    #[test]
    fn a_bad_signature_is_not_saved_by_a_good_key() {
        let mut both = headers(&SIGNED);
        both.insert("authorization", HeaderValue::from_static("Bearer abc"));
        both.insert("webhook-signature", HeaderValue::from_static("v1,AAAA"));
        assert_eq!(identify(&both), Err(Denied::Signature));
    }

    #[test]
    fn what_is_missing_or_repeated_is_refused() {
        assert_eq!(identify(&HeaderMap::new()), Err(Denied::Nothing));
        assert_eq!(identify(&headers(&[("authorization", "Basic abc")])), Err(Denied::Nothing));
        assert_eq!(identify(&headers(&[("authorization", "Bearer abd")])), Err(Denied::Bearer));
        assert_eq!(identify(&headers(&SIGNED[1..])), Err(Denied::Header("webhook-id")));
        let mut twice = headers(&SIGNED);
        twice.append("webhook-timestamp", HeaderValue::from_static("1614265331"));
        assert_eq!(identify(&twice), Err(Denied::Header("webhook-timestamp")));
    }

    #[test]
    fn a_broken_secret_is_not_quoted() {
        for broken in [
            r#"{"webhook":[{"secret":"canary","instance":"acme"}]}"#,
            r#"{"webhook":"canary"}"#,
            r#"canary"#,
            r#"{"bearer":[{"sha256":"canary","scopes":[],"instance":"a"}]}"#,
            r#"{"canary":1}"#,
        ] {
            let error = Keys::parse(&SecretString::from(broken)).expect_err("broken");
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
