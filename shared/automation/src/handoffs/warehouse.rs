//! What the warehouse's administrator runs so that a login can see something.

use std::collections::BTreeMap;

use extoauth_core::handoff::Handoff;

use crate::want::WantedIntegration;

/// What is known of the warehouse's side.
#[derive(Clone, Debug, Default)]
pub struct WarehouseFacts {
    /// ARN of the application in Identity Center: SQL wants this one, not Redshift's (which fails with "Failed to obtain
    /// AWS IdC Info").
    pub managed_application_arn: Option<String>,
    /// Prefix of users and roles.
    pub namespace: Option<String>,
    /// The role with which Redshift asks Identity Center.
    pub role_arn: Option<String>,
}

/// The prefix that Redshift's console gives.
const USUAL_NAMESPACE: &str = "AWSIDC";

/// The SQL with this integration's names: the identity provider if it is missing, a role for each group, its grants.
pub fn for_warehouse(want: &WantedIntegration, facts: &WarehouseFacts) -> Handoff {
    let namespace = facts.namespace.as_deref().unwrap_or(USUAL_NAMESPACE);
    let unknown = "<see the application in the Redshift console>";
    let provider = format!(
        "CREATE IDENTITY PROVIDER {name} TYPE AWSIDC NAMESPACE {namespace} APPLICATION_ARN {application} IAM_ROLE {role};",
        name = identifier(&format!("{}-idc", want.desired.warehouse_system)),
        namespace = literal(namespace),
        application = literal(facts.managed_application_arn.as_deref().unwrap_or(unknown)),
        role = literal(facts.role_arn.as_deref().unwrap_or(unknown)),
    );
    let mut values = BTreeMap::from([
        (
            "1. is the provider there?".to_owned(),
            "SELECT name FROM svv_identity_providers WHERE type = 'awsidc';".into(),
        ),
        ("2. only if it is not".to_owned(), provider),
    ]);
    for (n, group) in want.groups.keys().enumerate() {
        let role = identifier(&format!("{namespace}:{group}"));
        let database = identifier(&want.desired.database);
        values.insert(
            format!("{}. for the group {group}", n + 3),
            format!(
                "CREATE ROLE {role}; GRANT USAGE ON DATABASE {database} TO ROLE {role}; \
                 GRANT CREATE ON DATABASE {database} TO ROLE {role};"
            ),
        );
    }
    Handoff {
        who: "the administrator of the warehouse (a superuser of the database)".into(),
        what:
            "Run this SQL once, so that those who sign in may see and build something; grant further schemas as needed"
                .into(),
        place: format!("{} / {}", want.desired.warehouse_host, want.desired.database),
        values,
        done: None,
    }
}

/// A quoted SQL identifier: parameters cannot stand for identifiers, so quotes are doubled.
fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A quoted SQL text.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_stay_within_their_quotes() {
        assert_eq!(identifier("a\"; DROP TABLE x; --"), "\"a\"\"; DROP TABLE x; --\"");
        assert_eq!(literal("o'brien"), "'o''brien'");
    }
}
