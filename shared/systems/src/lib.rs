//! The clients of the remote systems, a folder a system. They know the vendors' APIs and nothing of integrations.
//!
//! Every client comes in two types: one that only reads and one that also writes, so that code which plans or checks
//! cannot write.

pub mod aws;
pub mod dbt;
pub mod entra;
pub mod http;
pub mod identity_center;
pub mod okta;
pub mod redshift;
pub mod secrets;
pub mod servicenow;

pub use extoauth_core::rights::{Right, RightState};
