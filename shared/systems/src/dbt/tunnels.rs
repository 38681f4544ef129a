//! SSH tunnels of connections: objects of the v2 API beside the connection's own flag.

use extoauth_core::error::CallResult;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::oauth::{id, reference};
use super::{Read, Write};
use crate::http::{Written, integer, text};

/// The tunnel of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Tunnel {
    /// Id.
    pub id: u64,
    /// The connection.
    pub connection_id: Option<u64>,
    /// User on the bastion.
    pub username: Option<String>,
    /// The bastion.
    pub hostname: Option<String>,
    /// Its port.
    pub port: Option<i64>,
    /// The key that the bastion must accept.
    pub public_key: Option<String>,
}

impl TryFrom<Value> for Tunnel {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        Ok(Self {
            id: id(&raw)?,
            connection_id: reference(&raw, "/connection_id"),
            username: text(&raw, "/username"),
            hostname: text(&raw, "/hostname"),
            port: integer(&raw, "/port"),
            public_key: text(&raw, "/public_key"),
        })
    }
}

/// What we state of a tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TunnelSpec {
    /// User on the bastion.
    pub username: String,
    /// The bastion.
    pub hostname: String,
    /// Its port.
    pub port: u16,
}

impl Read {
    /// The tunnels of a connection: none or one.
    ///
    /// # Errors
    /// As every call.
    pub async fn tunnels(&self, connection: u64) -> CallResult<Vec<Tunnel>> {
        let id = connection.to_string();
        let query = [("connection_id", id.as_str()), ("state", "1")];
        let mut tunnels: Vec<Tunnel> = self.list_version("v2", "list SSH tunnels", &["encryptions"], &query).await?;
        tunnels.retain(|t| t.connection_id == Some(connection));
        Ok(tunnels)
    }
}

impl Write {
    /// Makes the tunnel of a connection, with a key of its own: the bastion must be told the new
    /// [`public_key`](Tunnel::public_key).
    ///
    /// # Errors
    /// `Invalid` with the fields at fault; `Ambiguous` if the answer was lost.
    pub async fn create_tunnel(&self, connection: u64, spec: &TunnelSpec) -> CallResult<Written<Tunnel>> {
        let body = self.body(json!({
            "id": null,
            "connection_id": connection,
            "username": spec.username,
            "port": spec.port,
            "hostname": spec.hostname,
        }));
        let call = self.call_version("v2", "create SSH tunnel", Method::POST, &["encryptions"])?;
        self.write(call.on(connection.to_string()).json(body)).await
    }
}
