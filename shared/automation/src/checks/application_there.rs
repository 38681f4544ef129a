//! The Redshift IdC application is there.

use extoauth_core::finding::Finding;

use super::Rule;
use crate::observe::{Observed, Seen};

/// Its id.
pub const ID: &str = "application_there";

pub(super) fn check(observed: &Observed) -> Vec<Finding> {
    let resource = format!("redshift/{}", observed.desired.warehouse_system);
    let rule = Rule {
        check: ID,
        row: "R24",
        resource: &resource,
        expected: "the Redshift IdC application of the configuration".into(),
    };
    let finding = match &observed.warehouse.application {
        Seen::There(application) => {
            let namespace = application.namespace.as_deref().unwrap_or("none");
            rule.ok(format!("`{}`, namespace `{namespace}`, {} issuers", application.name, application.issuers.len()))
        }
        Seen::Gone => rule.critical(
            "there is no such application in this account and region",
            "nobody gets into the warehouse: nothing exchanges their tokens",
            "make the application anew (Amazon Redshift > IAM Identity Center connections), register the warehouse with \
             it, and name it in the configuration (`application_arn`)",
        ),
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
    fn there_gone_and_unread() {
        let mut observed = healthy(Idp::Okta);
        assert_eq!(severities(&observed, ID), [Ok]);
        observed.warehouse.application = Seen::Gone;
        assert_eq!(severities(&observed, ID), [Critical]);
        observed.warehouse.application = unread();
        assert_eq!(severities(&observed, ID), [Unknown]);
    }
}
