//! Whose token a call of Graph carries, and what that lets it do: app-only permissions, from the token's `roles`.

use axum::http::{HeaderMap, header};

use super::Tenant;
use super::data::{Application, ServicePrincipal};
use super::error::Problem;
use super::permissions::GRAPH_APP_ID;
use crate::seed as names;

/// Whose token it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// The sandbox's administrator: everything is allowed.
    Admin,
    /// An application.
    App {
        /// Client id.
        app_id: String,
        /// Object id of its service principal.
        principal: String,
        /// Permissions, as the token holds them: what was taken away meanwhile counts until the token ends.
        roles: Vec<String>,
    },
}

/// Reads of every application and service principal.
const READ_APPLICATIONS: [&str; 4] =
    ["Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const WRITE_APPLICATIONS: [&str; 2] = ["Application.ReadWrite.All", "Directory.ReadWrite.All"];
const OWNED: &str = "Application.ReadWrite.OwnedBy";
const WRITE_ROLES: &str = "AppRoleAssignment.ReadWrite.All";
const WRITE_GRANTS: [&str; 2] = ["DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"];
const READ_GRANTS: [&str; 4] = [
    "DelegatedPermissionGrant.ReadWrite.All",
    "DelegatedPermissionGrant.Read.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

/// What somebody may do, beside applications.
#[derive(Clone, Copy, Debug)]
pub(super) enum Right {
    ReadGrants,
    WriteGrants,
    WriteRoles,
    ReadGroups,
    ReadMembers,
    ReadUsers,
    WriteUsers,
    WriteGroups,
    ReadPolicies,
    WritePolicies,
    ReadOrganization,
    ReadAudits,
}

impl Right {
    fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::ReadGrants => &READ_GRANTS,
            Self::WriteGrants => &WRITE_GRANTS,
            Self::WriteRoles => &[WRITE_ROLES],
            Self::ReadGroups | Self::ReadMembers => {
                &["GroupMember.Read.All", "Group.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"]
            }
            Self::ReadUsers => {
                &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"]
            }
            Self::WriteUsers => &["User.ReadWrite.All", "Directory.ReadWrite.All"],
            Self::WriteGroups => &["Directory.ReadWrite.All"],
            Self::ReadPolicies => &["Policy.Read.All"],
            Self::WritePolicies => &["Policy.ReadWrite.ApplicationConfiguration"],
            Self::ReadAudits => &["AuditLog.Read.All"],
            Self::ReadOrganization => &["Organization.Read.All", "Directory.Read.All", "Directory.ReadWrite.All"],
        }
    }
}

impl Who {
    fn has(&self, any: &[&str]) -> bool {
        match self {
            Self::Admin => true,
            Self::App { roles, .. } => roles.iter().any(|role| any.contains(&role.as_str())),
        }
    }

    /// 403 without this right.
    pub fn need(&self, right: Right) -> Result<(), Problem> {
        if self.has(right.permissions()) { Ok(()) } else { Err(Problem::forbidden()) }
    }

    /// Object id of the service principal that calls.
    pub fn principal(&self) -> Option<&str> {
        match self {
            Self::Admin => None,
            Self::App { principal, .. } => Some(principal),
        }
    }

    /// Client id of the application that calls.
    pub fn app_id(&self) -> Option<&str> {
        match self {
            Self::Admin => None,
            Self::App { app_id, .. } => Some(app_id),
        }
    }

    /// Whether it may read every application.
    pub fn reads_all(&self) -> bool {
        self.has(&READ_APPLICATIONS)
    }

    /// Whether it may write every application.
    pub fn writes_all(&self) -> bool {
        self.has(&WRITE_APPLICATIONS)
    }

    /// Whether it may make applications, and read and write its own.
    pub fn manages_own(&self) -> bool {
        self.writes_all() || self.has(&[OWNED])
    }

    fn owns<'a>(&self, mut owners: impl Iterator<Item = &'a String>) -> bool {
        self.has(&[OWNED]) && self.principal().is_some_and(|me| owners.any(|owner| owner == me))
    }

    /// Whether it sees this application. `Application.ReadWrite.OwnedBy` lists all applications and service principals of
    /// the tenant, and changes only its own (Graph reference, "Get servicePrincipal").
    pub fn sees(&self, owners: &std::collections::BTreeSet<String>) -> bool {
        self.reads_all() || self.has(&[OWNED]) || self.owns(owners.iter())
    }

    /// 403 unless it may read this application.
    pub fn reads(&self, app: &Application) -> Result<(), Problem> {
        if self.sees(&app.owners) { Ok(()) } else { Err(Problem::forbidden()) }
    }

    /// 403 unless it may change this application.
    pub fn writes(&self, app: &Application) -> Result<(), Problem> {
        let may = self.writes_all() || self.owns(app.owners.iter());
        if may { Ok(()) } else { Err(Problem::forbidden()) }
    }

    /// 403 unless it may read this service principal; who assigns roles or consents may read all of them.
    pub fn reads_principal(&self, principal: &ServicePrincipal) -> Result<(), Problem> {
        if self.sees(&principal.owners) { Ok(()) } else { Err(Problem::forbidden()) }
    }

    /// 403 unless it may change this service principal.
    pub fn writes_principal(&self, principal: &ServicePrincipal) -> Result<(), Problem> {
        let may = self.writes_all() || self.owns(principal.owners.iter());
        if may { Ok(()) } else { Err(Problem::forbidden()) }
    }

    /// 403 unless it may read the assignments of roles of this service principal.
    pub fn reads_roles(&self, principal: &ServicePrincipal) -> Result<(), Problem> {
        if self.has(&[WRITE_ROLES]) { Ok(()) } else { self.reads_principal(principal) }
    }

    /// 403 unless it may list applications or service principals at all.
    pub fn lists(&self) -> Result<(), Problem> {
        if self.reads_all() || self.manages_own() { Ok(()) } else { Err(Problem::forbidden()) }
    }
}

/// Reads the caller from the request's headers.
pub(super) fn check(tenant: &Tenant, headers: &HeaderMap) -> Result<Who, Problem> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = value.and_then(|value| value.split_once(' '));
    let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    let token = token.filter(|token| !token.is_empty()).ok_or_else(|| Problem::no_token("Access token is empty."))?;
    if token == tenant.admin_token() {
        return Ok(Who::Admin);
    }
    if token.split('.').count() != 3 {
        return Err(Problem::no_token("CompactToken parsing failed with error code: 80049217"));
    }
    let claims = tenant.verify(token).ok_or_else(|| {
        Problem::no_token("Access token validation failure or the token has expired. Lifetime validation failed.")
    })?;
    let audience = claims["aud"].as_str().unwrap_or_default().trim_end_matches('/');
    if audience != GRAPH_APP_ID && audience != format!("https://{}", names::GRAPH_HOST) {
        return Err(Problem::no_token("Access token validation failure. Invalid audience."));
    }
    if claims["tid"] != names::ENTRA_TENANT {
        return Err(Problem::no_token("Access token validation failure. Invalid issuer."));
    }
    let text = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
    let app_id = if claims["appid"].is_string() { text("appid") } else { text("azp") };
    let roles = claims["roles"].as_array().into_iter().flatten().filter_map(|role| role.as_str().map(str::to_owned));
    Ok(Who::App { app_id, principal: text("oid"), roles: roles.collect() })
}
