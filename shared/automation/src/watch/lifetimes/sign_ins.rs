//! Who will have to sign in again, and when: from the refresh tokens that a client holds.

use std::collections::BTreeMap;

use extoauth_core::alert::{About, Matter};
use extoauth_core::error::CallResult;
use extoauth_core::finding::{Finding, Severity};
use extoauth_core::integration::{Integration, Lifetimes};
use extoauth_systems::okta::{Read, RefreshToken};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::provider;

/// Stable id of what is said here.
const ID: &str = "sign_ins_end";
/// Pages of 200 that are read of one client at most.
const MOST_PAGES: usize = 25;
/// "Soon".
const SOON: SignedDuration = SignedDuration::from_hours(24 * 14);
/// People who are named.
const NAMED: usize = 5;
/// From so many people on it is worth telling that most sign-ins end on one day.
const MANY: usize = 3;

/// When each person's last refresh token ends. Only that is kept of the pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignIns {
    ends: BTreeMap<String, Option<Timestamp>>,
    /// The same if tokens lived as `asked` says.
    planned: BTreeMap<String, Option<Timestamp>>,
    /// Whether all tokens were read.
    pub complete: bool,
}

impl SignIns {
    /// Reads the tokens of a client, page by page. `asked`: lifetimes that are planned.
    ///
    /// # Errors
    /// A page could not be read.
    pub async fn read(read: &Read, server: &str, client: &str, asked: Lifetimes) -> CallResult<Self> {
        let mut found = Self { complete: true, ..Self::default() };
        let mut after = None;
        for _ in 0..MOST_PAGES {
            let page = read.refresh_tokens(server, client, after.as_ref()).await?;
            page.items.iter().for_each(|token| found.add(token, asked));
            after = page.next;
            if after.is_none() {
                return Ok(found);
            }
        }
        found.complete = false;
        Ok(found)
    }

    fn add(&mut self, token: &RefreshToken, asked: Lifetimes) {
        let Some(user) = &token.user else { return };
        let days = |days: u32| SignedDuration::from_hours(24 * i64::from(days));
        let last = token.created.and_then(|at| at.checked_add(days(asked.refresh_days)).ok());
        let idle = token.updated.or(token.created).and_then(|at| at.checked_add(days(asked.idle_days)).ok());
        let planned = [last, idle, token.ends].into_iter().flatten().min();
        // A token without an end is the latest of all.
        let later = |known: &mut Option<Timestamp>, end: Option<Timestamp>| {
            *known = match (*known, end) {
                (Some(known), Some(end)) => Some(known.max(end)),
                _ => None,
            };
        };
        for (all, end) in [(&mut self.ends, token.ends), (&mut self.planned, planned)] {
            all.entry(user.clone()).and_modify(|known| later(known, end)).or_insert(end);
        }
    }

    /// How many people hold a token that is good.
    pub fn people(&self, now: Timestamp) -> usize {
        self.ends.values().filter(|end| end.is_none_or(|end| end > now)).count()
    }

    /// How many of them would have to sign in at once if tokens lived as is planned. Whether Okta applies a changed rule to
    /// tokens that exist is UNCONFIRMED: this is the most that can happen.
    pub fn hit(&self, now: Timestamp) -> usize {
        let good = self.ends.iter().filter(|(_, end)| end.is_none_or(|end| end > now));
        good.filter(|(user, _)| self.planned.get(*user).copied().flatten().is_some_and(|end| end <= now)).count()
    }

    /// Those whose last token ends soon, the first first.
    fn soon(&self, now: Timestamp) -> Vec<(Timestamp, &str)> {
        let until = now.checked_add(SOON).unwrap_or(Timestamp::MAX);
        let each = self.ends.iter().filter_map(|(user, end)| Some(((*end)?, user.as_str())));
        let mut soon: Vec<_> = each.filter(|(end, _)| *end > now && *end <= until).collect();
        soon.sort_unstable();
        soon
    }

