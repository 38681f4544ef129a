//! Connections of the account to a Redshift warehouse. External OAuth is on where a connection names an OAuth
//! configuration.

use extoauth_core::error::CallResult;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::oauth::{id, reference};
use super::{Read, Write};
use crate::http::{Written, flag, integer, text};

/// The adapter of our connections.
const REDSHIFT: &str = "redshift_v0";

/// A row of the list: dbt leaves the details out there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct ConnectionRow {
    /// Id.
    pub id: u64,
    /// Name.
    pub name: String,
    /// `redshift_v0` …
    pub adapter_version: String,
    /// How many environments use it.
    pub environments: Option<u64>,
}

impl TryFrom<Value> for ConnectionRow {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        Ok(Self {
            id: id(&raw)?,
            name: text(&raw, "/name").unwrap_or_default(),
            adapter_version: text(&raw, "/adapter_version").unwrap_or_default(),
            environments: reference(&raw, "/environment__count"),
        })
    }
}

/// A connection.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Connection {
    /// Id.
    pub id: u64,
    /// Name.
    pub name: String,
    /// `redshift_v0` …
    pub adapter_version: String,
    /// Host of the warehouse.
    pub hostname: Option<String>,
    /// Its port.
    pub port: Option<i64>,
    /// Database.
    pub dbname: Option<String>,
    /// The OAuth configuration; none: no external OAuth.
    pub oauth_configuration_id: Option<u64>,
    /// The private endpoint that it goes through.
    pub private_link_endpoint_id: Option<String>,
    /// Whether it goes through an SSH tunnel, which is an object of its own.
    pub is_ssh_tunnel_enabled: bool,
    /// A URI that dbt uses itself. Whether it is the one of external OAuth is UNCONFIRMED: a hint at most.
    pub oauth_redirect_uri: Option<String>,
}

impl TryFrom<Value> for Connection {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        Ok(Self {
            id: id(&raw)?,
            name: text(&raw, "/name").unwrap_or_default(),
            adapter_version: text(&raw, "/adapter_version").unwrap_or_default(),
            hostname: text(&raw, "/config/hostname"),
            port: integer(&raw, "/config/port"),
            dbname: text(&raw, "/config/dbname"),
            oauth_configuration_id: reference(&raw, "/oauth_configuration_id"),
            private_link_endpoint_id: text(&raw, "/private_link_endpoint_id").filter(|id| !id.is_empty()),
            is_ssh_tunnel_enabled: flag(&raw, "/is_ssh_tunnel_enabled").unwrap_or_default(),
            oauth_redirect_uri: text(&raw, "/oauth_redirect_uri"),
        })
    }
}

/// What we state of a connection to Redshift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionSpec {
    /// Name.
    pub name: String,
    /// Host of the warehouse.
    pub hostname: String,
    /// Port; Redshift's is 5439 (the provider's documentation has another one, wrongly).
    pub port: u16,
    /// Database: required, though dbt's form lists it as optional.
    pub dbname: String,
    /// The OAuth configuration.
    pub oauth_configuration_id: Option<u64>,
    /// The private endpoint.
    pub private_link_endpoint_id: Option<String>,
    /// Whether it goes through an SSH tunnel.
    pub is_ssh_tunnel_enabled: bool,
}

impl ConnectionSpec {
    /// dbt refuses unknown members here, and its description has none of these nullable: what is not there is left out.
    pub(crate) fn create_body(&self) -> Value {
        let mut body = json!({
            "name": self.name,
            "adapter_version": REDSHIFT,
            "is_ssh_tunnel_enabled": self.is_ssh_tunnel_enabled,
            "config": {"hostname": self.hostname, "port": self.port, "dbname": self.dbname},
        });
        if let Some(id) = self.oauth_configuration_id {
            body["oauth_configuration_id"] = id.into();
        }
        if let Some(id) = &self.private_link_endpoint_id {
            body["private_link_endpoint_id"] = id.as_str().into();
        }
        body
    }

