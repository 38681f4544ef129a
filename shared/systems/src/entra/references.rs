//! Writes, and what they refer to.

use extoauth_core::error::{CallError, CallResult, ErrorKind};
use serde::Deserialize;

use super::odata::by_key;
use super::permission::Permission;
use super::visible::{accepted, may_be_lag};
use super::{Read, Write};
use crate::http::{Call, Reply};

/// An object that a write names, by path or in its body.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reference<'a> {
    /// An application, by object id.
    Application(&'a str),
    /// An application of this tenant, by app id.
    AppId(&'a str),
    /// A service principal, by object id.
    Principal(&'a str),
    /// A group, by object id.
    Group(&'a str),
    /// A grant.
    Grant(&'a str),
    /// A secret of an application.
    Password { application: &'a str, key_id: &'a str },
}

#[derive(Deserialize)]
struct Anything {}

impl Read {
    /// Reads what a write refers to: `NotFound`, naming it, for what is not there. What we may not read is taken for
    /// visible: only the write can tell.
    async fn look(&self, references: &[Reference<'_>]) -> CallResult<()> {
        futures::future::try_join_all(references.iter().map(|reference| self.look_at(*reference))).await.map(drop)
    }

    async fn look_at(&self, reference: Reference<'_>) -> CallResult<()> {
        const OPERATION: &str = "look for what a write refers to";
        let apps = Permission::ReadApplications;
        let keyed;
        let (kind, id, path, permission) = match reference {
            Reference::Application(id) => ("application", id, ["applications", id], apps),
            Reference::AppId(id) => {
                keyed = by_key("applications", "appId", id);
                ("application with app id", id, [keyed.as_str(), ""], apps)
            }
            Reference::Principal(id) => ("service principal", id, ["servicePrincipals", id], apps),
            Reference::Group(id) => ("group", id, ["groups", id], Permission::ReadGroups),
            Reference::Grant(id) => ("grant", id, ["oauth2PermissionGrants", id], Permission::ReadGrants),
            Reference::Password { application, key_id } => {
                return match self.has_password(application, key_id).await? {
                    true => Ok(()),
                    false => Err(self.missing(OPERATION, "client secret", key_id)),
                };
            }
        };
        let path = if path[1].is_empty() { &path[..1] } else { &path[..] };
        match self.get::<Anything>(OPERATION, permission, path, "id", id).await {
            Ok(_) => Ok(()),
            Err(e) if e.kind == ErrorKind::Forbidden => Ok(()),
            Err(e) if e.is_not_found() => {
                Err(CallError { request_id: e.request_id, ..self.missing(OPERATION, kind, id) })
            }
            Err(e) => Err(e),
        }
    }

    fn missing(&self, operation: &'static str, kind: &str, id: &str) -> CallError {
        let message = format!("the {kind} is not there, or still not visible");
        CallError::new(ErrorKind::NotFound, self.system().clone(), operation, message).on(id)
    }
}

impl Write {
    /// Sends a write; a refusal that may be the lag of what it refers to is waited out.
    pub(super) async fn write(
        &self,
        permission: Permission,
        call: &Call<'_>,
        references: &[Reference<'_>],
    ) -> CallResult<Reply> {
        self.write_unless(permission, call, references, may_be_lag).await
    }

    /// The same, with more refusals that are waited out, or fewer.
    pub(super) async fn write_unless(
        &self,
        permission: Permission,
        call: &Call<'_>,
        references: &[Reference<'_>],
        lagging: impl Fn(&CallError) -> bool,
    ) -> CallResult<Reply> {
        let patience = self.session.patience(call.operation, &call.object);
        accepted(patience, lagging, || self.look(references), || self.send(permission, call)).await
    }
}
