//! Evaluation of policy statements (IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::needs::Need;

/// A statement of a role's policy. `NotAction`, `NotResource` and `Principal` are refused when it is read.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Statement {
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// `Allow` or `Deny`.
    pub effect: Effect,
    /// Action patterns, in any case.
    pub action: OneOrMany,
    /// Resource patterns.
    pub resource: OneOrMany,
    /// Operator to key to values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: BTreeMap<String, BTreeMap<String, OneOrMany>>,
}

impl Statement {
    /// Whether it has a condition on the resource's tags.
    pub(super) fn asks_for_tags(&self) -> bool {
        self.condition.values().flat_map(BTreeMap::keys).any(|key| key.contains("ResourceTag/"))
    }
}

/// What a statement does.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub enum Effect {
    /// Allows, unless something else denies.
    Allow,
    /// Denies, whatever else allows.
    Deny,
}

/// A string, or a list of strings.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Many.
    Many(Vec<String>),
}

impl OneOrMany {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// Whether these statements allow it: one allows, none denies.
pub fn allows(statements: &[Statement], need: &Need) -> bool {
    let applies = |statement: &&Statement| {
        let action = need.action.to_ascii_lowercase();
        statement.action.as_slice().iter().any(|pattern| wildcard(&pattern.to_ascii_lowercase(), &action))
            && statement.resource.as_slice().iter().any(|pattern| wildcard(pattern, &need.resource))
    };
    let mut allowed = false;
    for statement in statements.iter().filter(applies) {
        let met = conditions(statement, need);
        match statement.effect {
            // A condition that is not understood neither opens nor lifts a bar.
            Effect::Deny if met != Some(false) => return false,
            Effect::Allow if met == Some(true) => allowed = true,
            _ => {}
        }
    }
    allowed
}

/// Whether all conditions are met; `None` where one is not understood.
fn conditions(statement: &Statement, need: &Need) -> Option<bool> {
    let mut all = Some(true);
    for (operator, keys) in &statement.condition {
        for (key, wanted) in keys {
            match condition(operator, wanted.as_slice(), context(need, key)) {
                Some(true) => {}
                Some(false) => return Some(false),
                None => all = None,
            }
        }
    }
    all
}

/// The values of a condition key, which are the same in any case.
fn context<'a>(need: &'a Need, key: &str) -> Option<&'a [String]> {
    need.context.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, values)| values.as_slice())
}

fn condition(operator: &str, wanted: &[String], values: Option<&[String]>) -> Option<bool> {
    let (set, operator) = match operator.split_once(':') {
        Some((set, operator)) => (Some(set), operator),
        None => (None, operator),
    };
    let (operator, if_exists) = match operator.strip_suffix("IfExists") {
        Some(operator) => (operator, true),
        None => (operator, false),
    };
    if operator == "Null" {
        let absent = values.is_none_or(<[String]>::is_empty);
        return Some(wanted.iter().any(|want| want.eq_ignore_ascii_case(if absent { "true" } else { "false" })));
    }
    let one = |value: &String| -> Option<bool> {
        let any = |test: &dyn Fn(&str) -> bool| wanted.iter().any(|want| test(want));
        Some(match operator {
            "StringEquals" => any(&|want| want == value),
            "StringEqualsIgnoreCase" => any(&|want| want.eq_ignore_ascii_case(value)),
            "StringNotEquals" => !any(&|want| want == value),
            "StringLike" | "ArnLike" | "ArnEquals" => any(&|want| wildcard(want, value)),
            "StringNotLike" | "ArnNotLike" => !any(&|want| wildcard(want, value)),
            "NumericEquals"
            | "NumericLessThan"
            | "NumericLessThanEquals"
            | "NumericGreaterThan"
            | "NumericGreaterThanEquals" => any(&|want| numbers(operator, value, want)),
            _ => return None,
        })
    };
    let negated = matches!(operator, "StringNotEquals" | "StringNotLike" | "ArnNotLike");
    match (set, values) {
        // Over an empty set, "for all" holds: the trap that the IAM User Guide warns of.
        (Some("ForAllValues"), values) => {
            values.unwrap_or_default().iter().map(one).try_fold(true, |all, met| Some(all && met?))
        }
        (Some("ForAnyValue"), values) => {
            values.unwrap_or_default().iter().map(one).try_fold(false, |any, met| Some(any || met?))
        }
        (Some(_), _) => None,
        // A key that the call does not have: met only by a negation, or where the policy says so.
        (None, None) => one(&String::new()).map(|_| if_exists || negated),
        (None, Some(values)) => values.iter().map(one).try_fold(true, |all, met| Some(all && met?)),
    }
}

