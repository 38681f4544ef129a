//! Our own credential at a tenant: what can be told of it without using it.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use extoauth_core::error::CallResult;
use extoauth_core::systems::SystemId;
use jiff::Timestamp;
use secrecy::SecretString;

use super::certificate;
use super::client_auth::{Stored, certificate_der, stored};

/// Our credential at a tenant, without anything secret but a secret's first characters, which Entra shows too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnCredential {
    /// Client id of our app.
    pub client_id: String,
    /// What it signs in with.
    pub means: OwnMeans,
}

/// What our app signs in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnMeans {
    /// A federated credential for our AWS role: nothing is stored, and it has no end.
    Federated,
    /// A certificate.
    Certificate {
        /// SHA-1 of it in Base64: what Entra shows as its `customKeyIdentifier`, unless whoever added it chose another.
        thumbprint: String,
        /// When it ends; `None`: it says nothing that can be read.
        ends: Option<Timestamp>,
    },
    /// A client secret.
    Secret {
        /// Its first three characters, by which the tenant's `hint` tells it from others.
        hint: String,
    },
}

impl OwnCredential {
    /// Reads a stored credential.
    ///
    /// # Errors
    /// `Unauthorized` if it is of no known form.
    pub fn read(system: &SystemId, secret: &SecretString) -> CallResult<Self> {
        let (client_id, means) = match stored(system, secret)? {
            Stored::AwsWebIdentity { client_id } => (client_id, OwnMeans::Federated),
            Stored::Certificate { client_id, certificate_pem, .. } => {
                let der = certificate_der(system, &certificate_pem)?;
                let thumbprint = STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &der));
                (client_id, OwnMeans::Certificate { thumbprint, ends: certificate::ends(&der) })
            }
            Stored::ClientSecret { client_id, client_secret } => {
                (client_id, OwnMeans::Secret { hint: client_secret.chars().take(3).collect() })
            }
        };
        Ok(Self { client_id, means })
    }
}

#[cfg(test)]
mod tests {
    use extoauth_core::systems::SystemKind;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use serde_json::json;

    use super::*;

    #[test]
    fn each_form_is_read_and_none_shows_its_secret() {
        let system = SystemId::new(SystemKind::Entra, "contoso");
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec!["x".into()]).expect("names");
        params.not_after = date_time_ymd(2028, 5, 1);
        let signed = params.self_signed(&key).expect("signed");
        let (pem, thumbprint) = (signed.pem(), STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, signed.der())));
        let ends = "2028-05-01T00:00:00Z".parse().ok();
        let table = [
            (json!({"auth": "aws_web_identity", "client_id": "c"}), OwnMeans::Federated),
            (
                json!({"auth": "certificate", "client_id": "c", "certificate_pem": pem, "private_key_pem": "canary"}),
                OwnMeans::Certificate { thumbprint, ends },
            ),
            (
                json!({"auth": "client_secret", "client_id": "c", "client_secret": "abc-canary"}),
                OwnMeans::Secret { hint: "abc".into() },
            ),
        ];
        for (stored, means) in table {
            let read = OwnCredential::read(&system, &stored.to_string().into()).expect("a credential");
            assert!(!format!("{read:?}").contains("canary"));
            assert_eq!(read, OwnCredential { client_id: "c".into(), means });
        }
        assert!(OwnCredential::read(&system, &"{}".to_owned().into()).is_err());
    }
}
