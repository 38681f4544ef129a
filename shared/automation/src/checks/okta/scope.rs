//! Whether the authorization server has the scopes that dbt asks for, and whether people are asked for consent (row R07).

use extoauth_core::finding::Finding;
use extoauth_systems::okta::ServerScope;

use super::read;
use crate::checks::Rule;
use crate::observe::okta::AT_SIGN_IN;
use crate::observe::{Observed, OktaView};

pub const ID: &str = "scope";

/// The scope of dbt's manual. The others come with every server.
const OURS: &str = "session:role-any";
const PLACE: &str = "Security > API > Authorization Servers > the server > Scopes";

pub fn run(view: &OktaView, _observed: &Observed) -> Vec<Finding> {
    let rule = Rule {
        check: ID,
        row: "R07",
        resource: "okta.server.scope[session:role-any]",
        expected: format!("the scope `{OURS}`, in the public metadata, without consent of the user"),
    };
    let scopes = match read(&rule, &view.scopes, "server_app") {
        Ok(scopes) => scopes,
        Err(unknown) => return vec![unknown],
    };
    let named = |name: &str| scopes.iter().find(|scope| scope.name == name);
    let absent: Vec<&str> = AT_SIGN_IN.into_iter().filter(|name| named(name).is_none()).collect();
    let mut found = Vec::new();
    if !absent.is_empty() {
        found.push(rule.critical(
            format!("the server has no scope {}", absent.join(", ")),
            "nobody can sign in: dbt asks for it, and Okta answers `invalid_scope`",
            format!("{PLACE} > Add Scope: {}; or submit the request `provision` again", absent.join(", ")),
        ));
    }
    if let Some(scope) = named(OURS) {
        found.extend(published(&rule, scope));
        found.extend(consent(&rule, scope, view));
        if found.is_empty() {
            found.push(rule.ok(format!("`{OURS}` is there, published, without consent")));
        }
    }
    found
}

fn published(rule: &Rule<'_>, scope: &ServerScope) -> Option<Finding> {
    (scope.metadata_publish.as_deref() != Some("ALL_CLIENTS")).then(|| {
        rule.warning(
            format!("`{OURS}` is not in the server's public metadata"),
            "people can sign in; that the scope is there cannot be seen from outside",
            format!("{PLACE} > {OURS} > Metadata: Include in public metadata"),
        )
    })
}

/// Okta asks for consent where both the scope and the app want it (the table at `consent_method` in its management API
/// description).
fn consent(rule: &Rule<'_>, scope: &ServerScope, view: &OktaView) -> Option<Finding> {
    let wanted = scope.consent.as_deref().filter(|consent| *consent != "IMPLICIT")?;
    let found = format!("the consent of `{OURS}` is `{wanted}`");
    let fix = format!("{PLACE} > {OURS} > User consent: Implicit");
    Some(match view.app.there().map(|app| app.consent_method.as_deref()) {
        Some(Some("TRUSTED")) => rule.info(found, "none: the app is trusted, so nobody is asked", fix),
        _ => rule.warning(found, "everybody is asked once for consent and is let in by giving it", fix),
    })
}

#[cfg(test)]
mod tests {
    use extoauth_core::finding::Severity::{Critical, Info, Ok, Unknown, Warning};
    use serde_json::{Value, json};

    use super::*;
    use crate::checks::okta::testing::{app, scopes, severities, view};
    use crate::observe::Seen;

    #[test]
    fn scopes_that_dbt_asks_for() {
        let ours = |change: Value| {
            let mut scope = json!({"name": OURS, "consent": "IMPLICIT", "metadataPublish": "ALL_CLIENTS"});
            scope.as_object_mut().expect("an object").extend(change.as_object().cloned().expect("an object"));
            scope
        };
        for (seen, expected) in [
            (scopes(&[ours(json!({}))]), Ok),
            (scopes(&[]), Critical),
            (scopes(&[ours(json!({"name": "session:role-any2"}))]), Critical),
            (scopes(&[ours(json!({"metadataPublish": "NO_CLIENTS"}))]), Warning),
            (scopes(&[ours(json!({"consent": "REQUIRED"}))]), Info),
            (Seen::There(vec![]), Critical),
            (Seen::Gone, Unknown),
            (Seen::default(), Unknown),
        ] {
            let mut view = view();
            view.scopes = seen;
            assert_eq!(severities(&view, run), [expected], "{:?}", view.scopes);
        }
        let mut asked = view();
        asked.scopes = scopes(&[ours(json!({"consent": "REQUIRED"}))]);
        asked.app = Seen::There(app(&[("/settings/oauthClient/consent_method", json!("REQUIRED"))]));
        assert_eq!(severities(&asked, run), [Warning]);
    }
}
