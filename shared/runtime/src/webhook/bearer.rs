//! Bearer keys: stored as SHA-256, compared as digests.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A bearer key: its digest, what it may, and for whom it speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BearerKey {
    digest: [u8; 32],
    pub(super) writes: bool,
    pub(super) reads: bool,
    pub(super) instance: String,
}

impl BearerKey {
    /// Reads a key of the stored form: SHA-256 in hex, scopes `write` and `read`.
    pub(super) fn parse(sha256: &str, scopes: &[String], instance: String) -> Result<Self, &'static str> {
        let digest = from_hex(sha256).ok_or("`sha256` must be 64 hexadecimal digits")?;
        if scopes.iter().any(|scope| scope != "write" && scope != "read") {
            return Err("`scopes` may hold `write` and `read`");
        }
        let has = |scope: &str| scopes.iter().any(|s| s == scope);
        Ok(Self { digest, writes: has("write"), reads: has("read"), instance })
    }
}

/// The key that was given. All are compared, each in constant time over digests, so that neither the place of a key nor
/// its length shows.
pub(super) fn find<'k>(keys: &'k [BearerKey], given: &str) -> Option<&'k BearerKey> {
    let digest = Sha256::digest(given.as_bytes());
    let mut found = None;
    for key in keys {
        if bool::from(key.digest.ct_eq(&digest[..])) && found.is_none() {
            found = Some(key);
        }
    }
    found
}

/// The key of an `Authorization: Bearer` header.
pub(super) fn of_header(value: &str) -> Option<&str> {
    let (scheme, key) = value.trim().split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty()).then_some(key)
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    // `from_str_radix` would take a sign.
    if text.len() != 64 || !text.bytes().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of `abc` (FIPS 180-4, example).
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn key(scopes: &[&str]) -> BearerKey {
        let scopes: Vec<String> = scopes.iter().map(|&s| s.to_owned()).collect();
        BearerKey::parse(ABC, &scopes, "acme".into()).expect("a key")
    }

    #[test]
    fn a_key_is_known_by_its_digest() {
        let keys = [key(&["read"])];
        let found = find(&keys, "abc").expect("the key");
        assert!(found.reads && !found.writes);
        for wrong in ["", "abd", "abc ", ABC] {
            assert!(find(&keys, wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn headers_and_stored_forms_are_checked() {
        assert_eq!(of_header("Bearer abc"), Some("abc"));
        assert_eq!(of_header("bearer   abc "), Some("abc"));
        for wrong in ["", "abc", "Basic abc", "Bearer", "Bearer "] {
            assert_eq!(of_header(wrong), None, "{wrong}");
        }
        assert!(BearerKey::parse("ba78", &[], "x".into()).is_err());
        assert!(BearerKey::parse(&"g".repeat(64), &[], "x".into()).is_err());
        assert!(BearerKey::parse(&"+f".repeat(32), &[], "x".into()).is_err());
        assert!(BearerKey::parse(ABC, &["admin".into()], "x".into()).is_err());
        assert!(BearerKey::parse(&ABC.to_uppercase(), &[], "x".into()).is_ok());
    }
}
