//! Extended attributes of environments: keys that override what connection and credentials say (dbt's documentation on
//! extended attributes).

use extoauth_core::error::CallResult;
use serde::Deserialize;
use serde_json::Value;

use super::Read;
use super::oauth::id;

/// What extended attributes override of a way into the warehouse. Everything else in them is left out: people put
/// secrets there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Attributes {
    /// Id.
    pub id: u64,
    /// Another host.
    pub host: Option<String>,
    /// Another port, as it is written there.
    pub port: Option<String>,
    /// Another database.
    pub dbname: Option<String>,
    /// Another way to sign in.
    pub method: Option<String>,
    /// Names of all keys.
    pub keys: Vec<String>,
}

impl TryFrom<Value> for Attributes {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        let own = raw.get("extended_attributes").and_then(Value::as_object);
        // dbt-redshift takes `host` and `dbname`, and `hostname` and `database` as other names for them.
        let value = |names: &[&str]| {
            names.iter().find_map(|name| match own?.get(*name)? {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
        };
        Ok(Self {
            id: id(&raw)?,
            host: value(&["host", "hostname"]),
            port: value(&["port"]),
            dbname: value(&["dbname", "database"]),
            method: value(&["method"]),
            keys: own.map(|members| members.keys().cloned().collect()).unwrap_or_default(),
        })
    }
}

impl Read {
    /// The extended attributes of an environment.
    ///
    /// # Errors
    /// `NotFound` if there are none, or they are not visible to us.
    pub async fn extended_attributes(&self, project: u64, id: u64) -> CallResult<Attributes> {
        let (project, id) = (project.to_string(), id.to_string());
        self.get("read extended attributes", &["projects", &project, "extended-attributes", &id], &id).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_leads_into_the_warehouse_is_kept() {
        let raw = json!({"id": 7, "project_id": 1, "state": 1, "extended_attributes": {
            "host": "other.example.com", "port": 5440, "database": "prod", "method": "iam", "password": "canary"}});
        let attributes: Attributes = serde_json::from_value(raw).expect("attributes");
        assert_eq!(attributes.host.as_deref(), Some("other.example.com"));
        assert_eq!(attributes.port.as_deref(), Some("5440"));
        assert_eq!(attributes.dbname.as_deref(), Some("prod"));
        assert_eq!(attributes.method.as_deref(), Some("iam"));
        assert!(!format!("{attributes:?}").contains("canary"));
        let empty: Attributes = serde_json::from_value(json!({"id": 7})).expect("attributes");
        assert_eq!(empty, Attributes { id: 7, ..Attributes::default() });
    }
}
