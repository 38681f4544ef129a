//! What no emulator has of AWS: what IAM Identity Center and Redshift know of trusted token issuers, and tokens for the
//! account's own roles.
//!
//! - [`SsoAdmin`]: the instance, its trusted token issuers, its applications with their grants (`sso-admin`).
//! - [`Redshift`]: Redshift's Identity Center applications, whose issuer list *is* a grant in [`SsoAdmin`].
//! - [`RedshiftData`]: Redshift's Data API, as far as it tells what the warehouse is registered with.
//! - [`SsoOidc`]: `CreateTokenWithIAM`, the exchange that a login ends in; it believes nothing but the two above, the
//!   issuer's own documents and the identity store.
//! - [`Sts`]: the one operation of STS that moto lacks, and the account's token issuer.
//!
//! Protocols and shapes: the API references of the services; what they leave open is marked UNCONFIRMED where it
//! is decided.

mod input;
pub mod redshift;
pub mod redshift_data;
pub mod sso_admin;
pub mod sso_oidc;
pub mod sts;
mod wire;

pub use redshift::Redshift;
pub use redshift_data::RedshiftData;
pub use sso_admin::SsoAdmin;
pub use sso_oidc::{Lookups, SsoOidc};
pub use sts::Sts;
