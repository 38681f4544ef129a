//! The stand-in of one dbt platform account: the part of the Admin API v3 (and the two v2 objects) that an integration
//! with Redshift touches, with its tokens, permission sets and traps.
//!
//! What no source settles is a switch in [`Unconfirmed`], so that both answers can be tested.

mod access;
mod accounts;
mod attributes;
mod connections;
mod credentials;
mod encryptions;
mod envelope;
mod environments;
mod oauth_configurations;
mod projects;
mod schema;
mod seed;
mod store;
mod tokens;

use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::seed::{DBT_NAME, USERS};
use crate::world::{PutBack, System, World};
use envelope::Problem;
use store::{Row, Rows, Store};

/// What dbt does where no public source says it. The default is the stricter answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unconfirmed {
    /// Deleting an OAuth configuration that a connection references is refused (400); else it is deleted and the
    /// connection keeps a dangling id.
    pub refuse_configuration_in_use: bool,
    /// Deleting a connection that an environment uses is refused (400).
    pub refuse_connection_in_use: bool,
    /// Updating an OAuth configuration replaces it whole: what the body leaves out is cleared, the client secret too.
    pub configuration_update_replaces: bool,
    /// Creating answers 201; the published description says 200.
    pub created_is_201: bool,
    /// Deleting answers 200 with the deleted object as the body; the published description says 204 without one.
    pub delete_has_body: bool,
}

impl Default for Unconfirmed {
    fn default() -> Self {
        Self {
            refuse_configuration_in_use: true,
            refuse_connection_in_use: true,
            configuration_update_replaces: false,
            created_is_201: false,
            delete_has_body: false,
        }
    }
}

/// What dbt knows when a developer clicks "Connect to Redshift" in a development environment.
pub struct DevelopmentLogin {
    /// `okta` or `entra`.
    pub kind: String,
    /// The client that dbt signs in as.
    pub client_id: String,
    /// Its secret as last written, if one was.
    pub client_secret: Option<String>,
    /// Where the browser is sent.
    pub authorize_url: String,
    /// Where the code is exchanged.
    pub token_url: String,
    /// Where the browser comes back.
    pub redirect_uri: String,
    /// Entra's application ID URI.
    pub application_id_uri: Option<String>,
    /// Host of the warehouse.
    pub hostname: String,
    /// Port of the warehouse.
    pub port: u16,
    /// Database of the warehouse.
    pub database: String,
}

/// The account.
pub struct Account {
    world: Arc<World>,
    store: Mutex<Store>,
}

impl Account {
    /// The account as it is at start.
    pub fn new(world: &Arc<World>) -> Arc<Self> {
        let store = Mutex::new(Store::seeded(world.clock.now()));
        Arc::new(Self { world: Arc::clone(world), store })
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        // A handler that panicked leaves a test's data; the next call may still read it.
        self.store.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// A service token with the permission set `account_admin`: the operator's door.
    pub fn admin_token(&self) -> &'static str {
        seed::ADMIN_TOKEN
    }

