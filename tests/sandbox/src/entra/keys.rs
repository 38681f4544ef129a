//! The tenant's signing key, and the certificate that the automation signs in with.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_RSA_SHA256};
use serde_json::{Value, json};

/// An RSA key with a certificate that it has signed itself.
pub(super) struct Certified {
    /// PKCS#8 PEM of the private key.
    pub key_pem: String,
    /// PEM of the certificate.
    pub certificate_pem: String,
    /// DER of the certificate.
    pub certificate: Vec<u8>,
}

impl Certified {
    /// A new key of 2048 bits and its certificate, in force from 2025 to the end of 2099.
    fn new(common_name: &str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("RSA keys of 2048 bits can be generated");
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).expect("a fresh key can be written");
        let key_pem = pem(der.as_ref());
        let key = KeyPair::from_pem_and_sign_algo(&key_pem, &PKCS_RSA_SHA256).expect("a fresh key can be read");
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.not_before = rcgen::date_time_ymd(2025, 1, 1);
        params.not_after = rcgen::date_time_ymd(2099, 12, 31);
        let certificate = params.self_signed(&key).expect("a key signs its own certificate");
        Self { key_pem, certificate_pem: certificate.pem(), certificate: certificate.der().to_vec() }
    }

    /// `x5t`: SHA-1 of the certificate.
    pub fn sha1(&self) -> Vec<u8> {
        sha1(&self.certificate)
    }
}

/// SHA-1 as certificates are named by.
pub(super) fn sha1(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref().to_vec()
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("base64 is ASCII")).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

/// The key that signs the tenant's tokens. `kid` and `x5t` are the same, as in Entra.
pub(super) struct SigningKey {
    certified: Certified,
    /// Key id.
    pub kid: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
    public: Value,
}

impl SigningKey {
    /// The key of every tenant in this process: made once, for making one takes long.
    pub fn shared() -> Arc<Self> {
        static KEY: OnceLock<Arc<SigningKey>> = OnceLock::new();
        Arc::clone(KEY.get_or_init(|| Arc::new(Self::new())))
    }

    fn new() -> Self {
        let certified = Certified::new("accounts.accesscontrol.windows.net");
        let encoding = EncodingKey::from_rsa_pem(certified.key_pem.as_bytes()).expect("a fresh key can be read");
        let jwk = Jwk::from_encoding_key(&encoding, Algorithm::RS256).expect("a signing key has a public half");
        let decoding = DecodingKey::from_jwk(&jwk).expect("an RSA key");
        let public = serde_json::to_value(jwk.algorithm).expect("a JWK is JSON");
        let kid = URL_SAFE_NO_PAD.encode(certified.sha1());
        Self { certified, kid, encoding, decoding, public }
    }

    /// The public half as the key documents show it; version 2 documents add `issuer`.
    pub fn jwk(&self, issuer: Option<&str>) -> Value {
        let mut jwk = self.public.clone();
        jwk["use"] = json!("sig");
        jwk["kid"] = json!(self.kid);
        jwk["x5t"] = json!(self.kid);
        jwk["x5c"] = json!([STANDARD.encode(&self.certified.certificate)]);
        if let Some(issuer) = issuer {
            jwk["issuer"] = json!(issuer);
        }
        jwk
    }

    /// A signed JWT. The header of version 1 tokens has `x5t` beside `kid`.
    pub fn sign(&self, claims: &Value, with_thumbprint: bool) -> String {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.kid.clone());
        if with_thumbprint {
            header.x5t = Some(self.kid.clone());
        }
        jsonwebtoken::encode(&header, claims, &self.encoding).expect("claims are JSON and the key fits the algorithm")
    }

    /// The claims of a JWT that this key has signed and that has not expired (by the real clock).
    pub fn verify(&self, token: &str) -> Option<Value> {
        let mut validation = Validation::new(Algorithm::RS256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let claims = jsonwebtoken::decode::<Value>(token, &self.decoding, &validation).ok()?.claims;
        let now = Timestamp::now().as_second();
        claims["exp"].as_i64().is_some_and(|until| until > now).then_some(claims)
    }
}

/// The certificate of the automation: the same for every tenant in this process.
pub(super) fn automation() -> Arc<Certified> {
    static CERTIFICATE: OnceLock<Arc<Certified>> = OnceLock::new();
    Arc::clone(CERTIFICATE.get_or_init(|| Arc::new(Certified::new("extoauth"))))
}
