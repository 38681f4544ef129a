//! Objects of the cloud as resources.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use extoauth_core::engine::{
    ByHand, Field, Fields, Found, Later, Lookup, Made, Making, Ownership, Port, Presence, Resource,
};
use extoauth_core::error::CallResult;
use extoauth_core::finding::{Finding, Severity};
use extoauth_core::ids::Address;
use serde::{Deserialize, Serialize};

use crate::cloud::{Cloud, Object};

pub type CloudPort = Port<Arc<Cloud>, Arc<Cloud>>;

/// The cloud's three systems.
pub struct Systems {
    pub idp: CloudPort,
    pub warehouse: CloudPort,
    pub client: CloudPort,
}

/// How long the cloud says that a new object may stay invisible.
pub const LAG: Duration = Duration::from_millis(400);

/// What the kinds of objects differ in.
pub trait Kind: Send + Sync + 'static {
    const NAME: &'static str;
    /// Carries our mark; otherwise it is known by where it is.
    const MARKED: bool = true;
    /// Somebody else's with the same key is used as it is.
    const SHARES: bool = false;
    const CHILD: bool = false;
    /// A create that is sent again makes no second one.
    const REPEATABLE: bool = false;
    /// Part of the natural key, as vendors have it that allow no change of it.
    const IMMUTABLE: &'static [&'static str] = &[];
    fn port(systems: &Systems) -> &CloudPort;
}

macro_rules! kind {
    ($kind:ident, $name:literal, $system:ident $(, $constant:ident: $type:ty = $value:expr)*) => {
        pub struct $kind;
        impl Kind for $kind {
            const NAME: &'static str = $name;
            $(const $constant: $type = $value;)*
            fn port(systems: &Systems) -> &CloudPort {
                &systems.$system
            }
        }
    };
}

kind!(Server, "server", idp);
kind!(Scope, "scope", idp, MARKED: bool = false, CHILD: bool = true);
kind!(Grant, "grant", idp, MARKED: bool = false, CHILD: bool = true);
kind!(App, "app", idp);
kind!(Assignment, "assignment", idp, MARKED: bool = false, CHILD: bool = true);
kind!(Issuer, "issuer", warehouse, SHARES: bool = true, IMMUTABLE: &'static [&'static str] = &["url"]);
kind!(Config, "config", client);
kind!(Keyed, "keyed", client, REPEATABLE: bool = true);

/// One object that the recipe wants.
pub struct Thing<K> {
    address: Address,
    name: String,
    parent: Option<Later<String>>,
    fields: BTreeMap<&'static str, Later<String>>,
    secret: Option<String>,
    only_by_hand: bool,
    kind: PhantomData<K>,
}

/// Names what cannot be read back in the inventory.
const SECRET: &str = "secret";

/// A field that only others write.
pub const STRANGERS: &str = "strangers";

/// Begins every secret value, so that one can be found where it must not be.
pub const CANARY: &str = "canary";

/// The value of a secret's version.
pub fn secret_value(version: &str) -> String {
    format!("{CANARY}-{version}")
}

impl<K: Kind> Thing<K> {
    pub fn new(name: &str) -> Self {
        Self::keyed(Address::of(K::NAME), name)
    }

    pub fn keyed(address: Address, name: &str) -> Self {
        let (name, fields) = (name.to_owned(), BTreeMap::new());
        Self { address, name, parent: None, fields, secret: None, only_by_hand: false, kind: PhantomData }
    }

    pub fn below(mut self, parent: &Later<String>) -> Self {
        self.parent = Some(parent.clone());
        self
    }

    pub fn with(mut self, field: &'static str, value: &str) -> Self {
        self.fields.insert(field, Later::known(value.to_owned()));
        self
    }

    pub fn pointing(mut self, field: &'static str, value: &Later<String>) -> Self {
        self.fields.insert(field, value.clone());
        self
    }

    pub fn secret(mut self, version: &str) -> Self {
        self.secret = Some(version.to_owned());
        self
    }

    /// Only a person may make it, although its system is managed.
    pub fn only_by_hand(mut self) -> Self {
        self.only_by_hand = true;
        self
    }

    fn parent_id(&self) -> Option<&str> {
        self.parent.as_ref().and_then(|p| p.value()).map(String::as_str)
    }

    fn values(&self) -> BTreeMap<String, String> {
        self.fields.iter().filter_map(|(name, value)| Some(((*name).to_owned(), value.value()?.clone()))).collect()
    }

