//! Whether the people who are to use the app are assigned to it. The manual leaves this to the console; Okta's API
//! assigns nobody (row R02).

use std::collections::BTreeSet;

use extoauth_core::finding::Finding;

use super::{APP, names, read};
use crate::checks::Rule;
use crate::observe::okta::{Assigned, WantedGroup};
use crate::observe::{Observed, OktaView, Seen, Unread};

pub const ID: &str = "client_assigned";

const PLACE: &str = "Applications > Applications > the app > Assignments > Assign > Assign to Groups";
const REFUSED: &str = "Okta answers `access_denied`, \"User is not assigned to the client application.\"";

pub fn run(view: &OktaView, _observed: &Observed) -> Vec<Finding> {
    let wanted = names(view.wanted.iter().map(|group| group.name.as_str()));
    let rule = Rule { check: ID, row: "R02", resource: APP, expected: format!("assigned to {wanted}") };
    let seen = read(&rule, &view.app, "client_app").and_then(|app| {
        let groups = read(&rule, &view.groups, "client_app")?;
        Ok((app, groups, read(&rule, &view.assigned, "client_app")?))
    });
    let (app, groups, assigned) = match seen {
        Ok(seen) => seen,
        Err(unknown) => return vec![unknown],
    };
    let active: Vec<&str> = assigned.users.iter().filter(|user| user.active).map(|user| user.name.as_str()).collect();
    if app.implicit_assignment == Some(true) {
        return vec![rule.warning(
            "the app lets everybody of the org in without an assignment",
            "more people than agreed can sign in to Okta for dbt",
            "Applications > Applications > the app > General > Federation Broker Mode: disable it, and assign the groups",
        )];
    }
    if active.is_empty() && assigned.complete {
        let found = match assigned.users.len() {
            0 => "nobody is assigned to the app".to_owned(),
            count => format!("{count} people are assigned, and none of their accounts can sign in"),
        };
        return vec![rule.critical(found, format!("nobody can sign in: {REFUSED}"), format!("{PLACE}: {wanted}"))];
    }
    let mut found: Vec<Finding> =
        view.wanted.iter().filter_map(|group| missing(&rule, view, group, groups, assigned)).collect();
    if found.is_empty() {
        let at_least = if assigned.complete { "" } else { "at least " };
        let text = format!("{at_least}{} people can use the app: {}", active.len(), names(active));
        found.push(rule.ok(text));
    }
    found
}

/// What is wrong with the assignment of one wanted group.
fn missing(
    rule: &Rule<'_>,
    view: &OktaView,
    group: &WantedGroup,
    groups: &[String],
    assigned: &Assigned,
) -> Option<Finding> {
    let name = &group.name;
    let fix = format!("{PLACE}: {name}; or submit the request `provision` again");
    let Some(id) = &group.id else {
        return Some(rule.unknown(&Unread::because(format!("no assignment of the group {name} is recorded"), fix)));
    };
    if groups.contains(id) {
        return None;
    }
    let found = format!("the group {name} is not assigned to the app");
    let members = match view.members.get(id) {
        Some(Seen::There(members)) => members,
        Some(Seen::Gone) => {
            let effect = "whoever was let in by this group alone cannot sign in";
            return Some(rule.warning(format!("the group {name} is no longer in the org"), effect, fix));
        }
        Some(Seen::Unread(why)) => {
            let why = format!("{found}; who its members are is not known: {}", why.why);
            return Some(rule.unknown(&Unread::because(why, fix)));
        }
        None => return Some(rule.unknown(&Unread::because(found, fix))),
    };
    let known: BTreeSet<&str> = assigned.users.iter().map(|user| user.id.as_str()).collect();
    let active = members.people.iter().filter(|member| member.status.as_deref() == Some("ACTIVE"));
    let out: Vec<&str> = active
        .filter(|member| !known.contains(member.id.as_str()))
        .map(|member| member.login.as_deref().unwrap_or(&member.id))
        .collect();
    Some(match (out.is_empty(), assigned.complete) {
        (false, true) => rule.critical(found, format!("{} cannot sign in: {REFUSED}", names(out)), fix),
        (false, false) => rule.warning(
            format!("{found}, and only the first {} people assigned to it were looked at", assigned.users.len()),
            format!("members who are not assigned otherwise cannot sign in: {REFUSED}"),
            fix,
        ),
        (true, _) => rule.warning(found, "none now: its members are assigned in another way", fix),
    })
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{self, Critical, Ok, Unknown, Warning};
    use extoauth_systems::okta::Member;
    use serde_json::json;

    use super::*;
    use crate::checks::okta::testing::{GROUP, app, severities, view};
    use crate::observe::okta::Members;

    fn member(id: &str, status: &str) -> Member {
        Member { id: id.into(), status: Some(status.into()), login: Some(format!("{id}@example.com")), email: None }
    }

    fn with_members(people: Vec<Member>) -> OktaView {
        let mut view = view();
        view.groups = Seen::There(vec!["00gother".into()]);
        view.members.insert(GROUP.into(), Seen::There(Members { people, complete: true }));
        view
    }

    #[test]
    fn assignments() {
        let healthy = view();
        let mut nobody = view();
        nobody.assigned = Seen::There(Assigned { users: vec![], complete: true });
        let mut shut_out = view();
        if let Seen::There(assigned) = &mut shut_out.assigned {
            assigned.users.iter_mut().for_each(|user| user.active = false);
        }
        let mut everybody = nobody.clone();
        everybody.app = Seen::There(app(&[("/settings/implicitAssignment", json!(true))]));
        let covered = with_members(vec![member("00u1", "ACTIVE")]);
        let left_out = with_members(vec![member("00u1", "ACTIVE"), member("00u9", "ACTIVE")]);
        let suspended = with_members(vec![member("00u1", "ACTIVE"), member("00u9", "SUSPENDED")]);
        let mut many = left_out.clone();
        if let Seen::There(assigned) = &mut many.assigned {
            assigned.complete = false;
        }
        let mut deleted = left_out.clone();
        deleted.members.insert(GROUP.into(), Seen::Gone);
        let mut secret = left_out.clone();
        secret.members.insert(GROUP.into(), Seen::Unread(Unread::default()));
        let mut unrecorded = view();
        unrecorded.wanted[0].id = None;
        let table: [(&str, OktaView, Severity); 11] = [
            ("healthy", healthy, Ok),
            ("nobody", nobody, Critical),
            ("accounts shut", shut_out, Critical),
            ("everybody", everybody, Warning),
            ("covered otherwise", covered, Warning),
            ("left out", left_out, Critical),
            ("only suspended ones left out", suspended, Warning),
            ("too many to know", many, Warning),
            ("group deleted", deleted, Warning),
            ("members unread", secret, Unknown),
            ("nothing recorded", unrecorded, Unknown),
        ];
        for (name, view, expected) in table {
            assert_eq!(severities(&view, run), [expected], "{name}");
        }
    }

    #[test]
    fn what_is_not_read_is_unknown() {
        for change in [
            (|v: &mut OktaView| v.app = Seen::Gone) as fn(&mut OktaView),
            |v| v.groups = Seen::default(),
            |v| v.assigned = Seen::default(),
        ] {
            let mut view = view();
            change(&mut view);
            assert_eq!(severities(&view, run), [Unknown]);
        }
    }
}
