//! What extoauth is about, without any I/O and without any vendor: integrations, trusts, requests, policy, plans,
//! findings, and the engine that turns a recipe into a plan, a change or a clean-up.
//!
//! Start with [`engine`]: everything else here is a value that it reads or writes.

pub mod alert;
pub mod calendar;
pub mod clock;
pub mod engine;
pub mod error;
pub mod finding;
pub mod handoff;
pub mod ids;
pub mod integration;
pub mod notice;
pub mod policy;
pub mod problem;
pub mod registry;
pub mod request;
pub mod rights;
pub mod systems;
