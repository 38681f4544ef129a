//! What Entra keeps, as far as we use it. Reading is lenient: Graph's types are open, most strings may be null, and
//! recordings of 2022 lack fields of today, so all but the ids may be missing.

mod application;
mod desired;
mod people;
mod principal;
mod rules;

pub use application::{Application, DeletedApplication, Password, PermissionScope, PreAuthorized, RequiredScope};
pub use desired::{ClientAppSpec, PermissionScopeSpec, ResourceAppSpec};
pub(super) use desired::{disabled, with_pre_authorized};
pub use people::{Group, Member};
pub(super) use principal::scope_text;
pub use principal::{Assignment, Grant, ServicePrincipal};
pub use rules::PasswordRules;
pub(super) use rules::{has_dated_restriction, own_rules, tenant_rules};

use serde_json::Value;

/// Which access tokens a resource app gets: `requestedAccessTokenVersion`. It alone decides, not the endpoint that the
/// client uses (Microsoft identity platform, access tokens).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenVersion {
    /// 1, or null: issuer `https://sts.windows.net/{tenant}/`, audience as the client asked for it.
    V1,
    /// 2: issuer `…/{tenant}/v2.0`, audience always the app id as a bare GUID.
    V2,
}

impl TokenVersion {
    /// The number in `requestedAccessTokenVersion`.
    pub fn number(self) -> u8 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }
}

/// A text that every object of a kind has.
pub(super) fn required(raw: &Value, field: &str, missing: &'static str) -> Result<String, &'static str> {
    raw.get(field).and_then(Value::as_str).filter(|s| !s.is_empty()).map(str::to_owned).ok_or(missing)
}

/// The items of an array, by JSON pointer.
pub(super) fn items<'v>(raw: &'v Value, pointer: &str) -> &'v [Value] {
    raw.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
