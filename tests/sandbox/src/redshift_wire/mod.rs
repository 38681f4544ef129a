//! The warehouse: Amazon Redshift as its drivers meet it.
//!
//! It speaks the PostgreSQL protocol over TLS under the warehouse's host name. Who presents an identity provider's token
//! (`idp_type=AwsIdc`, `token_type=EXT_JWT` in the start-up message, authentication code 14, message `i`:
//! redshift_connector 2.1.17, `core.py` and `plugin/idp_token_auth_plugin.py`) is let in by the sandbox's Identity Center
//! and by nothing else: the application that the warehouse is registered with decides issuer, audience and user, and
//! each token works once. The database user is `{namespace}:{user}`, its roles are those roles `{namespace}:{group}`
//! that the warehouse has for the user's groups.
//!
//! SQL is answered by a PostgreSQL that starts with the first statement; what Redshift has and PostgreSQL has not is
//! bridged where dbt-redshift and the hand-offs need it. Without PostgreSQL on the machine logins work all the same.

mod backend;
mod engine;
mod frame;
mod login;
mod people;
mod session;
mod sql;

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::Router;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio_rustls::TlsAcceptor;

pub use engine::{POSTGRES, installed};
pub use people::{People, Person};

use crate::aws::SsoOidc;
use crate::seed;
use crate::world::{Authority, Listener, System, World};
use engine::Engine;
use sql::Registration;

/// The database that the warehouse has.
pub const DATABASE: &str = "dev";
/// The warehouse's administrator, who has a password instead of a token.
pub const ADMIN: &str = "admin";

/// How the warehouse is registered with an Identity Center application (`CREATE IDENTITY PROVIDER … TYPE AWSIDC`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IdentityProvider {
    /// Its name in the warehouse.
    pub name: String,
    /// Prefix of users and roles.
    pub namespace: String,
    /// ARN of the application in Identity Center, not of Redshift's.
    pub application_arn: String,
}

impl IdentityProvider {
    fn seeded() -> Self {
        Self {
            name: "redshift-idc".to_owned(),
            namespace: "AWSIDC".to_owned(),
            application_arn: seed::IDC_APPLICATION_ARN.to_owned(),
        }
    }
}

/// The stand-in of a Redshift warehouse.
pub struct RedshiftWire {
    world: Arc<World>,
    oidc: Arc<SsoOidc>,
    people: Arc<dyn People>,
    tls: TlsAcceptor,
    password: String,
    providers: RwLock<Vec<IdentityProvider>>,
    engine: Mutex<Arc<OnceCell<Engine>>>,
}

impl RedshiftWire {
    /// A warehouse registered with the seeded application, which exchanges tokens at `oidc` and looks users up with
    /// `people`. No SQL engine runs yet.
    ///
    /// # Errors
    /// The authority can make no certificate for the warehouse's host.
    pub fn new(
        world: &Arc<World>,
        authority: &Authority,
        oidc: &Arc<SsoOidc>,
        people: Arc<dyn People>,
    ) -> anyhow::Result<Arc<Self>> {
        let tls = authority.server_of(&[seed::WAREHOUSE_HOST, "127.0.0.1", "localhost"])?;
        Ok(Arc::new(Self {
            world: Arc::clone(world),
            oidc: Arc::clone(oidc),
            people,
            tls: TlsAcceptor::from(tls),
            password: uuid::Uuid::new_v4().simple().to_string(),
            providers: RwLock::new(vec![IdentityProvider::seeded()]),
            engine: Mutex::default(),
        }))
    }

    /// Listens on a free port of the loopback interface.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn listen(self: &Arc<Self>) -> anyhow::Result<Listener> {
        let wire = Arc::clone(self);
        Listener::start(move |stream| {
            let wire = Arc::clone(&wire);
            async move {
                if let Err(error) = wire.serve(stream).await {
                    tracing::debug!(%error, "connection to the warehouse");
                }
            }
        })
        .await
    }

    /// Password of [`ADMIN`], a superuser. Made anew at every start.
    pub fn admin_password(&self) -> &str {
        &self.password
    }

    /// What the warehouse is registered with.
    pub fn identity_providers(&self) -> Vec<IdentityProvider> {
        self.providers.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Registers the warehouse anew: nothing else than `providers` counts for the logins that follow.
    /// `svv_identity_providers` shows it once the SQL engine starts again.
    pub fn set_identity_providers(&self, providers: Vec<IdentityProvider>) {
        *self.providers.write().unwrap_or_else(PoisonError::into_inner) = providers;
    }

    /// What an administrator's SQL does to the registration; a name that is taken stays with who has it.
    fn register(&self, registration: Registration) {
        let mut providers = self.providers.write().unwrap_or_else(PoisonError::into_inner);
        match registration {
            Registration::Create(new) if providers.iter().all(|held| held.name != new.name) => providers.push(new),
            Registration::Create(_) => {}
            Registration::Drop(name) => providers.retain(|held| held.name != name),
        }
    }

    /// The provider that a login is for: the one of this namespace, or the only one. Which error Redshift gives where
    /// there is none is UNCONFIRMED.
    fn provider(&self, namespace: Option<&str>) -> Option<IdentityProvider> {
        let providers = self.identity_providers();
        match namespace {
            Some(namespace) => {
                providers.into_iter().find(|provider| provider.namespace.eq_ignore_ascii_case(namespace))
            }
            None => providers.into_iter().next(),
        }
    }

    /// The SQL engine, started if it does not run yet; the cell keeps it alive.
    async fn engine(&self) -> anyhow::Result<Arc<OnceCell<Engine>>> {
        let cell = Arc::clone(&self.engine.lock().unwrap_or_else(PoisonError::into_inner));
        cell.get_or_try_init(|| Engine::start(self.identity_providers())).await?;
        Ok(cell)
    }
}

impl System for RedshiftWire {
    fn kind(&self) -> &'static str {
        "redshift-wire"
    }

    fn name(&self) -> &str {
        seed::REDSHIFT_NAME
    }

    /// Nothing: this system speaks no HTTP.
    fn router(self: Arc<Self>) -> Router {
        Router::new()
    }

    fn throttled(&self) -> Response {
        self.failed(429)
    }

    fn failed(&self, status: u16) -> Response {
        let mut answer = Response::default();
        *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        answer
    }

    fn state(&self) -> Value {
        json!({"identity_providers": self.identity_providers()})
    }

    /// Everything that was made by SQL goes with the engine, and so do the sessions in it.
    fn reset(&self) {
        self.set_identity_providers(vec![IdentityProvider::seeded()]);
        *self.engine.lock().unwrap_or_else(PoisonError::into_inner) = Arc::default();
    }
}
