//! Who an Identity Center user is: name and groups, as Redshift learns them with the exchange.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use crate::aws::sso_oidc::IdentityStore;

/// A user of the identity store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// User name.
    pub name: String,
    /// Display names of the groups that the user is in.
    pub groups: Vec<String>,
}

/// Where the warehouse looks users up.
pub trait People: Send + Sync + 'static {
    /// The user with this id. Errors are sentences for the log: whoever logs in never sees them.
    fn person<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<Person, String>>;
}

impl People for IdentityStore {
    fn person<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<Person, String>> {
        self.describe(user_id).map(|result| result.map_err(|error| format!("{error:#}"))).boxed()
    }
}

impl IdentityStore {
    async fn describe(&self, user_id: &str) -> anyhow::Result<Person> {
        let input = |value: Value| value.as_object().cloned().unwrap_or_default();
        let user = self.call("DescribeUser", input(json!({"UserId": user_id}))).await?;
        let membership = input(json!({"MemberId": {"UserId": user_id}}));
        let memberships = self.entries("ListGroupMembershipsForMember", membership, "GroupMemberships").await?;
        let mut groups = Vec::new();
        for membership in memberships {
            let group = self.call("DescribeGroup", input(json!({"GroupId": membership["GroupId"]}))).await?;
            groups.extend(group["DisplayName"].as_str().map(str::to_owned));
        }
        Ok(Person { name: user["UserName"].as_str().unwrap_or_default().to_owned(), groups })
    }
}
