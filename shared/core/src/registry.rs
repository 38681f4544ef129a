//! What is remembered of integrations and trusts as a whole.

use std::collections::BTreeSet;

use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::engine::LedgerError;
use crate::finding::Finding;
use crate::ids::{IntegrationName, TrustKey};
use crate::integration::Integration;
use crate::rights::SystemRights;
use crate::systems::SystemId;

/// An integration as the last request left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntegrationRecord {
    /// The desired state.
    pub desired: Integration,
    /// Version of the recipe that made it.
    pub recipe_version: u32,
    /// Id of the request that wrote this.
    pub request: String,
    /// When.
    pub updated: Timestamp,
    /// Whether it is complete: every resource was in its state when its last request ended.
    pub complete: bool,
}

/// A trust and who stands on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustRecord {
    /// Its key.
    pub key: TrustKey,
    /// The token's claim that names the user; set by the first integration.
    pub claim: String,
    /// The identity store attribute that it is matched with; set by the first integration.
    pub attribute: String,
    /// The audience of its tokens; fixed after first use. `None`: the identity provider's own objects tell it (Entra).
    pub audience: Option<String>,
    /// The integrations that share it.
    pub owners: BTreeSet<IntegrationName>,
}

/// What a complete run saw at its end and what the objects alone do not tell later.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// When dbt's OAuth configuration was last written, as dbt says. dbt shows nobody its secret: a later time there, and
    /// nothing else that differs, is all that tells of another secret.
    pub oauth_configuration_written: Option<Timestamp>,
    /// Its name then: a rename explains a later time.
    #[serde(default)]
    pub oauth_configuration_name: Option<String>,
}

/// What dbt knows of the identity provider: what a client of its own needs too. No secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// `okta` or `entra`, as dbt calls them.
    pub kind: String,
    /// The client's id.
    pub client_id: String,
    /// Where codes and refresh tokens are redeemed.
    pub token_url: String,
    /// The redirect URI.
    pub redirect_uri: String,
    /// Application ID URI: Entra only.
    pub application_id_uri: Option<String>,
}

/// What the last check of an integration saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRecord {
    /// When.
    pub at: Timestamp,
    /// Id of the request that checked.
    pub request: String,
    /// The ticket system's instance that asked for it: whoever speaks for another one is not told what was found.
    pub instance: String,
    /// What it found.
    pub findings: Vec<Finding>,
    /// What the last complete run saw at its end. A check that changes nothing keeps it.
    pub baseline: Baseline,
    /// dbt's OAuth configuration, if it was read.
    pub sign_in: Option<SignIn>,
    /// How many people may sign in, as far as app, groups and accounts decide; `None`: not known.
    pub people: Option<usize>,
    /// When the client secret that dbt uses was made, as far as the identity provider tells.
    pub secret_made: Option<Timestamp>,
    /// When it ends; `None`: it does not, or nobody tells.
    pub secret_ends: Option<Timestamp>,
}

/// The store of these records.
pub trait Registry: Send + Sync {
    /// An integration.
    fn integration<'a>(
        &'a self,
        name: &'a IntegrationName,
    ) -> BoxFuture<'a, Result<Option<IntegrationRecord>, LedgerError>>;

    /// All integrations, by name.
    fn integrations(&self) -> BoxFuture<'_, Result<Vec<IntegrationRecord>, LedgerError>>;

    /// Stores an integration.
    fn put_integration<'a>(&'a self, record: &'a IntegrationRecord) -> BoxFuture<'a, Result<(), LedgerError>>;

    /// Forgets an integration and its last check. Its journal stays.
    fn remove_integration<'a>(&'a self, name: &'a IntegrationName) -> BoxFuture<'a, Result<(), LedgerError>>;

    /// A trust.
    fn trust<'a>(&'a self, key: &'a TrustKey) -> BoxFuture<'a, Result<Option<TrustRecord>, LedgerError>>;

    /// Adds the owners of `joining` to the trust, making it with these terms if it is new. Gives it back as it is
    /// stored: with the terms of whoever was first.
    fn join_trust<'a>(&'a self, joining: &'a TrustRecord) -> BoxFuture<'a, Result<TrustRecord, LedgerError>>;

    /// Takes an owner off a trust and gives the owners that are left.
    fn leave_trust<'a>(
        &'a self,
        key: &'a TrustKey,
        owner: &'a IntegrationName,
    ) -> BoxFuture<'a, Result<BTreeSet<IntegrationName>, LedgerError>>;

    /// Forgets a trust that nobody owns any more.
    fn remove_trust<'a>(&'a self, key: &'a TrustKey) -> BoxFuture<'a, Result<(), LedgerError>>;

    /// Remembers when a plan was first shown, by its digest: an approval that names it must be later.
    fn plan_shown<'a>(
        &'a self,
        integration: &'a IntegrationName,
        digest: &'a str,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<(), LedgerError>>;

    /// When a plan was first shown.
    fn plan_shown_at<'a>(
        &'a self,
        integration: &'a IntegrationName,
        digest: &'a str,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, LedgerError>>;

    /// What the last check of an integration saw.
    fn last_check<'a>(
        &'a self,
        integration: &'a IntegrationName,
    ) -> BoxFuture<'a, Result<Option<CheckRecord>, LedgerError>>;

    /// Stores what a check saw.
    fn put_check<'a>(
        &'a self,
        integration: &'a IntegrationName,
        record: &'a CheckRecord,
    ) -> BoxFuture<'a, Result<(), LedgerError>>;

    /// Our rights in a system, as they were last seen.
    fn rights<'a>(&'a self, system: &'a SystemId) -> BoxFuture<'a, Result<Option<SystemRights>, LedgerError>>;

    /// Stores our rights in a system.
    fn put_rights<'a>(&'a self, rights: &'a SystemRights) -> BoxFuture<'a, Result<(), LedgerError>>;
}
