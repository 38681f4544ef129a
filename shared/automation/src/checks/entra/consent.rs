//! Whether anybody is stopped by a consent page: for our scope, and for Microsoft Graph's scopes of a sign-in.

use std::collections::BTreeSet;

use extoauth_core::finding::Finding;
use extoauth_systems::entra::{Grant, Member};

use super::{ENTERPRISE_APPS, PROVISION, SCOPE, some};
use crate::checks::Rule;
use crate::observe::{EntraView, Observed, Seen, name_of};

pub const ID: &str = "consent";

/// The scopes of a sign-in for which dbt asks; without the second there is no refresh token.
const SIGN_IN: [&str; 2] = ["openid", "offline_access"];

/// What dbt asks for, by the service principal to which it belongs.
struct Wanted<'v> {
    principal: &'v str,
    scopes: BTreeSet<&'static str>,
}

pub fn run(view: &EntraView, _: &Observed) -> Vec<Finding> {
    let rule = Rule {
        check: ID,
        row: "R16",
        resource: "entra.consent",
        expected: format!("an administrator has consented to {SCOPE}, {} for everybody", SIGN_IN.join(", ")),
    };
    let (client, resource) = match (&view.client_principal, &view.resource_principal) {
        (Seen::There(client), Seen::There(resource)) => (client, resource),
        (Seen::Unread(why), _) | (_, Seen::Unread(why)) => return vec![rule.unknown(why)],
        // `principals` says so.
        (Seen::Gone, _) | (_, Seen::Gone) => return Vec::new(),
    };
    let empty = Vec::new();
    let grants = match &view.grants {
        Seen::There(grants) => grants,
        Seen::Gone => &empty,
        Seen::Unread(why) => return vec![rule.unknown(why)],
    };
    let pre_authorized = match pre_authorized(view, &client.app_id) {
        Seen::There(pre_authorized) => pre_authorized,
        Seen::Gone => false,
        Seen::Unread(why) => return vec![rule.unknown(&why)],
    };
    let mut wanted = Vec::new();
    if !pre_authorized {
        wanted.push(Wanted { principal: &resource.id, scopes: [SCOPE].into() });
    }
    match &view.graph_principal {
        Seen::There(graph) => wanted.push(Wanted { principal: &graph.id, scopes: SIGN_IN.into() }),
        // Then nobody can consent to its scopes, and nobody is asked.
        Seen::Gone => {}
        Seen::Unread(why) => return vec![rule.unknown(why)],
    }
    let missing = missing(&wanted, grants, None);
    if missing.is_empty() {
        let how = if pre_authorized {
            "the client is authorized for our scope in the resource app"
        } else {
            "consent for everybody"
        };
        return vec![rule.ok(format!("{how}; nobody is asked"))];
    }
    let found = format!("no consent for everybody to {}", missing.iter().copied().collect::<Vec<_>>().join(", "));
    let fix =
        format!("grant admin consent in {ENTERPRISE_APPS} > {} > Permissions, or {PROVISION}", client.display_name);
    let stop = match client.assignment_required {
        true => {
            "sign-in ends with AADSTS90094 or AADSTS65001: only an administrator may consent for an app that requires assignment"
        }
        false => "a consent page stops them, and may not let them consent where the tenant forbids it",
    };
    let known = people(view);
    let asked: Vec<String> = known
        .iter()
        .filter(|one| !self::missing(&wanted, grants, Some(&one.id)).is_empty())
        .map(|one| name_of(one))
        .collect();
    let own = grants.iter().any(|grant| !grant.all_principals);
    vec![match (known.is_empty(), asked.as_slice()) {
        (false, []) => rule.warning(
            format!("{found}; whoever uses it now has consented for themselves"),
            "whoever is new is stopped by a consent page",
            fix,
        ),
        (true, _) if own && !all_read(view) => match view.groups.iter().find_map(|group| group.members.unread()) {
            Some(why) => rule.unknown(why),
            None => rule.critical(found, format!("nobody can connect: {stop}"), fix),
        },
        (true, _) => rule.critical(found, format!("nobody can connect: {stop}"), fix),
        (false, asked) => rule.critical(found, format!("{} cannot connect: {stop}", some(asked)), fix),
    }]
}

/// Whether the resource app itself spares the client consent to our scope.
fn pre_authorized(view: &EntraView, client: &str) -> Seen<bool> {
    view.resource.as_ref().map(|app| {
        let Some(scope) = app.scopes.iter().find(|scope| scope.value == SCOPE) else { return false };
        let mut entries = app.pre_authorized.iter().filter(|entry| entry.app_id.eq_ignore_ascii_case(client));
        entries.any(|entry| entry.scope_ids.iter().any(|id| id.eq_ignore_ascii_case(&scope.id)))
    })
}

/// What of it nobody has consented to: for everybody, or for this user.
fn missing(wanted: &[Wanted<'_>], grants: &[Grant], user: Option<&str>) -> BTreeSet<&'static str> {
    let counts = |grant: &&Grant| grant.all_principals || (user.is_some() && grant.principal_id.as_deref() == user);
    let each = wanted.iter().flat_map(|one| {
        let of = grants.iter().filter(counts).filter(|grant| grant.resource_id.eq_ignore_ascii_case(one.principal));
        let has: BTreeSet<&str> = of.flat_map(|grant| grant.scopes.iter().map(String::as_str)).collect();
        one.scopes.iter().copied().filter(move |scope| !has.contains(scope)).collect::<Vec<_>>()
    });
    each.collect()
}

fn all_read(view: &EntraView) -> bool {
    view.groups.iter().all(|group| group.members.unread().is_none())
}

/// The people of the wanted groups with an active account.
fn people(view: &EntraView) -> Vec<&Member> {
    let mut known = BTreeSet::new();
    let all = view.groups.iter().filter_map(|group| group.members.there()).flatten();
    all.filter(|member| member.enabled != Some(false) && known.insert(member.id.as_str())).collect()
}
