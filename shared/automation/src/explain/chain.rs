//! The links in the order in which a login passes them, each with a test that needs nobody's token.

use extoauth_core::finding::{Finding, Severity};

use super::values::Values;

/// `dbt debug` says that nothing is wrong.
pub(super) fn all_is_well(values: &Values) -> Finding {
    Finding {
        check: "explain_no_error".into(),
        severity: Severity::Ok,
        resource: values.resource("dbt.environment_connection"),
        expected: "`dbt debug` passes".into(),
        found: "the text says that all checks passed".into(),
        effect: "This login works.".into(),
        fix: "Nothing. If a later one fails, send that one's text.".into(),
        row: "R32".into(),
    }
}

/// Where to look when no message tells.
pub(super) fn links(values: &Values) -> Vec<Finding> {
    let (claim, attribute) = values.mapping();
    let link = |resource: &str, row: &str, expected: String, fix: String| Finding {
        check: "explain_next_link".into(),
        severity: Severity::Unknown,
        resource: values.resource(resource),
        expected,
        found: "the text does not say".into(),
        effect: "A login that does not pass this link fails, or fails at a later one without naming it.".into(),
        fix,
        row: row.into(),
    };
    vec![
        link(
            "dbt.environment_connection",
            "R29",
            format!("the environments {} use {}", values.environments(), values.connection()),
            format!(
                "In dbt open each environment's settings: the connection named there must be ours, and the developer's \
                 authentication method External OAuth ({}).",
                values.dbt_page("settings/profile")
            ),
        ),
        link(
            "dbt.connection",
            "R28",
            format!("{} uses {} and reaches `{}`", values.connection(), values.configuration(), values.host()),
            "In dbt open the connection: OAuth method External OAuth, our configuration selected, host and database as \
             expected. A connection that was saved without it asks for a user name and a password."
                .into(),
        ),
        link(
            "client",
            "R04",
            format!("the client {} has the redirect URI {}", values.client_id(), values.redirect_uri()),
            "Click \"Connect to Redshift\": the identity provider's own error page, before anybody signs in, means client \
             id or redirect URI. Compare the two strings character by character."
                .into(),
        ),
        link(
            "assignment",
            "R14",
            format!("the developer is in one of the groups {}", values.groups()),
            "Sign in: an error right after the password names the assignment. Only direct members count at Entra; nested \
             groups do not."
                .into(),
        ),
        link(
            "consent",
            "R08",
            format!("the client {} may ask {} for {}", values.client_id(), values.server(), values.scope()),
            format!("An error after the sign-in that names policy, consent or scope is this one. {}", values.ticket()),
        ),
        link(
            "secret",
            "R26",
            "dbt holds the client secret that the identity provider knows".into(),
            format!(
                "An error after the browser came back to dbt is the exchange of the code: the client secret, or its end. \
                 The right value is in {}.",
                values.secret()
            ),
        ),
        link(
            "identity_center.issuer",
            "R22",
            format!("the issuer's URL is {}, byte for byte", values.issuer_shown()),
            format!("Read {} and compare `issuer` with the URL of {}.", values.discovery(), values.token_issuer()),
        ),
        link(
            "redshift.issuer_entry",
            "R25",
            format!("{} takes tokens of that issuer for {}", values.application(), values.audience()),
            "In the Redshift console open the application's client connections and compare the audience. Redshift says one \
             sentence for all of these: \"Token credentials expired or invalid\"."
                .into(),
        ),
        link(
            "identity_center",
            "R21",
            format!("the claim `{claim}` equals the `{attribute}` of exactly one user"),
            format!(
                "`aws identitystore get-user-id` with the developer's `{attribute}` must give one user; nothing found, or \
                 two users, fails in the same way."
            ),
        ),
        link(
            "redshift",
            "",
            "the warehouse is registered with Identity Center and the developer's role may see something".into(),
            "In the warehouse: `SELECT * FROM svv_identity_providers` shows the provider; the SQL of the last request's \
             hand-off makes role and grants."
                .into(),
        ),
        link(
            "lifetimes",
            "R32",
            format!("the session is younger than the token ({})", values.lifetimes()),
            "Start a new Studio session and run `dbt debug` again: dbt does not renew the token within a session.".into(),
        ),
    ]
}