    /// What is to be said: that some will sign in again soon is only worth knowing, that most of them will on one day is
    /// announced before that day.
    pub fn matters(&self, desired: &Integration, now: Timestamp, names: &BTreeMap<&str, &str>) -> Vec<Matter> {
        let (soon, people) = (self.soon(now), self.people(now));
        let at_least = if self.complete { "" } else { "at least " };
        let mut matters = Vec::new();
        let Some((first, _)) = soon.first().copied() else { return matters };
        let named: Vec<String> = soon
            .iter()
            .take(NAMED)
            .map(|(end, user)| format!("{} on {}", names.get(user).unwrap_or(user), day(*end)))
            .collect();
        let more = soon.len().saturating_sub(NAMED);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let about = |key: String, ends: Option<Timestamp>, count: usize, found: String| Matter {
            about: About::Integration(desired.name.clone()),
            key,
            source: provider(desired),
            finding: Finding {
                check: ID.into(),
                severity: Severity::Info,
                resource: "okta.app".into(),
                expected: "people who stay signed in".into(),
                found,
                effect: "they will be asked to sign in at Okta again when they next use dbt".into(),
                fix: "nothing: it is how long a sign-in lasts; tell them, so that nobody takes it for a fault".into(),
                row: "R10".into(),
            },
            ends,
            who: format!("{at_least}{count} of {people} people who are signed in"),
            by_itself: "each signs in again once, and is good for as long as the rule says".into(),
            changed_by: None,
        };
        let found =
            format!("{at_least}{} sign-ins end by {}: {}{more}", soon.len(), day(first + SOON), named.join(", "));
        matters.push(about(ID.into(), None, soon.len(), found));

        let mut by_day: BTreeMap<Date, (usize, Timestamp)> = BTreeMap::new();
        for (end, _) in &soon {
            by_day.entry(day(*end)).or_insert((0, *end)).0 += 1;
        }
        let fullest = by_day.into_iter().max_by_key(|(_, (count, _))| *count);
        if let Some((on, (count, end))) = fullest.filter(|(_, (count, _))| *count >= MANY && count * 2 >= people) {
            let found = format!("{at_least}{count} of {people} sign-ins end on {on}");
            matters.push(about(format!("{ID}/{on}"), Some(end), count, found));
        }
        matters
    }
}

fn day(at: Timestamp) -> Date {
    at.to_zoned_datetime(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::healthy;
    use extoauth_core::systems::Idp;

    const ASKED: Lifetimes = Lifetimes { access_minutes: 60, refresh_days: 30, idle_days: 7 };

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn token(user: &str, created: &str, updated: &str, ends: Option<&str>) -> RefreshToken {
        RefreshToken {
            id: "oar1".into(),
            user: Some(user.into()),
            ends: ends.map(at),
            created: Some(at(created)),
            updated: Some(at(updated)),
        }
    }

    fn sign_ins(tokens: &[RefreshToken]) -> SignIns {
        let mut all = SignIns { complete: true, ..SignIns::default() };
        tokens.iter().for_each(|token| all.add(token, ASKED));
        all
    }

    #[test]
    fn a_person_signs_in_again_when_the_last_token_ends() {
        let now = at("2027-01-10T00:00:00Z");
        let all = sign_ins(&[
            token("a", "2027-01-01T00:00:00Z", "2027-01-09T00:00:00Z", Some("2027-01-12T00:00:00Z")),
            token("a", "2027-01-01T00:00:00Z", "2027-01-09T00:00:00Z", Some("2027-03-01T00:00:00Z")),
            token("b", "2027-01-01T00:00:00Z", "2027-01-09T00:00:00Z", Some("2027-01-20T00:00:00Z")),
            token("c", "2027-01-01T00:00:00Z", "2027-01-09T00:00:00Z", Some("2027-01-09T00:00:00Z")),
            token("d", "2027-01-01T00:00:00Z", "2027-01-09T00:00:00Z", None),
        ]);
        assert_eq!(all.people(now), 3, "c has none that is good");
        assert_eq!(all.soon(now).into_iter().map(|(_, user)| user).collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn a_shorter_life_hits_those_who_are_beyond_it() {
        let now = at("2027-01-31T12:00:00Z");
        let ends = Some("2027-06-01T00:00:00Z");
        let all = sign_ins(&[
            token("old", "2027-01-01T00:00:00Z", "2027-01-31T00:00:00Z", ends),
            token("idle", "2027-01-20T00:00:00Z", "2027-01-20T00:00:00Z", ends),
            token("busy", "2027-01-20T00:00:00Z", "2027-01-30T00:00:00Z", ends),
            token("gone", "2026-01-20T00:00:00Z", "2026-01-20T00:00:00Z", Some("2026-06-01T00:00:00Z")),
        ]);
        assert_eq!((all.hit(now), all.people(now)), (2, 3));
    }

    #[test]
    fn most_on_one_day_is_announced() {
        let desired = healthy(Idp::Okta).desired;
        let now = at("2027-01-10T00:00:00Z");
        let end = |user: &str, ends| token(user, "2027-01-01T00:00:00Z", "2027-01-09T00:00:00Z", Some(ends));
        let spread =
            [end("a", "2027-01-12T00:00:00Z"), end("b", "2027-01-14T00:00:00Z"), end("c", "2027-01-16T00:00:00Z")];
        let names = BTreeMap::from([("a", "ada@example.com")]);
        let said = sign_ins(&spread).matters(&desired, now, &names);
        assert_eq!(said.len(), 1);
        assert!(said[0].finding.found.contains("ada@example.com on 2027-01-12"), "{}", said[0].finding.found);
        assert_eq!(said[0].ends, None);

        let one_day = ["a", "b", "c"].map(|user| end(user, "2027-01-14T08:00:00Z"));
        let said = sign_ins(&one_day).matters(&desired, now, &names);
        assert_eq!(said[1].key, "sign_ins_end/2027-01-14");
        assert_eq!(said[1].ends, Some(at("2027-01-14T08:00:00Z")));
        assert!(sign_ins(&[]).matters(&desired, now, &names).is_empty());
    }
}
