//! One request, from its message to its status.

use std::collections::BTreeSet;
use std::time::Duration;

use extoauth_automation::conduct::{Conclusion, Conductor, Progress, Verdict};
use extoauth_core::engine::{ChangeKind, Step, StepStatus};
use extoauth_core::ids::Address;
use extoauth_core::request::{RequestError, RequestId, Status, StoredRequest, WaitingFor};
use futures::future::join;
use jiff::{SignedDuration, Timestamp};

use super::progress::Publisher;
use super::{Handled, MAX_FAILURES, REMEMBERED, Worker};
use crate::notices::RequestNotice;
use crate::store::{Held, StoreError};
use crate::telemetry::{self, RunMetrics};

/// A request whose message got lost while it was worked on is sent again by the sweep after this time: longer than an
/// invocation and the message's visibility.
const LOST_AFTER: SignedDuration = SignedDuration::from_mins(30);
/// What waits for a person is looked at this often.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_mins(5);
/// Longest pause after a failed attempt.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

impl Worker {
    /// Carries a request out as far as it goes now.
    pub(super) async fn carry_out(&self, id: &RequestId, time: Option<Timestamp>, receipt: &str) -> Handled {
        let held = match self.store.request(id).await {
            Ok(Some(held)) => held,
            Ok(None) => {
                tracing::warn!(request.id = %id, "a message names a request that is not stored; it is dropped");
                return Handled::Done;
            }
            Err(error) => return self.store_down(receipt, &error).await,
        };
        if held.request.status.is_final() {
            return Handled::Done;
        }
        let mut request = held.request.clone();
        request.status = Status::Running;
        request.updated = self.clock.now();
        let due = Some(self.later(LOST_AFTER));
        let held = match self.store.save(&held, request, due).await {
            Ok(held) => held,
            Err(error) => return self.store_down(receipt, &error).await,
        };
        tracing::info!(
            request.id = %id,
            request.action = %held.request.content.action,
            request.attempt = held.request.attempt,
            "request `{id}` begins"
        );
        let (conclusion, held, told) = self.conduct(held, time).await;
        self.conclude(held, conclusion, &told, receipt).await
    }

    async fn conduct(&self, held: Held, time: Option<Timestamp>) -> (Conclusion, Held, BTreeSet<Address>) {
        let progress = Progress::default();
        let conductor = Conductor {
            deployment: &self.config.deployment,
            systems: &self.config.systems,
            policy: &self.config.policy,
            clients: &self.clients,
            ledger: &self.store,
            leases: &self.store,
            registry: &self.store,
            alerts: &self.store,
            clock: &*self.clock,
            timing: self.timing,
            rotate_function: Some(self.config.rotate_function_arn.as_str()).filter(|arn| !arn.is_empty()),
            time: time.map_or(self.clock.now(), |time| time.max(self.clock.now())),
            progress: &progress,
        };
        let request = held.request.clone();
        let publisher = Publisher::new(self, &progress, held);
        let work = async {
            let conclusion = Box::pin(conductor.conduct(&request)).await;
            publisher.stop();
            conclusion
        };
        let (conclusion, ()) = join(work, publisher.publish()).await;
        let (held, told) = publisher.into_parts();
        (conclusion, held, told)
    }

    async fn conclude(&self, held: Held, conclusion: Conclusion, told: &BTreeSet<Address>, receipt: &str) -> Handled {
        let mut request = reported(&held.request, &conclusion);
        request.updated = self.clock.now();
        match conclusion.verdict {
            Verdict::Retry(error) => match self.store.count_failure(&request.id).await {
                Ok(failures) if failures >= MAX_FAILURES => {
                    let error = given_up(error, failures);
                    self.end(&held, request, Some(error), told, receipt).await
                }
                Ok(failures) => self.pause(&held, request, backoff(failures), error.message, receipt).await,
                Err(store) => self.store_down(receipt, &store).await,
            },
            Verdict::Fenced => {
                tracing::warn!(request.id = %request.id, "another invocation works on this request; this one stops");
                Handled::Again
            }
            Verdict::Succeeded => self.end(&held, request, None, told, receipt).await,
            Verdict::Failed(error) => self.end(&held, request, Some(error), told, receipt).await,
            Verdict::Waiting(waiting) => self.wait(&held, request, waiting, receipt).await,
            Verdict::Paused { delay, reason } => self.pause(&held, request, delay, reason, receipt).await,
        }
    }

    async fn end(
        &self,
        held: &Held,
        mut request: StoredRequest,
        error: Option<RequestError>,
        told: &BTreeSet<Address>,
        receipt: &str,
    ) -> Handled {
        request.status = if error.is_none() { Status::Succeeded } else { Status::Failed };
        request.error = error;
        // The ticket and the channels are told first: if this stops in between, the message comes again and tells what
        // was not told yet.
        join(self.note_end(&request, told), self.announce(&request)).await;
        self.measure(&request);
        match self.store.save(held, request, None).await {
            Ok(_) => Handled::Done,
            Err(error) => self.store_down(receipt, &error).await,
        }
    }