    /// What differs from a connection that was read. A reference that must go is an explicit null, as the provider
    /// sends it.
    pub(crate) fn update_body(&self, current: &Connection) -> Value {
        let mut body = json!({});
        if self.name != current.name {
            body["name"] = self.name.as_str().into();
        }
        if self.oauth_configuration_id != current.oauth_configuration_id {
            body["oauth_configuration_id"] = self.oauth_configuration_id.into();
        }
        if self.private_link_endpoint_id != current.private_link_endpoint_id {
            body["private_link_endpoint_id"] = self.private_link_endpoint_id.clone().into();
        }
        if self.is_ssh_tunnel_enabled != current.is_ssh_tunnel_enabled {
            body["is_ssh_tunnel_enabled"] = self.is_ssh_tunnel_enabled.into();
        }
        let mut config = json!({});
        if current.hostname.as_deref() != Some(&self.hostname) {
            config["hostname"] = self.hostname.as_str().into();
        }
        if current.port != Some(i64::from(self.port)) {
            config["port"] = self.port.into();
        }
        if current.dbname.as_deref() != Some(&self.dbname) {
            config["dbname"] = self.dbname.as_str().into();
        }
        if config != json!({}) {
            body["config"] = config;
        }
        body
    }
}

impl Connection {
    /// This connection with another OAuth configuration, or none, and everything else as it is.
    pub fn with_configuration(&self, oauth_configuration_id: Option<u64>) -> ConnectionSpec {
        ConnectionSpec {
            name: self.name.clone(),
            hostname: self.hostname.clone().unwrap_or_default(),
            port: self.port.and_then(|port| u16::try_from(port).ok()).unwrap_or_default(),
            dbname: self.dbname.clone().unwrap_or_default(),
            oauth_configuration_id,
            private_link_endpoint_id: self.private_link_endpoint_id.clone(),
            is_ssh_tunnel_enabled: self.is_ssh_tunnel_enabled,
        }
    }
}

impl Read {
    /// The Redshift connections whose name has a text, in any case.
    ///
    /// # Errors
    /// As every call.
    pub async fn connections_containing(&self, name: &str) -> CallResult<Vec<ConnectionRow>> {
        let query = [("name__icontains", name), ("adapter_version", REDSHIFT)];
        self.list("list connections", &["connections"], &query).await
    }

    /// One connection.
    ///
    /// # Errors
    /// `NotFound` if there is none, or it is not visible to us.
    pub async fn connection(&self, id: u64) -> CallResult<Connection> {
        let id = id.to_string();
        self.get("read connection", &["connections", &id], &id).await
    }
}

impl Write {
    /// Makes a connection.
    ///
    /// # Errors
    /// `Invalid` with the fields at fault; `Ambiguous` if the answer was lost.
    pub async fn create_connection(&self, spec: &ConnectionSpec) -> CallResult<Written<Connection>> {
        let body = self.body(spec.create_body());
        let call = self.call("create connection", Method::POST, &["connections"])?.on(&spec.name).json(body);
        self.write(call).await
    }

    /// Changes what differs.
    ///
    /// # Errors
    /// `NotFound` if it is gone.
    pub async fn update_connection(
        &self,
        current: &Connection,
        spec: &ConnectionSpec,
    ) -> CallResult<Written<Connection>> {
        let id = current.id.to_string();
        let body = self.body(spec.update_body(current));
        let call = self.call("update connection", Method::PATCH, &["connections", &id])?;
        self.write(call.on(&id).json(body).repeatable()).await
    }

    /// Deletes a connection.
    ///
    /// # Errors
    /// `NotFound` if it is gone.
    pub async fn delete_connection(&self, id: u64) -> CallResult<Written<()>> {
        let id = id.to_string();
        self.delete("delete connection", &["connections", &id], &id).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_has_only_what_differs() {
        let raw = json!({"id": 7, "name": "a", "adapter_version": "redshift_v0", "oauth_configuration_id": 5,
            "private_link_endpoint_id": "ple", "is_ssh_tunnel_enabled": false,
            "config": {"hostname": "h", "port": 5439, "dbname": "dev"}});
        let current: Connection = serde_json::from_value(raw).expect("a connection");
        let mut spec = ConnectionSpec {
            name: "a".into(),
            hostname: "h".into(),
            port: 5439,
            dbname: "dev".into(),
            oauth_configuration_id: Some(5),
            private_link_endpoint_id: Some("ple".into()),
            is_ssh_tunnel_enabled: false,
        };
        assert_eq!(spec.update_body(&current), json!({}));
        spec.dbname = "prod".into();
        spec.oauth_configuration_id = None;
        assert_eq!(spec.update_body(&current), json!({"oauth_configuration_id": null, "config": {"dbname": "prod"}}));
    }
}
