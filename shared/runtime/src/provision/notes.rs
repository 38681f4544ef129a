//! What the ticket is told: each thing once, whatever is retried. A ticket that cannot be told keeps nobody from working.

use std::collections::BTreeSet;

use extoauth_core::engine::{ChangeKind, Step, StepStatus};
use extoauth_core::error::ErrorKind;
use extoauth_core::finding::Severity;
use extoauth_core::handoff::Handoff;
use extoauth_core::ids::Address;
use extoauth_core::request::{Status, StoredRequest};

use super::{REMEMBERED, Worker};

/// ServiceNow's usual number of a ticket's state "Closed Complete".
const CLOSED_COMPLETE: &str = "3";

impl Worker {
    pub(super) async fn note_begin(&self, request: &StoredRequest) {
        let text = format!("extoauth has begun to {} this request (attempt {}).", verb(request), request.attempt);
        self.note(request, "begin", &text).await;
    }

    /// Steps that were done since the last note; `told` are those that a note of this invocation has told. A later
    /// invocation finds them as they should be, so they are no news to it.
    pub(super) async fn note_progress(&self, request: &StoredRequest, told: &mut BTreeSet<Address>) {
        let news = news(request, told);
        told.extend(news.iter().map(|step| step.resource.clone()));
        if !news.is_empty() {
            let topic = format!("steps:{}", news.iter().map(|s| s.resource.as_str()).collect::<Vec<_>>().join(","));
            self.note(request, &topic, &format!("Done so far:\n{}", lines(&news))).await;
        }
    }

    pub(super) async fn note_waiting(&self, request: &StoredRequest) {
        let Some(waiting) = &request.waiting_for else { return };
        let until = waiting.until.map(|u| format!(" It goes on by itself at {u}.")).unwrap_or_default();
        let text = format!("Waiting for {}: {}.{until}", waiting.who, waiting.what.trim_end_matches('.'));
        self.note(request, &format!("waiting:{}", waiting.what), &text).await;
    }

    pub(super) async fn note_end(&self, request: &StoredRequest, told: &BTreeSet<Address>) {
        let news = news(request, told);
        let mut text = summary(request);
        if !news.is_empty() {
            text.push_str(&format!("\n\nSteps:\n{}", lines(&news)));
        }
        if request.status == Status::Succeeded && !request.handoffs.is_empty() {
            text.push_str(&format!("\n\nLeft for people:\n{}", handoffs(&request.handoffs)));
        }
        if !self.note(request, "end", &text).await {
            return;
        }
        // A plan or a comparison leaves the ticket open: it is about what comes next.
        if request.content.action.is_repeatable() {
            return;
        }
        // A failed request may be posted again, so its ticket stays open.
        if request.status != Status::Succeeded {
            return;
        }
        let ticket = &request.content.ticket;
        let Ok((_, write)) = self.clients.servicenow(&request.content.instance) else { return };
        if let Err(error) = write.close(&ticket.table, &ticket.sys_id, CLOSED_COMPLETE, &summary(request)).await {
            tracing::warn!(%error, "ticket `{}` could not be closed", ticket.number);
        }
    }

    /// Appends a note unless the ticket has it. The marker at its end makes it recognisable after a lost answer. Gives
    /// whether it is new.
    async fn note(&self, request: &StoredRequest, topic: &str, text: &str) -> bool {
        let topic = format!("{}:{topic}", request.attempt);
        let scope = format!("note:{}", request.id);
        match self.store.first_time(&scope, &topic, REMEMBERED).await {
            Ok(true) => {}
            Ok(false) => return false,
            Err(error) => {
                tracing::warn!(%error, "it is not known whether the ticket was told already; it is not told again");
                return false;
            }
        }
        let ticket = &request.content.ticket;
        let Ok((read, write)) = self.clients.servicenow(&request.content.instance) else { return true };
        let marker = format!("extoauth {} {}", request.id, short(&topic));
        let full = format!("{text}\n\n[{marker}]");
        let mut sent = write.add_work_note(&ticket.table, &ticket.sys_id, &full).await;
        if sent.as_ref().is_err_and(|e| e.kind == ErrorKind::Ambiguous) {
            match read.has_work_note(&ticket.sys_id, &marker).await {
                Ok(true) => return true,
                Ok(false) => sent = write.add_work_note(&ticket.table, &ticket.sys_id, &full).await,
                Err(error) => tracing::warn!(%error, "it is not known whether the ticket was told"),
            }
        }
        if let Err(error) = sent {
            tracing::warn!(%error, "ticket `{}` could not be told", ticket.number);
            if error.kind != ErrorKind::Ambiguous {
                // It was not told: another try may.
                if let Err(error) = self.store.forget_sent(&scope, &topic).await {
                    tracing::warn!(%error, "the ticket will not be told again");
                }
            }
        }
        true
    }
}

/// Steps that changed something and that no note has told yet.
fn news<'r>(request: &'r StoredRequest, told: &BTreeSet<Address>) -> Vec<&'r Step> {
    let changed = |step: &&Step| step.status == StepStatus::Done && step.change != ChangeKind::None;
    request.steps.iter().filter(changed).filter(|step| !told.contains(&step.resource)).collect()
}

/// A short name for a topic, safe within a query.
fn short(topic: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(topic.as_bytes()).iter().take(4).map(|b| format!("{b:02x}")).collect()
}

fn verb(request: &StoredRequest) -> &'static str {
    use extoauth_core::request::Action;
    match request.content.action {
        Action::Plan => "plan",
        Action::Verify => "verify",
        _ => "carry out",
    }
}

fn summary(request: &StoredRequest) -> String {
    let what = request.content.integration.as_ref().map_or_else(String::new, |name| format!(" of `{name}`"));
    let action = request.content.action;
    let mut text = match (&request.status, &request.error) {
        (Status::Failed, Some(error)) => {
            format!("{action}{what} has failed ({}).\n{}\nWhat to do: {}", error.code, error.message, error.fix)
        }
        _ => format!("{action}{what} has succeeded."),
    };
    if let Some(plan) = &request.plan {
        match plan.changes.len() {
            0 => text.push_str("\nEverything is as it should be: no change."),
            n => text.push_str(&format!("\n{n} changes, plan digest {}.", plan.digest)),
        }
    }
    let notable = request.findings.iter().filter(|f| f.severity > Severity::Info);
    for finding in notable {
        text.push_str(&format!("\n{:?}: {} ({})", finding.severity, finding.found, finding.fix));
    }
    text
}

fn lines(steps: &[&Step]) -> String {
    steps.iter().map(|step| format!("- {}: {}", step.resource, step.detail)).collect::<Vec<_>>().join("\n")
}

fn handoffs(all: &[Handoff]) -> String {
    let one = |handoff: &Handoff| {
        let values: Vec<String> = handoff.values.iter().map(|(name, value)| format!("  {name}: {value}")).collect();
        format!("- {} — {} ({})\n{}", handoff.who, handoff.what, handoff.place, values.join("\n"))
    };
    all.iter().map(one).collect::<Vec<_>>().join("\n")
}
