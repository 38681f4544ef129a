//! The door of the HTTP API: keys from Secrets Manager.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use extoauth_core::error::{CallResult, absent_is_none};
use extoauth_systems::secrets::{PREVIOUS, Vault, Version};
use http::Request;
use jiff::Timestamp;
use tokio::time::Instant;

use super::{Denied, Keys};
use crate::intake::{Caller, Door, Refusal};

/// How long keys are used without a look at the secret.
const FRESH: Duration = Duration::from_secs(300);
/// How soon a call that nobody's key fits may cause another look: a key may just have been changed, but a stranger
/// must not make us ask Secrets Manager at each of his calls.
const AGAIN: Duration = Duration::from_secs(30);

/// Lets in whose keys the intake secret holds, in its present version or the one before, so that a key is changed
/// without a lost call.
pub struct SecretDoor {
    vault: Vault,
    arn: String,
    known: Mutex<Option<(Instant, Arc<Keys>)>>,
}

impl fmt::Debug for SecretDoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretDoor").field("arn", &self.arn).finish_non_exhaustive()
    }
}

impl SecretDoor {
    /// A door with the keys of this secret. No call is made.
    pub fn new(vault: Vault, arn: impl Into<String>) -> Self {
        Self { vault, arn: arn.into(), known: Mutex::default() }
    }

    /// The keys, not older than `age`.
    async fn keys(&self, age: Duration) -> Result<Arc<Keys>, Refusal> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, keys)) = known
            && at.elapsed() <= age
        {
            return Ok(keys);
        }
        let at = Instant::now();
        let keys = Arc::new(self.read().await.map_err(|why| {
            tracing::error!(why, "the keys of the callers cannot be read");
            Refusal::Unavailable
        })?);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((at, Arc::clone(&keys)));
        Ok(keys)
    }

    async fn read(&self) -> Result<Keys, String> {
        let previous = Version::Stage(PREVIOUS.to_owned());
        let current = Version::current();
        let (current, previous) =
            futures::future::join(self.vault.read_now(&self.arn, &current), self.vault.read_now(&self.arn, &previous))
                .await;
        let keys = Keys::parse(&current.map_err(|e| e.to_string())?.value)?;
        // There is none before the first change; one that is broken must not shut out the good ones.
        match earlier(previous) {
            Ok(Some(earlier)) => Ok(keys.and(earlier)),
            Ok(None) => Ok(keys),
            Err(why) => {
                tracing::warn!(why, "the keys before the present ones cannot be read and are not accepted");
                Ok(keys)
            }
        }
    }
}

fn earlier(read: CallResult<extoauth_systems::secrets::Value>) -> Result<Option<Keys>, String> {
    match absent_is_none(read) {
        Ok(Some(value)) => Keys::parse(&value.value).map(Some),
        Ok(None) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

impl Door for SecretDoor {
    async fn admit(&self, call: &Request<Vec<u8>>, now: Timestamp) -> Result<Caller, Refusal> {
        let identify = |keys: &Keys| keys.identify(call.headers(), call.body(), now);
        let keys = self.keys(FRESH).await?;
        let denied = match identify(&keys) {
            Ok(caller) => return Ok(caller),
            Err(denied @ (Denied::Signature | Denied::Bearer)) => denied,
            Err(denied) => return Err(Refusal::Unauthenticated(denied.to_string())),
        };
        let keys = self.keys(AGAIN).await?;
        identify(&keys).map_err(|_| Refusal::Unauthenticated(denied.to_string()))
    }
}
