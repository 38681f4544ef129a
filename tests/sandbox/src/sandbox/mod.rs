//! A whole sandbox: every stand-in behind its gate, the doors to them, and what a function is told of all that.

mod config;
mod control;
mod doors;
mod environment;
mod functions;
mod options;

pub use config::Keys;
pub use options::{MotoSource, Options, root};

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use crate::host::Host;
use crate::moto::{Moto, Names, Process, Seed};
use crate::redshift_wire::RedshiftWire;
use crate::world::{Authority, Listener, SystemExt as _, World};
use crate::{aws, dbt, entra, okta, seed, servicenow};
use config::Config;
use doors::{Doors, Vendor};

/// The AWS services that the sandbox has itself.
pub struct Aws {
    /// Identity Center: trusted token issuers, applications and their grants.
    pub sso_admin: Arc<aws::SsoAdmin>,
    /// Redshift: the Identity Center applications.
    pub redshift: Arc<aws::Redshift>,
    /// Redshift's Data API.
    pub redshift_data: Arc<aws::RedshiftData>,
    /// `CreateTokenWithIAM`.
    pub sso_oidc: Arc<aws::SsoOidc>,
    /// `GetWebIdentityToken` and the account's issuer; the rest of STS is moto's.
    pub sts: Arc<aws::Sts>,
}

/// A running sandbox. Everything it started ends with it.
pub struct Sandbox {
    /// What the stand-ins share: record, faults, calendar, roles.
    pub world: Arc<World>,
    /// The Okta org.
    pub okta: Arc<okta::Org>,
    /// The Entra tenant.
    pub entra: Arc<entra::Tenant>,
    /// The dbt account.
    pub dbt: Arc<dbt::Account>,
    /// The ServiceNow instance.
    pub servicenow: Arc<servicenow::Instance>,
    /// The AWS services that no emulator has.
    pub aws: Aws,
    /// The warehouse, as its drivers meet it.
    pub warehouse: Arc<RedshiftWire>,
    /// The account in moto that the other AWS services are in, where there is one.
    pub moto: Option<Arc<Moto>>,
    /// Keys of the callers of intake.
    pub keys: Keys,
    authority: Arc<Authority>,
    doors: Doors,
    names: RwLock<Names>,
    config: RwLock<Config>,
    directory: PathBuf,
    temporary: bool,
    host: RwLock<Option<Arc<Host>>>,
    control: OnceLock<Listener>,
    /// Held by whoever changes the configuration or resets.
    changing: Mutex<()>,
}

impl Sandbox {
    /// Starts everything but the functions. To be called inside a tokio runtime.
    ///
    /// # Errors
    /// moto cannot be started, a port or file cannot be had, or the roles' file makes no sense.
    pub async fn start(options: Options) -> anyhow::Result<Arc<Self>> {
        let world = World::new();
        if let Some(roles) = &options.roles {
            world.iam.load(roles)?;
        }
        let temporary = options.directory.is_none();
        let directory = options.directory.unwrap_or_else(temporary_directory);
        std::fs::create_dir_all(&directory).with_context(|| format!("{}", directory.display()))?;
        let authority = Arc::new(Authority::new()?);
        let ca_file = directory.join("ca.pem");
        std::fs::write(&ca_file, authority.pem()).with_context(|| format!("{}", ca_file.display()))?;

        let okta = okta::Org::new(&world);
        let entra = entra::Tenant::new(&world);
        let dbt = dbt::Account::new(&world);
        let servicenow = servicenow::Instance::new(&world, &options.tickets);
        let sso_admin = aws::SsoAdmin::new(&world);
        let redshift = aws::Redshift::new(&world, &sso_admin);
        let sso_oidc = aws::SsoOidc::new(&world, &sso_admin);
        let people = Arc::new(aws::sso_oidc::IdentityStore::new(&world));
        let warehouse = RedshiftWire::new(&world, &authority, &sso_oidc, people)?;
        let redshift_data = aws::RedshiftData::new(&world, &warehouse);
        let aws = Aws { sso_admin, redshift, redshift_data, sso_oidc, sts: aws::Sts::new(&world) };

        let account = options.account.unwrap_or_else(|| seed::ACCOUNT.to_owned());
        let moto = match options.moto {
            MotoSource::None => None,
            MotoSource::Start { python, log } => {
                Some(Moto::new(Arc::new(Process::start(&python, log.as_deref())?), &account)?)
            }
            MotoSource::Shared => Some(Moto::new(Process::shared()?, &account)?),
            MotoSource::At(url) => Some(Moto::at(&url, &account)?),
        };
        let vendors: [Vendor; 4] = [
            ("okta", okta.shared(), &[seed::OKTA_HOST]),
            ("entra", entra.shared(), &[seed::GRAPH_HOST, seed::LOGIN_HOST, seed::STS_WINDOWS_HOST]),
            ("dbt", dbt.shared(), &[seed::DBT_HOST]),
            ("servicenow", servicenow.shared(), &[seed::SERVICENOW_HOST]),
        ];
        let tls = options.aws_tls.then_some(authority.as_ref());
        let doors = Doors::open(&world, &authority, vendors, &aws, &warehouse, moto.as_ref(), tls).await?;

        let sandbox = Arc::new(Self {
            world,
            okta,
            entra,
            dbt,
            servicenow,
            aws,
            warehouse,
            moto,
            keys: Keys::new(),
            authority,
            doors,
            names: RwLock::default(),
            config: RwLock::default(),
            directory,
            temporary,
            host: RwLock::new(None),
            control: OnceLock::new(),
            changing: Mutex::new(()),
        });
        sandbox.fill().await?;
        let control = control::listen(&sandbox).await?;
        // Set here and nowhere else.
        let _ = sandbox.control.set(control);
        Ok(sandbox)
    }

