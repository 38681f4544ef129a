//! Proof of possession (RFC 9449): the console of Okta requires it of new API Services apps unless it is unticked.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;
use uuid::Uuid;

/// A key of this process; tokens are bound to it.
pub(super) struct ProofKey {
    pair: EcdsaKeyPair,
    jwk: serde_json::Value,
}

/// The key or a signature could not be made.
#[derive(Debug, thiserror::Error)]
#[error("no DPoP proof could be made: {0}")]
pub(super) struct ProofError(&'static str);

impl ProofKey {
    pub(super) fn generate() -> Result<Self, ProofError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|_| ProofError("the key could not be generated"))?;
        let public = pair.public_key().as_ref();
        // An uncompressed point: 4, then 32 bytes each of x and y.
        let (x, y) = match public {
            [4, point @ ..] if point.len() == 64 => point.split_at(32),
            _ => return Err(ProofError("the public key has an unexpected form")),
        };
        let jwk = json!({
            "kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y)
        });
        Ok(Self { pair, jwk })
    }

    /// A proof for one call. With an access token it carries the token's hash, for a token request the server's nonce.
    pub(super) fn proof(
        &self,
        method: &Method,
        url: &Url,
        nonce: Option<&str>,
        token: Option<&SecretString>,
    ) -> Result<String, ProofError> {
        let mut target = url.clone();
        target.set_query(None);
        target.set_fragment(None);
        let mut claims = json!({
            "htm": method.as_str(),
            "htu": target.as_str(),
            "iat": Timestamp::now().as_second(),
            "jti": Uuid::new_v4().to_string(),
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        if let Some(token) = token {
            let hash = digest(&SHA256, token.expose_secret().as_bytes());
            claims["ath"] = URL_SAFE_NO_PAD.encode(hash).into();
        }
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk});
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature =
            self.pair.sign(&SystemRandom::new(), signed.as_bytes()).map_err(|_| ProofError("the signature failed"))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::jwk::Jwk;
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_proof_verifies_with_the_key_that_it_carries() {
        let key = ProofKey::generate().expect("a key");
        let url = Url::parse("https://acme.okta.com/api/v1/apps?q=x#y").expect("a URL");
        let token = SecretString::from("at");
        let proof = key.proof(&Method::POST, &url, Some("n1"), Some(&token)).expect("a proof");
        let header = decode_header(&proof).expect("a header");
        assert_eq!((header.typ.as_deref(), header.alg), (Some("dpop+jwt"), Algorithm::ES256));
        let jwk: Jwk = serde_json::from_value(key.jwk.clone()).expect("a jwk");
        let mut validation = Validation::new(Algorithm::ES256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        let key = DecodingKey::from_jwk(&jwk).expect("a key");
        let claims = decode::<Value>(&proof, &key, &validation).expect("a valid signature").claims;
        assert_eq!(claims["htm"], "POST");
        assert_eq!(claims["htu"], "https://acme.okta.com/api/v1/apps");
        assert_eq!(claims["nonce"], "n1");
        assert_eq!(claims["ath"], URL_SAFE_NO_PAD.encode(digest(&SHA256, b"at")));
    }
}
