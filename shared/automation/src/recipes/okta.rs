//! Okta: rows R01 to R10 of the manual.

use extoauth_core::engine::{Later, Run, Stop};

use crate::federation::{Federation, Issuer};
use crate::resources::aws::ClientSecret;
use crate::resources::okta::{
    AccessPolicy, AuthorizationServer, Client, GroupAssignment, OidcApp, Scope, Server, TokenRule, UserClaim,
};
use crate::systems::Systems;
use crate::want::{WantedIntegration, WantedTrust};

/// R01 to R04: the web app with refresh tokens, dbt's redirect URI, and a secret of our making. R01, dbt's redirect URI,
/// comes from the configuration: no API tells it.
pub async fn client(run: &Run<'_, Systems>, want: &WantedIntegration) -> Result<Later<Client>, Stop> {
    let secret = run.ensure(ClientSecret::of(want)).await?;
    run.ensure(OidcApp::of(want, &run.systems().vault, &secret)).await
}

/// R05, R06: the authorization server with the warehouse's audience. What R06 reads off its metadata is its output.
pub async fn server(run: &Run<'_, Systems>, trust: &WantedTrust) -> Result<Later<Server>, Stop> {
    run.ensure(AuthorizationServer::of(trust)).await
}

/// R07: the scope, published in the metadata; and the claim that Identity Center maps, where tokens lack it.
pub async fn scope(run: &Run<'_, Systems>, trust: &WantedTrust, server: &Later<Server>) -> Result<(), Stop> {
    let claim = UserClaim::of(trust, server).map(|claim| run.ensure(claim));
    run.all((run.ensure(Scope::session_role_any(server)), run.all(Vec::from_iter(claim)))).await?;
    Ok(())
}

/// R08 to R10: the access policy for this client alone, its rule with all three lifetimes; and the assignment of the
/// groups, which the manual leaves to the console and the API does not make by itself.
pub async fn access(
    run: &Run<'_, Systems>,
    want: &WantedIntegration,
    server: &Later<Server>,
    client: &Later<Client>,
) -> Result<(), Stop> {
    let rule = async {
        let policy = run.ensure(AccessPolicy::of(want, server, client)).await?;
        run.ensure(TokenRule::of(want, &policy)).await
    };
    let groups = want.groups.iter().map(|(name, id)| run.ensure(GroupAssignment::of(client, name, id)));
    run.all((rule, run.all(groups.collect::<Vec<_>>()))).await?;
    Ok(())
}

/// R06: what Identity Center and Redshift are told.
pub fn issuer(server: &Later<Server>) -> Issuer {
    Issuer { url: server.map(|s| s.issuer.clone()), audience: server.map(|s| s.audience.clone()) }
}

/// R04, R06: what dbt is told.
pub fn federation(server: &Later<Server>, client: &Later<Client>) -> Federation {
    Federation {
        kind: "okta",
        authorize_url: server.map(Server::authorize_url),
        token_url: server.map(Server::token_url),
        client_id: client.map(|c| c.client_id.clone()),
        client_secret: client.map(|c| c.secret.clone()),
        application_id_uri: None,
    }
}
