//! The account itself: access, rights, projects, private endpoints, people with saved passwords.

use extoauth_core::error::{CallError, CallResult, ErrorKind};
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use super::envelope::Listed;
use super::{Environment, Read};
use crate::http::{Call, null_default};
use crate::{Right, RightState};

/// A project.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Project {
    /// Id.
    pub id: u64,
    /// Name.
    #[serde(default, deserialize_with = "null_default")]
    pub name: String,
}

/// What an account may use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct AccountPlan {
    /// The account's id.
    pub id: u64,
    /// Its plan: `enterprise_2025`, `team_2022`, `trial` …; empty where dbt does not tell it.
    #[serde(default, deserialize_with = "null_default")]
    pub plan: String,
    /// Whether dbt has locked the account (an unpaid bill, an ended trial).
    #[serde(default, deserialize_with = "null_default")]
    pub locked: bool,
}

/// A private endpoint (PrivateLink) of the account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PrivateEndpoint {
    /// Id, as connections name it.
    pub id: String,
    /// Name.
    #[serde(default)]
    pub name: Option<String>,
    /// Kind: `Redshift` …
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// The DNS entry within dbt's network.
    #[serde(default)]
    pub private_link_endpoint: Option<String>,
    /// State of the endpoint.
    #[serde(default)]
    pub endpoint_state: Option<String>,
    /// Whether it connects.
    #[serde(default)]
    pub connectivity_status: Option<String>,
}

#[derive(Deserialize)]
struct Account {
    id: u64,
}

#[derive(Deserialize)]
struct ProjectCredential {
    id: u64,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    auth_type: Option<String>,
    #[serde(default)]
    state: Option<i64>,
}

impl Read {
    /// Makes sure that the token sees the account: a good token of another account, or one shut out by the account's
    /// IP restrictions, gets a list without it.
    ///
    /// # Errors
    /// `Unauthorized` for a bad token, `IpRestricted` or `Forbidden` where the account is out of reach.
    pub async fn account_access(&self) -> CallResult<()> {
        const OPERATION: &str = "list accounts";
        let url = self.0.endpoint.url_slash(OPERATION, &["api", "v3", "accounts"])?;
        let call = Call::new(OPERATION, Method::GET, url).signed(&*self.0);
        let accounts: Listed<Account> = self.send(&call).await?.json()?;
        if accounts.data.iter().any(|a| a.id == self.account()) {
            return Ok(());
        }
        let message = "the token is good but does not see this account: it belongs to another one, lacks permissions, \
                       or the account's IP restrictions refuse this function's address";
        Err(CallError::new(ErrorKind::Forbidden, self.system().clone(), OPERATION, message)
            .on(self.account().to_string()))
    }

    /// The account's plan, as every token of the account may see it.
    ///
    /// # Errors
    /// `Forbidden` where the list lacks the account; else as every call.
    pub async fn plan(&self) -> CallResult<AccountPlan> {
        const OPERATION: &str = "read the account's plan";
        let url = self.0.endpoint.url_slash(OPERATION, &["api", "v3", "accounts"])?;
        let call = Call::new(OPERATION, Method::GET, url).signed(&*self.0);
        let accounts: Listed<AccountPlan> = self.send(&call).await?.json()?;
        accounts.data.into_iter().find(|account| account.id == self.account()).ok_or_else(|| {
            let message = "the token does not see this account";
            CallError::new(ErrorKind::Forbidden, self.system().clone(), OPERATION, message)
                .on(self.account().to_string())
        })
    }

