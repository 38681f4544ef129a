//! What the inventories say of an integration: under which ids its objects are to be looked for.

use extoauth_core::engine::{Book, InventoryItem};
use serde::de::DeserializeOwned;

use crate::federation::SecretRef;
use crate::resources::aws::{ClientSecret, ClientSecretIdentity};
use crate::resources::dbt::OauthConfiguration;
use crate::resources::entra::{IssuedSecret, IssuedSecretIdentity};
use extoauth_core::engine::Resource;

/// The inventories of a trust and of one integration that stands on it.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Of the trust.
    pub trust: Book,
    /// Of the integration.
    pub own: Book,
}

impl Known {
    fn items<'k>(&'k self, kind: &'k str) -> impl Iterator<Item = &'k InventoryItem> {
        self.own.items.values().chain(self.trust.items.values()).filter(move |item| item.kind == kind)
    }

    /// How the vendor names the one object of a kind; `None`: none is recorded.
    pub fn identity<I: DeserializeOwned>(&self, kind: &str) -> Option<I> {
        self.items(kind).find_map(|item| serde_json::from_value(item.identity.clone()).ok())
    }

    /// The same for kinds of which there may be several, each with the key of its address (`okta.app.group[key]`).
    pub fn identities<I: DeserializeOwned>(&self, kind: &str) -> Vec<(String, I)> {
        let each = self.items(kind).filter_map(|item| {
            let address = item.address.to_string();
            let key = address.split_once('[').and_then(|(_, rest)| rest.strip_suffix(']')).unwrap_or_default();
            Some((key.to_owned(), serde_json::from_value(item.identity.clone()).ok()?))
        });
        each.collect()
    }

    /// The client secret as dbt was given it last: the version that must work. `None`: dbt was given none.
    pub fn secret_of_dbt(&self) -> Option<SecretRef> {
        let version =
            self.items(OauthConfiguration::KIND).find_map(|item| item.written.get("client_secret").cloned())?;
        let arn = self
            .identity::<ClientSecretIdentity>(ClientSecret::KIND)
            .map(|own| own.arn)
            .or_else(|| self.identity::<IssuedSecretIdentity>(IssuedSecret::KIND).map(|issued| issued.arn))?;
        Some(SecretRef { arn, version })
    }
}
