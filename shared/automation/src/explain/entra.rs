//! What Entra ID says about apps: the AADSTS codes of Microsoft's published list, by number, since texts change. Codes
//! that the list lacks are marked UNCONFIRMED. What it says about people is in `entra_people`.

use extoauth_core::finding::Severity::{Critical, Info, Warning};
use extoauth_core::finding::{Finding, Severity};
use extoauth_core::systems::Idp;

use super::entra_people;
use super::pasted::Pasted;
use super::rule::Certainty::{self, Exact, Likely, Possible};
use super::rule::{Rule, When};
use super::values::Values;

pub(super) const ENTRA: Option<Idp> = Some(Idp::Entra);

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "explain_entra_redirect_uri",
        idp: ENTRA,
        // 500113 (no reply address at all) and 500112 (another one than at the sign-in): UNCONFIRMED.
        when: When::Code(&[50_011, 70_004, 500_112, 500_113]),
        certainty: Exact,
        severity: Critical,
        resource: "entra.client_app",
        row: "R14",
        expected: |v| format!("the client {} has the web redirect URI {}", v.client_id(), v.redirect_uri()),
        found: "dbt sent a redirect URI that the app does not have",
        effect: "Nobody gets as far as signing in.",
        fix: |v| {
            format!(
                "In {} open the app's Authentication: platform Web (not single-page), exactly {} (case and slash count). \
                 dbt's host changes when an account moves off getdbt.com: then set it in the systems configuration. {}",
                v.provider(),
                v.redirect_uri(),
                v.ticket()
            )
        },
    },
    Rule {
        id: "explain_entra_consent",
        idp: ENTRA,
        // 90094 (an administrator must consent): UNCONFIRMED.
        when: When::Code(&[65_001, 65_005, 90_094, 650_056]),
        certainty: Exact,
        severity: Critical,
        resource: "entra.consent",
        row: "R16",
        expected: |v| format!("the client {} has admin consent for {}", v.client_id(), v.scope()),
        found: "nobody has consented to the permissions for which dbt asks",
        effect: "Nobody gets a token, unless users may consent for themselves.",
        fix: |v| {
            format!(
                "An administrator of {} opens the app's API permissions and clicks \"Grant admin consent\". The list there \
                 is what is asked, not what is granted. {}",
                v.provider(),
                v.ticket()
            )
        },
    },
    Rule {
        id: "explain_entra_scope",
        idp: ENTRA,
        // 650053 (the resource has no such scope): UNCONFIRMED.
        when: When::Code(&[650_053, 70_011, 28_002, 28_003]),
        certainty: Exact,
        severity: Critical,
        resource: "entra.resource_app",
        row: "R13",
        expected: |v| format!("{} exposes {}, enabled, under {}", v.server(), v.scope(), v.audience()),
        found: "the resource app has no such scope, or it is disabled, or its Application ID URI is another one",
        effect: "Nobody gets a token.",
        fix: |v| {
            format!(
                "In \"Expose an API\" of the resource app compare Application ID URI and scope with dbt's {}. {}",
                v.configuration(),
                v.ticket()
            )
        },
    },
    Rule {
        id: "explain_entra_resource_gone",
        idp: ENTRA,
        when: When::Code(&[500_011, 50_001, 650_052, 650_054]),
        certainty: Exact,
        severity: Critical,
        resource: "entra.resource_principal",
        row: "R11",
        expected: |v| format!("{} has a service principal in {}", v.server(), v.provider()),
        found: "the tenant has no service principal for the resource: it was deleted, is disabled, or the Application ID \
                URI in dbt is wrong",
        effect: "Nobody gets a token.",
        fix: |v| {
            format!("Compare the Application ID URI in {} with {}. {}", v.configuration(), v.audience(), v.ticket())
        },
    },
    Rule {
        id: "explain_entra_permission_not_listed",
        idp: ENTRA,
        when: When::Code(&[650_057]),
        certainty: Exact,
        severity: Critical,
        resource: "entra.client_app",
        row: "R15",
        expected: |v| format!("the client {} lists {} among its permissions", v.client_id(), v.scope()),
        found: "the client asks a resource that its registration does not list",
        effect: "Nobody gets a token.",
        fix: |v| format!("Add the delegated permission {} of {}. {}", v.scope(), v.server(), v.ticket()),
    },
    Rule {
        id: "explain_entra_secret_wrong",
        idp: ENTRA,
        // 7000215: published traffic. 7000218 (no secret at all): UNCONFIRMED.
        when: When::Code(&[7_000_215, 70_002, 7_000_218]),
        certainty: Exact,
        severity: Critical,
        resource: "dbt.oauth_configuration",
        row: "R18",
        expected: |v| format!("dbt holds the value of a secret of the client {}", v.client_id()),
        found: "the secret that dbt sent is none of this app: mostly its id was copied instead of its value",
        effect: "No sign-in and no refresh works.",
        fix: |v| {
            format!(
                "The right value is in {}. A secret that is seconds old may be refused for some minutes. {}",
                v.secret(),
                v.ticket()
            )
        },
    },
    Rule {
        id: "explain_entra_secret_ended",
        idp: ENTRA,
        // Published traffic.
        when: When::Code(&[7_000_222]),
        certainty: Exact,
        severity: Critical,
        resource: "entra.client_secret",
        row: "R20",
        expected: |v| format!("the client {} has a secret that has not ended", v.client_id()),
        found: "the client secret has ended",
        effect: "No sign-in and no refresh works, for nobody.",
        fix: |v| {
            format!(
                "Send a `provision` ticket for `{}`: it makes a new secret and hands it to dbt by {}.",
                v.name(),
                v.secret()
            )
        },
    },
    Rule {
        id: "explain_entra_client_unknown",
        idp: ENTRA,
        // 700016: published traffic.
        when: When::Code(&[700_016, 700_011]),
        certainty: Exact,
        severity: Critical,
        resource: "entra.client_app",
        row: "R14",
        expected: |v| format!("dbt sends the client id {} to {}", v.client_id(), v.provider()),
        found: "the tenant that was asked knows no such app",
        effect: "Nobody gets as far as signing in.",
        fix: |v| {
            format!(
                "Compare client id and tenant in the URLs of {}: the id is the client app's, not the resource app's and no \
                 object id. {}",
                v.configuration(),
                v.ticket()
            )
        },
    },
    Rule {
        id: "explain_entra_client_disabled",
        idp: ENTRA,
        // 7000112: UNCONFIRMED.
        when: When::Code(&[70_001, 7_000_112]),
        certainty: Exact,
        severity: Critical,
        resource: "entra.client_principal",
        row: "R14",
        expected: |v| format!("the service principal of {} is enabled for users to sign in", v.client_id()),
        found: "the app is disabled in the tenant",
        effect: "Nobody gets a token.",
        fix: |v| format!("In Enterprise applications set \"Enabled for users to sign-in\" to Yes. {}", v.ticket()),
    },
    Rule {
        id: "explain_entra_client_principal",
        idp: ENTRA,
        // UNCONFIRMED.
        when: When::Code(&[7_000_229]),
        certainty: Exact,
        severity: Critical,
        resource: "entra.client_principal",
        row: "R14",
        expected: |v| format!("the client {} has a service principal in the tenant", v.client_id()),
        found: "the app is there, its service principal is not",
        effect: "Nobody gets a token.",
        fix: |v| v.ticket(),
    },
    Rule {
        id: "explain_entra_tenant",
        idp: ENTRA,
        // 90002 and 9000xx: from memory, UNCONFIRMED.
        when: When::Code(&[90_002, 900_021, 900_023, 50_059, 50_194]),
        certainty: Exact,
        severity: Critical,
        resource: "dbt.oauth_configuration",
        row: "R19",
        expected: |v| format!("the URLs in dbt name the tenant of {}", v.provider()),
        found: "the URL names no tenant, `common`, or one that this cloud does not know",
        effect: "Nobody gets as far as signing in.",
        fix: |v| {
            format!(
                "Compare authorize URL and token URL in {} with {}. {}",
                v.configuration(),
                v.discovery(),
                v.ticket()
            )
        },
    },
    Rule {
        id: "explain_entra_refresh_token",
        idp: ENTRA,
        when: When::Code(&[70_000, 70_008, 700_082, 700_084, 70_043, 50_173, 50_133, 50_132, 50_089]),
        certainty: Exact,
        severity: Critical,
        resource: "entra.client_app",
        row: "R31",
        expected: |_| "a refresh token that is used within 90 days and was not revoked".into(),
        found: "the refresh token is over: unused for too long, revoked by a new password, or shortened by the tenant's \
                sign-in frequency",
        effect: "This developer must sign in again.",
        fix: |v| {
            format!(
                "Click \"Connect to Redshift\" again: {}. If it happens to everybody every few hours, it is a Conditional \
                 Access policy (sign-in frequency); for single-page redirect URIs the life is fixed: the platform must be \
                 Web.",
                v.dbt_page("settings/profile")
            )
        },
    },
    Rule {
        id: "explain_entra_code",
        idp: ENTRA,
        when: When::Code(&[54_005]),
        certainty: Exact,
        severity: Info,
        resource: "entra.client_app",
        row: "R31",
        expected: |_| "the code is used once".into(),
        found: "the code was used before: the page was loaded twice",
        effect: "This sign-in failed; nothing is broken.",
        fix: |v| format!("Sign in once more from {}.", v.dbt_page("settings/profile")),
    },
    Rule {
        id: "explain_entra_grant_type",
        idp: ENTRA,
        when: When::Code(&[70_003, 70_005, 700_054]),
        certainty: Exact,
        severity: Critical,
        resource: "dbt.oauth_configuration",
        row: "R19",
        expected: |v| format!("dbt uses the code flow at the v2 authorize URL of {}", v.provider()),
        found: "the endpoint does not do what dbt asks of it: authorize and token URL may be exchanged, or not v2",
        effect: "Nobody gets a token.",
        fix: |v| format!("Compare the URLs in {} with {}. {}", v.configuration(), v.discovery(), v.ticket()),
    },
    Rule {
        id: "explain_entra_malformed",
        idp: ENTRA,
        // 9002313: published traffic. 900144 (a parameter is missing): UNCONFIRMED.
        when: When::Code(&[9_002_313, 900_144]),
        certainty: Likely,
        severity: Critical,
        resource: "dbt.oauth_configuration",
        row: "R26",
        expected: |_| "what is sent to the token endpoint is percent-encoded and whole".into(),
        found: "Entra cannot read the request, or the code or refresh token in it",
        effect: "This login fails.",
        fix: |v| {
            format!(
                "With dbt Core encode `request_data` (the secret and the scope hold characters that need it); on the \
                 platform sign in again at {}.",
                v.dbt_page("settings/profile")
            )
        },
    },
    Rule {
        id: "explain_entra_loop",
        idp: ENTRA,
        when: When::Code(&[50_196]),
        certainty: Exact,
        severity: Warning,
        resource: "idp",
        row: "R32",
        expected: |_| "not the same request over and over".into(),
        found: "Entra stops a client that repeats the same request too often",
        effect: "Logins fail for some minutes.",
        fix: |_| "Wait, lower the number of threads, and stop the job that retries.".into(),
    },
];

