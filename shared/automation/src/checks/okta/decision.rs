//! Which rule applies to a person: of the policy that decides, the first active rule by priority that is for dbt's grant,
//! for the person, and allows all the scopes asked for.
//!
//! `authorization_code` is taken to cover the refresh that follows (no recording has a grant for it: UNCONFIRMED), so a
//! refresh is judged as the sign-in is, with the scopes that dbt asks for then. A rule without people is for nobody
//! (what Okta does with one: UNCONFIRMED).

use std::collections::BTreeMap;

use extoauth_systems::okta::{EVERYONE, Rule};

use crate::observe::Seen;
use crate::observe::okta::Members;

const GRANT: &str = "authorization_code";
const ANY_SCOPE: &str = "*";

/// What decides for a person.
pub enum Verdict<'r> {
    /// This rule gives tokens.
    Granted(&'r Rule),
    /// No rule is for the person and the grant.
    Nothing,
    /// Rules are, but none allows all scopes. The first of them.
    Scopes(&'r Rule),
    /// It depends on something that was not read.
    Unclear(String),
}

/// Whether somebody is among some people; `None`: it was not read.
type Known = Option<bool>;

/// The verdict on a person (an id), or on somebody of whom nothing is known.
pub fn verdict<'r>(
    rules: &'r [Rule],
    members: &BTreeMap<String, Seen<Members>>,
    person: Option<&str>,
    scopes: &[&str],
) -> Verdict<'r> {
    let mut without_scopes = None;
    for rule in in_order(rules).into_iter().filter(|rule| rule.is_active() && holds(&rule.grant_types, GRANT)) {
        let allows = holds(&rule.scopes, ANY_SCOPE) || scopes.iter().all(|scope| holds(&rule.scopes, scope));
        match (is_for(rule, members, person), allows) {
            (Some(true), true) => return Verdict::Granted(rule),
            (Some(true), false) => without_scopes = without_scopes.or(Some(rule)),
            (None, true) => return Verdict::Unclear(format!("whom the rule `{}` is for was not read", rule.name)),
            (None, false) | (Some(false), _) => {}
        }
    }
    without_scopes.map_or(Verdict::Nothing, Verdict::Scopes)
}

/// The rules by priority.
pub fn in_order(rules: &[Rule]) -> Vec<&Rule> {
    let mut rules: Vec<&Rule> = rules.iter().collect();
    rules.sort_by_key(|rule| rule.priority.unwrap_or(i64::MAX));
    rules
}

fn holds(list: &[String], item: &str) -> bool {
    list.iter().any(|known| known == item)
}

fn is_for(rule: &Rule, members: &BTreeMap<String, Seen<Members>>, person: Option<&str>) -> Known {
    let among = |users: &[String], groups: &[String]| {
        let named = match person {
            Some(person) => Some(holds(users, person)),
            None if users.is_empty() => Some(false),
            None => None,
        };
        groups.iter().map(|group| is_in(group, members, person)).fold(named, or)
    };
    let excluded = among(&rule.users_excluded, &rule.groups_excluded);
    let included = among(&rule.users, &rule.groups);
    match (excluded, included) {
        (Some(true), _) | (_, Some(false)) => Some(false),
        (Some(false), Some(true)) => Some(true),
        _ => None,
    }
}

fn or(one: Known, other: Known) -> Known {
    match (one, other) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

fn is_in(group: &str, members: &BTreeMap<String, Seen<Members>>, person: Option<&str>) -> Known {
    if group == EVERYONE {
        return Some(true);
    }
    match (members.get(group), person) {
        // Nobody is in a group that was deleted.
        (Some(Seen::Gone), _) => Some(false),
        (Some(Seen::There(all)), Some(person)) if all.people.iter().any(|member| member.id == person) => Some(true),
        (Some(Seen::There(all)), Some(_)) if all.complete => Some(false),
        _ => None,
    }
}

/// Why a rule is for nobody who signs in for dbt, whoever it is; `None`: people or scopes decide.
pub fn shut(rule: &Rule) -> Option<String> {
    if !rule.is_active() {
        return Some(format!("`{}` is {}", rule.name, rule.status));
    }
    if !holds(&rule.grant_types, GRANT) {
        return Some(format!("`{}` is for the grants {}", rule.name, rule.grant_types.join(", ")));
    }
    None
}

/// The scopes that a rule does not allow.
pub fn lacking<'s>(rule: &Rule, scopes: &[&'s str]) -> Vec<&'s str> {
    let any = holds(&rule.scopes, ANY_SCOPE);
    scopes.iter().copied().filter(|scope| !any && !holds(&rule.scopes, scope)).collect()
}

