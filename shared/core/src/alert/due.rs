//! When a date is to be told of.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{Stage, Told};

/// What is to be told now of a date, given what was told of it last; `None`: nothing (more) yet.
///
/// Days are UTC calendar days, so that a check that runs at another hour says the same. Of the thresholds, whose order
/// does not matter, only the nearest one that is reached is told: after a pause nobody gets the ones that were missed. A
/// date that is past is told once a day. A clock that goes back tells nothing twice.
pub fn due(ends: Timestamp, now: Timestamp, thresholds: &[u32], told: Option<&Told>) -> Option<Stage> {
    let left = days_left(now, ends);
    let stage = if left < 0 {
        Stage::Expired(day(now))
    } else {
        // Fits: not negative.
        let left = u32::try_from(left).unwrap_or(u32::MAX);
        Stage::Before(thresholds.iter().copied().filter(|threshold| left <= *threshold).min()?)
    };
    match (told.map(|told| told.stage), stage) {
        (None | Some(Stage::Now), stage) => Some(stage),
        (Some(Stage::Before(before)), Stage::Before(nearer)) => (nearer < before).then_some(stage),
        (Some(Stage::Before(_)), Stage::Expired(_)) => Some(stage),
        (Some(Stage::Expired(last)), Stage::Expired(today)) => (last < today).then_some(stage),
        (Some(Stage::Expired(_)), _) | (Some(Stage::Before(_)), Stage::Now) => None,
    }
}

/// UTC days from `now` to a date: 0 = today, negative = past.
pub fn days_left(now: Timestamp, ends: Timestamp) -> i64 {
    days(day(now), day(ends))
}

/// The UTC day of a moment.
pub(super) fn day(at: Timestamp) -> Date {
    at.to_zoned_datetime(TimeZone::UTC).date()
}

/// Days from one day to another; negative where the second is earlier.
fn days(from: Date, to: Date) -> i64 {
    // Exact: two civil dates differ by whole days of 24 hours.
    to.duration_since(from).as_hours() / 24
}
