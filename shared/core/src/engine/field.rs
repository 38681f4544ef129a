//! Fields of a resource and how they are compared: pure, field by field, sets as sets.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::later::Later;
use super::ledger::FieldChange;

/// What stands in a plan where a value is not known before apply.
pub const KNOWN_AFTER_APPLY: &str = "(known after apply)";

/// One field.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    /// A plain value.
    Is(Value),
    /// A set: vendors give lists back in any order.
    Set(BTreeSet<String>),
    /// Not known before apply.
    Unknown,
    /// A value that cannot be read back, by the version that was last written; `None`: not known, so it is written again.
    Version(Option<String>),
}

impl Field {
    /// A plain value.
    pub fn is(value: impl Into<Value>) -> Self {
        Self::Is(value.into())
    }

    /// A set.
    pub fn set<T: Into<String>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::Set(items.into_iter().map(Into::into).collect())
    }

    /// A value that an earlier resource gives.
    pub fn later<T: Clone + Into<Value>>(value: &Later<T>) -> Self {
        value.value().map_or(Self::Unknown, |v| Self::Is(v.clone().into()))
    }

    fn shown(&self) -> Value {
        match self {
            Self::Is(value) => value.clone(),
            Self::Set(items) => json!(items),
            Self::Unknown => json!(KNOWN_AFTER_APPLY),
            Self::Version(Some(version)) => json!(format!("secret, version {version}")),
            Self::Version(None) => json!("secret, version unknown"),
        }
    }
}

/// The fields of a resource by name. Only fields that we keep are named: others are left as they are.
pub type Fields = BTreeMap<&'static str, Field>;

/// What differs. A wanted [`Field::Unknown`] differs only from nothing at all: what will be known after apply cannot be
/// compared before.
pub fn differences(shows: &Fields, wants: &Fields) -> Vec<FieldChange> {
    wants
        .iter()
        .filter(|(name, want)| match (shows.get(*name), want) {
            (Some(Field::Version(is)), Field::Version(want)) => is.is_none() || is != want,
            (Some(_), Field::Unknown) => false,
            (is, want) => is != Some(want),
        })
        .map(|(name, want)| FieldChange {
            field: (*name).to_owned(),
            before: shows.get(name).map_or(Value::Null, Field::shown),
            after: want.shown(),
        })
        .collect()
}

/// All fields of a resource that is to be made.
pub fn all_new(wants: &Fields) -> Vec<FieldChange> {
    differences(&Fields::new(), wants)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_compared_as_sets_and_versions_by_version() {
        let shows = Fields::from([
            ("grants", Field::set(["b", "a"])),
            ("secret", Field::Version(Some("v1".into()))),
            ("label", Field::is("x")),
        ]);
        let same = Fields::from([("grants", Field::set(["a", "b"])), ("secret", Field::Version(Some("v1".into())))]);
        assert_eq!(differences(&shows, &same), vec![]);
        let other = Fields::from([("secret", Field::Version(Some("v2".into()))), ("label", Field::is("y"))]);
        let names: Vec<_> = differences(&shows, &other).into_iter().map(|c| c.field).collect();
        assert_eq!(names, ["label", "secret"]);
    }

    #[test]
    fn an_unknown_version_is_written_again_and_an_unknown_value_is_no_difference() {
        let shows = Fields::from([("secret", Field::Version(None)), ("parent", Field::is(1))]);
        let wants = Fields::from([("secret", Field::Version(None)), ("parent", Field::Unknown)]);
        let names: Vec<_> = differences(&shows, &wants).into_iter().map(|c| c.field).collect();
        assert_eq!(names, ["secret"]);
    }
}
