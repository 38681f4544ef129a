//! The same request again.

use jiff::Timestamp;
use serde_json::json;

use super::{body, valid, with};
use crate::request::{Decision, Status, StoredRequest, resubmit};

fn stored(action: &str, status: Status) -> StoredRequest {
    let mut body = body();
    body["action"] = json!(action);
    StoredRequest { status, ..StoredRequest::new(valid(&body), Some("msg_1".into()), Timestamp::UNIX_EPOCH) }
}

#[test]
fn the_table_of_decisions() {
    use Status::{Accepted, Failed, Paused, Running, Succeeded, Waiting};
    for action in ["provision", "plan"] {
        for status in [Accepted, Running, Paused, Waiting, Succeeded, Failed] {
            let stored = stored(action, status);
            let same = stored.content.clone();
            let mut other = with("groups", "analysts");
            other["action"] = json!(action);
            let again = match (status, action) {
                (Failed, _) | (Succeeded, "plan") => Decision::NextAttempt,
                _ => Decision::Duplicate,
            };
            assert_eq!(resubmit(&stored, &same, Some("msg_2")), again, "{action} {status:?}");
            assert_eq!(resubmit(&stored, &same, None), again, "{action} {status:?}");
            assert_eq!(resubmit(&stored, &same, Some("msg_1")), Decision::Duplicate, "{action} {status:?}");
            let changed = match status {
                Failed => Decision::NextAttempt,
                _ => Decision::Conflict(vec!["variables.groups".into()]),
            };
            assert_eq!(resubmit(&stored, &valid(&other), Some("msg_2")), changed, "{action} {status:?}");
        }
    }
}

#[test]
fn the_next_attempt_starts_afresh_under_the_same_id() {
    let mut failed = stored("provision", Status::Failed);
    failed.queued = true;
    let later = Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(1);
    let next = failed.next_attempt(valid(&with("groups", "analysts")), None, later);
    assert_eq!((next.id.clone(), next.attempt, next.created, next.updated), (failed.id, 2, failed.created, later));
    assert_eq!((next.status, next.queued), (Status::Accepted, false));
    assert_ne!(next.digest, failed.digest);
}

#[test]
fn a_report_has_the_documented_keys() {
    let report = stored("provision", Status::Accepted).report();
    for key in
        ["id", "action", "integration", "status", "waiting_for", "steps", "findings", "handoffs", "plan", "error"]
    {
        assert!(report.get(key).is_some(), "{key}");
    }
    assert_eq!(report["status"], "accepted");
    assert_eq!(report["error"], json!(null));
}