    /// The rights by feature, as far as reading shows them. Whether the token may write shows only in writing: dbt has
    /// no call that tells.
    ///
    /// # Errors
    /// If the account cannot be asked at all.
    pub async fn rights(&self) -> CallResult<Vec<Right>> {
        self.account_access().await?;
        let (oauth, connections, projects) = futures::join!(
            self.may_read("OAuth configurations", "oauth-configurations"),
            self.may_read("connections", "connections"),
            self.may_read("projects and environments", "projects"),
        );
        let mut rights = vec![oauth?, connections?, projects?];
        rights.push(Right::new(
            "writing OAuth configurations, connections and environments",
            "account_admin",
            RightState::Unknown,
            "dbt shows a token's permission sets to nobody but account admins in the console; the first write tells",
        ));
        Ok(rights)
    }

    async fn may_read(&self, feature: &'static str, collection: &'static str) -> CallResult<Right> {
        let mut call = self.call("read one object", Method::GET, &[collection])?.on(collection);
        call.url.query_pairs_mut().append_pair("limit", "1");
        match self.send(&call).await {
            Ok(_) => Ok(Right::new(feature, collection, RightState::Have, "")),
            Err(e) if matches!(e.kind, ErrorKind::Forbidden | ErrorKind::IpRestricted | ErrorKind::NotFound) => {
                Ok(Right::new(feature, collection, RightState::Missing, e.message))
            }
            Err(e) => Err(e),
        }
    }

    /// The account's projects.
    ///
    /// # Errors
    /// As every call.
    pub async fn projects(&self) -> CallResult<Vec<Project>> {
        self.list("list projects", &["projects"], &[]).await
    }

    /// The account's private endpoints.
    ///
    /// # Errors
    /// As every call.
    pub async fn private_endpoints(&self) -> CallResult<Vec<PrivateEndpoint>> {
        self.list("list private endpoints", &["private-endpoints"], &[]).await
    }

    /// How many people of a project have a warehouse password saved, as far as a service token can see: the project's
    /// Redshift credentials with a password that no environment uses itself. Whose they are is shown to each person
    /// alone. `None` where the token may not read them.
    ///
    /// # Errors
    /// As every call, but for missing rights.
    pub async fn saved_passwords(&self, project: u64, environments: &[Environment]) -> CallResult<Option<usize>> {
        let id = project.to_string();
        let rows: Vec<Value> = match self.list("list project credentials", &["projects", &id, "credentials"], &[]).await
        {
            Ok(rows) => rows,
            Err(e) if matches!(e.kind, ErrorKind::Forbidden | ErrorKind::NotFound) => return Ok(None),
            Err(e) => return Err(e),
        };
        let rows = rows.into_iter().filter_map(|row| serde_json::from_value::<ProjectCredential>(row).ok());
        Ok(Some(rows.filter(|row| is_password_of_a_person(row, environments)).count()))
    }
}

/// The provider still leaves `auth_type` out, which means a password.
fn is_password_of_a_person(row: &ProjectCredential, environments: &[Environment]) -> bool {
    row.state != Some(2)
        && row.kind.as_deref().is_none_or(|k| k == "redshift")
        && row.auth_type.as_deref().is_none_or(|a| a == "password")
        && !environments.iter().any(|e| e.credentials_id == Some(row.id))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn passwords_of_people() {
        let environment = serde_json::from_value(json!({"id": 1, "project_id": 2, "credentials_id": 80}));
        let environments = [environment.expect("an environment")];
        let table = [
            (json!({"id": 81, "type": "redshift", "auth_type": "password", "state": 1}), true),
            (json!({"id": 81, "type": "redshift"}), true),
            (json!({"id": 80, "type": "redshift", "auth_type": "password", "state": 1}), false),
            (json!({"id": 81, "type": "redshift", "auth_type": "external_oauth", "state": 1}), false),
            (json!({"id": 81, "type": "snowflake", "auth_type": "password"}), false),
            (json!({"id": 81, "type": "redshift", "auth_type": "password", "state": 2}), false),
        ];
        for (row, counts) in table {
            let credential = serde_json::from_value(row.clone()).expect("a credential");
            assert_eq!(is_password_of_a_person(&credential, &environments), counts, "{row}");
        }
    }
}
