//! An application of IAM Identity Center can ask for an assignment. Redshift's does not, until somebody switches it on:
//! then a token of a user who is not assigned is refused without a word.

use extoauth_core::finding::Finding;

use super::Rule;
use crate::observe::{Observed, Seen, Unread};

/// Its id.
pub const ID: &str = "application_assigned";

pub(super) fn check(observed: &Observed) -> Vec<Finding> {
    let rule = Rule {
        check: ID,
        row: "R24",
        resource: "redshift.issuer_entry",
        expected: "the application in IAM Identity Center lets in everybody whom the directory knows".into(),
    };
    let fix = "IAM Identity Center > Applications > the Redshift application > Assign users and groups, or switch off that it \
               requires assignments";
    vec![match &observed.center.assigned {
        Seen::There(None) => rule.ok("it requires no assignment"),
        Seen::There(Some(0)) => rule.critical(
            "it requires an assignment, and nobody is assigned",
            "nobody gets into the warehouse: IAM Identity Center does not take their tokens",
            fix,
        ),
        Seen::There(Some(n)) => rule.unknown(&Unread::because(
            format!("it requires an assignment; {n} users and groups are assigned, and who they are is not compared"),
            fix,
        )),
        Seen::Gone => rule.unknown(&Unread::because(
            "Redshift names no application in IAM Identity Center",
            "see `application_there`",
        )),
        Seen::Unread(why) => rule.unknown(why),
    }]
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{Critical, Ok, Unknown};
    use extoauth_core::systems::Idp;

    use super::super::testing::{healthy, severities, unread};
    use super::*;

    #[test]
    fn an_assignment_that_nobody_has_locks_everybody_out() {
        let mut observed = healthy(Idp::Okta);
        for (assigned, severity) in [
            (Seen::There(None), Ok),
            (Seen::There(Some(0)), Critical),
            (Seen::There(Some(2)), Unknown),
            (Seen::Gone, Unknown),
            (unread(), Unknown),
        ] {
            observed.center.assigned = assigned;
            assert_eq!(severities(&observed, ID), [severity]);
        }
    }
}
