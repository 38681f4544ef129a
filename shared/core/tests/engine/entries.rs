//! What we write into somebody else's: an entry of a shared list, and the connection that an environment uses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use extoauth_core::engine::{
    ByHand, Field, Fields, Found, Later, Lookup, Made, Making, Ownership, Presence, Resource, Value,
};
use extoauth_core::error::{CallResult, ErrorKind};
use extoauth_core::ids::Address;
use serde_json::json;

use crate::cloud::{Cloud, Object, error};
use crate::things::{CloudPort, Systems, ThingId};

/// An entry of the shared list, by the issuer that it names.
pub struct Entry {
    pub issuer: Later<String>,
    pub audience: String,
}

pub const LIST_KEY: &str = "cloud/list";

impl Resource for Entry {
    type Systems = Systems;
    type Read = Arc<Cloud>;
    type Write = Arc<Cloud>;
    type Seen = (String, BTreeSet<String>);
    type Identity = ThingId;
    type Output = ();

    const KIND: &'static str = "entry";
    const ROW: &'static str = "R00";
    const LAG: Duration = Duration::ZERO;

    fn address(&self) -> Address {
        Address::of("entry")
    }

    fn port(systems: &Systems) -> Option<&CloudPort> {
        Some(&systems.warehouse)
    }

    fn parents(&self) -> Presence {
        self.issuer.presence()
    }

    fn shared_key(&self) -> Option<String> {
        Some(LIST_KEY.to_owned())
    }

    async fn read(&self, client: &Arc<Cloud>, _by: &Lookup<'_, ThingId>) -> CallResult<Found<Self::Seen>> {
        let list = client.entries().await?;
        let ours = self.issuer.value().and_then(|issuer| Some((issuer.clone(), list.get(issuer)?.clone())));
        Ok(ours.map_or(Found::Absent, Found::Here))
    }

    fn wants(&self) -> Fields {
        Fields::from([("issuer", Field::later(&self.issuer)), ("audiences", Field::set([self.audience.as_str()]))])
    }

    fn shows(&self, seen: &Self::Seen, _written: &BTreeMap<String, String>) -> Fields {
        Fields::from([("issuer", Field::is(seen.0.as_str())), ("audiences", Field::set(seen.1.iter().cloned()))])
    }

    async fn create(&self, client: &Arc<Cloud>, _making: &Making<'_>) -> CallResult<Made<Self::Seen>> {
        let mut list = client.entries().await?;
        let entry = (self.issuer.value().cloned().unwrap_or_default(), BTreeSet::from([self.audience.clone()]));
        list.insert(entry.0.clone(), entry.1.clone());
        client.replace_entries(list).await?;
        Ok(Made { seen: entry, request_id: None })
    }

    async fn update(
        &self,
        client: &Arc<Cloud>,
        _seen: &Self::Seen,
        making: &Making<'_>,
    ) -> CallResult<Made<Self::Seen>> {
        self.create(client, making).await
    }

    fn identity(&self, seen: &Self::Seen) -> ThingId {
        ThingId { id: seen.0.clone() }
    }

    fn ownership(&self, before: Option<&Self::Seen>) -> Ownership {
        Ownership::Entry { pre_image: before.map_or(Value::Null, |entry| json!(entry.1)) }
    }

    fn output(&self, _seen: &Self::Seen) {}

    fn by_hand(&self) -> ByHand {
        let issuer = self.issuer.value().cloned().unwrap_or_default();
        ByHand { who: "admin", what: "accept the issuer".into(), place: format!("entry/{issuer}/") }
    }
}

/// Takes our entry out of the list, or puts back what stood there.
pub async fn remove_entry(cloud: &Cloud, issuer: &str, pre_image: &Value) -> CallResult<()> {
    let before = cloud.entries().await?;
    let mut after = before.clone();
    after.remove(issuer);
    if let Ok(audiences) = serde_json::from_value::<BTreeSet<String>>(pre_image.clone()) {
        after.insert(issuer.to_owned(), audiences);
    }
    if after == before { Ok(()) } else { cloud.replace_entries(after).await }
}

/// An environment that is somebody else's uses our configuration.
pub struct Environment {
    pub id: String,
    pub config: Later<String>,
}

/// The field of an environment that we write, and the key of what we wrote in the inventory.
pub const USES: &str = "uses";

impl Resource for Environment {
    type Systems = Systems;
    type Read = Arc<Cloud>;
    type Write = Arc<Cloud>;
    type Seen = Object;
    type Identity = ThingId;
    type Output = ();

    const KIND: &'static str = "environment";
    const ROW: &'static str = "R00";
    const LAG: Duration = Duration::ZERO;

    fn address(&self) -> Address {
        Address::keyed("environment", &self.id)
    }

    fn port(systems: &Systems) -> Option<&CloudPort> {
        Some(&systems.client)
    }

    fn parents(&self) -> Presence {
        match self.config.presence() {
            Presence::Fresh => Presence::Here,
            other => other,
        }
    }

    fn shared_key(&self) -> Option<String> {
        Some(format!("cloud/{}", self.id))
    }

    async fn read(&self, client: &Arc<Cloud>, _by: &Lookup<'_, ThingId>) -> CallResult<Found<Object>> {
        client.get(&self.id).await?.map(Found::Here).ok_or_else(|| error(ErrorKind::NotFound, &self.id))
    }

    fn wants(&self) -> Fields {
        Fields::from([(USES, Field::later(&self.config))])
    }

    fn shows(&self, seen: &Object, _written: &BTreeMap<String, String>) -> Fields {
        seen.fields.get(USES).map(|uses| (USES, Field::is(uses.as_str()))).into_iter().collect()
    }

    async fn create(&self, _client: &Arc<Cloud>, _making: &Making<'_>) -> CallResult<Made<Object>> {
        Err(error(ErrorKind::Invalid, "environments are never made"))
    }

    async fn update(&self, client: &Arc<Cloud>, _seen: &Object, _making: &Making<'_>) -> CallResult<Made<Object>> {
        let seen = client.update(&self.id, self.written(), None, &[]).await?;
        Ok(Made { seen, request_id: None })
    }

    fn identity(&self, seen: &Object) -> ThingId {
        ThingId { id: seen.id.clone() }
    }

    fn ownership(&self, before: Option<&Object>) -> Ownership {
        Ownership::Entry { pre_image: before.map_or(Value::Null, |seen| json!(seen.fields.get(USES))) }
    }

    fn written(&self) -> BTreeMap<String, String> {
        self.config.value().map(|id| (USES.to_owned(), id.clone())).into_iter().collect()
    }

    fn output(&self, _seen: &Object) {}

    fn by_hand(&self) -> ByHand {
        ByHand { who: "admin", what: "use the configuration".into(), place: format!("environment/{}/", self.id) }
    }
}

/// Puts back what the environment used before, if it still uses ours.
pub async fn put_back(cloud: &Cloud, id: &str, ours: Option<&String>, pre_image: &Value) -> CallResult<()> {
    let Some(seen) = cloud.get(id).await? else { return Ok(()) };
    let before = pre_image.as_str().map(str::to_owned);
    if ours.is_none() || seen.fields.get(USES) != ours {
        return Ok(());
    }
    cloud.update(id, BTreeMap::from([(USES.to_owned(), before.unwrap_or_default())]), None, &[]).await.map(|_| ())
}
