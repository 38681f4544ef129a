//! What our credential may do in an org.

use extoauth_core::error::{CallResult, ErrorKind};
use reqwest::Method;

use super::Read;
use super::scope::Scope;
use super::servers::SERVERS;
use crate::{Right, RightState};

impl Read {
    /// The rights by feature, found by reading one object of each kind and from the scopes of the token. For a client
    /// that writes, the scopes for writing are among them. Whether an admin role allows a write shows only in writing:
    /// then the state is what the scope says, and the detail says so; an SSWS token has no scopes, so `Unknown`.
    ///
    /// # Errors
    /// If the org cannot be asked at all: credential refused, no answer, no time.
    pub async fn rights(&self) -> CallResult<Vec<Right>> {
        let granted = self.granted_rights().await;
        let (apps, servers, groups) = futures::join!(
            self.may_read("read apps", Scope::AppsRead, &["api", "v1", "apps"]),
            self.may_read("read authorization servers", Scope::ServersRead, &SERVERS),
            self.may_read("read groups", Scope::GroupsRead, &["api", "v1", "groups"]),
        );
        let mut rights = vec![apps?, servers?, groups?];
        let writes = [Scope::AppsManage.name(), Scope::ServersManage.name()];
        rights.extend(granted?.into_iter().filter(|right| writes.contains(&right.name.as_str())));
        Ok(rights)
    }

    /// The rights by feature, as far as the token itself tells: no call is made for them but the sign-in. An SSWS token
    /// tells nothing.
    ///
    /// # Errors
    /// If the sign-in is refused.
    pub async fn granted_rights(&self) -> CallResult<Vec<Right>> {
        let granted = self.session.granted(self.purpose).await?;
        let of = |scope: &Scope| {
            let (state, detail) = match &granted {
                None => (RightState::Unknown, "an SSWS token has the rights of its admin, which show only in use"),
                Some(granted) if scope.is_in(granted) => {
                    (RightState::Have, "the scope is granted; the admin role that it needs too shows only in use")
                }
                Some(_) => (RightState::Missing, "a Super Admin must grant this scope to the API Services app"),
            };
            Right::new(scope.feature(), scope.name(), state, detail)
        };
        Ok(self.purpose.scopes().iter().map(of).collect())
    }

    async fn may_read(&self, operation: &'static str, scope: Scope, path: &[&str]) -> CallResult<Right> {
        let mut call = self.call(operation, Method::GET, path)?;
        call.url.query_pairs_mut().append_pair("limit", "1");
        let right = |state, detail: String| Ok(Right::new(scope.feature(), scope.name(), state, detail));
        match self.send(scope, call).await {
            Ok(_) => right(RightState::Have, String::new()),
            Err(e) if matches!(e.kind, ErrorKind::Forbidden | ErrorKind::FeatureMissing) => {
                right(RightState::Missing, e.message)
            }
            Err(e) => Err(e),
        }
    }
}
