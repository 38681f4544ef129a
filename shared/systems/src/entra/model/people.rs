//! Groups and users.

use serde::Deserialize;
use serde_json::Value;

use super::required;
use crate::http::{flag, text};

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Group {
    /// Object id.
    pub id: String,
    /// Name; not unique.
    pub name: String,
}

impl TryFrom<Value> for Group {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        let id = required(&raw, "id", "a group without id")?;
        Ok(Self { id, name: text(&raw, "/displayName").unwrap_or_default() })
    }
}

/// A user in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Object id.
    pub id: String,
    /// User principal name; empty where we have no right to read users (`User.Read.All`): then only ids are shown.
    pub user_principal_name: String,
    /// Mail address.
    pub mail: Option<String>,
    /// Display name.
    pub display_name: Option<String>,
    /// Given name.
    pub given_name: Option<String>,
    /// Surname.
    pub surname: Option<String>,
    /// Whether the account is enabled; `None`: not told.
    pub enabled: Option<bool>,
    /// Whether it is a guest: a guest's user principal name is not the one that they sign in with.
    pub guest: bool,
}

impl Member {
    /// `None` for what is no user: groups, devices and service principals can be members too.
    pub(in crate::entra) fn read(raw: &Value) -> Option<Self> {
        let kind = raw.get("@odata.type").and_then(Value::as_str);
        if kind.is_some_and(|k| k != "#microsoft.graph.user") {
            return None;
        }
        let name = text(raw, "/userPrincipalName").unwrap_or_default();
        Some(Self {
            id: text(raw, "/id")?,
            mail: text(raw, "/mail"),
            display_name: text(raw, "/displayName"),
            given_name: text(raw, "/givenName"),
            surname: text(raw, "/surname"),
            enabled: flag(raw, "/accountEnabled"),
            guest: text(raw, "/userType").is_some_and(|t| t.eq_ignore_ascii_case("guest")) || name.contains("#EXT#"),
            user_principal_name: name,
        })
    }
}
