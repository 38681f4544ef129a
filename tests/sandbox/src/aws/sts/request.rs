//! The parameters of `GetWebIdentityToken`, with the limits of the STS API reference.

use std::collections::BTreeMap;

use jsonwebtoken::Algorithm;

use crate::aws::redshift::query::Node;
use crate::aws::wire::AwsError;

/// What was asked for.
pub(super) struct Asked {
    pub audiences: Vec<String>,
    pub algorithm: Algorithm,
    pub seconds: i64,
    pub tags: BTreeMap<String, String>,
}

impl Asked {
    /// Reads the form.
    pub fn read(form: &Node) -> Result<Self, AwsError> {
        let audiences = form.texts("Audience", "member").unwrap_or_default();
        if audiences.is_empty() {
            return Err(constraint("audience", "Member must not be null"));
        }
        if audiences.len() > 10 {
            return Err(constraint("audience", "Member must have length less than or equal to 10"));
        }
        if audiences.iter().any(|audience| audience.is_empty() || audience.chars().count() > 1000) {
            return Err(constraint("audience", "Member must have length between 1 and 1000"));
        }
        let algorithm = match form.text("SigningAlgorithm") {
            Some("RS256") => Algorithm::RS256,
            Some("ES384") => Algorithm::ES384,
            Some(_) => {
                return Err(constraint("signingAlgorithm", "Member must satisfy enum value set: [RS256, ES384]"));
            }
            None => return Err(constraint("signingAlgorithm", "Member must not be null")),
        };
        let seconds = match form.text("DurationSeconds") {
            None => 300,
            Some(text) => match text.parse::<i64>() {
                Ok(seconds) if seconds < 60 => {
                    return Err(constraint("durationSeconds", "Member must have value greater than or equal to 60"));
                }
                Ok(seconds) if seconds > 3600 => {
                    return Err(constraint("durationSeconds", "Member must have value less than or equal to 3600"));
                }
                Ok(seconds) => seconds,
                Err(_) => return Err(AwsError::new(400, "MalformedInput", "DurationSeconds is not a number")),
            },
        };
        Ok(Self { audiences, algorithm, seconds, tags: tags(form)? })
    }
}

fn tags(form: &Node) -> Result<BTreeMap<String, String>, AwsError> {
    let list = form.list("Tags", "member").unwrap_or_default();
    if list.len() > 50 {
        return Err(constraint("tags", "Member must have length less than or equal to 50"));
    }
    let mut tags = BTreeMap::new();
    for tag in list {
        let key = tag.text("Key").ok_or_else(|| constraint("tags.member.key", "Member must not be null"))?;
        let value = tag.text("Value").ok_or_else(|| constraint("tags.member.value", "Member must not be null"))?;
        if key.is_empty() || key.chars().count() > 128 || !key.chars().all(allowed) {
            return Err(constraint("tags.member.key", "Member must satisfy regular expression pattern and length"));
        }
        if value.chars().count() > 256 || !value.chars().all(allowed) {
            return Err(constraint("tags.member.value", "Member must satisfy regular expression pattern and length"));
        }
        tags.insert(key.to_owned(), value.to_owned());
    }
    Ok(tags)
}

/// The characters of a tag: letters, numbers, separators and a few signs.
fn allowed(character: char) -> bool {
    character.is_alphanumeric() || character.is_whitespace() || "_.:/=+-@".contains(character)
}

fn constraint(member: &str, rule: &str) -> AwsError {
    let message = format!("1 validation error detected: Value at '{member}' failed to satisfy constraint: {rule}");
    AwsError::new(400, "ValidationError", message)
}