    /// The service token that the functions are given. Its permission set is the least that the whole recipe needs:
    /// connections need `account_admin` or `project_creator`, OAuth configurations `account_admin` (UNCONFIRMED: dbt's
    /// permission table has no row for them).
    pub fn automation_token(&self) -> &'static str {
        seed::AUTOMATION_TOKEN
    }

    /// The personal access token and the user id of a developer.
    pub fn developer_token(&self, email: &str) -> Option<(u64, String)> {
        USERS.iter().position(|user| *user == email).map(|n| (seed::user_id(n), seed::developer_token(n)))
    }

    /// The client secret of an OAuth configuration, as dbt itself uses it; the API never shows it.
    pub fn oauth_client_secret(&self, id: u64) -> Option<String> {
        store::active(&self.store().oauth_configurations, id).ok().and_then(|row| row.secret.clone())
    }

    /// What dbt works with when a developer connects in an environment.
    ///
    /// # Errors
    /// Why dbt would not offer the button.
    pub fn development_login(&self, project: u64, environment: u64) -> Result<DevelopmentLogin, String> {
        let store = self.store();
        let row = store
            .environments
            .get(&environment)
            .filter(|row| !row.deleted && row.number("project_id") == Some(project))
            .ok_or("no such environment")?;
        if row.text("type") != "development" {
            return Err("not a development environment".into());
        }
        if row.text("dbt_version").contains("fusion") {
            return Err("dbt Fusion does not support external OAuth with Redshift".into());
        }
        let connection = row
            .number("connection_id")
            .and_then(|id| store.connections.get(&id))
            .filter(|row| !row.deleted)
            .ok_or("the environment has no connection")?;
        let configuration = connection
            .number("oauth_configuration_id")
            .and_then(|id| store.oauth_configurations.get(&id))
            .filter(|row| !row.deleted)
            .ok_or("the connection has no external OAuth configuration")?;
        let config = &connection.fields["config"];
        let text = |name: &str| configuration.text(name).to_owned();
        Ok(DevelopmentLogin {
            kind: text("type"),
            client_id: text("client_id"),
            client_secret: configuration.secret.clone(),
            authorize_url: text("authorize_url"),
            token_url: text("token_url"),
            redirect_uri: text("redirect_uri"),
            application_id_uri: configuration.fields["extra_data"]["application_id_uri"].as_str().map(str::to_owned),
            hostname: config["hostname"].as_str().unwrap_or_default().to_owned(),
            port: config["port"].as_u64().and_then(|port| u16::try_from(port).ok()).unwrap_or(5439),
            database: config["dbname"].as_str().unwrap_or_default().to_owned(),
        })
    }

    /// Turns the account's IP restrictions on or off. While they are on, only the operator's door (`admin`) stands inside
    /// the allowed network: every function gets 403 with `account_access_denied`.
    pub fn set_ip_restricted(&self, on: bool) {
        self.store().ip_restricted = on;
    }

    /// Sets the calls a minute that the account allows (5,000 at start) and ends a cooldown in force.
    pub fn set_rate_limit(&self, per_minute: u32) {
        self.store().limiter.set(per_minute);
    }

    /// Starts the five-minute cooldown by the vendors' calendar, as after too many calls.
    pub fn exhaust_rate_limit(&self) {
        let now = self.world.clock.now();
        self.store().limiter.exhaust(now);
    }

    /// Chooses the answers that no source settles.
    pub fn set_unconfirmed(&self, unconfirmed: Unconfirmed) {
        self.store().unconfirmed = unconfirmed;
    }

    /// The answers in force.
    pub fn unconfirmed(&self) -> Unconfirmed {
        self.store().unconfirmed
    }
}

