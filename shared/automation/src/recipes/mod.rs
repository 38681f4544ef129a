//! The recipes: what an integration and its trust consist of, row by row of the manual, in order.
//!
//! A recipe says what, never whether: the same text is read for a plan, a change and a removal.

mod dbt;
mod okta;
mod warehouse;

use extoauth_core::engine::{Run, Stop};
use futures::FutureExt;
use futures::future::join;

use crate::systems::Systems;
use crate::want::{WantedIntegration, WantedTrust};

/// Version of the recipes. An integration keeps the one that it was made with: a newer one is an upgrade, not a drift.
pub const RECIPE_VERSION: u32 = 1;

/// Reads the whole recipe of an integration on Okta: its trust in one run, the integration in another, at the same time
/// as far as neither needs the other.
///
/// The longest chains of dependent calls of a first run, from the recipe's first call: secret and app (a look and a create
/// each), then dbt's configuration and connection, or the policy and its rule; or the authorization server (a look and a
/// create), the issuer in Identity Center, and Redshift's list (read, written, read back). Then the environment's read
/// and replacement.
///
/// # Errors
/// Why either stopped; the runs have kept the reasons.
pub async fn okta(
    trust_run: &Run<'_, Systems>,
    run: &Run<'_, Systems>,
    trust: &WantedTrust,
    want: &WantedIntegration,
) -> Result<(), Stop> {
    // Both sides need it: whoever comes first waits for it, and the warehouse does not wait for the app.
    let server = okta::server(trust_run, trust).shared();
    let accepted = async {
        let server = server.clone().await?;
        let issuer = okta::issuer(&server);
        trust_run.all((okta::scope(trust_run, trust, &server), warehouse::accept(trust_run, trust, &issuer))).await
    };
    let connected = async {
        let (server, client) = join(server.clone(), okta::client(run, want)).await;
        let (server, client) = (server?, client?);
        let federation = okta::federation(&server, &client);
        run.all((okta::access(run, want, &server, &client), dbt::connection(run, want, federation))).await
    };
    let (accepted, connected) = join(Box::pin(accepted), Box::pin(connected)).await;
    accepted?;
    let (_, connection) = connected?;
    // Last: from here on developers use it.
    dbt::cut_over(run, want, &connection).await
}
