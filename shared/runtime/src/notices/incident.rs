//! Incidents in ServiceNow: one for each matter and threshold, resolved when it is mended.

use extoauth_core::error::{CallError, ErrorKind};
use extoauth_core::finding::Severity;
use extoauth_core::notice::{Notice, NoticeKind};
use extoauth_systems::servicenow::{NewIncident, Write};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::mail::is_address;
use super::{Carrier, Channel, Sending};

pub(super) struct Incidents {
    client: Write,
}

impl Incidents {
    pub(super) fn new(client: Write) -> Self {
        Self { client }
    }

    async fn send(&self, notice: &Notice) -> Sending {
        let done = match notice.kind {
            NoticeKind::Matter => self.open(notice).await,
            NoticeKind::Mended => self.resolve(notice).await,
        };
        match done {
            Ok(()) => Sending::Sent,
            Err(error) if error.kind == ErrorKind::Ambiguous => Sending::Unknown(error.to_string()),
            Err(error) => Sending::NotSent(error.to_string()),
        }
    }

    /// Looks before it opens: whoever repeats it finds what is there.
    async fn open(&self, notice: &Notice) -> Result<(), CallError> {
        for incident in &notice.incidents {
            let correlation = correlation(incident);
            let there = self.client.incidents(&correlation).await?;
            let Some(known) = there.first() else {
                let new = self.new_incident(notice, correlation).await?;
                self.client.open_incident(&new).await?;
                continue;
            };
            // Told again of the same (an expired date, every day): the incident hears it once.
            let marker = format!("extoauth {}", notice.id);
            if !known.is_over() && !self.client.has_work_note(&known.sys_id, &marker).await? {
                let text = format!("{}\n\n({marker})", notice.text());
                self.client.add_work_note("incident", &known.sys_id, &text).await?;
            }
        }
        Ok(())
    }

    async fn new_incident(&self, notice: &Notice, correlation: String) -> Result<NewIncident, CallError> {
        // By how many people cannot work, and how soon.
        let (impact, urgency) = match notice.finding.severity {
            Severity::Critical => ("2", "1"),
            Severity::Warning | Severity::Unknown => ("3", "2"),
            Severity::Info | Severity::Ok => ("3", "3"),
        };
        let group = notice.owner.as_deref().filter(|owner| !owner.is_empty() && !is_address(owner));
        let assignment_group = match group {
            Some(group) => self.client.group(group).await?,
            None => None,
        };
        Ok(NewIncident {
            correlation_id: correlation,
            short_description: notice.subject(),
            description: format!("{}\n\n(extoauth {})", notice.text(), notice.id),
            impact,
            urgency,
            assignment_group,
        })
    }

    async fn resolve(&self, notice: &Notice) -> Result<(), CallError> {
        for incident in &notice.incidents {
            for known in self.client.incidents(&correlation(incident)).await? {
                if !known.is_over() {
                    self.client.resolve_incident(&known, &notice.text()).await?;
                }
            }
        }
        Ok(())
    }
}

/// Ours among all correlation ids of an instance.
fn correlation(incident: &str) -> String {
    format!("extoauth:{incident}")
}

impl Carrier for Incidents {
    fn channel(&self) -> Channel {
        Channel::Incident
    }

    fn carry<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Sending> {
        self.send(notice).boxed()
    }
}
