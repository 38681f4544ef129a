//! What a request's runs have to tell.

use extoauth_core::engine::{Change, Outcome, Plan, Step};
use extoauth_core::finding::Finding;
use extoauth_core::handoff::Handoff;

/// Steps, changes, findings and hand-offs of all runs of a request.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Steps, in the order in which they began.
    pub steps: Vec<Step>,
    /// What was or would be changed.
    pub plan: Plan,
    /// What was noticed.
    pub findings: Vec<Finding>,
    /// What people must do.
    pub handoffs: Vec<Handoff>,
}

impl Report {
    /// The report of several runs.
    pub fn of(outcomes: &[&Outcome]) -> Self {
        let mut report = Self::default();
        let mut changes: Vec<Change> = Vec::new();
        for outcome in outcomes {
            report.steps.extend(outcome.steps.iter().cloned());
            changes.extend(outcome.plan.changes.iter().cloned());
            report.findings.extend(outcome.findings.iter().cloned());
            report.handoffs.extend(outcome.handoffs.iter().cloned());
        }
        report.plan = Plan::of(changes);
        report
    }
}
