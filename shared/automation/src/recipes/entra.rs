//! Entra ID: rows R11 to R20 of the manual.

use std::collections::BTreeMap;
use std::future::Future;

use extoauth_core::engine::{ByHand, Later, Resource, Run, Stop};
use extoauth_core::handoff::Handoff;

use crate::federation::{Federation, Issuer, SecretRef};
use crate::resources::entra::{
    AdminConsent, ApplicationIdUri, Client, ClientApp, GroupAssignment, IssuedSecret, PreAuthorization, Principal,
    ResourceApp, ResourceServer, ServicePrincipal, assign_by_hand,
};
use crate::systems::Systems;
use crate::want::{Hands, WantedIntegration, WantedTrust};

/// R11, R13: the resource-server app with its token version and the scope.
pub async fn server(run: &Run<'_, Systems>, trust: &WantedTrust) -> Result<Later<ResourceServer>, Stop> {
    run.ensure(ResourceApp::of(trust)).await
}

/// R12: its Application ID URI.
pub async fn exposed(run: &Run<'_, Systems>, server: &Later<ResourceServer>) -> Result<(), Stop> {
    run.ensure(ApplicationIdUri::of(server)).await?;
    Ok(())
}

/// R11: its service principal, which the console makes by itself and the API does not.
pub async fn principal(run: &Run<'_, Systems>, server: &Later<ResourceServer>) -> Result<Later<Principal>, Stop> {
    run.ensure(ServicePrincipal::of_resource(server.map(|s| s.app_id.clone()))).await
}

/// R14, R15: the client app with dbt's redirect URI and the permissions for which it asks.
pub async fn client(
    run: &Run<'_, Systems>,
    want: &WantedIntegration,
    server: &Later<ResourceServer>,
) -> Result<Later<Client>, Stop> {
    run.ensure(ClientApp::of(want, server)).await
}

/// R14: its service principal, open to the groups alone. R16: the consent, without which nobody gets in.
pub async fn access(
    run: &Run<'_, Systems>,
    want: &WantedIntegration,
    server: &Later<ResourceServer>,
    client: &Later<Client>,
    resource: impl Future<Output = Result<Later<Principal>, Stop>> + Send,
) -> Result<(), Stop> {
    let principal = run.ensure(ServicePrincipal::of_client(client.map(|c| c.app_id.clone()))).await?;
    let consent = async { consent(run, want, server, client, &principal, &resource.await?).await };
    run.all((assignments(run, want, &principal), consent)).await?;
    Ok(())
}

/// R17, R18, R20: the client secret, straight into Secrets Manager, with an end that we keep an eye on.
pub async fn secret(
    run: &Run<'_, Systems>,
    want: &WantedIntegration,
    client: &Later<Client>,
) -> Result<Later<SecretRef>, Stop> {
    run.ensure(IssuedSecret::of(want, run.mark(), client)).await
}

/// R19: what dbt is told.
pub fn federation(server: &Later<ResourceServer>, client: &Later<Client>, secret: &Later<SecretRef>) -> Federation {
    Federation {
        kind: "entra",
        authorize_url: server.map(|s| s.authorize_url.clone()),
        token_url: server.map(|s| s.token_url.clone()),
        client_id: client.map(|c| c.app_id.clone()),
        client_secret: secret.clone(),
        application_id_uri: Some(server.map(|s| s.application_id_uri.clone())),
    }
}

/// What Identity Center and Redshift are told. The issuer is the tenant's, older than any app of it: Identity Center may
/// know it already.
pub fn issuer(server: &Later<ResourceServer>) -> Issuer {
    Issuer { url: server.map(|s| s.issuer.clone()).older(), audience: server.map(|s| s.audience.clone()) }
}

async fn assignments(
    run: &Run<'_, Systems>,
    want: &WantedIntegration,
    principal: &Later<Principal>,
) -> Result<(), Stop> {
    let app = &want.names.app;
    if want.entra.assignment == Hands::Unseen {
        run.keep(GroupAssignment::KIND);
        let groups = want.groups.keys().chain(&want.entra.unresolved_groups);
        groups.for_each(|group| list(run, assign_by_hand(app, group)));
        return Ok(());
    }
    want.entra.unresolved_groups.iter().for_each(|group| list(run, assign_by_hand(app, group)));
    let each = want.groups.iter().map(|(name, id)| run.ensure(GroupAssignment::of(want, principal, name, id)));
    run.all(each.collect::<Vec<_>>()).await?;
    Ok(())
}

async fn consent(
    run: &Run<'_, Systems>,
    want: &WantedIntegration,
    server: &Later<ResourceServer>,
    client: &Later<Client>,
    principal: &Later<Principal>,
    resource: &Later<Principal>,
) -> Result<(), Stop> {
    let consent = AdminConsent::of(want, client, principal, resource);
    match want.entra.consent {
        Hands::Ours => {
            run.ensure(consent).await?;
        }
        Hands::Theirs => {
            // Until somebody consents, users are at least not asked about our scope.
            run.ensure(PreAuthorization::of(server, client)).await?;
            run.ensure(consent).await?;
        }
        Hands::Unseen => {
            run.ensure(PreAuthorization::of(server, client)).await?;
            run.keep(AdminConsent::KIND);
            list(run, consent.by_hand());
        }
    }
    Ok(())
}

/// A step of a person that no read of ours can confirm: it is listed, and never waited for.
fn list(run: &Run<'_, Systems>, words: ByHand) {
    run.hand_off(Handoff {
        who: words.who.to_owned(),
        what: words.what,
        place: words.place,
        values: BTreeMap::new(),
        done: None,
    });
}
