//! Proofs of possession (RFC 9449) as Okta asks for them.

use axum::http::{HeaderMap, Method};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

use super::Org;

/// What a good proof says.
pub(super) struct Proof {
    /// RFC 7638 thumbprint of the key.
    pub thumbprint: String,
    pub nonce: Option<String>,
    pub access_token_hash: Option<String>,
}

/// Signature algorithms for assertions and proofs. Okta also takes ES512; the library here does not.
pub(super) fn algorithm(name: &str) -> Option<Algorithm> {
    Some(match name {
        "RS256" => Algorithm::RS256,
        "RS384" => Algorithm::RS384,
        "RS512" => Algorithm::RS512,
        "ES256" => Algorithm::ES256,
        "ES384" => Algorithm::ES384,
        _ => return None,
    })
}

/// The part of a JWT with this index (0 header, 1 claims), unverified.
pub(super) fn part(jwt: &str, index: usize) -> Option<Value> {
    let bytes = URL_SAFE_NO_PAD.decode(jwt.split('.').nth(index)?).ok()?;
    serde_json::from_slice(&bytes).ok().filter(Value::is_object)
}

/// Whether a JWT is signed by this key. Times and audience are the caller's to judge.
pub(super) fn signed_by(jwt: &str, jwk: &Jwk, algorithm: Algorithm) -> bool {
    let Ok(key) = DecodingKey::from_jwk(jwk) else { return false };
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    jsonwebtoken::decode::<Value>(jwt, &key, &validation).is_ok()
}

/// Checks the `DPoP` header of a request to one of `urls`; the error is Okta's `error_description`. Each proof counts
/// once, and for five minutes.
pub(super) fn check(org: &Org, headers: &HeaderMap, method: &Method, urls: &[String]) -> Result<Proof, String> {
    let mut proofs = headers.get_all("dpop").iter();
    let Some(proof) = proofs.next().and_then(|value| value.to_str().ok()) else {
        return Err("The DPoP proof JWT header is missing.".to_owned());
    };
    let invalid = || "The DPoP proof JWT is invalid.".to_owned();
    if proofs.next().is_some() {
        return Err(invalid());
    }
    let (header, claims) = (part(proof, 0).ok_or_else(invalid)?, part(proof, 1).ok_or_else(invalid)?);
    if header["typ"] != "dpop+jwt" {
        return Err("The DPoP proof JWT header's typ must be dpop+jwt.".to_owned());
    }
    let algorithm = header["alg"].as_str().and_then(algorithm);
    let algorithm = algorithm.ok_or("The DPoP proof JWT header's alg isn't supported.")?;
    if header["jwk"].get("d").is_some() {
        return Err("The DPoP proof JWT header's jwk must be a public key.".to_owned());
    }
    let jwk: Jwk = serde_json::from_value(header["jwk"].clone()).map_err(|_| invalid())?;
    if !signed_by(proof, &jwk, algorithm) {
        return Err("The DPoP proof JWT signature is invalid.".to_owned());
    }
    if claims["htm"] != method.as_str() {
        return Err("The DPoP proof JWT htm claim doesn't match the HTTP method.".to_owned());
    }
    if !claims["htu"].as_str().is_some_and(|htu| urls.iter().any(|url| url == htu)) {
        return Err("The DPoP proof JWT htu claim doesn't match the HTTP URI.".to_owned());
    }
    let age = claims["iat"].as_i64().map(|iat| Timestamp::now().as_second() - iat);
    if !age.is_some_and(|age| (-300..=300).contains(&age)) {
        return Err("The DPoP proof JWT has expired or is issued in the future.".to_owned());
    }
    let jti = claims["jti"].as_str().ok_or("The DPoP proof JWT jti claim is missing.")?;
    if !org.first_use("proof", jti) {
        return Err("The DPoP proof JWT has already been used.".to_owned());
    }
    let text = |name: &str| claims[name].as_str().map(str::to_owned);
    let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| invalid())?;
    Ok(Proof { thumbprint, nonce: text("nonce"), access_token_hash: text("ath") })
}