/// A finding for each code that no rule knows: its number, which is all that is taken from the text.
pub(super) fn other_codes(text: &Pasted, values: &Values) -> Vec<(Certainty, Finding)> {
    let known = |code: &u64| {
        RULES
            .iter()
            .chain(entra_people::RULES)
            .any(|rule| matches!(rule.when, When::Code(codes) if codes.contains(code)))
    };
    if text.codes().is_empty() {
        return Vec::new();
    }
    if values.idp != Idp::Entra {
        return vec![(Exact, other_provider(values))];
    }
    let unknown = |code: &u64| (Possible, unknown_code(*code, values));
    text.codes().iter().filter(|code| !known(code)).take(3).map(unknown).collect()
}

fn unknown_code(code: u64, values: &Values) -> Finding {
    Finding {
        check: "explain_entra_other_code".into(),
        severity: Severity::Unknown,
        resource: values.resource("idp"),
        expected: format!("{} lets the developer sign in", values.provider()),
        found: format!("Entra refuses with AADSTS{code}, for which there is no rule"),
        effect: "This sign-in fails at Entra, before Redshift is asked.".into(),
        fix: format!(
            "Read https://login.microsoftonline.com/error?code={code}, and the sign-in log of the client {}.",
            values.client_id()
        ),
        row: String::new(),
    }
}

/// Entra's message about an integration that is not on Entra.
fn other_provider(values: &Values) -> Finding {
    Finding {
        check: "explain_other_provider".into(),
        severity: Severity::Critical,
        resource: values.resource("dbt.oauth_configuration"),
        expected: format!("`{}` signs in at {}", values.name(), values.provider()),
        found: "the text is Entra's".into(),
        effect: "The text is not of this integration, or dbt asks the wrong provider.".into(),
        fix: format!(
            "Ask again with the integration that the developer used; else compare the URLs in {}.",
            values.configuration()
        ),
        row: "R26".into(),
    }
}
