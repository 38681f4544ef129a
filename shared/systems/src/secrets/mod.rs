//! Secrets Manager: where every secret value goes before anything else happens with it.
//!
//! [`Read`] cannot write by type; [`Write`] holds one. The [`Vault`] keeps what was read or just written in memory.

mod read;
mod vault;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use secrecy::SecretString;
use uuid::Uuid;

pub use read::Read;
pub use vault::{StoredSecret, Vault};
pub use write::Write;

/// The stage of the version that is in use.
pub const CURRENT: &str = "AWSCURRENT";
/// The stage of a version that is being rotated in.
pub const PENDING: &str = "AWSPENDING";
/// The stage of the version that was in use before.
pub const PREVIOUS: &str = "AWSPREVIOUS";

/// Which version of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// The one that carries this stage now.
    Stage(String),
    /// This one.
    Id(String),
}

impl Version {
    /// The version in use.
    pub fn current() -> Self {
        Self::Stage(CURRENT.to_owned())
    }
}

/// A secret value and where it stands.
#[derive(Clone, Debug)]
pub struct Value {
    /// ARN of the secret.
    pub arn: String,
    /// Id of the version.
    pub version: String,
    /// Stages of the version when it was read; empty for a value that comes from memory.
    pub stages: BTreeSet<String>,
    /// The value.
    pub value: SecretString,
}

/// What is known about a secret besides its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// ARN.
    pub arn: String,
    /// Name.
    pub name: String,
    /// Description, shown in consoles.
    pub description: String,
    /// Tags: how a secret is marked as ours.
    pub tags: BTreeMap<String, String>,
    /// Stages by version id. A version without a stage is deprecated and not listed.
    pub versions: BTreeMap<String, BTreeSet<String>>,
    /// Whether Secrets Manager rotates it.
    pub rotation_enabled: bool,
    /// The function that rotates it.
    pub rotation_lambda_arn: Option<String>,
    /// When a value was last written.
    pub last_changed: Option<Timestamp>,
    /// When deletion was asked for. Such a secret cannot be read or written until it is restored.
    pub deleted: Option<Timestamp>,
}

impl Description {
    /// The version that carries the stage.
    pub fn holder_of(&self, stage: &str) -> Option<&str> {
        self.versions.iter().find(|(_, stages)| stages.contains(stage)).map(|(id, _)| id.as_str())
    }
}

/// A version of a secret that carries a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedVersion {
    /// Its id.
    pub id: String,
    /// Its stages.
    pub stages: BTreeSet<String>,
    /// When its value was written. A secret's own date of change also moves with its description and tags.
    pub created: Option<Timestamp>,
}

/// A secret to be created.
#[derive(Clone, Debug)]
pub struct NewSecret {
    /// Name: up to 512 of `[A-Za-z0-9/_+=.@-]`, not ending in a hyphen and six characters.
    pub name: String,
    /// Description, shown in consoles; never secret.
    pub description: String,
    /// Tags: how a secret is marked as ours; never secret.
    pub tags: BTreeMap<String, String>,
    /// Key to encrypt with; `None`: the account's default key.
    pub kms_key: Option<String>,
}

/// Where a value was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// ARN of the secret.
    pub arn: String,
    /// Id of the version.
    pub version: String,
}

/// A rotation to be begun at once.
#[derive(Clone, Copy, Debug)]
pub struct Rotate<'a> {
    /// ARN of the secret.
    pub arn: &'a str,
    /// Id of the new version, 32 to 64 characters.
    pub token: &'a str,
    /// ARN of the function that does the four steps.
    pub function: &'a str,
    /// Days after which Secrets Manager rotates by itself, if nothing did before; 1 to 1000.
    pub days: u32,
}

/// How a secret is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It can be restored for this many days (7 to 30).
    Recoverable {
        /// Days.
        days: u8,
    },
    /// At once, and for good.
    Forced,
}

/// Id of the version that an attempt writes: UUIDv5 of deployment, subject and the journal's intent, so that the same
/// attempt writes the same version however often it is made.
pub fn version_id(deployment: &str, subject: &str, intent: Uuid) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("extoauth:{deployment}:{subject}:{intent}").as_bytes())
}
