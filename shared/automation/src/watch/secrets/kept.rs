//! What the inventories and Secrets Manager say of an integration's client secret.

use std::collections::BTreeSet;

use extoauth_core::engine::{LedgerError, Resource};
use extoauth_core::integration::Integration;
use extoauth_core::systems::Idp;
use extoauth_systems::secrets::{CURRENT, PENDING, StagedVersion};

use crate::observe::{Known, Seen};
use crate::resources::aws::{ClientSecret, ClientSecretIdentity};
use crate::resources::entra::{AppIdentity, ClientApp, IssuedSecret, IssuedSecretIdentity, ResourceApp};
use crate::resources::okta::{AppIdentity as OktaAppIdentity, OidcApp};
use crate::watch::Watcher;

/// What is recorded of an integration: small, so that those of a whole tenant can be held.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    /// Id of the client app.
    pub client: Option<String>,
    /// Id of Entra's resource app, which the trust's integrations share.
    pub resource: Option<String>,
    /// ARN of the secret.
    pub arn: Option<String>,
    /// The version that dbt was given last.
    pub held: Option<String>,
}

impl Kept {
    pub async fn of(watcher: &Watcher<'_>, desired: &Integration) -> Result<Self, LedgerError> {
        Ok(Self::from(&watcher.known(desired).await?, desired.idp))
    }

    fn from(known: &Known, idp: Idp) -> Self {
        let app = |kind| known.identity::<AppIdentity>(kind).map(|own| own.id);
        let (client, resource) = match idp {
            Idp::Okta => (known.identity::<OktaAppIdentity>(OidcApp::KIND).map(|own| own.id), None),
            Idp::Entra => (app(ClientApp::KIND), app(ResourceApp::KIND)),
        };
        let arn = known
            .identity::<ClientSecretIdentity>(ClientSecret::KIND)
            .map(|own| own.arn)
            .or_else(|| known.identity::<IssuedSecretIdentity>(IssuedSecret::KIND).map(|issued| issued.arn));
        Self { client, resource, arn, held: known.secret_of_dbt().map(|held| held.version) }
    }
}

/// The versions of a client secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Versions {
    /// The one that dbt was given last; where that is not recorded, the current one.
    pub held: Option<String>,
    /// The one that Secrets Manager calls current.
    pub current: Option<String>,
    /// The one that is being rotated in.
    pub pending: Option<String>,
    /// All that carry a stage, and the one that dbt was given.
    pub all: BTreeSet<String>,
}

impl Versions {
    pub fn new(held: Option<String>, staged: &[StagedVersion]) -> Self {
        let at = |stage| staged.iter().find(|version| version.stages.contains(stage)).map(|version| version.id.clone());
        let (current, pending) = (at(CURRENT), at(PENDING));
        let held = held.or_else(|| current.clone());
        let all = staged.iter().map(|version| version.id.clone()).chain(held.clone()).collect();
        Self { held, current, pending, all }
    }

    /// Reads them. `Gone`: no secret has been made yet.
    pub async fn of(watcher: &Watcher<'_>, kept: &Kept) -> Seen<Self> {
        let Some(arn) = &kept.arn else { return Seen::Gone };
        let staged: Seen<_> = watcher.clients.vault().reader().versions(arn).await.into();
        match staged {
            Seen::There(staged) => Seen::There(Self::new(kept.held.clone(), &staged)),
            // Then all that is known is what dbt was given.
            Seen::Gone => Seen::There(Self::new(kept.held.clone(), &[])),
            Seen::Unread(why) => Seen::Unread(why),
        }
    }
}
