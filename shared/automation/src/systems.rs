//! The systems that a recipe works with, as clients split into reading and writing halves.

use extoauth_core::engine::Port;
use extoauth_core::systems::Mode;
use extoauth_systems::secrets::Vault;
use extoauth_systems::{dbt, identity_center, okta, redshift, secrets};

/// Port of an Okta org.
pub type OktaPort = Port<okta::Read, okta::Write>;
/// Port of a dbt account.
pub type DbtPort = Port<dbt::Read, dbt::Write>;
/// Port of an Identity Center instance.
pub type IdentityCenterPort = Port<identity_center::Read, identity_center::Write>;
/// Port of Redshift.
pub type RedshiftPort = Port<redshift::Read, redshift::Write>;
/// Port of Secrets Manager.
pub type SecretsPort = Port<secrets::Read, secrets::Write>;

/// The systems of one integration. The identity providers are optional: an integration has one of them.
pub struct Systems {
    /// The Okta org, if that is the identity provider.
    pub okta: Option<OktaPort>,
    /// The dbt account.
    pub dbt: DbtPort,
    /// The Identity Center instance.
    pub identity_center: IdentityCenterPort,
    /// Redshift, where the IdC application is.
    pub redshift: RedshiftPort,
    /// Secrets Manager of our own account.
    pub secrets: SecretsPort,
    /// The secrets' values, for the moment in which a vendor is told one.
    pub vault: Vault,
}

impl Systems {
    /// Whether any of them may only be observed.
    pub fn any_observed(&self) -> bool {
        let okta = self.okta.as_ref().map(|port| port.mode);
        let others = [self.dbt.mode, self.identity_center.mode, self.redshift.mode];
        okta.into_iter().chain(others).any(|mode| mode == Mode::Observe)
    }
}
