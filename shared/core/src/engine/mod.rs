//! The engine: one recipe, several readings of it.
//!
//! A recipe is plain async code that states resources in order ([`Run::ensure`], [`Run::all`]). What that does depends on
//! the [`Reading`]:
//!
//! - **plan** reads and compares. It cannot write: the writing half of a client takes a [`Permit`], which only apply has.
//! - **apply** brings each resource to its state and, after the whole recipe, removes what it no longer states
//!   ([`Run::sweep`]).
//! - **remove** looks for what an interrupted run may have left; the sweep then removes everything of the subject.
//! - verify is a plan that must be empty, plus the checks.
//!
//! Resuming is reading again. Before a create the journal gets an intent, after it an outcome together with the
//! inventory; an open intent is settled by looking for the object until the vendor's lag has passed. So the same request
//! run twice, or after a crash at any point, ends in the same state without duplicates and without orphans.
//!
//! There are no retries here but those of visibility and conflict: the one sender knows the vendors' limits.

pub mod chain;
mod ensure;
mod field;
mod guard;
mod later;
mod ledger;
mod mark;
pub mod memory;
mod plan;
mod port;
mod resource;
mod run;
mod sweep;
mod together;

pub use ensure::CHANGE_IN_OBSERVED_SYSTEM;
pub use field::{Field, Fields, KNOWN_AFTER_APPLY, all_new, differences};
pub use guard::LeaseGuard;
pub use later::{Later, Presence};
pub use ledger::{
    Author, Book, ChangeKind, Draft, Event, FieldChange, Intent, InventoryChange, InventoryItem, JournalEntry, Lease,
    Leases, Ledger, LedgerError, Ownership, Value,
};
pub use mark::Mark;
pub use plan::{Change, Ending, Failure, Plan, Step, StepStatus};
pub use port::{Permit, Port, WritePolicy};
pub use resource::{ByHand, Found, Lookup, Made, Making, Resource};
pub use run::{Outcome, Reading, Run, Setting, Shared, Stop, Timing, Unwatched, Watcher};
pub use sweep::{Removal, Remover};
pub use together::Together;
