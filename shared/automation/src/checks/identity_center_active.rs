//! The Identity Center instance can be used.

use extoauth_core::finding::Finding;

use super::Rule;
use crate::observe::{Observed, Seen, Unread};

/// Its id.
pub const ID: &str = "identity_center_active";

pub(super) fn check(observed: &Observed) -> Vec<Finding> {
    let rule = Rule {
        check: ID,
        row: "R21",
        resource: "identity_center",
        expected: "the instance of the configuration is `ACTIVE`".into(),
    };
    let finding = match &observed.center.instance {
        Seen::There(instance) if instance.is_active() => rule.ok("`ACTIVE`"),
        Seen::There(instance) => rule.critical(
            format!("`{}`", instance.status),
            "nobody gets into the warehouse: an instance exchanges tokens only while it is active",
            "wait until its set-up ends, or have the owner of the instance look after it: IAM Identity Center > Settings",
        ),
        // The list of instances is silent on the ones that a credential may not see.
        Seen::Gone => rule.unknown(&Unread::because(
            "these credentials see no such instance in this region: it was deleted, or account, role or region are \
             others",
            "compare `identity_center` in the configuration with IAM Identity Center > Settings",
        )),
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
    fn states() {
        let mut observed = healthy(Idp::Okta);
        assert_eq!(severities(&observed, ID), [Ok]);
        if let Seen::There(instance) = &mut observed.center.instance {
            instance.status = "DELETE_IN_PROGRESS".into();
        }
        assert_eq!(severities(&observed, ID), [Critical]);
        for instance in [Seen::Gone, unread()] {
            observed.center.instance = instance;
            assert_eq!(severities(&observed, ID), [Unknown]);
        }
    }
}
