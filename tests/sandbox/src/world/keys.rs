//! AWS access keys: how a call to an AWS service tells who makes it.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use http::HeaderMap;

use crate::seed;

/// Access key id and secret of a function, or of the administrator (`admin`). The secret is a test value that nobody
/// checks: who calls is known from the id alone.
pub fn access_key(caller: &str) -> (String, String) {
    let name: String = caller.chars().filter(char::is_ascii_alphanumeric).collect();
    let id = format!("AKIASANDBOX{:0<9}", name.to_ascii_uppercase());
    let secret = format!("sandbox-{name}-secret-access-key-of-40-chars");
    (id, secret)
}

/// What the `Authorization` header of Signature Version 4 says before its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Access key id.
    pub access_key_id: String,
    /// Service name of the signature (`sso`, `sso-oauth`, `dynamodb`, …).
    pub service: String,
}

impl Credential {
    /// Reads the header: `AWS4-HMAC-SHA256 Credential=<id>/<date>/<region>/<service>/aws4_request, …`.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(http::header::AUTHORIZATION)?.to_str().ok()?;
        let scope = value.strip_prefix("AWS4-HMAC-SHA256 ")?.split(',').find_map(|part| {
            let scope = part.trim().strip_prefix("Credential=")?;
            scope.strip_suffix("/aws4_request")
        })?;
        // The id itself holds no slash; date, region and service are the last three.
        let mut parts = scope.rsplitn(4, '/');
        let service = parts.next()?.to_owned();
        let access_key_id = parts.nth(2)?.to_owned();
        Some(Self { access_key_id, service })
    }
}

/// The access keys that exist.
pub struct AccessKeys {
    callers: RwLock<HashMap<String, String>>,
}

impl Default for AccessKeys {
    fn default() -> Self {
        let keys = Self { callers: RwLock::default() };
        for caller in seed::FUNCTIONS.iter().chain(["admin"].iter()) {
            keys.issue(caller);
        }
        keys
    }
}

impl AccessKeys {
    /// The keys of this caller, valid from now on.
    pub fn issue(&self, caller: &str) -> (String, String) {
        let (id, secret) = access_key(caller);
        self.learn(&id, caller);
        (id, secret)
    }

    /// Lets an access key id (of a role that a function assumed) stand for this caller.
    pub fn learn(&self, id: &str, caller: &str) {
        let mut callers = self.callers.write().unwrap_or_else(PoisonError::into_inner);
        callers.insert(id.to_owned(), caller.to_owned());
    }

    /// Who uses this access key id.
    pub fn caller(&self, id: &str) -> Option<String> {
        self.callers.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_credential_of_a_signature() {
        let mut headers = HeaderMap::new();
        let value = "AWS4-HMAC-SHA256 Credential=AKIASANDBOXPROVISION/20260102/us-east-1/sso-oauth/aws4_request, \
                     SignedHeaders=host, Signature=00";
        headers.insert("authorization", value.parse().expect("a header"));
        let credential = Credential::of(&headers).expect("a credential");
        assert_eq!(credential.access_key_id, "AKIASANDBOXPROVISION");
        assert_eq!(credential.service, "sso-oauth");
        headers.insert("authorization", "Bearer x".parse().expect("a header"));
        assert_eq!(Credential::of(&headers), None);
    }

    #[test]
    fn every_function_has_keys_of_its_own() {
        let keys = AccessKeys::default();
        for function in seed::FUNCTIONS {
            let (id, _) = access_key(function);
            assert!(id.len() >= 20 && id.bytes().all(|b| b.is_ascii_alphanumeric()), "{id}");
            assert_eq!(keys.caller(&id).as_deref(), Some(function));
        }
        assert_eq!(keys.caller(&access_key("admin").0).as_deref(), Some("admin"));
        assert_eq!(keys.caller("AKIAUNKNOWN"), None);
    }
}
