//! What is remembered of integrations and trusts as a whole.

use std::collections::BTreeSet;

use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::engine::LedgerError;
use crate::ids::{IntegrationName, TrustKey};
use crate::integration::Integration;

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

    /// Forgets an integration. Its journal stays.
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
}
