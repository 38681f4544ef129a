//! The vendors' calendar.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// The real time plus what `POST /clock` added. Expiry dates, ages and logs of the stand-ins use it; signatures and
/// assertions of callers are judged by [`Timestamp::now`].
#[derive(Default)]
pub struct Clock {
    ahead_ms: AtomicI64,
}

impl Clock {
    /// Now, in the sandbox. At the end of the calendar time stands still.
    pub fn now(&self) -> Timestamp {
        Timestamp::now().checked_add(self.ahead()).unwrap_or(Timestamp::MAX)
    }

    /// By how much the calendar is ahead of the real time.
    pub fn ahead(&self) -> SignedDuration {
        SignedDuration::from_millis(self.ahead_ms.load(Ordering::Relaxed))
    }

    /// Moves the calendar on.
    pub fn advance(&self, by: SignedDuration) {
        let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        let add = |ahead: i64| Some(ahead.saturating_add(ms));
        // The closure never refuses, so neither does the update.
        let _ = self.ahead_ms.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Back to the real time.
    pub fn reset(&self) {
        self.ahead_ms.store(0, Ordering::Relaxed);
    }
}
