//! Standard Webhooks: HMAC-SHA256 over `id.timestamp.body` (Standard Webhooks specification, "Signature scheme").

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;

use super::Denied;

/// How far a signature's time may be from now, either way (Standard Webhooks specification, "Verifying webhook
/// authenticity", leaves it to the receiver; five minutes is what its libraries use).
pub const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// Signatures that one header may hold: a sender that rotates its secret sends two.
const MAX_SIGNATURES: usize = 16;

/// The longest `webhook-id` that is taken, in characters.
const MAX_ID: usize = 256;

/// One signing secret, and for whom it speaks.
pub(super) struct SigningKey {
    secret: SecretSlice<u8>,
    pub(super) instance: String,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("instance", &self.instance).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Reads `whsec_<base64>` of 24 to 64 bytes.
    pub(super) fn parse(text: &str, instance: String) -> Result<Self, &'static str> {
        let encoded = text.strip_prefix("whsec_").ok_or("must begin with whsec_")?;
        let bytes = STANDARD.decode(encoded).map_err(|_| "must be base64 after whsec_")?;
        if !(24..=64).contains(&bytes.len()) {
            return Err("must be 24 to 64 bytes");
        }
        Ok(Self { secret: SecretSlice::from(bytes), instance })
    }

    fn mac(&self, signed: &Signed<'_>, body: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.expose_secret()).ok()?;
        for part in [signed.id.as_bytes(), b".", signed.timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        Some(mac)
    }
}

/// The three headers of a signed call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed<'a> {
    pub(super) id: &'a str,
    pub(super) timestamp: &'a str,
    pub(super) signatures: &'a str,
}

