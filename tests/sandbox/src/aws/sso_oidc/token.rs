//! Reading and proving an issuer's token.

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, dangerous, decode, decode_header};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Claims of a token.
pub(super) type Claims = Map<String, Value>;

/// A token that has the form of one; nothing in it is proved.
pub(super) struct Unproved {
    pub header: Header,
    pub claims: Claims,
}

/// Reads a compact JWT whose algorithm Identity Center accepts.
pub(super) fn read(token: &str) -> Result<Unproved, String> {
    let header = decode_header(token).map_err(|error| format!("the assertion is not a JWT: {error}"))?;
    if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) {
        return Err(format!("the algorithm {:?} is not accepted", header.alg));
    }
    let claims = dangerous::insecure_decode_claims::<Claims>(token);
    let claims = claims.map_err(|error| format!("the claims of the assertion cannot be read: {error}"))?;
    Ok(Unproved { header, claims })
}

/// Proves signature, `exp` and `nbf` against the real time.
pub(super) fn prove(token: &str, header: &Header, key_set: &Value) -> Result<(), String> {
    let keys = key_set.get("keys").and_then(Value::as_array).ok_or("the key set has no keys")?;
    let mut validation = Validation::new(header.alg);
    validation.leeway = 0;
    validation.validate_nbf = true;
    validation.validate_aud = false;
    let mut reason = format!("no key of the issuer fits (kid {:?})", header.kid);
    for key in keys {
        // Keys of kinds that are not known here must not hide the others.
        let Ok(key) = serde_json::from_value::<Jwk>(key.clone()) else { continue };
        if header.kid.is_some() && key.common.key_id != header.kid {
            continue;
        }
        let Ok(key) = DecodingKey::from_jwk(&key) else { continue };
        match decode::<Claims>(token, &key, &validation) {
            Ok(_) => return Ok(()),
            Err(error) => reason = format!("the token does not hold: {error}"),
        }
    }
    Err(reason)
}

/// The audiences of a token: `aud` is a text or a list of them.
pub(super) fn audiences(claims: &Claims) -> Vec<&str> {
    match claims.get("aud") {
        Some(Value::String(audience)) => vec![audience],
        Some(Value::Array(audiences)) => audiences.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The text at a claim path. A name may hold underscores of its own (`preferred_username`), so the whole path is tried
/// as a name before its segments.
pub(super) fn claim<'a>(claims: &'a Claims, path: &str) -> Option<&'a str> {
    let whole = claims.get(path).and_then(Value::as_str);
    let nested = || {
        let (first, rest) = path.split_once(['.', '_'])?;
        claim(claims.get(first)?.as_object()?, rest)
    };
    whole.or_else(nested).filter(|text| !text.is_empty())
}

/// What makes a token one: `jti`, else Entra's `uti`, else its hash. How AWS keys its cache for tokens without `jti` is
/// UNCONFIRMED; each token works once in either case.
pub(super) fn identity(token: &str, claims: &Claims) -> String {
    let issuer = claims.get("iss").and_then(Value::as_str).unwrap_or_default();
    let id = |name: &str| claims.get(name).and_then(Value::as_str).map(|id| format!("{name}:{issuer}:{id}"));
    id("jti").or_else(|| id("uti")).unwrap_or_else(|| {
        let digest = Sha256::digest(token.as_bytes());
        digest.iter().fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
    })
}

#[cfg(test)]
mod tests {
    use super::{Claims, claim};
    use serde_json::{Value, json};

    #[test]
    fn claims_are_found_by_name_before_path() {
        let Value::Object(claims): Value = json!({"preferred_username": "a", "profile": {"email": "b"}, "sub": ""})
        else {
            panic!("an object");
        };
        let claims: Claims = claims;
        assert_eq!(claim(&claims, "preferred_username"), Some("a"));
        assert_eq!(claim(&claims, "profile.email"), Some("b"));
        assert_eq!(claim(&claims, "profile_email"), Some("b"));
        assert_eq!(claim(&claims, "sub"), None);
        assert_eq!(claim(&claims, "upn"), None);
    }
}
