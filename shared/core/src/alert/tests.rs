use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::due::day;
use super::*;
use crate::notice::NoticeKind;
use crate::systems::SystemKind;

const THRESHOLDS: [u32; 8] = [90, 60, 30, 14, 7, 3, 1, 0];

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

fn okta() -> SystemId {
    SystemId::new(SystemKind::Okta, "acme")
}

fn matter(key: &str, ends: Option<Timestamp>, severity: Severity) -> Matter {
    Matter {
        about: About::Integration(IntegrationName::try_from("analytics-dev".to_owned()).expect("a name")),
        key: key.into(),
        source: okta(),
        finding: Finding {
            check: "secret_end".into(),
            severity,
            resource: "okta.app.secret".into(),
            expected: "a secret that lasts".into(),
            found: "one that ends".into(),
            effect: "nobody can sign in".into(),
            fix: "rotate it".into(),
            row: "R09".into(),
        },
        ends,
        who: "all developers".into(),
        by_itself: "nothing".into(),
        changed_by: None,
    }
}

fn reading(now: Timestamp, matters: Vec<Matter>) -> Reading<'static> {
    Reading {
        watch: "secret-expiry-check",
        now,
        matters,
        read: BTreeSet::from([okta()]),
        thresholds: &THRESHOLDS,
        owner: Some("data@example.com"),
        deployment: "prod",
    }
}

/// A store: applies what a review gives.
#[derive(Default)]
struct Stored(BTreeMap<String, Alert>);

impl Stored {
    fn review(&mut self, reading: &Reading<'_>) -> Vec<Notice> {
        let next = review(self.0.values().cloned().collect(), reading);
        let mut told = Vec::new();
        for one in next {
            told.extend(one.notice().cloned());
            match one {
                Next::Keep { alert, .. } => {
                    let held = self.0.insert(alert.matter.key.clone(), *alert.clone());
                    assert_eq!(alert.revision, held.map_or(0, |held| held.revision) + 1);
                }
                Next::Forget { alert, .. } => drop(self.0.remove(&alert.matter.key)),
            }
        }
        told
    }
}

fn stages(told: &[Notice]) -> Vec<Stage> {
    told.iter().filter_map(|notice| notice.stage).collect()
}

#[test]
fn a_date_is_told_at_each_threshold_on_its_day() {
    let ends = at("2027-06-30T15:00:00Z");
    let mut told: Option<Told> = None;
    let mut days_left = Vec::new();
    for left in (0..=100).rev() {
        let now = ends - days(left) - SignedDuration::from_hours(9);
        if let Some(stage) = due(ends, now, &THRESHOLDS, told.as_ref()) {
            assert_eq!(stage, Stage::Before(u32::try_from(left).expect("days")));
            days_left.push(left);
            told = Some(Told { stage, at: now });
        }
    }
    assert_eq!(days_left, [90, 60, 30, 14, 7, 3, 1, 0]);
    for day in 1..=3 {
        let now = ends + days(day);
        let stage = due(ends, now, &THRESHOLDS, told.as_ref()).expect("an expired date is told daily");
        assert!(matches!(stage, Stage::Expired(_)));
        told = Some(Told { stage, at: now });
        assert_eq!(due(ends, now, &THRESHOLDS, told.as_ref()), None, "once a day");
    }
}

#[test]
fn after_a_pause_only_the_nearest_threshold_is_told() {
    let ends = at("2027-06-30T15:00:00Z");
    let told = Told { stage: Stage::Before(90), at: ends - days(90) };
    assert_eq!(due(ends, ends - days(5), &THRESHOLDS, Some(&told)), Some(Stage::Before(7)));
    assert_eq!(due(ends, ends - days(120), &THRESHOLDS, None), None);
    assert_eq!(due(ends, ends - days(5), &[], None), None, "no thresholds, nothing is told before the end");
    assert!(matches!(due(ends, ends + days(1), &[], None), Some(Stage::Expired(_))));
}

#[test]
fn a_clock_that_goes_back_tells_nothing_twice() {
    let ends = at("2027-06-30T15:00:00Z");
    let expired = Told { stage: Stage::Expired(day(ends + days(2))), at: ends + days(2) };
    for back in [ends + days(2), ends + days(1), ends, ends - days(40)] {
        assert_eq!(due(ends, back, &THRESHOLDS, Some(&expired)), None, "{back}");
    }
}

