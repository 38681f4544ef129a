//! The variables of a ticket: which there are, and the one form that each is brought into.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::value::{self, Refusal};
use crate::integration::EnvironmentRef;
use crate::problem::Problems;

/// Variables in their one form: lists as sorted arrays without repetition, numbers as numbers, what is empty left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Variables(pub(super) BTreeMap<String, Value>);

/// How a variable is read.
#[derive(Clone, Copy)]
enum Kind {
    /// `okta` or `entra`.
    Idp,
    /// Name of a system; whether it is configured is checked with the others.
    System,
    /// `70001/90001, 70002`.
    Environments,
    /// Numeric id of dbt.
    Id,
    /// An id or a name, of at most so many characters.
    Text(usize),
    /// Host name.
    Host,
    /// Database name.
    Database,
    /// Names, up to 255 characters each.
    Names,
    /// Path of a claim: `\p{L}+(?:(\.|_)\p{L}+){0,2}` (IAM Identity Center API reference, `OidcJwtConfiguration`).
    Claim,
    /// Path of an attribute: `\p{L}+(?:\.\p{L}+){0,2}` (same).
    Attribute,
    /// A number of minutes or days.
    Count,
    /// `now`, `hold` or a time.
    Cutover,
    /// A time.
    Time,
    /// SHA-256 in hex.
    Digest,
    /// True or false.
    Flag,
}

/// Every variable. One that is not here is refused: a misspelt one would silently mean its default.
const KNOWN: [(&str, Kind); 24] = [
    ("idp", Kind::Idp),
    ("idp_system", Kind::System),
    ("warehouse_system", Kind::System),
    ("dbt_system", Kind::System),
    ("dbt_environments", Kind::Environments),
    ("dbt_connection_id", Kind::Id),
    ("private_link_endpoint_id", Kind::Text(128)),
    ("warehouse_host", Kind::Host),
    ("warehouse_database", Kind::Database),
    ("groups", Kind::Names),
    ("user_claim", Kind::Claim),
    ("identity_attribute", Kind::Attribute),
    ("access_token_minutes", Kind::Count),
    ("refresh_token_days", Kind::Count),
    ("idle_days", Kind::Count),
    ("secret_days", Kind::Count),
    ("cutover", Kind::Cutover),
    ("okta_app_id", Kind::Text(64)),
    ("dbt_oauth_configuration_id", Kind::Id),
    ("plan_digest", Kind::Digest),
    ("repair", Kind::Flag),
    ("finding", Kind::Text(200)),
    ("until", Kind::Time),
    ("system", Kind::Text(200)),
];

impl Variables {
    /// Brings variables into their one form. Problems are noted under `variables.<name>`.
    pub(super) fn read<'a>(given: impl IntoIterator<Item = (&'a String, &'a Value)>, problems: &mut Problems) -> Self {
        let mut read = BTreeMap::new();
        for (name, value) in given {
            let field = || format!("variables.{name}");
            let Some((_, kind)) = KNOWN.iter().find(|(known, _)| known == name) else {
                problems.add(field(), "is not a variable of this service");
                continue;
            };
            match kind.canonical(value) {
                Ok(Some(value)) => {
                    read.insert(name.clone(), value);
                }
                Ok(None) => {}
                Err(problem) => problems.add(field(), problem),
            }
        }
        Self(read)
    }

    /// The names of all variables.
    pub fn all_names() -> impl Iterator<Item = &'static str> {
        KNOWN.iter().map(|(name, _)| *name)
    }

    /// Whether there is a variable of this name.
    pub(super) fn is_known(name: &str) -> bool {
        KNOWN.iter().any(|(known, _)| *known == name)
    }

    /// Text of a variable.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// Number of a variable.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.0.get(name).and_then(Value::as_u64)
    }

    /// Flag of a variable; `false` if it is not given.
    pub fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    /// Entries of a variable that is a set.
    pub fn entries(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// The environments of `dbt_environments`.
    pub fn environments(&self) -> BTreeSet<EnvironmentRef> {
        self.entries("dbt_environments").filter_map(|text| environment(text).ok()).collect()
    }

    /// A variable in its one form.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Fills in a default.
    pub(super) fn default(&mut self, name: &str, value: impl Into<Value>) {
        self.0.entry(name.to_owned()).or_insert_with(|| value.into());
    }

    /// Names of the given variables.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }
}

