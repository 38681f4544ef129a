//! Whether the resource app offers the scope for which dbt asks.

use extoauth_core::finding::Finding;

use super::{NOBODY, PROVISION, REGISTRATIONS, SCOPE};
use crate::checks::Rule;
use crate::observe::{EntraView, Observed, Seen};

pub const ID: &str = "scope";

pub fn run(view: &EntraView, _: &Observed) -> Vec<Finding> {
    let rule = Rule {
        check: ID,
        row: "R13",
        resource: "entra.resource_app",
        expected: format!("the scope `{SCOPE}` is there, enabled, for admins and users"),
    };
    let app = match &view.resource {
        Seen::There(app) => app,
        Seen::Gone => return Vec::new(),
        Seen::Unread(why) => return vec![rule.unknown(why)],
    };
    let place = format!("{REGISTRATIONS} > {} ({}) > Expose an API", app.display_name, app.app_id);
    let Some(scope) = app.scopes.iter().find(|scope| scope.value == SCOPE) else {
        let others: Vec<String> = app.scopes.iter().map(|scope| scope.value.clone()).collect();
        let found = match others.as_slice() {
            [] => "the app has no scope".to_owned(),
            others => format!("the app has no such scope, but {}", super::some(others)),
        };
        return vec![rule.critical(
            found,
            format!("{NOBODY}: sign-in ends with AADSTS650053, the scope does not exist on the resource"),
            format!("{PROVISION}, or add a scope of exactly this name in {place}"),
        )];
    };
    if !scope.enabled {
        return vec![rule.critical(
            format!("the scope `{SCOPE}` is disabled"),
            format!("{NOBODY}: sign-in ends with AADSTS650053, the scope does not exist on the resource"),
            format!("set its state to Enabled in {place}, or {PROVISION}"),
        )];
    }
    if !scope.for_users {
        return vec![rule.warning(
            format!("only admins can consent to `{SCOPE}`"),
            "sign-in works as long as there is admin consent",
            format!("set \"Who can consent?\" to Admins and users in {place}, or {PROVISION}"),
        )];
    }
    vec![rule.ok(format!("the scope `{SCOPE}` is enabled, for admins and users"))]
}
