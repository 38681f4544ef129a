//! Lenient reading of values: ticket systems send numbers, booleans and lists as text as often as not.

use std::collections::BTreeSet;

use serde_json::Value;

/// Why a value cannot be read, in the requester's words.
pub(super) type Refusal = String;

/// Text of a scalar, without the space around it; `None` if it is empty. A reference object counts by its `value`.
pub(super) fn text(value: &Value) -> Result<Option<String>, Refusal> {
    let text = match value {
        Value::Null => return Ok(None),
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Object(reference) => match reference.get("value") {
            Some(inner) if !inner.is_object() => return text_of_inner(inner),
            _ => return Err("must be text, or an object with `value`".into()),
        },
        Value::Array(_) => return Err("must be one value, not a list".into()),
    };
    if text.chars().any(char::is_control) {
        return Err("must not hold control characters".into());
    }
    Ok((!text.is_empty()).then_some(text))
}

/// One level of nesting and no more: a deep body must not become deep recursion.
fn text_of_inner(value: &Value) -> Result<Option<String>, Refusal> {
    match value {
        Value::Array(_) | Value::Object(_) => Err("must be text".into()),
        scalar => text(scalar),
    }
}

/// Text of at most `longest` characters.
pub(super) fn short_text(value: &Value, longest: usize) -> Result<Option<String>, Refusal> {
    match text(value)? {
        Some(text) if text.chars().count() > longest => Err(format!("must be at most {longest} characters")),
        text => Ok(text),
    }
}

/// A whole number, given as a number or as its digits.
pub(super) fn number(value: &Value) -> Result<Option<u64>, Refusal> {
    const WORDS: &str = "must be a whole number";
    if let Value::Number(number) = value {
        // JavaScript has one kind of number: 60 may arrive as 60.0.
        let whole = number.as_f64().filter(|f| f.fract() == 0.0 && (0.0..=9_007_199_254_740_991.0).contains(f));
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked in the line above")]
        return number.as_u64().or(whole.map(|f| f as u64)).map(Some).ok_or_else(|| WORDS.into());
    }
    match text(value)? {
        None => Ok(None),
        Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            digits.parse().map(Some).map_err(|_| WORDS.into())
        }
        Some(_) => Err(WORDS.into()),
    }
}

/// A flag, given as a boolean or as a ServiceNow checkbox sends it.
pub(super) fn flag(value: &Value) -> Result<Option<bool>, Refusal> {
    match text(value)?.map(|text| text.to_ascii_lowercase()).as_deref() {
        None => Ok(None),
        Some("true" | "yes" | "1") => Ok(Some(true)),
        Some("false" | "no" | "0") => Ok(Some(false)),
        Some(_) => Err("must be true or false".into()),
    }
}

/// A set, given as a list or comma-separated. Empty entries do not count.
pub(super) fn set(value: &Value) -> Result<BTreeSet<String>, Refusal> {
    let items = match value {
        Value::Array(items) => items.iter().map(text_of_inner).collect::<Result<Vec<_>, _>>()?,
        scalar => match text(scalar)? {
            None => Vec::new(),
            Some(all) => all.split(',').map(|item| Some(item.trim().to_owned())).collect(),
        },
    };
    Ok(items.into_iter().flatten().filter(|item| !item.is_empty()).collect())
}
