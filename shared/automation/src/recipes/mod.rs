//! The recipes: what an integration and its trust consist of, row by row of the manual, in order.
//!
//! A recipe says what, never whether: the same text is read for a plan, a change and a removal.

mod dbt;
mod entra;
mod okta;
mod warehouse;

use extoauth_core::engine::{Run, Stop};
use extoauth_core::systems::Idp;
use futures::FutureExt;
use futures::future::{BoxFuture, join};

use crate::systems::Systems;
use crate::want::{WantedIntegration, WantedTrust};

/// Version of the recipes. An integration keeps the one that it was made with: a newer one is an upgrade, not a drift.
pub const RECIPE_VERSION: u32 = 1;

/// Reads the whole recipe of an integration: its trust in one run, the integration in another, at the same time as far as
/// neither needs the other. The identity provider decides which recipe it is; a third provider gets its line here.
///
/// # Errors
/// Why either stopped; the runs have kept the reasons.
pub fn integration<'r>(
    trust_run: &'r Run<'_, Systems>,
    run: &'r Run<'_, Systems>,
    trust: &'r WantedTrust,
    want: &'r WantedIntegration,
) -> BoxFuture<'r, Result<(), Stop>> {
    // Boxed: a recipe holds many steps at once, and a thread's stack need not.
    match want.desired.idp {
        Idp::Okta => on_okta(trust_run, run, trust, want).boxed(),
        Idp::Entra => on_entra(trust_run, run, trust, want).boxed(),
    }
}

/// On Okta.
///
/// The longest chains of dependent calls of a first run, from the recipe's first call: secret and app (a look and a create
/// each), then dbt's configuration and connection, or the policy and its rule; or the authorization server (a look and a
/// create), the issuer in Identity Center, and Redshift's list (read, written, read back). Then the environment's read
/// and replacement.
async fn on_okta(
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

/// On Entra ID.
///
/// The longest chains of dependent calls of a first run, from the recipe's first call: the resource-server app (a look and
/// a create), the client app (the same), its secret (made, stored), then dbt's configuration and connection (a look and a
/// create each), and the environment's read and replacement: with sign-in, preflight and read-back 24 calls. Beside it,
/// and shorter: the issuer in Identity Center and
/// Redshift's list; the principals and the consent.
async fn on_entra(
    trust_run: &Run<'_, Systems>,
    run: &Run<'_, Systems>,
    trust: &WantedTrust,
    want: &WantedIntegration,
) -> Result<(), Stop> {
    // Both sides need it: whoever comes first waits for it.
    let server = entra::server(trust_run, trust).shared();
    let principal = async { entra::principal(trust_run, &server.clone().await?).await }.boxed().shared();
    let accepted = async {
        let server = server.clone().await?;
        let issuer = entra::issuer(&server);
        let exposed = entra::exposed(trust_run, &server);
        trust_run.all((exposed, principal.clone(), warehouse::accept(trust_run, trust, &issuer))).await
    };
    let connected = async {
        let server = server.clone().await?;
        let client = entra::client(run, want, &server).await?;
        let connection = async {
            let secret = entra::secret(run, want, &client).await?;
            dbt::connection(run, want, entra::federation(&server, &client, &secret)).await
        };
        run.all((entra::access(run, want, &server, &client, principal.clone()), connection)).await
    };
    let (accepted, connected) = join(Box::pin(accepted), Box::pin(connected)).await;
    accepted?;
    let (_, connection) = connected?;
    // Last: from here on developers use it.
    dbt::cut_over(run, want, &connection).await
}
