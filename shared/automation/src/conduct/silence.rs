//! Acknowledge and snooze: somebody knows of an alert, or wants to hear of it later.

use std::time::Duration;

use extoauth_core::alert::{About, Acknowledged, Alert, Next};
use extoauth_core::engine::{ChangeKind, Draft, Event, FieldChange, InventoryChange};
use extoauth_core::ids::{Address, Subject};
use extoauth_core::request::{Action, RequestError, StoredRequest, codes};
use extoauth_core::systems::SystemId;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Approval, Conclusion, Conductor, Report, Verdict, store_failed};

/// The longest silence that can be asked for at once: longer than a quarter, nobody remembers what was silenced.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 90);
/// Looks at an alert that a check changes at the same moment.
const ROUNDS: u32 = 5;
/// How long the lease for the journal's entry is held at most.
const LEASE: Duration = Duration::from_secs(60);

impl Conductor<'_> {
    /// Notes on an alert that somebody knows of it, or until when nothing is to be said.
    pub(super) async fn silence(&self, request: &StoredRequest) -> Result<Conclusion, Verdict> {
        let approval = self.approval(request).await?;
        let about = about(request)?;
        let id = request.content.variables.text("finding").unwrap_or_default();
        for _ in 0..ROUNDS {
            let alerts = self.alerts.alerts_of(&about).await.map_err(|e| store_failed(&e))?;
            let Some(before) = alerts.into_iter().find(|alert| alert.id() == id) else {
                return Err(unknown(&about, id));
            };
            let mut after = before.clone();
            self.change(request, &approval, &mut after)?;
            if after == before {
                // An earlier try of this request has stored it and could not say so.
                return Ok(done());
            }
            self.record(request, &approval, &before, &after).await?;
            after.revision += 1;
            let next = Next::Keep { alert: Box::new(after), notice: None };
            if self.alerts.store(&next).await.map_err(|e| store_failed(&e))? {
                return Ok(done());
            }
        }
        Err(Verdict::Paused {
            delay: Duration::from_secs(10),
            reason: "the alert is changed by others all the time".into(),
        })
    }

    fn change(&self, request: &StoredRequest, approval: &Approval, alert: &mut Alert) -> Result<(), Verdict> {
        let own = request.id.to_string();
        if request.content.action == Action::Acknowledge {
            if alert.acknowledged.as_ref().is_none_or(|known| known.request != own) {
                alert.acknowledged = Some(Acknowledged {
                    by: approval.requested_by.clone(),
                    request: own,
                    at: self.clock.now(),
                    severity: alert.matter.finding.severity,
                });
            }
            return Ok(());
        }
        let until = request.content.variables.text("until").and_then(|until| until.parse::<Timestamp>().ok());
        let until =
            until.ok_or_else(|| not_valid("`until` is no time".into(), "name a time such as 2026-12-01T18:00:00Z"))?;
        if alert.snoozed_until == Some(until) {
            return Ok(());
        }
        may_snooze(alert, until, self.clock.now())?;
        alert.snoozed_until = Some(until);
        Ok(())
    }

    /// The audit record: who silenced what, before it is silent. A try that is interrupted after it is recorded twice, which
    /// hides nothing.
    async fn record(
        &self,
        request: &StoredRequest,
        approval: &Approval,
        before: &Alert,
        after: &Alert,
    ) -> Result<(), Verdict> {
        // An alert of a system has no journal of its own: the request, which is kept, says who asked and approved.
        let About::Integration(name) = &after.matter.about else { return Ok(()) };
        let known = |alert: &Alert| alert.acknowledged.as_ref().map_or(Value::Null, |known| json!(known.by));
        let silent = |alert: &Alert| alert.snoozed_until.map_or(Value::Null, |until| json!(until.to_string()));
        let fields =
            [("acknowledged_by", known(before), known(after)), ("snoozed_until", silent(before), silent(after))];
        let fields = fields.into_iter().filter(|(_, before, after)| before != after);
        let draft = Draft {
            at: self.clock.now(),
            author: self.author(request, approval),
            address: Address::keyed("alert", after.id()),
            system: after.matter.source.clone(),
            event: Event::Recorded,
            change: ChangeKind::Update,
            intent: None,
            fields: fields.map(|(field, before, after)| FieldChange { field: field.into(), before, after }).collect(),
            identity: None,
            vendor_request: None,
            detail: Some(format!("{}: {}", request.content.action, after.matter.finding.check)),
        };
        let key = format!("alert/{}", after.id());
        let owner = request.id.to_string();
        let lease = self.leases.acquire(&key, &owner, LEASE).await.map_err(|e| store_failed(&e))?;
        let Some(lease) = lease else {
            return Err(Verdict::Paused {
                delay: Duration::from_secs(5),
                reason: "another request changes the same alert".into(),
            });
        };
        let subject = Subject::Integration(name.clone());
        let appended = self.ledger.append(&subject, "alert", draft, InventoryChange::Keep, &lease).await;
        let released = self.leases.release(&lease).await;
        appended.map_err(|e| store_failed(&e))?;
        released.map_err(|e| store_failed(&e))
    }
}

