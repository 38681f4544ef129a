//! Token lifetime policies: all that Entra has of a lifetime. They set the access token's; refresh tokens live by rules of
//! Microsoft's own since 30 January 2021 (Microsoft identity platform, "Configurable token lifetimes").

use extoauth_core::error::CallResult;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::Value;

use super::Read;
use super::model::required;
use super::permission::Permission;
use crate::http::{flag, text};

/// A token lifetime policy.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct TokenLifetimePolicy {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it is the organisation's: then it goes before one that is assigned to an app.
    pub is_organization_default: bool,
    /// How long access tokens live; `None`: it says nothing of that, or nothing that can be read.
    pub access_token: Option<SignedDuration>,
}

impl TryFrom<Value> for TokenLifetimePolicy {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        // The definition is a list of one text, which is JSON itself.
        let definition = raw.pointer("/definition/0").and_then(Value::as_str);
        let definition = definition.and_then(|text| serde_json::from_str::<Value>(text).ok()).unwrap_or_default();
        let access = text(&definition, "/TokenLifetimePolicy/AccessTokenLifetime");
        Ok(Self {
            id: required(&raw, "id", "a token lifetime policy without id")?,
            name: text(&raw, "/displayName").unwrap_or_default(),
            is_organization_default: flag(&raw, "/isOrganizationDefault").unwrap_or_default(),
            access_token: access.as_deref().and_then(span),
        })
    }
}

/// A time span as .NET writes it: `[D.]H:MM:SS`.
fn span(text: &str) -> Option<SignedDuration> {
    let (days, time) = match text.split_once('.') {
        Some((days, time)) if time.contains(':') => (days.parse::<u32>().ok()?, time),
        _ => (0, text),
    };
    let mut parts = time.splitn(3, ':').map(|part| part.parse::<u32>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    let whole = |count: u32, unit: i64| i64::from(count) * unit;
    Some(SignedDuration::from_secs(whole(days, 86_400) + whole(hours, 3_600) + whole(minutes, 60) + i64::from(seconds)))
}

impl Read {
    /// All token lifetime policies of the tenant.
    ///
    /// # Errors
    /// `Forbidden` without `Policy.Read.All`.
    pub async fn token_lifetime_policies(&self) -> CallResult<Vec<TokenLifetimePolicy>> {
        let path = ["policies", "tokenLifetimePolicies"];
        self.list("list token lifetime policies", Permission::ReadPolicies, &path, &[], "").await
    }

    /// The token lifetime policies that are assigned to an application, by its object id. It is the resource's policy
    /// that decides how long its access tokens live, not the client's.
    ///
    /// # Errors
    /// `Forbidden` without `Policy.Read.All`; `NotFound` if the app is not there.
    pub async fn token_lifetime_policies_of(&self, application: &str) -> CallResult<Vec<TokenLifetimePolicy>> {
        let path = ["applications", application, "tokenLifetimePolicies"];
        let operation = "list token lifetime policies of application";
        self.list(operation, Permission::ReadPolicies, &path, &[], application).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spans_are_read_or_not() {
        let hours = |hours: i64| Some(SignedDuration::from_hours(hours));
        let table = [
            ("1:00:00", hours(1)),
            ("08:00:00", hours(8)),
            ("1.00:00:00", hours(24)),
            ("0.00:10:30", Some(SignedDuration::from_secs(630))),
            ("until-revoked", None),
            ("1:00", None),
            ("", None),
            ("-1:00:00", None),
            ("99999999999999:0:0", None),
        ];
        for (text, expected) in table {
            assert_eq!(span(text), expected, "{text}");
        }
    }

    #[test]
    fn a_policy_is_read_whatever_its_definition_is() {
        let policy = |definition: Value| -> TokenLifetimePolicy {
            serde_json::from_value(json!({"id": "p", "displayName": "n", "isOrganizationDefault": true,
                "definition": definition}))
            .expect("a policy")
        };
        let good = json!([r#"{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"2:00:00"}}"#]);
        assert_eq!(policy(good).access_token, Some(SignedDuration::from_hours(2)));
        for odd in [json!([]), json!(["no JSON"]), json!([r#"{"TokenLifetimePolicy":{}}"#]), Value::Null] {
            assert_eq!(policy(odd).access_token, None);
        }
    }
}
