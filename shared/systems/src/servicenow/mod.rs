//! ServiceNow: tickets are read back, and told what happened (Table API).
//!
//! Source: ServiceNow's own documentation of the Table API; what is from memory of others is marked UNCONFIRMED.

mod incidents;
mod notes;
mod session;
mod ticket;
mod vendor;

use std::ops::Deref;
use std::sync::Arc;

use extoauth_core::error::{CallError, CallResult, ErrorKind};
use extoauth_core::systems::{ServicenowSettings, SystemId};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::http::{Call, Credential, Sender};
use session::Session;

pub use incidents::{Incident, NewIncident};
pub use notes::Closed;
pub use ticket::{Approval, Reference, Ticket};

/// Reads an instance. Cheap to clone; clones share credential and limits.
#[derive(Clone)]
pub struct Read(Arc<Session>);

/// Reads an instance and writes onto tickets.
#[derive(Clone)]
pub struct Write {
    read: Read,
}

impl Deref for Write {
    type Target = Read;

    fn deref(&self) -> &Read {
        &self.read
    }
}

/// The clients of an instance. Nothing is sent and no credential fetched before the first call.
///
/// The credential is `{"auth":"basic","user","password"}` or
/// `{"auth":"oauth_client_credentials","client_id","client_secret"}`.
pub fn connect(
    system: SystemId,
    settings: &ServicenowSettings,
    credential: Arc<dyn Credential>,
    sender: &Arc<Sender>,
) -> (Read, Write) {
    let endpoint = sender.endpoint(&system, &settings.url, credential.name(), &vendor::Servicenow);
    let read = Read(Arc::new(Session::new(endpoint, credential)));
    (read.clone(), Write { read })
}

/// A record as the Table API shows it: each field a text, or an object with one.
type Record = Map<String, Value>;

#[derive(Deserialize)]
struct Answered<T> {
    result: T,
}

impl Read {
    /// The system that this client reads.
    pub fn system(&self) -> &SystemId {
        &self.0.endpoint.system
    }

    fn refuse(&self, operation: &str, message: impl Into<String>) -> CallError {
        CallError::new(ErrorKind::Refused, self.system().clone(), operation, message)
    }

    /// A call on one record.
    fn on_record(&self, operation: &'static str, method: Method, table: &str, sys_id: &str) -> CallResult<Call<'_>> {
        if !is_table(table) || !is_sys_id(sys_id) {
            return Err(self.refuse(operation, "the ticket's table or sys_id is not of ServiceNow's form"));
        }
        let url = self.0.endpoint.url(operation, &["api", "now", "table", table, sys_id])?;
        Ok(Call::new(operation, method, url).signed(&*self.0).on(sys_id))
    }

    /// The records that fit all conditions `field=value` (or `fieldLIKEvalue`). An instance ignores a condition that it
    /// does not understand and then gives back everything, so callers look at each record again.
    async fn query(
        &self,
        operation: &'static str,
        table: &str,
        conditions: &[(&str, &str, &str)],
        fields: &str,
    ) -> CallResult<Vec<Record>> {
        let mut query = String::new();
        for (field, operator, value) in conditions {
            if value.is_empty() || value.chars().any(|c| c == '^' || c.is_control()) {
                return Err(self.refuse(operation, format!("a value for `{field}` cannot be part of a query")));
            }
            query.push_str(&format!("{field}{operator}{value}^"));
        }
        query.push_str("ORDERBYsys_created_on");
        let mut url = self.0.endpoint.url(operation, &["api", "now", "table", table])?;
        url.query_pairs_mut()
            .append_pair("sysparm_query", &query)
            .append_pair("sysparm_fields", fields)
            .append_pair("sysparm_exclude_reference_link", "true")
            .append_pair("sysparm_limit", "200");
        let call = Call::new(operation, Method::GET, url).signed(&*self.0);
        Ok(self.0.endpoint.send(&call).await?.json::<Answered<Vec<Record>>>()?.result)
    }
}

/// 32 hexadecimal digits, lower case: ServiceNow's ids of records.
fn is_sys_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// A table's or variable's name.
fn is_table(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// A field: a text, a number, or an object with the text in `value`.
fn cell(record: &Record, field: &str) -> Option<String> {
    let value = match record.get(field)? {
        Value::Object(parts) => parts.get("value")?,
        plain => plain,
    };
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// The same without empty texts: an instance shows "nothing" as one.
fn filled(record: &Record, field: &str) -> Option<String> {
    cell(record, field).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_and_names() {
        assert!(is_sys_id("5137153cc611227c000bbd1bd8cd2005"));
        for bad in ["", "5137153cc611227c000bbd1bd8cd200", "5137153CC611227C000BBD1BD8CD2005", "^NQactive=true"] {
            assert!(!is_sys_id(bad), "{bad}");
        }
        assert!(is_table("sc_req_item") && !is_table("sc_req_item/x") && !is_table("") && !is_table("a^b"));
    }

    #[test]
    fn fields_in_every_form() {
        let record = json!({"a": "x", "b": {"value": "y", "link": "https://i/z"}, "c": "", "d": null, "e": 4,
            "f": {"display_value": "Z", "value": "z"}});
        let record = record.as_object().expect("an object");
        assert_eq!(cell(record, "a").as_deref(), Some("x"));
        assert_eq!(cell(record, "b").as_deref(), Some("y"));
        assert_eq!(cell(record, "e").as_deref(), Some("4"));
        assert_eq!(cell(record, "f").as_deref(), Some("z"));
        assert_eq!((filled(record, "c"), cell(record, "d"), cell(record, "g")), (None, None, None));
    }

    proptest! {
        #[test]
        fn no_sys_id_holds_more_than_an_id(text in "[0-9a-f^=]{32}") {
            prop_assert_eq!(is_sys_id(&text), !text.contains(['^', '=']));
        }
    }
}
