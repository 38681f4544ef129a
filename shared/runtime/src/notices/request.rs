//! Tells the world how a request stands: a message for people on SNS, an event for machines on EventBridge.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_sns::types::MessageAttributeValue;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use extoauth_core::finding::Severity;
use extoauth_core::request::{Action, RequestError, Status, StoredRequest, WaitingFor};
use jiff::Timestamp;
use serde::Serialize;

use super::SOURCE;

/// `detail-type` of the event of a request that has ended.
pub const FINISHED: &str = "Integration Request Finished";
/// `detail-type` of the event of a request that waits.
pub const WAITING: &str = "Integration Request Waiting";

/// The longest subject of an SNS message (SNS API reference, `Publish`).
const SUBJECT: usize = 100;

/// How a request stands, without anything secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestNotice {
    /// Version of this shape.
    pub schema: u32,
    /// Name of the deployment.
    pub deployment: String,
    /// Id of the request.
    pub request: String,
    /// What was asked.
    pub action: Action,
    /// Name of the integration; empty for an action of a system.
    pub integration: String,
    /// Where it stands.
    pub status: Status,
    /// Which try it is.
    pub attempt: u32,
    /// The ticket system's instance.
    pub instance: String,
    /// Number of the ticket.
    pub ticket: String,
    /// When this was so.
    pub at: Timestamp,
    /// What it waits for.
    pub waiting_for: Option<WaitingFor>,
    /// Why it failed.
    pub error: Option<RequestError>,
    /// How many findings there are of each severity.
    pub findings: BTreeMap<Severity, usize>,
    /// How many hand-offs are not known to be done.
    pub handoffs_open: usize,
}

impl RequestNotice {
    /// Version of the shape.
    const SCHEMA: u32 = 1;

    /// The notice of a request as it stands.
    pub fn of(request: &StoredRequest, deployment: &str) -> Self {
        let mut findings = BTreeMap::new();
        for finding in &request.findings {
            *findings.entry(finding.severity).or_default() += 1;
        }
        Self {
            schema: Self::SCHEMA,
            deployment: deployment.to_owned(),
            request: request.id.to_string(),
            action: request.content.action,
            integration: request.content.integration.as_ref().map(ToString::to_string).unwrap_or_default(),
            status: request.status,
            attempt: request.attempt,
            instance: request.content.instance.clone(),
            ticket: request.content.ticket.number.clone(),
            at: request.updated,
            waiting_for: request.waiting_for.clone(),
            error: request.error.clone(),
            findings,
            handoffs_open: request.handoffs.iter().filter(|handoff| handoff.done != Some(true)).count(),
        }
    }

    fn detail_type(&self) -> &'static str {
        if self.status.is_final() { FINISHED } else { WAITING }
    }

    fn status_word(&self) -> &'static str {
        match self.status {
            Status::Accepted => "accepted",
            Status::Running => "running",
            Status::Paused => "paused",
            Status::Waiting => "waiting",
            Status::Succeeded => "succeeded",
            Status::Failed => "failed",
        }
    }

    /// A line for a mail's subject: printable ASCII, which is all that SNS takes.
    fn subject(&self) -> String {
        let line = format!(
            "extoauth {}: {} {} {}",
            self.deployment,
            self.action,
            if self.integration.is_empty() { "system" } else { &self.integration },
            self.status_word()
        );
        line.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).take(SUBJECT).collect()
    }

    /// The message for people.
    fn text(&self) -> String {
        let mut lines = vec![
            self.subject(),
            format!("Ticket {} of {}, request {}, attempt {}", self.ticket, self.instance, self.request, self.attempt),
        ];
        if let Some(error) = &self.error {
            lines.push(format!("Why: {} ({})", error.message, error.code));
            lines.push(format!("What to do: {}", error.fix));
        }
        if let Some(waiting) = &self.waiting_for {
            lines.push(format!("Waits for {}: {}", waiting.who, waiting.what));
        }
        let bad = [Severity::Critical, Severity::Warning, Severity::Unknown];
        let count = |severity: &Severity| self.findings.get(severity).copied().unwrap_or_default();
        if bad.iter().any(|severity| count(severity) > 0) {
            let [critical, warning, unknown] = bad.map(|severity| count(&severity));
            lines.push(format!("Findings: {critical} critical, {warning} warnings, {unknown} that could not be read"));
        }
        if self.handoffs_open > 0 {
            lines.push(format!("Steps for people: {}; the ticket shows them", self.handoffs_open));
        }
        lines.join("\n")
    }
}

/// Where notices of requests go. Lives as long as the process.
pub(super) struct Requests {
    sns: aws_sdk_sns::Client,
    events: aws_sdk_eventbridge::Client,
    topic_arn: String,
    event_bus: String,
}

