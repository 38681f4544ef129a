//! The input of a JSON service, read as strictly as the service reads it.
//!
//! Rules of each shape: Identity Center API reference. Members that a service does not know are ignored, as AWS does.

use serde_json::{Map, Value};

use super::wire::AwsError;

/// What a text must be.
pub(super) struct Shape {
    /// Fewest characters.
    pub min: usize,
    /// Most characters.
    pub max: usize,
    /// The shape's pattern (or enumeration).
    pub accepts: fn(&str) -> bool,
}

/// A structure that was sent, with its place for messages.
#[derive(Clone, Copy)]
pub(super) struct Input<'a>(pub &'a Map<String, Value>);

impl<'a> Input<'a> {
    /// A member that must be there.
    pub fn text(self, name: &str, shape: &Shape) -> Result<&'a str, AwsError> {
        self.optional_text(name, shape)?.ok_or_else(|| missing(name))
    }

    /// A member that may be absent or null.
    pub fn optional_text(self, name: &str, shape: &Shape) -> Result<Option<&'a str>, AwsError> {
        let Some(value) = self.present(name) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| wrong_type(name))?;
        check(name, text, shape)?;
        Ok(Some(text))
    }

    /// A whole number within `min..=max`, or `default` where absent.
    pub fn count(self, name: &str, max: u64, default: u64) -> Result<usize, AwsError> {
        let Some(value) = self.present(name) else { return Ok(default as usize) };
        let number = value.as_u64().ok_or_else(|| wrong_type(name))?;
        if number == 0 || number > max {
            return Err(constraint(name, "Member must be within its allowed range"));
        }
        Ok(number as usize)
    }

    /// A boolean that must be there.
    pub fn boolean(self, name: &str) -> Result<bool, AwsError> {
        self.present(name).ok_or_else(|| missing(name))?.as_bool().ok_or_else(|| wrong_type(name))
    }

    /// A structure that must be there.
    pub fn structure(self, name: &str) -> Result<Input<'a>, AwsError> {
        self.optional_structure(name)?.ok_or_else(|| missing(name))
    }

    /// A structure that may be absent.
    pub fn optional_structure(self, name: &str) -> Result<Option<Input<'a>>, AwsError> {
        match self.present(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Input(map))),
            Some(_) => Err(wrong_type(name)),
        }
    }

    /// The only member of a union: its name and its structure.
    pub fn union(self, name: &str) -> Result<(&'a str, Input<'a>), AwsError> {
        let mut members = self.0.iter().filter(|(_, value)| !value.is_null());
        match (members.next(), members.next()) {
            (Some((member, Value::Object(map))), None) => Ok((member, Input(map))),
            (Some(_), None) => Err(wrong_type(name)),
            _ => Err(constraint(name, "Exactly one member of the union must be set")),
        }
    }

    /// A list with at least `min` and at most `max` entries, `None` where absent.
    pub fn list(self, name: &str, min: usize, max: usize) -> Result<Option<&'a [Value]>, AwsError> {
        let Some(value) = self.present(name) else { return Ok(None) };
        let list = value.as_array().ok_or_else(|| wrong_type(name))?;
        if list.len() < min || list.len() > max {
            return Err(constraint(name, "Member must have a length within its allowed range"));
        }
        Ok(Some(list))
    }

    /// A list of texts, empty where absent.
    pub fn texts(self, name: &str, min: usize, max: usize, shape: &Shape) -> Result<Option<Vec<String>>, AwsError> {
        let Some(list) = self.list(name, min, max)? else { return Ok(None) };
        list.iter()
            .map(|value| {
                let text = value.as_str().ok_or_else(|| wrong_type(name))?;
                check(name, text, shape)?;
                Ok(text.to_owned())
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// Any value that is there.
    pub fn present(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }
}

/// The structure in a list.
pub(super) fn structure<'a>(name: &str, value: &'a Value) -> Result<Input<'a>, AwsError> {
    value.as_object().map(Input).ok_or_else(|| wrong_type(name))
}

/// A required member is absent.
pub(super) fn missing(name: &str) -> AwsError {
    constraint(name, "Member must not be null")
}

/// A member breaks a rule of its shape.
pub(super) fn constraint(name: &str, rule: &str) -> AwsError {
    let mut member: Vec<char> = name.chars().collect();
    if let Some(first) = member.first_mut() {
        first.make_ascii_lowercase();
    }
    let member: String = member.into_iter().collect();
    AwsError::validation(format!(
        "1 validation error detected: Value at '{member}' failed to satisfy constraint: {rule}"
    ))
}

fn wrong_type(name: &str) -> AwsError {
    AwsError::new(400, "SerializationException", format!("{name} has a wrong type"))
}

fn check(name: &str, text: &str, shape: &Shape) -> Result<(), AwsError> {
    let length = text.chars().count();
    if length < shape.min || length > shape.max {
        return Err(constraint(name, &format!("Member must have length between {} and {}", shape.min, shape.max)));
    }
    if !(shape.accepts)(text) {
        return Err(constraint(name, "Member must satisfy its regular expression pattern or enum value set"));
    }
    Ok(())
}