    /// Makes what moto holds at start, and the configuration that names it.
    async fn fill(&self) -> anyhow::Result<()> {
        let names = match &self.moto {
            Some(moto) => moto.seed(&Seed { secrets: self.operator_secrets() }).await?,
            None => Names::default(),
        };
        let config = Config::at_start(&names);
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = names;
        self.configure(config).await
    }

    /// Takes another configuration into force and lets the functions run with it from now on. What is not given stays.
    ///
    /// # Errors
    /// Lambda would refuse the environment (then the old configuration stays), or moto does not answer.
    pub async fn reconfigure(&self, systems: Option<Value>, policy: Option<Value>) -> anyhow::Result<()> {
        let _changing = self.changing.lock().await;
        let old = self.config.read().unwrap_or_else(PoisonError::into_inner).clone();
        let new = Config {
            systems: systems.unwrap_or_else(|| old.systems.clone()),
            policy: policy.unwrap_or_else(|| old.policy.clone()),
        };
        self.configure(new).await?;
        let Some(host) = self.host() else { return Ok(()) };
        if let Err(error) = host.restart().await {
            self.configure(old).await?;
            return Err(error);
        }
        Ok(())
    }

    /// Writes a configuration to where the functions read it; those that run still have the old one.
    async fn configure(&self, config: Config) -> anyhow::Result<()> {
        if let Some(moto) = &self.moto {
            moto.put_secret(&config::secret_name("systems"), &config.systems.to_string()).await?;
        }
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// State, clock, faults, latency, record and configuration as at start. URLs, keys and ARNs stay.
    ///
    /// # Errors
    /// moto does not answer.
    pub async fn reset(&self) -> anyhow::Result<()> {
        let _changing = self.changing.lock().await;
        self.world.faults.clear();
        self.world.set_latency(Duration::ZERO);
        let host = self.host();
        // No function works while its world is replaced.
        let quiet = match &host {
            Some(host) => Some(host.quiesce(crate::host::GRACE).await),
            None => None,
        };
        self.world.reset();
        self.fill().await?;
        // What the restoring itself did is no call of anybody.
        self.world.calls.reset();
        drop(quiet);
        Ok(())
    }

    /// Everything that the systems hold: `{system: {name: {collection: [objects]}}}`, secrets as digests.
    ///
    /// # Errors
    /// moto does not answer.
    pub async fn state(&self) -> anyhow::Result<Map<String, Value>> {
        let mut state = self.world.systems.state();
        if let Some(moto) = &self.moto {
            state.extend(moto.state().await?);
        }
        Ok(state)
    }

    /// The proxy as this caller uses it: its name is the user.
    pub fn proxy_url(&self, caller: &str) -> String {
        format!("http://{caller}:sandbox@{}", self.doors.proxy.address())
    }

    /// The certificate of the sandbox's authority.
    pub fn ca_pem(&self) -> &str {
        self.authority.pem()
    }

    /// The file with that certificate.
    pub fn ca_file(&self) -> PathBuf {
        self.directory.join("ca.pem")
    }

    /// The authority itself, for a listener that speaks TLS under a name of its own.
    pub fn authority(&self) -> &Arc<Authority> {
        &self.authority
    }

    /// Where its files are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// URL of an AWS service by its SDK name; every service of moto has the same.
    pub fn aws_endpoint(&self, service: &str) -> String {
        self.doors.aws(service)
    }

    /// Where the warehouse listens; it is known under [`seed::WAREHOUSE_HOST`], and its certificate is for that name.
    pub fn warehouse_address(&self) -> SocketAddr {
        self.doors.warehouse.address()
    }

    /// URL of the control API.
    pub fn control_url(&self) -> String {
        self.control.get().map(|control| control.url("http")).unwrap_or_default()
    }

    /// The systems configuration in force.
    pub fn systems_config(&self) -> Value {
        self.config.read().unwrap_or_else(PoisonError::into_inner).systems.clone()
    }

    /// The policy in force.
    pub fn policy(&self) -> Value {
        self.config.read().unwrap_or_else(PoisonError::into_inner).policy.clone()
    }

    fn names(&self) -> Names {
        self.names.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn host(&self) -> Option<Arc<Host>> {
        self.host.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends the functions, then everything else.
    pub async fn shutdown(self: Arc<Self>) {
        let host = self.host.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(host) = host.and_then(Arc::into_inner) {
            host.shutdown().await;
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // The stand-ins keep the world, which keeps them.
        self.world.systems.clear();
        if self.temporary {
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }
}

fn temporary_directory() -> PathBuf {
    std::env::temp_dir().join(format!("extoauth-sandbox-{}", uuid::Uuid::new_v4().simple()))
}
