//! One line of metrics a run, in CloudWatch's embedded metric format (CloudWatch user guide, "Specification: Embedded
//! metric format"): CloudWatch makes metrics of it, people can still search it.

use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;

const NAMESPACE: &str = "extoauth";

/// The figures of one run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RunMetrics {
    /// Name of the deployment.
    pub deployment: String,
    /// What was asked: `provision`.
    pub action: String,
    /// How it ended: `succeeded`.
    pub status: String,
    /// Id of the request; no dimension, for searching.
    pub request: String,
    /// Name of the integration; no dimension, for searching.
    pub integration: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Calls to systems.
    pub calls: u64,
    /// Calls that were sent again.
    pub retries: u64,
    /// Time spent waiting for vendors' limits, in milliseconds.
    pub waited_ms: u64,
    /// Changes made.
    pub changes: u64,
    /// Steps that failed.
    pub failures: u64,
}

const METRICS: [Metric; 6] = [
    Metric { name: "duration_ms", unit: "Milliseconds" },
    Metric { name: "calls", unit: "Count" },
    Metric { name: "retries", unit: "Count" },
    Metric { name: "waited_ms", unit: "Milliseconds" },
    Metric { name: "changes", unit: "Count" },
    Metric { name: "failures", unit: "Count" },
];

/// The figures of one round of sending notices.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DeliveryMetrics {
    /// Name of the deployment.
    pub deployment: String,
    /// Messages that were taken.
    #[serde(rename = "notices_sent")]
    pub sent: u64,
    /// Messages that are tried again.
    #[serde(rename = "notices_later")]
    pub later: u64,
    /// Messages that were given up, or of which nobody can say whether they were sent. The template's alarm watches it.
    #[serde(rename = "notices_lost")]
    pub lost: u64,
}

const DELIVERY_METRICS: [Metric; 3] = [
    Metric { name: "notices_sent", unit: "Count" },
    Metric { name: "notices_later", unit: "Count" },
    Metric { name: "notices_lost", unit: "Count" },
];

/// A scheduled check that came to its end, however many invocations it took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckMetrics {
    /// Name of the deployment.
    pub deployment: String,
    /// Name of the check.
    pub check: &'static str,
    /// How many ended: the template's heartbeat alarm misses them.
    #[serde(rename = "checks_ended")]
    pub ended: u64,
}

const CHECK_METRICS: [Metric; 1] = [Metric { name: "checks_ended", unit: "Count" }];

#[derive(Serialize)]
struct Line<'a, F> {
    #[serde(rename = "_aws")]
    aws: Meta,
    #[serde(flatten)]
    figures: &'a F,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Meta {
    timestamp: i64,
    cloud_watch_metrics: [Directive; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: &'static str,
    dimensions: [&'static [&'static str]; 1],
    metrics: &'static [Metric],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    name: &'static str,
    unit: &'static str,
}

/// The line of a run that ended at `at`.
fn line(figures: &RunMetrics, at: Timestamp) -> Result<String, serde_json::Error> {
    written(figures, &["deployment", "action", "status"], &METRICS, at)
}

fn written<F: Serialize>(
    figures: &F,
    dimensions: &'static [&'static str],
    metrics: &'static [Metric],
    at: Timestamp,
) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Line {
        aws: Meta {
            timestamp: at.as_millisecond(),
            cloud_watch_metrics: [Directive { namespace: NAMESPACE, dimensions: [dimensions], metrics }],
        },
        figures,
    })
}

/// Writes the line of a run that ended at `at`. That it cannot be written is no reason to fail the run.
pub fn emit(figures: &RunMetrics, at: Timestamp) {
    if let Ok(line) = line(figures, at) {
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }
}

/// Writes the line of a check that ended at `at`.
pub fn emit_check(figures: &CheckMetrics, at: Timestamp) {
    if let Ok(line) = written(figures, &["deployment", "check"], &CHECK_METRICS, at) {
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }
}

/// Writes the line of a round of sending that ended at `at`.
pub fn emit_delivery(figures: &DeliveryMetrics, at: Timestamp) {
    if let Ok(line) = written(figures, &["deployment"], &DELIVERY_METRICS, at) {
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_and_dimension_names_a_figure() {
        let figures = RunMetrics { deployment: "prod".into(), calls: 42, ..RunMetrics::default() };
        let at = Timestamp::from_millisecond(1_700_000_000_123).expect("a time");
        let line: serde_json::Value = serde_json::from_str(&line(&figures, at).expect("JSON")).expect("JSON");
        assert_eq!(line["_aws"]["Timestamp"], 1_700_000_000_123_i64);
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "extoauth");
        for metric in directive["Metrics"].as_array().expect("a list") {
            assert!(line[metric["Name"].as_str().expect("a name")].is_u64(), "{metric}");
        }
        for dimension in directive["Dimensions"][0].as_array().expect("a list") {
            assert!(line[dimension.as_str().expect("a name")].is_string(), "{dimension}");
        }
        assert_eq!(line["calls"], 42);
        assert_eq!(line["deployment"], "prod");
    }
}
