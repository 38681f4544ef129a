//! The recipes: what an integration and its trust consist of, row by row of the manual, in order.
//!
//! A recipe says what, never whether: the same text is read for a plan, a change and a removal.

mod dbt;
mod okta;
mod warehouse;

use extoauth_core::engine::{Run, Stop};
use futures::future::join;

use crate::systems::Systems;
use crate::want::{WantedIntegration, WantedTrust};

/// Version of the recipes. An integration keeps the one that it was made with: a newer one is an upgrade, not a drift.
pub const RECIPE_VERSION: u32 = 1;

/// Reads the whole recipe of an integration on Okta: its trust in one run, the integration in another, at the same time
/// as far as neither needs the other.
///
/// The longest chain of dependent calls of a first run, from the recipe's first call: look for the authorization server,
/// create it, create the issuer in Identity Center, read, write and read back Redshift's list, then the environment's
/// read and replacement. The rule (server, policy, rule) and dbt's configuration and connection are shorter.
///
/// # Errors
/// Why either stopped; the runs have kept the reasons.
pub async fn okta(
    trust_run: &Run<'_, Systems>,
    run: &Run<'_, Systems>,
    trust: &WantedTrust,
    want: &WantedIntegration,
) -> Result<(), Stop> {
    let (server, client) = join(okta::server(trust_run, trust), okta::client(run, want)).await;
    let (server, client) = (server?, client?);
    let ready = run.all((
        async {
            let issuer = okta::issuer(&server);
            trust_run.all((okta::scope(trust_run, trust, &server), warehouse::accept(trust_run, trust, &issuer))).await
        },
        okta::access(run, want, &server, &client),
        dbt::connection(run, want, okta::federation(&server, &client)),
    ));
    let (_, _, connection) = ready.await?;
    // Last: from here on developers use it.
    dbt::cut_over(run, want, &connection).await
}
