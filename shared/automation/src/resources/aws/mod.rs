//! What we keep in AWS.

mod client_secret;
mod issuer;
mod issuer_entry;

pub(crate) use client_secret::generated;
pub use client_secret::{ClientSecret, ClientSecretIdentity, secret_name};
pub use issuer::{IssuerIdentity, TrustedTokenIssuer};
pub use issuer_entry::{EntryIdentity, IssuerEntry, issuer_list_key, remove_entry};
