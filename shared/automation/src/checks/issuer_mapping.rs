//! The trusted token issuer maps the claim and the attribute that the trust agreed on.

use extoauth_core::finding::Finding;

use super::Rule;
use super::common::needed;
use crate::observe::{Observed, Resolved};

/// Its id.
pub const ID: &str = "issuer_mapping";

/// Another mapping breaks logins only where it does not find the people; so they decide how bad it is.
pub(super) fn check(observed: &Observed) -> Vec<Finding> {
    let (claim, attribute) = (&observed.trust.claim, &observed.trust.attribute);
    let rule = Rule {
        check: ID,
        row: "R23",
        resource: "identity_center.issuer",
        expected: format!("the claim `{claim}` is matched with the attribute `{attribute}`"),
    };
    let issuer = match needed(&observed.center.issuer, "the trusted token issuer", "issuer_matches") {
        Ok(issuer) => issuer,
        Err(why) => return vec![rule.unknown(&why)],
    };
    let found = format!("it matches `{}` with `{}`", issuer.claim, issuer.attribute);
    if issuer.claim == *claim && issuer.attribute == *attribute {
        return vec![rule.ok(found)];
    }
    let fix = format!(
        "map `{claim}` to `{attribute}` again: IAM Identity Center > Settings > Authentication > Trusted token issuers > {}",
        issuer.name
    );
    let people = observed.center.people.there().map(Vec::as_slice).unwrap_or_default();
    let lost = people.iter().filter(|(_, resolved)| resolved.is_refused()).count();
    let unclear = people.is_empty() || people.iter().any(|(_, resolved)| matches!(resolved, Resolved::Unknown(_)));
    let finding = match (lost, unclear) {
        (0, false) => rule.warning(
            found,
            "everybody is still found, but not by what was agreed: others may be taken for them",
            fix,
        ),
        (0, true) => rule.warning(
            found,
            "whoever is not found by it, or is found as somebody else, cannot log in as themselves",
            fix,
        ),
        (lost, _) => rule.critical(
            found,
            format!("{lost} of {} people are not found by this mapping and cannot log in", people.len()),
            fix,
        ),
    };
    vec![finding]
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{Critical, Ok, Unknown, Warning};
    use extoauth_core::systems::Idp;

    use super::super::testing::{healthy, severities, unread};
    use super::*;
    use crate::observe::Seen;

    #[test]
    fn the_people_decide() {
        let mut observed = healthy(Idp::Okta);
        assert_eq!(severities(&observed, ID), [Ok]);
        if let Seen::There(issuer) = &mut observed.center.issuer {
            issuer.claim = "email".into();
        }
        assert_eq!(severities(&observed, ID), [Warning]);
        observed.center.people = unread();
        assert_eq!(severities(&observed, ID), [Warning]);
        observed.center.people = Seen::There(vec![("dev1".into(), Resolved::NoClaim)]);
        assert_eq!(severities(&observed, ID), [Critical]);
        observed.center.issuer = unread();
        assert_eq!(severities(&observed, ID), [Unknown]);
        observed.center.issuer = Seen::Gone;
        assert_eq!(severities(&observed, ID), [Unknown]);
    }
}
