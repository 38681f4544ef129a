//! There is room in the Redshift application's list: ten issuers, and ten audiences for each (IAM Identity Center API
//! reference, `AuthorizedTokenIssuer`).

use extoauth_core::finding::Finding;

use super::Rule;
use super::common::{NEAR, filled, needed};
use crate::observe::Observed;

/// Its id.
pub const ID: &str = "audience_ceiling";

/// Issuers in a list, and audiences for each.
const MOST: usize = 10;

pub(super) fn check(observed: &Observed) -> Vec<Finding> {
    let rule = Rule {
        check: ID,
        row: "R25",
        resource: "redshift.issuer_entry",
        expected: format!(
            "fewer than {NEAR} of {MOST} issuers in the application's list, and of {MOST} audiences of ours"
        ),
    };
    let application = match needed(&observed.warehouse.application, "the Redshift application", "application_there") {
        Ok(application) => application,
        Err(why) => return vec![rule.unknown(&why)],
    };
    let issuer = match needed(&observed.center.issuer, "the trusted token issuer", "issuer_matches") {
        Ok(issuer) => issuer,
        Err(why) => return vec![rule.unknown(&why)],
    };
    let ours = application.issuers.iter().find(|entry| entry.issuer_arn == issuer.arn);
    let (issuers, audiences) = (application.issuers.len(), ours.map_or(0, |entry| entry.audiences.len()));
    let found = format!("{issuers} of {MOST} issuers, {audiences} of {MOST} audiences of ours");
    let fix =
        "take entries off that nobody needs: Amazon Redshift > IAM Identity Center connections > Client connections";
    let effects = [
        "soon no other client can be connected to this application",
        "no other client can be connected to this application",
    ];
    vec![filled(&rule, (issuers.max(audiences), MOST), found, effects, fix)]
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{Info, Ok, Unknown, Warning};
    use extoauth_core::systems::Idp;

    use super::super::testing::{healthy, severities, unread};
    use super::*;
    use crate::observe::Seen;

    #[test]
    fn near_and_there() {
        let mut observed = healthy(Idp::Okta);
        for (n, severity) in [(1, Ok), (7, Ok), (8, Info), (10, Warning)] {
            if let Seen::There(application) = &mut observed.warehouse.application {
                application.issuers[0].audiences = (0..n).map(|n: usize| n.to_string()).collect();
            }
            assert_eq!(severities(&observed, ID), [severity], "{n}");
        }
        observed.warehouse.application = unread();
        assert_eq!(severities(&observed, ID), [Unknown]);
    }
}
