//! The checks: pure rules over an observed integration, a file each. A check says what it found even where all is well,
//! and says `unknown` of what was not read. Their ids are stable; `docs/CHECKS.md` tells each one's story.
//!
//! `critical` means that a login fails now for at least one assigned user: a check that says so must be sure of it. What
//! differs from the agreed state and does no harm is drift, and told as such.

mod application_assigned;
mod application_there;
mod audience_ceiling;
mod authorize_url;
mod common;
mod dbt_client;
mod dbt_configuration;
mod dbt_connection;
mod dbt_engine;
mod dbt_environment;
mod dbt_plan;
mod discovery_reachable;
mod entra;
mod identity_center_active;
mod issuer_accepted;
mod issuer_ceiling;
mod issuer_mapping;
mod issuer_matches;
pub mod okta;
#[cfg(test)]
mod properties;
mod redirect_uri;
mod says;
mod secret_of_dbt;
mod secret_proved;
mod signing_keys;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
mod token_url;
mod urls;
mod users_resolvable;
mod warehouse_registered;
mod way;

use extoauth_core::finding::Finding;

use crate::observe::{Observed, ProviderView};

pub use says::Rule;

/// A check of what every integration has.
pub struct Check {
    /// Its stable id.
    pub id: &'static str,
    /// The rule.
    pub run: fn(&Observed) -> Vec<Finding>,
}

/// A check of what one identity provider knows.
pub struct ProviderCheck<V> {
    /// Its stable id. Two providers may answer the same question under one id.
    pub id: &'static str,
    /// The rule.
    pub run: fn(&V, &Observed) -> Vec<Finding>,
}

/// The checks that every integration gets, along the way of a login.
pub const CHECKS: &[Check] = &[
    Check { id: dbt_plan::ID, run: dbt_plan::check },
    Check { id: dbt_environment::ID, run: dbt_environment::check },
    Check { id: dbt_engine::ID, run: dbt_engine::check },
    Check { id: dbt_connection::ID, run: dbt_connection::check },
    Check { id: dbt_configuration::ID, run: dbt_configuration::check },
    Check { id: dbt_client::ID, run: dbt_client::check },
    Check { id: redirect_uri::ID, run: redirect_uri::check },
    Check { id: authorize_url::ID, run: authorize_url::check },
    Check { id: token_url::ID, run: token_url::check },
    Check { id: secret_proved::ID, run: secret_proved::check },
    Check { id: secret_of_dbt::ID, run: secret_of_dbt::check },
    Check { id: discovery_reachable::ID, run: discovery_reachable::check },
    Check { id: issuer_matches::ID, run: issuer_matches::check },
    Check { id: signing_keys::ID, run: signing_keys::check },
    Check { id: identity_center_active::ID, run: identity_center_active::check },
    Check { id: application_there::ID, run: application_there::check },
    Check { id: application_assigned::ID, run: application_assigned::check },
    Check { id: issuer_accepted::ID, run: issuer_accepted::check },
    Check { id: issuer_mapping::ID, run: issuer_mapping::check },
    Check { id: users_resolvable::ID, run: users_resolvable::check },
    Check { id: warehouse_registered::ID, run: warehouse_registered::check },
    Check { id: issuer_ceiling::ID, run: issuer_ceiling::check },
    Check { id: audience_ceiling::ID, run: audience_ceiling::check },
];

/// Ids of all checks there are.
pub fn ids() -> Vec<&'static str> {
    let common = CHECKS.iter().map(|check| check.id);
    let of_okta = okta::CHECKS.iter().map(|check| check.id);
    let of_entra = entra::CHECKS.iter().map(|check| check.id);
    common.chain(of_okta).chain(of_entra).collect()
}

/// Judges everything.
pub fn judge(observed: &Observed) -> Vec<Finding> {
    let of_provider: Vec<Finding> = match &observed.provider {
        ProviderView::Okta(view) => okta::CHECKS.iter().flat_map(|check| (check.run)(view, observed)).collect(),
        ProviderView::Entra(view) => entra::CHECKS.iter().flat_map(|check| (check.run)(view, observed)).collect(),
    };
    of_provider.into_iter().chain(CHECKS.iter().flat_map(|check| (check.run)(observed))).collect()
}
