//! What Redshift and its drivers say. Redshift has one sentence for everything that Identity Center has against a token
//! (aws/amazon-redshift-jdbc-driver, issue 146); the others are PostgreSQL's, Python's and the driver's own.

use extoauth_core::finding::Severity::{Critical, Warning};

use super::rule::Certainty::{Exact, Likely};
use super::rule::{Rule, When};

/// The one sentence.
const REFUSED: When = When::Says(&[&["token credentials expired or invalid"]]);

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "explain_redshift_token_used",
        idp: None,
        when: REFUSED,
        certainty: Likely,
        severity: Warning,
        resource: "lifetimes",
        row: "R32",
        expected: |v| format!("a fresh token for every connection ({})", v.lifetimes()),
        found: "Redshift refuses the token: used before (each works once) or ended, if earlier logins of the same developer \
                worked",
        effect: "Reconnecting within an old session fails, and so does a driver's second try with the same token.",
        fix: |_| {
            "Start a new Studio session and run `dbt debug` once. If that works, the chain is whole: dbt does not renew the \
             token within a session. With dbt Core set `retries: 0`, since a retry repeats the same token. If it fails for \
             everybody, go on with the next causes."
                .into()
        },
    },
    Rule {
        id: "explain_redshift_issuer",
        idp: None,
        when: REFUSED,
        certainty: Likely,
        severity: Critical,
        resource: "identity_center.issuer",
        row: "R22",
        expected: |v| format!("the trusted token issuer's URL is {}, byte for byte", v.issuer_shown()),
        found: "Redshift refuses the token: its issuer may not be the one that Identity Center trusts (a slash, `/v2.0`, a \
                pasted `.well-known`, another tenant or server)",
        effect: "No login works. Identity Center does not check the URL and reports nothing.",
        fix: |v| {
            format!(
                "Compare `issuer` of {} with the URL of {}. It cannot be changed afterwards: a wrong one is replaced by a \
                 new issuer. {}",
                v.discovery(),
                v.token_issuer(),
                v.ticket()
            )
        },
    },
    Rule {
        id: "explain_redshift_audience",
        idp: None,
        when: REFUSED,
        certainty: Likely,
        severity: Critical,
        resource: "redshift.issuer_entry",
        row: "R25",
        expected: |v| format!("{} takes the audience {} of this issuer", v.application(), v.audience()),
        found: "Redshift refuses the token: its audience may not be in the application's list, or the issuer not ticked",
        effect: "No login works.",
        fix: |v| {
            format!(
                "Compare the application's client connections. The audience is {}'s, never the client's id. {}",
                v.server(),
                v.ticket()
            )
        },
    },
    Rule {
        id: "explain_redshift_user",
        idp: None,
        when: REFUSED,
        certainty: Likely,
        severity: Critical,
        resource: "identity_center",
        row: "R23",
        expected: |v| {
            let (claim, attribute) = v.mapping();
            format!("the token's claim `{claim}` equals the `{attribute}` of exactly one user of the identity store")
        },
        found: "Redshift refuses the token: no user, or more than one, may match it, if others can log in",
        effect: "This developer cannot log in.",
        fix: |v| {
            let (claim, attribute) = v.mapping();
            format!(
                "Look the developer up by `{attribute}` in Identity Center and compare with `{claim}` in {}. If there is \
                 none, the user is not synchronised (SCIM).",
                v.provider()
            )
        },
    },
    Rule {
        id: "explain_redshift_registration",
        idp: None,
        when: REFUSED,
        certainty: Likely,
        severity: Critical,
        resource: "redshift",
        row: "R24",
        expected: |v| format!("the warehouse is registered with {}", v.application()),
        found: "Redshift refuses the token: the warehouse may have no identity provider of this application",
        effect: "No login works on this warehouse.",
        fix: |_| {
            "`SELECT * FROM svv_identity_providers` in the warehouse; without a row of type awsidc run the SQL of the last \
             request's hand-off."
                .into()
        },
    },
    Rule {
        id: "explain_redshift_no_user",
        idp: None,
        when: When::Says(&[&["no postgresql user name specified in startup packet"]]),
        certainty: Exact,
        severity: Critical,
        resource: "dbt.connection",
        row: "R28",
        expected: |v| format!("{} uses {} (External OAuth)", v.connection(), v.configuration()),
        found: "a login without user name that was not announced as one with a token",
        effect: "No login over this connection works.",
        fix: |v| {
            format!(
                "In dbt open the connection: OAuth method External OAuth with our configuration; and the developer's \
                 credentials: External OAuth ({}). With both right it was a fault of dbt until July 2026: start a new \
                 session. Proxies and drivers that insist on a user name (PostgreSQL's own) say this, too. {}",
                v.dbt_page("settings/profile"),
                v.ticket()
            )
        },
    },
    Rule {
        id: "explain_redshift_password",
        idp: None,
        // PostgreSQL's words.
        when: When::Says(&[&["password authentication failed for user", "iam authentication token has expired"]]),
        certainty: Exact,
        severity: Critical,
        resource: "dbt.environment_connection",
        row: "R30",
        expected: |v| format!("the environments {} use {} and External OAuth", v.environments(), v.connection()),
        found: "the login was one with a password or IAM, not one with a token",
        effect: "This developer, or this environment, does not use the integration at all.",
        fix: |v| {
            format!(
                "The developer chooses External OAuth at {}; the environment must use our connection, and its extended \
                 attributes must not name a user or a method. {}",
                v.dbt_page("settings/profile"),
                v.ticket()
            )
        },
    },
    Rule {
        id: "explain_redshift_database",
        idp: None,
        // PostgreSQL's words.
        when: When::Says(&[&["database \"", "database '"], &["does not exist"]]),
        certainty: Exact,
        severity: Critical,
        resource: "dbt.connection",
        row: "R27",
        expected: |v| format!("the database `{}` is there", v.database()),
        found: "the token was accepted, the database is not there",
        effect: "No login over this connection works.",
        fix: |v| {
            format!(
                "If `{}` is the right name, create it; else send a provision ticket with another `warehouse_database`. An \
                 extended attribute of the environment may overrule the connection's.",
                v.database()
            )
        },
    },
    Rule {
        id: "explain_redshift_grants",
        idp: None,
        // PostgreSQL's words.
        when: When::Says(&[&[
            "permission denied for schema",
            "permission denied for relation",
            "permission denied for table",
            "permission denied for database",
        ]]),
        certainty: Exact,
        severity: Warning,
        resource: "redshift",
        row: "",
        expected: |v| format!("the roles of the groups {} have their grants", v.groups()),
        found: "the login works; the developer's role may not do this",
        effect: "The developer can connect and cannot build.",
        fix: |_| {
            "Grant the role `<namespace>:<group>` what it needs; the last request's hand-off for the warehouse has the SQL. \
             A new member's groups count after the next synchronisation."
                .into()
        },
    },
    Rule {
        id: "explain_redshift_idc_info",
        idp: None,
        when: When::Says(&[&["failed to obtain aws idc info"]]),
        certainty: Exact,
        severity: Critical,
        resource: "redshift",
        row: "R24",
        expected: |_| "CREATE IDENTITY PROVIDER names the application's ARN in Identity Center".into(),
        found: "the SQL names the application's ARN in Redshift",
        effect: "The warehouse is not registered: no login works on it.",
        fix: |v| format!("Use `IdcManagedApplicationArn` of {} as APPLICATION_ARN.", v.application()),
    },
    Rule {
        id: "explain_redshift_unreachable",
        idp: None,
        // Words of PostgreSQL's and Python's network layers.
        when: When::Says(&[&[
            "connection timed out",
            "timeout expired",
            "could not translate host name",
            "name or service not known",
            "nodename nor servname provided",
            "temporary failure in name resolution",
            "connection refused",
        ]]),
        certainty: Likely,
        severity: Critical,
        resource: "dbt.connection",
        row: "R27",
        expected: |v| format!("dbt reaches `{}`, port 5439", v.host()),
        found: "the warehouse, or the identity provider, was not reached",
        effect: "No login over this connection works; tokens have nothing to do with it.",
        fix: |v| {
            format!(
                "Check the host `{}`, the security group (dbt's addresses must be let in), and private link or tunnel of \
                 {}.",
                v.host(),
                v.connection()
            )
        },
    },
    Rule {
        id: "explain_redshift_certificate",
        idp: None,
        // Python's words.
        when: When::Says(&[&["certificate verify failed", "certificate_verify_failed", "hostname mismatch"]]),
        certainty: Likely,
        severity: Critical,
        resource: "dbt.connection",
        row: "R27",
        expected: |v| format!("the server at `{}` shows Redshift's certificate", v.host()),
        found: "the server's certificate is not trusted or is for another name",
        effect: "The driver sends no token to this server.",
        fix: |v| {
            format!(
                "Use the warehouse's own host name `{}`, not an address, an alias or a proxy that ends TLS.",
                v.host()
            )
        },
    },
    Rule {
        id: "explain_redshift_ssl_off",
        idp: None,
        // PostgreSQL's words.
        when: When::Says(&[&["no pg_hba.conf entry"]]),
        certainty: Exact,
        severity: Critical,
        resource: "dbt.connection",
        row: "R27",
        expected: |_| "TLS is on".into(),
        found: "the warehouse takes no login of this kind, mostly one without TLS",
        effect: "No login of this kind works.",
        fix: |_| "Remove `sslmode: disable` from profile or extended attributes.".into(),
    },
];
