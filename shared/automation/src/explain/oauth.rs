//! Error codes that every OAuth server has (RFC 6749, sections 4.1.2.1 and 5.2), where no description came with them.

use extoauth_core::finding::Severity::Critical;

use super::rule::Certainty::Possible;
use super::rule::{Rule, When};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "explain_oauth_invalid_client",
        idp: None,
        when: When::Says(&[&["invalid_client"]]),
        certainty: Possible,
        severity: Critical,
        resource: "dbt.oauth_configuration",
        row: "R26",
        expected: |v| format!("dbt holds the client id {} and its present secret", v.client_id()),
        found: "the identity provider does not accept the client's id or secret",
        effect: "No sign-in and no refresh works.",
        fix: |v| {
            format!(
                "The right secret is in {}; see in {} whether it is still there and has not ended. {}",
                v.secret(),
                v.provider(),
                v.ticket()
            )
        },
    },
    Rule {
        id: "explain_oauth_invalid_scope",
        idp: None,
        when: When::Says(&[&["invalid_scope"]]),
        certainty: Possible,
        severity: Critical,
        resource: "scope",
        row: "R07",
        expected: |v| format!("{} has the scope {}, enabled", v.server(), v.scope()),
        found: "the identity provider does not know a scope for which dbt asked",
        effect: "Nobody gets a token.",
        fix: |v| {
            format!(
                "Look for the scope {} in {}, and whether dbt's URLs lead to it ({}). {}",
                v.scope(),
                v.server(),
                v.configuration(),
                v.ticket()
            )
        },
    },
    Rule {
        id: "explain_oauth_access_denied",
        idp: None,
        when: When::Says(&[&["access_denied"]]),
        certainty: Possible,
        severity: Critical,
        resource: "assignment",
        row: "R02",
        expected: |v| format!("the developer is in one of the groups {}", v.groups()),
        found: "the identity provider lets this user not have a token for this client",
        effect: "At least this user gets no token.",
        fix: |v| {
            format!(
                "First the user's groups in {}, then policy or consent for the client {}. The provider's own sign-in log \
                 has the reason.",
                v.provider(),
                v.client_id()
            )
        },
    },
    Rule {
        id: "explain_oauth_policy_or_consent",
        idp: None,
        when: When::Says(&[&["access_denied", "consent_required"]]),
        certainty: Possible,
        severity: Critical,
        resource: "consent",
        row: "R16",
        expected: |v| format!("the client {} may have {} for everybody assigned", v.client_id(), v.scope()),
        found: "access policy (Okta) or consent (Entra) may be missing",
        effect: "Nobody gets a token with this client.",
        fix: |v| v.ticket(),
    },
    Rule {
        id: "explain_oauth_invalid_grant",
        idp: None,
        when: When::Says(&[&["invalid_grant"]]),
        certainty: Possible,
        severity: Critical,
        resource: "lifetimes",
        row: "R31",
        expected: |v| format!("a refresh token within its life ({})", v.lifetimes()),
        found: "code or refresh token are over, used or revoked",
        effect: "This developer must sign in again.",
        fix: |v| format!("Click \"Connect to Redshift\" again: {}.", v.dbt_page("settings/profile")),
    },
    Rule {
        id: "explain_oauth_unauthorized_client",
        idp: None,
        when: When::Says(&[&["unauthorized_client"]]),
        certainty: Possible,
        severity: Critical,
        resource: "client",
        row: "R03",
        expected: |v| format!("the client {} exists, is active, and may use code and refresh token", v.client_id()),
        found: "the client may not use this kind of grant, or is not known there",
        effect: "Nobody gets a token with this client.",
        fix: |v| format!("Look for the client in {}. {}", v.provider(), v.ticket()),
    },
    Rule {
        id: "explain_oauth_redirect_uri",
        idp: None,
        // UNCONFIRMED: what dbt and proxies make of a provider's page; each provider's own words have rules of their own.
        when: When::Says(&[
            &["redirect_uri", "redirect uri", "reply url"],
            &["mismatch", "does not match", "not match", "not registered", "invalid"],
        ]),
        certainty: Possible,
        severity: Critical,
        resource: "client",
        row: "R04",
        expected: |v| format!("the client {} has the redirect URI {}", v.client_id(), v.redirect_uri()),
        found: "the redirect URI is not the same on both sides",
        effect: "Nobody gets as far as signing in.",
        fix: |v| format!("Compare both sides with {}, character by character. {}", v.redirect_uri(), v.ticket()),
    },
];
