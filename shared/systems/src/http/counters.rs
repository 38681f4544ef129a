//! What the metric line of a run says about remote calls.

use serde::Serialize;

/// Calls to one system since the counters were last taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Requests sent, retries included.
    pub calls: u64,
    /// Requests that were sent again.
    pub retries: u64,
    /// Times that a call waited for a limit or before a retry.
    pub waits: u64,
    /// Milliseconds spent in these waits, summed over parallel calls.
    pub waited_ms: u64,
}
