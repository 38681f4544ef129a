//! How a check says what it found.

use extoauth_core::finding::{Finding, Severity};

use crate::observe::Unread;

/// What a check looks at and what should be there: the part of a finding that does not depend on what was found.
pub struct Rule<'r> {
    /// Stable id of the check.
    pub check: &'static str,
    /// Row of the manual.
    pub row: &'static str,
    /// What it is about: the address of a resource, or a system (`okta/acme`).
    pub resource: &'r str,
    /// What should be.
    pub expected: String,
}

impl Rule<'_> {
    fn finding(&self, severity: Severity, found: String, effect: String, fix: String) -> Finding {
        Finding {
            check: self.check.into(),
            severity,
            resource: self.resource.into(),
            expected: self.expected.clone(),
            found,
            effect,
            fix,
            row: self.row.into(),
        }
    }

    /// It is as it should be. `found`: what was read.
    pub fn ok(&self, found: impl Into<String>) -> Finding {
        self.finding(Severity::Ok, found.into(), String::new(), String::new())
    }

    /// Worth knowing.
    pub fn info(&self, found: impl Into<String>, effect: impl Into<String>, fix: impl Into<String>) -> Finding {
        self.finding(Severity::Info, found.into(), effect.into(), fix.into())
    }

    /// Something will break, or is not as agreed.
    pub fn warning(&self, found: impl Into<String>, effect: impl Into<String>, fix: impl Into<String>) -> Finding {
        self.finding(Severity::Warning, found.into(), effect.into(), fix.into())
    }

    /// A login fails now for at least one assigned user.
    pub fn critical(&self, found: impl Into<String>, effect: impl Into<String>, fix: impl Into<String>) -> Finding {
        self.finding(Severity::Critical, found.into(), effect.into(), fix.into())
    }

    /// It was not read.
    pub fn unknown(&self, unread: &Unread) -> Finding {
        let effect = "whether logins work here is not known".to_owned();
        self.finding(Severity::Unknown, unread.why.clone(), effect, unread.fix.clone())
    }
}
