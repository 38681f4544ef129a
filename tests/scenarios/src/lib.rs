//! What the demo and the scenarios do with a running sandbox: send signed tickets, follow requests, sign in as a
//! developer, ask the sandbox what it holds and who called it.
//!
//! - [`Client`]: everything over HTTP, from what `target/sandbox.json` says; so it works with any running sandbox.
//! - [`tickets`]: the golden tickets of `events/intake/`, and new ones made from them.
//! - [`login`]: a developer's way from dbt through the identity provider to an identity context of AWS.
//! - [`entra`]: what an administrator of the Entra tenant does.
//! - [`state`]: two states compared, with new objects' ids replaced by their names.
//! - [`listening`]: what is told by SNS and EventBridge.
//! - [`cost`]: what a provisioning run may cost in calls.
//! - [`stage`]: a sandbox in this process with the functions' real binaries.

mod aws;
pub mod client;
pub mod control;
pub mod cost;
pub mod entra;
pub mod listening;
pub mod login;
mod okta;
mod sign;
pub mod stage;
pub mod state;
pub mod tickets;

pub use client::{Answer, Client, is_final, is_over};
pub use stage::Stage;
