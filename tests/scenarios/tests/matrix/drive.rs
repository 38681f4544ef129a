//! A request from its posting to its end, as the queue's worker takes it there.

use std::time::Duration;

use extoauth_automation::conduct::{Conclusion, Conductor, Progress, Report, Verdict};
use extoauth_core::clock::Clock as _;
use extoauth_core::request::{RequestError, Status, StoredRequest, Submission, WaitingFor};
use extoauth_sandbox::seed;
use extoauth_scenarios::tickets;
use serde_json::Value;

use crate::house::{House, timing};

/// Failed attempts until a request ends failed, as in the worker.
const MAX_FAILURES: u32 = 5;
/// The rotation function's ARN; in this process the tests are the function.
pub const ROTATE_FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:extoauth-sandbox-rotate-secret";
/// Rounds after which a request hangs.
const MAX_ROUNDS: u32 = 80;

/// How a request ended, or what it waits for.
pub struct Ended {
    /// How.
    pub verdict: Verdict,
    /// What the last round told.
    pub report: Report,
    /// The request as it is stored then.
    pub request: StoredRequest,
    /// Rounds, crashes included.
    pub rounds: u32,
    /// Crashes.
    pub crashes: u32,
}

impl Ended {
    /// Whether it succeeded.
    pub fn is_good(&self) -> bool {
        matches!(self.verdict, Verdict::Succeeded)
    }

    /// Asserts that it succeeded.
    pub fn good(self) -> Self {
        assert!(self.is_good(), "{:?}\n{:#?}", self.verdict, self.report.steps);
        self
    }

    /// Why it failed.
    pub fn error(&self) -> &RequestError {
        match &self.verdict {
            Verdict::Failed(error) => error,
            other => panic!("it has not failed: {other:?}"),
        }
    }

    /// What it waits for.
    pub fn waits(&self) -> &WaitingFor {
        match &self.verdict {
            Verdict::Waiting(waiting) => waiting,
            other => panic!("it does not wait: {other:?}"),
        }
    }
}

/// A golden ticket's request.
pub fn golden(name: &str) -> Value {
    tickets::golden(name).expect("a golden ticket")
}

impl House {
    /// Accepts a request body as intake does.
    pub fn post(&self, body: &Value) -> StoredRequest {
        let submission = Submission::parse(body.to_string().as_bytes()).expect("JSON");
        let content = submission.validate(&self.systems, &self.policy).expect("a valid request");
        StoredRequest::new(content, None, self.watch.now())
    }

    /// Posts and drives a golden ticket.
    pub async fn run(&self, ticket: &str) -> Ended {
        self.drive(self.post(&golden(ticket))).await
    }

    /// Posts and drives any request body; its ticket must be there.
    pub async fn run_body(&self, body: &Value) -> Ended {
        self.drive(self.post(body)).await
    }

    /// Makes a new approved ticket like this one and runs it.
    pub async fn run_anew(&self, body: &Value) -> Ended {
        let body = self.admin.reopened(body).await.expect("a ticket");
        self.run_body(&body).await
    }

    /// Posts a request again that has failed.
    pub async fn run_again(&self, ended: &Ended) -> Ended {
        let request = &ended.request;
        self.drive(request.next_attempt(request.content.clone(), None, self.watch.now())).await
    }

    /// Takes a request to its end as the queue's worker does.
    pub async fn drive(&self, mut request: StoredRequest) -> Ended {
        let (mut failures, mut crashes) = (0, 0);
        for rounds in 1..=MAX_ROUNDS {
            let Some(Conclusion { verdict, report }) = self.attempt(&mut request).await else {
                crashes += 1;
                continue;
            };
            let verdict = match verdict {
                Verdict::Retry(_) if failures + 1 < MAX_FAILURES => {
                    failures += 1;
                    continue;
                }
                Verdict::Retry(error) => Verdict::Failed(error),
                Verdict::Paused { .. } | Verdict::Fenced => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
                other => other,
            };
            request.status = match &verdict {
                Verdict::Succeeded => Status::Succeeded,
                Verdict::Waiting(_) => Status::Waiting,
                _ => Status::Failed,
            };
            return Ended { verdict, report, request, rounds, crashes };
        }
        panic!(
            "the request has not ended after {MAX_ROUNDS} rounds: {}",
            self.said().lines().last().unwrap_or_default()
        );
    }

    /// One message's worth of work in a process of its own; none if the process died on the way.
    pub async fn attempt(&self, request: &mut StoredRequest) -> Option<Conclusion> {
        request.status = Status::Running;
        let process = self.process();
        let progress = Progress::default();
        let clock = &*self.watch;
        let conductor = Conductor {
            deployment: seed::DEPLOYMENT,
            systems: &self.systems,
            policy: &self.policy,
            clients: &process.clients,
            ledger: &self.memory,
            leases: &self.memory,
            registry: &self.memory,
            alerts: &self.memory,
            clock,
            timing: timing(),
            rotate_function: Some(ROTATE_FUNCTION),
            time: clock.now(),
            progress: &progress,
        };
        let concluded = tokio::select! {
            conclusion = conductor.conduct(request) => Some(conclusion),
            () = self.crash.now.notified() => None,
        };
        drop(process);
        match &concluded {
            Some(conclusion) => {
                self.heard(format!("{conclusion:?}"));
                request.plan = Some(conclusion.report.plan.clone()).filter(|plan| !plan.digest.is_empty());
            }
            None => {
                self.heard("the process died".to_owned());
                self.buried().await;
            }
        }
        concluded
    }
}
