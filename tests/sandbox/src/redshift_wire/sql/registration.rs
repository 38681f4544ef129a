//! `CREATE IDENTITY PROVIDER … TYPE AWSIDC` and `DROP IDENTITY PROVIDER` (Amazon Redshift Database Developer Guide): with
//! them an administrator registers the warehouse with an Identity Center application. Logins follow it at once.

use super::lexer::{Token, tokens};
use super::{Statement, literal};
use crate::redshift_wire::IdentityProvider;

/// What a statement does to the registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::redshift_wire) enum Registration {
    /// One more provider.
    Create(IdentityProvider),
    /// The provider of this name goes.
    Drop(String),
}

/// What the statements of a message do to the registration, in order.
pub(in crate::redshift_wire) fn registrations(sql: &str) -> Vec<Registration> {
    let all = tokens(sql);
    let statements = all.split_inclusive(|token| token.text == ";").map(Statement::new);
    statements.filter_map(|statement| statement.registration()).filter(Registration::possible).collect()
}

impl Registration {
    /// Redshift asks Identity Center for the application. Given its own ARN of it instead of Identity Center's, it fails
    /// (seen in the field; other checks are UNCONFIRMED).
    fn possible(&self) -> bool {
        match self {
            Self::Create(provider) => provider.application_arn.starts_with("arn:aws:sso:"),
            Self::Drop(_) => true,
        }
    }

    /// What keeps `svv_identity_providers` in step; nobody but an administrator may.
    pub(super) fn sql(&self) -> String {
        match self {
            Self::Create(_) if !self.possible() => {
                "DO $$ BEGIN RAISE EXCEPTION 'Failed to obtain AWS IdC Info'; END $$".to_owned()
            }
            Self::Create(IdentityProvider { name, namespace, application_arn }) => format!(
                "INSERT INTO sandbox.identity_providers VALUES ({}, {}, {})",
                literal(name),
                literal(namespace),
                literal(application_arn)
            ),
            Self::Drop(name) => format!("DELETE FROM sandbox.identity_providers WHERE name = {}", literal(name)),
        }
    }
}

impl Statement<'_> {
    /// The registration that this statement is about, if it is one.
    pub(super) fn registration(&self) -> Option<Registration> {
        if !(self.is(1, &["IDENTITY"]) && self.is(2, &["PROVIDER"])) {
            return None;
        }
        let name = self.at(3)?.name();
        if self.is(0, &["DROP"]) {
            return Some(Registration::Drop(name));
        }
        if !(self.is(0, &["CREATE"]) && self.is(4, &["TYPE"]) && self.is(5, &["AWSIDC"])) {
            return None;
        }
        let value = |key: &str| {
            let at = (6..self.solid.len()).find(|n| self.is(*n, &[key]))?;
            self.at(at + 1).and_then(Token::content)
        };
        Some(Registration::Create(IdentityProvider {
            name,
            namespace: value("NAMESPACE")?,
            application_arn: value("APPLICATION_ARN")?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redshift_wire::sql::rewritten;

    #[test]
    fn a_registration_is_read_and_kept_in_the_catalogue() {
        let sql = "SELECT 1; CREATE IDENTITY PROVIDER \"main-idc\" TYPE AWSIDC NAMESPACE 'O''Brien' APPLICATION_ARN \
                   'arn:aws:sso::1:application/a/b' IAM_ROLE 'arn:aws:iam::1:role/r' AUTO_CREATE_ROLES TRUE;";
        let provider = IdentityProvider {
            name: "main-idc".to_owned(),
            namespace: "O'Brien".to_owned(),
            application_arn: "arn:aws:sso::1:application/a/b".to_owned(),
        };
        assert_eq!(registrations(sql), [Registration::Create(provider)]);
        assert_eq!(
            rewritten(sql),
            "SELECT 1;INSERT INTO sandbox.identity_providers VALUES ('main-idc', 'O''Brien', \
             'arn:aws:sso::1:application/a/b');"
        );
        assert_eq!(registrations("drop identity provider Main cascade"), [Registration::Drop("main".to_owned())]);
        let own =
            "create identity provider x type awsidc namespace 'n' application_arn 'arn:aws:redshift:x' iam_role 'r'";
        assert_eq!(registrations(own), []);
        assert!(rewritten(own).contains("Failed to obtain AWS IdC Info"));
        assert_eq!(registrations("create identity provider x type azure namespace 'n'"), []);
    }
}
