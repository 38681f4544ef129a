//! Secret values in memory: what was read or written is not read again.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use extoauth_core::error::CallResult;
use futures::FutureExt;
use futures::future::BoxFuture;
use secrecy::SecretString;
use tokio::time::Instant;

use super::{Read, Value, Version};
use crate::http::Credential;

/// How long "the version at this stage" is believed. A version's value never changes, a stage moves.
const STAGE_AGE: Duration = Duration::from_secs(300);

/// A reader of secrets that remembers values, by ARN and version, as long as the process lives. Clones share what they
/// remember.
#[derive(Clone)]
pub struct Vault {
    read: Read,
    memory: Arc<Mutex<Memory>>,
}

#[derive(Default)]
struct Memory {
    values: HashMap<(String, String), SecretString>,
    stages: HashMap<(String, String), Seen>,
}

struct Seen {
    arn: String,
    version: String,
    at: Instant,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("system", self.read.system()).finish_non_exhaustive()
    }
}

impl Vault {
    /// A vault that remembers nothing yet.
    pub fn new(read: Read) -> Self {
        Self { read, memory: Arc::default() }
    }

    /// What it reads with.
    pub fn reader(&self) -> &Read {
        &self.read
    }

    /// A value: the remembered one, or one that is read now. `id` is the secret's ARN (or name).
    ///
    /// # Errors
    /// As [`Read::value`].
    pub async fn value(&self, id: &str, version: &Version) -> CallResult<Value> {
        match self.remembered(id, version) {
            Some(value) => Ok(value),
            None => self.read_now(id, version).await,
        }
    }

    /// A value, read now whatever is remembered.
    ///
    /// # Errors
    /// As [`Read::value`].
    pub async fn read_now(&self, id: &str, version: &Version) -> CallResult<Value> {
        let found = self.read.value(id, version).await?;
        let mut memory = self.memory();
        memory.values.insert((found.arn.clone(), found.version.clone()), found.value.clone());
        if let Version::Stage(stage) = version {
            let seen = Seen { arn: found.arn.clone(), version: found.version.clone(), at: Instant::now() };
            memory.stages.insert((id.to_owned(), stage.clone()), seen);
        }
        Ok(found)
    }

    /// Remembers a value that was just written.
    pub fn remember(&self, arn: &str, version: &str, value: SecretString) {
        self.memory().values.insert((arn.to_owned(), version.to_owned()), value);
    }

    /// Believes no stage of this secret any more.
    pub fn stage_moved(&self, arn: &str) {
        self.memory().stages.retain(|(id, _), seen| id != arn && seen.arn != arn);
    }

    /// Forgets a secret.
    pub fn forget(&self, arn: &str) {
        self.stage_moved(arn);
        self.memory().values.retain(|(of, _), _| of != arn);
    }

    /// The current value of a secret as a system's credential.
    pub fn credential(&self, arn: impl Into<String>) -> StoredSecret {
        StoredSecret { vault: self.clone(), arn: arn.into() }
    }

    fn remembered(&self, id: &str, version: &Version) -> Option<Value> {
        let memory = self.memory();
        let (arn, version) = match version {
            Version::Id(version) => (id, version.as_str()),
            Version::Stage(stage) => {
                let seen = memory.stages.get(&(id.to_owned(), stage.clone()))?;
                if seen.at.elapsed() > STAGE_AGE {
                    return None;
                }
                (seen.arn.as_str(), seen.version.as_str())
            }
        };
        let value = memory.values.get(&(arn.to_owned(), version.to_owned()))?;
        Some(Value {
            arn: arn.to_owned(),
            version: version.to_owned(),
            stages: std::collections::BTreeSet::new(),
            value: value.clone(),
        })
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // The maps are whole after every statement, so a panic elsewhere leaves nothing half done.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The current value of one secret, as a system's client fetches its credential.
#[derive(Clone, Debug)]
pub struct StoredSecret {
    vault: Vault,
    arn: String,
}

impl Credential for StoredSecret {
    fn fetch<'a>(&'a self, fresh: bool) -> BoxFuture<'a, CallResult<SecretString>> {
        async move {
            let version = Version::current();
            let found = if fresh {
                self.vault.read_now(&self.arn, &version).await?
            } else {
                self.vault.value(&self.arn, &version).await?
            };
            Ok(found.value)
        }
        .boxed()
    }

    fn name(&self) -> &str {
        &self.arn
    }
}
