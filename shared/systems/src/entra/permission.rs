//! The application permissions of Microsoft Graph that our calls need, and what our token says of them.

use std::collections::BTreeSet;

use extoauth_core::error::{CallError, CallResult, ErrorKind};

use super::Read;

/// What a call needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permission {
    /// Read applications and service principals.
    ReadApplications,
    /// Read the applications of the whole tenant, not only our own.
    ListApplications,
    /// Change applications, service principals and secrets.
    WriteApplications,
    /// Read consent.
    ReadGrants,
    /// Give and take consent.
    WriteGrants,
    /// Read assignments.
    ReadAssignments,
    /// Assign groups.
    WriteAssignments,
    /// Read groups and their members.
    ReadGroups,
    /// Read app management and token lifetime policies.
    ReadPolicies,
    /// Read the directory's audit log.
    ReadAudits,
}

impl Permission {
    /// Its names at Microsoft Graph, the least one first (Microsoft Graph permissions reference).
    fn names(self) -> &'static str {
        match self {
            Self::ReadApplications | Self::ReadAssignments => {
                "Application.ReadWrite.OwnedBy (applications that it owns) or Application.Read.All"
            }
            Self::ListApplications => "Application.Read.All",
            Self::WriteApplications => {
                "Application.ReadWrite.OwnedBy and ownership of the application, or Application.ReadWrite.All"
            }
            Self::ReadGrants => "DelegatedPermissionGrant.Read.All or DelegatedPermissionGrant.ReadWrite.All",
            Self::WriteGrants => "DelegatedPermissionGrant.ReadWrite.All",
            Self::WriteAssignments => "AppRoleAssignment.ReadWrite.All",
            Self::ReadGroups => "GroupMember.Read.All (and User.Read.All for the members' names) or Group.Read.All",
            Self::ReadPolicies => "Policy.Read.All",
            Self::ReadAudits => "AuditLog.Read.All",
        }
    }

    /// Whether a refusal is for want of a right.
    pub(super) fn is_denied(error: &CallError) -> bool {
        error.kind == ErrorKind::Forbidden && error.code.as_deref() == Some("Authorization_RequestDenied")
    }

    /// Names the right in a refusal for want of it.
    pub(super) fn explain(self, error: CallError) -> CallError {
        if !Self::is_denied(&error) {
            return error;
        }
        let message = format!(
            "{} (our app needs the application permission {} of Microsoft Graph, with admin consent)",
            error.message,
            self.names()
        );
        CallError { message, ..error }
    }
}

impl Read {
    /// The application permissions that our app has at Microsoft Graph (`roles` of its token, at most a few minutes
    /// old); `None` where the token cannot be read: Microsoft does not promise its form.
    ///
    /// # Errors
    /// If there is no token: credential refused, no answer, no time.
    pub async fn rights(&self) -> CallResult<Option<BTreeSet<String>>> {
        self.session.roles().await
    }
}
