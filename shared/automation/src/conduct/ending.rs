//! How carrying out a request ended, this time.

use std::time::Duration;

use extoauth_core::engine::{Ending, Failure, Outcome};
use extoauth_core::error::{CallError, ErrorKind};
use extoauth_core::request::{RequestError, WaitingFor};

use super::Report;

/// What becomes of the request now.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It is done.
    Succeeded,
    /// It has failed and will not succeed by itself.
    Failed(RequestError),
    /// It has failed for reasons that may pass: another attempt is made later, a bounded number of times.
    Retry(RequestError),
    /// It goes on by itself soon; not an attempt.
    Paused {
        /// How long.
        delay: Duration,
        /// For what.
        reason: String,
    },
    /// It waits for a person or a time.
    Waiting(WaitingFor),
    /// Another invocation works on it: this one must not touch it any more.
    Fenced,
}

/// Verdict and report.
#[derive(Clone, Debug)]
pub struct Conclusion {
    /// What becomes of the request.
    pub verdict: Verdict,
    /// What there is to tell.
    pub report: Report,
}

/// The verdict on runs that have ended, the worst first; `None`: all are complete.
pub(super) fn judge(outcomes: &[&Outcome], now: jiff::Timestamp) -> Option<Verdict> {
    if outcomes.iter().any(|o| matches!(o.ending, Ending::Fenced)) {
        return Some(Verdict::Fenced);
    }
    let failures: Vec<&Failure> = outcomes.iter().flat_map(|o| &o.failures).collect();
    if let Some(first) = failures.iter().find(|f| !f.error.kind.is_transient()).or(failures.first()) {
        let transient = failures.iter().all(|f| f.error.kind.is_transient());
        let error = failed(first, &failures);
        return Some(if transient { Verdict::Retry(error) } else { Verdict::Failed(error) });
    }
    let pauses = outcomes.iter().filter_map(|o| match &o.ending {
        Ending::Paused { delay, reason } => Some((*delay, reason.clone())),
        _ => None,
    });
    if let Some((delay, reason)) = pauses.max() {
        return Some(Verdict::Paused { delay, reason });
    }
    outcomes.iter().any(|o| matches!(o.ending, Ending::Waiting)).then(|| {
        let open = outcomes.iter().flat_map(|o| &o.handoffs).find(|h| h.done == Some(false));
        let (who, what) = open.map_or_else(
            || ("an administrator".to_owned(), "a hand-off of this request".to_owned()),
            |h| (h.who.clone(), format!("{} ({})", h.what, h.place)),
        );
        Verdict::Waiting(WaitingFor { who, what, since: now, until: None })
    })
}

fn failed(first: &Failure, all: &[&Failure]) -> RequestError {
    let mut error = of_call(&first.error);
    error.message = all.iter().map(|f| format!("{}: {}", f.resource, f.error)).collect::<Vec<_>>().join("; ");
    error
}

/// A failed call in a requester's words.
pub(super) fn of_call(error: &CallError) -> RequestError {
    let system = &error.system;
    let (code, fix) = match error.kind {
        ErrorKind::Unauthorized => (
            "unauthorized",
            format!("check the credential of {system} in Secrets Manager, then post the same request again"),
        ),
        ErrorKind::Forbidden => (
            "forbidden",
            format!("give our credential at {system} the right that is named here, then post the same request again"),
        ),
        ErrorKind::FeatureMissing => {
            ("feature_missing", format!("have the feature enabled for {system}, then post the same request again"))
        }
        ErrorKind::IpRestricted => (
            "ip_restricted",
            format!("add the functions' outgoing address to the allow-list of {system}, then post the request again"),
        ),
        ErrorKind::NotFound => {
            ("not_found", "check the name or id in the ticket, and that our credential may see it".to_owned())
        }
        ErrorKind::Invalid => ("refused", "correct what is named here, then post the same request again".to_owned()),
        ErrorKind::Refused => ("not_permitted", "see the reason; then post the same request again".to_owned()),
        ErrorKind::Conflict
        | ErrorKind::Throttled
        | ErrorKind::Unavailable
        | ErrorKind::Ambiguous
        | ErrorKind::OutOfTime => {
            ("unavailable", format!("post the same request again when {system} answers; it goes on where it stopped"))
        }
    };
    RequestError { code: code.into(), message: error.to_string(), system: Some(system.to_string()), fix }
}

/// The verdict on a single failed call outside of a run.
pub(super) fn verdict_of(error: &CallError) -> Verdict {
    match error.kind {
        ErrorKind::Throttled | ErrorKind::OutOfTime => {
            Verdict::Paused { delay: error.retry_after.unwrap_or(Duration::from_secs(5)), reason: error.to_string() }
        }
        kind if kind.is_transient() => Verdict::Retry(of_call(error)),
        _ => Verdict::Failed(of_call(error)),
    }
}
