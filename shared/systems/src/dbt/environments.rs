//! Environments of a project. dbt replaces one as a whole: what is left out is reset, so every field that it takes is
//! sent back as it was read, and nothing else (nested objects that a read shows are refused).

use extoauth_core::error::{CallError, CallResult, ErrorKind};
use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::oauth::{id, reference};
use super::{Read, Write};
use crate::http::{Written, integer, text, time};

/// The fields that an environment's replace takes, besides the ids of account and project.
const WRITABLE: [&str; 15] = [
    "name",
    "dbt_version",
    "type",
    "use_custom_branch",
    "custom_branch",
    "supports_docs",
    "deployment_type",
    "enable_model_query_history",
    "enable_dbt_state",
    "state",
    "connection_id",
    "credentials_id",
    "extended_attributes_id",
    "primary_profile_id",
    "project_id",
];

/// An environment.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Environment {
    /// Id.
    pub id: u64,
    /// The project's id.
    pub project_id: u64,
    /// Name.
    pub name: String,
    /// `development` or `deployment`. A project has one development environment.
    pub kind: String,
    /// Version of dbt, or a track: `latest`, `compatible`, `fusion-latest` …
    pub dbt_version: String,
    /// The connection.
    pub connection_id: Option<u64>,
    /// The credential of a deployment environment.
    pub credentials_id: Option<u64>,
    /// Extended attributes, which override the connection's.
    pub extended_attributes_id: Option<u64>,
    /// The profile that a deployment environment takes connection and credential from.
    pub primary_profile_id: Option<u64>,
    /// 1: active, 2: deleted.
    pub state: Option<i64>,
    /// Last change.
    pub updated_at: Option<Timestamp>,
    raw: Value,
}

impl TryFrom<Value> for Environment {
    type Error = &'static str;

    fn try_from(raw: Value) -> Result<Self, Self::Error> {
        let raw = match raw {
            // Credentials and project come nested; nothing of them is kept here.
            Value::Object(mut members) => {
                members.retain(|_, v| !v.is_object());
                Value::Object(members)
            }
            other => other,
        };
        Ok(Self {
            id: id(&raw)?,
            project_id: reference(&raw, "/project_id").ok_or("an environment without project")?,
            name: text(&raw, "/name").unwrap_or_default(),
            kind: text(&raw, "/type").unwrap_or_default(),
            dbt_version: text(&raw, "/dbt_version").unwrap_or_default(),
            connection_id: reference(&raw, "/connection_id"),
            credentials_id: reference(&raw, "/credentials_id"),
            extended_attributes_id: reference(&raw, "/extended_attributes_id"),
            primary_profile_id: reference(&raw, "/primary_profile_id"),
            state: integer(&raw, "/state"),
            updated_at: time(&raw, "/updated_at"),
            raw,
        })
    }
}

impl Environment {
    /// Whether developers work in it.
    pub fn is_development(&self) -> bool {
        self.kind == "development"
    }

    /// Whether it runs on the Fusion engine, which has no external OAuth for Redshift (dbt-fusion issue #1571).
    pub fn is_fusion(&self) -> bool {
        self.dbt_version.to_ascii_lowercase().contains("fusion")
    }

    /// The body that replaces it with another connection and changes nothing else. Absent and null mean the same here.
    pub(crate) fn replacement(&self, connection: Option<u64>) -> Value {
        let raw = self.raw.as_object();
        let mut body: Map<String, Value> = WRITABLE
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), raw?.get(*name).filter(|v| !v.is_null())?.clone())))
            .collect();
        match connection {
            Some(id) => body.insert("connection_id".to_owned(), id.into()),
            None => body.remove("connection_id"),
        };
        Value::Object(body)
    }
}

impl Read {
    /// The active environments of a project.
    ///
    /// # Errors
    /// `NotFound` if the project is not there, or not visible to us.
    pub async fn environments(&self, project: u64) -> CallResult<Vec<Environment>> {
        let project = project.to_string();
        self.list("list environments", &["projects", &project, "environments"], &[]).await
    }

    /// One environment.
    ///
    /// # Errors
    /// `NotFound` if it is not there, or not visible to us.
    pub async fn environment(&self, project: u64, id: u64) -> CallResult<Environment> {
        let (project, id) = (project.to_string(), id.to_string());
        self.get("read environment", &["projects", &project, "environments", &id], &id).await
    }
}

impl Write {
    /// Gives an environment that was read just now another connection; everything else stays. This logs everybody out
    /// who has a password saved for the present connection.
    ///
    /// # Errors
    /// `Refused` where the environment takes its connection from a profile: dbt may write the change back onto that
    /// profile, which other environments share. `NotFound` if it is gone.
    pub async fn repoint_environment(
        &self,
        current: &Environment,
        connection: Option<u64>,
    ) -> CallResult<Written<Environment>> {
        const OPERATION: &str = "replace environment";
        let (project, id) = (current.project_id.to_string(), current.id.to_string());
        if let Some(profile) = current.primary_profile_id {
            let message = format!(
                "it takes its connection from profile {profile}, which other environments may share; take the \
                 profile off the environment first"
            );
            return Err(CallError::new(ErrorKind::Refused, self.system().clone(), OPERATION, message).on(id));
        }
        let call = self.call(OPERATION, Method::POST, &["projects", &project, "environments", &id])?;
        self.write(call.on(&id).json(self.body(current.replacement(connection))).repeatable()).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_replace_sends_back_all_that_dbt_takes_and_nothing_else() {
        let raw = json!({
            "id": 90001, "account_id": 54321, "project_id": 70001, "name": "Development", "type": "development",
            "dbt_version": "latest", "raw_dbt_version": "latest", "use_custom_branch": true, "custom_branch": "main",
            "supports_docs": false, "state": 1, "connection_id": 1, "credentials_id": null,
            "extended_attributes_id": 12, "enable_dbt_state": true, "deployment_type": null,
            "credentials": {"id": 5, "password": "canary"}, "project": {"id": 70001}, "fusion_readiness": null,
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-02T00:00:00Z"
        });
        let environment: Environment = serde_json::from_value(raw).expect("an environment");
        assert!(environment.is_development() && !environment.is_fusion());
        assert!(!format!("{environment:?}").contains("canary"));
        let wanted = json!({
            "project_id": 70001, "name": "Development", "type": "development", "dbt_version": "latest",
            "use_custom_branch": true, "custom_branch": "main", "supports_docs": false, "state": 1,
            "connection_id": 2, "extended_attributes_id": 12, "enable_dbt_state": true
        });
        assert_eq!(environment.replacement(Some(2)), wanted);
        assert!(environment.replacement(None).get("connection_id").is_none());
    }

    #[test]
    fn every_fusion_track_is_known() {
        for (version, fusion) in [("fusion-latest", true), ("latest-fusion", true), ("Fusion", true), ("latest", false)]
        {
            let raw = json!({"id": 1, "project_id": 2, "dbt_version": version});
            let environment: Environment = serde_json::from_value(raw).expect("an environment");
            assert_eq!(environment.is_fusion(), fusion, "{version}");
        }
    }
}