fn done() -> Conclusion {
    Conclusion { verdict: Verdict::Succeeded, report: Report::default() }
}

/// Whose alert is meant.
fn about(request: &StoredRequest) -> Result<About, Verdict> {
    if let Some(name) = &request.content.integration {
        return Ok(About::Integration(name.clone()));
    }
    let system = request.content.variables.text("system").and_then(SystemId::parse);
    system.map(About::System).ok_or_else(|| {
        not_valid("neither an integration nor a system is named".into(), "name one of them in the ticket")
    })
}

fn may_snooze(alert: &Alert, until: Timestamp, now: Timestamp) -> Result<(), Verdict> {
    if until <= now {
        return Err(not_valid(format!("`until` is in the past ({until})"), "name a later time"));
    }
    if until > now.checked_add(LONGEST).unwrap_or(Timestamp::MAX) {
        return Err(not_valid(
            format!("`until` is more than 90 days ahead ({until})"),
            "name a time within 90 days; it can be snoozed again then",
        ));
    }
    match alert.matter.ends {
        Some(ends) if ends <= now => Err(not_valid(
            format!("its date is past ({ends}), so it can no longer be snoozed"),
            "mend it, or acknowledge it",
        )),
        Some(ends) if until > ends => Err(not_valid(
            format!("`until` ({until}) is after the date that it is about ({ends})"),
            "name a time that is not later than that date, so that somebody hears of it in time",
        )),
        _ => Ok(()),
    }
}

fn not_valid(message: String, fix: &str) -> Verdict {
    Verdict::Failed(RequestError { code: codes::NOT_VALID.into(), message, system: None, fix: fix.into() })
}

fn unknown(about: &About, id: &str) -> Verdict {
    Verdict::Failed(RequestError {
        code: "not_found".into(),
        message: format!("there is no alert `{id}` of {about}; it may be mended by now"),
        system: None,
        fix: "copy `finding` from the last notice of it; if a notice said that it is mended, nothing is left to do"
            .into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(ends: Option<&str>) -> Alert {
        serde_json::from_value(json!({
            "schema": 1, "watch": "w", "opened": "2027-01-01T00:00:00Z", "told": null, "incidents": [],
            "acknowledged": null, "snoozed_until": null, "revision": 1,
            "matter": {"about": {"integration": "analytics-dev"}, "key": "k",
                "source": {"kind": "okta", "name": "acme"}, "ends": ends, "who": "", "by_itself": "", "changed_by": null,
                "finding": {"check": "c", "severity": "warning", "resource": "", "expected": "", "found": "",
                    "effect": "", "fix": "", "row": ""}},
        }))
        .expect("an alert")
    }

    #[test]
    fn silence_has_an_end_and_none_outlasts_the_date() {
        let now: Timestamp = "2027-01-01T00:00:00Z".parse().expect("a time");
        for (ends, until, fine) in [
            (None, "2027-01-02T00:00:00Z", true),
            (None, "2027-04-01T00:00:00Z", true),
            (None, "2027-04-01T00:00:01Z", false),
            (None, "2027-01-01T00:00:00Z", false),
            (None, "2026-12-31T00:00:00Z", false),
            (Some("2027-01-10T00:00:00Z"), "2027-01-10T00:00:00Z", true),
            (Some("2027-01-10T00:00:00Z"), "2027-01-10T00:00:01Z", false),
            (Some("2026-12-10T00:00:00Z"), "2027-01-02T00:00:00Z", false),
        ] {
            let until = until.parse().expect("a time");
            assert_eq!(may_snooze(&alert(ends), until, now).is_ok(), fine, "{ends:?} {until}");
        }
    }
}
