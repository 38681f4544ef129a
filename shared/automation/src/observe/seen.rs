//! What reading something brought: there, gone, or not read. Nothing else may stand for a value.

use extoauth_core::error::{CallError, CallResult, ErrorKind};

/// What reading something brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen<T> {
    /// It was read.
    There(T),
    /// The system says that it is not there.
    Gone,
    /// It was not read, and nothing is known of it.
    Unread(Unread),
}

/// Why something was not read, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// What happened, with the right that is missing where the vendor names it.
    pub why: String,
    /// What to do so that it can be read.
    pub fix: String,
    /// Whether a right of ours is missing.
    pub refused: bool,
}

impl Unread {
    /// Something that was not read, and why.
    pub fn because(why: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { why: why.into(), fix: fix.into(), refused: false }
    }
}

impl From<&CallError> for Unread {
    fn from(error: &CallError) -> Self {
        let system = &error.system;
        let fix = match error.kind {
            ErrorKind::Unauthorized => format!("check the credential of {system} in Secrets Manager"),
            ErrorKind::Forbidden => format!("give our credential at {system} the right that is named here"),
            ErrorKind::FeatureMissing => format!("have the feature enabled for {system}"),
            ErrorKind::IpRestricted => format!("add the functions' outgoing address to the allow-list of {system}"),
            ErrorKind::Refused => "see the reason".to_owned(),
            kind if kind.is_transient() => format!("ask again when {system} answers"),
            _ => format!("look at the answer of {system}"),
        };
        let refused = matches!(error.kind, ErrorKind::Forbidden | ErrorKind::FeatureMissing | ErrorKind::IpRestricted);
        Self { why: error.to_string(), fix, refused }
    }
}

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self::Unread(Unread::because("it was not read", "ask for `verify`"))
    }
}

impl<T> From<CallResult<T>> for Seen<T> {
    fn from(result: CallResult<T>) -> Self {
        match result {
            Ok(value) => Self::There(value),
            Err(e) if e.is_not_found() => Self::Gone,
            Err(e) => Self::Unread(Unread::from(&e)),
        }
    }
}

impl<T> Seen<T> {
    /// What was read, if it was.
    pub fn there(&self) -> Option<&T> {
        match self {
            Self::There(value) => Some(value),
            Self::Gone | Self::Unread(_) => None,
        }
    }

    /// Why nothing is known of it, if that is so.
    pub fn unread(&self) -> Option<&Unread> {
        match self {
            Self::Unread(why) => Some(why),
            Self::There(_) | Self::Gone => None,
        }
    }

    /// Whether the system says that it is not there.
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Gone)
    }

    /// The same with a borrowed value.
    pub fn as_ref(&self) -> Seen<&T> {
        match self {
            Self::There(value) => Seen::There(value),
            Self::Gone => Seen::Gone,
            Self::Unread(why) => Seen::Unread(why.clone()),
        }
    }

    /// The same with another value.
    pub fn map<U>(self, of: impl FnOnce(T) -> U) -> Seen<U> {
        match self {
            Self::There(value) => Seen::There(of(value)),
            Self::Gone => Seen::Gone,
            Self::Unread(why) => Seen::Unread(why),
        }
    }

    /// What follows from the value, which may not be there or not be read itself.
    pub fn and_then<U>(self, of: impl FnOnce(T) -> Seen<U>) -> Seen<U> {
        match self {
            Self::There(value) => of(value),
            Self::Gone => Seen::Gone,
            Self::Unread(why) => Seen::Unread(why),
        }
    }
}