impl Kind {
    /// The one form of a value; `None` if it is empty.
    fn canonical(self, value: &Value) -> Result<Option<Value>, Refusal> {
        let checked = |longest: usize, check: &dyn Fn(String) -> Result<Value, Refusal>| {
            value::short_text(value, longest)?.map(check).transpose()
        };
        match self {
            Self::Idp => checked(20, &|text| match text.to_ascii_lowercase().as_str() {
                idp @ ("okta" | "entra") => Ok(json!(idp)),
                _ => Err("must be `okta` or `entra`".into()),
            }),
            Self::System => checked(200, &|text| Ok(json!(text))),
            Self::Text(longest) => checked(longest, &|text| {
                let plain = |c: char| !c.is_whitespace() || c == ' ';
                text.chars().all(plain).then(|| json!(text)).ok_or_else(|| "must be one line".into())
            }),
            Self::Host => checked(253, &host),
            Self::Database => checked(127, &|text| {
                let plain = |c: char| c.is_alphanumeric() || "_$.@-".contains(c);
                let words = "must be letters, digits and `_ $ . @ -`";
                text.chars().all(plain).then(|| json!(text)).ok_or_else(|| words.into())
            }),
            Self::Claim => checked(255, &|text| {
                let words =
                    "must be one to three words of letters joined by `.` or `_` (Identity Center takes no other)";
                is_path(&text, &['.', '_']).then(|| json!(text)).ok_or_else(|| words.into())
            }),
            Self::Attribute => checked(255, &|text| {
                let words = "must be one to three words of letters joined by `.`, such as `emails.value`";
                is_path(&text, &['.']).then(|| json!(text)).ok_or_else(|| words.into())
            }),
            Self::Cutover => checked(64, &|text| match text.to_ascii_lowercase().as_str() {
                word @ ("now" | "hold") => Ok(json!(word)),
                _ => time(&text).map_err(|_| "must be `now`, `hold` or a time such as 2026-12-01T18:00:00Z".into()),
            }),
            Self::Time => checked(64, &|text| time(&text)),
            Self::Digest => checked(200, &|text| {
                let digest = text.to_ascii_lowercase();
                let hex = digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit());
                hex.then(|| json!(digest)).ok_or_else(|| "must be 64 hexadecimal digits".into())
            }),
            Self::Id => match value::number(value)? {
                Some(0) => Err("must be a positive number".into()),
                id => Ok(id.map(Value::from)),
            },
            Self::Count => match value::number(value)? {
                Some(n) if n > u64::from(u32::MAX) => Err("is too large".into()),
                n => Ok(n.map(Value::from)),
            },
            Self::Flag => Ok(value::flag(value)?.map(Value::from)),
            Self::Names => {
                let names = value::set(value)?;
                if names.iter().any(|name| name.chars().count() > 255) {
                    return Err("a name must be at most 255 characters".into());
                }
                Ok((!names.is_empty()).then(|| json!(names)))
            }
            Self::Environments => {
                let environments = value::set(value)?
                    .iter()
                    .map(|item| environment(item))
                    .collect::<Result<BTreeSet<_>, _>>()?
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>();
                Ok((!environments.is_empty()).then(|| json!(environments)))
            }
        }
    }
}

/// `project` or `project/environment`.
fn environment(text: &str) -> Result<EnvironmentRef, Refusal> {
    let id = |digits: &str| {
        let digits = digits.trim();
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse().ok()).flatten().filter(|id| *id != 0)
    };
    let parsed = match text.split_once('/') {
        Some((project, environment)) => id(project)
            .zip(id(environment))
            .map(|(project, environment)| EnvironmentRef { project, environment: Some(environment) }),
        None => id(text).map(|project| EnvironmentRef { project, environment: None }),
    };
    parsed.ok_or_else(|| format!("`{text}` must be a project id, or project id/environment id such as 70001/90001"))
}

/// A host name in lower case. Whether it is an allowed one is the configuration's.
fn host(text: String) -> Result<Value, Refusal> {
    let host = text.to_ascii_lowercase();
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if host.split('.').all(label) {
        Ok(json!(host))
    } else {
        Err("must be a host name, without scheme and port".into())
    }
}

/// A moment in its one form: UTC.
fn time(text: &str) -> Result<Value, Refusal> {
    match text.parse::<Timestamp>() {
        Ok(time) => Ok(json!(time.to_string())),
        Err(_) => Err("must be a time with its offset, such as 2026-12-01T18:00:00Z".into()),
    }
}

/// One to three words of letters. Identity Center takes letters of every script; identity providers' claims and the
/// identity store's attributes are ASCII.
fn is_path(text: &str, joints: &[char]) -> bool {
    let words: Vec<&str> = text.split(joints).collect();
    words.len() <= 3 && words.iter().all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphabetic()))
}