impl Requests {
    /// Notices to this topic and this bus; where one is empty, nothing is sent there. No call is made.
    pub(super) fn new(base: &SdkConfig, topic_arn: impl Into<String>, event_bus: impl Into<String>) -> Self {
        Self {
            sns: aws_sdk_sns::Client::new(base),
            events: aws_sdk_eventbridge::Client::new(base),
            topic_arn: topic_arn.into(),
            event_bus: event_bus.into(),
        }
    }

    /// Sends the message for people.
    ///
    /// # Errors
    /// Why it was not sent, for the log.
    pub(super) async fn tell_people(&self, notice: &RequestNotice) -> Result<(), String> {
        if self.topic_arn.is_empty() {
            return Ok(());
        }
        let attribute = |value: &str| {
            MessageAttributeValue::builder().data_type("String").string_value(value).build().map_err(|e| e.to_string())
        };
        let mut request = self
            .sns
            .publish()
            .topic_arn(&self.topic_arn)
            .subject(notice.subject())
            .message(notice.text())
            .message_attributes("status", attribute(notice.status_word())?)
            .message_attributes("action", attribute(notice.action.name())?);
        if !notice.integration.is_empty() {
            request = request.message_attributes("integration", attribute(&notice.integration)?);
        }
        request.send().await.map(drop).map_err(|e| told("SNS", &e))
    }

    /// Puts the event for machines.
    ///
    /// # Errors
    /// Why it was not put, for the log.
    pub(super) async fn tell_machines(&self, notice: &RequestNotice) -> Result<(), String> {
        if self.event_bus.is_empty() {
            return Ok(());
        }
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.event_bus)
            .source(SOURCE)
            .detail_type(notice.detail_type())
            .detail(serde_json::to_string(notice).map_err(|e| e.to_string())?)
            .build();
        let put = self.events.put_events().entries(entry).send().await.map_err(|e| told("EventBridge", &e))?;
        // The call succeeds although its one entry was refused.
        match put.entries().iter().find_map(|entry| entry.error_code().map(|code| (code, entry.error_message()))) {
            Some((code, message)) => Err(format!("EventBridge: {code}: {}", message.unwrap_or("no message"))),
            None => Ok(()),
        }
    }

    /// Sends both, each failing alone; failures are logged and given back. A request does not fail for them.
    pub(super) async fn tell(&self, notice: &RequestNotice) -> Vec<String> {
        let (people, machines) = futures::future::join(self.tell_people(notice), self.tell_machines(notice)).await;
        let failures: Vec<String> = [people, machines].into_iter().filter_map(Result::err).collect();
        for failure in &failures {
            tracing::warn!(request = notice.request, failure, "a notice was not sent");
        }
        failures
    }
}

fn told<E: ProvideErrorMetadata, R>(service: &str, error: &SdkError<E, R>) -> String {
    match (error.code(), error.message()) {
        (Some(code), message) => format!("{service}: {code}: {}", message.unwrap_or("no message")),
        (None, _) => format!("{service}: no answer"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(status: Status) -> RequestNotice {
        RequestNotice {
            schema: 1,
            deployment: "prod".into(),
            request: "r".into(),
            action: Action::Provision,
            integration: "analytics-dev".into(),
            status,
            attempt: 2,
            instance: "acme.service-now.com".into(),
            ticket: "RITM0012345".into(),
            at: Timestamp::UNIX_EPOCH,
            waiting_for: None,
            error: None,
            findings: BTreeMap::from([(Severity::Ok, 30), (Severity::Warning, 1)]),
            handoffs_open: 3,
        }
    }

    #[test]
    fn people_read_what_happened_and_what_to_do() {
        let mut failed = notice(Status::Failed);
        failed.error = Some(RequestError {
            code: "not_approved".into(),
            message: "The ticket is not approved.".into(),
            system: None,
            fix: "Approve it.".into(),
        });
        let text = failed.text();
        assert!(text.starts_with("extoauth prod: provision analytics-dev failed\n"), "{text}");
        for part in ["RITM0012345", "not_approved", "Approve it.", "1 warnings", "Steps for people: 3"] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    #[test]
    fn a_subject_is_one_that_sns_takes() {
        let mut odd = notice(Status::Succeeded);
        odd.deployment = format!("pröd\n{}", "x".repeat(200));
        let subject = odd.subject();
        assert_eq!(subject.len(), 100);
        assert!(subject.chars().all(|c| c.is_ascii_graphic() || c == ' '), "{subject}");
    }

    #[test]
    fn an_event_says_whether_it_is_over() {
        assert_eq!(notice(Status::Succeeded).detail_type(), FINISHED);
        assert_eq!(notice(Status::Failed).detail_type(), FINISHED);
        assert_eq!(notice(Status::Waiting).detail_type(), WAITING);
        let detail = serde_json::to_value(notice(Status::Waiting)).expect("JSON");
        assert_eq!(detail["findings"]["warning"], 1);
        assert_eq!(detail["status"], "waiting");
    }
}
