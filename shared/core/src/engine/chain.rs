//! The chain of a journal: every entry holds the hash of the one before, so that nothing can be changed or taken out
//! unseen.

use std::fmt::Write;

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::ledger::{Draft, JournalEntry};

/// Version of the shape of [`JournalEntry`].
pub const SCHEMA: u32 = 1;

/// What stands for the hash before the first entry.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Where a journal has been tampered with.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Broken {
    /// An entry is missing, or there twice.
    #[error("entry {expected} of the journal is missing: {found} stands in its place")]
    Missing {
        /// The number that should be there.
        expected: u64,
        /// The number that is.
        found: u64,
    },
    /// An entry does not follow from the one before.
    #[error("entry {0} of the journal does not follow the one before it")]
    Unlinked(u64),
    /// An entry's content is not what was written.
    #[error("entry {0} of the journal has been changed")]
    Changed(u64),
}

/// The text of a draft over which its hash is made, and which a store keeps.
///
/// # Errors
/// A value that JSON cannot hold.
pub fn text(draft: &Draft) -> Result<String, serde_json::Error> {
    serde_json::to_string(draft)
}

/// Hash of an entry: SHA-256, in hex, over the hash before, the number and the draft's text, a line each.
pub fn hash(previous: &str, seq: u64, text: &str) -> String {
    let digest = Sha256::digest(format!("{previous}\n{seq}\n{text}"));
    digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Gives a draft its place after the entry `seq - 1`, whose hash is `previous`.
pub fn seal(previous: &str, seq: u64, draft: Draft, text: &str) -> JournalEntry {
    JournalEntry { schema: SCHEMA, seq, previous: previous.to_owned(), hash: hash(previous, seq, text), draft }
}

/// One link as it is stored: number, hash before, hash, text.
#[derive(Clone, Copy, Debug)]
pub struct Link<'a> {
    /// Number.
    pub seq: u64,
    /// Hash of the entry before.
    pub previous: &'a str,
    /// Hash of this entry.
    pub hash: &'a str,
    /// The draft's text as it was stored.
    pub text: &'a str,
}

/// Checks a whole journal, oldest first, and gives the hash of its last entry ([`GENESIS`] for an empty one). That the
/// end was not cut off shows by comparing with the head that the store keeps.
///
/// # Errors
/// The first place where it does not hold.
pub fn verify<'a>(links: impl IntoIterator<Item = Link<'a>>) -> Result<&'a str, Broken> {
    let mut last = GENESIS;
    for (expected, link) in (1..).zip(links) {
        if link.seq != expected {
            return Err(Broken::Missing { expected, found: link.seq });
        }
        if link.previous != last {
            return Err(Broken::Unlinked(link.seq));
        }
        if hash(link.previous, link.seq, link.text) != link.hash {
            return Err(Broken::Changed(link.seq));
        }
        last = link.hash;
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(texts: &[&str]) -> Vec<(u64, String, String, String)> {
        let mut last = GENESIS.to_owned();
        (1..)
            .zip(texts)
            .map(|(seq, text)| {
                let own = hash(&last, seq, text);
                (seq, std::mem::replace(&mut last, own.clone()), own, (*text).to_owned())
            })
            .collect()
    }

    fn check(journal: &[(u64, String, String, String)]) -> Result<&str, Broken> {
        verify(journal.iter().map(|(seq, previous, hash, text)| Link { seq: *seq, previous, hash, text }))
    }

    #[test]
    fn an_untouched_journal_holds_and_names_its_head() {
        let journal = journal(&["a", "b", "c"]);
        assert_eq!(check(&journal), Ok(journal[2].2.as_str()));
        assert_eq!(check(&[]), Ok(GENESIS));
    }

    #[test]
    fn every_kind_of_tampering_shows() {
        let whole = journal(&["a", "b", "c"]);
        let mut changed = whole.clone();
        changed[1].3 = "B".into();
        assert_eq!(check(&changed), Err(Broken::Changed(2)));

        let mut rewritten = whole.clone();
        rewritten[1].3 = "B".into();
        rewritten[1].2 = hash(&rewritten[1].1, 2, "B");
        assert_eq!(check(&rewritten), Err(Broken::Unlinked(3)));

        let mut missing = whole.clone();
        missing.remove(1);
        assert_eq!(check(&missing), Err(Broken::Missing { expected: 2, found: 3 }));

        let mut swapped = whole;
        swapped.swap(0, 1);
        assert_eq!(check(&swapped), Err(Broken::Missing { expected: 1, found: 2 }));
    }
}
