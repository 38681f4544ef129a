//! Acknowledge and snooze: an approved ticket, within bounds, and in the journal.

use extoauth_core::alert::{About, Alert, Alerts, Next};
use extoauth_core::clock::Clock as _;
use extoauth_core::engine::Ledger;
use extoauth_core::ids::{IntegrationName, Subject};
use extoauth_scenarios::tickets::with;
use jiff::SignedDuration;
use serde_json::json;

use crate::drive::golden;
use crate::house::{House, beside_others};

fn name() -> IntegrationName {
    IntegrationName::try_from("analytics-dev".to_owned()).expect("a name")
}

/// Stores an alert and gives its id.
async fn alert(house: &House) -> String {
    let alert: Alert = serde_json::from_value(json!({
        "schema": 1, "watch": "secret-expiry-check", "opened": house.watch.now().to_string(), "told": null,
        "incidents": [], "acknowledged": null, "snoozed_until": null, "revision": 1,
        "matter": {"about": {"integration": "analytics-dev"}, "key": "secret 1",
            "source": {"kind": "okta", "name": "acme"}, "ends": null, "who": "all", "by_itself": "nothing",
            "changed_by": null, "finding": {"check": "secret_end", "severity": "warning", "resource": "r",
                "expected": "e", "found": "f", "effect": "e", "fix": "f", "row": ""}},
    }))
    .expect("an alert");
    let id = alert.id();
    assert!(house.memory.store(&Next::Keep { alert: Box::new(alert), notice: None }).await.expect("works"));
    id
}

async fn stored(house: &House) -> Alert {
    house.memory.alerts_of(&About::Integration(name())).await.expect("works").remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_is_silenced_by_an_approved_ticket_and_journaled() {
    let _turn = beside_others().await;
    let Some(house) = House::open().await else { return };
    let ended = house.run("okta-acknowledge").await;
    let unknown = ended.error();
    assert_eq!(unknown.code, "not_found");
    assert!(unknown.fix.contains("finding"), "{}", unknown.fix);

    let id = alert(&house).await;
    house.forget_calls();
    let ended = house.run_anew(&with(&golden("okta-acknowledge"), &[("finding", &id)])).await.good();
    let known = stored(&house).await.acknowledged.expect("acknowledged");
    assert_eq!((known.by.as_str(), known.request), ("requester@example.com", ended.request.id.to_string()));
    assert!(house.calls().iter().all(|call| !call.write), "no system was written");

    let until = |days: i64| (house.watch.now() + SignedDuration::from_hours(24 * days)).to_string();
    for days in [-1, 91] {
        let refused = with(&golden("okta-snooze"), &[("finding", &id), ("until", &until(days))]);
        assert_eq!(house.run_anew(&refused).await.error().code, "not_valid", "{days}");
        assert_eq!(stored(&house).await.snoozed_until, None);
    }
    let snooze = with(&golden("okta-snooze"), &[("finding", &id), ("until", &until(30))]);
    house.run_anew(&snooze).await.good();
    assert!(stored(&house).await.snoozed_until.is_some());

    let journal = house.memory.journal(&Subject::Integration(name())).await.expect("works");
    let fields: Vec<&str> = journal.iter().flat_map(|entry| &entry.draft.fields).map(|f| f.field.as_str()).collect();
    assert_eq!(fields, ["acknowledged_by", "snoozed_until"]);
    assert!(journal.iter().all(|entry| !entry.draft.author.approved_by.is_empty()), "who approved is recorded");
}
