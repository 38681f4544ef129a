//! The discovery document stands where Identity Center looks for it: below the issuer of the tokens.

use extoauth_core::finding::Finding;

use super::Rule;
use super::common::follows;
use crate::observe::{Observed, Seen};

/// Its id.
pub const ID: &str = "discovery_reachable";

pub(super) fn check(observed: &Observed) -> Vec<Finding> {
    let resource = observed.idp.system.to_string();
    let issuer = observed.idp.issuer.there().map_or("the issuer", String::as_str);
    let rule = Rule {
        check: ID,
        row: "R22",
        resource: &resource,
        expected: format!("a discovery document at {}", document_url(issuer)),
    };
    let finding = match (&observed.idp.discovery, &observed.idp.issuer) {
        (Seen::There(document), _) => rule.ok(format!("it is there, and names the issuer `{}`", document.issuer)),
        (Seen::Unread(why), _) => rule.unknown(why),
        (Seen::Gone, Seen::There(_)) => rule.critical(
            "there is none",
            "nobody gets into the warehouse: IAM Identity Center finds no keys to prove their tokens with",
            format!("make the authorization server answer at {} (it must be active)", document_url(issuer)),
        ),
        (Seen::Gone, _) => rule.unknown(&follows("what issues the tokens", "server_app")),
    };
    vec![finding]
}

/// Where the discovery document of an issuer stands (OpenID Connect Discovery 1.0, section 4).
fn document_url(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
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
        observed.idp.discovery = Seen::Gone;
        assert_eq!(severities(&observed, ID), [Critical]);
        observed.idp.issuer = Seen::Gone;
        assert_eq!(severities(&observed, ID), [Unknown], "the server is gone, which is another check's");
        observed.idp.discovery = unread();
        assert_eq!(severities(&observed, ID), [Unknown]);
    }
}
