//! Whether the access policy and the rule that really apply give everybody tokens, at sign-in and at refresh (rows R08,
//! R09). Not ours need be the one: an earlier policy for all clients decides instead of it.

use extoauth_core::finding::Finding;
use extoauth_systems::okta::{Policy, Rule as TokenRule};

use super::decision::{Verdict, in_order, lacking, shut, verdict};
use super::{POLICY, RULE, names, read};
use crate::checks::Rule;
use crate::observe::okta::{AT_REFRESH, AT_SIGN_IN, deciding_policy};
use crate::observe::{Observed, OktaView, Seen, Unread};

pub const ID: &str = "access_rule";

const PLACE: &str = "Security > API > Authorization Servers > the server > Access Policies";
const AGREED: &str = "our access policy and its rule give everybody who is assigned tokens, for the authorization code \
                      and for its refresh";

fn rule(row: &'static str, resource: &'static str) -> Rule<'static> {
    Rule { check: ID, row, resource, expected: AGREED.to_owned() }
}

pub fn run(view: &OktaView, observed: &Observed) -> Vec<Finding> {
    let of_policy = rule("R08", POLICY);
    let seen = read(&of_policy, &view.policies, "server_app")
        .and_then(|policies| Ok((policies, read(&of_policy, &observed.idp.client_id, "client_app")?)));
    let (policies, client) = match seen {
        Ok(seen) => seen,
        Err(unknown) => return vec![unknown],
    };
    let Some(policy) = deciding_policy(policies, client) else {
        return vec![no_policy(&of_policy, view, policies, client)];
    };
    let of_rule = rule("R09", RULE);
    match &view.rules {
        Seen::There(rules) => people(view, policy, rules),
        Seen::Gone => {
            let why = format!("the policy `{}` went away while it was read", policy.name);
            vec![of_rule.unknown(&Unread::because(why, "ask for `verify` again"))]
        }
        Seen::Unread(why) => vec![of_rule.unknown(why)],
    }
}

fn no_policy(rule: &Rule<'_>, view: &OktaView, policies: &[Policy], client: &str) -> Finding {
    let each = policies.iter().map(|p| format!("`{}` ({}, for {})", p.name, p.status, p.clients.join(", ")));
    let each = each.collect::<Vec<_>>().join("; ");
    let found = if each.is_empty() { "the server has no policy".to_owned() } else { each };
    let fix = match policies.iter().find(|policy| view.policy.as_ref() == Some(&policy.id)) {
        Some(ours) if !ours.is_active() => format!("{PLACE} > {}: activate it", ours.name),
        Some(ours) => format!("{PLACE} > {} > Edit > Assign to the following clients: {client}", ours.name),
        None => "submit the request `provision` again: it makes the policy and its rule anew".to_owned(),
    };
    rule.critical(
        format!("no active access policy is for the client {client}: {found}"),
        "nobody can sign in: Okta answers `access_denied`, \"Policy evaluation failed for this request, please check \
         the policy configurations.\"",
        fix,
    )
}

/// The verdict on everybody who is assigned; where nobody is, or that was not read, on somebody unknown.
fn people(view: &OktaView, policy: &Policy, rules: &[TokenRule]) -> Vec<Finding> {
    let of_rule = rule("R09", RULE);
    let users = view.assigned.there().map(|assigned| assigned.users.as_slice()).unwrap_or_default();
    let mut everybody: Vec<(Option<&str>, &str)> =
        users.iter().filter(|user| user.active).map(|user| (Some(user.id.as_str()), user.name.as_str())).collect();
    if everybody.is_empty() {
        everybody.push((None, "everybody"));
    }
    let (mut denied, mut unclear, mut granted) = (Vec::new(), Vec::new(), Vec::<&TokenRule>::new());
    let mut lacks = None;
    for (person, name) in everybody {
        // A refresh asks for less than the sign-in before it: it is granted where that is, by the same rule or another.
        for scopes in [&AT_SIGN_IN[..], &AT_REFRESH[..]] {
            match verdict(rules, &view.members, person, scopes) {
                Verdict::Granted(by) => {
                    if !granted.iter().any(|known| known.id == by.id) {
                        granted.push(by);
                    }
                }
                Verdict::Nothing => denied.push(name),
                Verdict::Scopes(by) => {
                    denied.push(name);
                    lacks.get_or_insert((by, lacking(by, scopes)));
                }
                Verdict::Unclear(why) => unclear.push(why),
            }
        }
    }
    denied.dedup();
    if !denied.is_empty() {
        return vec![refused(&of_rule, view, policy, rules, &denied, lacks)];
    }
    if let Some(why) = unclear.into_iter().next() {
        let fix = "give our credential the right `okta.groups.read`, or look at the rule's people by hand";
        return vec![of_rule.unknown(&Unread::because(format!("{why} (policy `{}`)", policy.name), fix))];
    }
    if let Err(unknown) = read(&of_rule, &view.assigned, "client_app") {
        return vec![unknown];
    }
    vec![applied(&of_rule, view, policy, &granted)]
}