fn sha256(value: &str) -> Value {
    let hex: String = Sha256::digest(value.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    json!({"sha256": hex})
}

fn with_secret(row: &Row, name: &str, mut shown: Value) -> Value {
    if let Some(secret) = &row.secret {
        shown[name] = sha256(secret);
    }
    shown
}

impl System for Account {
    fn kind(&self) -> &'static str {
        "dbt"
    }

    fn name(&self) -> &str {
        DBT_NAME
    }

    fn router(self: Arc<Self>) -> Router {
        let account = Router::new()
            .route("/oauth-configurations/", get(oauth_configurations::list).post(oauth_configurations::create))
            .route(
                "/oauth-configurations/{id}/",
                get(oauth_configurations::read).post(oauth_configurations::update).delete(oauth_configurations::delete),
            )
            .route("/connections/", get(connections::list).post(connections::create))
            .route("/connections/{id}/", get(connections::read).patch(connections::update).delete(connections::delete))
            .route("/environments/", get(environments::list_all))
            .route("/projects/", get(projects::list).post(projects::create))
            .route("/projects/{project_id}/", get(projects::read).post(projects::update).delete(projects::delete))
            .route("/projects/{project_id}/environments/", get(environments::list).post(environments::create))
            .route(
                "/projects/{project_id}/environments/{id}/",
                get(environments::read).post(environments::replace).delete(environments::delete),
            )
            .route("/projects/{project_id}/credentials/", get(credentials::list).post(credentials::create))
            .route(
                "/projects/{project_id}/credentials/{id}/",
                get(credentials::read).post(credentials::update).patch(credentials::patch).delete(credentials::delete),
            )
            .route("/projects/{project_id}/extended-attributes/", axum::routing::post(attributes::create))
            .route(
                "/projects/{project_id}/extended-attributes/{id}/",
                get(attributes::read).patch(attributes::update).delete(attributes::delete),
            )
            .route("/private-endpoints/", get(connections::private_endpoints))
            .route("/service-tokens/", get(tokens::list).post(tokens::create))
            .route("/service-tokens/{id}/", axum::routing::delete(tokens::revoke))
            .route("/audit-logs/", get(accounts::audit_logs));
        let v2 = Router::new()
            .route("/encryptions/", get(encryptions::list).post(encryptions::create))
            .route("/encryptions/{id}/", axum::routing::post(encryptions::update));
        Router::new()
            .route("/api/v2/accounts/", get(accounts::list))
            .route("/api/v2/accounts/{account_id}/", get(accounts::read))
            .route("/api/v3/accounts/", get(accounts::list))
            .route("/api/v3/accounts/{account_id}/", get(accounts::read))
            .route("/api/v3/users/{user_id}/credentials/", get(credentials::of_user).post(credentials::link))
            .route(
                "/api/v3/users/{user_id}/credentials/{id}/",
                get(credentials::read_link).post(credentials::relink).delete(credentials::unlink),
            )
            .nest("/api/v3/accounts/{account_id}", account)
            .nest("/api/v2/accounts/{account_id}", v2)
            .fallback(async || envelope::no_route())
            .method_not_allowed_fallback(async || Problem::method_not_allowed())
            .with_state(self)
    }

    /// The answer alone: the cooldown that goes with it is [`Account::exhaust_rate_limit`].
    fn throttled(&self) -> Response {
        Problem::too_many_requests().into_response()
    }

    fn failed(&self, status: u16) -> Response {
        Problem::of_status(status).into_response()
    }

    fn state(&self) -> Value {
        let store = self.store();
        let all = |rows: &Rows, show: &dyn Fn(u64, &Row) -> Value| -> Value {
            rows.iter().filter(|(_, row)| !row.deleted).map(|(id, row)| show(*id, row)).collect()
        };
        let plain = |_: u64, row: &Row| Value::Object(row.fields.clone());
        json!({
            "accounts": [accounts::show()],
            "oauth-configurations": all(&store.oauth_configurations, &|_, row| {
                with_secret(row, "client_secret", oauth_configurations::show(row))
            }),
            "connections": all(&store.connections, &|id, row| {
                let mut shown = connections::show(row);
                shown["environment__count"] = json!(connections::environment_count(&store, id));
                shown
            }),
            "environments": all(&store.environments, &|_, row| environments::show(&store, row)),
            "projects": all(&store.projects, &|id, row| projects::show(&store, id, row)),
            "credentials": all(&store.credentials, &|_, row| {
                with_secret(row, "password", Value::Object(row.fields.clone()))
            }),
            "user-credentials": all(&store.user_credentials, &|_, row| credentials::show_link(&store, row)),
            "extended-attributes": all(&store.extended_attributes, &plain),
            "encryptions": all(&store.encryptions, &plain),
            "private-endpoints": connections::show_private_endpoints(&store),
            "service-tokens": all(&store.service_tokens, &|_, row| {
                // A read of anything moves `last_used`: a comparison of two states would trip over it.
                let mut fields = row.fields.clone();
                fields.remove("last_used");
                Value::Object(fields)
            }),
            "audit-logs": store.audit_logs,
        })
    }

    fn reset(&self) {
        *self.store() = Store::seeded(self.world.clock.now());
    }

    fn keep(self: Arc<Self>) -> PutBack {
        let store = self.store().clone();
        Box::new(move || *self.store() = store.clone())
    }
}
