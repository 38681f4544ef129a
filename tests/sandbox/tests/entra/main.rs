//! How the sandbox's Entra tenant behaves: the traps that extoauth has to live with.

mod developer;
mod graph_applications;
mod graph_consent;
mod graph_contract;
mod graph_credentials;
mod graph_lag;
mod graph_people;
mod graph_rights;
mod graph_sandbox;
mod login;
mod sign_in;
mod support;
mod tokens;
