//! The ways into the systems, made as a request needs them. Making one sends nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::SdkConfig;
use extoauth_core::engine::Port;
use extoauth_core::error::{CallError, CallResult, ErrorKind};
use extoauth_core::integration::Integration;
use extoauth_core::systems::{Idp, Mode, SystemId, SystemKind, SystemsConfig};
use extoauth_systems::aws::web_identity::WebIdentity;
use extoauth_systems::aws::{Session, SharedDeadline};
use extoauth_systems::http::{Credential, Sender};
use extoauth_systems::secrets::Vault;
use extoauth_systems::{dbt, entra, identity_center, okta, redshift, secrets, servicenow};

use crate::systems::{DbtPort, EntraPort, IssuedSecretsPort, IssuedSecretsRead, IssuedSecretsWrite, OktaPort, Systems};

/// What clients are made from. Lives as long as the process: connections, tokens and limits are shared by its requests.
pub struct Clients {
    deployment: String,
    config: SystemsConfig,
    sender: Arc<Sender>,
    aws: SdkConfig,
    deadline: SharedDeadline,
    vault: Vault,
    okta: Kept<OktaPort>,
    entra: Kept<(EntraPort, IssuedSecretsPort)>,
    dbt: Kept<DbtPort>,
    servicenow: Kept<(servicenow::Read, servicenow::Write)>,
    okta_readers: Kept<okta::Read>,
    entra_readers: Kept<entra::Read>,
    sessions: Kept<Session>,
}

/// Clients that were made, by name: their tokens and assumed roles outlive a request.
struct Kept<T>(Mutex<BTreeMap<String, T>>);

impl<T: Clone> Kept<T> {
    fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    fn get(&self, name: &str) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn keep(&self, name: &str, made: T) -> T {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(name.to_owned()).or_insert(made).clone()
    }
}

impl Clients {
    /// Clients of the configured systems. Secrets are read with the process's own AWS credentials.
    pub fn new(
        deployment: impl Into<String>,
        config: SystemsConfig,
        sender: Arc<Sender>,
        aws: SdkConfig,
        deadline: SharedDeadline,
    ) -> Self {
        let session = Session::new(&aws, None, &deadline);
        let vault = Vault::new(secrets::Read::new(&session, own_account()));
        Self {
            deployment: deployment.into(),
            config,
            sender,
            aws,
            deadline,
            vault,
            okta: Kept::new(),
            entra: Kept::new(),
            dbt: Kept::new(),
            servicenow: Kept::new(),
            okta_readers: Kept::new(),
            entra_readers: Kept::new(),
            sessions: Kept::new(),
        }
    }

    /// The systems of an integration.
    ///
    /// # Errors
    /// `Refused` for one that is not configured.
    pub async fn systems(&self, desired: &Integration) -> CallResult<Systems> {
        let redshift = self
            .config
            .redshift
            .get(&desired.warehouse_system)
            .ok_or_else(|| unconfigured(SystemKind::Redshift, &desired.warehouse_system))?;
        let center = &redshift.identity_center;
        let warehouse_id = SystemId::new(SystemKind::Redshift, &desired.warehouse_system);
        let center_id = SystemId::new(SystemKind::IdentityCenter, &desired.warehouse_system);
        let warehouse = self.session(&redshift.region, redshift.role_arn.as_deref()).await;
        let instance = self.session(&center.region, center.role_arn.as_deref()).await;
        let warehouse_read = redshift::Read::new(&warehouse, warehouse_id.clone());
        let data_api = redshift.data_api.as_ref();
        let data_api = data_api.map(|settings| redshift::DataApi::new(&warehouse, warehouse_id.clone(), settings));
        let center_read = identity_center::Read::new(&instance, center_id.clone(), &center.instance_arn);
        let (okta, entra) = match desired.idp {
            Idp::Okta => (Some(self.okta(&desired.idp_system)?), None),
            Idp::Entra => (None, Some(self.entra(&desired.idp_system)?)),
        };
        let (entra, issued_secrets) = entra.unzip();
        Ok(Systems {
            okta,
            entra,
            issued_secrets,
            dbt: self.dbt(&desired.dbt_system)?,
            identity_center: Port::new(
                center_id,
                center.mode,
                center_read.clone(),
                identity_center::Write::new(center_read),
            ),
            redshift: Port::new(
                warehouse_id,
                redshift.mode,
                warehouse_read.clone(),
                redshift::Write::new(warehouse_read),
            ),
            warehouse: data_api,
            secrets: Port::new(
                own_account(),
                Mode::Manage,
                self.vault.reader().clone(),
                secrets::Write::new(self.vault.clone()),
            ),
            vault: self.vault.clone(),
        })
    }

    /// The client of a ServiceNow instance.
    ///
    /// # Errors
    /// `Refused` for one that is not configured.
    pub fn servicenow(&self, instance: &str) -> CallResult<(servicenow::Read, servicenow::Write)> {
        if let Some(made) = self.servicenow.get(instance) {
            return Ok(made);
        }
        let kind = SystemKind::Servicenow;
        let settings = self.config.servicenow.get(instance).ok_or_else(|| unconfigured(kind, instance))?;
        let system = SystemId::new(kind, instance);
        let made = servicenow::connect(system, settings, self.credential(&settings.credential), &self.sender);
        Ok(self.servicenow.keep(instance, made))
    }

