//! From a stored request to its end.

mod apply;
mod approval;
mod ending;
mod impact;
mod progress;
mod prove;
mod remove;
mod report;
mod rotate;
mod silence;
mod wanted;

use extoauth_core::alert::Alerts;
use extoauth_core::clock::Clock;
use extoauth_core::engine::{Author, Leases, Ledger, LedgerError, Timing, WritePolicy};
use extoauth_core::ids::{IntegrationName, Subject};
use extoauth_core::policy::Policy;
use extoauth_core::registry::Registry;
use extoauth_core::request::{Action, RequestError, StoredRequest, codes};
use extoauth_core::systems::{SystemId, SystemsConfig};
use futures::FutureExt;

use crate::clients::Clients;

pub use approval::Approval;
pub use ending::{Conclusion, Verdict};
pub use progress::Progress;
pub use report::Report;

/// All that carrying out a request needs.
pub struct Conductor<'a> {
    /// The deployment's name.
    pub deployment: &'a str,
    /// The systems.
    pub systems: &'a SystemsConfig,
    /// The policy.
    pub policy: &'a Policy,
    /// The ways into the systems.
    pub clients: &'a Clients,
    /// Journal and inventory.
    pub ledger: &'a dyn Ledger,
    /// Leases.
    pub leases: &'a dyn Leases,
    /// Integrations and trusts.
    pub registry: &'a dyn Registry,
    /// What is watched.
    pub alerts: &'a dyn Alerts,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Patience.
    pub timing: Timing,
    /// ARN of the function that rotates; none where none is deployed.
    pub rotate_function: Option<&'a str>,
    /// "Now", as what resumed the request says: a sweep is at its schedule's time. Only the end of an old secret's grace
    /// is judged by it; policy is judged by [`Conductor::clock`], since a message carries no authority.
    pub time: jiff::Timestamp,
    /// Where steps are shown as they happen.
    pub progress: &'a Progress,
}

impl Conductor<'_> {
    /// Carries a request out as far as it goes now. May be called again for the same request at any time, also after a
    /// crash: it goes on where things stand.
    pub async fn conduct(&self, request: &StoredRequest) -> Conclusion {
        // Boxed: a recipe's future is large, and this way it is compiled here and not in every binary.
        let done = match request.content.action {
            Action::Provision => self.provision(request).boxed_local().await,
            Action::Plan => self.plan(request).boxed_local().await,
            Action::Verify => self.verify(request).boxed_local().await,
            Action::RotateSecret => self.rotate_secret(request).boxed_local().await,
            Action::Deprovision => self.deprovision(request).boxed_local().await,
            Action::Acknowledge | Action::Snooze => self.silence(request).boxed_local().await,
            other => Err(Verdict::Failed(RequestError {
                code: "not_built".into(),
                message: format!("this version cannot do `{other}`"),
                system: None,
                fix: "use a version of extoauth that can".into(),
            })),
        };
        done.unwrap_or_else(|verdict| Conclusion { verdict, report: Report::default() })
    }

    fn author(&self, request: &StoredRequest, approval: &Approval) -> Author {
        Author {
            request: request.id.to_string(),
            ticket: request.content.ticket.number.clone(),
            requested_by: approval.requested_by.clone(),
            approved_by: approval.approved_by.clone(),
            plan_digest: request.content.variables.text("plan_digest").map(str::to_owned),
            attempt: request.attempt,
        }
    }

    fn name(&self, request: &StoredRequest) -> Result<IntegrationName, Verdict> {
        request.content.integration.clone().ok_or_else(|| {
            Verdict::Failed(RequestError {
                code: codes::NOT_VALID.into(),
                message: "the request names no integration".into(),
                system: None,
                fix: "send a ticket that names one".into(),
            })
        })
    }
}

/// Policy as the engine asks for it, before each write.
pub(crate) struct PolicyGate<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) integration: &'a IntegrationName,
}

impl WritePolicy for PolicyGate<'_> {
    fn may_write(&self, _system: &SystemId) -> Result<(), String> {
        self.policy.allows_writes(self.clock.now(), self.integration).map_err(|refused| refused.to_string())
    }
}

/// The state store did not answer: nothing is lost, the request goes on later.
fn store_failed(error: &LedgerError) -> Verdict {
    Verdict::Paused { delay: std::time::Duration::from_secs(10), reason: error.to_string() }
}

pub(crate) fn integration_lease(name: &IntegrationName) -> String {
    Subject::Integration(name.clone()).to_string()
}
