//! The System Log: who did what, to what, and when. Entries come within seconds to minutes, and are kept for 90 days
//! (Okta's reference, "System Log").

use extoauth_core::error::CallResult;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::Read;
use super::page::{NextPage, Page};
use super::scope::Scope;
use crate::http::text;

/// Somebody or something that an entry names. What its fields hold is the org's and strangers' text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPart {
    /// Its id.
    pub id: String,
    /// `User`, `PublicClientApp`, `AppInstance`, `SystemPrincipal` …
    pub kind: String,
    /// What people know it by: a login, a label.
    pub name: Option<String>,
}

/// An entry. Everything in it may be absent: its shape differs by event type and source.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Value")]
pub struct LogEntry {
    /// Its id, the same in every delivery of it.
    pub uuid: String,
    /// What happened, such as `policy.rule.update`.
    pub event: String,
    /// When.
    pub at: Option<Timestamp>,
    /// Who did it.
    pub actor: LogPart,
    /// To what.
    pub targets: Vec<LogPart>,
    /// Whether it was done, and not refused.
    pub done: bool,
}

impl From<Value> for LogEntry {
    fn from(raw: Value) -> Self {
        let word = |path: &str| text(&raw, path).unwrap_or_default();
        let targets = raw.get("target").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        Self {
            uuid: word("/uuid"),
            event: word("/eventType"),
            at: word("/published").parse().ok(),
            actor: raw.get("actor").map(part).unwrap_or_default(),
            targets: targets.iter().map(part).collect(),
            done: text(&raw, "/outcome/result").is_none_or(|result| result == "SUCCESS"),
        }
    }
}

fn part(raw: &Value) -> LogPart {
    // The alternate id of a person is their login; where Okta has none it says "unknown".
    let named = |path: &str| text(raw, path).filter(|name| !name.is_empty() && name != "unknown");
    LogPart {
        id: text(raw, "/id").unwrap_or_default(),
        kind: text(raw, "/type").unwrap_or_default(),
        name: named("/alternateId").or_else(|| named("/displayName")),
    }
}

/// Which entries.
#[derive(Clone, Copy, Debug)]
pub struct LogFilter<'a> {
    /// From this time on. Without it Okta goes back seven days.
    pub since: Timestamp,
    /// Before this time; without it the list never ends, and its last page leads to what is yet to happen.
    pub until: Option<Timestamp>,
    /// Of these event types; none: of all.
    pub events: &'a [&'a str],
    /// That name this object among their targets.
    pub target: Option<&'a str>,
    /// The latest first, instead of the earliest.
    pub latest_first: bool,
}

impl LogFilter<'_> {
    /// Okta's filter expression (a subset of SCIM's).
    fn expression(&self) -> Option<String> {
        let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let events: Vec<String> = self.events.iter().map(|event| format!("eventType eq {}", quoted(event))).collect();
        let target = self.target.map(|id| format!("target.id eq {}", quoted(id)));
        match (events.is_empty(), target) {
            (true, target) => target,
            (false, None) => Some(events.join(" or ")),
            (false, Some(target)) => Some(format!("{target} and ({})", events.join(" or "))),
        }
    }
}

impl Read {
    /// A page of the System Log; the first without `after`, which can be kept to go on there later.
    ///
    /// # Errors
    /// `Forbidden` without `okta.logs.read`, which a reader for [`Read::watching`] asks for.
    pub async fn log(&self, filter: &LogFilter<'_>, after: Option<&NextPage>) -> CallResult<Page<LogEntry>> {
        let (since, until) = (filter.since.to_string(), filter.until.map(|until| until.to_string()));
        let expression = filter.expression();
        let mut query = vec![("since", since.as_str()), ("limit", "1000")];
        query.extend(until.as_deref().map(|until| ("until", until)));
        query.extend(expression.as_deref().map(|expression| ("filter", expression)));
        query.push(("sortOrder", if filter.latest_first { "DESCENDING" } else { "ASCENDING" }));
        let about = filter.target.unwrap_or("the System Log");
        self.page("read System Log", Scope::LogsRead, &["api", "v1", "logs"], &query, after, about).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn filters_quote_what_they_are_given() {
        let filter = |events, target| {
            let all = LogFilter { since: Timestamp::UNIX_EPOCH, until: None, events, target, latest_first: false };
            all.expression()
        };
        assert_eq!(filter(&[], None), None);
        assert_eq!(filter(&["a.b", "c"], None).as_deref(), Some(r#"eventType eq "a.b" or eventType eq "c""#));
        let both = filter(&["a"], Some(r#"x" or id pr \"#));
        assert_eq!(both.as_deref(), Some(r#"target.id eq "x\" or id pr \\" and (eventType eq "a")"#));
    }

    #[test]
    fn an_entry_without_anything_is_read() {
        let bare = LogEntry::from(json!({"target": null}));
        assert!(bare.uuid.is_empty() && bare.at.is_none() && bare.targets.is_empty() && bare.done);
        let full = LogEntry::from(json!({"uuid": "u", "eventType": "policy.rule.update",
            "published": "2026-03-01T10:00:00.000Z", "outcome": {"result": "FAILURE"},
            "actor": {"id": "00u1", "type": "User", "alternateId": "ada@example.com", "displayName": "Ada"},
            "target": [{"id": "0pr1", "type": "PolicyRule", "alternateId": "unknown", "displayName": "dbt"}]}));
        assert_eq!(full.actor.name.as_deref(), Some("ada@example.com"));
        assert_eq!((full.targets[0].name.as_deref(), full.done), (Some("dbt"), false));
        assert_eq!(full.at.map(Timestamp::as_second), Some(1_772_359_200));
    }
}
