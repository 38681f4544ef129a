//! What AWS has of it: the trusted token issuer in IAM Identity Center, and the Redshift application that accepts it.

use extoauth_systems::identity_center::{Instance, Issuer, IssuerName};
use extoauth_systems::redshift::Application;
use futures::future::{join, join4};

use super::{Asked, Resolved, Seen, Unread};
use crate::resources::aws::{IssuerIdentity, TrustedTokenIssuer};
use crate::systems::Systems;
use extoauth_core::engine::Resource;

/// What IAM Identity Center has.
#[derive(Clone, Debug, Default)]
pub struct CenterView {
    /// The instance.
    pub instance: Seen<Instance>,
    /// Our trusted token issuer.
    pub issuer: Seen<Issuer>,
    /// All trusted token issuers of the instance.
    pub issuers: Seen<Vec<IssuerName>>,
    /// Where ours is gone: what the others are, since one that was made anew in its place serves as well.
    pub others: Vec<Issuer>,
    /// Who is assigned to the application in Identity Center, where it asks for that; `None`: it does not.
    pub assigned: Seen<Option<usize>>,
    /// Whoever may sign in, by name, and whether a user is found for them.
    pub people: Seen<Vec<(String, Resolved)>>,
}

/// What Redshift has.
#[derive(Clone, Debug, Default)]
pub struct WarehouseView {
    /// The IdC application.
    pub application: Seen<Application>,
    /// The identity providers of the type `AWSIDC` that the database itself is registered with. Only SQL shows them, so
    /// this is unread unless a reader of the warehouse (Redshift's Data API, with a database user) is configured.
    pub registered: Seen<Vec<Registration>>,
}

/// A row of `svv_identity_providers`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registration {
    /// Name of the provider in the database.
    pub name: String,
    /// Prefix of its users and roles.
    pub namespace: String,
    /// ARN of the application in Identity Center, as `CREATE IDENTITY PROVIDER` was given it.
    pub application_arn: String,
    /// Whether it is enabled.
    pub enabled: bool,
}

/// SQL that shows whether a warehouse is registered with Identity Center.
pub const REGISTERED_SQL: &str = "select * from svv_identity_providers where type = 'awsidc'";

/// Reads both. Nothing here depends on another answer, but for whom the application lets in, and what the other issuers
/// are where ours is gone.
pub(super) async fn observe(systems: &Systems, asked: &Asked<'_>) -> (CenterView, WarehouseView) {
    let center = systems.identity_center.read();
    let issuer = async {
        match asked.known.identity::<IssuerIdentity>(TrustedTokenIssuer::KIND) {
            Some(IssuerIdentity { arn }) => center.issuer(&arn).await.into(),
            None => Seen::Unread(Unread::because(
                "no trusted token issuer is recorded for this trust",
                "have the integration set up (`provision`), or the present one recorded (`adopt`)",
            )),
        }
    };
    let redshift = systems.redshift.read();
    let (instance, issuer, issuers, application) =
        join4(center.instance(), issuer, center.issuer_names(), redshift.application(&asked.redshift.application_arn))
            .await;
    let (issuers, application) = (Seen::from(issuers), Seen::from(application));
    let others = async {
        match (&issuer, &issuers) {
            (Seen::Gone, Seen::There(names)) => center.issuers_named(names).await.unwrap_or_default(),
            _ => Vec::new(),
        }
    };
    let assigned = async {
        match application.there().map(|found| found.managed_application_arn.as_deref()) {
            Some(Some(arn)) => center.assignments_required(arn).await.into(),
            Some(None) => Seen::Gone,
            None => Seen::default(),
        }
    };
    let (others, assigned) = join(others, assigned).await;
    let center = CenterView { instance: instance.into(), issuer, issuers, others, assigned, people: Seen::default() };
    let registered = Seen::Unread(Unread::because(
        "only SQL tells whether the warehouse is registered with IAM Identity Center, and no reader of the warehouse is \
         configured",
        format!("have the warehouse's administrator run `{REGISTERED_SQL};`: it must show a row"),
    ));
    (center, WarehouseView { application, registered })
}
