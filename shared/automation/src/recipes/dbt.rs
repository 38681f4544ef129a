//! dbt: rows R26 to R29 of the manual. R30 to R32 are every developer's own.

use extoauth_core::engine::{Later, Resource, Run, Stop};

use crate::federation::Federation;
use crate::resources::dbt::{Connection, ConnectionUse, EnvironmentConnection, OauthConfiguration, Tunnel};
use crate::systems::Systems;
use crate::want::WantedIntegration;

/// R26: the OAuth configuration. R27, R28: the Redshift connection that uses it, our own unless the ticket names one.
pub async fn connection(
    run: &Run<'_, Systems>,
    want: &WantedIntegration,
    federation: Federation,
) -> Result<Later<u64>, Stop> {
    let configuration = run.ensure(OauthConfiguration::of(want, &run.systems().vault, &federation)).await?;
    if let Some(id) = want.desired.connection_id {
        return run.ensure(ConnectionUse::of(want, id, &configuration)).await;
    }
    let connection = run.ensure(Connection::of(want, &configuration)).await?;
    if let Some(tunnel) = &want.link.tunnel {
        run.ensure(Tunnel::of(&connection, tunnel)).await?;
    }
    Ok(connection)
}

/// R29: the development environments use the connection; nothing else of them changes.
pub async fn cut_over(run: &Run<'_, Systems>, want: &WantedIntegration, connection: &Later<u64>) -> Result<(), Stop> {
    if !want.cut_over {
        // What was cut over before stays so.
        run.keep(EnvironmentConnection::KIND);
        return Ok(());
    }
    let all = want.environments.iter().map(|e| run.ensure(EnvironmentConnection::of(want, e, connection)));
    run.all(all.collect::<Vec<_>>()).await?;
    Ok(())
}
