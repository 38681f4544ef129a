//! The warehouse itself, asked by SQL through Redshift's Data API: a statement is handed in, waited for, and its result
//! read, a page at a time (Redshift Data API reference).

use std::time::Duration;

use aws_sdk_redshiftdata::types::{Field, StatusString};
use extoauth_core::error::{CallError, CallResult, ErrorKind};
use extoauth_core::systems::{DataApiSettings, SystemId};
use tokio::time::{Instant, sleep};

use super::registrations::{IdentityProvider, SQL, Unclear, told};
use crate::aws::{Call, Caller, Session};

/// How long one call lets AWS wait for the statement, in seconds: 1 to 30, and less than one attempt may take.
const WAIT: i32 = 8;
/// The end of all waiting: a serverless warehouse that sleeps wakes up well before.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at a statement.
const BETWEEN: Duration = Duration::from_millis(500);
/// More pages than the identity providers of a warehouse fill.
const PAGES: usize = 20;

/// Asks a warehouse by SQL.
#[derive(Clone, Debug)]
pub struct DataApi {
    caller: Caller,
    client: aws_sdk_redshiftdata::Client,
    settings: DataApiSettings,
}

impl DataApi {
    /// A reader in the session's region. Nothing is sent.
    pub fn new(session: &Session, system: SystemId, settings: &DataApiSettings) -> Self {
        Self {
            caller: session.caller(system),
            client: aws_sdk_redshiftdata::Client::new(session.config()),
            settings: settings.clone(),
        }
    }

    /// The identity providers of the type `AWSIDC` that the warehouse is registered with.
    ///
    /// # Errors
    /// `Forbidden` with what is missing: an IAM action, or that the database user is a superuser. `Invalid` with the
    /// database's words where it refuses the statement. Never `NotFound`: a warehouse that is not there says nothing of
    /// its registration.
    pub async fn identity_providers(&self) -> CallResult<Vec<IdentityProvider>> {
        let rows = self.rows().await.map_err(|mut error| {
            if error.is_not_found() {
                error.kind = ErrorKind::Invalid;
            }
            error
        })?;
        let call = self.call("ask the warehouse for its identity providers", "redshift-data:GetStatementResult");
        told(&rows).map_err(|unclear| match unclear {
            Unclear::NotSuperuser => self.caller.error(&call, ErrorKind::Forbidden, self.superuser_needed()),
            Unclear::Incomplete => self.caller.incomplete(&call, "whole row of the database user"),
        })
    }

