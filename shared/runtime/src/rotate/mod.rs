//! What the rotation function does: one step of Secrets Manager's contract an invocation.

mod ask;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use extoauth_automation::clients::Clients;
use extoauth_automation::rotation::{Asked, Rotation, RotationError, Step, Unfollowed};
use extoauth_core::clock::SharedClock;
use extoauth_core::engine::Timing;
use extoauth_systems::aws::SharedDeadline;
use extoauth_systems::http::{Deadline, Sender};
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use crate::bootstrap::Process;
use crate::config::Config;
use crate::store::Store;

pub use ask::{Occasion, ask_rotation};

/// How long a step's lease lasts: longer than the function's timeout (120 s in template.yaml), so that none ends while a
/// write of its step may be on its way.
const LEASE: Duration = Duration::from_secs(150);

/// Time kept at the end of an invocation for the journal and for giving the lease back.
pub const RESERVE: Duration = Duration::from_secs(10);

/// What Secrets Manager sends (AWS Secrets Manager user guide, "Lambda rotation functions").
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RotationEvent {
    /// `createSecret`, `setSecret`, `testSecret` or `finishSecret`.
    pub step: String,
    /// ARN of the secret.
    pub secret_id: String,
    /// Id of the version that is rotated in.
    pub client_request_token: String,
    /// Shows that a new value comes from this rotation, where Secrets Manager gives one.
    #[serde(default, deserialize_with = "secret")]
    pub rotation_token: Option<SecretString>,
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.map(SecretString::from))
}

impl fmt::Debug for RotationEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RotationEvent")
            .field("step", &self.step)
            .field("secret_id", &self.secret_id)
            .field("client_request_token", &self.client_request_token)
            .finish_non_exhaustive()
    }
}

/// Everything that the function needs; lives as long as the process.
pub struct Rotator {
    config: Config,
    store: Store,
    clients: Clients,
    sender: Arc<Sender>,
    aws_deadline: SharedDeadline,
    clock: SharedClock,
    timing: Timing,
}

impl Rotator {
    /// The rotator of a process. No call is made.
    ///
    /// # Errors
    /// No TLS configuration can be built.
    pub fn new(process: &Process) -> Result<Self, reqwest::Error> {
        let sender = Sender::new(extoauth_systems::http::client()?);
        let Config { deployment, systems, table, .. } = process.config.clone();
        Ok(Self {
            store: Store::new(&process.aws, table, process.clock.clone()),
            clients: Clients::new(deployment, systems, sender.clone(), process.aws.clone(), process.deadline.clone()),
            config: process.config.clone(),
            sender,
            aws_deadline: process.deadline.clone(),
            clock: process.clock.clone(),
            timing: Timing { lease_ttl: LEASE, ..Timing::default() },
        })
    }

    /// Does one step within the invocation's time.
    pub fn handle<'a>(
        &'a self,
        event: &'a RotationEvent,
        deadline: Deadline,
    ) -> LocalBoxFuture<'a, Result<(), RotationError>> {
        // Boxed: this way it is compiled here and not in every binary.
        self.rotate(event, deadline).boxed_local()
    }

    async fn rotate(&self, event: &RotationEvent, deadline: Deadline) -> Result<(), RotationError> {
        self.sender.set_deadline(deadline);
        self.aws_deadline.set(deadline);
        let step = Step::of_name(&event.step)
            .ok_or_else(|| RotationError::Refused(format!("`{}` is no step of a rotation", event.step)))?;
        let rotation = Rotation {
            deployment: &self.config.deployment,
            policy: &self.config.policy,
            clients: &self.clients,
            ledger: &self.store,
            leases: &self.store,
            registry: &self.store,
            clock: &*self.clock,
            timing: self.timing,
        };
        let asked = Asked {
            step,
            secret: &event.secret_id,
            token: &event.client_request_token,
            rotation_token: event.rotation_token.as_ref(),
        };
        let done = async {
            if let Some(unfollowed) = rotation.step(asked).await? {
                self.follow(&unfollowed, &event.client_request_token).await?;
            }
            Ok(())
        }
        .await;
        match &done {
            Ok(()) => tracing::info!(step = event.step, secret = event.secret_id, "rotation step done"),
            Err(error) => tracing::error!(step = event.step, secret = event.secret_id, %error, "rotation step failed"),
        }
        done
    }

    /// Nobody has asked for this rotation, so nobody would end the old secret: a request of policy does.
    async fn follow(&self, unfollowed: &Unfollowed, version: &str) -> Result<(), RotationError> {
        let Unfollowed { integration, since } = unfollowed;
        let asked = ask_rotation(&self.store, integration, Occasion::Begun(version), *since, self.clock.now()).await;
        let id = asked
            .map_err(|error| RotationError::Failed(format!("the end of the old secret is not asked for: {error}")))?;
        tracing::info!(request.id = %id, %integration, "request `{id}` ends the old secret");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::RotationEvent;

    #[test]
    fn an_event_is_read_and_does_not_show_its_token() {
        let text = include_str!("../../../../events/rotate-secret/create.json");
        let event: RotationEvent = serde_json::from_str(text).expect("an event");
        assert_eq!(event.step, "createSecret");
        assert!(event.rotation_token.is_some());
        assert!(!format!("{event:?}").contains("rotation_token"));
        let without = r#"{"Step":"x","SecretId":"y","ClientRequestToken":"z"}"#;
        assert!(serde_json::from_str::<RotationEvent>(without).expect("an event").rotation_token.is_none());
    }
}
