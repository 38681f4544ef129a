//! What Identity Center says. Exceptions: the service models of `CreateTokenWithIAM` (SSO OIDC), the identity store, SSO
//! Admin and Redshift. None of them names issuer, audience or user.

use extoauth_core::finding::Severity::{Critical, Warning};

use super::rule::Certainty::{Exact, Likely};
use super::rule::{Rule, When};

/// The exception of the exchange for a token that it does not take.
const GRANT: When = When::Says(&[&["invalidgrantexception"]]);

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "explain_idc_issuer",
        idp: None,
        when: GRANT,
        certainty: Likely,
        severity: Critical,
        resource: "identity_center.issuer",
        row: "R22",
        expected: |v| format!("the trusted token issuer's URL is {}, byte for byte", v.issuer_shown()),
        found: "Identity Center does not take the token: its `iss` may not be the issuer's URL",
        effect: "No login works.",
        fix: |v| format!("Compare `issuer` of {} with the URL of {}. {}", v.discovery(), v.token_issuer(), v.ticket()),
    },
    Rule {
        id: "explain_idc_audience",
        idp: None,
        when: GRANT,
        certainty: Likely,
        severity: Critical,
        resource: "redshift.issuer_entry",
        row: "R25",
        expected: |v| format!("{} takes the audience {}", v.application(), v.audience()),
        found: "Identity Center does not take the token: its `aud` may not be in the application's list",
        effect: "No login works.",
        fix: |v| format!("Compare the audience in the application's client connections. {}", v.ticket()),
    },
    Rule {
        id: "explain_idc_user",
        idp: None,
        when: GRANT,
        certainty: Likely,
        severity: Critical,
        resource: "identity_center",
        row: "R23",
        expected: |v| {
            let (claim, attribute) = v.mapping();
            format!("`{claim}` equals the `{attribute}` of exactly one user")
        },
        found: "Identity Center does not take the token: no user or more than one may match it, or it was used before",
        effect: "This developer cannot log in.",
        fix: |v| {
            let (_, attribute) = v.mapping();
            format!("Look the developer up by `{attribute}`; try again with a new token, since each works once.")
        },
    },
    Rule {
        id: "explain_idc_access_denied",
        idp: None,
        // A live test of others found the bare exception for a missing assignment (Connapse, pull request 430).
        when: When::Says(&[&["accessdeniedexception"], &["createtokenwithiam", "sso-oauth", "sso-oidc"]]),
        certainty: Exact,
        severity: Critical,
        resource: "redshift",
        row: "R24",
        expected: |v| format!("the user is assigned to {}, and the caller is in its actor policy", v.application()),
        found: "the exchange was refused: user or group are not assigned to the application, or the caller's role may not \
                exchange for it",
        effect: "At least this user cannot log in.",
        fix: |v| {
            format!(
                "In Identity Center assign the groups {} to the application, or see whether it requires assignments at all; \
                 AWS advises not to change that switch of applications that it manages itself. Then the actor policy, and \
                 `sso-oauth:CreateTokenWithIAM` of the role.",
                v.groups()
            )
        },
    },
    Rule {
        id: "explain_idc_client",
        idp: None,
        when: When::Says(&[&[
            "invalidclientexception",
            "unauthorizedclientexception",
            "unsupportedgranttypeexception",
        ]]),
        certainty: Exact,
        severity: Critical,
        resource: "redshift.issuer_entry",
        row: "R25",
        expected: |v| format!("{} has a grant for tokens of this issuer", v.application()),
        found: "the application takes no tokens of other issuers, or is not there",
        effect: "No login works.",
        fix: |v| {
            format!(
                "In Redshift's console open the application's client connections: third-party identity providers must be \
                 on and our issuer ticked. {}",
                v.ticket()
            )
        },
    },
    Rule {
        id: "explain_idc_expired",
        idp: None,
        when: When::Says(&[&["expiredtokenexception"]]),
        certainty: Exact,
        severity: Warning,
        resource: "lifetimes",
        row: "R32",
        expected: |v| format!("a fresh token ({})", v.lifetimes()),
        found: "a token had ended when it was sent: the developer's, or the caller's AWS credentials",
        effect: "This login failed.",
        fix: |_| "Start a new session; if it stays, the clock of the caller is wrong.".into(),
    },
    Rule {
        id: "explain_idc_region",
        idp: None,
        when: When::Says(&[&["invalidrequestregionexception"]]),
        certainty: Exact,
        severity: Critical,
        resource: "identity_center",
        row: "R22",
        expected: |v| format!("Identity Center is asked in its region {}", v.identity_center_region()),
        found: "another region was asked",
        effect: "Nothing that is asked there can be found.",
        fix: |v| format!("Use the region {}; compare the systems configuration.", v.identity_center_region()),
    },
    Rule {
        id: "explain_idc_no_user",
        idp: None,
        when: When::Says(&[&["resourcenotfoundexception"], &["identitystore", "getuserid", "get-user-id"]]),
        certainty: Exact,
        severity: Critical,
        resource: "identity_center",
        row: "R21",
        expected: |v| format!("one user has this `{}`", v.mapping().1),
        found: "the identity store has no such user",
        effect: "This developer cannot log in.",
        fix: |v| {
            format!(
                "Have the developer synchronised from {} (SCIM): in the provisioned groups, and with the attribute filled.",
                v.provider()
            )
        },
    },
    Rule {
        id: "explain_idc_many_users",
        idp: None,
        // UNCONFIRMED: the user guide says that exactly one user must match; how it says otherwise is not published.
        when: When::Says(&[&["multiple users", "more than one user"]]),
        certainty: Exact,
        severity: Critical,
        resource: "identity_center",
        row: "R23",
        expected: |v| format!("exactly one user has this `{}`", v.mapping().1),
        found: "more than one user matches the token",
        effect: "None of these users can log in.",
        fix: |v| format!("Find the users with the same `{}` and make it unique at its source.", v.mapping().1),
    },
    Rule {
        id: "explain_idc_issuer_words",
        idp: None,
        // UNCONFIRMED: no published message names the issuer; proxies and libraries word it so.
        when: When::Says(&[&[
            "issuer not found",
            "issuer mismatch",
            "invalid issuer",
            "issuer is not trusted",
            "issuer did not match",
        ]]),
        certainty: Exact,
        severity: Critical,
        resource: "identity_center.issuer",
        row: "R22",
        expected: |v| format!("the trusted token issuer's URL is {}, byte for byte", v.issuer_shown()),
        found: "the token's issuer is not the one that is trusted",
        effect: "No login works.",
        fix: |v| {
            format!(
                "Compare `issuer` of {} with the URL of {}: slash at the end, `/v2.0`, tenant, server. {}",
                v.discovery(),
                v.token_issuer(),
                v.ticket()
            )
        },
    },
    Rule {
        id: "explain_idc_audience_words",
        idp: None,
        // UNCONFIRMED, as above.
        when: When::Says(&[&[
            "audience not found",
            "audience mismatch",
            "invalid audience",
            "audience is not allowed",
            "audience did not match",
        ]]),
        certainty: Exact,
        severity: Critical,
        resource: "redshift.issuer_entry",
        row: "R25",
        expected: |v| format!("{} takes the audience {}", v.application(), v.audience()),
        found: "the token's audience is not in the application's list",
        effect: "No login works.",
        fix: |v| format!("Compare the audience in the application's client connections. {}", v.ticket()),
    },
    Rule {
        id: "explain_idc_kms",
        idp: None,
        when: When::Says(&[&[
            "kms_accessdeniedexception",
            "kms_notfoundexception",
            "kms_disabledexception",
            "kms_invalidstateexception",
        ]]),
        certainty: Exact,
        severity: Critical,
        resource: "identity_center",
        row: "R21",
        expected: |_| "whoever asks Identity Center may use its key".into(),
        found: "Identity Center is encrypted with a key of the organisation, which the caller may not use or which is off",
        effect: "Nothing in Identity Center can be read: no login works while the key is off.",
        fix: |_| "Allow `kms:Decrypt` in the key's policy for the roles that ask, or enable the key.".into(),
    },
    Rule {
        id: "explain_idc_dependent_right",
        idp: None,
        when: When::Says(&[&["dependentserviceaccessdenied"]]),
        certainty: Exact,
        severity: Warning,
        resource: "redshift.issuer_entry",
        row: "R25",
        expected: |_| "who changes the Redshift application may change its grant in Identity Center".into(),
        found: "the caller lacks the `sso:` half of the right",
        effect: "The application's list cannot be changed. Logins are as they were.",
        fix: |_| {
            "Give the caller sso:GetApplicationGrant, sso:PutApplicationGrant and sso:DeleteApplicationGrant on the \
             application."
                .into()
        },
    },
    Rule {
        id: "explain_idc_quota",
        idp: None,
        when: When::Says(&[&["servicequotaexceededexception"], &["trustedtokenissuer", "trusted token issuer"]]),
        certainty: Exact,
        severity: Critical,
        resource: "identity_center.issuer",
        row: "R22",
        expected: |_| "the instance has less than ten trusted token issuers".into(),
        found: "Identity Center has ten issuers and takes no more; the quota cannot be raised",
        effect: "No new trust can be made. Those that are there work.",
        fix: |_| "Delete an issuer that no application uses, or share an existing trust.".into(),
    },
];