    /// A reader of an Okta org for checks, with the credential that may only read where there is one, and what we may do
    /// there otherwise.
    ///
    /// # Errors
    /// `Refused` for one that is not configured.
    pub fn okta_reader(&self, name: &str) -> CallResult<(okta::Read, Mode)> {
        let settings = self.config.okta.get(name).ok_or_else(|| unconfigured(SystemKind::Okta, name))?;
        let Some(reading) = &settings.credential_read else {
            return Ok((self.okta(name)?.read().clone(), settings.mode));
        };
        if let Some(made) = self.okta_readers.get(name) {
            return Ok((made, settings.mode));
        }
        let system = SystemId::new(SystemKind::Okta, name);
        let (read, _) = okta::connect(system, settings, self.credential(reading), &self.sender);
        Ok((self.okta_readers.keep(name, read), settings.mode))
    }

    /// A reader of an Entra tenant for checks, as [`Clients::okta_reader`].
    ///
    /// # Errors
    /// `Refused` for one that is not configured.
    pub fn entra_reader(&self, name: &str) -> CallResult<(entra::Read, Mode)> {
        let settings = self.config.entra.get(name).ok_or_else(|| unconfigured(SystemKind::Entra, name))?;
        let Some(reading) = &settings.credential_read else {
            return Ok((self.entra(name)?.0.read().clone(), settings.mode));
        };
        if let Some(made) = self.entra_readers.get(name) {
            return Ok((made, settings.mode));
        }
        let system = SystemId::new(SystemKind::Entra, name);
        let tokens = WebIdentity::new(system.clone(), &Session::new(&self.aws, None, &self.deadline));
        let (read, _) = entra::connect(system, settings, self.credential(reading), tokens, &self.sender);
        Ok((self.entra_readers.keep(name, read), settings.mode))
    }

    /// A reader of an Okta org with one of its stored credentials, to see what that one is; it is not kept.
    ///
    /// # Errors
    /// `Refused` for one that is not configured.
    pub fn okta_with(&self, name: &str, credential: &str) -> CallResult<okta::Read> {
        let settings = self.config.okta.get(name).ok_or_else(|| unconfigured(SystemKind::Okta, name))?;
        let system = SystemId::new(SystemKind::Okta, name);
        Ok(okta::connect(system, settings, self.credential(credential), &self.sender).0)
    }

    /// The systems as they are configured.
    pub fn config(&self) -> &SystemsConfig {
        &self.config
    }

    /// Secret values, which are read once.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    fn okta(&self, name: &str) -> CallResult<OktaPort> {
        if let Some(made) = self.okta.get(name) {
            return Ok(made);
        }
        let settings = self.config.okta.get(name).ok_or_else(|| unconfigured(SystemKind::Okta, name))?;
        let system = SystemId::new(SystemKind::Okta, name);
        let (_, write) = okta::connect(system.clone(), settings, self.credential(&settings.credential), &self.sender);
        // One token for reading and writing: a run needs no second sign-in.
        Ok(self.okta.keep(name, Port::new(system, settings.mode, okta::Read::clone(&write), write)))
    }

    fn entra(&self, name: &str) -> CallResult<(EntraPort, IssuedSecretsPort)> {
        if let Some(made) = self.entra.get(name) {
            return Ok(made);
        }
        let settings = self.config.entra.get(name).ok_or_else(|| unconfigured(SystemKind::Entra, name))?;
        let (system, mode) = (SystemId::new(SystemKind::Entra, name), settings.mode);
        let tokens = WebIdentity::new(system.clone(), &Session::new(&self.aws, None, &self.deadline));
        let credential = self.credential(&settings.credential);
        let (_, write) = entra::connect(system.clone(), settings, credential, tokens, &self.sender);
        let issued = IssuedSecretsWrite { tenant: write.clone(), store: secrets::Write::new(self.vault.clone()) };
        let stored = IssuedSecretsRead { tenant: entra::Read::clone(&write), store: self.vault.reader().clone() };
        let ports = (
            Port::new(system.clone(), mode, entra::Read::clone(&write), write),
            Port::new(system, mode, stored, issued),
        );
        Ok(self.entra.keep(name, ports))
    }

    fn dbt(&self, name: &str) -> CallResult<DbtPort> {
        if let Some(made) = self.dbt.get(name) {
            return Ok(made);
        }
        let settings = self.config.dbt.get(name).ok_or_else(|| unconfigured(SystemKind::Dbt, name))?;
        let system = SystemId::new(SystemKind::Dbt, name);
        let (read, write) = dbt::connect(system.clone(), settings, self.credential(&settings.credential), &self.sender);
        Ok(self.dbt.keep(name, Port::new(system, settings.mode, read, write)))
    }

    fn credential(&self, arn: &str) -> Arc<dyn Credential> {
        Arc::new(self.vault.credential(arn))
    }

    async fn session(&self, region: &str, role_arn: Option<&str>) -> Session {
        let name = format!("{region} {}", role_arn.unwrap_or_default());
        if let Some(made) = self.sessions.get(&name) {
            return made;
        }
        let made = Session::assuming(&self.aws, Some(region), role_arn, &self.deployment, &self.deadline).await;
        self.sessions.keep(&name, made)
    }
}

/// Secrets Manager of our own account.
pub fn own_account() -> SystemId {
    SystemId::new(SystemKind::SecretsManager, "own account")
}

fn unconfigured(kind: SystemKind, name: &str) -> CallError {
    CallError::new(ErrorKind::Refused, SystemId::new(kind, name), "find the system", "it is not configured")
}
