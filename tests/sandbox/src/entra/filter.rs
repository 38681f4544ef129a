//! `$filter`: the part of OData's language that the directory takes for applications, grants, users and groups.

use serde_json::Value;

use super::error::Problem;

/// A parsed expression.
#[derive(Debug)]
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Test { path: String, operator: Operator, values: Vec<Literal> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    StartsWith,
    EndsWith,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Literal {
    Text(String),
    Word(String),
}

impl Filter {
    /// Reads an expression.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let wrong = |what: String| Problem::new(400, "BadRequest", format!("Invalid filter clause: {what}"));
        let mut words = Words { list: lex(text).map_err(wrong)?, at: 0 };
        let filter = words.any().map_err(wrong)?;
        match words.list.get(words.at) {
            None => Ok(filter),
            Some(word) => Err(wrong(format!("Syntax error: unexpected {word:?} in '{text}'."))),
        }
    }

    /// 400 unless every property that is tested is one of these, and what needs `ConsistencyLevel: eventual` has it.
    pub fn allow(&self, names: &[&str], eventual: bool) -> Result<(), Problem> {
        let unsupported = |path: &str| {
            let text = "Unsupported or invalid query filter clause specified for property";
            Problem::new(400, "Request_UnsupportedQuery", format!("{text} '{path}' of resource."))
        };
        match self {
            Self::All(list) | Self::Any(list) => list.iter().try_for_each(|part| part.allow(names, eventual)),
            Self::Not(part) if eventual => part.allow(names, eventual),
            Self::Not(_) => Err(unsupported("not")),
            Self::Test { path, operator, .. } => {
                let plain = matches!(operator, Operator::Equal | Operator::StartsWith);
                if names.contains(&path.as_str()) && (plain || eventual) { Ok(()) } else { Err(unsupported(path)) }
            }
        }
    }

    /// Whether an object fits; `property` gives the value of one of its properties.
    pub fn fits(&self, property: &dyn Fn(&str) -> Value) -> bool {
        match self {
            Self::All(list) => list.iter().all(|part| part.fits(property)),
            Self::Any(list) => list.iter().any(|part| part.fits(property)),
            Self::Not(part) => !part.fits(property),
            Self::Test { path, operator, values } => {
                let found = property(path);
                let one = |found: &Value| values.iter().any(|value| compare(found, *operator, value));
                match (&found, operator) {
                    (Value::Array(list), _) => list.iter().any(one),
                    (_, Operator::NotEqual) => !values.iter().any(|value| compare(&found, Operator::Equal, value)),
                    _ => one(&found),
                }
            }
        }
    }
}

