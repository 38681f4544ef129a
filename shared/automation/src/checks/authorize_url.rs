//! dbt sends people to the URL at which they can sign in.

use extoauth_core::finding::Finding;

use super::{Rule, urls};
use crate::observe::Observed;

/// Its id.
pub const ID: &str = "authorize_url";

pub(super) fn check(observed: &Observed) -> Vec<Finding> {
    let working = &observed.idp.authorize_urls;
    let first = working.there().and_then(|urls| urls.first()).map_or("of the identity provider", String::as_str);
    let rule = Rule {
        check: ID,
        row: "R26",
        resource: "dbt.oauth_configuration",
        expected: format!("the authorize URL `{first}`"),
    };
    let effect = "nobody can sign in: dbt sends them to a place where they cannot";
    vec![urls::judged(observed, &rule, |configuration| &configuration.authorize_url, working, effect, version_1)]
}

/// Entra's version 1 endpoint wants `resource` and ignores `scope`, which is all that dbt sends: it gives a token of
/// Microsoft Graph, or an error (Microsoft identity platform: version 1 and 2 endpoints).
fn version_1(is: &str) -> Option<&'static str> {
    is.ends_with("/oauth2/authorize").then_some("the version 1 endpoint, which ignores the scopes that dbt asks for")
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{Critical, Ok, Unknown, Warning};
    use extoauth_core::systems::Idp;

    use super::super::testing::{OKTA_ISSUER, TENANT, findings, healthy, severities, unread};
    use super::*;
    use crate::observe::Seen;

    #[test]
    fn causes() {
        let entra = "https://login.microsoftonline.com";
        let table = [
            (Idp::Okta, format!("{OKTA_ISSUER}/v1/authorize"), Ok, ""),
            (Idp::Okta, "https://ACME.okta.com:443/oauth2/aus1/v1/authorize".into(), Ok, ""),
            (Idp::Okta, format!("{OKTA_ISSUER}/v1/authorize?prompt=login"), Warning, "added"),
            (Idp::Okta, format!("{OKTA_ISSUER}/v1/authorize/"), Critical, "slash"),
            (Idp::Okta, "https://acme.okta.com/oauth2/v1/authorize".into(), Critical, "org's own"),
            (
                Idp::Okta,
                "https://acme.okta.com/oauth2/default/v1/authorize".into(),
                Critical,
                "another authorization server",
            ),
            (Idp::Okta, "https://other.okta.com/oauth2/aus1/v1/authorize".into(), Critical, "another host"),
            (Idp::Okta, String::new(), Critical, "no URL"),
            (Idp::Entra, format!("{entra}/{TENANT}/oauth2/authorize"), Critical, "version 1"),
            (Idp::Entra, format!("{entra}/other/oauth2/v2.0/authorize"), Critical, "another tenant"),
            (Idp::Entra, format!("{entra}/{TENANT}/oauth2/v2.0/token"), Critical, "another path"),
        ];
        for (idp, url, severity, words) in table {
            let mut observed = healthy(idp);
            if let Seen::There(configuration) = &mut observed.dbt.configuration {
                configuration.authorize_url.clone_from(&url);
            }
            let found = findings(&observed, ID);
            assert_eq!(found[0].severity, severity, "{url}");
            assert!(found[0].found.contains(words), "{url}: {}", found[0].found);
        }
    }

    #[test]
    fn unread_is_unknown() {
        let mut observed = healthy(Idp::Okta);
        observed.idp.authorize_urls = unread();
        assert_eq!(severities(&observed, ID), [Unknown]);
        let mut observed = healthy(Idp::Okta);
        observed.dbt.configuration = Seen::Gone;
        assert_eq!(severities(&observed, ID), [Unknown]);
    }
}
