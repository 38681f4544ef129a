//! The resource-server app of a trust (rows R11, R13).

use std::collections::BTreeMap;
use std::time::Duration;

use extoauth_core::engine::{ByHand, Field, Fields, Found, Lookup, Made, Making, Mark, Port, Resource};
use extoauth_core::error::CallResult;
use extoauth_core::ids::Address;
use extoauth_systems::entra::{Application, Metadata, PermissionScopeSpec, Read, ResourceAppSpec, TokenVersion, Write};
use futures::future::try_join;
use uuid::Uuid;

use super::{
    APP_REGISTRATIONS, AppIdentity, ENTRA_ADMIN, REPLICATION, SINGLE_TENANT, find_app, held, make_room, tags,
    unique_name,
};
use crate::systems::Systems;
use crate::want::WantedTrust;

/// The app for whose scope dbt asks: it alone decides issuer, audience and claims of the access tokens, whatever endpoint
/// the client uses.
///
/// Its token version is stated, never left to a default: Graph's defaults differ by account type and have changed. It is
/// version 1, because dbt's manual is right for that one alone (an issuer with a slash at its end, the Application ID URI
/// as audience); with version 2 both would be something else.
pub struct ResourceApp {
    name: String,
}

/// What was read of it.
pub struct Seen {
    app: Application,
    metadata: Metadata,
}

/// What others need of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceServer {
    /// Object id.
    pub object_id: String,
    /// Application (client) id.
    pub app_id: String,
    /// Id of the scope.
    pub scope_id: String,
    /// Application ID URI, as it should be.
    pub application_id_uri: String,
    /// The identifier URIs that it has.
    pub identifier_uris: Vec<String>,
    /// The tokens' `iss`, byte for byte as the tenant's discovery document of that token version has it.
    pub issuer: String,
    /// The tokens' `aud`.
    pub audience: String,
    /// Where a developer signs in: version 2, which dbt requires.
    pub authorize_url: String,
    /// Where dbt gets tokens.
    pub token_url: String,
}

/// The version of the access tokens.
pub const TOKEN_VERSION: TokenVersion = TokenVersion::V1;
/// The scope for which dbt asks.
pub const SCOPE: &str = "dbt-redshift";
/// Claims that the access token has to carry: `upn` is in every version 1 token of a member and in no version 2 token
/// that was not asked for it; `email` in neither.
const CLAIMS: [&str; 2] = ["email", "upn"];

impl ResourceApp {
    /// The app of a trust.
    pub fn of(want: &WantedTrust) -> Self {
        Self { name: want.server_name.clone() }
    }

    fn spec(&self, mark: &Mark) -> ResourceAppSpec {
        ResourceAppSpec {
            unique_name: unique_name(mark),
            display_name: self.name.clone(),
            tags: tags(mark),
            token_version: TOKEN_VERSION,
            scope: PermissionScopeSpec {
                // Graph wants it from us; the same for every try.
                id: Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{mark}#{SCOPE}").as_bytes()).to_string(),
                value: SCOPE.to_owned(),
                display_name: "Reach Amazon Redshift from dbt".to_owned(),
                description: "Allows dbt to reach Amazon Redshift as the signed-in user.".to_owned(),
            },
            access_token_claims: CLAIMS.map(str::to_owned).to_vec(),
        }
    }
}

/// The Application ID URI that every tenant policy takes.
pub(super) fn application_id_uri(app_id: &str) -> String {
    format!("api://{app_id}")
}

/// The audience of an app's tokens: version 1 carries the Application ID URI for which the client has asked, version 2
/// always the app's own id.
fn audience(version: TokenVersion, app_id: &str) -> String {
    match version {
        TokenVersion::V1 => application_id_uri(app_id),
        TokenVersion::V2 => app_id.to_owned(),
    }
}

fn number(version: TokenVersion) -> u8 {
    match version {
        TokenVersion::V1 => 1,
        TokenVersion::V2 => 2,
    }
}

impl Resource for ResourceApp {
    type Systems = Systems;
    type Read = Read;
    type Write = Write;
    type Seen = Seen;
    type Identity = AppIdentity;
    type Output = ResourceServer;

    const KIND: &'static str = "entra.resource_app";
    const ROW: &'static str = "R11";
    const LAG: Duration = REPLICATION;
    const REPEATABLE: bool = true;

    fn address(&self) -> Address {
        Address::of("entra.resource_app")
    }