impl Signed<'_> {
    /// Which of the keys has signed this body, at a time near `now`. Every key is tried with every signature, each in
    /// constant time, so that the time taken tells nothing about the keys.
    pub(super) fn verify<'k>(
        &self,
        keys: &'k [SigningKey],
        body: &[u8],
        now: Timestamp,
    ) -> Result<&'k SigningKey, Denied> {
        let printable = |c: u8| c.is_ascii_graphic();
        if self.id.is_empty() || self.id.len() > MAX_ID || !self.id.bytes().all(printable) {
            return Err(Denied::Header("webhook-id"));
        }
        let seconds = Some(self.timestamp)
            .filter(|text| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit()))
            .and_then(|text| text.parse().ok())
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
            .ok_or(Denied::Header("webhook-timestamp"))?;
        if now.duration_since(seconds).abs() > TOLERANCE {
            return Err(Denied::Time);
        }
        let given: Vec<Vec<u8>> = self
            .signatures
            .split_ascii_whitespace()
            .take(MAX_SIGNATURES)
            // Other versions (`v1a`, asymmetric) may stand beside ours.
            .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
            .collect();
        if given.is_empty() {
            return Err(Denied::Header("webhook-signature"));
        }
        let mut found = None;
        for key in keys {
            for signature in &given {
                let fits = key.mac(self, body).is_some_and(|mac| mac.verify_slice(signature).is_ok());
                if fits && found.is_none() {
                    found = Some(key);
                }
            }
        }
        found.ok_or(Denied::Signature)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // Vectors of the Standard Webhooks reference libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIME: &str = "1614265330";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn key(secret: &str, instance: &str) -> SigningKey {
        SigningKey::parse(secret, instance.to_owned()).expect("a secret")
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a time")
    }

    fn verify(keys: &[SigningKey], signed: Signed<'_>, body: &[u8], now: i64) -> Result<String, Denied> {
        signed.verify(keys, body, at(now)).map(|key| key.instance.clone())
    }

    fn sign(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> String {
        let signed = Signed { id, timestamp, signatures: "" };
        let mac = key(secret, "x").mac(&signed, body).expect("a key");
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }

    #[test]
    fn the_published_vectors_hold() {
        let signed = Signed { id: ID, timestamp: TIME, signatures: SIGNATURE };
        assert_eq!(verify(&[key(SECRET, "acme")], signed, BODY, 1_614_265_330), Ok("acme".into()));
        let second = Signed {
            id: "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            timestamp: "1649367553",
            signatures: "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        };
        let body = br#"{"email":"test@example.com","username":"test_user"}"#;
        let keys = [key("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "acme")];
        assert_eq!(verify(&keys, second, body, 1_649_367_553), Ok("acme".into()));
    }

    #[test]
    fn each_secret_speaks_for_its_instance() {
        let other = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
        let keys = [key(other, "other"), key(SECRET, "acme")];
        let several = format!("v1a,AAAA v1,AAAA {SIGNATURE}  v2,x");
        let signed = Signed { id: ID, timestamp: TIME, signatures: &several };
        assert_eq!(verify(&keys, signed, BODY, 1_614_265_330), Ok("acme".into()));
        let by_other = sign(other, ID, TIME, BODY);
        let signed = Signed { signatures: &by_other, ..signed };
        assert_eq!(verify(&keys, signed, BODY, 1_614_265_330), Ok("other".into()));
        assert_eq!(verify(&keys[1..], signed, BODY, 1_614_265_330), Err(Denied::Signature));
        assert_eq!(verify(&[], signed, BODY, 1_614_265_330), Err(Denied::Signature));
    }

    #[test]
    fn five_minutes_both_ways_and_no_more() {
        let signed = Signed { id: ID, timestamp: TIME, signatures: SIGNATURE };
        for (off, fine) in [(300, true), (-300, true), (301, false), (-301, false), (86_400, false)] {
            let result = verify(&[key(SECRET, "acme")], signed, BODY, 1_614_265_330 + off);
            assert_eq!(result, if fine { Ok("acme".into()) } else { Err(Denied::Time) }, "{off}");
        }
    }

    #[test]
    fn what_is_malformed_is_named() {
        let good = Signed { id: ID, timestamp: TIME, signatures: SIGNATURE };
        let long = "x".repeat(MAX_ID + 1);
        let cases = [
            (Signed { id: "", ..good }, "webhook-id"),
            (Signed { id: "a b", ..good }, "webhook-id"),
            (Signed { id: &long, ..good }, "webhook-id"),
            (Signed { timestamp: "", ..good }, "webhook-timestamp"),
            (Signed { timestamp: "soon", ..good }, "webhook-timestamp"),
            (Signed { timestamp: "+1614265330", ..good }, "webhook-timestamp"),
            (Signed { timestamp: "1614265330.5", ..good }, "webhook-timestamp"),
            (Signed { timestamp: "99999999999999999999", ..good }, "webhook-timestamp"),
            (Signed { signatures: "", ..good }, "webhook-signature"),
            (Signed { signatures: "v2,AAAA", ..good }, "webhook-signature"),
            (Signed { signatures: "v1,!", ..good }, "webhook-signature"),
        ];
        for (signed, header) in cases {
            let result = verify(&[key(SECRET, "acme")], signed, BODY, 1_614_265_330);
            assert_eq!(result, Err(Denied::Header(header)), "{signed:?}");
        }
    }

    #[test]
    fn secrets_have_their_form() {
        assert!(SigningKey::parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "x".into()).is_err());
        assert!(SigningKey::parse("whsec_not base64", "x".into()).is_err());
        assert!(SigningKey::parse(&format!("whsec_{}", STANDARD.encode([0; 23])), "x".into()).is_err());
        assert!(SigningKey::parse(&format!("whsec_{}", STANDARD.encode([0; 64])), "x".into()).is_ok());
        assert!(SigningKey::parse(&format!("whsec_{}", STANDARD.encode([0; 65])), "x".into()).is_err());
        assert!(!format!("{:?}", key(SECRET, "acme")).contains("MfKQ"));
    }

    proptest! {
        #[test]
        fn a_body_passes_as_it_was_signed_and_in_no_other_form(
            body in proptest::collection::vec(any::<u8>(), 0..200), at_byte in any::<proptest::sample::Index>(), bit in 0..8_u8,
        ) {
            let signature = sign(SECRET, ID, TIME, &body);
            let signed = Signed { id: ID, timestamp: TIME, signatures: &signature };
            let keys = [key(SECRET, "acme")];
            prop_assert!(verify(&keys, signed, &body, 1_614_265_330).is_ok());
            let mut longer = body.clone();
            longer.push(b' ');
            prop_assert_eq!(verify(&keys, signed, &longer, 1_614_265_330), Err(Denied::Signature));
            if !body.is_empty() {
                let mut changed = body.clone();
                changed[at_byte.index(body.len())] ^= 1 << bit;
                prop_assert_eq!(verify(&keys, signed, &changed, 1_614_265_330), Err(Denied::Signature));
            }
        }

        #[test]
        fn no_header_makes_it_panic(id in ".{0,40}", timestamp in ".{0,20}", signatures in ".{0,80}") {
            let signed = Signed { id: &id, timestamp: &timestamp, signatures: &signatures };
            let result = verify(&[key(SECRET, "acme")], signed, br#"{"a": 1}"#, 1_614_265_330);
            prop_assert!(result.is_err());
        }
    }
}
