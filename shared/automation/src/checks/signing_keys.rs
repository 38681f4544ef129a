//! There are keys with which tokens can be proved.

use extoauth_core::finding::Finding;

use super::Rule;
use super::common::follows;
use crate::observe::{Observed, Seen};

/// Its id.
pub const ID: &str = "signing_keys";

pub(super) fn check(observed: &Observed) -> Vec<Finding> {
    let resource = observed.idp.system.to_string();
    let rule = Rule {
        check: ID,
        row: "R22",
        resource: &resource,
        expected: "at least one signing key where the discovery document says that the keys are".into(),
    };
    let at = observed.idp.discovery.there().map_or("its `jwks_uri`", |document| document.jwks_uri.as_str());
    let broken = |found: String| {
        rule.critical(
            found,
            "nobody gets into the warehouse: no token can be proved",
            format!("have the identity provider publish its keys at {at} again"),
        )
    };
    let finding = match (&observed.idp.keys, &observed.idp.discovery) {
        (Seen::There(0), _) => broken(format!("the key set at {at} is empty")),
        (Seen::There(keys), _) => rule.ok(format!("{keys} at {at}")),
        (Seen::Unread(why), _) => rule.unknown(why),
        (Seen::Gone, Seen::There(_)) => broken(format!("there is nothing at {at}")),
        (Seen::Gone, _) => rule.unknown(&follows("the discovery document", "discovery_reachable")),
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
    fn keys() {
        let mut observed = healthy(Idp::Okta);
        for (keys, severity) in
            [(Seen::There(1), Ok), (Seen::There(0), Critical), (Seen::Gone, Critical), (unread(), Unknown)]
        {
            observed.idp.keys = keys;
            assert_eq!(severities(&observed, ID), [severity]);
        }
        observed.idp.keys = Seen::Gone;
        observed.idp.discovery = Seen::Gone;
        assert_eq!(severities(&observed, ID), [Unknown]);
    }
}
