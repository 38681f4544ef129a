//! Ids, secrets and times in the shapes of recorded traffic.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

const ALPHANUMERIC: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Random bytes from the operating system's generator.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the system's random generator works");
    bytes
}

/// `n` random letters and digits.
pub(super) fn alphanumeric(n: usize) -> String {
    (0..n).map(|_| char::from(ALPHANUMERIC[usize::from(random::<1>()[0]) % 62])).collect()
}

/// `N` random bytes, base64url.
pub(super) fn token<const N: usize>() -> String {
    URL_SAFE_NO_PAD.encode(random::<N>())
}

/// An id of 20 letters and digits; its first three say what it names (`0oa` app, `aus` authorization server, …). Ids
/// grow with time, so that a map keyed by them keeps the order of creation and `after` can be an id.
pub(super) fn id(prefix: &str) -> String {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let now = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0);
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(now.max(last + 1)));
    let mut rest = now.max(last.unwrap_or(0) + 1);
    let mut time = [0; 7];
    for digit in time.iter_mut().rev() {
        *digit = ALPHANUMERIC[usize::try_from(rest % 62).unwrap_or(0)];
        rest /= 62;
    }
    format!("{prefix}{}{}5d7", String::from_utf8_lossy(&time), alphanumeric(7))
}

/// `errorId`: `oae` and 22 characters.
pub(super) fn error_id() -> String {
    format!("oae{}", &token::<24>()[..22])
}

/// A generated client secret: 64 characters, as Okta makes them now.
pub(super) fn client_secret() -> String {
    token::<48>()
}

/// `secret_hash`: 128 bits, base64url. Which hash Okta takes is not published.
pub(super) fn secret_hash(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(secret)[..16])
}

/// base64url of the SHA-256 of a text (`ath`, PKCE's S256).
pub(super) fn sha256_url(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

/// Lower-case hex of the SHA-256 of a text, as `GET /state` shows secrets.
pub(super) fn sha256_hex(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Object times: whole seconds, always written with `.000Z`.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

/// Times of the System Log: real milliseconds.
pub(super) fn log_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// RFC 4648 base32 without padding: the id of a standard role assignment is its type in this form.
pub(super) fn base32(text: &str) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut out, mut bits, mut have) = (String::new(), 0u32, 0u32);
    for byte in text.bytes() {
        bits = bits << 8 | u32::from(byte);
        have += 8;
        while have >= 5 {
            have -= 5;
            out.push(char::from(LETTERS[(bits >> have & 31) as usize]));
        }
        bits &= (1 << have) - 1;
    }
    if have > 0 {
        out.push(char::from(LETTERS[(bits << (5 - have) & 31) as usize]));
    }
    out
}
