//! The redirect URI is the same in dbt and at the identity provider's client, and the one that dbt's form shows now.

use extoauth_core::finding::Finding;
use url::Url;

use super::Rule;
use super::common::{listed, needed, slip};
use crate::observe::Observed;

/// Its id.
pub const ID: &str = "redirect_uri";

/// Hosts that dbt is giving up (its page on the migration of account URLs: multi-tenant hosts of `getdbt.com` end on
/// 2026-11-01).
const ENDING: &str = "getdbt.com";

pub(super) fn check(observed: &Observed) -> Vec<Finding> {
    let configured = observed.redirect_uri.as_deref();
    let rule = Rule {
        check: ID,
        row: "R04",
        resource: "dbt.oauth_configuration",
        expected: format!("the redirect URI `{}` in dbt and at the client", configured.unwrap_or("of dbt's form")),
    };
    vec![judged(observed, &rule)]
}

fn judged(observed: &Observed, rule: &Rule<'_>) -> Finding {
    let configuration = match needed(&observed.dbt.configuration, "dbt's OAuth configuration", "dbt_configuration") {
        Ok(configuration) => configuration,
        Err(why) => return rule.unknown(&why),
    };
    let allowed = match needed(&observed.idp.redirect_uris, "the client", "client_app") {
        Ok(allowed) => allowed,
        Err(why) => return rule.unknown(&why),
    };
    let (is, system) = (&configuration.redirect_uri, &observed.idp.system);
    let configured = observed.redirect_uri.as_ref();
    if !allowed.contains(is) {
        let wanted = configured.unwrap_or(is);
        let cause = allowed.iter().find_map(|allowed| slip(is, allowed));
        let cause = cause.map(|cause| format!(" (in dbt: {cause})")).unwrap_or_default();
        let at_dbt = if is == wanted { String::new() } else { format!("in dbt set it to `{wanted}`") };
        let at_idp = if allowed.contains(wanted) {
            String::new()
        } else {
            format!("add `{wanted}` to the client's redirect URIs in {system}")
        };
        let fix: Vec<String> = [at_dbt, at_idp].into_iter().filter(|step| !step.is_empty()).collect();
        return rule.critical(
            format!("dbt sends `{is}`, the client allows {}{cause}", listed(allowed)),
            format!("nobody can sign in: {system} sends nobody to a URI that the client does not list, byte for byte"),
            fix.join("; "),
        );
    }
    match configured {
        Some(configured) if configured != is => rule.warning(
            format!("dbt and the client agree on `{is}`, which is not the configured one"),
            "if dbt's form shows the configured one, people come back to a place that is not dbt's",
            format!("compare with dbt's form, then set it to `{configured}` in dbt and at the client, or configure `{is}`"),
        ),
        _ if is_ending(is) => rule.warning(
            format!("`{is}` is on a host that dbt gives up"),
            "from the day on which dbt switches the host off nobody can sign in",
            format!(
                "take the redirect URI of the account's new access URL from dbt's form, add it to the client in {system}, \
                 configure it, and ask for `provision`"
            ),
        ),
        _ => rule.ok(format!("`{is}`")),
    }
}

fn is_ending(uri: &str) -> bool {
    let host = Url::parse(uri).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    host == ENDING || host.ends_with(&format!(".{ENDING}"))
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{Critical, Ok, Unknown, Warning};
    use extoauth_core::systems::Idp;

    use super::super::testing::{findings, healthy, severities, unread};
    use super::*;
    use crate::observe::Seen;

    fn with(dbt: &str, client: &[&str], configured: &str) -> Vec<Finding> {
        let mut observed = healthy(Idp::Okta);
        if let Seen::There(configuration) = &mut observed.dbt.configuration {
            dbt.clone_into(&mut configuration.redirect_uri);
        }
        observed.idp.redirect_uris = Seen::There(client.iter().map(|uri| (*uri).to_owned()).collect());
        observed.redirect_uri = Some(configured.to_owned());
        findings(&observed, ID)
    }

    #[test]
    fn three_places() {
        let (a, b) = ("https://ab123.us1.dbt.com/complete/okta", "https://other.example.com/complete/okta");
        let old = "https://cloud.getdbt.com/complete/okta";
        let table = [
            (a, vec![a], a, Ok),
            (a, vec![b, a], a, Ok),
            (b, vec![a], a, Critical),
            (a, vec![b], a, Critical),
            (a, vec![], a, Critical),
            (b, vec![b], a, Warning),
            (old, vec![old], old, Warning),
        ];
        for (dbt, client, configured, severity) in table {
            let found = with(dbt, &client, configured);
            assert_eq!(found[0].severity, severity, "{dbt} {client:?}");
        }
        let found = with(&format!("{a}/"), &[a], a);
        assert!(found[0].found.contains("slash"), "{}", found[0].found);
        assert!(found[0].fix.contains("in dbt"), "{}", found[0].fix);
    }

    #[test]
    fn unread_is_unknown() {
        let mut observed = healthy(Idp::Okta);
        observed.idp.redirect_uris = unread();
        assert_eq!(severities(&observed, ID), [Unknown]);
        observed.idp.redirect_uris = Seen::Gone;
        assert_eq!(severities(&observed, ID), [Unknown]);
    }
}
