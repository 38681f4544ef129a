//! The account's token issuer: its keys and its public documents.

use std::sync::LazyLock;

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256};
use serde_json::{Value, json};

use crate::seed::AWS_TOKEN_ISSUER as ISSUER;

/// Host of the account's issuer.
pub(crate) fn host() -> &'static str {
    ISSUER.trim_start_matches("https://")
}

/// Path of the discovery document.
pub(super) const DISCOVERY_PATH: &str = "/.well-known/openid-configuration";
/// Path of the key set.
pub(super) const KEYS_PATH: &str = "/.well-known/jwks.json";

/// The keys of all sandboxes of this process: making an RSA key takes a while.
static KEYS: LazyLock<Keys> = LazyLock::new(Keys::new);

struct Keys {
    rsa: EncodingKey,
    ec: EncodingKey,
}

impl Keys {
    fn new() -> Self {
        let rsa = KeyPair::generate_for(&PKCS_RSA_SHA256).expect("RSA keys can be generated").serialize_pem();
        let ec = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).expect("P-384 keys can be generated").serialize_pem();
        Self {
            rsa: EncodingKey::from_rsa_pem(rsa.as_bytes()).expect("a fresh key can be read"),
            ec: EncodingKey::from_ec_pem(ec.as_bytes()).expect("a fresh key can be read"),
        }
    }

    fn of(&self, algorithm: Algorithm) -> (&'static str, &EncodingKey) {
        match algorithm {
            Algorithm::ES384 => ("EC384_0", &self.ec),
            _ => ("RSA_0", &self.rsa),
        }
    }
}

/// A signed JWT; the algorithm is RS256 or ES384.
pub(super) fn sign(algorithm: Algorithm, claims: &Value) -> String {
    let (kid, key) = KEYS.of(algorithm);
    let header = Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) };
    encode(&header, claims, key).expect("claims are JSON and the key fits the algorithm")
}

/// The public halves. As AWS publishes them, the RSA key does not say its algorithm.
pub(super) fn key_set() -> Value {
    let keys = [Algorithm::RS256, Algorithm::ES384].map(|algorithm| {
        let (kid, key) = KEYS.of(algorithm);
        let public = Jwk::from_encoding_key(key, algorithm).expect("a signing key has a public half");
        let mut public = serde_json::to_value(public.algorithm).expect("a JWK is JSON");
        public["kid"] = json!(kid);
        public["use"] = json!("sig");
        if algorithm == Algorithm::ES384 {
            public["alg"] = json!("ES384");
        }
        public
    });
    json!({ "keys": keys })
}

/// The discovery document: members as AWS publishes them.
pub(super) fn discovery() -> Value {
    json!({
        "issuer": ISSUER,
        "jwks_uri": format!("{ISSUER}{KEYS_PATH}"),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES384"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "jti", "https://sts.amazonaws.com/"],
    })
}
