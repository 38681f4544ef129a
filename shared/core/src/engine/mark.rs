//! The mark on what is ours.

use std::fmt;

use crate::ids::Subject;

/// Names deployment and subject on every object that can carry it. It counts only together with a recorded id or an open
/// intent: a mark alone can be copied by anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The deployment.
    pub deployment: String,
    /// The subject that owns the object.
    pub subject: Subject,
}

impl fmt::Display for Mark {
    /// `extoauth:<deployment>/<subject>`: at most about 110 characters, no spaces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "extoauth:{}/{}", self.deployment, self.subject)
    }
}
