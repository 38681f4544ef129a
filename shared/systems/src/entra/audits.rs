//! The directory's audit log: who changed an application, a service principal, a grant or a credential. Entries come some
//! minutes late, and are kept for 30 days (7 without a licence; Microsoft Entra, "data retention").

use extoauth_core::error::CallResult;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::Read;
use super::odata::quoted;
use super::permission::Permission;
use crate::http::text;

/// An entry. What it holds of names is the tenant's text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Value")]
pub struct Audit {
    /// Its id.
    pub id: String,
    /// What was done, such as `Update application - Certificates and secrets management`: with a plain hyphen, although
    /// Entra writes a dash into some of these names and its documentation does not.
    pub activity: String,
    /// When.
    pub at: Option<Timestamp>,
    /// Who did it: the name that a person signs in with, or an app's.
    pub actor: Option<String>,
    /// Object ids of what it was done to.
    pub targets: Vec<String>,
    /// Whether it was done, and not refused.
    pub done: bool,
}

impl From<Value> for Audit {
    fn from(raw: Value) -> Self {
        let word = |path: &str| text(&raw, path).unwrap_or_default();
        let named = |path: &str| text(&raw, path).filter(|name| !name.is_empty());
        let actor = ["user/userPrincipalName", "user/displayName", "app/displayName", "app/appId"]
            .iter()
            .find_map(|path| named(&format!("/initiatedBy/{path}")));
        let targets = raw.get("targetResources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        Self {
            id: word("/id"),
            activity: word("/activityDisplayName").replace('\u{2013}', "-"),
            at: word("/activityDateTime").parse().ok(),
            actor,
            targets: targets.iter().filter_map(|target| text(target, "/id")).collect(),
            done: word("/result") != "failure",
        }
    }
}

impl Read {
    /// What was done to an object since a time, the latest first; at most `at_most` entries.
    ///
    /// # Errors
    /// `Forbidden` without `AuditLog.Read.All`.
    pub async fn audits_of(&self, object: &str, since: Timestamp, at_most: usize) -> CallResult<Vec<Audit>> {
        // Graph takes whole seconds everywhere.
        let since = since.strftime("%Y-%m-%dT%H:%M:%SZ");
        let filter = format!("activityDateTime ge {since} and targetResources/any(t:t/id eq {})", quoted(object));
        let query = [("$filter", filter.as_str()), ("$orderby", "activityDateTime desc"), ("$top", "100")];
        let path = ["auditLogs", "directoryAudits"];
        let operation = "read audits of object";
        let mut found: Vec<Audit> =
            self.pages(operation, Permission::ReadAudits, &path, &query, object, at_most).await?;
        found.truncate(at_most);
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_names_its_actor() {
        let entry = |by: Value| {
            Audit::from(json!({"id": "a", "activityDateTime": "2026-03-01T10:00:00.1234567Z", "result": "success",
                "activityDisplayName": "Update application \u{2013} Certificates and secrets management ",
                "initiatedBy": by, "targetResources": [{"id": "o1", "type": "Application"}, {"type": "Other"}]}))
        };
        let person = entry(json!({"user": {"userPrincipalName": "ada@example.com", "displayName": null}, "app": null}));
        assert_eq!(person.actor.as_deref(), Some("ada@example.com"));
        assert_eq!(person.activity.trim_end(), "Update application - Certificates and secrets management");
        assert_eq!((person.targets, person.done), (vec!["o1".to_owned()], true));
        assert_eq!(person.at.map(Timestamp::as_second), Some(1_772_359_200));
        let app = entry(json!({"user": null, "app": {"displayName": "", "appId": "11-22"}}));
        assert_eq!(app.actor.as_deref(), Some("11-22"));
        assert_eq!(Audit::from(json!({})).actor, None);
    }
}