fn refused(
    of_rule: &Rule<'_>,
    view: &OktaView,
    policy: &Policy,
    rules: &[TokenRule],
    denied: &[&str],
    lacks: Option<(&TokenRule, Vec<&str>)>,
) -> Finding {
    let who = names(denied.iter().copied());
    let others = in_order(rules).into_iter().filter_map(shut).collect::<Vec<_>>().join("; ");
    let others = if others.is_empty() { String::new() } else { format!(" ({others})") };
    let decides = format!("the policy `{}` decides, and none of its {} rules", policy.name, rules.len());
    let ours = view.policy.as_ref() == Some(&policy.id);
    let instead = if ours { String::new() } else { format!("; it stands before ours: {PLACE}, move ours up") };
    match lacks {
        Some((by, scopes)) => of_rule.critical(
            format!("{decides} allows {who} the scopes that dbt asks for: `{}` lacks {}", by.name, scopes.join(", ")),
            format!(
                "{who} cannot sign in: Okta answers `access_denied`, \"… all the requested scopes were rejected.\""
            ),
            format!("{PLACE} > {} > {} > Scopes requested: Any scopes{instead}", policy.name, by.name),
        ),
        None => of_rule.critical(
            format!("{decides} gives {who} tokens for an authorization code{others}"),
            format!(
                "{who} cannot sign in: Okta answers `access_denied`, \"Policy evaluation failed for this request\""
            ),
            format!(
                "{PLACE} > {}: an active rule, grant type Authorization Code, for any user assigned the app, any \
                 scopes{instead}",
                policy.name
            ),
        ),
    }
}

