//! Whether the app is there, active, and set so that dbt can sign people in and refresh (rows R02 and R03).

use extoauth_core::finding::Finding;
use extoauth_systems::okta::App;

use super::{APP, APP_PLACE};
use crate::checks::Rule;
use crate::observe::{Observed, OktaView, Seen};

pub const ID: &str = "client_app";

const AGREED: &str = "an active web app with the grants authorization code and refresh token, the response type `code`, \
                      a client secret sent by Basic, without PKCE and DPoP";

fn rule(row: &'static str) -> Rule<'static> {
    Rule { check: ID, row, resource: APP, expected: AGREED.to_owned() }
}

pub fn run(view: &OktaView, _observed: &Observed) -> Vec<Finding> {
    let app = match &view.app {
        Seen::There(app) => app,
        Seen::Gone => {
            let effect = "nobody can sign in: Okta shows its own error page, `invalid_client`";
            let fix = "submit the request `provision` again: it makes the app anew and tells dbt its id and secret";
            return vec![rule("R02").critical("the app is not there", effect, fix)];
        }
        Seen::Unread(why) => return vec![rule("R02").unknown(why)],
    };
    let mut found = breaks(app);
    found.extend(differs(app));
    if found.is_empty() {
        let text = format!("`{}` ({}) is active, grants {}", app.label, app.id, app.grant_types.join(", "));
        found.push(rule("R02").ok(text));
    }
    found
}

/// What ends a login. Okta's error codes are from its catalogue of OAuth errors.
fn breaks(app: &App) -> Vec<Finding> {
    let place = |what: &str| format!("{APP_PLACE} > {what}");
    let lacks = |list: &[String], value: &str| !list.iter().any(|item| item == value);
    let given = |list: &[String]| if list.is_empty() { "none".to_owned() } else { list.join(", ") };
    let mut found = Vec::new();
    let mut add = |row, seen: String, effect: &str, fix: String| found.push(rule(row).critical(seen, effect, fix));
    if !app.is_active() {
        let effect = "nobody can sign in: Okta answers `invalid_client`";
        let fix = "activate it: Applications > Applications > the app > the menu beside its name > Activate";
        add("R02", format!("the app `{}` is {}", app.label, app.status), effect, fix.into());
    }
    if lacks(&app.grant_types, "authorization_code") {
        let effect = "nobody can sign in: Okta answers `unauthorized_client`";
        add("R02", grants(&given(&app.grant_types)), effect, place("Grant type: enable Authorization Code"));
    }
    if lacks(&app.grant_types, "refresh_token") {
        let effect = "dbt is given no refresh token: whoever signs in is thrown out when the access token ends";
        add("R03", grants(&given(&app.grant_types)), effect, place("Grant type: enable Refresh Token"));
    }
    if lacks(&app.response_types, "code") {
        let effect = "nobody can sign in: Okta answers `unsupported_response_type`";
        let fix =
            "set `settings.oauthClient.response_types` to `code` (Okta's API; the console sets it with the grant)";
        add("R02", format!("the response types are {}", given(&app.response_types)), effect, fix.into());
    }
    if let Some(method @ ("none" | "private_key_jwt")) = app.token_endpoint_auth_method.as_deref() {
        let effect = "nobody can sign in: dbt sends a client secret, and with this method Okta keeps and takes none";
        let fix = place("Client Credentials: choose Client secret; then submit `rotate_secret`: the old one is lost");
        add("R02", format!("the client authenticates with `{method}`"), effect, fix);
    }
    if app.pkce_required == Some(true) {
        let effect = "nobody can sign in: dbt sends no PKCE challenge, and Okta answers `invalid_request`";
        let fix = place("Client Credentials: clear Require PKCE as additional verification");
        add("R02", "PKCE is required".to_owned(), effect, fix);
    }
    if app.dpop_bound == Some(true) {
        let effect = "nobody can sign in: dbt sends no DPoP proof, and Okta answers `invalid_dpop_proof`";
        let fix = place("clear Require Demonstrating Proof of Possession (DPoP) header in token requests");
        add("R02", "tokens are bound to a DPoP key".to_owned(), effect, fix);
    }
    found
}

fn grants(given: &str) -> String {
    format!("the grant types are {given}")
}

/// What is not as agreed and lets people in all the same.
fn differs(app: &App) -> Vec<Finding> {
    let mut found = Vec::new();
    // Whether Okta takes a secret by Basic from a client that is set to another way of sending one: UNCONFIRMED.
    if let Some(method @ ("client_secret_post" | "client_secret_jwt")) = app.token_endpoint_auth_method.as_deref() {
        found.push(rule("R02").warning(
            format!("the client authenticates with `{method}`"),
            "dbt sends its secret by Basic; Okta may come to insist on the other way",
            "set `credentials.oauthClient.token_endpoint_auth_method` to `client_secret_basic`",
        ));
    }
    if let Some(kind) = app.application_type.as_deref().filter(|kind| *kind != "web") {
        found.push(rule("R02").warning(
            format!("the app is of the type `{kind}`"),
            "people can sign in; Okta's defaults for this type (PKCE, rotated refresh tokens) are not dbt's",
            "submit the request `provision` again: it makes it a web app",
        ));
    }
    if app.wildcard_redirect.as_deref() == Some("SUBDOMAIN") {
        found.push(rule("R04").warning(
            "redirect URIs may have wildcards",
            "whoever holds a host that fits can be sent people's authorization codes",
            format!("{APP_PLACE} > Sign-in redirect URIs: clear Allow wildcard * in sign-in URI redirect"),
        ));
    }
    if let Some(mode) = app.issuer_mode.as_deref().filter(|mode| *mode != "ORG_URL") {
        found.push(rule("R02").info(
            format!("the issuer mode is `{mode}`"),
            "none for dbt: it governs the ID token alone",
            format!("{APP_PLACE} > OpenID Connect ID Token > Issuer: Okta URL"),
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{Critical, Info, Ok, Unknown, Warning};
    use serde_json::json;

    use super::*;
    use crate::checks::okta::testing::{app, severities, view};
    use crate::observe::Unread;

    #[test]
    fn each_setting() {
        for (pointer, value, expected) in [
            ("/label", json!("other"), Ok),
            ("/status", json!("INACTIVE"), Critical),
            ("/settings/oauthClient/grant_types", json!(["refresh_token"]), Critical),
            ("/settings/oauthClient/grant_types", json!(["authorization_code"]), Critical),
            ("/settings/oauthClient/grant_types", json!(["refresh_token", "implicit", "authorization_code"]), Ok),
            ("/settings/oauthClient/response_types", json!([]), Critical),
            ("/credentials/oauthClient/token_endpoint_auth_method", json!("none"), Critical),
            ("/credentials/oauthClient/token_endpoint_auth_method", json!("private_key_jwt"), Critical),
            ("/credentials/oauthClient/token_endpoint_auth_method", json!("client_secret_post"), Warning),
            ("/credentials/oauthClient/token_endpoint_auth_method", json!("client_secret_jwt"), Warning),
            ("/credentials/oauthClient/pkce_required", json!(true), Critical),
            ("/settings/oauthClient/dpop_bound_access_tokens", json!(true), Critical),
            ("/settings/oauthClient/application_type", json!("native"), Warning),
            ("/settings/oauthClient/wildcard_redirect", json!("SUBDOMAIN"), Warning),
            ("/settings/oauthClient/issuer_mode", json!("DYNAMIC"), Info),
            ("/settings/oauthClient/consent_method", json!("REQUIRED"), Ok),
        ] {
            let mut view = view();
            view.app = Seen::There(app(&[(pointer, value.clone())]));
            assert_eq!(severities(&view, run), [expected], "{pointer} {value}");
        }
    }

    #[test]
    fn gone_and_unread() {
        let mut view = view();
        view.app = Seen::Gone;
        assert_eq!(severities(&view, run), [Critical]);
        view.app = Seen::Unread(Unread::default());
        assert_eq!(severities(&view, run), [Unknown]);
    }
}
