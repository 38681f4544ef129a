//! Service principals, and what hangs on them: assignments and grants.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::required;
use crate::http::{flag, text, texts};

/// A service principal: what an application is in a tenant. Without one nobody gets a token.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct ServicePrincipal {
    /// Object id: the one that grants and assignments name.
    pub id: String,
    /// Client id of its application.
    pub app_id: String,
    /// Name.
    pub display_name: String,
    /// Whether it can be used (`accountEnabled`).
    pub enabled: bool,
    /// Whether only assigned users and groups get tokens. Otherwise the whole tenant does, guests included.
    pub assignment_required: bool,
    /// Free marks.
    pub tags: Vec<String>,
}

impl TryFrom<Value> for ServicePrincipal {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        Ok(Self {
            id: required(&raw, "id", "a service principal without id")?,
            app_id: required(&raw, "appId", "a service principal without appId")?,
            display_name: text(&raw, "/displayName").unwrap_or_default(),
            enabled: flag(&raw, "/accountEnabled").unwrap_or(true),
            assignment_required: flag(&raw, "/appRoleAssignmentRequired").unwrap_or_default(),
            tags: texts(&raw, "/tags"),
        })
    }
}

/// A user or group that may use an app.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Assignment {
    /// Id.
    pub id: String,
    /// Object id of the user, group or service principal.
    pub principal_id: String,
    /// `User`, `Group` or `ServicePrincipal`.
    pub principal_type: String,
    /// The app role; all zeros is the default access.
    pub app_role_id: String,
}

impl TryFrom<Value> for Assignment {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        Ok(Self {
            id: required(&raw, "id", "an assignment without id")?,
            principal_id: text(&raw, "/principalId").unwrap_or_default(),
            principal_type: text(&raw, "/principalType").unwrap_or_default(),
            app_role_id: text(&raw, "/appRoleId").unwrap_or_default(),
        })
    }
}

/// Consent to delegated permissions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Grant {
    /// Id.
    pub id: String,
    /// Object id of the client's service principal.
    pub client_id: String,
    /// Object id of the resource's service principal.
    pub resource_id: String,
    /// Whether an admin consented for everybody (`AllPrincipals`), not one user for themselves.
    pub all_principals: bool,
    /// Object id of the user who consented for themselves; `None`: an admin for everybody.
    pub principal_id: Option<String>,
    /// The scopes' values.
    pub scopes: BTreeSet<String>,
}

impl TryFrom<Value> for Grant {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        let scopes = text(&raw, "/scope").unwrap_or_default();
        Ok(Self {
            id: required(&raw, "id", "a grant without id")?,
            client_id: text(&raw, "/clientId").unwrap_or_default(),
            resource_id: text(&raw, "/resourceId").unwrap_or_default(),
            all_principals: text(&raw, "/consentType").as_deref() == Some("AllPrincipals"),
            principal_id: text(&raw, "/principalId"),
            scopes: scopes.split_whitespace().map(str::to_owned).collect(),
        })
    }
}

/// Scopes as a grant states them.
pub(in crate::entra) fn scope_text(scopes: &BTreeSet<String>) -> String {
    scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}
