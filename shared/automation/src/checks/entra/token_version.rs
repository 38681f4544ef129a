//! Whether the access tokens have the version for which the trust was made: it decides their issuer and their audience.

use extoauth_core::finding::Finding;
use extoauth_systems::entra::TokenVersion;

use super::application_id_uri::accepted;
use super::{NOBODY, PROVISION, REGISTRATIONS};
use crate::checks::Rule;
use crate::observe::{EntraView, Observed, Seen, application_id_uri, pins_audience};

pub const ID: &str = "token_version";

pub fn run(view: &EntraView, observed: &Observed) -> Vec<Finding> {
    let rule = Rule {
        check: ID,
        row: "R11",
        resource: "entra.resource_app",
        expected:
            "access tokens of version 1: with a slash at the end of the issuer, and the Application ID URI as audience"
                .into(),
    };
    let app = match &view.resource {
        Seen::There(app) => app,
        Seen::Gone => return Vec::new(),
        Seen::Unread(why) => return vec![rule.unknown(why)],
    };
    let place = format!("{REGISTRATIONS} > {} ({}) > Manifest", app.display_name, app.app_id);
    if app.token_version == TokenVersion::V1 {
        let uri = application_id_uri(&app.app_id);
        if !pins_audience(app) {
            return vec![rule.ok(format!("version 1, audience `{uri}`"))];
        }
        let found = "version 1, with the optional claim `aud` pinned to the app id (`use_guid`)";
        let fix = format!(
            "remove the optional claim `aud` in {place}, or add `{}` to the audiences of the issuer in Redshift",
            app.app_id
        );
        return vec![match accepted(observed, &app.app_id) {
            Some(true) => rule.info(found, "Redshift accepts this audience too", fix),
            // Where Redshift takes neither, its own list is what is wrong.
            Some(false) if accepted(observed, &uri) == Some(true) => rule.critical(
                found,
                format!("{NOBODY}: tokens carry `aud` = `{}`, and Redshift accepts `{uri}`", app.app_id),
                fix,
            ),
            _ => rule.warning(found, format!("tokens carry `aud` = `{}` instead of `{uri}`", app.app_id), fix),
        }];
    }
    let fix = format!("{PROVISION}, or set `requestedAccessTokenVersion` of `api` to 1 in {place}");
    let issuer = match &observed.idp.issuer {
        Seen::There(issuer) => issuer,
        Seen::Unread(why) => return vec![rule.unknown(why)],
        Seen::Gone => return Vec::new(),
    };
    let trusted = match &observed.center.issuer {
        Seen::There(trusted) => trusted,
        Seen::Unread(why) => return vec![rule.unknown(why)],
        Seen::Gone => {
            let effect = format!("tokens have the issuer `{issuer}` and the audience `{}`", app.app_id);
            return vec![rule.warning("version 2", effect, fix)];
        }
    };
    if trusted.url != *issuer {
        return vec![rule.critical(
            format!("version 2: tokens have the issuer `{issuer}` and the audience `{}`", app.app_id),
            format!("{NOBODY}: Identity Center trusts `{}`, and knows no other issuer", trusted.url),
            fix,
        )];
    }
    vec![match accepted(observed, &app.app_id) {
        Some(true) => rule.info("version 2, and issuer and audience fit it", "sign-in is not affected", fix),
        Some(false) => rule.critical(
            format!("version 2: tokens have the audience `{}`", app.app_id),
            format!("{NOBODY}: Redshift does not accept this audience"),
            fix,
        ),
        None => rule.warning("version 2, and the issuer fits it", "the audience may not", fix),
    }]
}