    async fn rows(&self) -> CallResult<Vec<Vec<Field>>> {
        let id = self.execute().await?;
        let call = self.call("read the result of the statement", "redshift-data:GetStatementResult");
        let mut rows = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..PAGES {
            let request = || self.client.get_statement_result().id(&id).set_next_token(token.clone());
            let page = self.caller.send(call, || request().send()).await?;
            rows.extend_from_slice(page.records());
            token = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                return Ok(rows);
            }
        }
        Err(self.caller.error(&call, ErrorKind::Invalid, "the result does not end"))
    }

    /// Hands the statement in and waits until it is through; its id.
    async fn execute(&self) -> CallResult<String> {
        let (right, settings) = (self.right(), &self.settings);
        // It only reads: doing it twice is harmless.
        let call = self.call("ask the warehouse for its identity providers", &right);
        let request = || {
            self.client
                .execute_statement()
                .sql(SQL)
                .set_workgroup_name(settings.workgroup_name.clone())
                .set_cluster_identifier(settings.cluster_identifier.clone())
                .database(&settings.database)
                .set_secret_arn(settings.secret_arn.clone())
                .set_db_user(settings.db_user.clone())
                .wait_time_seconds(WAIT)
        };
        let taken = self.caller.send(call, || request().send()).await?;
        let id = taken.id().ok_or_else(|| self.caller.incomplete(&call, "id of the statement"))?.to_owned();
        // One that failed says why only when it is described.
        if taken.status().is_none_or(|status| status.as_str() != StatusString::Finished.as_str()) {
            self.finished(&id).await?;
        }
        Ok(id)
    }

    async fn finished(&self, id: &str) -> CallResult<()> {
        let call = self.call("wait for the statement", "redshift-data:DescribeStatement");
        let end = Instant::now() + PATIENCE;
        loop {
            let request = || self.client.describe_statement().id(id).wait_time_seconds(WAIT);
            let described = self.caller.send(call, || request().send()).await?;
            match described.status() {
                Some(StatusString::Finished) => return Ok(()),
                Some(StatusString::Failed) => {
                    return Err(self.failed(&call, described.error().unwrap_or("it gives no reason")));
                }
                Some(StatusString::Aborted) => {
                    return Err(self.caller.error(&call, ErrorKind::Unavailable, "the statement was cancelled"));
                }
                _ if Instant::now() >= end => {
                    return Err(self.caller.error(&call, ErrorKind::Unavailable, "the statement does not end"));
                }
                // Submitted, picked, started, or a state that is not known yet.
                _ => sleep(BETWEEN).await,
            }
        }
    }

    /// A statement that failed: of the database's own words, or of AWS's where the login did not succeed.
    fn failed(&self, call: &Call<'_>, reason: &str) -> CallError {
        let lower = reason.to_ascii_lowercase();
        if lower.contains("permission denied") {
            let message = format!("{reason}; {}", self.superuser_needed());
            return self.caller.error(call, ErrorKind::Forbidden, message);
        }
        if lower.contains("not authorized to perform") {
            let message = format!("{reason}; needs {}", self.right());
            return self.caller.error(call, ErrorKind::Forbidden, message);
        }
        self.caller.error(call, ErrorKind::Invalid, reason)
    }

    fn superuser_needed(&self) -> String {
        let user = match (&self.settings.secret_arn, &self.settings.db_user) {
            (Some(arn), _) => format!("the user of the secret {arn}"),
            (None, Some(user)) => format!("the user {user}"),
            (None, None) => "the user of our IAM role, without a secret in the configuration,".to_owned(),
        };
        format!("only a superuser of the database sees its identity providers, and {user} is none")
    }

    /// What handing in a statement needs: its own action, and what its login needs.
    fn right(&self) -> String {
        let settings = &self.settings;
        let login = match (&settings.secret_arn, &settings.db_user) {
            (Some(arn), _) => format!("secretsmanager:GetSecretValue of {arn}"),
            (None, Some(user)) => format!("redshift:GetClusterCredentials of the database user {user}"),
            (None, None) => "redshift-serverless:GetCredentials of the workgroup".to_owned(),
        };
        format!("redshift-data:ExecuteStatement, and {login}")
    }

    fn call<'a>(&'a self, operation: &'a str, action: &'a str) -> Call<'a> {
        let settings = &self.settings;
        let warehouse = settings.workgroup_name.as_deref().or(settings.cluster_identifier.as_deref());
        Call::read(operation, action, warehouse.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use aws_config::SdkConfig;
    use extoauth_core::systems::SystemKind;

    use super::*;
    use crate::aws::SharedDeadline;

    fn api(secret_arn: Option<&str>, db_user: Option<&str>) -> DataApi {
        let base = SdkConfig::builder().behavior_version(aws_config::BehaviorVersion::latest()).build();
        let session = Session::new(&base, Some("us-east-1"), &SharedDeadline::default());
        let settings = DataApiSettings {
            workgroup_name: db_user.is_none().then(|| "wg".to_owned()),
            cluster_identifier: db_user.map(|_| "cluster".to_owned()),
            database: "dev".to_owned(),
            secret_arn: secret_arn.map(str::to_owned),
            db_user: db_user.map(str::to_owned),
        };
        DataApi::new(&session, SystemId::new(SystemKind::Redshift, "main"), &settings)
    }

    #[test]
    fn a_failed_statement_names_what_is_missing() {
        let table = [
            (None, None, "ERROR: permission denied for relation svv_identity_providers", "superuser"),
            (Some("arn:s"), None, "ERROR: permission denied for x", "the user of the secret arn:s is none"),
            (None, Some("bob"), "User: x is not authorized to perform: redshift:GetClusterCredentials", "user bob"),
            (None, None, "x is not authorized to perform: y", "redshift-serverless:GetCredentials"),
        ];
        for (secret, user, reason, named) in table {
            let api = api(secret, user);
            let error = api.failed(&api.call("ask", "a"), reason);
            assert_eq!(error.kind, ErrorKind::Forbidden, "{reason}");
            assert!(error.message.contains(reason) && error.message.contains(named), "{}", error.message);
        }
        let api = api(None, None);
        let error = api.failed(&api.call("ask", "a"), "FATAL: database \"x\" does not exist");
        assert_eq!(error.kind, ErrorKind::Invalid);
        assert_eq!(error.object, "wg");
    }
}
