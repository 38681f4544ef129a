//! What the engine remembers between runs: the inventory of what exists, intents that are open, and the journal, which
//! is also the audit record. Stored elsewhere; these are the shapes and the two promises a store makes.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
pub use serde_json::Value;
use thiserror::Error;
use uuid::Uuid;

use crate::ids::{Address, Subject};
use crate::systems::SystemId;

/// Whose object it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ownership {
    /// We made it; it carries our mark.
    Ours,
    /// A part of an object that is ours; it goes with its parent.
    Child,
    /// An entry of ours in somebody else's object, and what stood there before: put back only if the entry still is ours.
    Entry {
        /// What stood there before.
        pre_image: Value,
    },
    /// Somebody else's object that is used as it is: never changed, never deleted.
    Foreign,
}

/// One object, or one entry in a shared one, that a subject's runs keep in its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryItem {
    /// Its address.
    pub address: Address,
    /// What kind of resource it is: names the code that can delete it.
    pub kind: String,
    /// The system it is in.
    pub system: SystemId,
    /// How the vendor names it.
    pub identity: Value,
    /// Whose it is.
    pub ownership: Ownership,
    /// Versions of the fields that cannot be read back, as last written.
    #[serde(default)]
    pub written: BTreeMap<String, String>,
    /// Position in the order of making; removal goes backwards.
    pub order: u64,
}

/// A create that was started: the journal has no outcome of it yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Names the attempt to the vendor where it takes such a name (client tokens are derived from it).
    pub id: Uuid,
    /// What was to be created.
    pub address: Address,
    /// Kind of the resource.
    pub kind: String,
    /// When the create was first sent.
    pub at: Timestamp,
}

/// What is done to one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is as it should be.
    None,
    /// It is not there.
    Create,
    /// Some fields differ.
    Update,
    /// It must be made anew.
    Replace,
    /// It is not wanted any more.
    Delete,
    /// A person must do it.
    Handoff,
}

/// One field that differs. Secrets appear by version only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Name of the field.
    pub field: String,
    /// What is.
    pub before: Value,
    /// What should be; the text `(known after apply)` where that is not known yet.
    pub after: Value,
}

/// What a journal entry tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A change is about to be sent.
    Intent,
    /// A change has been made.
    Outcome,
    /// A change was refused by the vendor, or by us.
    Failure,
    /// An object was recorded without a change (found to be ours, adopted, released).
    Recorded,
}

/// For whom a run acts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// Id of the request.
    pub request: String,
    /// Number of the ticket.
    pub ticket: String,
    /// Who asked.
    pub requested_by: String,
    /// Who approved.
    pub approved_by: String,
    /// Digest of the plan that was approved, if one was.
    pub plan_digest: Option<String>,
    /// Which try this is, from 1.
    pub attempt: u32,
}

/// A journal entry before the store gives it its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// When.
    pub at: Timestamp,
    /// For whom.
    pub author: Author,
    /// About what.
    pub address: Address,
    /// In which system.
    pub system: SystemId,
    /// What happened.
    pub event: Event,
    /// Which change.
    pub change: ChangeKind,
    /// The intent that it opens or closes.
    pub intent: Option<Uuid>,
    /// What differs, before and after; secrets by version.
    pub fields: Vec<FieldChange>,
    /// How the vendor names the object.
    pub identity: Option<Value>,
    /// The vendor's id of the call.
    pub vendor_request: Option<String>,
    /// A reason, for failures.
    pub detail: Option<String>,
}

/// A journal entry in its place. Never changed, never expired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Version of this shape.
    pub schema: u32,
    /// Position in the subject's journal, from 1.
    pub seq: u64,
    /// Hash of the entry before (hex SHA-256; 64 zeros for the first).
    pub previous: String,
    /// Hash of this entry: SHA-256 over `previous`, `seq` and the draft's JSON.
    pub hash: String,
    /// The entry.
    #[serde(flatten)]
    pub draft: Draft,
}

/// What happens to the inventory together with a journal entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InventoryChange {
    /// Nothing.
    Keep,
    /// The item is there (again).
    Put(InventoryItem),
    /// The item is gone.
    Remove(Address),
}

/// What a subject's runs have left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    /// Inventory by address.
    pub items: BTreeMap<Address, InventoryItem>,
    /// Open intents by address.
    pub intents: BTreeMap<Address, Intent>,
}

/// Why the store did not take an entry.
#[derive(Clone, Debug, Error)]
pub enum LedgerError {
    /// Another run holds the lease by now: this one must stop without another write.
    #[error("another run has taken over {0}; this run stops")]
    Fenced(String),
    /// The store failed.
    #[error("the state store failed: {0}")]
    Store(String),
}

/// The store of journal and inventory.
///
/// Two promises: an entry and its inventory change are stored together or not at all, and nothing is stored for a run
/// whose lease was taken over.
pub trait Ledger: Send + Sync {
    /// What is known of a subject.
    fn load<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, Result<Book, LedgerError>>;

    /// Appends an entry. An [`Event::Intent`] opens the intent `draft.intent` for its address (`kind` says of what);
    /// any other event about the address closes it, except [`Event::Failure`], which leaves it open.
    fn append<'a>(
        &'a self,
        subject: &'a Subject,
        kind: &'a str,
        draft: Draft,
        inventory: InventoryChange,
        lease: &'a Lease,
    ) -> BoxFuture<'a, Result<JournalEntry, LedgerError>>;

    /// The whole journal of a subject, oldest first.
    fn journal<'a>(&'a self, subject: &'a Subject) -> BoxFuture<'a, Result<Vec<JournalEntry>, LedgerError>>;
}

/// The exclusive right to write what a key names, until it ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// What it is about: a subject, Redshift's issuer list, a dbt environment.
    pub key: String,
    /// Grows with each holder: a write with an older number is refused.
    pub fence: u64,
    /// Who holds it.
    pub owner: String,
    /// When it ends unless it is renewed.
    pub until: Timestamp,
}

/// The store of leases.
pub trait Leases: Send + Sync {
    /// Takes the lease if it is free, over, or already `owner`'s; `None` while somebody else has it.
    fn acquire<'a>(
        &'a self,
        key: &'a str,
        owner: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Option<Lease>, LedgerError>>;

    /// Lengthens it.
    ///
    /// # Errors
    /// [`LedgerError::Fenced`] if somebody else has it by now.
    fn renew<'a>(&'a self, lease: &'a Lease, ttl: Duration) -> BoxFuture<'a, Result<Lease, LedgerError>>;

    /// Gives it back. Not an error if it is gone.
    fn release<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Result<(), LedgerError>>;
}
