//! Items of the table as typed values.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;

/// Version of the items' shapes: in every item, so that a later version knows what it reads.
pub(super) const SCHEMA: u32 = 1;

/// An item as the SDK has it.
pub(super) type Attributes = HashMap<String, AttributeValue>;

/// Key of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) pk: String,
    pub(super) sk: String,
}

impl Key {
    pub(super) fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    pub(super) fn attributes(&self) -> Attributes {
        HashMap::from([("pk".to_owned(), text(&self.pk)), ("sk".to_owned(), text(&self.sk))])
    }
}

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A moment, in milliseconds since 1970.
pub(super) fn moment(at: Timestamp) -> AttributeValue {
    number(at.as_millisecond())
}

/// A value as JSON text.
pub(super) fn json<T: Serialize>(value: &T) -> Result<AttributeValue, StoreError> {
    serde_json::to_string(value).map(text).map_err(|e| StoreError::Failed(format!("cannot be written: {e}")))
}

/// An item being written.
pub(super) struct Draft(Attributes);

impl Draft {
    pub(super) fn new(key: &Key) -> Self {
        Self(key.attributes()).with("schema_version", number(SCHEMA))
    }

    pub(super) fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    pub(super) fn attributes(self) -> Attributes {
        self.0
    }
}

/// An item that was read.
pub(super) struct Row(Attributes);

impl Row {
    /// # Errors
    /// It was written by a later version.
    pub(super) fn read(attributes: Attributes) -> Result<Self, StoreError> {
        let row = Self(attributes);
        let schema = row.number("schema_version")?;
        if schema > u64::from(SCHEMA) {
            return Err(StoreError::Newer { item: row.name(), schema });
        }
        Ok(row)
    }

    pub(super) fn text(&self, name: &str) -> Result<&str, StoreError> {
        self.maybe_text(name).ok_or_else(|| self.unreadable(name))
    }

    pub(super) fn maybe_text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_s().ok().map(String::as_str)
    }

    pub(super) fn number(&self, name: &str) -> Result<u64, StoreError> {
        self.maybe_number(name).ok_or_else(|| self.unreadable(name))
    }

    pub(super) fn maybe_number(&self, name: &str) -> Option<u64> {
        self.0.get(name)?.as_n().ok()?.parse().ok()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        matches!(self.0.get(name), Some(AttributeValue::Bool(true)))
    }

    pub(super) fn moment(&self, name: &str) -> Result<Timestamp, StoreError> {
        let millis = self.0.get(name).and_then(|v| v.as_n().ok()).and_then(|n| n.parse().ok());
        millis.and_then(|m| Timestamp::from_millisecond(m).ok()).ok_or_else(|| self.unreadable(name))
    }

    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        self.0.get(name).and_then(|v| v.as_ss().ok()).cloned().unwrap_or_default()
    }

    pub(super) fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, StoreError> {
        serde_json::from_str(self.text(name)?)
            .map_err(|e| StoreError::Failed(format!("{}: {name} cannot be read: {e}", self.name())))
    }

    fn name(&self) -> String {
        let part = |name| self.maybe_text(name).unwrap_or("?");
        format!("item {} {}", part("pk"), part("sk"))
    }

    fn unreadable(&self, name: &str) -> StoreError {
        StoreError::Failed(format!("{} has no readable {name}", self.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let at: Timestamp = "2026-11-23T12:00:00.5Z".parse().expect("a time");
        let key = Key::new("a", "b");
        let draft = Draft::new(&key).with("t", text("x")).with("at", moment(at)).with("n", number(7));
        let row = Row::read(draft.with("j", json(&vec![1, 2]).expect("JSON")).attributes()).expect("this version");
        assert_eq!(row.text("t").expect("there"), "x");
        assert_eq!(row.number("n").expect("there"), 7);
        assert_eq!(row.moment("at").expect("there"), at);
        assert_eq!(row.json::<Vec<u8>>("j").expect("there"), [1, 2]);
        assert!(row.text("absent").expect_err("absent").to_string().contains("item a b"));
    }

    #[test]
    fn a_later_version_is_not_misread() {
        let later = Draft::new(&Key::new("a", "b")).with("schema_version", number(SCHEMA + 1)).attributes();
        assert!(matches!(Row::read(later), Err(StoreError::Newer { schema: 2, .. })));
    }
}