    async fn wait(&self, held: &Held, mut request: StoredRequest, waiting: WaitingFor, receipt: &str) -> Handled {
        let look_again = self.later(LOOK_AGAIN);
        let due = waiting.until.map_or(look_again, |until| until.max(self.clock.now()));
        let same = held.request.waiting_for.as_ref().is_some_and(|known| known.what == waiting.what);
        request.status = Status::Waiting;
        request.waiting_for = Some(WaitingFor {
            since: held.request.waiting_for.as_ref().filter(|_| same).map_or(waiting.since, |known| known.since),
            ..waiting
        });
        self.note_waiting(&request).await;
        if !same {
            self.announce(&request).await;
        }
        match self.store.save(held, request, Some(due)).await {
            // The message is done with: the sweep sends another one when it is time, so nothing is blocked for days.
            Ok(_) => Handled::Done,
            Err(error) => self.store_down(receipt, &error).await,
        }
    }

    async fn pause(
        &self,
        held: &Held,
        mut request: StoredRequest,
        delay: Duration,
        reason: String,
        receipt: &str,
    ) -> Handled {
        tracing::info!(request.id = %request.id, delay_s = delay.as_secs(), reason, "request `{}` pauses", request.id);
        request.status = Status::Paused;
        request.waiting_for = Some(WaitingFor {
            who: "nobody".into(),
            what: reason,
            since: self.clock.now(),
            until: SignedDuration::try_from(delay).ok().map(|delay| self.later(delay)),
        });
        if let Err(error) = self.store.save(held, request, Some(self.later(LOST_AFTER))).await {
            tracing::warn!(%error, "the pause could not be stored");
        }
        self.again_after(receipt, delay).await
    }

    /// Tells people and machines, once for each way in which a request stands.
    async fn announce(&self, request: &StoredRequest) {
        let notice = RequestNotice::of(request, &self.config.deployment);
        let what =
            format!("{}:{:?}:{:?}", request.attempt, request.status, request.waiting_for.as_ref().map(|w| &w.what));
        match self.store.first_time(&format!("notice:{}", request.id), &what, REMEMBERED).await {
            Ok(true) => drop(self.notices.tell(&notice).await),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "it is not known whether a notice was sent; it is not sent again"),
        }
    }

    /// The state store does not answer: the message comes again.
    async fn store_down(&self, receipt: &str, error: &StoreError) -> Handled {
        tracing::warn!(%error, "the state store did not take the status; the message comes again");
        self.again_after(receipt, Duration::from_secs(15)).await
    }

    pub(super) async fn again_after(&self, receipt: &str, delay: Duration) -> Handled {
        if let Err(error) = self.queue.pause(receipt, delay).await {
            tracing::warn!(%error, "the message keeps its visibility; it comes again when that ends");
        }
        Handled::Again
    }

    fn later(&self, by: SignedDuration) -> Timestamp {
        self.clock.now() + by
    }

    /// One metric line a run: what it took and what it cost the systems.
    fn measure(&self, request: &StoredRequest) {
        let now = self.clock.now();
        let took = now.duration_since(request.created).unsigned_abs();
        let counters = self.sender.take_counters();
        let changed = |step: &&Step| step.status == StepStatus::Done && step.change != ChangeKind::None;
        let failed = |step: &&Step| step.status == StepStatus::Failed;
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let figures = RunMetrics {
            deployment: self.config.deployment.clone(),
            action: request.content.action.to_string(),
            status: if request.status == Status::Succeeded { "succeeded" } else { "failed" }.into(),
            request: request.id.to_string(),
            integration: request.content.integration.as_ref().map(ToString::to_string).unwrap_or_default(),
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            calls: counters.values().map(|c| c.calls).sum(),
            retries: counters.values().map(|c| c.retries).sum(),
            waited_ms: counters.values().map(|c| c.waited_ms).sum(),
            changes: count(request.steps.iter().filter(changed).count()),
            failures: count(request.steps.iter().filter(failed).count()),
        };
        telemetry::emit(&figures, now);
    }
}

fn reported(request: &StoredRequest, conclusion: &Conclusion) -> StoredRequest {
    let mut request = request.clone();
    let report = &conclusion.report;
    if !report.steps.is_empty() {
        request.steps.clone_from(&report.steps);
    }
    request.findings.clone_from(&report.findings);
    request.handoffs.clone_from(&report.handoffs);
    request.plan = Some(report.plan.clone()).filter(|plan| !plan.digest.is_empty());
    request.error = None;
    request
}

fn backoff(failures: u32) -> Duration {
    Duration::from_secs(2).saturating_mul(1 << failures.min(8)).min(LONGEST_PAUSE)
}

fn given_up(error: RequestError, failures: u32) -> RequestError {
    RequestError { message: format!("{} (after {failures} attempts)", error.message), ..error }
}
