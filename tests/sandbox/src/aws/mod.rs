//! The AWS services that no emulator has: what IAM Identity Center and Redshift know of trusted token issuers.
//!
//! - [`SsoAdmin`]: the instance, its trusted token issuers, its applications with their grants (`sso-admin`).
//! - [`Redshift`]: Redshift's Identity Center applications, whose issuer list *is* a grant in [`SsoAdmin`].
//! - [`SsoOidc`]: `CreateTokenWithIAM`, the exchange that a login ends in; it believes nothing but the two above, the
//!   issuer's own documents and the identity store.
//!
//! Protocols and shapes: the API references of the three services; what they leave open is marked UNCONFIRMED where it
//! is decided.

mod input;
pub mod redshift;
pub mod sso_admin;
pub mod sso_oidc;
mod wire;

pub use redshift::Redshift;
pub use sso_admin::SsoAdmin;
pub use sso_oidc::{Lookups, SsoOidc};
