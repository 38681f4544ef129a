//! The subject of a mail.

use super::{Notice, escape};

/// "Subjects must be … less than 100 characters long" (SNS API reference, `Publish`); a mail's header is ASCII.
const LONGEST: usize = 99;

impl Notice {
    /// A line of printable ASCII, at most 99 characters, that begins with a letter.
    pub fn subject(&self) -> String {
        escape::ascii(&format!("extoauth {}: {}", self.deployment, self.headline()), LONGEST)
    }
}
