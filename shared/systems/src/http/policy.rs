//! What is sent again, when, and what a failure finally means.
//!
//! | what happened | `Safe` | `Repeatable` | `Once` | at the end |
//! |---|---|---|---|---|
//! | the connection could not be made: it never left | backoff | backoff | backoff | `Unavailable` |
//! | no answer after sending (reset, timeout) | backoff | backoff | never | `Unavailable` for a read, else `Ambiguous` |
//! | 2xx with a cut or unreadable body | backoff | backoff | never | the same |
//! | 2xx with a body over the cap | never | never | never | `Refused` for a read, else `Ambiguous` |
//! | 408, 502, 503, 504 | `Retry-After`, else backoff | the same | never | `Unavailable`; `Once`: `Ambiguous` |
//! | 500 and other 5xx | backoff, once | backoff, once | never | the same |
//! | 429 with a time | that time | that time | that time | `Throttled` |
//! | 429 without | backoff from 1 s | the same | the same | `Throttled` |
//! | 429 that means a cooldown (dbt) | never | never | never | `Throttled` with the time |
//! | 423 (locked: nothing was done) | backoff from 1 s | the same | the same | `Conflict` |
//! | not found, of an object made a moment ago | backoff from 0.5 s | the same | the same | what it says |
//! | 401 that a new token may cure | once, at once | the same | the same | `Unauthorized` |
//! | other 4xx, 3xx | never | never | never | what it says |
//!
//! Backoff is with full jitter: a random time up to the doubled last one. A wait that does not fit the invocation, or
//! that is longer than [`LONGEST_WAIT`], is not begun: the error carries it as `retry_after`.

use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use extoauth_core::error::ErrorKind;

use super::call::Repeat;

/// Longest wait within an invocation: beyond it, pausing the run costs less than a function that sleeps.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(75);

const MAX_TRIES: u32 = 4;
const MAX_TRIES_OF_500: u32 = 2;
const MAX_TRIES_LIMITED: u32 = 6;

const BACKOFF: Duration = Duration::from_millis(250);
const BACKOFF_CAP: Duration = Duration::from_secs(8);

/// What a 429 asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Throttle {
    /// Come back after this time.
    After(Duration),
    /// No time is given, or it is only a suggestion.
    Unspecified,
    /// The vendor shuts us out for this time; asking meanwhile makes it worse.
    Cooldown(Duration),
}

/// How one attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    NotSent,
    Lost,
    Unreadable,
    TooLarge,
    Down { retry_after: Option<Duration> },
    Failed,
    Throttled(Throttle),
    Locked,
    Lagging(ErrorKind),
    Refused(ErrorKind),
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Send again after exactly this time.
    After(Duration),
    /// Send again after a random time between the two.
    Within(Duration, Duration),
    /// Give up.
    Stop { kind: ErrorKind, retry_after: Option<Duration> },
}

/// Decides after `tries` attempts (at least one), the last of which ended so.
pub(super) fn decide(repeat: Repeat, outcome: Outcome, tries: u32) -> Next {
    let stop = |kind| Next::Stop { kind, retry_after: None };
    let unknown = if repeat == Repeat::Safe { ErrorKind::Unavailable } else { ErrorKind::Ambiguous };
    let failed = if repeat == Repeat::Once { ErrorKind::Ambiguous } else { ErrorKind::Unavailable };
    let again = repeat != Repeat::Once;
    match outcome {
        Outcome::NotSent if tries < MAX_TRIES => backoff(Duration::ZERO, tries),
        Outcome::NotSent => stop(ErrorKind::Unavailable),
        Outcome::Lost | Outcome::Unreadable if again && tries < MAX_TRIES => backoff(Duration::ZERO, tries),
        Outcome::Lost | Outcome::Unreadable => stop(unknown),
        Outcome::TooLarge if repeat == Repeat::Safe => stop(ErrorKind::Refused),
        Outcome::TooLarge => stop(ErrorKind::Ambiguous),
        Outcome::Down { retry_after: Some(wait) } if again && tries < MAX_TRIES => Next::After(wait),
        Outcome::Down { retry_after: None } if again && tries < MAX_TRIES => backoff(Duration::ZERO, tries),
        Outcome::Down { retry_after } => Next::Stop { kind: failed, retry_after },
        Outcome::Failed if again && tries < MAX_TRIES_OF_500 => backoff(Duration::ZERO, tries),
        Outcome::Failed => stop(failed),
        Outcome::Throttled(Throttle::After(wait)) if tries < MAX_TRIES_LIMITED => Next::After(wait),
        Outcome::Throttled(Throttle::Unspecified) if tries < MAX_TRIES_LIMITED => {
            backoff(Duration::from_secs(1), tries)
        }
        Outcome::Throttled(throttle) => {
            let wait = match throttle {
                Throttle::After(wait) | Throttle::Cooldown(wait) => wait,
                Throttle::Unspecified => Duration::from_secs(30),
            };
            Next::Stop { kind: ErrorKind::Throttled, retry_after: Some(wait) }
        }
        Outcome::Locked if tries < MAX_TRIES_LIMITED => backoff(Duration::from_secs(1), tries),
        Outcome::Locked => Next::Stop { kind: ErrorKind::Conflict, retry_after: Some(Duration::from_secs(30)) },
        Outcome::Lagging(_) if tries < MAX_TRIES_LIMITED => backoff(Duration::from_millis(500), tries),
        Outcome::Lagging(kind) | Outcome::Refused(kind) => stop(kind),
    }
}

