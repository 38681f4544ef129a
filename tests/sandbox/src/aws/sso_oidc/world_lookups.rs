//! The look-ups of the exchange in the sandbox's world: issuers by their real host names, users in the identity store.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::{Map, Value, json};

use super::identity_store::IdentityStore;
use super::lookups::{Lookups, attribute_values};
use crate::world::World;

/// Asks the world.
pub(super) struct WorldLookups {
    world: Arc<World>,
    store: IdentityStore,
}

impl WorldLookups {
    pub fn new(world: &Arc<World>) -> Self {
        Self { world: Arc::clone(world), store: IdentityStore::new(world) }
    }

    async fn document(&self, url: &str) -> anyhow::Result<Value> {
        let answer = self.world.fetch(url).await?;
        ensure!(answer.status().is_success(), "{url} answered {}", answer.status());
        serde_json::from_slice(answer.body()).with_context(|| format!("{url} is not JSON"))
    }

    async fn users(&self, path: &str, value: &str) -> anyhow::Result<Vec<String>> {
        let mut input = Map::new();
        if path.eq_ignore_ascii_case("userName") {
            // The only attribute that the API can filter by; for others every user is looked at.
            input.insert("Filters".to_owned(), json!([{"AttributePath": "UserName", "AttributeValue": value}]));
        }
        let users = self.store.entries("ListUsers", input, "Users").await?;
        let matching = users.iter().filter(|user| attribute_values(user, path).contains(&value));
        Ok(matching.filter_map(|user| Some(user["UserId"].as_str()?.to_owned())).collect())
    }

    async fn groups(&self, user_id: &str) -> anyhow::Result<Vec<String>> {
        let mut input = Map::new();
        input.insert("MemberId".to_owned(), json!({"UserId": user_id}));
        let memberships = self.store.entries("ListGroupMembershipsForMember", input, "GroupMemberships").await?;
        Ok(memberships.iter().filter_map(|entry| Some(entry["GroupId"].as_str()?.to_owned())).collect())
    }
}

impl Lookups for WorldLookups {
    fn get_json<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Value, String>> {
        self.document(url).map(|result| result.map_err(|error| format!("{error:#}"))).boxed()
    }

    fn users_by<'a>(&'a self, path: &'a str, value: &'a str) -> BoxFuture<'a, Result<Vec<String>, String>> {
        self.users(path, value).map(|result| result.map_err(|error| format!("{error:#}"))).boxed()
    }

    fn groups_of<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<Vec<String>, String>> {
        self.groups(user_id).map(|result| result.map_err(|error| format!("{error:#}"))).boxed()
    }
}
