//! Whether the client app is there, can be used, and is the kind of client that dbt is.

use extoauth_core::finding::Finding;
use extoauth_systems::entra::{Application, GRAPH_APP_ID, GRAPH_OFFLINE_ACCESS, GRAPH_OPENID};

use super::{NOBODY, PERSONAL, PROVISION, REGISTRATIONS, SCOPE, SINGLE_TENANT};
use crate::checks::Rule;
use crate::observe::{EntraView, Observed, Seen};

pub const ID: &str = "client_app";

pub fn run(view: &EntraView, observed: &Observed) -> Vec<Finding> {
    let rule = Rule {
        check: ID,
        row: "R14",
        resource: "entra.client_app",
        expected:
            "the client app is there, active, for accounts of this tenant, with dbt's redirect URI as platform Web"
                .into(),
    };
    let app = match &view.client {
        Seen::There(app) => app,
        Seen::Gone => {
            return vec![rule.critical(
                "the app registration is deleted",
                format!("{NOBODY}: sign-in ends with AADSTS700016, the application was not found"),
                format!(
                    "restore it within thirty days in {REGISTRATIONS} > Deleted applications, then check its enterprise \
                     application, assignment and admin consent; or {PROVISION}, which makes another and tells dbt"
                ),
            )];
        }
        Seen::Unread(why) => return vec![rule.unknown(why)],
    };
    let name = format!("`{}` ({})", app.display_name, app.app_id);
    let place = format!("{REGISTRATIONS} > {} ({})", app.display_name, app.app_id);
    if app.disabled {
        return vec![rule.critical(
            format!("the app {name} is deactivated"),
            format!("{NOBODY}: Entra gives out no tokens to it"),
            format!("activate it in {place}"),
        )];
    }
    let audience = app.sign_in_audience.as_deref().unwrap_or_default();
    let set = format!("{PROVISION}, or set `signInAudience` to `{SINGLE_TENANT}` in {place} > Manifest");
    if audience == PERSONAL {
        return vec![rule.critical(
            format!("`signInAudience` of {name} is `{PERSONAL}`"),
            format!("{NOBODY}: sign-in ends with AADSTS9002331, the app takes personal Microsoft accounts only"),
            set,
        )];
    }
    let mut findings = Vec::new();
    if audience != SINGLE_TENANT {
        findings.push(rule.warning(
            format!("`signInAudience` of {name} is `{audience}`"),
            "people of other tenants could sign in to the app; this tenant's users are not affected",
            set,
        ));
    }
    findings.extend(observed.redirect_uri.as_deref().and_then(|uri| platform(&rule, app, uri, &place)));
    findings.extend(declared(&rule, view, app, &place));
    if findings.is_empty() {
        findings.push(rule.ok(format!("the app {name}, {SINGLE_TENANT}, with {}", told(&app.redirect_uris))));
    }
    findings
}

fn told(uris: &[String]) -> String {
    match uris {
        [] => "no redirect URI of the platform Web".to_owned(),
        uris => format!("the redirect URIs {} of the platform Web", uris.join(", ")),
    }
}

/// That the redirect URI stands under another platform. Whether sign-in fails is said by `redirect_uri`, which compares
/// both sides; this says why.
fn platform(rule: &Rule<'_>, app: &Application, uri: &str, place: &str) -> Option<Finding> {
    let has = |uris: &[String]| uris.iter().any(|one| one == uri);
    if has(&app.redirect_uris) {
        return None;
    }
    let platform = match (has(&app.spa_redirect_uris), has(&app.public_redirect_uris)) {
        (true, _) => "Single-page application",
        (_, true) => "Mobile and desktop applications",
        _ => return None,
    };
    Some(rule.warning(
        format!("{uri} is registered for the platform {platform}, and not for Web"),
        "dbt redeems codes with a secret, which Entra takes for the platform Web alone",
        format!("move the URI to the platform Web in {place} > Authentication, or {PROVISION}"),
    ))
}

/// That permissions are not declared. A grant is what counts at a login; the console's button consents to what is declared.
fn declared(rule: &Rule<'_>, view: &EntraView, app: &Application, place: &str) -> Option<Finding> {
    let has = |resource: &str, scope: &str| {
        let is = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        app.required_access.iter().any(|one| is(&one.resource_app_id, resource) && is(&one.scope_id, scope))
    };
    let mut missing: Vec<&str> = [("openid", GRAPH_OPENID), ("offline_access", GRAPH_OFFLINE_ACCESS)]
        .into_iter()
        .filter(|(_, id)| !has(GRAPH_APP_ID, id))
        .map(|(name, _)| name)
        .collect();
    let ours = view.resource.there().and_then(|resource| {
        let scope = resource.scopes.iter().find(|scope| scope.value == SCOPE)?;
        (!has(&resource.app_id, &scope.id)).then_some(SCOPE)
    });
    missing.extend(ours);
    if missing.is_empty() {
        return None;
    }
    let of_row =
        Rule { row: "R15", expected: "the client declares the permissions for which dbt asks".into(), ..*rule };
    Some(of_row.warning(
        format!("it does not declare {}", missing.join(", ")),
        "sign-in works by the consent that is there; whoever grants admin consent anew in the console would leave these out",
        format!("add the delegated permissions in {place} > API permissions, or {PROVISION}"),
    ))
}
