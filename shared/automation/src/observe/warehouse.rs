//! What AWS has of it: the trusted token issuer in IAM Identity Center, and the Redshift application that accepts it.

use extoauth_systems::identity_center::{Instance, Issuer, IssuerName};
use extoauth_systems::redshift::{Application, IdentityProvider};
use futures::future::{join, join5};

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
    /// this is unread unless a reader of the warehouse (`data_api`, with a superuser of the database) is configured.
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
    let application = redshift.application(&asked.redshift.application_arn);
    let (instance, issuer, issuers, application, registered) =
        join5(center.instance(), issuer, center.issuer_names(), application, providers(systems)).await;
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
    let ours = application.there().and_then(|found| found.managed_application_arn.as_deref());
    let registered = registered.and_then(|found| registrations(found, ours));
    (center, WarehouseView { application, registered })
}

/// What the warehouse itself is registered with.
async fn providers(systems: &Systems) -> Seen<Vec<IdentityProvider>> {
    match &systems.warehouse {
        Some(warehouse) => warehouse.identity_providers().await.into(),
        None => Seen::Unread(Unread::because(
            "only SQL tells whether the warehouse is registered with IAM Identity Center, and no reader of the warehouse \
             is configured",
            format!("have the warehouse's administrator run `{REGISTERED_SQL};`: it must show a row"),
        )),
    }
}

/// The same in the words of the checks. A provider that names no application may be that of `ours`, the application's ARN
/// in Identity Center: unless another one is, nothing is known.
fn registrations(found: Vec<IdentityProvider>, ours: Option<&str>) -> Seen<Vec<Registration>> {
    let there = |arn: &str| found.iter().any(|one| one.enabled && one.application_arn.as_deref() == Some(arn));
    if let Some(unclear) = found.iter().find(|one| one.enabled && one.application_arn.is_none())
        && !ours.is_some_and(there)
    {
        return Seen::Unread(Unread::because(
            format!("the warehouse does not tell which application its identity provider `{}` is for", unclear.name),
            format!("have the warehouse's administrator look at the row of `{REGISTERED_SQL};`"),
        ));
    }
    let registration = |one: IdentityProvider| Registration {
        name: one.name,
        namespace: one.namespace,
        application_arn: one.application_arn.unwrap_or_default(),
        enabled: one.enabled,
    };
    Seen::There(found.into_iter().map(registration).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_without_a_known_application_is_no_proof_of_anything() {
        let provider = |arn: Option<&str>, enabled| IdentityProvider {
            name: "idc".into(),
            namespace: "AWSIDC".into(),
            application_arn: arn.map(Into::into),
            enabled,
        };
        let known = |found| registrations(found, Some("ours")).there().map(Vec::len);
        assert_eq!(known(vec![]), Some(0));
        assert_eq!(known(vec![provider(Some("other"), true), provider(None, false)]), Some(2));
        assert_eq!(known(vec![provider(Some("ours"), true), provider(None, true)]), Some(2));
        assert_eq!(known(vec![provider(Some("ours"), false), provider(None, true)]), None);
        assert_eq!(known(vec![provider(None, true)]), None);
    }
}
