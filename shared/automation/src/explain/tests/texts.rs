use extoauth_core::finding::Severity;
use extoauth_core::systems::Idp::{self, Entra, Okta};

use super::super::{Cause, Certainty};
use super::explained;

/// Provider, text, and resource, row and a value of the first cause.
const TEXTS: &[(Idp, &str, &str, &str, &str)] = &[
    // Okta, in the forms in which it is met.
    (
        Okta,
        "error=access_denied&error_description=User+is+not+assigned+to+the+client+application.",
        "okta.app.group[data-engineers]",
        "R02",
        "`data-engineers`",
    ),
    (Okta, "outcome.reason: user_not_assigned", "okta.app.group[data-engineers]", "R02", "0oaAPP"),
    (
        Okta,
        r#"{"error":"access_denied","error_description":"Policy evaluation failed for this request, please check the policy configurations."}"#,
        "okta.server.policy",
        "R08",
        "ausSERVER",
    ),
    (Okta, "app.oauth2.as.authorize FAILURE no_matching_policy", "okta.server.policy", "R08", "0oaAPP"),
    (
        Okta,
        "Policy evaluation succeeded, but all the requested scopes were rejected.",
        "okta.server.policy.rule",
        "R09",
        "offline_access",
    ),
    (
        Okta,
        "invalid_scope: One or more scopes are not configured for the authorization\n  server resource.",
        "okta.server.scope[session:role-any]",
        "R07",
        "session:role-any",
    ),
    (
        Okta,
        r#"{"error":"invalid_client","error_description":"The client secret supplied for a confidential client is invalid."}"#,
        "dbt.oauth_configuration",
        "R26",
        "arn:secret",
    ),
    (Okta, "Invalid value for 'client_id' parameter.", "okta.app", "R02", "0oaAPP"),
    (Okta, "Invalid value for \\u0027client_id\\u0027 parameter.", "okta.app", "R02", "`777`"),
    (
        Okta,
        "400 Bad Request\nThe \u{2018}redirect_uri\u{2019} parameter must be a Login redirect URI in the client app settings.",
        "okta.app",
        "R04",
        "https://ab123.us1.dbt.com/complete/okta",
    ),
    (Okta, "illegal_redirect_uri", "okta.app", "R04", "complete/okta"),
    (Okta, "invalid_grant: The refresh token is invalid or expired.", "okta.server.policy.rule", "R10", "90 days"),
    (Okta, "The authorization code is invalid or has expired.", "dbt.oauth_configuration", "R31", "settings/profile"),
    (
        Okta,
        "unauthorized_client The client is not authorized to use the provided grant type. Configured grant types: [authorization_code].",
        "okta.app",
        "R03",
        "0oaAPP",
    ),
    (Okta, r#"{"error":"invalid_dpop_proof"}"#, "okta.app", "R02", "DPoP"),
    (
        Okta,
        r#"{"errorCode":"E0000007","errorSummary":"Not found: Resource not found: aus1 (AuthorizationServer)"}"#,
        "okta.server",
        "R05",
        "https://acme.okta.com/oauth2/ausSERVER/.well-known/openid-configuration",
    ),
    (Okta, "E0000015 You do not have permission to access the feature", "okta/acme", "R05", "acme.okta.com"),
    (Okta, "HTTP 429 E0000047", "okta/acme", "R32", "okta"),
    (Okta, "error=login_required", "okta/acme", "R31", "acme"),
    // Bare words.
    (Okta, "invalid_scope", "okta.server.scope[session:role-any]", "R07", "ausSERVER"),
    (Okta, "Error: invalid_client", "dbt.oauth_configuration", "R26", "0oaAPP"),
    (Okta, "error=access_denied", "okta.app.group[data-engineers]", "R02", "data-engineers"),
    (Entra, "error=access_denied", "entra.assignment[data-engineers]", "R02", "client-app-id"),
    (Entra, "invalid_grant", "entra.client_app", "R31", "settings/profile"),
    (Okta, "The redirect_uri does not match", "okta.app", "R04", "complete/okta"),
    // Entra, by number.
    (
        Entra,
        "AADSTS50011: The redirect URI 'https://cloud.getdbt.com/complete/entra' specified in the request does not match the redirect URIs configured for the application 'x'.",
        "entra.client_app",
        "R14",
        "https://ab123.us1.dbt.com/complete/entra",
    ),
    (Entra, "AADSTS500113: No reply address is registered for the application.", "entra.client_app", "R14", "Web"),
    (
        Entra,
        "AADSTS50105: Your administrator has configured the application to block users",
        "entra.assignment[data-engineers]",
        "R14",
        "`data-engineers`",
    ),
    (
        Entra,
        "AADSTS65001: The user or administrator has not consented to use the application",
        "entra.consent",
        "R16",
        "client-app-id",
    ),
    (Entra, "AADSTS90094: admin consent is required", "entra.consent", "R16", "dbt-redshift"),
    (Entra, "AADSTS65004: User declined to consent", "entra.consent", "R31", "accept"),
    (
        Entra,
        r#"{"error":"invalid_client","error_codes":[7000215],"error_uri":"https://login.microsoftonline.com/error?code=7000215"}"#,
        "dbt.oauth_configuration",
        "R18",
        "arn:secret",
    ),
    (
        Entra,
        "AADSTS7000222: The provided client secret keys are expired.",
        "entra.client_secret",
        "R20",
        "analytics-dev",
    ),
    (Entra, "AADSTS700016: Application was not found in the directory", "entra.client_app", "R14", "client-app-id"),
    (
        Entra,
        "invalid_resource AADSTS500011: The resource principal named api://x was not found in the tenant",
        "entra.resource_principal",
        "R11",
        "api://resource-app-id",
    ),
    (
        Entra,
        "AADSTS650053: The application asked for scope that doesn't exist",
        "entra.resource_app",
        "R13",
        "resource-app-id",
    ),
    (Entra, "AADSTS70011: invalid scope", "entra.resource_app", "R13", "dbt-redshift"),
    (Entra, "AADSTS650057: Invalid resource.", "entra.client_app", "R15", "dbt-redshift"),
    (Entra, "AADSTS50057: The user account is disabled.", "entra/contoso", "R31", "enable"),
    (Entra, "AADSTS50020: User account does not exist in tenant", "entra/contoso", "R21", "contoso"),
    (
        Entra,
        "AADSTS700082: The refresh token has expired due to inactivity.",
        "entra.client_app",
        "R31",
        "settings/profile",
    ),
    (Entra, "AADSTS50076", "entra/contoso", "R31", "Connect to Redshift"),
    (
        Entra,
        "AADSTS53003: Access has been blocked by Conditional Access policies.",
        "entra/contoso",
        "R31",
        "client-app-id",
    ),
    (Entra, "AADSTS90002: Tenant not found", "dbt.oauth_configuration", "R19", "11111111-2222"),
    (Entra, "AADSTS7000112: Application is disabled.", "entra.client_principal", "R14", "client-app-id"),
    (Entra, "AADSTS54005", "entra.client_app", "R31", "once more"),
    (Entra, "AADSTS399999: new trouble", "entra/contoso", "", "error?code=399999"),
    // Somebody else's.
    (Okta, "AADSTS50011", "dbt.oauth_configuration", "R26", "acme.okta.com"),
    (Entra, "User is not assigned to the client application.", "dbt.oauth_configuration", "R26", "contoso"),
    // Redshift, Identity Center.
    (Okta, "FATAL: Token credentials expired or invalid", "okta.server.policy.rule", "R32", "60 minutes"),
    (
        Okta,
        "Database Error\n  {'S': 'FATAL', 'C': '28000', 'M': 'no PostgreSQL user name specified in startup packet'}",
        "dbt.connection",
        "R28",
        "`888`",
    ),
    (Okta, "password authentication failed for user \"x\"", "dbt.environment_connection", "R30", "70001/90001"),
    (Okta, "database \"prod\" does not exist", "dbt.connection", "R27", "`dev`"),
    (Okta, "permission denied for schema analytics", "redshift/main", "", "data-engineers"),
    (Okta, "Failed to obtain AWS IdC Info", "redshift/main", "R24", "arn:aws:redshift:app"),
    (Okta, "could not translate host name", "dbt.connection", "R27", "wg.example.com"),
    (Okta, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "dbt.connection", "R27", "wg.example.com"),
    (
        Okta,
        "An error occurred (AccessDeniedException) when calling the CreateTokenWithIAM operation",
        "redshift/main",
        "R24",
        "data-engineers",
    ),
    (
        Okta,
        "InvalidGrantException: Invalid grant provided",
        "identity_center.issuer",
        "R22",
        "`https://acme.okta.com/oauth2/ausSERVER`",
    ),
    (
        Entra,
        "InvalidGrantException",
        "identity_center.issuer",
        "R22",
        "`https://sts.windows.net/11111111-2222-3333-4444-555555555555/`",
    ),
    (Okta, "UnauthorizedClientException", "redshift.issuer_entry", "R25", "arn:aws:redshift:app"),
    (Okta, "InvalidRequestRegionException", "identity_center/main", "R22", "eu-west-1"),
    (
        Okta,
        "ResourceNotFoundException when calling the GetUserId operation",
        "identity_center/main",
        "R21",
        "emails.value",
    ),
    (Okta, "multiple users match", "identity_center/main", "R23", "emails.value"),
    (Okta, "issuer not found", "identity_center.issuer", "R22", "arn:issuer"),
    (Entra, "Invalid audience", "redshift.issuer_entry", "R25", "`api://resource-app-id`"),
    (Okta, "KMS_AccessDeniedException", "identity_center/main", "R21", "kms:Decrypt"),
    // dbt.
    (
        Okta,
        "access_token missing from Idp token request. Please confirm correct configuration of the token_endpoint field",
        "okta/acme",
        "R26",
        "ausSERVER/.well-known",
    ),
    (
        Okta,
        "Rate limit on identity provider's token dispatch has been reached. Consider lower dbt's maximum concurrent thread count.",
        "okta/acme",
        "R32",
        "threads",
    ),
    (Okta, "Missing required key in token_endpoint: 'request_url'", "dbt/acme", "R32", "idp_auth_credentials"),
    (Entra, "Unsupported identity provider type: ping. Select 'okta' or 'entra.'", "dbt/acme", "R32", "`entra`"),
    (Okta, "Authentication must use an SSL connection.", "dbt/acme", "R32", "sslmode"),
    (
        Okta,
        "401 Client Error: Unauthorized for url: https://acme.okta.com/oauth2/aus1/v1/token",
        "secrets_manager.client_secret",
        "R26",
        "arn:secret",
    ),
    (
        Entra,
        "400 Client Error: Bad Request for url: https://login.microsoftonline.com/t/oauth2/v2.0/token",
        "entra.client_app",
        "R10",
        "contoso",
    ),
    (Okta, "Unauthorized: Invalid or expired token.", "dbt/acme", "R26", "service token"),
];

fn told(cause: &Cause) -> String {
    let finding = &cause.finding;
    [&finding.expected, &finding.found, &finding.effect, &finding.fix].map(String::as_str).join("\n")
}

#[test]
fn texts_name_their_link() {
    assert!(TEXTS.len() >= 40);
    for (idp, text, resource, row, value) in TEXTS {
        let explanation = explained(*idp, text);
        assert!(explanation.known, "{text}");
        let first = &explanation.causes[0];
        assert_eq!((first.finding.resource.as_str(), first.finding.row.as_str()), (*resource, *row), "{text}");
        let told = told(first);
        assert!(told.contains(value), "{text}: {told}");
        assert!(explanation.summary.contains(resource), "{text}: {}", explanation.summary);
        let ranks: Vec<usize> = explanation.causes.iter().map(|cause| cause.rank).collect();
        assert_eq!(ranks, (1..=ranks.len()).collect::<Vec<_>>());
    }
}

#[test]
fn one_sentence_of_redshift_has_every_link_behind_it() {
    let explanation = explained(Okta, "FATAL: Token credentials expired or invalid");
    let rows: Vec<&str> = explanation.causes.iter().map(|cause| cause.finding.row.as_str()).collect();
    assert_eq!(rows, ["R32", "R22", "R25", "R23", "R24"]);
    assert!(explanation.causes.iter().all(|cause| cause.certainty == Certainty::Likely));
}

#[test]
fn what_tells_the_cause_silences_what_is_vague() {
    let exact = explained(Okta, "access_denied: User is not assigned to the client application.");
    assert_eq!(exact.causes.len(), 1);
    let both = explained(Entra, "invalid_client AADSTS7000215 AADSTS65001");
    let checks: Vec<&str> = both.causes.iter().map(|cause| cause.finding.check.as_str()).collect();
    assert_eq!(checks, ["explain_entra_consent", "explain_entra_secret_wrong"]);
    let vague = explained(Okta, "access_denied");
    assert!(vague.causes.len() > 1 && vague.causes.iter().all(|cause| cause.certainty == Certainty::Possible));
}

#[test]
fn an_unknown_text_gets_the_links_in_order() {
    for idp in [Okta, Entra] {
        let explanation = explained(idp, "something went wrong, please try again");
        assert!(!explanation.known);
        let rows: Vec<&str> = explanation.causes.iter().map(|cause| cause.finding.row.as_str()).collect();
        assert_eq!(rows, ["R29", "R28", "R04", "R14", "R08", "R26", "R22", "R25", "R21", "", "R32"]);
        assert!(explanation.causes.iter().all(|cause| cause.finding.severity == Severity::Unknown));
        assert!(explanation.causes.iter().all(|cause| !told(cause).contains("not recorded")));
    }
    let well = explained(Okta, "Connection test: [OK connection ok]\nAll checks passed!");
    assert_eq!((well.known, well.causes[0].finding.severity), (false, Severity::Ok));
}

#[test]
fn the_ids_are_unique_and_the_words_in_lower_case() {
    let mut seen = std::collections::BTreeSet::new();
    for rule in super::super::rules() {
        assert!(seen.insert((rule.id, rule.idp.map(|idp| idp.to_string()))), "{} twice", rule.id);
        if let super::super::rule::When::Says(groups) = &rule.when {
            for words in groups.iter().copied().flatten() {
                assert_eq!(**words, super::super::forms::folded(words), "{}", rule.id);
            }
        }
    }
}
