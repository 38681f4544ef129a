//! What a ticket asks for, after normalisation: the desired state of one integration and of the trust it stands on.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{IntegrationName, TrustKey};
use crate::systems::Idp;

/// The desired state of one integration. Every default is filled in: two tickets that mean the same are equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Integration {
    /// Its name.
    pub name: IntegrationName,
    /// The kind of identity provider.
    pub idp: Idp,
    /// Name of the identity provider's system in the configuration.
    pub idp_system: String,
    /// Name of the Redshift application in the configuration.
    pub warehouse_system: String,
    /// Name of the dbt account in the configuration.
    pub dbt_system: String,
    /// The environments that are to use it.
    pub environments: BTreeSet<EnvironmentRef>,
    /// An existing dbt connection to use instead of our own.
    pub connection_id: Option<u64>,
    /// A private link endpoint for our connection; `None` takes over what the environment's present connection has.
    pub private_link_endpoint_id: Option<String>,
    /// Host of the warehouse, one that the configuration allows.
    pub warehouse_host: String,
    /// Database of the warehouse.
    pub database: String,
    /// Groups of the identity provider whose members may use it.
    pub groups: BTreeSet<String>,
    /// The token's claim that names the user; `None` is the identity provider's usual one.
    pub user_claim: Option<String>,
    /// The identity store attribute that the claim is matched with.
    pub identity_attribute: String,
    /// How long tokens live.
    pub lifetimes: Lifetimes,
    /// How long a client secret may live, in days.
    pub secret_days: u32,
    /// When the environments are pointed at the new connection.
    pub cutover: Cutover,
}

impl Integration {
    /// The trust that this integration stands on: one per identity provider and Redshift application.
    pub fn trust(&self) -> TrustKey {
        TrustKey::new(self.idp, &self.idp_system, &self.warehouse_system)
    }
}

/// A dbt environment: a project, and the environment unless it is the project's one development environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EnvironmentRef {
    /// Project id.
    pub project: u64,
    /// Environment id; `None`: the project's development environment.
    pub environment: Option<u64>,
}

impl fmt::Display for EnvironmentRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.environment {
            Some(environment) => write!(f, "{}/{environment}", self.project),
            None => write!(f, "{}", self.project),
        }
    }
}

/// The three lifetimes of an Okta token rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifetimes {
    /// Life of an access token, in minutes.
    pub access_minutes: u32,
    /// Life of a refresh token, in days.
    pub refresh_days: u32,
    /// A refresh token ends when it is not used for this many days.
    pub idle_days: u32,
}

/// When the environments are pointed at the new connection. Doing so logs everybody with saved passwords out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cutover {
    /// As part of the run.
    Now,
    /// Not before this moment; the run waits for it.
    At(Timestamp),
    /// Not at all: everything else is prepared, a later ticket with `now` cuts over.
    Hold,
}
