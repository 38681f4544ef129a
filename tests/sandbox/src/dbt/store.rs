//! The objects of the account.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::access::{Limiter, Token};
use super::envelope::Problem;
use super::{Unconfirmed, seed};

/// One object.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    /// What the API shows of it, computed fields left out.
    pub(super) fields: Map<String, Value>,
    /// Its write-only field: an OAuth configuration's `client_secret`, a credential's `password`.
    pub(super) secret: Option<String>,
    /// dbt deletes softly: the object stays and can be listed with `state=deleted`.
    pub(super) deleted: bool,
    /// Reads do not see it before this moment.
    pub(super) visible_at: Option<Instant>,
}

impl Row {
    /// An active, visible object.
    pub(super) fn new(fields: Value) -> Self {
        let fields = match fields {
            Value::Object(fields) => fields,
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        Self { fields, ..Self::default() }
    }

    /// Whether replication has brought it to the readers.
    pub(super) fn visible(&self) -> bool {
        self.visible_at.is_none_or(|at| at <= Instant::now())
    }

    /// A field as a number.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.fields.get(name).and_then(Value::as_u64)
    }

    /// A field as text; empty where there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        self.fields.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// Objects of one kind by id.
pub(super) type Rows = BTreeMap<u64, Row>;

/// An object that exists and is not deleted, for a write.
pub(super) fn active_mut(rows: &mut Rows, id: u64) -> Result<&mut Row, Problem> {
    rows.get_mut(&id).filter(|row| !row.deleted).ok_or_else(Problem::not_found)
}

/// An object that exists, is not deleted and that replication shows, for a read.
pub(super) fn active(rows: &Rows, id: u64) -> Result<&Row, Problem> {
    rows.get(&id).filter(|row| !row.deleted && row.visible()).ok_or_else(Problem::not_found)
}

/// Checks a reference in a payload. An id that never existed breaks the database's foreign key: 500 (seen with
/// `extended_attributes_id` 0). A deleted object still satisfies the key and is refused by validation (UNCONFIRMED).
pub(super) fn reference(rows: &Rows, field: &str, body: &Map<String, Value>) -> Result<(), Problem> {
    let Some(value) = body.get(field).filter(|value| !value.is_null()) else { return Ok(()) };
    match value.as_u64().and_then(|id| rows.get(&id)) {
        None => Err(Problem::server_error()),
        Some(row) if row.deleted => Err(Problem::field(field, "The referenced object is deleted.")),
        Some(_) => Ok(()),
    }
}

/// Everything that the account holds.
#[derive(Clone)]
pub(super) struct Store {
    next_id: u64,
    pub(super) oauth_configurations: Rows,
    pub(super) connections: Rows,
    pub(super) environments: Rows,
    pub(super) projects: Rows,
    pub(super) credentials: Rows,
    pub(super) user_credentials: Rows,
    pub(super) extended_attributes: Rows,
    pub(super) encryptions: Rows,
    pub(super) service_tokens: Rows,
    pub(super) private_endpoints: Vec<Value>,
    pub(super) audit_logs: Vec<Value>,
    pub(super) tokens: Vec<Token>,
    pub(super) ip_restricted: bool,
    pub(super) limiter: Limiter,
    pub(super) unconfirmed: Unconfirmed,
}

impl Store {
    /// The account at start.
    pub(super) fn seeded(now: Timestamp) -> Self {
        let mut store = Self {
            next_id: seed::FIRST_FREE_ID,
            oauth_configurations: Rows::new(),
            connections: Rows::new(),
            environments: Rows::new(),
            projects: Rows::new(),
            credentials: Rows::new(),
            user_credentials: Rows::new(),
            extended_attributes: Rows::new(),
            encryptions: Rows::new(),
            service_tokens: Rows::new(),
            private_endpoints: Vec::new(),
            audit_logs: Vec::new(),
            tokens: Vec::new(),
            ip_restricted: false,
            limiter: Limiter::default(),
            unconfirmed: Unconfirmed::default(),
        };
        seed::fill(&mut store, now);
        store
    }

    /// A new id.
    pub(super) fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Names an event in the audit log. dbt writes none for OAuth configurations.
    pub(super) fn audit(&mut self, now: Timestamp, event: &str, actor: Value, context: Value) {
        let n = self.audit_logs.len() + 1;
        self.audit_logs.push(json!({
            "id": format!("evt_{n:024}"),
            "account_id": crate::seed::DBT_ACCOUNT,
            "source": "API",
            "service": "SERVICE_DBT_CLOUD",
            "actor": actor,
            "event_type": event,
            "event_label": event.replace(['.', '_'], " "),
            "event_context": context,
            "created_at": time(now),
        }));
    }
}

/// A moment as dbt writes it.
pub(super) fn time(at: Timestamp) -> String {
    format!("{at:.6}")
}

/// Puts a new object into a collection.
pub(super) fn insert(rows: &mut Rows, id: u64, mut row: Row, now: Timestamp, lag: Option<Duration>) {
    row.fields.insert("id".into(), json!(id));
    row.fields.insert("created_at".into(), json!(time(now)));
    row.fields.insert("updated_at".into(), json!(time(now)));
    row.visible_at = lag.map(|lag| Instant::now() + lag);
    rows.insert(id, row);
}

/// Copies those keys of a body that the schema names, nothing else, and moves `updated_at`.
pub(super) fn merge(row: &mut Row, body: &Map<String, Value>, keys: &[&str], now: Timestamp) {
    for key in keys {
        if let Some(value) = body.get(*key) {
            row.fields.insert((*key).to_owned(), value.clone());
        }
    }
    row.fields.insert("updated_at".into(), json!(time(now)));
}
