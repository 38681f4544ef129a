//! Whether the resource-server app is there and can be used.

use extoauth_core::finding::Finding;

use super::{NOBODY, PERSONAL, PROVISION, REGISTRATIONS, SINGLE_TENANT};
use crate::checks::Rule;
use crate::observe::{EntraView, Observed, Seen};

pub const ID: &str = "server_app";

pub fn run(view: &EntraView, _: &Observed) -> Vec<Finding> {
    let rule = Rule {
        check: ID,
        row: "R11",
        resource: "entra.resource_app",
        expected: "the resource app is there, active, and for accounts of this tenant".into(),
    };
    let app = match &view.resource {
        Seen::There(app) => app,
        Seen::Gone => {
            return vec![rule.critical(
                "the app registration is deleted",
                format!("{NOBODY}: sign-in ends with AADSTS500011, the resource was not found"),
                format!(
                    "restore it within thirty days in {REGISTRATIONS} > Deleted applications, then check its enterprise \
                     application and admin consent; or {PROVISION}, which makes another and re-points everything"
                ),
            )];
        }
        Seen::Unread(why) => return vec![rule.unknown(why)],
    };
    let place = format!("{REGISTRATIONS} > {} ({})", app.display_name, app.app_id);
    if app.disabled {
        return vec![rule.critical(
            format!("the app `{}` ({}) is deactivated", app.display_name, app.app_id),
            format!("{NOBODY}: Entra gives out no tokens for it"),
            format!("activate it in {place}"),
        )];
    }
    let audience = app.sign_in_audience.as_deref().unwrap_or_default();
    if audience == SINGLE_TENANT {
        return vec![rule.ok(format!("the app `{}` ({}), {SINGLE_TENANT}", app.display_name, app.app_id))];
    }
    let effect = match audience {
        // What Entra then does with this tenant's users is not documented for a resource (UNCONFIRMED).
        PERSONAL => "the app is meant for personal Microsoft accounts: this tenant's users may be refused",
        _ => "other tenants could consent to the app; sign-in of this tenant's users is not affected",
    };
    vec![rule.warning(
        format!("`signInAudience` of `{}` ({}) is `{audience}`", app.display_name, app.app_id),
        effect,
        format!("{PROVISION}, or set `signInAudience` to `{SINGLE_TENANT}` in {place} > Manifest"),
    )]
}