/// Whether two numbers stand to each other as the operator says; never where one is none.
fn numbers(operator: &str, value: &str, want: &str) -> bool {
    let (Ok(value), Ok(want)) = (value.parse::<f64>(), want.parse::<f64>()) else { return false };
    match operator {
        "NumericLessThan" => value < want,
        "NumericLessThanEquals" => value <= want,
        "NumericGreaterThan" => value > want,
        "NumericGreaterThanEquals" => value >= want,
        _ => value == want,
    }
}

/// Whether a text fits a pattern in which `*` is any text and `?` any one character.
pub(super) fn wildcard(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last `*` is, and how much of the text it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn statements(value: serde_json::Value) -> Vec<Statement> {
        serde_json::from_value(value).expect("statements")
    }

    fn need(action: &str, resource: &str) -> Need {
        Need::new(action, resource)
    }

    #[test]
    fn wildcards() {
        assert!(wildcard("arn:aws:s:::a-??????", "arn:aws:s:::a-AbCdEf"));
        assert!(!wildcard("arn:aws:s:::a-??????", "arn:aws:s:::a-AbCdE"));
        assert!(wildcard("*", "") && wildcard("a*b*c", "a-b-b-c") && wildcard("a*", "a"));
        assert!(!wildcard("a*b", "a-b-c") && !wildcard("", "a"));
        assert!(!wildcard("arn:aws:sqs:*:q", "*"), "a call that names no resource needs the resource *");
    }

    #[test]
    fn allow_and_deny() {
        let role = statements(json!([
            {"Effect": "Allow", "Action": "sqs:Send*", "Resource": ["arn:q1", "arn:q2"]},
            {"Effect": "Deny", "Action": ["sqs:*"], "Resource": "arn:q2"},
        ]));
        assert!(allows(&role, &need("sqs:SendMessage", "arn:q1")));
        assert!(!allows(&role, &need("sqs:SendMessage", "arn:q2")));
        assert!(!allows(&role, &need("sqs:ReceiveMessage", "arn:q1")));
        assert!(!allows(&[], &need("sqs:SendMessage", "arn:q1")));
    }

    #[test]
    fn conditions_are_met_failed_or_unknown() {
        let role = statements(json!([{
            "Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": "t",
            "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["event#*"]}, "Null": {"dynamodb:LeadingKeys": "false"}},
        }]));
        let with = |keys: &[&str]| need("dynamodb:PutItem", "t").with("dynamodb:LeadingKeys", keys);
        assert!(allows(&role, &with(&["event#1", "event#2"])));
        assert!(!allows(&role, &with(&["event#1", "request#2"])));
        assert!(!allows(&role, &need("dynamodb:PutItem", "t")));

        let unknown = json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}});
        let allow = json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": unknown});
        assert!(!allows(&statements(json!([allow])), &need("a:b", "r")));
        let deny = json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": unknown});
        let role = statements(json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}, deny]));
        assert!(!allows(&role, &need("a:b", "r")));
    }

    #[test]
    fn a_key_that_the_call_lacks() {
        let role = |operator: &str| {
            statements(
                json!([{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: {"k": "v"}}}]),
            )
        };
        assert!(!allows(&role("StringEquals"), &need("a:b", "r")));
        assert!(allows(&role("StringEqualsIfExists"), &need("a:b", "r")));
        assert!(allows(&role("StringNotEquals"), &need("a:b", "r")));
        assert!(!allows(&role("StringEqualsIfExists"), &need("a:b", "r").with("K", &["w"])));
    }

    #[test]
    fn what_is_not_understood_is_refused_when_read() {
        let read = |value| serde_json::from_value::<Vec<Statement>>(value);
        assert!(read(json!([{"Effect": "Allow", "NotAction": "a:*", "Resource": "*"}])).is_err());
        assert!(read(json!([{"Effect": "Perhaps", "Action": "a:*", "Resource": "*"}])).is_err());
    }
}
