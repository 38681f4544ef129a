//! Logs and metrics, both as JSON lines on standard output, where CloudWatch takes them from.

mod metrics;
mod panic;

use std::str::FromStr;

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub use metrics::{CheckMetrics, DeliveryMetrics, RunMetrics, emit, emit_check, emit_delivery};
pub use panic::hook;

/// Names the level of our own logs: Lambda's own setting for JSON logs.
const LEVEL: &str = "AWS_LAMBDA_LOG_LEVEL";

/// Sets up logging and the panic hook for the process. `function` is the binary's name. A second call does nothing.
///
/// Lines are flat JSON objects: `timestamp`, `level`, `target`, `message`, the event's fields, and `span` with the
/// fields of the innermost span, which for everything below [`invocation`] holds the `request_id`.
pub fn init(function: &'static str) {
    let level = std::env::var(LEVEL).ok().and_then(|level| Level::from_str(&level).ok()).unwrap_or(Level::INFO);
    let lines =
        tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(true).with_span_list(false);
    if tracing_subscriber::registry().with(filter(function, level)).with(lines).try_init().is_ok() {
        std::panic::set_hook(Box::new(hook));
    }
}

/// The span of one invocation: everything logged in it carries Lambda's request id.
pub fn invocation(request_id: &str) -> tracing::Span {
    tracing::info_span!(target: "extoauth", "invocation", request_id)
}

/// Only our own crates may log below warnings: the SDK and the HTTP stack write whole requests, secrets included, at
/// their lower levels, and no setting may turn that on.
fn filter(function: &'static str, level: Level) -> Targets {
    Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("extoauth", level)
        .with_target(function.to_owned(), level)
        // Logs what a panic says.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_crates_never_log_below_warnings() {
        let filter = filter("provision", Level::TRACE);
        assert!(filter.would_enable("extoauth_systems::http", &Level::TRACE));
        assert!(filter.would_enable("provision", &Level::DEBUG));
        for target in ["aws_smithy_runtime::client", "hyper_util", "reqwest::connect", "lambda_runtime", "rustls"] {
            assert!(filter.would_enable(target, &Level::WARN), "{target}");
            assert!(!filter.would_enable(target, &Level::INFO), "{target}");
        }
    }
}
