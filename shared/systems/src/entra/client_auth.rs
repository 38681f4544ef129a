//! Our credential at a tenant, and what proves it at the token endpoint.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use extoauth_core::error::{CallError, CallResult, ErrorKind};
use extoauth_core::systems::SystemId;
use futures::future::BoxFuture;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;
use uuid::Uuid;

use crate::http::parse_credential;

const FORM: &str = "{\"auth\":\"aws_web_identity\",\"client_id\"}, \
    {\"auth\":\"certificate\",\"client_id\",\"certificate_pem\",\"private_key_pem\"} or \
    {\"auth\":\"client_secret\",\"client_id\",\"client_secret\"}";

/// Lifetime of an assertion in seconds (Microsoft identity platform, certificate credentials: five to ten minutes).
const ASSERTION_LIFE: i64 = 300;
/// The assertion is valid from so many seconds ago: clocks differ.
const CLOCK_SKEW: i64 = 30;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Gets a token of our own AWS role for an audience: signing in without a stored secret.
pub trait WebIdentity: Send + Sync {
    /// A JWT, signed with RS256 (Entra takes no other algorithm for a federated credential).
    fn token<'a>(&'a self, audience: &'a str) -> BoxFuture<'a, CallResult<SecretString>>;
}

/// The stored form.
#[derive(Deserialize)]
#[serde(tag = "auth", rename_all = "snake_case")]
pub(super) enum Stored {
    AwsWebIdentity { client_id: String },
    Certificate { client_id: String, certificate_pem: String, private_key_pem: String },
    ClientSecret { client_id: String, client_secret: String },
}

/// A credential as it is stored.
pub(super) fn stored(system: &SystemId, secret: &SecretString) -> CallResult<Stored> {
    parse_credential(system, secret, FORM)
}

/// The first certificate of a stored credential's text.
pub(super) fn certificate_der(system: &SystemId, pem: &str) -> CallResult<CertificateDer<'static>> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| {
        let text = "`certificate_pem` of the stored credential is no certificate (`BEGIN CERTIFICATE`)";
        CallError::new(ErrorKind::Unauthorized, system.clone(), "read our credential", text)
    })
}

/// A credential, ready for use.
pub(super) struct ClientAuth {
    pub(super) client_id: String,
    means: Means,
}

enum Means {
    AwsWebIdentity,
    Certificate { thumbprint: String, key: EncodingKey },
    Secret(SecretString),
}

/// What a token request carries as proof, and what of it must be in no text.
pub(super) struct Proof {
    pub(super) fields: Vec<(&'static str, String)>,
    pub(super) secret: SecretString,
    /// Of a token of our AWS role: what the federated credential must say.
    pub(super) federated: Option<Federated>,
}

/// What Entra compares a federated credential with.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Federated {
    pub(super) iss: String,
    pub(super) sub: String,
    #[serde(skip)]
    pub(super) audience: &'static str,
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: String,
    nbf: i64,
    iat: i64,
    exp: i64,
}

/// The header of an assertion: `jsonwebtoken`'s own knows `x5t#S256` too.
fn header(thumbprint: &str) -> Header {
    Header { x5t_s256: Some(thumbprint.to_owned()), ..Header::new(Algorithm::PS256) }
}

impl ClientAuth {
    pub(super) fn parse(system: &SystemId, secret: &SecretString) -> CallResult<Self> {
        let refuse = |text: &str| CallError::new(ErrorKind::Unauthorized, system.clone(), "read our credential", text);
        Ok(match stored(system, secret)? {
            Stored::AwsWebIdentity { client_id } => Self { client_id, means: Means::AwsWebIdentity },
            Stored::ClientSecret { client_id, client_secret } => {
                Self { client_id, means: Means::Secret(client_secret.into()) }
            }
            Stored::Certificate { client_id, certificate_pem, private_key_pem } => {
                let certificate = certificate_der(system, &certificate_pem)?;
                let key = EncodingKey::from_rsa_pem(private_key_pem.as_bytes()).map_err(|_| {
                    refuse("`private_key_pem` of the stored credential is no RSA key in PKCS#8 or PKCS#1")
                })?;
                let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(&certificate));
                Self { client_id, means: Means::Certificate { thumbprint, key } }
            }
        })
    }

    /// A new proof for the token endpoint.
    pub(super) async fn proof(
        &self,
        system: &SystemId,
        token_url: &Url,
        web_identity: &Arc<dyn WebIdentity>,
    ) -> CallResult<Proof> {
        let (assertion, federated) = match &self.means {
            Means::Secret(secret) => {
                return Ok(Proof {
                    fields: vec![("client_secret", secret.expose_secret().to_owned())],
                    secret: secret.clone(),
                    federated: None,
                });
            }
            Means::Certificate { thumbprint, key } => {
                (self.assertion(thumbprint, key, token_url).map_err(|_| broken(system))?, None)
            }
            Means::AwsWebIdentity => {
                let audience = exchange_audience(token_url);
                let token = web_identity.token(audience).await?;
                let federated = Federated { audience, ..claims(token.expose_secret()).unwrap_or_default() };
                (token, Some(federated))
            }
        };
        Ok(Proof {
            fields: vec![
                ("client_assertion_type", ASSERTION_TYPE.to_owned()),
                ("client_assertion", assertion.expose_secret().to_owned()),
            ],
            secret: assertion,
            federated,
        })
    }

    fn assertion(
        &self,
        thumbprint: &str,
        key: &EncodingKey,
        audience: &Url,
    ) -> Result<SecretString, jsonwebtoken::errors::Error> {
        let now = Timestamp::now().as_second();
        let claims = Claims {
            aud: audience.as_str(),
            iss: &self.client_id,
            sub: &self.client_id,
            jti: Uuid::new_v4().to_string(),
            nbf: now - CLOCK_SKEW,
            iat: now,
            exp: now + ASSERTION_LIFE,
        };
        jsonwebtoken::encode(&header(thumbprint), &claims, key).map(SecretString::from)
    }
}

