//! What people change: every field that a recipe writes, and what stands beside it and matters.
//!
//! A row names the change and the checks of which one must be the first to say `critical` if logins fail. Whether they
//! do is for the judge to say.
//!
//! Left out is what the judge cannot try and no API shows: private links and tunnels of connections (they are ways
//! through networks), dbt's plan, its version and its redirect URI, and with which application the warehouse is
//! registered. A valid secret of somebody else's in dbt is none, either: dbt shows nobody its secret.

mod aws;
mod dbt;
mod directory;
mod entra;
mod okta;
mod okta_rules;

use crate::mutation::Mutation;

/// All rows.
pub fn all() -> Vec<Mutation> {
    [okta::ROWS, okta_rules::ROWS, entra::ROWS, aws::ROWS, directory::ROWS, dbt::ROWS].concat()
}
