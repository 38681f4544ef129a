//! What a ticket asks: reading it, the identity of a request, what is stored of it and how it goes on.
//!
//! [`Submission`] is a body as it came, [`Content`] what it means. Two bodies that mean the same have equal contents:
//! text, numbers and lists are brought into one form and defaults are filled in.

mod action;
mod content;
mod desired;
mod identity;
mod resubmit;
mod stored;
mod submission;
#[cfg(test)]
mod tests;
mod value;
mod variables;

pub use action::{Action, Built};
pub use content::{Content, Reference, TicketRef};
pub use identity::{Digest, RequestId};
pub use resubmit::{Decision, resubmit};
pub use stored::{RequestError, Status, StoredRequest, WaitingFor, codes};
pub use submission::Submission;
pub use variables::Variables;
