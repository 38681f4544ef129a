//! The text that somebody pasted.

use std::collections::BTreeSet;
use std::fmt;

use super::forms::{folded, unescaped};
use super::secrets::{Secret, secret_in};

/// Largest text, in bytes: a whole `dbt debug` with a traceback.
pub const MAX_TEXT: usize = 32 * 1024;

/// A text that may be read. What was pasted is not kept: only its folded forms, for comparing, and the codes in it.
pub struct Pasted {
    forms: [String; 2],
    codes: BTreeSet<u64>,
}

/// Why a text is not taken. Says nothing of what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is nothing.
    Empty,
    /// It is over [`MAX_TEXT`].
    TooLong,
    /// It holds something like a token or a secret, which nobody may send here.
    Secret(Secret),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("must hold the error message"),
            Self::TooLong => write!(f, "is over {} KiB: send the lines around the error", MAX_TEXT / 1024),
            Self::Secret(secret) => write!(
                f,
                "holds what looks like {secret}: remove it and send the rest. Nothing was stored; whoever else saw it \
                 can use it, so replace it if it was sent elsewhere, too"
            ),
        }
    }
}

impl fmt::Debug for Pasted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the text: it must not get into a log.
        f.debug_struct("Pasted").field("codes", &self.codes).finish_non_exhaustive()
    }
}

impl Pasted {
    /// Takes a text.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn of(text: &str) -> Result<Self, Refused> {
        if text.len() > MAX_TEXT {
            return Err(Refused::TooLong);
        }
        if text.trim().is_empty() {
            return Err(Refused::Empty);
        }
        let plain = unescaped(text);
        if let Some(secret) = secret_in(text).or_else(|| secret_in(&plain)) {
            return Err(Refused::Secret(secret));
        }
        let forms = [folded(text), folded(&plain)];
        let codes = forms.iter().flat_map(|form| codes(form)).collect();
        Ok(Self { forms, codes })
    }

    /// Whether these words are in it, in lower case and with single spaces.
    pub(super) fn says(&self, words: &str) -> bool {
        self.forms.iter().any(|form| form.contains(words))
    }

    /// The numbers of its AADSTS codes.
    pub(super) fn codes(&self) -> &BTreeSet<u64> {
        &self.codes
    }

    /// `dbt debug` ends so when nothing is wrong.
    pub(super) fn says_all_is_well(&self) -> bool {
        self.says("all checks passed!")
    }
}

/// Longest number of a code: nine digits and room for more.
const DIGITS: usize = 12;

/// The codes of Entra: behind the word, in the list of the error's body, or in the address of its page.
fn codes(form: &str) -> BTreeSet<u64> {
    let mut codes = BTreeSet::new();
    for word in ["aadsts", "error?code="] {
        for (at, _) in form.match_indices(word) {
            codes.extend(number(&form[at + word.len()..]));
        }
    }
    for (at, word) in form.match_indices("error_codes") {
        let rest = form[at + word.len()..].trim_start_matches(['"', '\'', ' ', ':', '=']);
        let Some((list, _)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) else { continue };
        codes.extend(list.split(',').filter_map(|one| number(one.trim())));
    }
    codes
}

fn number(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    if end > DIGITS { None } else { text[..end].parse().ok() }
}
