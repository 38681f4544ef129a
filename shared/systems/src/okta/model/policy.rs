//! Access policies of an authorization server and their rules.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{KEPT_BY_OKTA, id, replacement};
use crate::http::{flag, integer, text, texts};

/// The name that stands for the org's group of everybody in a rule.
pub const EVERYONE: &str = "EVERYONE";

/// An access policy: for whom its rules hold. The first policy that matches a client decides.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Policy {
    /// `00p…`
    pub id: String,
    /// Name.
    pub name: String,
    /// Description.
    pub description: Option<String>,
    /// `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// Place among the server's policies. Okta renumbers them, so it is not worth comparing with a wish.
    pub priority: Option<i64>,
    /// Client ids, or `ALL_CLIENTS`.
    pub clients: Vec<String>,
    /// Whether it comes with the server.
    pub system: bool,
    raw: Value,
}

impl TryFrom<Value> for Policy {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        Ok(Self {
            id: id(&raw)?,
            name: text(&raw, "/name").unwrap_or_default(),
            description: text(&raw, "/description"),
            status: text(&raw, "/status").unwrap_or_default(),
            priority: integer(&raw, "/priority"),
            clients: texts(&raw, "/conditions/clients/include"),
            system: flag(&raw, "/system").unwrap_or_default(),
            raw,
        })
    }
}

impl Policy {
    /// Whether it is in force.
    pub fn is_active(&self) -> bool {
        self.status == "ACTIVE"
    }

    pub(crate) fn replacement(&self, wanted: &PolicySpec) -> Value {
        let mut body = replacement(&self.raw, &KEPT_BY_OKTA, wanted.body());
        body["status"] = self.status.clone().into();
        body
    }
}

/// What we state of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySpec {
    /// Name, 1 to 100 characters.
    pub name: String,
    /// Description, 1 to 255 characters.
    pub description: String,
    /// The clients that it is for.
    pub clients: Vec<String>,
}

impl PolicySpec {
    /// The wish, without a priority: a policy for one client competes with none, and Okta renumbers.
    fn body(&self) -> Value {
        json!({
            "type": "OAUTH_AUTHORIZATION_POLICY",
            "name": self.name,
            "description": self.description,
            "conditions": {"clients": {"include": self.clients}},
        })
    }

    /// The body of a create. It starts active and first: a policy for all clients before it would decide instead.
    pub(crate) fn create_body(&self) -> Value {
        let mut body = self.body();
        body["status"] = "ACTIVE".into();
        body["priority"] = 1.into();
        body
    }
}

/// A rule: what a client may get, and the lifetimes. The first rule that matches decides.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Rule {
    /// `0pr…`
    pub id: String,
    /// Name.
    pub name: String,
    /// `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// Place among the policy's rules; renumbered by Okta.
    pub priority: Option<i64>,
    /// Whether it cannot be deleted.
    pub system: bool,
    /// The groups that it is for: ids, or [`EVERYONE`].
    pub groups: Vec<String>,
    /// The people that it is for besides the groups.
    pub users: Vec<String>,
    /// The groups that it is not for, whatever includes their members.
    pub groups_excluded: Vec<String>,
    /// The people that it is not for, whatever includes them.
    pub users_excluded: Vec<String>,
    /// Grant types.
    pub grant_types: Vec<String>,
    /// Scopes, or `*`.
    pub scopes: Vec<String>,
    /// Lifetime of access tokens in minutes.
    pub access_minutes: Option<i64>,
    /// Lifetime of refresh tokens in minutes; 0: unlimited.
    pub refresh_minutes: Option<i64>,
    /// A refresh token that is not used for so many minutes ends. Seven days unless stated.
    pub idle_minutes: Option<i64>,
    raw: Value,
}

