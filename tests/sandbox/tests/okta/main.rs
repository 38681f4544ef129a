//! How the sandbox's Okta behaves: the traps that extoauth has to live with.

mod apps;
mod control;
mod developer;
mod servers;
mod service_app;
mod support;
mod tokens;
