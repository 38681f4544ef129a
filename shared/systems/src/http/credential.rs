//! Where a system's credential comes from.

use extoauth_core::error::{CallError, CallResult, ErrorKind};
use extoauth_core::systems::SystemId;
use futures::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

/// Our credential at a system: the JSON text of a secret, in the form that the system's client documents.
///
/// Clients fetch it at their first call and once more, with `fresh`, when the system says that it is no longer good.
pub trait Credential: Send + Sync {
    /// The secret's JSON; `fresh` asks for it past any cache.
    fn fetch<'a>(&'a self, fresh: bool) -> BoxFuture<'a, CallResult<SecretString>>;

    /// What tells this credential from another one of the same system (its ARN): calls with the same credential share
    /// a limit.
    fn name(&self) -> &str {
        ""
    }
}

/// Reads a credential's JSON. The text of serde's errors may quote the value, so it is not passed on.
pub(crate) fn parse<T: DeserializeOwned>(system: &SystemId, secret: &SecretString, form: &str) -> CallResult<T> {
    serde_json::from_str(secret.expose_secret()).map_err(|e| {
        let message = format!(
            "the stored credential is not of the form {form} (problem at line {}, column {})",
            e.line(),
            e.column()
        );
        CallError::new(ErrorKind::Unauthorized, system.clone(), "read our credential", message)
    })
}

#[cfg(test)]
mod tests {
    use extoauth_core::systems::SystemKind;

    use super::*;

    #[test]
    fn a_broken_credential_is_not_quoted() {
        let system = SystemId::new(SystemKind::Dbt, "acme");
        for broken in [r#"{"token": 12345678}"#, r#""dbts_canary""#, "dbts_canary", r#"{"dbts_canary":"#] {
            let secret = SecretString::from(broken);
            let error = parse::<std::collections::BTreeMap<String, String>>(&system, &secret, "{\"token\"}")
                .expect_err("not a map of texts");
            assert!(!error.to_string().contains("canary") && !error.to_string().contains("12345678"), "{error}");
        }
    }
}
