//! The identity provider as the place of two secrets.

mod entra;
mod okta;

use extoauth_core::engine::Book;
use extoauth_core::systems::SystemId;
use secrecy::SecretString;

use super::begin::Work;
use super::{RotationError, SETTLING};
use crate::systems::Systems;

pub(super) use entra::Entra;
pub(super) use okta::Okta;

/// The client at its provider.
pub(super) enum Provider {
    Okta(Okta),
    Entra(Entra),
}

/// What a provider says of a secret. Whatever is not [`Proof::Proved`] is not good.
pub(super) enum Proof {
    Proved,
    /// It says that this is no secret of the client.
    Refused,
    Unclear(String),
}

/// Why a secret is not proved.
pub(super) enum NotProved {
    Said(String),
    Error(RotationError),
}

impl NotProved {
    /// As a step's error.
    pub(super) fn because(self, what: &str) -> RotationError {
        match self {
            Self::Said(said) => RotationError::Failed(format!("{what} is not proved: {said}")),
            Self::Error(error) => error,
        }
    }
}

impl Provider {
    /// The client as it is recorded and there.
    pub(super) async fn of(systems: &Systems, own: &Book, of_trust: &Book) -> Result<Self, RotationError> {
        match (&systems.okta, &systems.entra) {
            (Some(port), _) => Ok(Self::Okta(Okta::of(port, own, of_trust).await?)),
            (None, Some(port)) => Ok(Self::Entra(Entra::of(port, own, of_trust).await?)),
            (None, None) => Err(RotationError::Refused("the integration has no identity provider".into())),
        }
    }

    pub(super) fn client_id(&self) -> &str {
        match self {
            Self::Okta(okta) => &okta.client_id,
            Self::Entra(entra) => &entra.client_id,
        }
    }

    pub(super) fn system(&self) -> &SystemId {
        match self {
            Self::Okta(okta) => &okta.port.id,
            Self::Entra(entra) => &entra.port.id,
        }
    }

    pub(super) async fn prove(&self, value: &SecretString) -> Result<Proof, RotationError> {
        match self {
            Self::Okta(okta) => okta.prove(value).await,
            Self::Entra(entra) => entra.prove(value).await,
        }
    }
}

/// What was never recorded cannot be rotated.
fn unrecorded(what: &str) -> RotationError {
    RotationError::Refused(format!("no {what} of this integration is recorded: ask for `provision` first"))
}

impl Work<'_> {
    /// Proves a secret as it is now.
    pub(super) async fn prove(&self, value: &SecretString) -> Result<(), NotProved> {
        match self.provider.prove(value).await {
            Ok(Proof::Proved) => Ok(()),
            Ok(Proof::Refused) => Err(NotProved::Said("the identity provider refuses it".into())),
            Ok(Proof::Unclear(said)) => Err(NotProved::Said(said)),
            Err(error) => Err(NotProved::Error(error)),
        }
    }

    /// Proves a secret, waiting until it holds everywhere.
    pub(super) async fn prove_settled(&self, value: &SecretString) -> Result<(), NotProved> {
        for wait in SETTLING {
            self.lease.fresh().await.map_err(|error| NotProved::Error(error.into()))?;
            match self.prove(value).await {
                Err(NotProved::Said(_)) => tokio::time::sleep(wait).await,
                done => return done,
            }
        }
        self.prove(value).await
    }
}
