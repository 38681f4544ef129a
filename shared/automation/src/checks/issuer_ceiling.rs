//! There is room for another trusted token issuer: an instance has ten, and no more can be had (IAM Identity Center
//! quotas).

use extoauth_core::finding::Finding;
use extoauth_systems::identity_center::MAX_ISSUERS;

use super::Rule;
use super::common::{NEAR, filled};
use crate::observe::{Observed, Seen, Unread};

/// Its id.
pub const ID: &str = "issuer_ceiling";

pub(super) fn check(observed: &Observed) -> Vec<Finding> {
    let rule = Rule {
        check: ID,
        row: "R22",
        resource: "identity_center",
        expected: format!("fewer than {NEAR} of the {MAX_ISSUERS} trusted token issuers that an instance can have"),
    };
    let finding = match &observed.center.issuers {
        Seen::There(all) => {
            let found = format!("{} of {MAX_ISSUERS}", all.len());
            let effects = [
                "soon no other identity provider can be connected in this instance",
                "no other identity provider can be connected, and a broken issuer not replaced",
            ];
            let fix = "delete the issuers that no application uses any more, or share one: integrations on the same \
                       identity provider and warehouse do";
            filled(&rule, (all.len(), MAX_ISSUERS), found, effects, fix)
        }
        Seen::Unread(why) => rule.unknown(why),
        Seen::Gone => rule.unknown(&Unread::because("there is no such instance", "see `identity_center_active`")),
    };
    vec![finding]
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{Info, Ok, Unknown, Warning};
    use extoauth_core::systems::Idp;
    use extoauth_systems::identity_center::IssuerName;

    use super::super::testing::{healthy, severities, unread};
    use super::*;

    #[test]
    fn near_and_there() {
        let mut observed = healthy(Idp::Okta);
        for (n, severity) in [(0, Ok), (7, Ok), (8, Info), (9, Info), (10, Warning)] {
            let name = |n: usize| IssuerName { arn: n.to_string(), name: n.to_string() };
            observed.center.issuers = Seen::There((0..n).map(name).collect());
            assert_eq!(severities(&observed, ID), [severity], "{n}");
        }
        for issuers in [unread(), Seen::Gone] {
            observed.center.issuers = issuers;
            assert_eq!(severities(&observed, ID), [Unknown]);
        }
    }
}
