//! How long tokens live by the rule that really applies: the access token, the refresh token, and the refresh token that
//! nobody uses (row R10). None of them ends a login: too short a life means signing in again.

use std::collections::BTreeMap;

use extoauth_core::finding::{Finding, Severity};
use extoauth_core::integration::Lifetimes;
use extoauth_core::policy::{Bounds, LifetimeBounds};
use extoauth_systems::okta::Rule as TokenRule;

use super::decision::{Verdict, verdict};
use super::{RULE, read};
use crate::checks::Rule;
use crate::observe::okta::{AT_REFRESH, AT_SIGN_IN, Assigned, Members};
use crate::observe::{Observed, OktaView, Seen, Unread};

/// Stable id.
pub const ID: &str = "token_lifetimes";

const PLACE: &str = "Security > API > Authorization Servers > the server > Access Policies > the policy";
const DAY: i64 = 24 * 60;
/// Okta's values where a rule states none (its API description and reference).
const DEFAULT_ACCESS: i64 = 60;
const DEFAULT_REFRESH: i64 = UNLIMITED;
const DEFAULT_IDLE: i64 = 7 * DAY;
/// The refresh lifetime that stands for no end.
const UNLIMITED: i64 = 0;

/// One of the three lifetimes, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lifetime {
    /// Of the access token.
    Access,
    /// Of the refresh token.
    Refresh,
    /// Of the refresh token that nobody uses.
    Idle,
    /// All are as they should be, or nothing can be said of any.
    All,
}

impl Lifetime {
    /// Its name in keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
            Self::Idle => "idle",
            Self::All => "all",
        }
    }
}

/// What is said of a lifetime, and the rule that sets it.
pub struct Judged<'r> {
    /// The rule; `None`: which one applies is not known.
    pub rule: Option<&'r TokenRule>,
    /// Which lifetime.
    pub lifetime: Lifetime,
    /// What is said.
    pub finding: Finding,
}

/// As a check of a whole observation.
pub fn run(view: &OktaView, observed: &Observed) -> Vec<Finding> {
    let (asked, bounds) = (observed.desired.lifetimes, &observed.bounds);
    judge(&view.rules, &view.members, &view.assigned, asked, bounds).into_iter().map(|one| one.finding).collect()
}

/// Judges the rules that really apply to the people who are assigned; without any, to somebody of whom nothing is known.
pub fn judge<'r>(
    rules: &'r Seen<Vec<TokenRule>>,
    members: &BTreeMap<String, Seen<Members>>,
    assigned: &Seen<Assigned>,
    asked: Lifetimes,
    bounds: &LifetimeBounds,
) -> Vec<Judged<'r>> {
    let expected = format!(
        "access tokens of {} minutes, refresh tokens of {} days that end when not used for {} days",
        asked.access_minutes, asked.refresh_days, asked.idle_days
    );
    let rule = Rule { check: ID, row: "R10", resource: RULE, expected };
    let unclear = |finding| vec![Judged { rule: None, lifetime: Lifetime::All, finding }];
    let seen = read(&rule, rules, "access_rule").and_then(|rules| Ok((rules, read(&rule, assigned, "client_app")?)));
    let (rules, assigned) = match seen {
        Ok(seen) => seen,
        Err(unknown) => return unclear(unknown),
    };
    let mut people: Vec<Option<&str>> =
        assigned.users.iter().filter(|user| user.active).map(|user| Some(user.id.as_str())).collect();
    if people.is_empty() {
        people.push(None);
    }
    let mut apply: Vec<&TokenRule> = Vec::new();
    for person in people {
        for scopes in [&AT_SIGN_IN[..], &AT_REFRESH[..]] {
            if let Verdict::Granted(by) = verdict(rules, members, person, scopes)
                && !apply.iter().any(|known| known.id == by.id)
            {
                apply.push(by);
            }
        }
    }
    if apply.is_empty() {
        let why = Unread::because("which rule applies is not known, or none does", "see `access_rule`");
        return unclear(rule.unknown(&why));
    }
    let each = apply.into_iter().flat_map(|by| {
        let said = of_rule(&rule, by, asked, bounds);
        said.into_iter().map(move |(lifetime, finding)| Judged { rule: Some(by), lifetime, finding })
    });
    each.collect()
}

