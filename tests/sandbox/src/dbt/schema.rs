//! Checks of request bodies, as dbt's API description states them.

use serde_json::{Map, Value};

use super::envelope::{Problem, Style};

/// What a field may hold.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Text of at least one character.
    Text,
    Integer,
    /// An integer between two bounds, both allowed.
    Between(i64, i64),
    Bool,
    Object,
    OneOf(&'static [&'static str]),
}

/// One field of a body.
pub(super) struct Field {
    pub(super) name: &'static str,
    kind: Kind,
    required: bool,
    nullable: bool,
}

/// A field that must be there.
pub(super) const fn required(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: true, nullable: false }
}

/// A field that may be left out but not null.
pub(super) const fn optional(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false, nullable: false }
}

/// A field that may be left out or null. (The published description has lost its `nullable` marks; the Terraform
/// provider sends null.)
pub(super) const fn nullable(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false, nullable: true }
}

/// Checks a body. `closed` = unknown keys are refused.
///
/// # Errors
/// 400 that names every field at fault.
pub(super) fn check(body: &Map<String, Value>, fields: &[Field], closed: bool, style: Style) -> Result<(), Problem> {
    let mut faults = Map::new();
    for field in fields {
        let fault = match body.get(field.name) {
            None if field.required => Some(match style {
                Style::Classic => format!("'{}' is a required property", field.name),
                Style::Newer => "field required".to_owned(),
            }),
            None => None,
            Some(Value::Null) if field.nullable => None,
            Some(value) => fault(value, field.kind),
        };
        if let Some(fault) = fault {
            faults.insert(field.name.to_owned(), Value::String(fault));
        }
    }
    if closed {
        for name in body.keys().filter(|name| !fields.iter().any(|field| field.name == name.as_str())) {
            faults.insert(name.clone(), Value::String("extra fields not permitted".into()));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Problem::fields(faults).styled(style)) }
}

fn fault(value: &Value, kind: Kind) -> Option<String> {
    let wrong_type = |name: &str| Some(format!("{} is not of type '{name}'", repr(value)));
    match (kind, value) {
        (Kind::Text, Value::String(text)) if text.is_empty() => Some("'' is too short".into()),
        (Kind::Text, Value::String(_)) | (Kind::Bool, Value::Bool(_)) => None,
        (Kind::Object, Value::Object(_)) => None,
        (Kind::Integer, Value::Number(n)) if n.is_i64() || n.is_u64() => None,
        (Kind::Between(low, high), Value::Number(n)) => match n.as_i64() {
            Some(n) if n < low => Some(format!("{n} is less than the minimum of {low}")),
            Some(n) if n > high => Some(format!("{n} is greater than the maximum of {high}")),
            Some(_) => None,
            None => wrong_type("integer"),
        },
        (Kind::OneOf(names), Value::String(text)) => {
            let list = names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
            (!names.contains(&text.as_str())).then(|| format!("'{text}' is not one of [{list}]"))
        }
        (Kind::Text | Kind::OneOf(_), _) => wrong_type("string"),
        (Kind::Integer | Kind::Between(..), _) => wrong_type("integer"),
        (Kind::Bool, _) => wrong_type("boolean"),
        (Kind::Object, _) => wrong_type("object"),
    }
}

/// Checks an id in the body against the one in the path.
pub(super) fn same_id(body: &Map<String, Value>, name: &str, id: u64, style: Style) -> Result<(), Problem> {
    match body.get(name) {
        Some(value) if value.as_u64() != Some(id) => {
            Err(Problem::field(name, format!("{} does not match the request's path", repr(value))).styled(style))
        }
        _ => Ok(()),
    }
}

/// A value as Python prints it: dbt's messages quote payloads so.
pub(super) fn repr(value: &Value) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
        Value::Array(list) => format!("[{}]", list.iter().map(repr).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| format!("'{key}': {}", repr(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}
