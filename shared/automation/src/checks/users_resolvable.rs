//! Whoever may sign in is exactly one user of the identity store.

use extoauth_core::finding::Finding;

use super::Rule;
use super::common::{first_ten, follows};
use crate::observe::{Observed, Resolved, Seen, Unread};

/// Its id.
pub const ID: &str = "users_resolvable";

pub(super) fn check(observed: &Observed) -> Vec<Finding> {
    let issuer = observed.center.issuer.there();
    let (claim, attribute) = issuer.map_or((observed.trust.claim.as_str(), observed.trust.attribute.as_str()), |i| {
        (i.claim.as_str(), i.attribute.as_str())
    });
    let rule = Rule {
        check: ID,
        row: "R21",
        resource: "identity_center",
        expected: format!(
            "`{claim}` of whoever may sign in is `{attribute}` of exactly one user of the identity store"
        ),
    };
    let people = match &observed.center.people {
        Seen::There(people) => people,
        Seen::Unread(why) => return vec![rule.unknown(why)],
        Seen::Gone => return vec![rule.unknown(&follows("what people are looked up by", "issuer_matches"))],
    };
    if people.is_empty() {
        let why = Unread::because("nobody may sign in, so there is nobody to look up", "see `client_assigned`");
        return vec![rule.unknown(&why)];
    }
    let refused: Vec<String> =
        people.iter().filter_map(|(name, resolved)| refusal(name, resolved, claim, attribute)).collect();
    let unclear: Vec<(&String, &Unread)> = people
        .iter()
        .filter_map(|(name, resolved)| match resolved {
            Resolved::Unknown(why) => Some((name, why)),
            _ => None,
        })
        .collect();
    let mut findings = Vec::new();
    if !refused.is_empty() {
        findings.push(rule.critical(
            first_ten(&refused),
            format!("{} of {} people cannot log in", refused.len(), people.len()),
            fix(people, claim, attribute),
        ));
    }
    if let Some((_, why)) = unclear.first() {
        let names: Vec<String> = unclear.iter().map(|(name, _)| (*name).clone()).collect();
        let why = format!("not known for {}: {}", first_ten(&names), why.why);
        let fix = unclear.first().map(|(_, why)| why.fix.clone()).unwrap_or_default();
        findings.push(rule.unknown(&Unread::because(why, fix)));
    }
    if findings.is_empty() {
        findings.push(rule.ok(format!("so it is for all {} who were looked up", people.len())));
    }
    findings
}

fn refusal(name: &str, resolved: &Resolved, claim: &str, attribute: &str) -> Option<String> {
    match resolved {
        Resolved::Found | Resolved::Unknown(_) => None,
        Resolved::NoUser(value) => Some(format!("{name}: no user with `{attribute}` = `{value}`")),
        Resolved::Several { value, users } => Some(format!("{name}: {users} users with `{attribute}` = `{value}`")),
        Resolved::NoClaim => Some(format!("{name}: the token does not carry `{claim}`")),
    }
}

fn fix(people: &[(String, Resolved)], claim: &str, attribute: &str) -> String {
    let any = |of: fn(&Resolved) -> bool| people.iter().any(|(_, resolved)| of(resolved));
    let mut steps = Vec::new();
    if any(|resolved| matches!(resolved, Resolved::NoClaim)) {
        steps.push(format!(
            "have the identity provider put `{claim}` into its access tokens and fill it in for these people, or map a \
             claim that is there (IAM Identity Center > Settings > Authentication > Trusted token issuers)"
        ));
    }
    if any(|resolved| matches!(resolved, Resolved::NoUser(_))) {
        steps.push(format!(
            "provision these people to IAM Identity Center (SCIM) with this `{attribute}`, take them off the app, or map \
             the attribute that holds what `{claim}` holds"
        ));
    }
    if any(|resolved| matches!(resolved, Resolved::Several { .. })) {
        steps.push(format!("make `{attribute}` unique, or map `emails.value` or `userName`"));
    }
    steps.join("; ")
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{Critical, Ok, Unknown};
    use extoauth_core::systems::Idp;

    use super::super::testing::{findings, healthy, severities, unread};
    use super::*;

    #[test]
    fn everybody_is_one_user() {
        let mut observed = healthy(Idp::Okta);
        assert_eq!(severities(&observed, ID), [Ok]);
        let unknown = Resolved::Unknown(Unread::because("x", "y"));
        observed.center.people = Seen::There(vec![
            ("one".into(), Resolved::Found),
            ("two".into(), Resolved::NoUser("two@example.com".into())),
            ("three".into(), Resolved::NoClaim),
            ("four".into(), Resolved::Several { value: "x".into(), users: 2 }),
            ("five".into(), unknown),
        ]);
        let found = findings(&observed, ID);
        assert_eq!(found.iter().map(|f| f.severity).collect::<Vec<_>>(), [Critical, Unknown]);
        for word in ["two@example.com", "three", "four: 2 users"] {
            assert!(found[0].found.contains(word), "{}", found[0].found);
        }
        assert!(!found[0].found.contains("one:"));
    }

    #[test]
    fn nothing_read_is_nothing_said() {
        let mut observed = healthy(Idp::Okta);
        for people in [unread(), Seen::Gone, Seen::There(Vec::new())] {
            observed.center.people = people;
            assert_eq!(severities(&observed, ID), [Unknown]);
        }
    }
}
