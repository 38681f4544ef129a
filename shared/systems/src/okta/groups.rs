//! Groups and their members. Both are read only: whom the integration is for is decided elsewhere.

use extoauth_core::error::CallResult;
use serde::Deserialize;
use serde_json::Value;

use super::Read;
use super::page::{NextPage, Page};
use super::scope::Scope;
use crate::http::text;

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Group {
    /// `00g…`
    pub id: String,
    /// Name. An imported group may have the name of one of Okta's own.
    pub name: String,
    /// `OKTA_GROUP`, `APP_GROUP` or `BUILT_IN` (Everyone).
    pub kind: Option<String>,
}

impl TryFrom<Value> for Group {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        let id = text(&raw, "/id").ok_or("a group without id")?;
        Ok(Self { id, name: text(&raw, "/profile/name").unwrap_or_default(), kind: text(&raw, "/type") })
    }
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Member {
    /// `00u…`
    pub id: String,
    /// `ACTIVE`, `SUSPENDED`, `DEPROVISIONED` …
    pub status: Option<String>,
    /// Login: what the default user name of an app, and so `sub`, is made of.
    pub login: Option<String>,
    /// Primary mail address.
    pub email: Option<String>,
}

impl TryFrom<Value> for Member {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        Ok(Self {
            id: text(&raw, "/id").ok_or("a user without id")?,
            status: text(&raw, "/status"),
            login: text(&raw, "/profile/login"),
            email: text(&raw, "/profile/email"),
        })
    }
}

impl Read {
    /// The groups of exactly this name: none, one, or several (an imported one beside Okta's own).
    ///
    /// # Errors
    /// `Forbidden` without `okta.groups.read`.
    pub async fn groups_named(&self, name: &str) -> CallResult<Vec<Group>> {
        let query = [("q", name), ("limit", "200")];
        let mut groups: Vec<Group> =
            self.list("list groups", Scope::GroupsRead, &["api", "v1", "groups"], &query).await?;
        groups.retain(|g| g.name == name);
        Ok(groups)
    }

    /// A page of the members of a group; the first without `after`. A group may have tens of thousands, so they are not
    /// collected here.
    ///
    /// # Errors
    /// `NotFound` if the group is not there.
    pub async fn group_members(&self, group: &str, after: Option<&NextPage>) -> CallResult<Page<Member>> {
        let path = ["api", "v1", "groups", group, "users"];
        self.page("list members of group", Scope::GroupsRead, &path, &[("limit", "1000")], after, group).await
    }
}