    fn is_key(&self, object: &Object) -> bool {
        let values = self.values();
        K::IMMUTABLE.iter().all(|field| object.fields.get(*field) == values.get(*field))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThingId {
    pub id: String,
}

pub struct Seen {
    object: Object,
    ours: bool,
}

impl<K: Kind> Resource for Thing<K> {
    type Systems = Systems;
    type Read = Arc<Cloud>;
    type Write = Arc<Cloud>;
    type Seen = Seen;
    type Identity = ThingId;
    type Output = String;

    const KIND: &'static str = K::NAME;
    const ROW: &'static str = "R00";
    const LAG: Duration = LAG;
    const REPEATABLE: bool = K::REPEATABLE;

    fn address(&self) -> Address {
        self.address.clone()
    }

    fn port(systems: &Systems) -> Option<&CloudPort> {
        Some(K::port(systems))
    }

    fn parents(&self) -> Presence {
        let below = self.parent.as_ref().map_or(Presence::Here, Later::presence);
        // What it points at may be new although it is not: only a new parent means that there is nothing yet.
        let points = self.fields.values().map(|field| match field.presence() {
            Presence::Fresh => Presence::Here,
            other => other,
        });
        points.fold(below, Presence::and)
    }

    async fn read(&self, client: &Arc<Cloud>, by: &Lookup<'_, ThingId>) -> CallResult<Found<Seen>> {
        if let Some(identity) = by.recorded {
            let found = client.get(&identity.id).await?;
            return Ok(found.map_or(Found::Absent, |object| Found::Here(Seen { object, ours: true })));
        }
        let mut same = client.find(K::NAME, &self.name, self.parent_id()).await?;
        same.retain(|object| self.is_key(object));
        let mark = by.mark.to_string();
        let marked = same.iter().position(|object| object.mark.as_ref() == Some(&mark));
        let at = marked.unwrap_or_default();
        if same.is_empty() {
            return Ok(Found::Absent);
        }
        let object = same.swap_remove(at);
        let ours = !K::MARKED || (marked.is_some() && by.intent);
        if ours || by.by_hand || (K::SHARES && marked.is_none()) {
            return Ok(Found::Here(Seen { object, ours: ours || by.by_hand }));
        }
        Ok(Found::Foreign { what: format!("{} `{}`", K::NAME, object.name), marked: marked.is_some() })
    }

    fn wants(&self) -> Fields {
        let mut fields: Fields = self.fields.iter().map(|(name, value)| (*name, Field::later(value))).collect();
        if let Some(version) = &self.secret {
            fields.insert(SECRET, Field::Version(Some(version.clone())));
        }
        fields
    }

    fn shows(&self, seen: &Seen, written: &BTreeMap<String, String>) -> Fields {
        let shown = |name: &&'static str| Some((*name, Field::is(seen.object.fields.get(*name)?.as_str())));
        let mut fields: Fields = self.fields.keys().filter_map(shown).collect();
        fields.insert(SECRET, Field::Version(written.get(SECRET).cloned()));
        fields
    }

    fn immutable(&self) -> &'static [&'static str] {
        K::IMMUTABLE
    }

    async fn create(&self, client: &Arc<Cloud>, making: &Making<'_>) -> CallResult<Made<Seen>> {
        let new = Object {
            id: String::new(),
            kind: K::NAME.to_owned(),
            name: self.name.clone(),
            mark: K::MARKED.then(|| making.mark.to_string()),
            parent: self.parent_id().map(str::to_owned),
            fields: self.values(),
            secret: self.secret.as_deref().map(secret_value),
        };
        let object = client.create(new).await?;
        Ok(Made { seen: Seen { object, ours: true }, request_id: Some("made".into()) })
    }

    async fn update(&self, client: &Arc<Cloud>, seen: &Seen, _making: &Making<'_>) -> CallResult<Made<Seen>> {
        let secret = self.secret.as_deref().map(secret_value);
        let object = client.update(&seen.object.id, self.values(), secret, K::IMMUTABLE).await?;
        Ok(Made { seen: Seen { object, ours: true }, request_id: Some("changed".into()) })
    }

    fn identity(&self, seen: &Seen) -> ThingId {
        ThingId { id: seen.object.id.clone() }
    }

    fn ownership(&self, before: Option<&Seen>) -> Ownership {
        match before {
            Some(seen) if !seen.ours => Ownership::Foreign,
            _ if K::CHILD => Ownership::Child,
            _ => Ownership::Ours,
        }
    }

    fn written(&self) -> BTreeMap<String, String> {
        self.secret.iter().map(|version| (SECRET.to_owned(), version.clone())).collect()
    }

    fn output(&self, seen: &Seen) -> String {
        seen.object.id.clone()
    }

    fn only_by_hand(&self) -> bool {
        self.only_by_hand
    }

    fn notices(&self, seen: &Seen) -> Vec<Finding> {
        let stranger = seen.object.fields.get(STRANGERS);
        let told = |value: &String| Finding {
            check: STRANGERS.into(),
            severity: Severity::Warning,
            resource: self.address.to_string(),
            expected: "nothing of others".into(),
            found: value.clone(),
            effect: "none".into(),
            fix: "none".into(),
            row: Self::ROW.into(),
        };
        stranger.map(told).into_iter().collect()
    }

    fn by_hand(&self) -> ByHand {
        let parent = self.parent_id().unwrap_or_default();
        ByHand {
            who: "admin",
            what: format!("make {}", self.name),
            place: format!("{}/{}/{parent}", K::NAME, self.name),
        }
    }
}
