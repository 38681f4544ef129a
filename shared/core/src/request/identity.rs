//! Which request it is, and what its content is, in a few characters.

use std::fmt::{self, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Action, TicketRef};

/// Names our requests among all UUIDs of version 5.
const NAMESPACE: Uuid = Uuid::from_u128(0x9b1f_6f43_55c0_4b5e_8a53_0d2c_7e61_a4f7);

/// Id of a request: instance, table, sys_id and action, hashed. The same ticket and action are the same request, so
/// fifty copies of one delivery meet in one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestId(Uuid);

impl RequestId {
    /// The id of a ticket's action.
    pub fn of(instance: &str, ticket: &TicketRef, action: Action) -> Self {
        // As JSON, so that no text can run into the next one.
        let name = serde_json::json!([instance, ticket.table, ticket.sys_id, action.name()]).to_string();
        Self(Uuid::new_v5(&NAMESPACE, name.as_bytes()))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for RequestId {
    type Err = String;

    /// Reads an id in the form that we give it: lower case with hyphens.
    fn from_str(text: &str) -> Result<Self, String> {
        let id = Uuid::parse_str(text).map_err(|_| "is not the id of a request")?;
        if id.to_string() == text { Ok(Self(id)) } else { Err("is not the id of a request".into()) }
    }
}

impl TryFrom<String> for RequestId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<RequestId> for String {
    fn from(id: RequestId) -> Self {
        id.to_string()
    }
}

/// SHA-256 in lower-case hex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        let hash = Sha256::digest(bytes.as_ref());
        let mut hex = String::with_capacity(64);
        for byte in &hash[..] {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        Self(hex)
    }

    /// The digest as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