#[test]
fn what_is_mended_is_told_to_whoever_was_told() {
    let now = at("2027-01-01T06:00:00Z");
    let ends = now + days(20);
    let mut stored = Stored::default();
    let seen = || vec![matter("s", Some(ends), Severity::Warning)];
    let first = stored.review(&reading(now, seen()));
    assert_eq!(stages(&first), [Stage::Before(30)]);
    assert_eq!(stored.review(&reading(now, seen())), [], "repeated, nothing");

    let mut unread = reading(now + days(1), Vec::new());
    unread.read.clear();
    assert_eq!(stored.review(&unread), [], "nobody looked: it is not mended");
    assert_eq!(stored.0.len(), 1);

    let mended = stored.review(&reading(now + days(2), Vec::new()));
    assert_eq!(mended.len(), 1);
    assert_eq!(mended[0].kind, NoticeKind::Mended);
    assert_eq!(mended[0].incidents, first[0].incidents, "the incident that was opened is closed");
    assert!(stored.0.is_empty());

    // Seen far ahead of its date and gone again: nobody was told, nobody is.
    let far = vec![matter("f", Some(now + days(300)), Severity::Info)];
    assert_eq!(stored.review(&reading(now, far)), []);
    assert_eq!(stored.0.len(), 1, "a date is kept for the calendar");
    assert_eq!(stored.review(&reading(now + days(1), Vec::new())), []);
}

#[test]
fn another_check_does_not_say_that_it_is_gone() {
    let now = at("2027-01-01T06:00:00Z");
    let mut stored = Stored::default();
    stored.review(&reading(now, vec![matter("s", None, Severity::Warning)]));
    let other = Reading { watch: "token-lifetime-check", ..reading(now, Vec::new()) };
    assert_eq!(stored.review(&other), []);
    assert_eq!(stored.0.len(), 1);
}

#[test]
fn acknowledged_is_silent_until_it_is_worse() {
    let now = at("2027-01-01T06:00:00Z");
    let ends = now + days(20);
    let mut stored = Stored::default();
    stored.review(&reading(now, vec![matter("s", Some(ends), Severity::Warning)]));
    let alert = stored.0.get_mut("s").expect("stored");
    alert.acknowledged =
        Some(Acknowledged { by: "x".into(), request: "r".into(), at: now, severity: Severity::Warning });
    for day in 1..=19 {
        let again = reading(now + days(day), vec![matter("s", Some(ends), Severity::Warning)]);
        assert_eq!(stored.review(&again), [], "{day}");
    }
    let worse = reading(now + days(21), vec![matter("s", Some(ends), Severity::Critical)]);
    assert!(matches!(stages(&stored.review(&worse))[..], [Stage::Expired(_)]));
}

#[test]
fn snoozed_is_silent_until_then_and_then_says_the_nearest() {
    let now = at("2027-01-01T06:00:00Z");
    let ends = now + days(20);
    let mut stored = Stored::default();
    stored.review(&reading(now, vec![matter("s", Some(ends), Severity::Warning)]));
    stored.0.get_mut("s").expect("stored").snoozed_until = Some(now + days(15));
    for day in 1..=14 {
        let again = reading(now + days(day), vec![matter("s", Some(ends), Severity::Warning)]);
        assert_eq!(stored.review(&again), [], "{day}");
    }
    let after = reading(now + days(15), vec![matter("s", Some(ends), Severity::Warning)]);
    assert_eq!(stages(&stored.review(&after)), [Stage::Before(7)]);
}

#[test]
fn what_holds_now_is_told_once_and_again_if_it_comes_back() {
    let now = at("2027-01-01T06:00:00Z");
    let mut stored = Stored::default();
    let seen = || vec![matter("lifetime:1", None, Severity::Warning)];
    let first = stored.review(&reading(now, seen()));
    assert_eq!(stages(&first), [Stage::Now]);
    assert_eq!(stored.review(&reading(now + days(1), seen())), []);
    assert_eq!(stored.review(&reading(now + days(2), Vec::new())).len(), 1);
    let again = stored.review(&reading(now + days(3), seen()));
    assert_eq!(stages(&again), [Stage::Now]);
    assert_ne!(again[0].id, first[0].id);
    assert_ne!(again[0].incidents, first[0].incidents);
}

