//! Values that may not be known yet.

/// An output of a resource, as later resources see it.
///
/// A recipe may pass it on and map it, but may not branch on it: the same recipe is read for plans, where most of it is
/// unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Later<T> {
    /// It exists. `fresh`: this very run has made it, so nothing can be below it yet.
    Known {
        /// The value.
        value: T,
        /// Whether this run has made it.
        fresh: bool,
    },
    /// It will exist after apply.
    Unknown,
    /// It is known to be gone, and what is below it with it.
    Gone,
}

/// Whether the parents of a resource are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Presence {
    /// All are.
    Here,
    /// All are, and at least one was made by this run: the resource cannot exist yet.
    Fresh,
    /// At least one will be made by apply.
    Unknown,
    /// At least one is gone.
    Gone,
}

impl<T> Later<T> {
    /// A value that was there before.
    pub fn known(value: T) -> Self {
        Self::Known { value, fresh: false }
    }

    /// The value, where it is known.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Known { value, .. } => Some(value),
            Self::Unknown | Self::Gone => None,
        }
    }

    /// Whether it is there.
    pub fn presence(&self) -> Presence {
        match self {
            Self::Known { fresh: false, .. } => Presence::Here,
            Self::Known { fresh: true, .. } => Presence::Fresh,
            Self::Unknown => Presence::Unknown,
            Self::Gone => Presence::Gone,
        }
    }

    /// The same for something that stood there before what has told of it: it may have things below it.
    #[must_use]
    pub fn older(self) -> Self {
        match self {
            Self::Known { value, .. } => Self::known(value),
            other => other,
        }
    }

    /// A part of it.
    pub fn map<U>(&self, part: impl FnOnce(&T) -> U) -> Later<U> {
        match self {
            Self::Known { value, fresh } => Later::Known { value: part(value), fresh: *fresh },
            Self::Unknown => Later::Unknown,
            Self::Gone => Later::Gone,
        }
    }

    /// Both together: as absent as the more absent of the two.
    pub fn with<U: Clone>(&self, other: &Later<U>) -> Later<(T, U)>
    where
        T: Clone,
    {
        match (self, other) {
            (Self::Known { value: a, fresh: f }, Later::Known { value: b, fresh: g }) => {
                Later::Known { value: (a.clone(), b.clone()), fresh: *f || *g }
            }
            (Self::Gone, _) | (_, Later::Gone) => Later::Gone,
            _ => Later::Unknown,
        }
    }
}

impl Presence {
    /// The presence of several parents together.
    pub fn and(self, other: Self) -> Self {
        self.max(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_absent_parent_decides() {
        let here = Later::known(1);
        let fresh = Later::Known { value: 2, fresh: true };
        assert_eq!(here.with(&fresh).presence(), Presence::Fresh);
        assert_eq!(here.with(&Later::<u8>::Unknown), Later::Unknown);
        assert_eq!(Later::<u8>::Gone.with(&Later::<u8>::Unknown), Later::Gone);
        assert_eq!(here.presence().and(Presence::Gone), Presence::Gone);
        assert_eq!((fresh.older().presence(), Later::<u8>::Gone.older()), (Presence::Here, Later::Gone));
    }
}
