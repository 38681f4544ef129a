//! What starts a scheduled check: the schedule, or the rest of a check that did not fit into one invocation.

use std::fmt;

use extoauth_core::ids::IntegrationName;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Version of the events' shape.
const SCHEMA: u32 = 1;

/// What is to be checked. `time` is "now" for all that follows from it, as the schedule says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// Everything.
    Check {
        /// When the schedule fell due.
        time: Timestamp,
    },
    /// What comes after a place in the order of the check.
    Shard {
        /// When the schedule fell due that the check began with.
        time: Timestamp,
        /// The last one that was checked.
        after: Place,
    },
}

/// A place in the order of a check: by identity provider, so that what integrations share there is read once. A system by
/// itself comes before the integrations on it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The system, such as `okta/acme`; of an integration its identity provider.
    pub system: String,
    /// The integration; `None`: the system itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integration: Option<IntegrationName>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.integration {
            Some(integration) => write!(f, "{}/{integration}", self.system),
            None => f.write_str(&self.system),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Envelope<E> {
    schema: u32,
    #[serde(flatten)]
    event: E,
}

/// An event that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the event is none that this version knows (schema {SCHEMA}, kind `check` or `shard`): {0}")]
pub struct Unreadable(String);

impl Event {
    /// Reads what the function is given: the schedule's event itself, or the queue's record with one. The queue sends one
    /// record at a time.
    ///
    /// # Errors
    /// As [`Event::parse`]; several records at once.
    pub fn received(mut payload: serde_json::Value) -> Result<Self, Unreadable> {
        let Some(records) = payload.get_mut("Records").and_then(serde_json::Value::as_array_mut) else {
            return Self::parse(payload);
        };
        let [record] = records.as_mut_slice() else {
            let count = records.len();
            return Err(Unreadable(format!("the queue sent {count} messages at once; its batch size must be 1")));
        };
        let body = record.get("body").and_then(serde_json::Value::as_str).unwrap_or_default();
        Self::parse(serde_json::from_str(body).map_err(|_| Unreadable("the message is no JSON".into()))?)
    }

    /// Reads an event.
    ///
    /// # Errors
    /// It is none of ours, or of a later version.
    pub fn parse(event: serde_json::Value) -> Result<Self, Unreadable> {
        let unknown = |error: serde_json::Error| Unreadable(error.to_string());
        let outer: Envelope<serde_json::Value> = serde_json::from_value(event).map_err(unknown)?;
        if outer.schema > SCHEMA {
            return Err(Unreadable(format!("it has the schema {}", outer.schema)));
        }
        serde_json::from_value(outer.event).map_err(unknown)
    }

    /// The event as it is sent.
    ///
    /// # Errors
    /// Never for an event of ours.
    pub fn body(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Envelope { schema: SCHEMA, event: self })
    }

    /// "Now".
    pub fn time(&self) -> Timestamp {
        match self {
            Self::Check { time } | Self::Shard { time, .. } => *time,
        }
    }

    /// Where the check goes on; `None`: it begins.
    pub fn after(&self) -> Option<&Place> {
        match self {
            Self::Check { .. } => None,
            Self::Shard { after, .. } => Some(after),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_have_their_fixed_shape() {
        let check = json!({"schema": 1, "kind": "check", "time": "2026-11-23T12:00:00Z"});
        let read = Event::parse(check.clone()).expect("a check");
        assert_eq!((read.time().to_string().as_str(), read.after()), ("2026-11-23T12:00:00Z", None));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&read.body().expect("JSON")).expect("JSON"), check);
        let shard = json!({"schema": 1, "kind": "shard", "time": "2026-11-23T12:00:00Z",
            "after": {"system": "okta/acme", "integration": "analytics-dev"}});
        let read = Event::parse(shard.clone()).expect("a shard");
        assert_eq!(
            read.after().and_then(|place| place.integration.as_ref()).map(IntegrationName::as_str),
            Some("analytics-dev")
        );
        assert_eq!(serde_json::from_str::<serde_json::Value>(&read.body().expect("JSON")).expect("JSON"), shard);
        let shard =
            json!({"schema": 1, "kind": "shard", "time": "2026-11-23T12:00:00Z", "after": {"system": "dbt/acme"}});
        let read = Event::parse(shard.clone()).expect("a shard");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&read.body().expect("JSON")).expect("JSON"), shard);
    }

    #[test]
    fn the_queue_hands_on_one_at_a_time() {
        let check = json!({"schema": 1, "kind": "check", "time": "2026-11-23T12:00:00Z"});
        let record = |body: &str| json!({"messageId": "m", "body": body});
        let received = |records: &[serde_json::Value]| Event::received(json!({"Records": records}));
        assert_eq!(Event::received(check.clone()), Event::parse(check.clone()));
        assert_eq!(received(&[record(&check.to_string())]), Event::parse(check.clone()));
        for bad in [vec![], vec![record("no JSON")], vec![record(&check.to_string()); 2], vec![json!({})]] {
            assert!(received(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_not_ours_is_told() {
        for event in [
            json!(null),
            json!({}),
            json!({"schema": 2, "kind": "check", "time": "2026-11-23T12:00:00Z"}),
            json!({"schema": 1, "kind": "check"}),
            json!({"schema": 1, "kind": "shard", "time": "2026-11-23T12:00:00Z"}),
            json!({"schema": 1, "kind": "check", "time": "yesterday"}),
        ] {
            assert!(Event::parse(event.clone()).is_err(), "{event}");
        }
    }
}
