//! Our credential at an org, and the assertion made of it.

use extoauth_core::error::{CallError, CallResult, ErrorKind};
use extoauth_core::systems::SystemId;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use crate::http::parse_credential;

const FORM: &str = r#"{"auth":"private_key_jwt","client_id","kid","private_key_pem"} or {"auth":"ssws","token"}"#;

/// Lifetime of an assertion in seconds. Okta takes up to an hour; five minutes outlive every retry.
const ASSERTION_LIFE: i64 = 300;

/// The stored form.
#[derive(Deserialize)]
#[serde(tag = "auth", rename_all = "snake_case")]
enum Stored {
    PrivateKeyJwt { client_id: String, kid: String, private_key_pem: String },
    Ssws { token: String },
}

/// What our credential at an org is, without anything secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnCredential {
    /// The key of an API Services app.
    Key,
    /// An API token (SSWS) of an administrator.
    ApiToken,
}

impl OwnCredential {
    /// Reads a stored credential.
    ///
    /// # Errors
    /// `Unauthorized` if it is of no known form.
    pub fn read(system: &SystemId, secret: &SecretString) -> CallResult<Self> {
        Ok(match parse_credential(system, secret, FORM)? {
            Stored::PrivateKeyJwt { .. } => Self::Key,
            Stored::Ssws { .. } => Self::ApiToken,
        })
    }
}

/// A credential, ready for use.
pub(super) enum ClientAuth {
    /// An API Services app that signs assertions.
    ServiceApp(ServiceApp),
    /// An API token of an administrator.
    Ssws(SecretString),
}

/// An API Services app.
pub(super) struct ServiceApp {
    client_id: String,
    kid: String,
    key: EncodingKey,
    algorithm: Algorithm,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
}

impl ClientAuth {
    pub(super) fn parse(system: &SystemId, secret: &SecretString) -> CallResult<Self> {
        match parse_credential(system, secret, FORM)? {
            Stored::Ssws { token } => Ok(Self::Ssws(token.into())),
            Stored::PrivateKeyJwt { client_id, kid, private_key_pem } => {
                let pem = private_key_pem.as_bytes();
                let (key, algorithm) = EncodingKey::from_rsa_pem(pem)
                    .map(|key| (key, Algorithm::RS256))
                    .or_else(|_| EncodingKey::from_ec_pem(pem).map(|key| (key, Algorithm::ES256)))
                    .map_err(|_| {
                        let message = "`private_key_pem` of the stored credential is no RSA key and no P-256 key in \
                                       PKCS#8 (`BEGIN PRIVATE KEY`)";
                        CallError::new(ErrorKind::Unauthorized, system.clone(), "read our credential", message)
                    })?;
                Ok(Self::ServiceApp(ServiceApp { client_id, kid, key, algorithm }))
            }
        }
    }
}

impl ServiceApp {
    /// A new assertion for the token endpoint. Okta takes each one once, and the audience must be the exact URL.
    pub(super) fn assertion(&self, system: &SystemId, audience: &Url) -> CallResult<SecretString> {
        let now = Timestamp::now().as_second();
        let claims = Claims {
            iss: &self.client_id,
            sub: &self.client_id,
            aud: audience.as_str(),
            iat: now,
            exp: now + ASSERTION_LIFE,
            jti: Uuid::new_v4().to_string(),
        };
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, &claims, &self.key).map(SecretString::from).map_err(|_| {
            let message = "`private_key_pem` of the stored credential cannot sign (an EC key must be on P-256)";
            CallError::new(ErrorKind::Unauthorized, system.clone(), "sign a client assertion", message)
        })
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use extoauth_core::systems::SystemKind;
    use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256};
    use secrecy::ExposeSecret;
    use serde_json::{Value, json};

    use super::*;

    fn system() -> SystemId {
        SystemId::new(SystemKind::Okta, "acme")
    }

    fn stored(pem: &str) -> SecretString {
        let stored = json!({"auth": "private_key_jwt", "client_id": "0oa1", "kid": "k1", "private_key_pem": pem});
        stored.to_string().into()
    }

    fn part(jwt: &str, at: usize) -> Value {
        let part = jwt.split('.').nth(at).expect("a part");
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
    }

    #[test]
    fn both_kinds_of_key_sign() {
        let url = Url::parse("https://acme.okta.com/oauth2/v1/token").expect("a URL");
        for (kind, name) in [(&PKCS_RSA_SHA256, "RS256"), (&PKCS_ECDSA_P256_SHA256, "ES256")] {
            let pem = KeyPair::generate_for(kind).expect("a key").serialize_pem();
            let ClientAuth::ServiceApp(app) = ClientAuth::parse(&system(), &stored(&pem)).expect("a credential") else {
                panic!("not a service app");
            };
            let assertion = app.assertion(&system(), &url).expect("an assertion");
            let (header, claims) = (part(assertion.expose_secret(), 0), part(assertion.expose_secret(), 1));
            assert_eq!((&header["alg"], &header["kid"]), (&json!(name), &json!("k1")));
            assert_eq!((&claims["iss"], &claims["sub"]), (&json!("0oa1"), &json!("0oa1")));
            assert_eq!(claims["aud"], "https://acme.okta.com/oauth2/v1/token");
            let again = app.assertion(&system(), &url).expect("an assertion");
            assert_ne!(part(again.expose_secret(), 1)["jti"], claims["jti"]);
        }
    }

    #[test]
    fn other_keys_are_named() {
        let url = Url::parse("https://acme.okta.com/oauth2/v1/token").expect("a URL");
        let error = ClientAuth::parse(&system(), &stored("no key")).err().expect("no key");
        assert!(error.message.contains("private_key_pem"), "{error}");
        let pem = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).expect("a key").serialize_pem();
        if let Ok(ClientAuth::ServiceApp(app)) = ClientAuth::parse(&system(), &stored(&pem)) {
            assert!(app.assertion(&system(), &url).expect_err("not P-256").message.contains("P-256"));
        }
    }
}
