//! A credential that is read once and again when it is refused.

use std::sync::Arc;
use std::time::Duration;

use extoauth_core::error::CallResult;
use secrecy::SecretString;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::credential::Credential;

/// After the credential was fetched past every cache, further refusals within this time are not its fault: calls in parallel do
/// not each fetch it.
const JUST_FETCHED: Duration = Duration::from_secs(5);

/// A credential with what was made of it.
pub(crate) struct Stored<T> {
    credential: Arc<dyn Credential>,
    /// The value, and when it was last fetched past every cache.
    state: Mutex<(Option<T>, Option<Instant>)>,
}

impl<T> Stored<T> {
    pub(crate) fn new(credential: Arc<dyn Credential>) -> Self {
        Self { credential, state: Mutex::new((None, None)) }
    }

    /// What was made of the credential; `fresh` after the system refused it.
    pub(crate) async fn get(
        &self,
        fresh: bool,
        make: impl FnOnce(&SecretString) -> CallResult<T>,
    ) -> CallResult<Held<'_, T>> {
        let mut state = self.state.lock().await;
        let just_fetched = state.1.is_some_and(|at| at.elapsed() < JUST_FETCHED);
        if state.0.is_none() || fresh && !just_fetched {
            state.0 = None;
            let secret = self.credential.fetch(fresh).await?;
            state.0 = Some(make(&secret)?);
            if fresh {
                state.1 = Some(Instant::now());
            }
        }
        Ok(Held(state))
    }
}

/// The value, held against other users of the credential.
pub(crate) struct Held<'a, T>(MutexGuard<'a, (Option<T>, Option<Instant>)>);

impl<T> Held<'_, T> {
    pub(crate) fn value(&mut self) -> &mut T {
        self.0.0.as_mut().expect("`get` filled it, and nobody else had the lock since")
    }
}
