//! Groups and their members. Both are read only: whom the integration is for is decided elsewhere.

use extoauth_core::error::CallResult;
use serde_json::Value;

use super::Read;
use super::model::{Group, Member};
use super::odata::{PAGE, equals};
use super::permission::Permission;

/// What is read of a member: what tokens name people by, and whether they may sign in.
const MEMBER: &str = "id,userPrincipalName,mail,accountEnabled,userType,displayName,givenName,surname";

impl Read {
    /// The groups of exactly this name: none, one, or several.
    ///
    /// # Errors
    /// `Forbidden` without a right to read groups.
    pub async fn groups_named(&self, name: &str) -> CallResult<Vec<Group>> {
        let filter = equals("displayName", name);
        let query = [("$filter", filter.as_str()), ("$select", "id,displayName"), ("$top", PAGE)];
        let mut groups: Vec<Group> =
            self.list("list groups of a name", Permission::ReadGroups, &["groups"], &query, name).await?;
        // Graph compares without regard to case.
        groups.retain(|g| g.name == name);
        Ok(groups)
    }

    /// The first members of a group that are users themselves; those of nested groups are not among them.
    ///
    /// # Errors
    /// `NotFound` if the group is not there.
    pub async fn members(&self, group: &str, at_most: usize) -> CallResult<Vec<Member>> {
        let path = ["groups", group, "members"];
        let query = [("$select", MEMBER), ("$top", PAGE)];
        let all: Vec<Value> =
            self.pages("list members of group", Permission::ReadGroups, &path, &query, group, at_most).await?;
        let mut members: Vec<Member> = all.iter().filter_map(Member::read).collect();
        members.truncate(at_most);
        Ok(members)
    }
}