#[cfg(test)]
mod tests {
    use extoauth_systems::okta::Member;
    use serde_json::{Value, json};

    use super::*;

    const SCOPES: [&str; 2] = ["openid", "session:role-any"];

    fn rule(id: &str, priority: i64, people: Value, scopes: Value) -> Rule {
        let raw = json!({"id": id, "name": id, "status": "ACTIVE", "priority": priority, "conditions": {
            "people": people, "grantTypes": {"include": ["authorization_code"]}, "scopes": {"include": scopes}}});
        serde_json::from_value(raw).expect("a rule")
    }

    fn members() -> BTreeMap<String, Seen<Members>> {
        let member = Member { id: "00u1".into(), status: None, login: None, email: None };
        let of = |complete| Seen::There(Members { people: vec![member.clone()], complete });
        BTreeMap::from([
            ("devs".to_owned(), of(true)),
            ("huge".to_owned(), of(false)),
            ("gone".to_owned(), Seen::Gone),
            ("unread".to_owned(), Seen::default()),
        ])
    }

    fn word(rules: &[Rule], person: Option<&str>) -> String {
        match verdict(rules, &members(), person, &SCOPES) {
            Verdict::Granted(rule) => rule.id.clone(),
            Verdict::Nothing => "nothing".into(),
            Verdict::Scopes(rule) => format!("scopes {}", rule.id),
            Verdict::Unclear(_) => "unclear".into(),
        }
    }

    #[test]
    fn people_decide() {
        let groups = |include: &[&str], exclude: &[&str]| json!({"groups": {"include": include, "exclude": exclude}});
        let table = [
            (groups(&["EVERYONE"], &[]), "r", "r", "r"),
            (groups(&["devs"], &[]), "r", "nothing", "unclear"),
            (groups(&["huge"], &[]), "r", "unclear", "unclear"),
            (groups(&["gone"], &[]), "nothing", "nothing", "nothing"),
            (groups(&["unread"], &[]), "unclear", "unclear", "unclear"),
            (groups(&["unread", "devs"], &[]), "r", "unclear", "unclear"),
            (groups(&["EVERYONE"], &["devs"]), "nothing", "r", "unclear"),
            (groups(&["EVERYONE"], &["EVERYONE"]), "nothing", "nothing", "nothing"),
            (groups(&[], &[]), "nothing", "nothing", "nothing"),
            (json!({}), "nothing", "nothing", "nothing"),
            (json!({"users": {"include": ["00u2"]}}), "nothing", "r", "unclear"),
            (json!({"users": {"exclude": ["00u2"]}, "groups": {"include": ["EVERYONE"]}}), "r", "nothing", "unclear"),
        ];
        for (people, one, other, anybody) in table {
            let rules = [rule("r", 1, people.clone(), json!(["*"]))];
            let found = (word(&rules, Some("00u1")), word(&rules, Some("00u2")), word(&rules, None));
            assert_eq!(found, (one.into(), other.into(), anybody.into()), "{people}");
        }
    }

    #[test]
    fn order_and_scopes_decide() {
        let all = json!({"groups": {"include": ["EVERYONE"]}});
        let narrow = rule("narrow", 1, all.clone(), json!(["openid"]));
        let none = rule("none", 2, all.clone(), json!([]));
        let wide = rule("wide", 3, all.clone(), json!(["session:role-any", "openid"]));
        let mut off: Value = json!({"id": "off", "status": "INACTIVE", "priority": 0});
        off["conditions"] = json!({"people": all, "grantTypes": {"include": ["authorization_code"]},
            "scopes": {"include": ["*"]}});
        let off: Rule = serde_json::from_value(off).expect("a rule");
        assert_eq!(word(&[wide.clone(), none.clone(), narrow.clone(), off.clone()], None), "wide");
        assert_eq!(word(&[none.clone(), narrow.clone(), off.clone()], None), "scopes narrow");
        assert_eq!(word(&[off], None), "nothing");
        assert_eq!(word(&[], None), "nothing");
        assert_eq!(lacking(&none, &SCOPES), SCOPES);
        assert_eq!(lacking(&wide, &SCOPES), Vec::<&str>::new());
    }
}
