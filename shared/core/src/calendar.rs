//! The dates of all open alerts as an iCalendar file (RFC 5545), for calendar programs.

use jiff::Timestamp;
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::alert::{About, Alert};

/// Longest line in octets, the break not counted (RFC 5545, section 3.1).
const LONGEST: usize = 75;
/// Longest text of one property, in characters.
const TEXT: usize = 1000;

/// One all-day event for each alert that has a date. `deployment` names the calendar.
pub fn calendar(deployment: &str, alerts: &[Alert]) -> String {
    let mut file = String::new();
    let mut line = |text: &str| fold(text, &mut file);
    line("BEGIN:VCALENDAR");
    line("VERSION:2.0");
    line("PRODID:-//extoauth//dates//EN");
    line("METHOD:PUBLISH");
    line(&format!("X-WR-CALNAME:{}", escaped(&format!("extoauth {deployment}"))));
    for alert in alerts {
        let Some(ends) = alert.matter.ends else { continue };
        let day = ends.to_zoned_datetime(TimeZone::UTC).date();
        let Ok(next) = day.checked_add(1.day()) else { continue };
        let finding = &alert.matter.finding;
        let about = match &alert.matter.about {
            About::Integration(name) => name.to_string(),
            About::System(system) => system.to_string(),
        };
        line("BEGIN:VEVENT");
        line(&format!("UID:{}@extoauth", alert.id()));
        // When what it says was last changed: the same file is the same until something is.
        line(&format!("DTSTAMP:{}", stamp(alert.told.map_or(alert.opened, |told| told.at))));
        line(&format!("DTSTART;VALUE=DATE:{}", date(day)));
        line(&format!("DTEND;VALUE=DATE:{}", date(next)));
        line(&format!("SUMMARY:{}", escaped(&format!("{about}: {} ends", finding.check))));
        let parts = [
            ("What", &finding.found),
            ("What it means", &finding.effect),
            ("Who is affected", &alert.matter.who),
            ("What happens by itself", &alert.matter.by_itself),
            ("What to do", &finding.fix),
        ];
        let filled = parts.iter().filter(|(_, text)| !text.trim().is_empty());
        let description: Vec<String> = filled.map(|(label, text)| format!("{label}: {}", escaped(text))).collect();
        line(&format!("DESCRIPTION:{}", description.join("\\n")));
        // It takes nobody's time.
        line("TRANSP:TRANSPARENT");
        line("END:VEVENT");
    }
    line("END:VCALENDAR");
    file
}

fn date(day: Date) -> String {
    day.strftime("%Y%m%d").to_string()
}

fn stamp(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A value of type TEXT (RFC 5545, section 3.3.11) on one line: what others wrote cannot begin a property of its own.
fn escaped(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    for c in text.chars().take(TEXT) {
        match c {
            '\\' | ';' | ',' => {
                value.push('\\');
                value.push(c);
            }
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => value.push(' '),
            c => value.push(c),
        }
    }
    value
}

/// Adds a line, in pieces of at most 75 octets of which each further one begins with a space; no character is cut.
fn fold(line: &str, file: &mut String) {
    let mut length = 0;
    for c in line.chars() {
        if length + c.len_utf8() > LONGEST {
            file.push_str("\r\n ");
            length = 1;
        }
        file.push(c);
        length += c.len_utf8();
    }
    file.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn alert(text: &str, ends: Option<&str>) -> Alert {
        serde_json::from_value(json!({
            "schema": 1, "watch": "w", "opened": "2027-01-01T00:00:00Z", "told": null, "incidents": [],
            "acknowledged": null, "snoozed_until": null, "revision": 1,
            "matter": {"about": {"integration": "analytics-dev"}, "key": "k",
                "source": {"kind": "okta", "name": "acme"}, "ends": ends, "who": text, "by_itself": text,
                "changed_by": null, "finding": {"check": text, "severity": "warning", "resource": text,
                    "expected": text, "found": text, "effect": text, "fix": text, "row": ""}},
        }))
        .expect("an alert")
    }

    #[test]
    fn an_alert_with_a_date_is_an_all_day_event() {
        let alerts = [alert("secret_end", Some("2027-02-28T23:30:00Z")), alert("x", None)];
        let file = calendar("prod", &alerts);
        assert_eq!(file.matches("BEGIN:VEVENT\r\n").count(), 1);
        for line in [
            "DTSTAMP:20270101T000000Z",
            "DTSTART;VALUE=DATE:20270228",
            "DTEND;VALUE=DATE:20270301",
            "SUMMARY:analytics-dev: secret_end ends",
        ] {
            assert!(file.contains(&format!("{line}\r\n")), "{line} is not in {file}");
        }
        assert_eq!(file, calendar("prod", &alerts), "the same until something changes");
    }

    proptest! {
        #[test]
        fn no_text_breaks_out(text in "(\\PC|[\\x00-\\x1f;,:\\\\]|\u{2028}){0,120}") {
            let file = calendar("prod", &[alert(&text, Some("2027-02-28T23:30:00Z"))]);
            prop_assert!(file.split("\r\n").all(|line| line.len() <= LONGEST));
            let unfolded = file.replace("\r\n ", "");
            let lines: Vec<&str> = unfolded.split("\r\n").collect();
            prop_assert_eq!(lines.len(), 16, "{:?}", lines);
            prop_assert!(!unfolded.replace("\r\n", "").contains(|c: char| c.is_control()));
        }
    }
}