    fn port(systems: &Systems) -> Option<&Port<Read, Write>> {
        systems.entra.as_ref()
    }

    async fn read(&self, client: &Read, by: &Lookup<'_, AppIdentity>) -> CallResult<Found<Seen>> {
        // What the tenant says of its tokens does not depend on the app; it is read beside it, once for the process.
        let (app, metadata) = try_join(find_app(client, by, &self.name), client.metadata(TOKEN_VERSION)).await?;
        Ok(match app {
            Found::Here(app) => Found::Here(Seen { app, metadata }),
            Found::Foreign { what, marked } => Found::Foreign { what, marked },
            Found::Absent => Found::Absent,
        })
    }

    fn wants(&self) -> Fields {
        Fields::from([
            ("display_name", Field::is(self.name.as_str())),
            ("supported_accounts", Field::is(SINGLE_TENANT)),
            ("access_token_version", Field::is(number(TOKEN_VERSION))),
            ("scope", Field::is(SCOPE)),
            ("scope_enabled", Field::is(true)),
            ("scope_consent", Field::is("admins and users")),
            ("access_token_claims", Field::set(CLAIMS)),
        ])
    }

    fn shows(&self, seen: &Seen, _written: &BTreeMap<String, String>) -> Fields {
        let app = &seen.app;
        let scope = app.scopes.iter().find(|scope| scope.value == SCOPE);
        let consent = match scope {
            Some(scope) if scope.for_users => "admins and users",
            Some(_) => "admins only",
            None => "",
        };
        Fields::from([
            ("display_name", Field::is(app.display_name.as_str())),
            ("supported_accounts", Field::is(app.sign_in_audience.as_deref().unwrap_or_default())),
            ("access_token_version", Field::is(number(app.token_version))),
            ("scope", Field::is(scope.map_or("", |scope| scope.value.as_str()))),
            ("scope_enabled", Field::is(scope.is_some_and(|scope| scope.enabled))),
            ("scope_consent", Field::is(consent)),
            ("access_token_claims", Field::set(held(&CLAIMS, app.access_token_claims.iter().map(String::as_str)))),
        ])
    }

    async fn create(&self, client: &Write, making: &Making<'_>) -> CallResult<Made<Seen>> {
        let spec = self.spec(making.mark);
        let metadata = client.metadata(TOKEN_VERSION).await?;
        let made = match client.put_resource_app(&spec).await {
            Err(refused) => {
                make_room(client, making.mark, refused).await?;
                client.put_resource_app(&spec).await?
            }
            Ok(made) => made,
        };
        Ok(Made { seen: Seen { app: made.value, metadata }, request_id: made.request_id })
    }

    async fn update(&self, client: &Write, seen: &Seen, making: &Making<'_>) -> CallResult<Made<Seen>> {
        let uri = application_id_uri(&seen.app.app_id);
        let written = client.update_resource_app(&seen.app, &self.spec(making.mark), &uri).await?;
        let metadata = seen.metadata.clone();
        Ok(Made { seen: Seen { app: written.value, metadata }, request_id: written.request_id })
    }

    fn identity(&self, seen: &Seen) -> AppIdentity {
        AppIdentity { id: seen.app.id.clone() }
    }

    fn output(&self, seen: &Seen) -> ResourceServer {
        let app = &seen.app;
        let scope = app.scopes.iter().find(|scope| scope.value == SCOPE);
        ResourceServer {
            object_id: app.id.clone(),
            app_id: app.app_id.clone(),
            scope_id: scope.map(|scope| scope.id.clone()).unwrap_or_default(),
            application_id_uri: application_id_uri(&app.app_id),
            identifier_uris: app.identifier_uris.clone(),
            issuer: seen.metadata.issuer.clone(),
            audience: audience(TOKEN_VERSION, &app.app_id),
            authorize_url: seen.metadata.authorize_url.clone(),
            token_url: seen.metadata.token_url.clone(),
        }
    }

    fn by_hand(&self) -> ByHand {
        ByHand {
            who: ENTRA_ADMIN,
            what: format!(
                "Register an app named `{}` for accounts of this organizational directory only, set \
                 `requestedAccessTokenVersion` in its manifest, and expose an API with this scope and these optional \
                 claims",
                self.name
            ),
            place: APP_REGISTRATIONS.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_version_decides_the_audience() {
        assert_eq!(audience(TokenVersion::V1, "11-22"), "api://11-22");
        assert_eq!(audience(TokenVersion::V2, "11-22"), "11-22");
    }
}
