//! What was played, and where verify and reality disagreed.

use std::time::Duration;

use crate::judge::Logins;
use crate::stage::Said;

/// A kind of disagreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A login fails and nothing is critical.
    FalseOk,
    /// Something is critical and every login works.
    FalseAlarm,
    /// The first critical finding names another link.
    WrongLink,
    /// It is not healthy after the fix.
    NotMended,
    /// The vendor refused the change: the row tests nothing.
    Refused,
}

/// A disagreement.
struct Disagreement {
    kind: Kind,
    change: String,
    detail: String,
}

/// What was played.
#[derive(Default)]
pub struct Tally {
    changes: usize,
    broken: usize,
    right_links: usize,
    disagreements: Vec<Disagreement>,
    /// Time of the verifies.
    pub verifying: Duration,
    /// Time of the logins.
    pub judging: Duration,
    /// Time of fixes and restorations.
    pub mending: Duration,
}

/// The first critical finding may name another link in this share of the changes that break a login.
const WRONG_LINKS: f64 = 0.01;

impl Tally {
    /// Notes a disagreement.
    pub fn note(&mut self, kind: Kind, change: &str, detail: String) {
        self.disagreements.push(Disagreement { kind, change: change.to_owned(), detail });
    }

    /// Compares what verify said with what is.
    pub fn compare(&mut self, change: &str, links: &[&str], logins: &Logins, said: &Said) {
        self.changes += 1;
        let failed: Vec<_> = logins.iter().filter(|(_, login)| !login.ok).collect();
        let first = said.criticals.first();
        match (failed.first(), first) {
            (None, None) => {}
            (Some((user, login)), None) => {
                self.broken += 1;
                let detail = format!(
                    "{} of {} logins fail, {user} at {}: {}; verify: {}",
                    failed.len(),
                    logins.len(),
                    login.step,
                    login.error,
                    said.verdict
                );
                self.note(Kind::FalseOk, change, detail);
            }
            (None, Some(finding)) => {
                self.note(Kind::FalseAlarm, change, format!("{}: found {}", finding.check, finding.found));
            }
            (Some((_, login)), Some(finding)) => {
                self.broken += 1;
                if links.contains(&finding.check.as_str()) {
                    self.right_links += 1;
                } else {
                    let all: Vec<&str> = said.criticals.iter().map(|one| one.check.as_str()).collect();
                    let detail =
                        format!("{all:?} instead of {links:?}; a login ends at {}: {}", login.step, login.error);
                    self.note(Kind::WrongLink, change, detail);
                }
            }
        }
    }

    /// Both together.
    pub fn add(&mut self, other: Self) {
        self.changes += other.changes;
        self.broken += other.broken;
        self.right_links += other.right_links;
        self.disagreements.extend(other.disagreements);
        self.verifying += other.verifying;
        self.judging += other.judging;
        self.mending += other.mending;
    }

    fn of(&self, kind: Kind) -> usize {
        self.disagreements.iter().filter(|one| one.kind == kind).count()
    }

    /// Prints everything, then fails where verify and reality disagree.
    pub fn judge(&self, provider: &str) {
        let lines =
            self.disagreements.iter().map(|one| format!("  {:?}: {}\n      {}\n", one.kind, one.change, one.detail));
        let lines: String = lines.collect();
        let (ok, alarm, link) = (self.of(Kind::FalseOk), self.of(Kind::FalseAlarm), self.of(Kind::WrongLink));
        let (mended, refused) = (self.of(Kind::NotMended), self.of(Kind::Refused));
        println!(
            "{provider}: {} changes, {} of them break a login; false ok {ok}, false alarm {alarm}, wrong link {link} \
             (right {}), not mended {mended}, refused {refused}; verify {:?}, logins {:?}, mending {:?}\n{lines}",
            self.changes, self.broken, self.right_links, self.verifying, self.judging, self.mending
        );
        // Counts are small: a share of them is exact in a float.
        let allowed = (self.broken as f64 * WRONG_LINKS).floor() as usize;
        assert!(
            ok == 0 && alarm == 0 && mended == 0 && refused == 0 && link <= allowed,
            "{provider}: verify and reality disagree (false ok {ok}, false alarm {alarm}, wrong link {link}, not \
             mended {mended}, refused {refused}): the table is above"
        );
    }
}
