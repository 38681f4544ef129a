//! The end of the invocation.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// When calls must have ended: the invocation's end less a reserve for writing down where the run stands.
///
/// Absolute, so that a value computed once stays right however long the work takes. Kept on the monotonic clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// No end: for tools outside a function.
    pub fn none() -> Self {
        Self(None)
    }

    /// The moment `end` (the Lambda context's deadline) less `reserve`.
    pub fn at(end: SystemTime, reserve: Duration) -> Self {
        let left = end.duration_since(SystemTime::now()).unwrap_or_default();
        Self::after(left, reserve)
    }

    /// `left` from now, less `reserve`.
    pub fn after(left: Duration, reserve: Duration) -> Self {
        Self(Some(Instant::now() + left.saturating_sub(reserve)))
    }

    /// How long calls and waits may still take.
    pub fn remaining(&self) -> Duration {
        self.0.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn the_reserve_is_kept_back() {
        let deadline = Deadline::after(Duration::from_secs(20), Duration::from_secs(5));
        assert!(deadline.remaining() <= Duration::from_secs(15));
        assert!(deadline.remaining() > Duration::from_secs(14));
        assert_eq!(Deadline::after(Duration::from_secs(1), Duration::from_secs(5)).remaining(), Duration::ZERO);
        assert_eq!(Deadline::none().remaining(), Duration::MAX);
    }

    #[test]
    fn an_end_in_the_past_leaves_nothing() {
        assert_eq!(Deadline::at(SystemTime::UNIX_EPOCH, Duration::ZERO).remaining(), Duration::ZERO);
    }
}
