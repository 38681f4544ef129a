//! What a claim of an access token will hold: as much of Okta's expression language as names a person.

use extoauth_systems::okta::Claim as ServerClaim;
use serde_json::{Map, Value};

use crate::observe::Claim;

/// Okta's name for the access token.
const ACCESS_TOKEN: &str = "RESOURCE";
/// What dbt asks for when somebody signs in. (What the manual lets an administrator make; dbt's own request is documented
/// nowhere: UNCONFIRMED.)
pub const AT_SIGN_IN: [&str; 3] = ["openid", "offline_access", "session:role-any"];
/// What dbt asks for when it refreshes: the same without `openid` (recorded from dbt's adapter). What every token is to
/// carry has to be bound to one of these, or to none.
pub const AT_REFRESH: [&str; 2] = ["offline_access", "session:role-any"];

/// What expressions can name.
pub(super) struct Words<'w> {
    /// `appuser.userName`.
    pub user_name: Option<&'w str>,
    /// The rest of `appuser`.
    pub app_profile: &'w Map<String, Value>,
    /// `user`; `None` if the account was not read.
    pub profile: Option<&'w Map<String, Value>>,
    /// `app.clientId`.
    pub client_id: &'w str,
}

/// Whether every access token that dbt gets carries the claim: it is active, of the access token, and bound to no scope
/// that one of dbt's requests lacks.
pub fn carried_by_every_token(claim: &ServerClaim) -> bool {
    let for_scopes = claim.scopes.is_empty() || claim.scopes.iter().any(|s| AT_REFRESH.contains(&s.as_str()));
    let active = claim.status.as_deref() == Some("ACTIVE");
    active && claim.claim_type.as_deref() == Some(ACCESS_TOKEN) && for_scopes
}

/// What an expression gives for a person. Attributes, literals and the conditional of the claim `sub` are understood
/// (Okta, "Expression Language"); anything else is `Unknown`.
pub(super) fn evaluate(expression: &str, words: &Words<'_>) -> Claim {
    let expression = expression.trim();
    if let Some(text) = literal(expression) {
        return if text.is_empty() { Claim::Missing } else { Claim::Is(text.to_owned()) };
    }
    if let Some((condition, branches)) = expression.split_once('?') {
        return match (known_condition(condition), branches.split_once(':')) {
            (true, Some((yes, no))) if !no.contains([':', '?']) => evaluate(yes, words),
            _ => Claim::Unknown,
        };
    }
    let is = |text: Option<&str>| text.map_or(Claim::Unknown, |text| Claim::Is(text.to_owned()));
    match expression {
        "appuser.userName" => return is(words.user_name),
        "app.clientId" | "app.id" => return is(Some(words.client_id)),
        _ => {}
    }
    match expression.split_once('.') {
        Some(("user", attribute)) if is_name(attribute) => match words.profile {
            Some(profile) => held(profile.get(attribute), Claim::Missing),
            None => Claim::Unknown,
        },
        // The app's own schema is not read: what is absent here may only be called otherwise.
        Some(("appuser", attribute)) if is_name(attribute) => held(words.app_profile.get(attribute), Claim::Unknown),
        _ => Claim::Unknown,
    }
}

fn literal(expression: &str) -> Option<&str> {
    ['"', '\''].into_iter().find_map(|quote| {
        let inner = expression.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inner.contains(quote)).then_some(inner)
    })
}

/// Whether the condition holds for whoever signs in: there is a user.
fn known_condition(condition: &str) -> bool {
    matches!(condition.trim().trim_matches(['(', ')']).trim(), "appuser != null" | "user != null")
}

fn is_name(attribute: &str) -> bool {
    !attribute.is_empty() && attribute.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// An attribute's value; an empty one is taken for none.
fn held(value: Option<&Value>, absent: Claim) -> Claim {
    match value {
        Some(Value::String(text)) if !text.is_empty() => Claim::Is(text.clone()),
        Some(Value::String(_) | Value::Null) | None => absent,
        Some(_) => Claim::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn expressions() {
        let profile = map(json!({"email": "d@e.f", "login": "dev1", "empty": "", "none": null, "cost": 7}));
        let app_profile = map(json!({"name": "Dev"}));
        let words =
            Words { user_name: Some("dev1"), app_profile: &app_profile, profile: Some(&profile), client_id: "0oa1" };
        let is = |text: &str| Claim::Is(text.to_owned());
        for (expression, expected) in [
            ("(appuser != null) ? appuser.userName : app.clientId", is("dev1")),
            ("user.email", is("d@e.f")),
            (" user.login ", is("dev1")),
            ("user.empty", Claim::Missing),
            ("user.none", Claim::Missing),
            ("user.nowhere", Claim::Missing),
            ("user.cost", Claim::Unknown),
            ("appuser.name", is("Dev")),
            ("appuser.other", Claim::Unknown),
            ("app.clientId", is("0oa1")),
            ("\"fixed\"", is("fixed")),
            ("'a' + 'b'", Claim::Unknown),
            ("String.toLowerCase(user.email)", Claim::Unknown),
            ("user.email + \"x\"", Claim::Unknown),
            ("user.isMember ? user.email : null", Claim::Unknown),
            ("", Claim::Unknown),
        ] {
            assert_eq!(evaluate(expression, &words), expected, "{expression}");
        }
        let unread = Words { profile: None, ..words };
        assert_eq!(evaluate("user.email", &unread), Claim::Unknown);
    }

    #[test]
    fn a_claim_is_carried_where_nothing_stands_against_it() {
        for (scopes, status, kind, expected) in [
            (json!([]), "ACTIVE", "RESOURCE", true),
            (json!(["session:role-any"]), "ACTIVE", "RESOURCE", true),
            (json!(["email", "offline_access"]), "ACTIVE", "RESOURCE", true),
            (json!(["openid"]), "ACTIVE", "RESOURCE", false),
            (json!(["email"]), "ACTIVE", "RESOURCE", false),
            (json!([]), "INACTIVE", "RESOURCE", false),
            (json!([]), "ACTIVE", "IDENTITY", false),
        ] {
            let raw = json!({"id": "ocl1", "name": "email", "status": status, "claimType": kind,
                "conditions": {"scopes": scopes}});
            let claim: ServerClaim = serde_json::from_value(raw.clone()).expect("a claim");
            assert_eq!(carried_by_every_token(&claim), expected, "{raw}");
        }
    }

    proptest! {
        #[test]
        fn no_expression_panics(expression in "\\PC{0,40}") {
            let empty = Map::new();
            let words = Words { user_name: None, app_profile: &empty, profile: Some(&empty), client_id: "0oa1" };
            evaluate(&expression, &words);
        }
    }
}