/// From `floor`, up to the doubled last step above it.
fn backoff(floor: Duration, tries: u32) -> Next {
    let step = BACKOFF.saturating_mul(1 << tries.min(16)).min(BACKOFF_CAP);
    Next::Within(floor, floor + step)
}

/// A random time in the range.
pub(super) fn jitter(from: Duration, to: Duration) -> Duration {
    let mut bytes = [0; 4];
    // Without randomness the longest wait is still a right one.
    let share = match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 1.0,
    };
    from + to.saturating_sub(from).mul_f64(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEC: fn(u64) -> Duration = Duration::from_secs;
    const ALL: [Repeat; 3] = [Repeat::Safe, Repeat::Repeatable, Repeat::Once];

    fn resends(next: Next) -> bool {
        !matches!(next, Next::Stop { .. })
    }

    /// The kind at the end of a call that always ends so, and how often it was sent.
    fn end(repeat: Repeat, outcome: Outcome) -> (u32, ErrorKind) {
        for tries in 1..100 {
            if let Next::Stop { kind, .. } = decide(repeat, outcome, tries) {
                return (tries, kind);
            }
        }
        panic!("{repeat:?} {outcome:?} never ends");
    }

    #[test]
    fn the_table() {
        use ErrorKind::{Ambiguous, Conflict, Forbidden, NotFound, Refused, Throttled, Unavailable};
        let down = Outcome::Down { retry_after: None };
        let down_for = Outcome::Down { retry_after: Some(SEC(3)) };
        let cool = Outcome::Throttled(Throttle::Cooldown(SEC(300)));
        // outcome, then (sent, kind) of Safe, Repeatable, Once
        let table = [
            (Outcome::NotSent, [(4, Unavailable), (4, Unavailable), (4, Unavailable)]),
            (Outcome::Lost, [(4, Unavailable), (4, Ambiguous), (1, Ambiguous)]),
            (Outcome::Unreadable, [(4, Unavailable), (4, Ambiguous), (1, Ambiguous)]),
            (Outcome::TooLarge, [(1, Refused), (1, Ambiguous), (1, Ambiguous)]),
            (down, [(4, Unavailable), (4, Unavailable), (1, Ambiguous)]),
            (down_for, [(4, Unavailable), (4, Unavailable), (1, Ambiguous)]),
            (Outcome::Failed, [(2, Unavailable), (2, Unavailable), (1, Ambiguous)]),
            (Outcome::Throttled(Throttle::After(SEC(9))), [(6, Throttled); 3]),
            (Outcome::Throttled(Throttle::Unspecified), [(6, Throttled); 3]),
            (cool, [(1, Throttled); 3]),
            (Outcome::Locked, [(6, Conflict); 3]),
            (Outcome::Lagging(NotFound), [(6, NotFound); 3]),
            (Outcome::Refused(Forbidden), [(1, Forbidden); 3]),
        ];
        for (outcome, wanted) in table {
            for (repeat, wanted) in ALL.into_iter().zip(wanted) {
                assert_eq!(end(repeat, outcome), wanted, "{repeat:?} {outcome:?}");
            }
        }
    }

    #[test]
    fn a_call_that_may_have_acted_is_never_resent() {
        let may_have_acted = [
            Outcome::Lost,
            Outcome::Unreadable,
            Outcome::TooLarge,
            Outcome::Failed,
            Outcome::Down { retry_after: None },
            Outcome::Down { retry_after: Some(SEC(1)) },
        ];
        for outcome in may_have_acted {
            assert!(!resends(decide(Repeat::Once, outcome, 1)), "{outcome:?}");
            assert_eq!(end(Repeat::Once, outcome).1, ErrorKind::Ambiguous, "{outcome:?}");
        }
    }

    #[test]
    fn times_of_the_vendor_are_kept() {
        for repeat in ALL {
            assert_eq!(decide(repeat, Outcome::Throttled(Throttle::After(SEC(41))), 1), Next::After(SEC(41)));
            assert_eq!(
                decide(repeat, Outcome::Throttled(Throttle::Cooldown(SEC(300))), 1),
                Next::Stop { kind: ErrorKind::Throttled, retry_after: Some(SEC(300)) }
            );
        }
        assert_eq!(decide(Repeat::Safe, Outcome::Down { retry_after: Some(SEC(7)) }, 1), Next::After(SEC(7)));
    }

    #[test]
    fn backoff_doubles_to_a_cap() {
        let reach = |tries| match decide(Repeat::Safe, Outcome::Locked, tries) {
            Next::Within(from, to) => (from, to),
            other => panic!("{other:?}"),
        };
        assert_eq!(reach(1), (SEC(1), Duration::from_millis(1500)));
        assert_eq!(reach(2), (SEC(1), SEC(2)));
        assert_eq!(reach(5), (SEC(1), SEC(9)));
        for _ in 0..100 {
            let wait = jitter(SEC(1), SEC(2));
            assert!(wait >= SEC(1) && wait <= SEC(2));
        }
    }
}
