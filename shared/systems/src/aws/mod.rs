//! What every AWS client here has in common: where its calls go and as whom ([`Session`]), how long they may take, and
//! how their failures are told to callers.

mod call;
mod error;
pub mod issuers;
pub mod web_identity;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use extoauth_core::systems::SystemId;

use crate::http::Deadline;

pub use call::Call;
pub(crate) use call::Caller;
pub use error::{Effect, translate};

/// One answer of AWS is waited for this long; then the SDK tries again.
const ATTEMPT: Duration = Duration::from_secs(15);
/// One call, with all its attempts.
const OPERATION: Duration = Duration::from_secs(45);
/// Attempts of a call whose repetition is harmless.
const ATTEMPTS: u32 = 3;

/// The moment by which the calls of an invocation must have ended, shared by all sessions of the process: what is built
/// from a session lives as long as the process, the deadline changes with each invocation.
#[derive(Clone, Debug, Default)]
pub struct SharedDeadline(Arc<Mutex<Deadline>>);

impl SharedDeadline {
    /// Sets it; to be done at the start of every invocation.
    pub fn set(&self, deadline: Deadline) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
    }

    /// The one in force; none before the first is set.
    pub fn get(&self) -> Deadline {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where calls go and as whom: region, credentials, the process's one HTTP client, and the invocation's deadline. Cheap
/// to clone. Build one per system and process, so that an assumed role's credentials are reused (the SDK's identity
/// cache keeps them until shortly before they expire).
#[derive(Clone, Debug)]
pub struct Session {
    config: SdkConfig,
    deadline: SharedDeadline,
}

impl Session {
    /// A session with the process's own credentials, in the given region (`None`: the process's).
    pub fn new(base: &SdkConfig, region: Option<&str>, deadline: &SharedDeadline) -> Self {
        let mut config =
            base.to_builder().retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS)).timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(3))
                    .operation_attempt_timeout(ATTEMPT)
                    .operation_timeout(OPERATION)
                    .build(),
            );
        if let Some(region) = region {
            config.set_region(Region::new(region.to_owned()));
        }
        Self { config: config.build(), deadline: deadline.clone() }
    }

    /// A session in the given region, as the given role where one is named. No call is made: the role is assumed with
    /// the first call that needs it. CloudTrail shows `extoauth-<deployment>` as the session's name.
    pub async fn assuming(
        base: &SdkConfig,
        region: Option<&str>,
        role_arn: Option<&str>,
        deployment: &str,
        deadline: &SharedDeadline,
    ) -> Self {
        let plain = Self::new(base, region, deadline);
        let Some(role_arn) = role_arn else { return plain };
        let provider = AssumeRoleProvider::builder(role_arn)
            .session_name(session_name(deployment))
            .configure(&plain.config)
            .build()
            .await;
        let config = plain.config.to_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build();
        Self { config, deadline: plain.deadline }
    }

    /// What SDK clients are built from.
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    pub(crate) fn caller(&self, system: SystemId) -> Caller {
        Caller { system, deadline: self.deadline.clone() }
    }
}

/// Name of the sessions of assumed roles: STS takes 2 to 64 of `[\w+=,.@-]`.
fn session_name(deployment: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    let name: String = deployment.chars().map(|c| if allowed(c) { c } else { '-' }).take(55).collect();
    format!("extoauth-{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_name_is_one_that_sts_takes() {
        assert_eq!(session_name("prod"), "extoauth-prod");
        assert_eq!(session_name("a b/ü"), "extoauth-a-b--");
        assert!(session_name(&"x".repeat(200)).len() <= 64);
    }
}