fn broken(system: &SystemId) -> CallError {
    let message = "`private_key_pem` of the stored credential cannot sign (it must be an RSA key of 2048 bits or more)";
    CallError::new(ErrorKind::Unauthorized, system.clone(), "sign a client assertion", message)
}

/// The audience that a federated credential names, by cloud (Microsoft Entra workload identity federation).
fn exchange_audience(token_url: &Url) -> &'static str {
    match token_url.host_str().unwrap_or_default() {
        host if host.ends_with("microsoftonline.us") => "api://AzureADTokenExchangeUSGov",
        host if host.ends_with("chinacloudapi.cn") || host.ends_with("microsoftonline.cn") => {
            "api://AzureADTokenExchangeChina"
        }
        _ => "api://AzureADTokenExchange",
    }
}

/// The payload of a JWT, unverified: to tell people what it says, never to decide about trust.
pub(super) fn claims<T: serde::de::DeserializeOwned>(jwt: &str) -> Option<T> {
    let payload = jwt.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use extoauth_core::systems::SystemKind;
    use futures::FutureExt;
    use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
    use serde_json::{Value, json};

    use super::*;

    struct Nobody;

    impl WebIdentity for Nobody {
        fn token<'a>(&'a self, _: &'a str) -> BoxFuture<'a, CallResult<SecretString>> {
            let payload = URL_SAFE_NO_PAD.encode(json!({"iss": "https://issuer", "sub": "arn:role"}).to_string());
            futures::future::ready(Ok(format!("h.{payload}.s").into())).boxed()
        }
    }

    fn system() -> SystemId {
        SystemId::new(SystemKind::Entra, "contoso")
    }

    fn url() -> Url {
        Url::parse("https://login.microsoftonline.com/t1/oauth2/v2.0/token").expect("a URL")
    }

    #[tokio::test]
    async fn a_certificate_signs_with_its_thumbprint() {
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256).expect("a key");
        let certificate = CertificateParams::new(vec!["x".into()]).expect("names").self_signed(&key).expect("signed");
        let stored = json!({"auth": "certificate", "client_id": "c1", "certificate_pem": certificate.pem(),
            "private_key_pem": key.serialize_pem()});
        let auth = ClientAuth::parse(&system(), &stored.to_string().into()).expect("a credential");
        let web: Arc<dyn WebIdentity> = Arc::new(Nobody);
        let proof = auth.proof(&system(), &url(), &web).await.expect("a proof");
        assert_eq!(proof.fields[0].1, ASSERTION_TYPE);
        let jwt = &proof.fields[1].1;
        let head: Value = serde_json::from_slice(
            &URL_SAFE_NO_PAD.decode(jwt.split('.').next().expect("a header")).expect("base64url"),
        )
        .expect("JSON");
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(certificate.der()));
        assert_eq!(head, json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint}));
        let body: Value = claims(jwt).expect("claims");
        assert_eq!((&body["aud"], &body["iss"], &body["sub"]), (&json!(url().as_str()), &json!("c1"), &json!("c1")));
        assert_eq!(body["exp"].as_i64().zip(body["iat"].as_i64()).map(|(e, i)| e - i), Some(300));
        assert!(body["nbf"].is_i64() && body["jti"].is_string());
    }

    #[tokio::test]
    async fn the_role_of_aws_proves_itself_by_its_token() {
        let stored = r#"{"auth":"aws_web_identity","client_id":"c1"}"#.to_owned();
        let auth = ClientAuth::parse(&system(), &stored.into()).expect("a credential");
        let web: Arc<dyn WebIdentity> = Arc::new(Nobody);
        let federated = auth.proof(&system(), &url(), &web).await.expect("a proof").federated.expect("federated");
        assert_eq!((federated.iss.as_str(), federated.sub.as_str()), ("https://issuer", "arn:role"));
        assert_eq!(federated.audience, "api://AzureADTokenExchange");
        let gov = Url::parse("https://login.microsoftonline.us/t1/oauth2/v2.0/token").expect("a URL");
        assert_eq!(exchange_audience(&gov), "api://AzureADTokenExchangeUSGov");
    }

    #[test]
    fn a_broken_credential_is_told_without_its_value() {
        let broken = [
            json!({"auth": "certificate", "client_id": "c", "certificate_pem": "canary", "private_key_pem": "canary"}),
            json!({"auth": "client_secret", "client_id": "c", "client_secret": 5}),
            json!({"auth": "canary"}),
        ];
        for stored in broken {
            let error = ClientAuth::parse(&system(), &stored.to_string().into()).err().expect("broken");
            assert!(error.kind == ErrorKind::Unauthorized && !error.to_string().contains("canary"), "{error}");
        }
    }
}
