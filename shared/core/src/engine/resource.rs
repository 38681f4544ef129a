//! What a resource has to say of itself.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::field::Fields;
use super::later::Presence;
use super::ledger::Ownership;
use super::mark::Mark;
use super::port::Port;
use crate::error::CallResult;
use crate::finding::Finding;
use crate::ids::Address;

/// How a resource is looked up.
pub struct Lookup<'a, I> {
    /// The identity that was recorded when it was made or adopted.
    pub recorded: Option<&'a I>,
    /// A create was started and its outcome is not known: an object with our mark is ours.
    pub intent: bool,
    /// Our mark.
    pub mark: &'a Mark,
    /// A person makes it (handoff mode): the natural key alone decides.
    pub by_hand: bool,
}

/// What a look-up found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<T> {
    /// Nothing.
    Absent,
    /// The object.
    Here(T),
    /// An object with the same natural key that is not known to be ours: left alone, reported.
    Foreign {
        /// How to find it, for people.
        what: String,
        /// Whether it carries our mark: then making another would be a duplicate, and the run stops.
        marked: bool,
    },
}

/// What a write brought.
pub struct Made<T> {
    /// The object as it is now.
    pub seen: T,
    /// The vendor's id of the call.
    pub request_id: Option<String>,
}

/// Context of a create.
pub struct Making<'a> {
    /// Names the attempt: client tokens are derived from it, so that a repeat is known as one.
    pub intent: Uuid,
    /// Our mark.
    pub mark: &'a Mark,
}

/// One remote object, or one entry in a shared one, kept in a desired state.
///
/// It never retries and never decides what to do: it reads, compares and writes, the engine does the rest.
pub trait Resource: Send + Sync {
    /// The systems that recipes work with.
    type Systems: Send + Sync;
    /// Reading half of its system's client.
    type Read: Send + Sync;
    /// Writing half of its system's client.
    type Write: Send + Sync;
    /// What a read brings.
    type Seen: Send + Sync;
    /// How the vendor names it.
    type Identity: Serialize + DeserializeOwned + Clone + Send + Sync;
    /// What later resources need of it.
    type Output: Clone + Send + Sync;

    /// Names the kind in the inventory.
    const KIND: &'static str;
    /// Row of the manual that it replaces.
    const ROW: &'static str;
    /// How long a new object may stay invisible to look-ups.
    const LAG: Duration = Duration::from_secs(5);
    /// Whether a create that is sent again makes no second object, since we choose its identity or the vendor refuses
    /// duplicates: an unconfirmed one need not be waited for then.
    const REPEATABLE: bool = false;

    /// Its address.
    fn address(&self) -> Address;

    /// Its system's client; `None` where that is not configured.
    fn port(systems: &Self::Systems) -> Option<&Port<Self::Read, Self::Write>>;

    /// Whether what it stands on is there.
    fn parents(&self) -> Presence {
        Presence::Here
    }

    /// The key under which writers of a shared object exclude each other.
    fn shared_key(&self) -> Option<String> {
        None
    }

    /// Looks it up.
    fn read(
        &self,
        client: &Self::Read,
        by: &Lookup<'_, Self::Identity>,
    ) -> impl Future<Output = CallResult<Found<Self::Seen>>> + Send;

    /// The fields that it should have.
    fn wants(&self) -> Fields;

    /// The fields that it has; `written`: versions of what cannot be read back.
    fn shows(&self, seen: &Self::Seen, written: &BTreeMap<String, String>) -> Fields;

    /// Fields that cannot be changed: a difference there means a new object.
    fn immutable(&self) -> &'static [&'static str] {
        &[]
    }

    /// Makes it.
    fn create(
        &self,
        client: &Self::Write,
        making: &Making<'_>,
    ) -> impl Future<Output = CallResult<Made<Self::Seen>>> + Send;

    /// Brings it to the fields that it should have. `seen` is what was read just before; `making.intent` is fresh.
    fn update(
        &self,
        client: &Self::Write,
        seen: &Self::Seen,
        making: &Making<'_>,
    ) -> impl Future<Output = CallResult<Made<Self::Seen>>> + Send;

    /// How the vendor names what was seen.
    fn identity(&self, seen: &Self::Seen) -> Self::Identity;

    /// Whose it is. `before`: what was seen before the first write of ours.
    fn ownership(&self, _before: Option<&Self::Seen>) -> Ownership {
        Ownership::Ours
    }

    /// Versions of the fields that cannot be read back, as this resource writes them.
    fn written(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// What later resources need.
    fn output(&self, seen: &Self::Seen) -> Self::Output;

    /// Whether a person has to make it although its system is managed: our credential there lacks the right.
    fn only_by_hand(&self) -> bool {
        false
    }

    /// What was noticed beside its fields: what others have put there is kept, and told.
    fn notices(&self, _seen: &Self::Seen) -> Vec<Finding> {
        Vec::new()
    }

    /// For a person who has to make it: who, what, where.
    fn by_hand(&self) -> ByHand;
}

/// A hand-off's words; the values are the resource's fields.
pub struct ByHand {
    /// Who must act.
    pub who: &'static str,
    /// What to do.
    pub what: String,
    /// Where.
    pub place: String,
}
