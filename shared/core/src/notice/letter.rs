//! The parts of a message for people, the same in every form of it.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Notice, NoticeKind};
use crate::alert::{About, days_left};
use crate::finding::Severity;

/// One labelled part. Its text may be a stranger's: each form escapes it.
pub(super) struct Part {
    /// Our own word.
    pub(super) label: &'static str,
    /// What it says.
    pub(super) text: String,
}

impl Notice {
    /// What the message is about, in one line.
    pub(super) fn headline(&self) -> String {
        let what = match &self.about {
            About::Integration(name) => name.to_string(),
            About::System(system) => system.to_string(),
        };
        let check = &self.finding.check;
        match self.kind {
            NoticeKind::Mended if self.unwatched => format!("CLOSED {what}: {check}"),
            NoticeKind::Mended => format!("MENDED {what}: {check}"),
            NoticeKind::Matter => match self.ends {
                Some(ends) => format!("{} {what}: {check}, {}", severity(self.finding.severity), self.distance(ends)),
                None => format!("{} {what}: {check}", severity(self.finding.severity)),
            },
        }
    }

    /// How far away a date is, by UTC days.
    fn distance(&self, ends: Timestamp) -> String {
        match days_left(self.at, ends) {
            0 => "ends today".to_owned(),
            1 => "ends tomorrow".to_owned(),
            -1 => "ended yesterday".to_owned(),
            days if days > 0 => format!("ends in {days} days"),
            days => format!("ended {} days ago", -days),
        }
    }

    /// What happened or will, when, who is affected, who caused it, what happens by itself, what to do. Empty parts are
    /// left out.
    pub(super) fn parts(&self) -> Vec<Part> {
        let finding = &self.finding;
        let mended = self.kind == NoticeKind::Mended;
        let mut parts = Vec::new();
        let mut add = |label, text: String| {
            if !text.trim().is_empty() {
                parts.push(Part { label, text });
            }
        };
        if mended {
            let what = if self.unwatched {
                "this is not watched any more: the integration was removed, or the system is no longer configured; \
                 nothing is left to do here"
            } else {
                "this is as it should be again; nothing is left to do"
            };
            add("What", what.to_owned());
            add("It was", finding.found.clone());
        } else {
            add("What", finding.found.clone());
            add("Expected", finding.expected.clone());
        }
        if let Some(ends) = self.ends {
            let label = if mended { "Its date was" } else { "When" };
            let distance = if mended { String::new() } else { format!(" ({})", self.distance(ends)) };
            add(label, format!("{}{distance}", moment(ends)));
        }
        if !mended {
            add("What it means", finding.effect.clone());
            add("Who is affected", self.who.clone());
        }
        if let Some(changed) = &self.changed_by {
            add("Who changed it", format!("{}, {}, {}", changed.who, moment(changed.at), changed.event));
        }
        if !mended {
            add("What happens by itself", self.by_itself.clone());
            add("What to do", finding.fix.clone());
        }
        add("Where", finding.resource.clone());
        add("Owner", self.owner.clone().unwrap_or_default());
        if !mended {
            add("To be told no more", format!("order `acknowledge` or `snooze` with finding = {}", self.alert));
        }
        add("Deployment", format!("{}, message {} of {}", self.deployment, self.id, moment(self.at)));
        parts
    }
}

/// How bad it is, in a word.
pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Ok => "OK",
        Severity::Info => "INFO",
        Severity::Unknown => "UNKNOWN",
        Severity::Warning => "WARNING",
        Severity::Critical => "CRITICAL",
    }
}

/// A moment for people: to the minute, with its zone.
fn moment(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string()
}