#[test]
fn another_state_is_told_even_if_the_first_was_acknowledged() {
    let now = at("2027-01-01T06:00:00Z");
    let state = |found: &str| {
        let mut matter = matter("lifetime", None, Severity::Warning);
        matter.finding.found = found.into();
        vec![matter]
    };
    let mut stored = Stored::default();
    stored.review(&reading(now, state("30 days")));
    stored.0.get_mut("lifetime").expect("stored").acknowledged =
        Some(Acknowledged { by: "x".into(), request: "r".into(), at: now, severity: Severity::Warning });
    assert_eq!(stored.review(&reading(now + days(1), state("30 days"))), []);
    assert_eq!(stages(&stored.review(&reading(now + days(2), state("1 day")))), [Stage::Now]);
    assert_eq!(stored.review(&reading(now + days(3), state("1 day"))), []);
}

#[test]
fn what_could_not_be_read_is_told_once_whatever_the_words() {
    let now = at("2027-01-01T06:00:00Z");
    let mut stored = Stored::default();
    for day in 0..3 {
        let mut unread = matter("unread", None, Severity::Unknown);
        unread.finding.found = format!("status 503, request {day}");
        let told = stored.review(&reading(now + days(day), vec![unread]));
        assert_eq!(told.len(), usize::from(day == 0), "{day}");
    }
}

#[test]
fn what_is_only_worth_knowing_is_kept_and_not_told() {
    let now = at("2027-01-01T06:00:00Z");
    let mut stored = Stored::default();
    assert_eq!(stored.review(&reading(now, vec![matter("i", None, Severity::Info)])), []);
    assert_eq!(stored.0.len(), 1);
    assert_eq!(
        stages(&stored.review(&reading(now + days(1), vec![matter("i", None, Severity::Warning)]))),
        [Stage::Now]
    );
}

proptest! {
    /// Whatever the hours and the order of the checks, a stage is told at most once, stages only come nearer, and with a
    /// check a day every threshold below the first look is told.
    #[test]
    fn stages_only_come_nearer(hours in prop::collection::vec(-48_i64..2600, 1..60)) {
        let ends = at("2027-06-30T15:00:00Z");
        let mut stored = Stored::default();
        let mut told = Vec::new();
        for hour in hours {
            let now = ends - SignedDuration::from_hours(hour);
            told.extend(stages(&stored.review(&reading(now, vec![matter("s", Some(ends), Severity::Warning)]))));
        }
        let rank = |stage: &Stage| match stage {
            Stage::Before(days) => -i64::from(*days),
            Stage::Expired(on) => 1 + on.duration_since(day(ends)).as_hours() / 24,
            Stage::Now => i64::MIN,
        };
        prop_assert!(told.windows(2).all(|pair| rank(&pair[0]) < rank(&pair[1])), "{told:?}");
    }

    /// Ids are unique among all messages of a year, and repeating any check tells nothing.
    #[test]
    fn a_year_of_daily_checks(hour in 0_i64..24, length in 1_i64..365) {
        let start = at("2027-01-01T00:00:00Z") + SignedDuration::from_hours(hour);
        let ends = start + days(length);
        let mut stored = Stored::default();
        let mut all = Vec::new();
        for day in 0..length + 5 {
            let now = start + days(day);
            let severity = if now >= ends { Severity::Critical } else { Severity::Warning };
            let seen = || vec![matter("s", Some(ends), severity)];
            all.extend(stored.review(&reading(now, seen())));
            prop_assert_eq!(stored.review(&reading(now, seen())), Vec::new());
        }
        all.extend(stored.review(&reading(start + days(length + 5), Vec::new())));
        let ids: BTreeSet<&str> = all.iter().map(|notice| notice.id.as_str()).collect();
        prop_assert_eq!(ids.len(), all.len());
        let expected = THRESHOLDS.iter().filter(|threshold| i64::from(**threshold) <= length).count()
            + usize::from(!THRESHOLDS.contains(&u32::try_from(length).unwrap_or(0)) && length < 90) + 4 + 1;
        prop_assert_eq!(all.len(), expected);
    }
}
