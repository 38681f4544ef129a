//! The filter language of Okta's lists: `filter` and `search` (a part of SCIM's).

use serde_json::Value;

/// A parsed expression.
#[derive(Debug)]
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Test { path: String, operator: String, value: String },
}

impl Filter {
    /// Reads an expression; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut words = Words { list: lex(text)?, at: 0 };
        let filter = words.any()?;
        match words.peek() {
            None => Ok(filter),
            Some(word) => Err(format!("Invalid search criteria: unexpected '{}'", word.text)),
        }
    }

    /// Whether an object fits.
    pub fn fits(&self, object: &Value) -> bool {
        match self {
            Self::All(list) => list.iter().all(|part| part.fits(object)),
            Self::Any(list) => list.iter().any(|part| part.fits(object)),
            Self::Not(part) => !part.fits(object),
            Self::Test { path, operator, value } => {
                let found = at(object, path);
                match operator.as_str() {
                    "pr" => found.iter().any(|found| !found.is_null()),
                    "ne" => !found.iter().any(|found| compare(found, "eq", value)),
                    operator => found.iter().any(|found| compare(found, operator, value)),
                }
            }
        }
    }

    /// Whether the expression tests this attribute anywhere.
    pub fn names(&self, attribute: &str) -> bool {
        match self {
            Self::All(list) | Self::Any(list) => list.iter().any(|part| part.names(attribute)),
            Self::Not(part) => part.names(attribute),
            Self::Test { path, .. } => path.eq_ignore_ascii_case(attribute),
        }
    }
}

/// The values at a dotted path; arrays are looked through.
fn at<'a>(object: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![object];
    for step in path.split('.') {
        let flat = found.into_iter().flat_map(|value| match value {
            Value::Array(list) => list.iter().collect(),
            other => vec![other],
        });
        found = flat.filter_map(|value| value.get(step)).collect();
    }
    found
}

fn compare(found: &Value, operator: &str, value: &str) -> bool {
    let text = match found {
        Value::String(text) => text.clone(),
        Value::Null => return false,
        Value::Array(list) => return list.iter().any(|found| compare(found, operator, value)),
        other => other.to_string(),
    };
    match operator {
        "eq" => text == value,
        "sw" => text.to_lowercase().starts_with(&value.to_lowercase()),
        "co" => text.to_lowercase().contains(&value.to_lowercase()),
        "gt" => text.as_str() > value,
        "ge" => text.as_str() >= value,
        "lt" => text.as_str() < value,
        "le" => text.as_str() <= value,
        _ => false,
    }
}

struct Word {
    text: String,
    quoted: bool,
}

fn lex(text: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&next) = chars.peek() {
        match next {
            ' ' => {
                chars.next();
            }
            '(' | ')' => {
                chars.next();
                words.push(Word { text: next.to_string(), quoted: false });
            }
            '"' => {
                chars.next();
                let mut word = String::new();
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some('\\') => word.extend(chars.next()),
                        Some(other) => word.push(other),
                        None => return Err("Invalid search criteria: a quote is not closed".to_owned()),
                    }
                }
                words.push(Word { text: word, quoted: true });
            }
            _ => {
                let mut word = String::new();
                while let Some(&next) = chars.peek() {
                    if matches!(next, ' ' | '(' | ')') {
                        break;
                    }
                    word.push(next);
                    chars.next();
                }
                words.push(Word { text: word, quoted: false });
            }
        }
    }
    Ok(words)
}

struct Words {
    list: Vec<Word>,
    at: usize,
}

impl Words {
    fn peek(&self) -> Option<&Word> {
        self.list.get(self.at)
    }

    fn is(&self, text: &str) -> bool {
        self.peek().is_some_and(|word| !word.quoted && word.text.eq_ignore_ascii_case(text))
    }

    fn take(&mut self, what: &str) -> Result<&Word, String> {
        self.at += 1;
        self.list.get(self.at - 1).ok_or_else(|| format!("Invalid search criteria: {what} expected"))
    }

    fn any(&mut self) -> Result<Filter, String> {
        let mut list = vec![self.all()?];
        while self.is("or") {
            self.at += 1;
            list.push(self.all()?);
        }
        Ok(if list.len() == 1 { list.remove(0) } else { Filter::Any(list) })
    }

    fn all(&mut self) -> Result<Filter, String> {
        let mut list = vec![self.one()?];
        while self.is("and") {
            self.at += 1;
            list.push(self.one()?);
        }
        Ok(if list.len() == 1 { list.remove(0) } else { Filter::All(list) })
    }

    fn one(&mut self) -> Result<Filter, String> {
        if self.is("not") {
            self.at += 1;
            return Ok(Filter::Not(Box::new(self.one()?)));
        }
        if self.is("(") {
            self.at += 1;
            let inner = self.any()?;
            if !self.is(")") {
                return Err("Invalid search criteria: ')' expected".to_owned());
            }
            self.at += 1;
            return Ok(inner);
        }
        let path = self.take("an attribute")?.text.clone();
        let operator = self.take("an operator")?.text.to_ascii_lowercase();
        let value = match operator.as_str() {
            "pr" => String::new(),
            "eq" | "ne" | "sw" | "co" | "gt" | "ge" | "lt" | "le" => self.take("a value")?.text.clone(),
            other => return Err(format!("Invalid search criteria: unknown operator '{other}'")),
        };
        Ok(Filter::Test { path, operator, value })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Filter;

    #[test]
    fn reads_and_applies() {
        let object =
            json!({"status": "ACTIVE", "profile": {"name": "Data engineers"}, "target": [{"id": "a"}, {"id": "b"}]});
        for (text, fits) in [
            (r#"status eq "ACTIVE""#, true),
            (r#"status eq "INACTIVE" or profile.name sw "data""#, true),
            (r#"status eq "ACTIVE" and not (target.id eq "b")"#, false),
            (r#"target.id eq "b" and status pr"#, true),
            (r#"profile.name ne "x""#, true),
        ] {
            assert_eq!(Filter::parse(text).expect(text).fits(&object), fits, "{text}");
        }
        assert!(Filter::parse(r#"status eq "ACTIVE"#).is_err());
        assert!(Filter::parse("status like 3").is_err());
        assert!(Filter::parse(r#"status eq "a" b"#).is_err());
    }
}
