//! What moto holds, as `GET /state` shows it.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Map, Value, json};

use super::Moto;
use crate::seed;

impl Moto {
    /// `{"secretsmanager": {…}, "identitystore": {…}}`: the services of moto that hold objects of administered systems.
    ///
    /// # Errors
    /// moto does not answer.
    pub async fn state(&self) -> anyhow::Result<Map<String, Value>> {
        let directory = json!({
            "Users": self.users().await?,
            "Groups": self.groups().await?,
            "GroupMemberships": self.memberships().await?,
        });
        let mut state = Map::new();
        state.insert("identitystore".to_owned(), json!({ seed::REDSHIFT_NAME: directory }));
        state.insert("secretsmanager".to_owned(), json!({ seed::REGION: {"SecretList": self.secrets().await?} }));
        Ok(state)
    }

    async fn secrets(&self) -> anyhow::Result<Vec<Value>> {
        let all = json!({"IncludePlannedDeletion": true});
        let mut secrets = self.list("secretsmanager", "secretsmanager.ListSecrets", all, "SecretList").await?;
        for secret in &mut secrets {
            let versions = secret.get("SecretVersionsToStages").and_then(Value::as_object).cloned().unwrap_or_default();
            let mut shown = Map::new();
            for (version, stages) in versions {
                let value = self.value(secret, &version).await?;
                if stages.as_array().is_some_and(|stages| stages.iter().any(|stage| stage == "AWSCURRENT")) {
                    secret["SecretString"] = value.clone();
                }
                shown.insert(version, json!({"VersionStages": stages, "SecretString": value}));
            }
            secret["Versions"] = Value::Object(shown);
        }
        Ok(secrets)
    }

    /// The digest of a version's value; null where it cannot be read (deleted, or not set yet).
    async fn value(&self, secret: &Value, version: &str) -> anyhow::Result<Value> {
        let body = json!({"SecretId": secret["ARN"], "VersionId": version});
        let read = self.json("secretsmanager", "secretsmanager.GetSecretValue", &body).await?;
        Ok(match read.ok().and_then(|read| read.get("SecretString").and_then(Value::as_str).map(sha256)) {
            Some(hex) => json!({"sha256": hex}),
            None => Value::Null,
        })
    }
}

/// Lower-case hex of the SHA-256 of a text.
pub(crate) fn sha256(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
