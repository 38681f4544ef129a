//! The AWS edge of extoauth: configuration, telemetry, the state store, the queue, notices, the check of webhooks, and
//! what a function's `main` needs.

pub mod aws;
pub mod bootstrap;
pub mod config;
pub mod intake;
pub mod notices;
pub mod provision;
pub mod queue;
pub mod rotate;
pub mod scheduled;
pub mod store;
pub mod telemetry;
pub mod webhook;
