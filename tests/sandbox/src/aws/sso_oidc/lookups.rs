//! What the exchange asks the rest of the world.

use futures::future::BoxFuture;
use serde_json::Value;

/// The issuer's published documents and the identity store, as Identity Center sees them. Errors are sentences for
/// [`super::SsoOidc::last_refusals`]; callers of the API never see them.
pub trait Lookups: Send + Sync + 'static {
    /// A public JSON document.
    fn get_json<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Value, String>>;

    /// Ids of the users whose attribute at `path` (`userName`, `emails.value`, `name.givenName`, …) equals `value`.
    fn users_by<'a>(&'a self, path: &'a str, value: &'a str) -> BoxFuture<'a, Result<Vec<String>, String>>;

    /// Ids of the groups that a user is in.
    fn groups_of<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<Vec<String>, String>>;
}

/// The values at an attribute path of a user as the identity store shows it (`UserName`, `Emails[].Value`): names are
/// compared without case, lists are looked through.
pub fn attribute_values<'a>(user: &'a Value, path: &str) -> Vec<&'a str> {
    let mut found = vec![user];
    for segment in path.split('.') {
        found = found
            .into_iter()
            .flat_map(|value| match value {
                Value::Array(entries) => entries.iter().collect(),
                other => vec![other],
            })
            .filter_map(Value::as_object)
            .flat_map(|object| object.iter().filter(|(name, _)| name.eq_ignore_ascii_case(segment)))
            .map(|(_, value)| value)
            .collect();
    }
    found.into_iter().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::attribute_values;
    use serde_json::json;

    #[test]
    fn attributes_are_found_by_their_path() {
        let user = json!({
            "UserName": "dev1@example.com",
            "Name": {"GivenName": "Dev"},
            "Emails": [{"Value": "a@example.com"}, {"Value": "b@example.com"}],
        });
        assert_eq!(attribute_values(&user, "userName"), ["dev1@example.com"]);
        assert_eq!(attribute_values(&user, "name.givenName"), ["Dev"]);
        assert_eq!(attribute_values(&user, "emails.value"), ["a@example.com", "b@example.com"]);
        assert!(attribute_values(&user, "title").is_empty());
    }
}
