//! What extoauth knows: the recipes of an integration, the resources they consist of, what must be true before, and how
//! a request is carried out. It knows no Lambda: stores and clients are given to it.
//!
//! - [`recipes`]: what there is to be, row by row.
//! - [`resources`]: how each object is read, compared, made and removed.
//! - [`preflight`]: what must be true before anything is written.
//! - [`observe`], [`checks`]: what is, and whether logins work.
//! - [`conduct`]: from a stored request to its end.
//! - [`rotation`]: a new client secret in place of the old one, without an interruption.
//! - [`handoffs`]: what is left for people.
//! - [`profiles`]: what dbt Core needs to sign in.
//! - [`watch`]: what the scheduled checks look at.
//! - [`explain`]: from an error text to the link that is broken.

pub mod checks;
pub mod clients;
pub mod conduct;
pub mod explain;
pub mod federation;
pub mod handoffs;
pub mod observe;
pub mod preflight;
pub mod profiles;
pub mod recipes;
pub mod resources;
pub mod rights;
pub mod rotation;
pub mod systems;
pub mod want;
pub mod watch;
