//! IAM Identity Center: trusted token issuers, the jwt-bearer grant of an application, look-ups of users and groups.
//!
//! Configured in the instance's primary region only. [`Read`] cannot write by type; [`Write`] holds a `Read`.

mod read;
pub mod rules;
mod users;
mod write;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use read::Read;
pub use users::ListedUser;
pub use write::Write;

/// Trusted token issuers that one instance can have; not raisable (IAM Identity Center quotas).
pub const MAX_ISSUERS: usize = 10;

/// The grant type by which an application exchanges tokens of a trusted token issuer.
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// An Identity Center instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// ARN.
    pub arn: String,
    /// Id of its identity store: look-ups of users and groups need it.
    pub identity_store_id: String,
    /// Account that owns it: only that account and its delegated administrator can write.
    pub owner_account: Option<String>,
    /// `ACTIVE` if it can be used.
    pub status: String,
    /// Where it is configured.
    pub primary_region: Option<String>,
}

impl Instance {
    /// Whether it can be used.
    pub fn is_active(&self) -> bool {
        self.status == "ACTIVE"
    }
}

/// What a list shows of an issuer: not its URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuerName {
    /// ARN.
    pub arn: String,
    /// Name.
    pub name: String,
}

/// A trusted token issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issuer {
    /// ARN.
    pub arn: String,
    /// Name.
    pub name: String,
    /// Must equal the tokens' `iss` byte for byte; can never be changed.
    pub url: String,
    /// The token's claim that names the user.
    pub claim: String,
    /// The attribute of the identity store that the claim is matched with.
    pub attribute: String,
}

/// A trusted token issuer to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewIssuer {
    /// Name; see [`rules::issuer_name`].
    pub name: String,
    /// Issuer URL; see [`rules::issuer_url`]. Identity Center does not check that it answers.
    pub url: String,
    /// Claim; see [`rules::claim_path`].
    pub claim: String,
    /// Attribute; see [`rules::attribute_path`].
    pub attribute: String,
    /// Tags: how an issuer is marked as ours.
    pub tags: BTreeMap<String, String>,
}