fn of_rule(rule: &Rule<'_>, by: &TokenRule, asked: Lifetimes, bounds: &LifetimeBounds) -> Vec<(Lifetime, Finding)> {
    let access = by.access_minutes.unwrap_or(DEFAULT_ACCESS);
    let refresh = by.refresh_minutes.unwrap_or(DEFAULT_REFRESH);
    let idle = by.idle_minutes.unwrap_or(DEFAULT_IDLE);
    let place = |what: &str| format!("{PLACE} > {} > {what}", by.name);
    let say = |severity: Severity, found: String, effect: String, fix: String| match severity {
        Severity::Warning => rule.warning(format!("`{}`: {found}", by.name), effect, fix),
        _ => rule.info(format!("`{}`: {found}", by.name), effect, fix),
    };
    let longer = |minutes: i64, bounds: Bounds, unit: i64| {
        let outside = minutes > i64::from(bounds.max) * unit;
        let effect = if outside { "longer than the organisation allows" } else { "none: only longer than asked for" };
        (if outside { Severity::Warning } else { Severity::Info }, effect.to_owned())
    };
    let mut found = Vec::new();

    let wanted = i64::from(asked.access_minutes);
    if access != wanted {
        let (severity, effect) = if access < wanted {
            let effect = "a development session that lasts longer meets reconnect errors until a new one is started: dbt \
                          does not refresh inside a session";
            (Severity::Warning, effect.to_owned())
        } else {
            longer(access, bounds.access_minutes, 1)
        };
        let fix = place(&format!("Access token lifetime is: {wanted} minutes"));
        found.push((Lifetime::Access, say(severity, format!("access tokens live {}", span(access)), effect, fix)));
    }

    let wanted = i64::from(asked.refresh_days) * DAY;
    let fix = place(&format!("Refresh token lifetime is: {}", span(wanted)));
    if refresh == UNLIMITED {
        let effect = "a refresh token that is used goes on for ever, longer than the organisation allows".to_owned();
        found.push((Lifetime::Refresh, say(Severity::Warning, "refresh tokens have no end".into(), effect, fix)));
    } else if refresh < wanted {
        let effect = format!("developers will be asked to sign in again {}", every(refresh));
        found.push((
            Lifetime::Refresh,
            say(Severity::Warning, format!("refresh tokens live {}", span(refresh)), effect, fix),
        ));
    } else if refresh > wanted {
        let (severity, effect) = longer(refresh, bounds.refresh_days, DAY);
        found.push((Lifetime::Refresh, say(severity, format!("refresh tokens live {}", span(refresh)), effect, fix)));
    }

    let wanted = i64::from(asked.idle_days) * DAY;
    let seen = format!("refresh tokens end when not used for {}", span(idle));
    let fix = place(&format!("but will expire if not used every: {}", span(wanted)));
    if idle < access {
        let effect =
            format!("the refresh token ends before the access token does: developers sign in again {}", every(access));
        found.push((Lifetime::Idle, say(Severity::Warning, seen, effect, fix)));
    } else if idle < wanted {
        let effect = if idle <= DAY {
            "developers will be asked to sign in again every day".to_owned()
        } else {
            format!("whoever does not use dbt for {} will be asked to sign in again", span(idle))
        };
        found.push((Lifetime::Idle, say(Severity::Warning, seen, effect, fix)));
    } else if idle > wanted {
        let (severity, effect) = longer(idle, bounds.idle_days, DAY);
        found.push((Lifetime::Idle, say(severity, seen, effect, fix)));
    }

    if found.is_empty() {
        let text = format!("`{}`: {}, {}, {}", by.name, span(access), span(refresh), span(idle));
        found.push((Lifetime::All, rule.ok(text)));
    }
    found
}

/// Minutes as people say them.
pub fn span(minutes: i64) -> String {
    let (count, unit) = match minutes {
        m if m != 0 && m % DAY == 0 => (m / DAY, "day"),
        m if m != 0 && m % 60 == 0 && m > 60 => (m / 60, "hour"),
        m => (m, "minute"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

/// How often something happens that comes after so many minutes.
fn every(minutes: i64) -> String {
    if minutes == DAY { "every day".to_owned() } else { format!("every {}", span(minutes)) }
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{Info, Ok, Unknown, Warning};
    use serde_json::json;

    use super::*;
    use crate::checks::okta::testing::{observed, rules, run_on, view};

    #[test]
    fn each_lifetime() {
        let mut observed = observed();
        observed.desired.lifetimes = Lifetimes { access_minutes: 60, refresh_days: 90, idle_days: 90 };
        observed.bounds.access_minutes.max = 120;
        observed.bounds.refresh_days.max = 180;
        observed.bounds.idle_days.max = 180;
        let ninety = 90 * DAY;
        for (access, refresh, idle, expected) in [
            (60, ninety, ninety, vec![Ok]),
            (5, ninety, ninety, vec![Warning]),
            (90, ninety, ninety, vec![Info]),
            (1440, ninety, ninety, vec![Warning]),
            (60, 0, ninety, vec![Warning]),
            (60, 60 * DAY, 60 * DAY, vec![Warning, Warning]),
            (60, 120 * DAY, ninety, vec![Info]),
            (60, 365 * DAY, 365 * DAY, vec![Warning, Warning]),
            (60, ninety, 7 * DAY, vec![Warning]),
            (60, ninety, DAY, vec![Warning]),
            (60, 0, 5, vec![Warning, Warning]),
            (60, 0, 0, vec![Warning, Warning]),
        ] {
            let token = json!({"accessTokenLifetimeMinutes": access, "refreshTokenLifetimeMinutes": refresh,
                "refreshTokenWindowMinutes": idle});
            let mut view = view();
            view.rules = rules(&[("/actions/token", token)]);
            assert_eq!(run_on(&view, &observed, run), expected, "{access} {refresh} {idle}");
        }
        let mut bare = view();
        bare.rules = rules(&[("/actions/token", json!({}))]);
        assert_eq!(run_on(&bare, &observed, run), [Warning, Warning], "no end, and seven days idle");
        assert!(of_rule_text(&bare, &observed).contains("does not use dbt for 7 days"));
    }

    fn of_rule_text(view: &OktaView, observed: &Observed) -> String {
        run(view, observed).into_iter().map(|finding| finding.effect).collect()
    }

    #[test]
    fn the_rule_that_does_not_apply_does_not_count() {
        let mut view = view();
        view.rules = rules(&[("/status", json!("INACTIVE"))]);
        assert_eq!(run_on(&view, &observed(), run), [Unknown]);
        for seen in [Seen::Gone, Seen::default()] {
            view.rules = seen;
            assert_eq!(run_on(&view, &observed(), run), [Unknown]);
        }
    }

    #[test]
    fn spans_are_said_as_people_say_them() {
        let said: Vec<_> = [0, 1, 60, 90, 120, 1440, 10_080].map(span).into();
        assert_eq!(said, ["0 minutes", "1 minute", "60 minutes", "90 minutes", "2 hours", "1 day", "7 days"]);
        assert_eq!((every(DAY).as_str(), every(2 * DAY).as_str()), ("every day", "every 2 days"));
    }
}
