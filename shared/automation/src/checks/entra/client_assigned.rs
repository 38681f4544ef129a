//! Whether the groups that are to use the client are assigned to it.

use extoauth_core::finding::Finding;

use super::{ENTERPRISE_APPS, PROVISION, some};
use crate::checks::Rule;
use crate::observe::{EntraView, GroupView, Observed, Seen, Unread, name_of};

pub const ID: &str = "client_assigned";

pub fn run(view: &EntraView, _: &Observed) -> Vec<Finding> {
    let principal = match &view.client_principal {
        Seen::There(principal) => principal,
        // `principals` says so.
        Seen::Gone => return Vec::new(),
        Seen::Unread(why) => return vec![rule("entra.assignment", "the wanted groups").unknown(why)],
    };
    let place = format!("{ENTERPRISE_APPS} > {} > Users and groups", principal.display_name);
    view.groups.iter().map(|group| judge(view, group, principal.assignment_required, &place)).collect()
}

fn rule<'r>(address: &'r str, what: &str) -> Rule<'r> {
    let expected = format!("{what} assigned to the client app; members of nested groups do not count");
    Rule { check: ID, row: "R14", resource: address, expected }
}

fn judge(view: &EntraView, group: &GroupView, required: bool, place: &str) -> Finding {
    let address = format!("entra.assignment[{}]", group.name);
    let name = &group.name;
    let rule = rule(&address, &format!("the group `{name}` is"));
    let assigned = match view.assigned() {
        Seen::There(assigned) => assigned,
        Seen::Gone => Default::default(),
        Seen::Unread(why) => return rule.unknown(&why),
    };
    let fix = format!("assign the group `{name}` in {place}, or {PROVISION}");
    if group.id.there().is_some_and(|id| assigned.contains(id.as_str())) {
        return match group.active() {
            Seen::There(members) if members.is_empty() => rule.warning(
                format!("`{name}` is assigned, and has no member of its own with an active account"),
                "nobody can sign in by this group; members of groups within it do not count",
                format!("add the developers to the group `{name}` themselves"),
            ),
            Seen::There(members) => rule.ok(format!("`{name}` is assigned; members: {}", members.len())),
            Seen::Gone | Seen::Unread(_) => rule.ok(format!("`{name}` is assigned")),
        };
    }
    if !required {
        return rule.warning(
            format!("`{name}` is not assigned"),
            "sign-in works all the same, because the client does not require assignment",
            fix,
        );
    }
    let refused = "sign-in ends with AADSTS50105, the user is not assigned";
    if group.id.is_gone() {
        return rule.critical(
            format!("there is no group `{name}`, and none is assigned for it"),
            format!("whoever was to get in by it cannot: {refused}"),
            format!("make the group with its members again and assign it in {place}, or name another in a ticket"),
        );
    }
    let members = match group.active() {
        Seen::There(members) => members,
        _ if assigned.is_empty() => {
            return rule.critical(
                "nobody is assigned to the client app",
                format!("nobody can connect: {refused}"),
                fix,
            );
        }
        Seen::Unread(why) => return rule.unknown(&why),
        Seen::Gone => return rule.unknown(&Unread::because(format!("the members of `{name}` are not known"), fix)),
    };
    let (mut refused_people, mut unsure) = (Vec::new(), None);
    for member in &members {
        match view.covers(&member.id) {
            Seen::There(true) => {}
            Seen::There(false) | Seen::Gone => refused_people.push(name_of(member)),
            Seen::Unread(why) => unsure = Some(why),
        }
    }
    match (refused_people.as_slice(), unsure) {
        ([], Some(why)) => rule.unknown(&why),
        ([], None) if members.is_empty() => rule.warning(
            format!("`{name}` is not assigned, and has no active members"),
            "whoever joins it cannot sign in",
            fix,
        ),
        ([], None) => rule.warning(
            format!("`{name}` is not assigned; its members are, in other ways"),
            "whoever joins the group later cannot sign in",
            fix,
        ),
        (people, _) => rule.critical(
            format!("`{name}` is not assigned"),
            format!("{} cannot connect: {refused}", some(people)),
            fix,
        ),
    }
}