/// The directory compares texts without regard to case.
fn compare(found: &Value, operator: Operator, value: &Literal) -> bool {
    match (found, value) {
        (Value::String(found), Literal::Text(value) | Literal::Word(value)) => {
            let (found, value) = (found.to_lowercase(), value.to_lowercase());
            match operator {
                Operator::Equal | Operator::NotEqual => found == value,
                Operator::StartsWith => found.starts_with(&value),
                Operator::EndsWith => found.ends_with(&value),
            }
        }
        (Value::Bool(found), Literal::Word(value)) => value == if *found { "true" } else { "false" },
        (Value::Null, Literal::Word(value)) => value == "null",
        _ => false,
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Word {
    Sign(char),
    Name(String),
    Text(String),
}

fn lex(text: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&next) = chars.peek() {
        chars.next();
        match next {
            ' ' => {}
            '(' | ')' | ',' | ':' => words.push(Word::Sign(next)),
            '\'' => {
                let mut word = String::new();
                loop {
                    match chars.next() {
                        // A quote inside a text is written twice.
                        Some('\'') if chars.peek() == Some(&'\'') => word.extend(chars.next()),
                        Some('\'') => break,
                        Some(other) => word.push(other),
                        None => return Err("There is an unterminated string literal.".to_owned()),
                    }
                }
                words.push(Word::Text(word));
            }
            _ => {
                let mut word = next.to_string();
                while let Some(&next) = chars.peek() {
                    if matches!(next, ' ' | '(' | ')' | ',' | ':' | '\'') {
                        break;
                    }
                    word.push(next);
                    chars.next();
                }
                words.push(Word::Name(word));
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
    fn is(&self, text: &str) -> bool {
        matches!(self.list.get(self.at), Some(Word::Name(name)) if name == text)
    }

    fn sign(&mut self, sign: char) -> Result<(), String> {
        self.at += 1;
        match self.list.get(self.at - 1) {
            Some(Word::Sign(found)) if *found == sign => Ok(()),
            other => Err(format!("Syntax error: '{sign}' expected, not {other:?}.")),
        }
    }

    fn name(&mut self) -> Result<String, String> {
        self.at += 1;
        match self.list.get(self.at - 1) {
            Some(Word::Name(name)) => Ok(name.clone()),
            other => Err(format!("Syntax error: a name expected, not {other:?}.")),
        }
    }

    fn literal(&mut self) -> Result<Literal, String> {
        self.at += 1;
        match self.list.get(self.at - 1) {
            Some(Word::Name(name)) => Ok(Literal::Word(name.clone())),
            Some(Word::Text(text)) => Ok(Literal::Text(text.clone())),
            other => Err(format!("Syntax error: a value expected, not {other:?}.")),
        }
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
        if self.list.get(self.at) == Some(&Word::Sign('(')) {
            self.at += 1;
            let inner = self.any()?;
            self.sign(')')?;
            return Ok(inner);
        }
        let name = self.name()?;
        if let Some(operator) = function(&name) {
            self.sign('(')?;
            let path = self.name()?;
            self.sign(',')?;
            let values = vec![self.literal()?];
            self.sign(')')?;
            return Ok(Filter::Test { path, operator, values });
        }
        if let Some(path) = name.strip_suffix("/any") {
            return self.lambda(path);
        }
        match self.name()?.as_str() {
            "eq" => Ok(Filter::Test { path: name, operator: Operator::Equal, values: vec![self.literal()?] }),
            "ne" => Ok(Filter::Test { path: name, operator: Operator::NotEqual, values: vec![self.literal()?] }),
            "in" => {
                self.sign('(')?;
                let mut values = vec![self.literal()?];
                while self.list.get(self.at) == Some(&Word::Sign(',')) {
                    self.at += 1;
                    values.push(self.literal()?);
                }
                self.sign(')')?;
                Ok(Filter::Test { path: name, operator: Operator::Equal, values })
            }
            other => Err(format!("Syntax error: unknown operator '{other}'.")),
        }
    }

    /// `list/any(x:x eq 'value')` or `list/any(x:startswith(x,'value'))`.
    fn lambda(&mut self, path: &str) -> Result<Filter, String> {
        self.sign('(')?;
        let variable = self.name()?;
        self.sign(':')?;
        let inner = self.one()?;
        self.sign(')')?;
        match inner {
            Filter::Test { path: inside, operator, values } => match inside.strip_prefix(&variable) {
                Some(rest) => Ok(Filter::Test { path: format!("{path}{rest}"), operator, values }),
                None => Err(format!("Could not find a property named '{inside}'.")),
            },
            other => Err(format!("Unsupported expression {other:?}.")),
        }
    }
}

fn function(name: &str) -> Option<Operator> {
    match name {
        "startswith" | "startsWith" => Some(Operator::StartsWith),
        "endswith" | "endsWith" => Some(Operator::EndsWith),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Filter;

    #[test]
    fn reads_and_applies() {
        let object = json!({"displayName": "O'Brien's app", "identifierUris": ["api://a", "api://b"],
            "accountEnabled": true, "consentType": "AllPrincipals"});
        let property = |name: &str| object.get(name).cloned().unwrap_or(Value::Null);
        for (text, fits) in [
            ("displayName eq 'o''brien''s app'", true),
            ("startswith(displayName,'O''B') and accountEnabled eq true", true),
            ("identifierUris/any(x:x eq 'api://b')", true),
            ("identifierUris/any(x:startswith(x,'https'))", false),
            ("consentType in ('Principal', 'AllPrincipals') or displayName eq 'x'", true),
            ("not (consentType eq 'AllPrincipals')", false),
        ] {
            assert_eq!(Filter::parse(text).expect(text).fits(&property), fits, "{text}");
        }
        for wrong in ["displayName eq 'x", "displayName like 'x'", "displayName eq 'x' y", "x/any(y:z eq 'a')", ""] {
            assert!(Filter::parse(wrong).is_err(), "{wrong}");
        }
        let test = Filter::parse("passwordCredentials eq 'x'").expect("readable");
        assert!(test.allow(&["displayName"], false).is_err());
    }
}
