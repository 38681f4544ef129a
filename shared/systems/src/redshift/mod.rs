//! The Redshift IdC application: what connects Redshift with Identity Center, and the list of token issuers that it
//! accepts.
//!
//! [`Read`] cannot write by type; [`Write`] holds a `Read`. What the warehouse itself says of the application only SQL
//! tells: [`DataApi`].

mod data_api;
mod read;
mod registrations;
mod write;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::aws::issuers::AuthorizedIssuer;

pub use data_api::DataApi;
pub use read::Read;
pub use registrations::IdentityProvider;
pub use write::Write;

/// A Redshift IdC application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// ARN of the application in Redshift.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The name that users see.
    pub display_name: Option<String>,
    /// Prefix of the warehouse's users and roles (`AWSIDC`): which application verifies a connection's token.
    pub namespace: Option<String>,
    /// The role with which Redshift asks Identity Center.
    pub role_arn: Option<String>,
    /// ARN of the same application in Identity Center: tokens are exchanged for it, and SQL's
    /// `CREATE IDENTITY PROVIDER` names it.
    pub managed_application_arn: Option<String>,
    /// ARN of the Identity Center instance that it belongs to.
    pub instance_arn: Option<String>,
    /// State of the set-up, a free text of AWS.
    pub onboard_status: Option<String>,
    /// `None` or `Lakehouse`, where AWS tells.
    pub application_type: Option<String>,
    /// The issuers whose tokens it accepts.
    pub issuers: Vec<AuthorizedIssuer>,
    /// What else it may do for users.
    pub integrations: Vec<ServiceIntegration>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// A right of the application to act for users in another service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ServiceIntegration {
    /// `LakeFormation`, `S3AccessGrants`, `Redshift`, or `unknown` for one that this version does not know.
    pub service: String,
    /// `LakeFormationQuery`, `ReadWriteAccess`, `Connect`, or `unknown`.
    pub scope: String,
    /// Whether it is enabled.
    pub enabled: bool,
}
