//! The systems that a recipe works with, as clients split into reading and writing halves.

use extoauth_core::engine::Port;
use extoauth_core::systems::Mode;
use extoauth_systems::secrets::Vault;
use extoauth_systems::{dbt, entra, identity_center, okta, redshift, secrets};

/// Port of an Okta org.
pub type OktaPort = Port<okta::Read, okta::Write>;
/// Port of an Entra tenant.
pub type EntraPort = Port<entra::Read, entra::Write>;
/// Port of an Entra tenant together with the place where the secrets go that it issues: between the two is nothing, and
/// the tenant's mode holds for both.
pub type IssuedSecretsPort = Port<IssuedSecretsRead, IssuedSecretsWrite>;
/// Port of a dbt account.
pub type DbtPort = Port<dbt::Read, dbt::Write>;
/// Port of an Identity Center instance.
pub type IdentityCenterPort = Port<identity_center::Read, identity_center::Write>;
/// Port of Redshift.
pub type RedshiftPort = Port<redshift::Read, redshift::Write>;
/// Port of Secrets Manager.
pub type SecretsPort = Port<secrets::Read, secrets::Write>;

/// Reads client secrets that the tenant issues, and where their values are.
#[derive(Clone)]
pub struct IssuedSecretsRead {
    /// The tenant.
    pub tenant: entra::Read,
    /// Secrets Manager.
    pub store: secrets::Read,
}

/// Has client secrets issued, and stores their values.
#[derive(Clone)]
pub struct IssuedSecretsWrite {
    /// The tenant.
    pub tenant: entra::Write,
    /// Secrets Manager.
    pub store: secrets::Write,
}

/// The systems of one integration. The identity providers are optional: an integration has one of them.
pub struct Systems {
    /// The Okta org, if that is the identity provider.
    pub okta: Option<OktaPort>,
    /// The Entra tenant, if that is the identity provider.
    pub entra: Option<EntraPort>,
    /// The Entra tenant as the issuer of secrets.
    pub issued_secrets: Option<IssuedSecretsPort>,
    /// The dbt account.
    pub dbt: DbtPort,
    /// The Identity Center instance.
    pub identity_center: IdentityCenterPort,
    /// Redshift, where the IdC application is.
    pub redshift: RedshiftPort,
    /// The warehouse itself, where it may be asked by SQL.
    pub warehouse: Option<redshift::DataApi>,
    /// Secrets Manager of our own account.
    pub secrets: SecretsPort,
    /// The secrets' values, for the moment in which a vendor is told one.
    pub vault: Vault,
}

impl Systems {
    /// Whether any of them may only be observed.
    pub fn any_observed(&self) -> bool {
        let okta = self.okta.as_ref().map(|port| port.mode);
        let entra = self.entra.as_ref().map(|port| port.mode);
        let others = [self.dbt.mode, self.identity_center.mode, self.redshift.mode];
        okta.into_iter().chain(entra).chain(others).any(|mode| mode == Mode::Observe)
    }
}
