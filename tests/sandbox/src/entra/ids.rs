//! Ids, secrets and times as Graph writes them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::data::Grant;

/// A new object id, client id, key id or request id.
pub(super) fn guid() -> String {
    Uuid::new_v4().to_string()
}

/// Whether this is a GUID, in the form with hyphens.
pub(super) fn is_guid(text: &str) -> bool {
    text.len() == 36 && Uuid::try_parse(text).is_ok()
}

/// A GUID's bytes as .NET lays them out: the first three fields little-endian.
fn dotnet(guid: &str) -> [u8; 16] {
    Uuid::try_parse(guid).unwrap_or_default().to_bytes_le()
}

/// The id of a grant: client, resource and (for one person) principal, each as .NET's bytes, base64url without padding.
/// Holds for every published example.
pub(super) fn grant(grant: &Grant) -> String {
    let mut bytes = [dotnet(&grant.client), dotnet(&grant.resource)].concat();
    if let Some(principal) = &grant.principal {
        bytes.extend(dotnet(principal));
    }
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The id of a role assignment: the principal's bytes and 16 of its own.
pub(super) fn role_assignment(principal: &str) -> String {
    URL_SAFE_NO_PAD.encode([dotnet(principal), Uuid::new_v4().to_bytes_le()].concat())
}

/// A generated client secret: 40 characters, the fourth to sixth of which are `8Q~` (by memory of real ones).
pub(super) fn secret() -> String {
    let random = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
    let text: String = URL_SAFE_NO_PAD.encode(random).chars().filter(char::is_ascii_alphanumeric).collect();
    // A run of GUIDs has more than enough letters and digits; what is missing comes from another one.
    let text: String = text.chars().chain(Uuid::new_v4().simple().to_string().chars()).take(37).collect();
    let (head, tail) = text.split_at(3);
    format!("{head}8Q~{tail}")
}

/// Lower-case hex of the SHA-256 of a text, as `GET /state` shows secrets.
pub(super) fn sha256_hex(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Times of objects in reads: whole seconds.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Creation in the answer to a POST: seven digits behind the second.
pub(super) fn precise_time(at: Timestamp) -> String {
    let ticks = at.subsec_nanosecond() / 100;
    format!("{}.{ticks:07}Z", at.strftime("%Y-%m-%dT%H:%M:%S"))
}

/// Time in an error's `innerError`: no zone.
pub(super) fn error_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grant_ids_are_those_of_the_reference() {
        let published = Grant {
            id: String::new(),
            client: "ef969797-201d-4f6b-960c-e9ed5f31dab5".to_owned(),
            resource: "943603e4-e787-4fe9-93d1-e30f749aae39".to_owned(),
            principal: None,
            scope: String::new(),
        };
        assert_eq!(grant(&published), "l5eW7x0ga0-WDOntXzHateQDNpSH5-lPk9HjD3Sarjk");
        let mine = Grant { principal: Some("943603e4-e787-4fe9-93d1-e30f749aae39".to_owned()), ..published };
        assert_eq!(grant(&mine).len(), 64);
    }

    #[test]
    fn secrets_are_forty_characters() {
        for _ in 0..100 {
            let secret = secret();
            assert_eq!(secret.len(), 40, "{secret}");
            assert_eq!(&secret[3..6], "8Q~");
        }
    }
}
