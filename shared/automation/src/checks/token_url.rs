//! dbt gets its tokens from a URL that gives them.

use extoauth_core::finding::Finding;

use super::{Rule, urls};
use crate::observe::Observed;

/// Its id.
pub const ID: &str = "token_url";

pub(super) fn check(observed: &Observed) -> Vec<Finding> {
    let working = &observed.idp.token_urls;
    let first = working.there().and_then(|urls| urls.first()).map_or("of the identity provider", String::as_str);
    let rule = Rule {
        check: ID,
        row: "R26",
        resource: "dbt.oauth_configuration",
        expected: format!("the token URL `{first}`"),
    };
    let effect = "nobody can sign in, and whoever is signed in is logged out when their token ends: dbt gets no tokens";
    vec![urls::judged(observed, &rule, |configuration| &configuration.token_url, working, effect, |_| None)]
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{Critical, Ok, Unknown};
    use extoauth_core::systems::Idp;

    use super::super::testing::{TENANT, healthy, severities, unread};
    use super::*;
    use crate::observe::Seen;

    #[test]
    fn either_version_of_entra() {
        let base = format!("https://login.microsoftonline.com/{TENANT}/oauth2");
        for (url, severity) in [
            (format!("{base}/v2.0/token"), Ok),
            (format!("{base}/token"), Ok),
            (format!("{base}/v2.0/authorize"), Critical),
        ] {
            let mut observed = healthy(Idp::Entra);
            if let Seen::There(configuration) = &mut observed.dbt.configuration {
                configuration.token_url.clone_from(&url);
            }
            assert_eq!(severities(&observed, ID), [severity], "{url}");
        }
        let mut observed = healthy(Idp::Entra);
        observed.idp.token_urls = unread();
        assert_eq!(severities(&observed, ID), [Unknown]);
    }
}
