//! `private_key_jwt`: client assertions, refused in Okta's words.

use jiff::Timestamp;
use jsonwebtoken::jwk::Jwk;
use serde_json::Value;

use super::Org;
use super::data::App;
use super::dpop::{algorithm, part, signed_by};
use super::error::Problem;

/// `client_assertion_type` for JWTs.
pub(super) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn refused(text: &str) -> Problem {
    Problem::oauth(401, "invalid_client", text)
}

/// The client id that an assertion claims, unverified.
pub(super) fn client_id(assertion: &str) -> Option<String> {
    part(assertion, 1)?["sub"].as_str().map(str::to_owned)
}

/// Checks an assertion of `app` sent to one of `urls`. Times are judged by the real clock; each `jti` counts once.
/// Whether Okta counts it as used when the same request is then answered with a DPoP challenge is UNCONFIRMED; here it
/// does, so callers make a new assertion for the next try.
pub(super) fn check(org: &Org, app: &App, assertion: &str, urls: &[String]) -> Result<(), Problem> {
    let malformed = || refused("The client_assertion is malformed.");
    let header = part(assertion, 0).ok_or_else(malformed)?;
    let claims = part(assertion, 1).ok_or_else(malformed)?;
    let algorithm = header["alg"].as_str().and_then(algorithm);
    let algorithm = algorithm.ok_or_else(|| refused("The client_assertion signing algorithm isn't supported."))?;
    let keys = app.oauth()["jwks"]["keys"].as_array().filter(|keys| !keys.is_empty()).ok_or_else(|| {
        refused("The client does not have a JWKSet configured, but the client_assertion requires one.")
    })?;
    let live: Vec<Jwk> = keys
        .iter()
        .filter(|key| key["status"] != "INACTIVE" && (header["kid"].is_null() || key["kid"] == header["kid"]))
        .filter_map(|key| serde_json::from_value(key.clone()).ok())
        .collect();
    if live.is_empty() {
        return Err(refused("The client_assertion kid is invalid."));
    }
    if !live.iter().any(|key| signed_by(assertion, key, algorithm)) {
        return Err(refused("The client_assertion signature is invalid."));
    }
    if claims["iss"] != app.client_id() || claims["sub"] != app.client_id() {
        return Err(refused("The issuer and subject claims for client_assertion must be the client_id."));
    }
    let audience = |aud: &Value| aud.as_str().is_some_and(|aud| urls.iter().any(|url| url == aud));
    let fits = claims["aud"].as_array().map_or_else(|| audience(&claims["aud"]), |list| list.iter().any(audience));
    if !fits {
        return Err(refused("The audience claim for client_assertion must be the endpoint invoked for the request."));
    }
    let left = claims["exp"].as_i64().map(|exp| exp - Timestamp::now().as_second());
    match left {
        None => return Err(refused("The client_assertion token has no expiration.")),
        Some(left) if left <= 0 => return Err(refused("The client_assertion token is expired.")),
        Some(left) if left > 3600 => {
            return Err(refused("The client_assertion token has an expiration too far into the future."));
        }
        Some(_) => {}
    }
    if let Some(jti) = claims["jti"].as_str()
        && !org.first_use("assertion", &format!("{} {jti}", app.id))
    {
        return Err(refused("The client_assertion token has already been used."));
    }
    Ok(())
}
