//! What Okta says. Texts: Okta's published list of OAuth errors, its API reference and its support articles; reasons such
//! as `no_matching_policy` are those of the System Log.

use extoauth_core::finding::Severity::{Critical, Info, Warning};
use extoauth_core::systems::Idp;

use super::rule::Certainty::{Exact, Likely};
use super::rule::{Rule, When};

const OKTA: Option<Idp> = Some(Idp::Okta);

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "explain_okta_not_assigned",
        idp: OKTA,
        when: When::Says(&[&["user is not assigned to the client application", "user_not_assigned"]]),
        certainty: Exact,
        severity: Critical,
        resource: "okta.app.group",
        row: "R02",
        expected: |v| format!("the app {} is assigned to the groups {}", v.client_id(), v.groups()),
        found: "Okta says that the user is not assigned to the app",
        effect: "This user gets no token. Everybody else who is in an assigned group does.",
        fix: |v| {
            format!(
                "Put the user into one of {} in {}. If the user is there, the assignment of the group is gone: {}",
                v.groups(),
                v.provider(),
                v.ticket()
            )
        },
    },
    Rule {
        id: "explain_okta_policy",
        idp: OKTA,
        when: When::Says(&[&["policy evaluation failed for this request", "no_matching_policy", "no_matching_rule"]]),
        certainty: Exact,
        severity: Critical,
        resource: "okta.server.policy",
        row: "R08",
        expected: |v| format!("an active access policy of {} is for the client {}", v.server(), v.client_id()),
        found: "Okta found no access policy, or no rule in it, that lets this client have a token",
        effect: "Nobody gets a token with this client.",
        fix: |v| {
            format!(
                "In {} open Security > API > {} > Access Policies: a policy for the client {}, active, with an active rule \
                 for the grant type authorization code. A new server has no policy at all. {}",
                v.provider(),
                v.server(),
                v.client_id(),
                v.ticket()
            )
        },
    },
    Rule {
        id: "explain_okta_rule",
        idp: OKTA,
        when: When::Says(&[&["policy evaluation failed for this request", "no_matching_rule"]]),
        certainty: Likely,
        severity: Critical,
        resource: "okta.server.policy.rule",
        row: "R09",
        expected: |_| "the first rule that fits allows the authorization code for everyone assigned".into(),
        found: "the policy may be there and its rule not: inactive, for other people, or for another grant type",
        effect: "Nobody whom the rule leaves out gets a token.",
        fix: |v| format!("Compare the rule's people, grant types and status. {}", v.ticket()),
    },
    Rule {
        id: "explain_okta_scopes_rejected",
        idp: OKTA,
        when: When::Says(&[&["all the requested scopes were rejected", "scope_denied"]]),
        certainty: Exact,
        severity: Critical,
        resource: "okta.server.policy.rule",
        row: "R09",
        expected: |v| format!("the rule allows {}, `openid` and `offline_access`", v.scope()),
        found: "the rule that applies allows none of the scopes for which dbt asks",
        effect: "Nobody to whom this rule applies gets a token.",
        fix: |v| {
            format!(
                "In the rule of {} allow any scope, or all three by name. A rule with a higher priority applies first. {}",
                v.server(),
                v.ticket()
            )
        },
    },
    Rule {
        id: "explain_okta_scope_missing",
        idp: OKTA,
        when: When::Says(&[&["one or more scopes are not configured for the authorization server resource"]]),
        certainty: Exact,
        severity: Critical,
        resource: "okta.server.scope",
        row: "R07",
        expected: |v| format!("{} has the scope {}", v.server(), v.scope()),
        found: "the authorization server that was asked does not know a scope for which dbt asked",
        effect: "Nobody gets a token.",
        fix: |v| format!("Add the scope {} to {}. {}", v.scope(), v.server(), v.ticket()),
    },
    Rule {
        id: "explain_okta_other_server",
        idp: OKTA,
        when: When::Says(&[&["one or more scopes are not configured for the authorization server resource"]]),
        certainty: Likely,
        severity: Critical,
        resource: "dbt.oauth_configuration",
        row: "R26",
        expected: |v| format!("dbt's URLs begin with {}", v.issuer_shown()),
        found: "dbt may ask another server: the org's own one, or `default`, has no such scope",
        effect: "Nobody gets a token.",
        fix: |v| format!("Compare authorize URL and token URL in {} of dbt. {}", v.configuration(), v.ticket()),
    },
    Rule {
        id: "explain_okta_secret",
        idp: OKTA,
        when: When::Says(&[&[
            "the client secret supplied for a confidential client is invalid",
            "app.oauth2.invalid_client_credentials",
        ]]),
        certainty: Exact,
        severity: Critical,
        resource: "dbt.oauth_configuration",
        row: "R26",
        expected: |v| format!("dbt holds the secret of the client {}", v.client_id()),
        found: "Okta does not know the client secret that was sent",
        effect: "No sign-in and no refresh works: every developer is out as soon as the present token ends.",
        fix: |v| {
            format!(
                "The right value is in {}. If somebody made another secret in Okta, the stored one must be active there. {}",
                v.secret(),
                v.ticket()
            )
        },
    },
    Rule {
        id: "explain_okta_client_id",
        idp: OKTA,
        when: When::Says(&[&["invalid value for 'client_id' parameter"]]),
        certainty: Exact,
        severity: Critical,
        resource: "okta.app",
        row: "R02",
        expected: |v| format!("dbt sends the client id {}, an active app of {}", v.client_id(), v.provider()),
        found: "this Okta org knows no active app of the client id that was sent",
        effect: "Nobody gets as far as signing in.",
        fix: |v| {
            format!(
                "Compare the client id in {} of dbt, and see whether the app is active. {}",
                v.configuration(),
                v.ticket()
            )
        },
    },
    Rule {
        id: "explain_okta_redirect_uri",
        idp: OKTA,
        when: When::Says(&[&["'redirect_uri' parameter must be a login redirect uri", "illegal_redirect_uri"]]),
        certainty: Exact,
        severity: Critical,
        resource: "okta.app",
        row: "R04",
        expected: |v| format!("the app {} has the sign-in redirect URI {}", v.client_id(), v.redirect_uri()),
        found: "dbt sent a redirect URI that the app does not have",
        effect: "Nobody gets as far as signing in.",
        fix: |v| {
            format!(
                "Compare, character by character, slash at the end included: the app's sign-in redirect URIs, and what dbt \
                 shows at the bottom of its integration form; we expect {}. dbt's host changes when an account moves off \
                 getdbt.com: then set it in the systems configuration. {}",
                v.redirect_uri(),
                v.ticket()
            )
        },
    },
    Rule {
        id: "explain_okta_redirect_changed",
        idp: OKTA,
        // UNCONFIRMED: the words are from memory.
        when: When::Says(&[&["'redirect_uri' does not match the redirection uri used in the authorization request"]]),
        certainty: Exact,
        severity: Critical,
        resource: "dbt.oauth_configuration",
        row: "R01",
        expected: |v| format!("dbt sends {} both times", v.redirect_uri()),
        found: "the redirect URI at the token endpoint is another one than at the sign-in",
        effect: "The sign-in ends with an error in dbt.",
        fix: |v| format!("Compare the redirect URI in {} with {}.", v.configuration(), v.redirect_uri()),
    },
    Rule {
        id: "explain_okta_refresh_token",
        idp: OKTA,
        when: When::Says(&[&["the refresh token is invalid or expired"]]),
        certainty: Exact,
        severity: Critical,
        resource: "okta.server.policy.rule",
        row: "R10",
        expected: |v| format!("the lifetimes that were agreed: {}", v.lifetimes()),
        found: "the refresh token is too old, was unused for too long, was revoked, or was replaced by rotation",
        effect: "This developer must sign in again; with rotation on, dbt Core users fail at every second login.",
        fix: |v| {
            format!(
                "The developer clicks \"Connect to Redshift\" again ({}). If it happens sooner than the lifetimes say, \
                 compare them in the rule, and see that the app's refresh tokens do not rotate (dbt Core ignores the new \
                 one). {}",
                v.dbt_page("settings/profile"),
                v.ticket()
            )
        },
    },
    Rule {
        id: "explain_okta_code",
        idp: OKTA,
        // UNCONFIRMED: the words are from memory.
        when: When::Says(&[&["the authorization code is invalid or has expired"]]),
        certainty: Exact,
        severity: Info,
        resource: "dbt.oauth_configuration",
        row: "R31",
        expected: |_| "the code is used once, at once".into(),
        found: "the sign-in took too long, or its page was loaded twice",
        effect: "This sign-in failed; nothing is broken yet.",
        fix: |v| format!("Sign in once more from {}, not from a stored page.", v.dbt_page("settings/profile")),
    },
    Rule {
        id: "explain_okta_grant_type",
        idp: OKTA,
        when: When::Says(&[&["the client is not authorized to use the provided grant type"]]),
        certainty: Exact,
        severity: Critical,
        resource: "okta.app",
        row: "R03",
        expected: |v| format!("the app {} has the grant types authorization code and refresh token", v.client_id()),
        found: "the app lacks the grant type that was used, mostly refresh token",
        effect: "Nobody stays signed in for longer than one access token lives.",
        fix: |v| format!("In {} tick Refresh Token in the app's general settings. {}", v.provider(), v.ticket()),
    },
    Rule {
        id: "explain_okta_dpop",
        idp: OKTA,
        when: When::Says(&[&["invalid_dpop_proof", "use_dpop_nonce", "the dpop proof jwt header is missing"]]),
        certainty: Exact,
        severity: Critical,
        resource: "okta.app",
        row: "R02",
        expected: |v| format!("the app {} does not require DPoP", v.client_id()),
        found: "the app requires DPoP, which dbt does not do",
        effect: "Nobody gets a token.",
        fix: |v| format!("Untick \"Require DPoP header in token requests\" in the app. {}", v.ticket()),
    },
    Rule {
        id: "explain_okta_server_gone",
        idp: OKTA,
        when: When::Says(&[&["e0000007"], &["authorizationserver", "/oauth2/", "well-known"]]),
        certainty: Exact,
        severity: Critical,
        resource: "okta.server",
        row: "R05",
        expected: |v| format!("{} is there and active: {}", v.server(), v.discovery()),
        found: "Okta does not know the authorization server that was asked",
        effect: "Nobody can sign in, and Identity Center cannot read the keys.",
        fix: |v| format!("Compare the URLs in {} of dbt with {}. {}", v.configuration(), v.issuer_shown(), v.ticket()),
    },
    Rule {
        id: "explain_okta_licence",
        idp: OKTA,
        when: When::Says(&[&["e0000015"]]),
        certainty: Exact,
        severity: Critical,
        resource: "idp",
        row: "R05",
        expected: |v| format!("{} has API Access Management", v.provider()),
        found: "the org has no licence for custom authorization servers",
        effect: "No token for Redshift can be made in this org.",
        fix: |_| "Have API Access Management enabled by Okta.".into(),
    },
    Rule {
        id: "explain_okta_rate_limit",
        idp: OKTA,
        when: When::Says(&[&["e0000047"]]),
        certainty: Exact,
        severity: Warning,
        resource: "idp",
        row: "R32",
        expected: |v| format!("{} answers within its rate limits", v.provider()),
        found: "Okta's rate limit is reached",
        effect: "Logins fail for up to a minute; each dbt thread asks for a token of its own.",
        fix: |_| "Wait a minute; lower the number of threads, or have the org's limit raised.".into(),
    },
    Rule {
        id: "explain_okta_not_signed_in",
        idp: OKTA,
        // The code is OpenID Connect's (Core 1.0, section 3.1.2.6).
        when: When::Says(&[&["login_required", "the client specified not to prompt, but the user is not logged in"]]),
        certainty: Exact,
        severity: Info,
        resource: "idp",
        row: "R31",
        expected: |_| "the developer is signed in".into(),
        found: "the developer has no session at Okta",
        effect: "This sign-in failed; nothing is broken.",
        fix: |v| format!("Sign in to {}, then click \"Connect to Redshift\" again.", v.provider()),
    },
    Rule {
        id: "explain_other_provider",
        idp: Some(Idp::Entra),
        when: When::Says(&[&[
            "user is not assigned to the client application",
            "policy evaluation failed for this request",
            "one or more scopes are not configured for the authorization server resource",
            "the client secret supplied for a confidential client is invalid",
            "'redirect_uri' parameter must be a login redirect uri",
        ]]),
        certainty: Exact,
        severity: Critical,
        resource: "dbt.oauth_configuration",
        row: "R26",
        expected: |v| format!("`{}` signs in at {}", v.name(), v.provider()),
        found: "the text is Okta's",
        effect: "The text is not of this integration, or dbt asks the wrong provider.",
        fix: |v| {
            format!(
                "Ask again with the integration that the developer used; else compare the URLs in {}.",
                v.configuration()
            )
        },
    },
];
