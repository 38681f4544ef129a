//! Client assertions signed with a certificate (Microsoft identity platform, "Certificate credentials").
//!
//! Times of the assertion are judged by the real clock, those of the certificate by the vendor's calendar. Each `jti`
//! counts once (RFC 7523, 3); with which code Microsoft refuses a second one is UNCONFIRMED.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;
use sha2::{Digest, Sha256};

use super::super::data::{Application, Data, KeyCredential};
use super::super::keys::sha1;
use super::assertion::Presented;
use super::error::Refusal;

/// Checks an assertion of `app` that was sent to one of `urls`.
pub(super) fn check(
    data: &mut Data,
    app: &Application,
    presented: &Presented,
    urls: &[String],
    now: Timestamp,
) -> Result<(), Refusal> {
    let algorithm: &'static RsaParameters = match presented.header["alg"].as_str() {
        Some("PS256") => &RSA_PSS_2048_8192_SHA256,
        Some("RS256") => &RSA_PKCS1_2048_8192_SHA256,
        _ => return Err(Refusal::client(50_027, "JWT token is invalid or malformed.")),
    };
    let named = |reason: &str| {
        let thumbprint = presented.header["x5t#S256"].as_str().or_else(|| presented.header["x5t"].as_str());
        let text = format!(
            "Client assertion contains an invalid signature. [Reason - {reason}, Thumbprint of key used by client: '{}', \
             Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id \
             '{}'.]",
            thumbprint.unwrap_or_default(),
            app.app_id
        );
        Refusal::client(700_027, text)
    };
    let key = app.keys.iter().find(|key| names(presented, key) && data.replicated(&key.key_id));
    let key = key.ok_or_else(|| named("The key was not found."))?;
    if key.start > now || key.end <= now {
        return Err(named("The key used is expired."));
    }
    if !presented.signed_by(&public_key(&key.certificate).ok_or_else(|| named("The key was not found."))?, algorithm) {
        return Err(named("The signature does not match."));
    }
    let claims = &presented.claims;
    if claims["iss"] != app.app_id.as_str() || claims["sub"] != app.app_id.as_str() {
        let text = "Client assertion application identifier doesn't match 'client_id' parameter.";
        return Err(Refusal::client(700_021, text));
    }
    if !presented.audiences().iter().any(|audience| urls.iter().any(|url| url == audience)) {
        let text = "Client assertion audience claim does not match Realm issuer. Review the documentation at \
                    https://docs.microsoft.com/azure/active-directory/develop/active-directory-certificate-credentials .";
        return Err(Refusal::client(700_023, text));
    }
    presented.in_time()?;
    let jti = claims["jti"].as_str().unwrap_or_default();
    if jti.is_empty() {
        return Err(Refusal::client(50_027, "JWT token is invalid or malformed."));
    }
    if !data.sign_in.assertions.insert(format!("{} {jti}", app.app_id)) {
        return Err(Refusal::client(50_013, "Assertion failed validation. [Reason - The assertion was used before.]"));
    }
    Ok(())
}

/// Whether the header names this certificate: by SHA-256 (`x5t#S256`) or SHA-1 (`x5t`).
fn names(presented: &Presented, key: &KeyCredential) -> bool {
    let is = |name: &str, digest: &[u8]| presented.header[name].as_str() == Some(&URL_SAFE_NO_PAD.encode(digest));
    is("x5t#S256", &Sha256::digest(&key.certificate)) || is("x5t", &sha1(&key.certificate))
}

/// The public key of a certificate, as SubjectPublicKeyInfo.
fn public_key(certificate: &[u8]) -> Option<Vec<u8>> {
    let certificate = CertificateDer::from(certificate);
    let parsed = ParsedCertificate::try_from(&certificate).ok()?;
    Some(parsed.subject_public_key_info().to_vec())
}

impl Presented {
    fn signed_by(&self, public_key: &[u8], algorithm: &'static RsaParameters) -> bool {
        UnparsedPublicKey::new(algorithm, public_key).verify(self.signed.as_bytes(), &self.signature).is_ok()
    }
}
