//! dbt signs people in as the client that is ours at the identity provider.

use extoauth_core::finding::Finding;
use uuid::Uuid;

use super::Rule;
use super::common::needed;
use crate::observe::Observed;

/// Its id.
pub const ID: &str = "dbt_client";

pub(super) fn check(observed: &Observed) -> Vec<Finding> {
    let client = observed.idp.client_id.there().map_or("of our client", String::as_str);
    let rule = Rule {
        check: ID,
        row: "R26",
        resource: "dbt.oauth_configuration",
        expected: format!("the client id `{client}`"),
    };
    let both = needed(&observed.dbt.configuration, "dbt's OAuth configuration", "dbt_configuration")
        .and_then(|configuration| Ok((configuration, needed(&observed.idp.client_id, "the client", "client_app")?)));
    let finding = match both {
        Err(why) => rule.unknown(&why),
        Ok((configuration, client)) if same(&configuration.client_id, client) => rule.ok(format!("`{client}`")),
        Ok((configuration, client)) => rule.critical(
            format!("`{}`", configuration.client_id),
            format!("nobody can sign in: {} does not know this client, or it is another app's", observed.idp.system),
            format!("set the client id to `{client}`: dbt: Account settings > Integrations > Custom"),
        ),
    };
    vec![finding]
}

/// Entra's client ids are GUIDs, which it reads in either case; Okta's are texts.
fn same(one: &str, other: &str) -> bool {
    one == other || (Uuid::parse_str(one).is_ok() && one.eq_ignore_ascii_case(other))
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{Critical, Ok, Unknown};
    use extoauth_core::systems::Idp;

    use super::super::testing::{healthy, severities, unread};
    use super::*;
    use crate::observe::Seen;

    #[test]
    fn a_guid_has_no_case_and_a_text_has() {
        let guid = "b9c87e61-3e09-4dd8-846f-c568d82a3176";
        assert!(same(guid, &guid.to_uppercase()));
        assert!(!same(guid, "b9c87e61-3e09-4dd8-846f-c568d82a3177"));
        assert!(same("0oaA", "0oaA") && !same("0oaA", "0oaa"));
    }

    #[test]
    fn same_other_unread() {
        let mut observed = healthy(Idp::Okta);
        assert_eq!(severities(&observed, ID), [Ok]);
        observed.idp.client_id = Seen::There("other".into());
        assert_eq!(severities(&observed, ID), [Critical]);
        for client in [Seen::Gone, unread()] {
            observed.idp.client_id = client;
            assert_eq!(severities(&observed, ID), [Unknown]);
        }
    }
}
