//! Whether the authorization server is there and active, and its tokens are for the agreed audience (rows R05, R06).

use extoauth_core::finding::Finding;

use super::SERVER;
use crate::checks::Rule;
use crate::observe::{Observed, OktaView, Seen};

pub const ID: &str = "server_app";

const PLACE: &str = "Security > API > Authorization Servers > the server";

pub fn run(view: &OktaView, observed: &Observed) -> Vec<Finding> {
    let audience = observed.trust.audience.as_deref();
    let expected = format!("an active authorization server for {}", audience.unwrap_or("the warehouse"));
    let rule = Rule { check: ID, row: "R05", resource: SERVER, expected };
    let server = match &view.server {
        Seen::There(server) => server,
        Seen::Gone => {
            let effect = "nobody can sign in, and Identity Center finds no keys: no token of it is good any more";
            let fix = "submit the request `provision` again: a new server has a new issuer, so the trusted token issuer \
                       and dbt's URLs are made anew, too";
            return vec![rule.critical("the authorization server is not there", effect, fix)];
        }
        Seen::Unread(why) => return vec![rule.unknown(why)],
    };
    let mut found = Vec::new();
    if !server.is_active() {
        found.push(rule.critical(
            format!("`{}` ({}) is {}", server.name, server.id, server.status),
            "nobody can sign in: Okta answers as if the server were not there, its keys included",
            format!("{PLACE}: choose Active"),
        ));
    }
    if server.issuer_mode.as_deref() == Some("DYNAMIC") {
        found.push(rule.warning(
            "the issuer mode is `DYNAMIC`",
            "the tokens' issuer depends on the host that is called: where it is not the one that Identity Center trusts, \
             the login fails",
            format!("{PLACE} > Settings > Issuer: Okta URL or Custom URL, whichever is `{}`", server.issuer),
        ));
    }
    if let Some(audience) = audience.filter(|audience| server.audiences != [*audience]) {
        found.push(rule.warning(
            format!("its audience is {}", server.audiences.join(", ")),
            "tokens carry another audience than agreed: a login fails unless Redshift lists that one (`issuer_accepted`)",
            format!("{PLACE} > Settings > Audience: {audience}"),
        ));
    }
    if found.is_empty() {
        let text = format!("`{}` ({}) is active, audience {}", server.name, server.id, server.audiences.join(", "));
        found.push(rule.ok(text));
    }
    found
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{Critical, Ok, Unknown, Warning};
    use serde_json::json;

    use super::*;
    use crate::checks::okta::testing::{server, severities, view};

    #[test]
    fn each_setting() {
        for (seen, expected) in [
            (Seen::There(server(&[])), Ok),
            (Seen::There(server(&[("/status", json!("INACTIVE"))])), Critical),
            (Seen::There(server(&[("/issuerMode", json!("DYNAMIC"))])), Warning),
            (Seen::There(server(&[("/issuerMode", json!("CUSTOM_URL"))])), Ok),
            (Seen::There(server(&[("/audiences", json!(["https://other"]))])), Warning),
            (Seen::There(server(&[("/name", json!("other"))])), Ok),
            (Seen::Gone, Critical),
            (Seen::default(), Unknown),
        ] {
            let mut view = view();
            view.server = seen;
            assert_eq!(severities(&view, run), [expected], "{:?}", view.server);
        }
    }
}
