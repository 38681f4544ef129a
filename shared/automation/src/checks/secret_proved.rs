//! The identity provider takes the secret that dbt has, asked without a user.

use extoauth_core::finding::Finding;

use super::Rule;
use super::common::follows;
use crate::observe::{Observed, SecretProof, Seen, Unread};

/// Its id.
pub const ID: &str = "secret_proved";

pub(super) fn check(observed: &Observed) -> Vec<Finding> {
    let resource = observed.idp.system.to_string();
    let rule = Rule {
        check: ID,
        row: "R18",
        resource: &resource,
        expected: format!("{resource} takes the client secret that dbt was given"),
    };
    let finding = match &observed.idp.secret {
        Seen::There(SecretProof::Proved) => rule.ok("it does"),
        Seen::There(SecretProof::Refused) => rule.critical(
            "it refuses it",
            "nobody can sign in, and whoever is signed in is logged out when their token ends: dbt gets no tokens",
            "ask for `rotate_secret`: it makes a new one, proves it and gives it to dbt; or for `verify` with `repair: \
             true`",
        ),
        Seen::There(SecretProof::Unclear(answer)) => rule.unknown(&Unread::because(
            format!("the answer tells nothing of the secret: {answer}"),
            "ask for `verify` again",
        )),
        Seen::Gone => rule.unknown(&follows("the client, or its secret,", "client_app")),
        Seen::Unread(why) => rule.unknown(why),
    };
    vec![finding]
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{Critical, Ok, Unknown};
    use extoauth_core::systems::Idp;

    use super::super::testing::{healthy, severities, unread};
    use super::*;

    #[test]
    fn only_a_clear_answer_counts() {
        let mut observed = healthy(Idp::Okta);
        let table = [
            (Seen::There(SecretProof::Proved), Ok),
            (Seen::There(SecretProof::Refused), Critical),
            (Seen::There(SecretProof::Unclear("503".into())), Unknown),
            (Seen::Gone, Unknown),
            (unread(), Unknown),
        ];
        for (secret, severity) in table {
            observed.idp.secret = secret;
            assert_eq!(severities(&observed, ID), [severity]);
        }
    }
}
