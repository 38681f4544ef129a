//! What an integration looks like now, read once from every system and told in one shape: what the checks judge.
//!
//! Nothing here judges, and nothing is remembered: objects are looked for under the ids that the inventories have, and
//! what could not be read says why ([`Seen`]). Everything that does not need another answer is asked at the same time.

mod dbt;
mod entra;
mod known;
pub mod okta;
mod people;
mod seen;
mod warehouse;

use extoauth_core::integration::Integration;
use extoauth_core::policy::LifetimeBounds;
use extoauth_core::registry::{Baseline, TrustRecord};
use extoauth_core::systems::{RedshiftSettings, SystemId};
use futures::future::join3;
use jiff::Timestamp;

pub use dbt::{DbtView, Elsewhere, EnvironmentView, HeldSecret};
pub use entra::{Carried, EntraView, GroupView, SecretView, application_id_uri, carried, name_of, pins_audience};
pub use known::Known;
pub use okta::OktaView;
pub use people::{Claim, OTHERS, Person, Resolved};
pub use seen::{Seen, Unread};
pub use warehouse::{CenterView, REGISTERED_SQL, Registration, WarehouseView};

use crate::systems::Systems;

/// What an observation starts from: what is wanted, what is recorded, what was configured.
pub struct Asked<'a> {
    /// The integration as the last request left it.
    pub desired: &'a Integration,
    /// The trust that it stands on.
    pub trust: &'a TrustRecord,
    /// The ids of its objects.
    pub known: &'a Known,
    /// The configuration of its warehouse.
    pub redshift: &'a RedshiftSettings,
    /// The redirect URI that dbt's form shows, as configured; `None`: none is configured.
    pub redirect_uri: Option<String>,
    /// What the last complete run saw at its end.
    pub baseline: Option<Baseline>,
    /// The organisation's bounds of the tokens' lifetimes.
    pub bounds: LifetimeBounds,
    /// Now.
    pub now: Timestamp,
}

/// An integration as it is.
#[derive(Clone, Debug)]
pub struct Observed {
    /// When.
    pub now: Timestamp,
    /// What is wanted.
    pub desired: Integration,
    /// The terms of the trust.
    pub trust: TrustRecord,
    /// The organisation's bounds of the tokens' lifetimes.
    pub bounds: LifetimeBounds,
    /// The redirect URI that is configured.
    pub redirect_uri: Option<String>,
    /// What the last complete run saw at its end.
    pub baseline: Option<Baseline>,
    /// The identity provider, in words that fit every one.
    pub idp: IdpView,
    /// The identity provider, in its own words.
    pub provider: ProviderView,
    /// IAM Identity Center.
    pub center: CenterView,
    /// Redshift.
    pub warehouse: WarehouseView,
    /// dbt.
    pub dbt: DbtView,
}

impl Observed {
    /// When the client secret that dbt uses was made, and when it ends, as far as the provider tells.
    pub fn secret_dates(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        match &self.provider {
            ProviderView::Okta(view) => {
                let of_dbt = view.secrets.there().into_iter().flatten().find(|one| one.of_dbt == Some(true));
                (of_dbt.and_then(|one| one.created), None)
            }
            ProviderView::Entra(view) => {
                let all = view.client.there().map(|client| client.passwords.as_slice()).unwrap_or_default();
                (None, view.secret.among(all).and_then(|one| one.ends))
            }
        }
    }
}

/// What every identity provider is asked, whatever it is called there. `Gone` where what the answer follows from is not
/// there (no app: no client id, no people).
#[derive(Clone, Debug)]
pub struct IdpView {
    /// The org or tenant.
    pub system: SystemId,
    /// The `iss` of the access tokens that it would issue now.
    pub issuer: Seen<String>,
    /// Their `aud`.
    pub audience: Seen<String>,
    /// The discovery document below `issuer`, which Identity Center reads.
    pub discovery: Seen<Document>,
    /// How many signing keys stand at its `jwks_uri`.
    pub keys: Seen<usize>,
    /// Authorize URLs at which the client's sign-in works; the one that we write first.
    pub authorize_urls: Seen<Vec<String>>,
    /// Token URLs at which it works; the one that we write first.
    pub token_urls: Seen<Vec<String>>,
    /// The client's id.
    pub client_id: Seen<String>,
    /// The redirect URIs that the client may use.
    pub redirect_uris: Seen<Vec<String>>,
    /// Who may sign in there, as far as app, groups and accounts decide; of many the first ones.
    pub people: Seen<Vec<Person>>,
    /// Whether the provider takes the secret that dbt has, asked without a user.
    pub secret: Seen<SecretProof>,
}

impl IdpView {
    /// Nothing was read.
    fn unread(system: SystemId) -> Self {
        Self {
            system,
            issuer: Seen::default(),
            audience: Seen::default(),
            discovery: Seen::default(),
            keys: Seen::default(),
            authorize_urls: Seen::default(),
            token_urls: Seen::default(),
            client_id: Seen::default(),
            redirect_uris: Seen::default(),
            people: Seen::default(),
            secret: Seen::default(),
        }
    }
}

/// A discovery document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// Its `issuer`.
    pub issuer: String,
    /// Its `jwks_uri`.
    pub jwks_uri: String,
}

/// Whether the provider takes a secret. Any answer but a clear one is not a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretProof {
    /// It takes it.
    Proved,
    /// It refuses it.
    Refused,
    /// It answered something else.
    Unclear(String),
}

/// The identity provider in its own words. A third one gets its view here.
#[derive(Clone, Debug)]
pub enum ProviderView {
    /// An Okta org.
    Okta(Box<OktaView>),
    /// An Entra tenant.
    Entra(Box<EntraView>),
}

/// Looks at everything. Never fails: what cannot be read is said so where it belongs.
pub async fn observe(systems: &Systems, asked: &Asked<'_>) -> Observed {
    let provider = async {
        let (idp, provider) = match (&systems.okta, &systems.entra) {
            (Some(port), _) => {
                let (idp, view) = okta::observe(port, systems, asked).await;
                (idp, ProviderView::Okta(Box::new(view)))
            }
            (None, Some(port)) => {
                let (idp, view) = entra::observe(port, systems, asked).await;
                (idp, ProviderView::Entra(Box::new(view)))
            }
            (None, None) => (IdpView::unread(systems.dbt.id.clone()), ProviderView::Okta(Box::default())),
        };
        (idp, provider)
    };
    let provider = Box::pin(provider);
    let ((idp, provider), (mut center, warehouse), dbt) =
        join3(provider, warehouse::observe(systems, asked), dbt::observe(systems, asked)).await;
    // One that was made anew in the place of ours, with the same URL, serves as well.
    if center.issuer.is_gone()
        && let Some(same) = idp.issuer.there().and_then(|url| center.others.iter().find(|one| one.url == *url))
    {
        center.issuer = Seen::There(same.clone());
    }
    people::resolve(systems, &idp, &mut center).await;
    Observed {
        now: asked.now,
        desired: asked.desired.clone(),
        trust: asked.trust.clone(),
        bounds: asked.bounds,
        redirect_uri: asked.redirect_uri.clone(),
        baseline: asked.baseline.clone(),
        idp,
        provider,
        center,
        warehouse,
        dbt,
    }
}
