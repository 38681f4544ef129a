//! What Entra ID says about the person who signs in: AADSTS codes of Microsoft's published list.

use extoauth_core::finding::Severity::{Critical, Info};

use super::entra::ENTRA;
use super::rule::Certainty::Exact;
use super::rule::{Rule, When};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "explain_entra_not_assigned",
        idp: ENTRA,
        // 501051: UNCONFIRMED.
        when: When::Code(&[50_105, 501_051]),
        certainty: Exact,
        severity: Critical,
        resource: "entra.assignment",
        row: "R14",
        expected: |v| format!("the developer is a direct member of one of the groups {}", v.groups()),
        found: "the user is not assigned to the app, and the app requires it",
        effect: "This user gets no token. Direct members of an assigned group do.",
        fix: |v| {
            format!(
                "Put the user into one of {} directly: members of a group within the group do not count. If the user is \
                 there, the group's assignment to {} is gone: {}",
                v.groups(),
                v.client_id(),
                v.ticket()
            )
        },
    },
    Rule {
        id: "explain_entra_user_disabled",
        idp: ENTRA,
        when: When::Code(&[50_057]),
        certainty: Exact,
        severity: Info,
        resource: "idp",
        row: "R31",
        expected: |v| format!("the developer's account in {} is enabled", v.provider()),
        found: "the account is disabled",
        effect: "This person cannot sign in anywhere.",
        fix: |_| "The tenant's administrator enables the account, if that is right.".into(),
    },
    Rule {
        id: "explain_entra_user_unknown",
        idp: ENTRA,
        when: When::Code(&[50_020, 50_034, 50_014, 51_004, 16_000, 16_003, 500_208]),
        certainty: Exact,
        severity: Critical,
        resource: "idp",
        row: "R21",
        expected: |v| format!("the developer signs in with an account of {}", v.provider()),
        found: "the account is none of this tenant: a private one, a guest's, or another organisation's",
        effect: "This person gets no token.",
        fix: |_| {
            "Sign out, and sign in with the work account (a private window helps). A guest must be invited first, and the \
             guest's `upn` is not the e-mail address that Identity Center knows."
                .into()
        },
    },
    Rule {
        id: "explain_entra_credentials",
        idp: ENTRA,
        when: When::Code(&[50_126, 50_055, 50_144, 50_056, 50_053, 50_064]),
        certainty: Exact,
        severity: Info,
        resource: "idp",
        row: "R31",
        expected: |_| "the developer's own sign-in works".into(),
        found: "the person's password is wrong or over, or the account is locked",
        effect: "This person cannot sign in; nothing of the integration is broken.",
        fix: |_| "Sign in at the provider's own page first; the help desk resets password or lock.".into(),
    },
    Rule {
        id: "explain_entra_second_factor",
        idp: ENTRA,
        when: When::Code(&[50_072, 50_074, 50_076, 50_078, 50_079, 50_158, 53_004]),
        certainty: Exact,
        severity: Critical,
        resource: "idp",
        row: "R31",
        expected: |_| "the second factor was given when the developer connected".into(),
        found: "the tenant asks for a second factor, which a refresh without a browser cannot give",
        effect: "This developer must sign in again, each time the policy asks.",
        fix: |v| {
            format!(
                "Click \"Connect to Redshift\" again and complete the second factor: {}. If it comes back, a Conditional \
                 Access policy asks for it more often than sessions last.",
                v.dbt_page("settings/profile")
            )
        },
    },
    Rule {
        id: "explain_entra_conditional_access",
        idp: ENTRA,
        when: When::Code(&[53_000, 53_001, 53_002, 53_003, 53_011, 50_005, 50_097, 50_131, 530_035]),
        certainty: Exact,
        severity: Critical,
        resource: "idp",
        row: "R31",
        expected: |v| format!("Conditional Access lets the developer use the client {}", v.client_id()),
        found: "a Conditional Access policy blocks this sign-in (device, place, app or risk). A refresh comes from dbt's \
                addresses, not from the developer's device",
        effect: "Everybody to whom the policy applies gets no token.",
        fix: |v| {
            format!(
                "The sign-in log of {} names the policy. Its administrator excepts the app {}, or dbt's addresses.",
                v.provider(),
                v.client_id()
            )
        },
    },
    Rule {
        id: "explain_entra_declined",
        idp: ENTRA,
        when: When::Code(&[65_004]),
        certainty: Exact,
        severity: Info,
        resource: "entra.consent",
        row: "R31",
        expected: |_| "the developer agrees, or an administrator has agreed for everybody".into(),
        found: "the developer clicked Cancel on the page that asks for consent",
        effect: "This sign-in failed.",
        fix: |v| format!("Sign in again and accept. With admin consent nobody is asked: {}", v.ticket()),
    },
    Rule {
        id: "explain_entra_not_signed_in",
        idp: ENTRA,
        when: When::Code(&[50_058, 16_001, 50_140, 50_199]),
        certainty: Exact,
        severity: Info,
        resource: "idp",
        row: "R31",
        expected: |_| "the developer is signed in".into(),
        found: "the sign-in was interrupted, or there is no session",
        effect: "This sign-in failed; nothing is broken.",
        fix: |v| format!("Sign in again from {}, in a private window if it stays.", v.dbt_page("settings/profile")),
    },
    Rule {
        id: "explain_entra_tenant_closed",
        idp: ENTRA,
        when: When::Code(&[500_021, 500_022, 500_212, 500_213, 50_002]),
        certainty: Exact,
        severity: Critical,
        resource: "idp",
        row: "R31",
        expected: |v| format!("the developer's network and home tenant allow {}", v.provider()),
        found: "tenant restrictions or cross-tenant access settings forbid this tenant",
        effect: "Everybody in that network, or of that tenant, gets no token.",
        fix: |_| "The administrator of the network or of the cross-tenant settings allows the tenant.".into(),
    },
];
