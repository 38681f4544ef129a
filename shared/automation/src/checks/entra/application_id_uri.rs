//! Whether the Application ID URI by which dbt asks for tokens is one of the resource app's. Version 1 tokens carry it as
//! their audience, exactly as dbt has written it.

use extoauth_core::finding::Finding;
use extoauth_systems::entra::{Application, TokenVersion};

use super::{NOBODY, PROVISION, REGISTRATIONS, SCOPE};
use crate::checks::Rule;
use crate::observe::{EntraView, Observed, Seen, application_id_uri, pins_audience};

pub const ID: &str = "application_id_uri";

pub fn run(view: &EntraView, observed: &Observed) -> Vec<Finding> {
    let mut rule = Rule {
        check: ID,
        row: "R12",
        resource: "entra.application_id_uri",
        expected: "the resource app has the Application ID URI that dbt asks for".into(),
    };
    let app = match &view.resource {
        Seen::There(app) => app,
        Seen::Gone => return Vec::new(),
        Seen::Unread(why) => return vec![rule.unknown(why)],
    };
    let own = application_id_uri(&app.app_id);
    rule.expected = format!("the resource app has the Application ID URI `{own}`, and dbt asks for it");
    let asked = match &observed.dbt.configuration {
        Seen::There(configuration) => configuration.application_id_uri.as_deref().unwrap_or_default(),
        Seen::Unread(why) => return vec![rule.unknown(why)],
        // That dbt has no configuration is said elsewhere; ours would ask for this.
        Seen::Gone => own.as_str(),
    };
    let place = format!("{REGISTRATIONS} > {} ({}) > Expose an API", app.display_name, app.app_id);
    let of_dbt = Rule { row: "R26", resource: "dbt.oauth_configuration", expected: rule.expected.clone(), ..rule };
    if !is_known(app, asked) {
        let found = match app.identifier_uris.as_slice() {
            [] => "the app has no Application ID URI".to_owned(),
            uris => format!("the app has {}", uris.join(", ")),
        };
        let effect = format!("{NOBODY}: dbt asks for `{asked}/{SCOPE}`, and sign-in ends with AADSTS500011");
        if asked == own {
            let fix = format!("{PROVISION}, or set the Application ID URI to `{own}` in {place}");
            return vec![rule.critical(found, effect, fix)];
        }
        return vec![of_dbt.critical(
            format!("dbt has the Application ID URI `{asked}`; {found}"),
            effect,
            format!("set the Application ID URI of the OAuth configuration in dbt to `{own}`, or {PROVISION}"),
        )];
    }
    if asked == own {
        return vec![rule.ok(format!("the app has `{own}`, and dbt asks for it"))];
    }
    let set = format!("set the Application ID URI of the OAuth configuration in dbt to `{own}`, or {PROVISION}");
    let found = format!("dbt asks for the app by `{asked}`");
    if app.token_version == TokenVersion::V2 || pins_audience(app) {
        return vec![of_dbt.warning(
            found,
            "it names the app as well; the audience of tokens does not depend on it",
            set,
        )];
    }
    vec![match accepted(observed, asked) {
        Some(true) => of_dbt.warning(found, "it names the app as well, and Redshift accepts it as audience", set),
        Some(false) => of_dbt.critical(
            format!("{found}, which Redshift does not accept as audience"),
            format!("{NOBODY}: tokens carry `aud` = `{asked}`, and Identity Center refuses them"),
            set,
        ),
        None => of_dbt.warning(found, format!("tokens carry `aud` = `{asked}`, which Redshift may not accept"), set),
    }]
}

/// Whether the app is found by this name: its client id, or one of its URIs with or without a slash at the end (Microsoft
/// identity platform, optional claims reference).
fn is_known(app: &Application, name: &str) -> bool {
    let bare = name.trim_end_matches('/');
    let same = |known: &str| known.trim_end_matches('/').eq_ignore_ascii_case(bare);
    !bare.is_empty() && (name.eq_ignore_ascii_case(&app.app_id) || app.identifier_uris.iter().any(|uri| same(uri)))
}

/// Whether Redshift's application accepts an audience from our issuer; `None`: it was not read, or there is no such issuer.
pub(super) fn accepted(observed: &Observed, audience: &str) -> Option<bool> {
    let arn = observed.center.issuer.there().map(|issuer| issuer.arn.as_str())?;
    let application = observed.warehouse.application.there()?;
    let entry = application.issuers.iter().find(|entry| entry.issuer_arn == arn)?;
    Some(entry.audiences.contains(audience))
}
