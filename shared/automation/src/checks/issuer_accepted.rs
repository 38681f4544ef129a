//! The Redshift application accepts the trusted token issuer with the audience that the tokens carry.

use extoauth_core::finding::Finding;

use super::Rule;
use super::common::{listed, needed, slip};
use crate::observe::Observed;

/// Its id.
pub const ID: &str = "issuer_accepted";

const NOBODY: &str = "nobody gets into the warehouse: IAM Identity Center refuses to exchange their tokens";

pub(super) fn check(observed: &Observed) -> Vec<Finding> {
    let audience = observed.idp.audience.there().map_or("of the tokens", String::as_str);
    let rule = Rule {
        check: ID,
        row: "R25",
        resource: "redshift.issuer_entry",
        expected: format!("the Redshift application accepts the trusted token issuer with the audience `{audience}`"),
    };
    vec![judged(observed, &rule)]
}

fn judged(observed: &Observed, rule: &Rule<'_>) -> Finding {
    let application = match needed(&observed.warehouse.application, "the Redshift application", "application_there") {
        Ok(application) => application,
        Err(why) => return rule.unknown(&why),
    };
    let issuer = match needed(&observed.center.issuer, "the trusted token issuer", "issuer_matches") {
        Ok(issuer) => issuer,
        Err(why) => return rule.unknown(&why),
    };
    let place =
        format!("Amazon Redshift > IAM Identity Center connections > {} > Client connections", application.name);
    let Some(entry) = application.issuers.iter().find(|entry| entry.issuer_arn == issuer.arn) else {
        let others = application.issuers.len();
        let wanted = observed.idp.audience.there().map_or("the audience of the tokens", String::as_str);
        return rule.critical(
            format!("it accepts {others} other issuers, but not `{}` ({})", issuer.name, issuer.arn),
            NOBODY,
            format!("add it there with the audience `{wanted}`: {place}"),
        );
    };
    let wanted = match needed(&observed.idp.audience, "what issues the tokens", "server_app") {
        Ok(audience) => audience,
        Err(why) => return rule.unknown(&why),
    };
    if entry.audiences.contains(wanted) {
        return rule.ok(format!("it does, with {}", listed(&entry.audiences)));
    }
    let cause = entry.audiences.iter().find_map(|is| cause(observed, is, wanted)).unwrap_or_default();
    rule.critical(
        format!("it accepts the issuer with {}{cause}", listed(&entry.audiences)),
        NOBODY,
        format!("set the audience to exactly `{wanted}`: {place}"),
    )
}

/// Why an audience is not the one of the tokens, where that is a usual mistake.
fn cause(observed: &Observed, is: &str, wanted: &str) -> Option<String> {
    let bare = |uri: &str| uri.strip_prefix("api://").unwrap_or(uri).to_owned();
    if let Some(slip) = slip(is, wanted) {
        Some(format!(": {slip}"))
    } else if observed.idp.client_id.there().is_some_and(|client| bare(is) == *client) {
        Some(": that is the client's id, which tokens never carry as their audience".into())
    } else if bare(is) == bare(wanted) {
        Some(": version 1 tokens of Entra carry the Application ID URI, version 2 tokens the bare app id".into())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{Critical, Ok, Unknown};
    use extoauth_core::systems::Idp;

    use super::super::testing::{ENTRA_CLIENT, ENTRA_URI, HOST, findings, healthy, severities, unread};
    use super::*;
    use crate::observe::Seen;

    fn with_audience(idp: Idp, audience: &str) -> Observed {
        let mut observed = healthy(idp);
        if let Seen::There(application) = &mut observed.warehouse.application {
            application.issuers[0].audiences = [audience.to_owned()].into();
        }
        observed
    }

    #[test]
    fn byte_for_byte() {
        assert_eq!(severities(&healthy(Idp::Okta), ID), [Ok]);
        let table = [
            (Idp::Okta, format!("https://{HOST}/"), "slash too much"),
            (Idp::Okta, HOST.to_owned(), HOST),
            (Idp::Entra, ENTRA_URI.trim_start_matches("api://").to_owned(), "version 2 tokens the bare app id"),
            (Idp::Entra, format!("api://{ENTRA_CLIENT}"), "the client's id"),
        ];
        for (idp, audience, words) in table {
            let found = findings(&with_audience(idp, &audience), ID);
            assert_eq!(found[0].severity, Critical);
            assert!(found[0].found.contains(words), "{}", found[0].found);
        }
    }

    #[test]
    fn missing_gone_unread() {
        let mut observed = healthy(Idp::Okta);
        if let Seen::There(application) = &mut observed.warehouse.application {
            application.issuers.clear();
        }
        assert_eq!(severities(&observed, ID), [Critical]);
        let unknown: [fn(&mut Observed); 5] = [
            |o| o.warehouse.application = Seen::Gone,
            |o| o.warehouse.application = unread(),
            |o| o.center.issuer = Seen::Gone,
            |o| o.idp.audience = unread(),
            |o| o.idp.audience = Seen::Gone,
        ];
        for change in unknown {
            let mut observed = healthy(Idp::Okta);
            change(&mut observed);
            assert_eq!(severities(&observed, ID), [Unknown]);
        }
    }
}