impl TryFrom<Value> for Rule {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        Ok(Self {
            id: id(&raw)?,
            name: text(&raw, "/name").unwrap_or_default(),
            status: text(&raw, "/status").unwrap_or_default(),
            priority: integer(&raw, "/priority"),
            system: flag(&raw, "/system").unwrap_or_default(),
            groups: texts(&raw, "/conditions/people/groups/include"),
            users: texts(&raw, "/conditions/people/users/include"),
            groups_excluded: texts(&raw, "/conditions/people/groups/exclude"),
            users_excluded: texts(&raw, "/conditions/people/users/exclude"),
            grant_types: texts(&raw, "/conditions/grantTypes/include"),
            scopes: texts(&raw, "/conditions/scopes/include"),
            access_minutes: integer(&raw, "/actions/token/accessTokenLifetimeMinutes"),
            refresh_minutes: integer(&raw, "/actions/token/refreshTokenLifetimeMinutes"),
            idle_minutes: integer(&raw, "/actions/token/refreshTokenWindowMinutes"),
            raw,
        })
    }
}

impl Rule {
    /// Whether it is in force.
    pub fn is_active(&self) -> bool {
        self.status == "ACTIVE"
    }

    pub(crate) fn replacement(&self, wanted: &RuleSpec) -> Value {
        let mut body = replacement(&self.raw, &KEPT_BY_OKTA, wanted.body());
        body["status"] = self.status.clone().into();
        body
    }
}

/// What we state of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleSpec {
    /// Name.
    pub name: String,
    /// Group ids, or [`EVERYONE`].
    pub groups: Vec<String>,
    /// Grant types. `authorization_code` covers the refresh that follows.
    pub grant_types: Vec<String>,
    /// Scopes, or `*`. A list must have `openid` and `offline_access`, or refreshing fails.
    pub scopes: Vec<String>,
    /// Lifetime of access tokens in minutes, 5 to 1440.
    pub access_minutes: u32,
    /// Lifetime of refresh tokens in minutes; 0: unlimited.
    pub refresh_minutes: u32,
    /// End of an unused refresh token in minutes. With a limited lifetime: access ≤ idle ≤ refresh.
    pub idle_minutes: u32,
}

impl RuleSpec {
    /// All arrays of `people` are sent, as the console does: a rule without them cannot be edited there (provider pull
    /// request #1248).
    pub(crate) fn body(&self) -> Value {
        json!({
            "type": "RESOURCE_ACCESS",
            "name": self.name,
            "conditions": {
                "people": {
                    "users": {"include": [], "exclude": []},
                    "groups": {"include": self.groups, "exclude": []},
                },
                "grantTypes": {"include": self.grant_types},
                "scopes": {"include": self.scopes},
            },
            "actions": {"token": {
                "accessTokenLifetimeMinutes": self.access_minutes,
                "refreshTokenLifetimeMinutes": self.refresh_minutes,
                "refreshTokenWindowMinutes": self.idle_minutes,
            }},
        })
    }

    pub(crate) fn create_body(&self) -> Value {
        let mut body = self.body();
        body["status"] = "ACTIVE".into();
        body["priority"] = 1.into();
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_keeps_its_status_place_and_hooks() {
        let raw = json!({
            "id": "0pr1", "status": "INACTIVE", "name": "old", "priority": 3, "system": false,
            "conditions": {"people": {"users": {"exclude": ["00u1"]}, "groups": {"include": ["EVERYONE"]}}},
            "actions": {"token": {"accessTokenLifetimeMinutes": 60, "inlineHook": {"id": "cal1"}}}
        });
        let rule: Rule = serde_json::from_value(raw).expect("a rule");
        let spec = RuleSpec {
            name: "new".into(),
            groups: vec![EVERYONE.into()],
            grant_types: vec!["authorization_code".into()],
            scopes: vec!["*".into()],
            access_minutes: 30,
            refresh_minutes: 129_600,
            idle_minutes: 129_600,
        };
        let body = rule.replacement(&spec);
        assert_eq!((&body["status"], &body["priority"]), (&json!("INACTIVE"), &json!(3)));
        assert_eq!(body["actions"]["token"]["inlineHook"], json!({"id": "cal1"}));
        assert_eq!(body["actions"]["token"]["refreshTokenWindowMinutes"], 129_600);
        assert_eq!(body["conditions"]["people"]["users"]["exclude"], json!([]));
        assert!(body.get("id").is_none());
    }
}
