//! What is applied is what was approved: the ticket is read back from its instance.

use extoauth_core::error::CallResult;
use extoauth_core::ids::IntegrationName;
use extoauth_core::policy::Policy;
use extoauth_core::problem::Problem;
use extoauth_core::request::{Content, RequestError, StoredRequest, Variables, codes};
use extoauth_core::systems::{ServicenowSettings, SystemsConfig};
use extoauth_systems::servicenow::{Approval as ApprovalRow, Ticket};
use futures::future::try_join;
use jiff::Timestamp;

use super::ending::verdict_of;
use super::{Conductor, Verdict, store_failed};

/// Who asked for a request and who approved it, as the ticket system says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Approval {
    /// Who asked.
    pub requested_by: String,
    /// Who approved; empty where no approval is needed.
    pub approved_by: String,
    /// When.
    pub approved_at: Option<Timestamp>,
}

/// What the ticket system says.
struct ReadBack {
    ticket: Ticket,
    approvals: Vec<ApprovalRow>,
    opened_by_groups: Vec<String>,
    requested_for_groups: Vec<String>,
}

impl Conductor<'_> {
    /// Reads the ticket back and judges it.
    pub(super) async fn approval(&self, request: &StoredRequest) -> Result<Approval, Verdict> {
        let content = &request.content;
        let Some(settings) = self.systems.servicenow.get(&content.instance) else {
            let message = format!("`{}` is no longer a configured ServiceNow instance", content.instance);
            return Err(refused(codes::NOT_VALID, message, "configure it, or send the ticket from another one"));
        };
        let read = self.read_ticket(content).await.map_err(|e| verdict_of(&e))?;
        let approval = judge(content, &read, settings, self.systems, self.policy).map_err(Verdict::Failed)?;
        self.approved_what_was_shown(content, &approval).await?;
        Ok(approval)
    }

    async fn read_ticket(&self, content: &Content) -> CallResult<ReadBack> {
        let read = self.clients.servicenow(&content.instance)?.0;
        let sys_id = &content.ticket.sys_id;
        let names: Vec<&str> = ["action", "integration"].into_iter().chain(Variables::all_names()).collect();
        let ticket = read.ticket(&content.ticket.table, sys_id, &names);
        let (ticket, approvals) = try_join(ticket, read.approvals(sys_id)).await?;
        let (mut opened_by, mut requested_for) = (Vec::new(), Vec::new());
        if !self.policy.requester_groups.is_empty() {
            let groups = try_join(read.groups_of(&ticket.opened_by.value), read.groups_of(&ticket.requested_for.value));
            (opened_by, requested_for) = groups.await?;
        }
        Ok(ReadBack { ticket, approvals, opened_by_groups: opened_by, requested_for_groups: requested_for })
    }

    /// With a plan digest the approval must be later than the note that showed the plan: nobody can have approved what
    /// was not there to be seen.
    async fn approved_what_was_shown(&self, content: &Content, approval: &Approval) -> Result<(), Verdict> {
        let (Some(digest), Some(name)) = (content.variables.text("plan_digest"), &content.integration) else {
            return Ok(());
        };
        let shown = self.shown_at(name, digest).await?;
        match (shown, approval.approved_at) {
            (Some(shown), Some(approved)) if approved >= shown => Ok(()),
            (None, _) => Err(refused(
                codes::PLAN_CHANGED,
                format!("no plan of `{name}` with the digest {digest} was shown"),
                "ask for a plan, then send the ticket with that plan's digest",
            )),
            _ => Err(refused(
                codes::NOT_APPROVED,
                "the approval is older than the plan that it is to approve",
                "have the ticket approved again, now that the plan is shown on it",
            )),
        }
    }

    async fn shown_at(&self, name: &IntegrationName, digest: &str) -> Result<Option<Timestamp>, Verdict> {
        self.registry.plan_shown_at(name, digest).await.map_err(|e| store_failed(&e))
    }
}

fn refused(code: &str, message: impl Into<String>, fix: &str) -> Verdict {
    Verdict::Failed(error(code, message, fix))
}

fn error(code: &str, message: impl Into<String>, fix: &str) -> RequestError {
    RequestError { code: code.into(), message: message.into(), system: None, fix: fix.into() }
}

/// Judges a ticket that was read back. Requester is who opened it and for whom: both must be allowed, and neither may be
/// the approver.
fn judge(
    content: &Content,
    read: &ReadBack,
    settings: &ServicenowSettings,
    systems: &SystemsConfig,
    policy: &Policy,
) -> Result<Approval, RequestError> {
    let ReadBack { ticket, approvals, .. } = read;
    if !settings.cat_items.contains(&ticket.cat_item) {
        let message = format!("the ticket's catalogue item `{}` is not one that extoauth accepts", ticket.cat_item);
        return Err(error(codes::NOT_ALLOWED, message, "order the catalogue item that is configured for extoauth"));
    }
    for (role, person, groups) in [
        ("opened_by", &ticket.opened_by, &read.opened_by_groups),
        ("requested_for", &ticket.requested_for, &read.requested_for_groups),
    ] {
        let names = [person.value.as_str(), person.email.as_deref().unwrap_or_default()];
        if !policy.allows_requester(names, groups.iter().map(String::as_str)) {
            let message = format!("{role} of the ticket (`{}`) is not an allowed requester", person.value);
            return Err(error(codes::NOT_ALLOWED, message, "have somebody ask whom the policy's `requesters` name"));
        }
    }
    let mismatch = content.ticket_matches(
        ticket.variables.get("action").map_or("", String::as_str),
        ticket.variables.get("integration").map_or("", String::as_str),
        &ticket.variables,
        systems,
        policy,
    );
    if !mismatch.is_empty() {
        let all: Vec<String> = mismatch.iter().map(Problem::to_string).collect();
        let message = format!("the ticket asks for something else than the request: {}", all.join("; "));
        return Err(error(codes::TICKET_MISMATCH, message, "send the request with exactly the ticket's values"));
    }
    let requested_by = ticket.requested_for.email.clone().unwrap_or_else(|| ticket.requested_for.value.clone());
    if !content.needs_approval() {
        return Ok(Approval { requested_by, ..Approval::default() });
    }
    if ticket.approval != "approved" {
        let message = format!("the ticket's approval is `{}`", ticket.approval);
        return Err(error(codes::NOT_APPROVED, message, "have the ticket approved, then post the request again"));
    }
    let requesters = [&ticket.opened_by.value, &ticket.requested_for.value];
    // The latest counts: whoever approves after a plan was shown has seen it.
    let other = approvals.iter().filter(|row| !requesters.contains(&&row.approver)).max_by_key(|row| row.at);
    match (other, approvals.is_empty()) {
        (Some(row), _) => Ok(Approval {
            requested_by,
            approved_by: row.name.clone().unwrap_or_else(|| row.approver.clone()),
            approved_at: row.at,
        }),
        (None, true) => Err(error(
            codes::NOT_APPROVED,
            "the ticket says that it is approved, but no approver has approved it",
            "have the ticket approved by a person other than its requester",
        )),
        (None, false) => Err(error(
            codes::NOT_ALLOWED,
            "the ticket was approved by the person who asked for it",
            "have the ticket approved by a person other than its requester",
        )),
    }
}
