//! What only Entra knows: rows of the manual that are Entra's.
//!
//! A check whose parent is gone says nothing: the parent's check does, and names the link that is broken.

mod application_id_uri;
mod claim_in_token;
mod client_app;
mod client_assigned;
mod client_secrets;
mod consent;
mod principals;
mod scope;
mod secret_end;
mod server_app;
mod token_lifetimes;
mod token_version;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use super::ProviderCheck;
use crate::observe::EntraView;

/// The checks of the Entra side, along the way of a login.
pub const CHECKS: &[ProviderCheck<EntraView>] = &[
    ProviderCheck { id: server_app::ID, run: server_app::run },
    ProviderCheck { id: client_app::ID, run: client_app::run },
    ProviderCheck { id: principals::ID, run: principals::run },
    ProviderCheck { id: application_id_uri::ID, run: application_id_uri::run },
    ProviderCheck { id: scope::ID, run: scope::run },
    ProviderCheck { id: client_assigned::ID, run: client_assigned::run },
    ProviderCheck { id: consent::ID, run: consent::run },
    ProviderCheck { id: client_secrets::ID, run: client_secrets::run },
    ProviderCheck { id: secret_end::ID, run: secret_end::run },
    ProviderCheck { id: token_version::ID, run: token_version::run },
    ProviderCheck { id: claim_in_token::ID, run: claim_in_token::run },
    ProviderCheck { id: token_lifetimes::ID, run: token_lifetimes::run },
];

/// The scope for which dbt asks.
const SCOPE: &str = "dbt-redshift";
/// Apps of this tenant alone.
const SINGLE_TENANT: &str = "AzureADMyOrg";
/// Apps of personal Microsoft accounts alone.
const PERSONAL: &str = "PersonalMicrosoftAccount";
/// Where an administrator finds apps.
const REGISTRATIONS: &str = "Entra admin center > App registrations";
/// Where an administrator finds service principals.
const ENTERPRISE_APPS: &str = "Entra admin center > Enterprise applications";
/// What a fix by us needs.
const PROVISION: &str = "ask for `verify` with `repair`, or for `provision`";
/// What happens to everybody where nothing else fits.
const NOBODY: &str = "nobody can connect to Redshift from dbt";

/// Names, the first few of them.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more"),
    }
}
