//! Signing keys: RSA, made in the background so that creating an authorization server costs no key generation.

use std::sync::{Arc, Mutex, OnceLock};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::ids;

/// One private key and what is published of it.
pub(super) struct Key {
    /// PKCS#8 PEM.
    pub pem: String,
    encoding: EncodingKey,
    algorithm: Algorithm,
    public: Value,
}

impl Key {
    /// A new RSA key of 2048 bits.
    pub fn rsa() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("RSA keys of 2048 bits can be generated");
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).expect("a fresh key can be written");
        let pem = pem(der.as_ref());
        let encoding = EncodingKey::from_rsa_pem(pem.as_bytes()).expect("a fresh key can be read");
        Self::new(pem, encoding, Algorithm::RS256)
    }

    /// A new P-256 key.
    pub fn ec() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("P-256 keys can be generated");
        let pem = pem(pair.to_pkcs8v1().expect("a fresh key can be written").as_ref());
        let encoding = EncodingKey::from_ec_pem(pem.as_bytes()).expect("a fresh key can be read");
        Self::new(pem, encoding, Algorithm::ES256)
    }

    fn new(pem: String, encoding: EncodingKey, algorithm: Algorithm) -> Self {
        let jwk = Jwk::from_encoding_key(&encoding, algorithm).expect("a signing key has a public half");
        let public = serde_json::to_value(jwk.algorithm).expect("a JWK is JSON");
        Self { pem, encoding, algorithm, public }
    }

    /// The public half as a JWK for signatures, with this key id.
    pub fn jwk(&self, kid: &str) -> Value {
        let mut jwk = self.public.clone();
        jwk["kid"] = json!(kid);
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(if self.algorithm == Algorithm::ES256 { "ES256" } else { "RS256" });
        jwk
    }

    /// A signed JWT without `typ`, as Okta writes its tokens.
    pub fn sign(&self, kid: &str, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.typ = None;
        header.kid = Some(kid.to_owned());
        jsonwebtoken::encode(&header, claims, &self.encoding).expect("claims are JSON and the key fits the algorithm")
    }
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("base64 is ASCII")).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

/// A key id now, the key itself when it is first needed: Okta's key ids are opaque.
#[derive(Clone)]
pub(super) struct LazyKey {
    /// 43 characters, base64url.
    pub kid: String,
    key: Arc<OnceLock<Arc<Key>>>,
}

impl LazyKey {
    /// A key that does not exist yet.
    pub fn new() -> Self {
        Self { kid: ids::token::<32>(), key: Arc::default() }
    }

    /// The key; taken from the keys made ahead, or made now.
    pub fn key(&self) -> Arc<Key> {
        Arc::clone(self.key.get_or_init(ahead))
    }

    /// The public JWK.
    pub fn jwk(&self) -> Value {
        self.key().jwk(&self.kid)
    }

    /// A JWT signed with this key.
    pub fn sign(&self, claims: &Value) -> String {
        self.key().sign(&self.kid, claims)
    }
}

/// How many keys lie ready: the two of the org and its `default` server, and those of the first trusts.
const READY: usize = 4;

static POOL: Mutex<(Vec<Arc<Key>>, usize)> = Mutex::new((Vec::new(), 0));

fn ahead() -> Arc<Key> {
    let ready = POOL.lock().expect("not poisoned").0.pop();
    prepare();
    ready.unwrap_or_else(|| Arc::new(Key::rsa()))
}

/// Fills the pool on a thread of its own.
pub(super) fn prepare() {
    let mut pool = POOL.lock().expect("not poisoned");
    let missing = READY.saturating_sub(pool.0.len() + pool.1);
    if missing == 0 {
        return;
    }
    pool.1 += missing;
    drop(pool);
    std::thread::spawn(move || {
        for _ in 0..missing {
            let key = Arc::new(Key::rsa());
            let mut pool = POOL.lock().expect("not poisoned");
            pool.1 -= 1;
            pool.0.push(key);
        }
    });
}
