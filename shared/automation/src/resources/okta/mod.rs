//! What we keep in an Okta org.

mod app;
mod assignment;
mod claim;
mod policy;
mod rule;
mod scope;
mod server;

pub use app::{AppIdentity, Client, OidcApp};
pub use assignment::{AssignmentIdentity, GroupAssignment};
pub use claim::UserClaim;
pub use policy::{AccessPolicy, PolicyIdentity, PolicyOutput};
pub use rule::{RuleIdentity, TokenRule};
pub use scope::{PartIdentity, Scope};
pub use server::{AuthorizationServer, Server, ServerIdentity};

/// Who acts for Okta where we may not write.
const OKTA_ADMIN: &str = "the administrator of the Okta org";
