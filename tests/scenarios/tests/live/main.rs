//! Scenarios through the functions' real binaries: each a sandbox of its own, a signed request over HTTP, and what is in
//! the systems afterwards.
//!
//! They need the functions (`cargo build --workspace`) and a Python with moto; without moto they say that they
//! skip.

mod asking;
mod checks;
mod crashes;
mod crowd;
mod entra;
mod life;
mod listening;
mod permissions;
mod refusals;
mod rotation;
mod secrecy;
mod vendors;
mod year;

use extoauth_scenarios::Stage;
use extoauth_scenarios::control::{Call, writes};
use serde_json::Value;

/// A stage, or none where moto is not installed.
async fn stage() -> Option<Stage> {
    Stage::start().await.expect("a stage")
}

/// Requires that a request succeeded.
#[track_caller]
fn succeeded(report: &Value) {
    assert_eq!(report["status"], "succeeded", "{report:#}");
    let findings = report["findings"].as_array().into_iter().flatten();
    let bad: Vec<&Value> = findings.filter(|finding| finding["severity"] == "critical").collect();
    assert!(bad.is_empty(), "{bad:?}");
}

/// Requires that a request failed with this code.
#[track_caller]
fn failed(report: &Value, code: &str) {
    assert_eq!(report["status"], "failed", "{report:#}");
    assert_eq!(report["error"]["code"], code, "{:#}", report["error"]);
    let fix = report["error"]["fix"].as_str().unwrap_or_default();
    assert!(!fix.is_empty(), "the error says what to do");
}

/// The addresses of the resources that a report's plan changes, with the kind of change.
fn changes(report: &Value) -> Vec<String> {
    let changes = report["plan"]["changes"].as_array().into_iter().flatten();
    changes
        .map(|change| {
            let text = |name: &str| change[name].as_str().unwrap_or_default();
            format!("{} {}", text("change"), text("resource"))
        })
        .collect()
}

/// Requires that none of these calls could change anything.
#[track_caller]
fn wrote_nothing(calls: &[Call]) {
    assert_eq!(writes(calls), Vec::<String>::new());
}

/// Requires that two states are the same.
#[track_caller]
fn same(expected: &Value, found: &Value) {
    let differences = extoauth_scenarios::state::differences(expected, found);
    assert!(differences.is_empty(), "the states differ:\n{}", differences.join("\n"));
}