/// Everybody gets tokens: by our rule, or by another.
fn applied(of_rule: &Rule<'_>, view: &OktaView, policy: &Policy, granted: &[&TokenRule]) -> Finding {
    let by = names(granted.iter().map(|rule| rule.name.as_str()));
    let found = format!("the policy `{}` decides, its rule `{by}` applies", policy.name);
    let ours = view.policy.as_ref().is_none_or(|own| *own == policy.id)
        && granted.iter().all(|rule| view.rule.as_ref().is_none_or(|own| *own == rule.id));
    if ours {
        return of_rule.ok(found);
    }
    of_rule.warning(
        format!("{found}, which is not ours"),
        "everybody can sign in, with the lifetimes of that rule; whoever changes it changes dbt's logins",
        format!("{PLACE}: put our policy and its rule first and active; or submit the request `provision` again"),
    )
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{self, Critical, Ok, Unknown, Warning};
    use extoauth_systems::okta::Member;
    use serde_json::{Value, json};

    use super::*;
    use crate::checks::okta::testing::{policies, rules, severities, view};
    use crate::observe::okta::{Assigned, Members};

    fn ours(change: Value) -> Value {
        let mut policy = json!({"id": "00p1", "priority": 2, "status": "ACTIVE", "name": "ours",
            "conditions": {"clients": {"include": ["0oa1"]}}});
        policy.as_object_mut().expect("an object").extend(change.as_object().cloned().expect("an object"));
        policy
    }

    #[test]
    fn policies_decide() {
        let all = json!({"id": "00p9", "priority": 1, "status": "ACTIVE", "name": "all",
            "conditions": {"clients": {"include": ["ALL_CLIENTS"]}}});
        for (seen, expected) in [
            (policies(&[ours(json!({}))]), Ok),
            (policies(&[ours(json!({"status": "INACTIVE"}))]), Critical),
            (policies(&[ours(json!({"conditions": {"clients": {"include": []}}}))]), Critical),
            (policies(&[ours(json!({"conditions": {"clients": {"include": ["0oa2"]}}}))]), Critical),
            (policies(&[ours(json!({"conditions": {"clients": {"include": ["ALL_CLIENTS"]}}}))]), Ok),
            (policies(&[all.clone(), ours(json!({}))]), Warning),
            (policies(&[all, ours(json!({"status": "INACTIVE"}))]), Warning),
            (policies(&[]), Critical),
            (Seen::Gone, Unknown),
            (Seen::default(), Unknown),
        ] {
            let mut view = view();
            view.policies = seen;
            assert_eq!(severities(&view, run), [expected], "{:?}", view.policies);
        }
    }

    #[test]
    fn rules_decide() {
        let groups = |include: &str, exclude: Value| {
            ("/conditions/people", json!({"groups": {"include": [include], "exclude": exclude}}))
        };
        let scopes = |list: Value| ("/conditions/scopes/include", list);
        let grants = |list: Value| ("/conditions/grantTypes/include", list);
        let table: [(&str, (&str, Value), Severity); 12] = [
            ("healthy", ("/name", json!("other")), Ok),
            ("inactive", ("/status", json!("INACTIVE")), Critical),
            ("other grant", grants(json!(["client_credentials"])), Critical),
            ("refresh only", grants(json!(["refresh_token"])), Critical),
            ("no scope", scopes(json!([])), Critical),
            ("without openid", scopes(json!(["offline_access", "session:role-any"])), Critical),
            ("without offline_access", scopes(json!(["openid", "session:role-any"])), Critical),
            ("all three", scopes(json!(["openid", "offline_access", "session:role-any"])), Ok),
            ("one excluded", groups("EVERYONE", json!(["00gout"])), Critical),
            ("the group", groups("00gin", json!([])), Ok),
            ("another group", groups("00gout", json!([])), Critical),
            ("an unread group", groups("00gx", json!([])), Unknown),
        ];
        for (name, change, expected) in table {
            let mut view = view();
            let member = |id: &str| Member { id: id.into(), status: None, login: None, email: None };
            for (group, people) in [("00gin", vec![member("00u1"), member("00u2")]), ("00gout", vec![member("00u2")])] {
                view.members.insert(group.into(), Seen::There(Members { people, complete: true }));
            }
            view.rules = rules(&[change]);
            assert_eq!(severities(&view, run), [expected], "{name}");
        }
    }

    #[test]
    fn what_is_known_without_people() {
        let mut unread = view();
        unread.assigned = Seen::default();
        assert_eq!(severities(&unread, run), [Unknown]);
        unread.rules = rules(&[("/status", json!("INACTIVE"))]);
        assert_eq!(severities(&unread, run), [Critical]);
        unread.assigned = Seen::Gone;
        unread.rules = rules(&[]);
        assert_eq!(severities(&unread, run), [Unknown]);
        let mut nobody = view();
        nobody.assigned = Seen::There(Assigned { users: vec![], complete: true });
        assert_eq!(severities(&nobody, run), [Ok]);
        nobody.rules = Seen::default();
        assert_eq!(severities(&nobody, run), [Unknown]);
        nobody.rules = Seen::Gone;
        assert_eq!(severities(&nobody, run), [Unknown]);
        nobody.rules = Seen::There(vec![]);
        assert_eq!(severities(&nobody, run), [Critical]);
    }

    #[test]
    fn the_fix_names_what_was_changed() {
        let mut view = view();
        view.policies = policies(&[ours(json!({"status": "INACTIVE"}))]);
        let found = run(&view, &crate::checks::okta::testing::observed());
        assert!(found[0].fix.contains("ours: activate"), "{:?}", found[0]);
        view.policies = policies(&[ours(json!({"conditions": {"clients": {"include": []}}}))]);
        let found = run(&view, &crate::checks::okta::testing::observed());
        assert!(found[0].fix.contains("0oa1"), "{:?}", found[0]);
    }
}
