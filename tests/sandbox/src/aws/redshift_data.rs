//! Redshift's Data API: AWS JSON 1.1 at `POST /`, the operation in `x-amz-target`. Statements are handed in, have a status,
//! and keep their result (Redshift Data API reference).
//!
//! Of SQL it answers one question, with what the warehouse is registered with at that moment: columns of
//! `svv_identity_providers` (and `usesuper` of whoever asks). Who is logged in follows from the call: a secret is the
//! administrator's (its content is not looked at), a database user goes by its name, and without either the caller's role
//! is a user without any right in the database. That such a user sees no row of the view is UNCONFIRMED; the guide says
//! that superusers alone see it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::wire::{AwsError, epoch_seconds, json_answer};
use crate::redshift_wire::{ADMIN, DATABASE, IdentityProvider, RedshiftWire};
use crate::seed;
use crate::world::{CallView, Classified, System, World};

/// The rows of one page of a result.
const PAGE: usize = 2;
/// The columns that a statement may ask for.
const COLUMNS: [&str; 8] = ["usesuper", "uid", "name", "type", "instanceid", "namespc", "params", "enabled"];

/// The stand-in of `redshift-data`.
pub struct RedshiftData {
    world: Arc<World>,
    warehouse: Arc<RedshiftWire>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    statements: BTreeMap<String, Statement>,
    takes: Duration,
    denied: bool,
}

struct Statement {
    sql: String,
    created: jiff::Timestamp,
    done: Instant,
    /// Columns and rows, or the error.
    result: Result<(Vec<String>, Vec<Value>), String>,
}

impl Statement {
    fn status(&self) -> &'static str {
        match &self.result {
            _ if Instant::now() < self.done => "STARTED",
            Ok(_) => "FINISHED",
            Err(_) => "FAILED",
        }
    }
}

impl RedshiftData {
    /// The Data API of this warehouse.
    pub fn new(world: &Arc<World>, warehouse: &Arc<RedshiftWire>) -> Arc<Self> {
        Arc::new(Self { world: Arc::clone(world), warehouse: Arc::clone(warehouse), held: Mutex::default() })
    }

    /// How long a statement runs from now on.
    pub fn takes(&self, time: Duration) {
        self.lock().takes = time;
    }

    /// Whether whoever is no superuser is refused the view, instead of seeing no row of it.
    pub fn deny(&self, deny: bool) {
        self.lock().denied = deny;
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn perform(&self, operation: &str, body: &[u8]) -> Result<Value, AwsError> {
        let sent: Map<String, Value> = serde_json::from_slice(body)
            .map_err(|error| AwsError::new(400, "SerializationException", error.to_string()))?;
        match operation {
            "ExecuteStatement" => self.execute(&sent).await,
            "DescribeStatement" => self.describe(&sent).await,
            "GetStatementResult" => self.result(&sent),
            _ => Err(AwsError::new(400, "UnknownOperationException", "")),
        }
    }

    async fn execute(&self, sent: &Map<String, Value>) -> Result<Value, AwsError> {
        let text = |name: &str| sent.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let sql = text("Sql").ok_or_else(|| AwsError::validation("Sql must not be null"))?;
        let superuser = self.login(&text)?;
        let database = text("Database").ok_or_else(|| AwsError::validation("Database name is not set"))?;
        let id = Uuid::new_v4().to_string();
        let created = self.world.clock.now();
        let mut answer = json!({"Id": id, "CreatedAt": epoch_seconds(created), "Database": database});
        for member in ["WorkgroupName", "ClusterIdentifier", "SecretArn", "DbUser"] {
            if let Some(value) = text(member) {
                answer[member] = json!(value);
            }
        }
        {
            let mut held = self.lock();
            let result = if database == DATABASE {
                run(sql, superuser, held.denied, &self.warehouse.identity_providers())
            } else {
                Err(format!("FATAL: database \"{database}\" does not exist"))
            };
            let statement = Statement { sql: sql.to_owned(), created, done: Instant::now() + held.takes, result };
            held.statements.insert(id.clone(), statement);
        }
        if let Some(status) = self.wait(sent, &id).await? {
            answer["Status"] = json!(status);
        }
        Ok(answer)
    }

    /// Whether the call's user is a superuser of the database.
    fn login<'s>(&self, text: &impl Fn(&str) -> Option<&'s str>) -> Result<bool, AwsError> {
        let no_endpoint = || AwsError::validation("Redshift endpoint doesn't exist in this region.");
        match (text("WorkgroupName"), text("ClusterIdentifier")) {
            (Some(workgroup), None) if workgroup == seed::WORKGROUP || workgroup == seed::WORKGROUP_ARN => {
                if text("DbUser").is_some() {
                    return Err(AwsError::validation("DbUser is not supported with WorkgroupName"));
                }
                Ok(text("SecretArn").is_some())
            }
            (Some(_), None) => Err(no_endpoint()),
            (None, Some(cluster)) if cluster == seed::CLUSTER => match (text("SecretArn"), text("DbUser")) {
                (Some(_), Some(_)) => Err(AwsError::validation("SecretArn and DbUser must not be given together")),
                (secret, user) => Ok(secret.is_some() || user == Some(ADMIN)),
            },
            (None, Some(_)) => Err(no_endpoint()),
            _ => Err(AwsError::validation("Exactly one of WorkgroupName and ClusterIdentifier must be given")),
        }
    }

    /// Waits as long as the call asks for; the status, where it asks for that.
    async fn wait(&self, sent: &Map<String, Value>, id: &str) -> Result<Option<&'static str>, AwsError> {
        let seconds = match sent.get("WaitTimeSeconds").filter(|value| !value.is_null()) {
            None => return Ok(None),
            Some(value) => value.as_u64().filter(|seconds| (1..=30).contains(seconds)),
        };
        let seconds = seconds.ok_or_else(|| AwsError::validation("WaitTimeSeconds must be between 1 and 30"))?;
        let left = self.statement(id, |one| Ok(one.done.saturating_duration_since(Instant::now())))?;
        tokio::time::sleep(left.min(Duration::from_secs(seconds))).await;
        self.statement(id, |one| Ok(Some(one.status())))
    }

    async fn describe(&self, sent: &Map<String, Value>) -> Result<Value, AwsError> {
        let id = id_of(sent)?;
        self.wait(sent, id).await?;
        self.statement(id, |one| {
            let mut shown = json!({
                "Id": id, "Status": one.status(), "QueryString": one.sql, "CreatedAt": epoch_seconds(one.created),
                "HasResultSet": one.status() == "FINISHED",
            });
            match &one.result {
                Err(error) if one.status() == "FAILED" => shown["Error"] = json!(error),
                Ok((_, rows)) if one.status() == "FINISHED" => shown["ResultRows"] = json!(rows.len()),
                _ => {}
            }
            Ok(shown)
        })
    }

    fn result(&self, sent: &Map<String, Value>) -> Result<Value, AwsError> {
        let start = match sent.get("NextToken").and_then(Value::as_str) {
            Some(token) => token.parse().map_err(|_| AwsError::validation("The pagination token is not valid"))?,
            None => 0,
        };
        self.statement(id_of(sent)?, |one| match &one.result {
            Ok((columns, rows)) if one.status() == "FINISHED" => {
                let page: Vec<&Value> = rows.iter().skip(start).take(PAGE).collect();
                let metadata: Vec<Value> = columns.iter().map(|name| json!({"name": name, "label": name})).collect();
                let next = start + page.len();
                let mut answer = json!({"Records": page, "ColumnMetadata": metadata, "TotalNumRows": rows.len()});
                if next < rows.len() {
                    answer["NextToken"] = json!(next.to_string());
                }
                Ok(answer)
            }
            _ => Err(AwsError::new(400, "ResourceNotFoundException", "Query does not have result.")),
        })
    }

    fn statement<T>(&self, id: &str, of: impl FnOnce(&Statement) -> Result<T, AwsError>) -> Result<T, AwsError> {
        let held = self.lock();
        let missing = || AwsError::new(400, "ResourceNotFoundException", "Query does not exist.");
        of(held.statements.get(id).ok_or_else(missing)?)
    }
}

fn id_of(sent: &Map<String, Value>) -> Result<&str, AwsError> {
    sent.get("Id").and_then(Value::as_str).ok_or_else(|| AwsError::validation("Id must not be null"))
}

/// Answers the one question. A join with `pg_user` keeps the user's own row where there is no provider.
fn run(
    sql: &str,
    superuser: bool,
    denied: bool,
    providers: &[IdentityProvider],
) -> Result<(Vec<String>, Vec<Value>), String> {
    let lower = sql.to_ascii_lowercase();
    let (asked, from) = lower
        .trim()
        .strip_prefix("select ")
        .and_then(|rest| rest.split_once(" from "))
        .filter(|(_, from)| from.contains("svv_identity_providers"))
        .ok_or_else(|| {
            "ERROR: the sandbox's Data API answers questions about svv_identity_providers only".to_owned()
        })?;
    if denied && !superuser {
        return Err("ERROR: permission denied for relation svv_identity_providers".to_owned());
    }
    let bare = |name: &str| name.trim().rsplit('.').next().unwrap_or_default().to_owned();
    let columns: Vec<String> = match asked.trim() {
        "*" => COLUMNS[1..].iter().map(|name| (*name).to_owned()).collect(),
        list => list.split(',').map(bare).collect(),
    };
    if let Some(unknown) = columns.iter().find(|name| !COLUMNS.contains(&name.as_str())) {
        return Err(format!("ERROR: column \"{unknown}\" does not exist"));
    }
    let row = |number: usize, provider: Option<&IdentityProvider>| -> Value {
        let field = |column: &String| match (column.as_str(), provider) {
            ("usesuper", _) => json!({"booleanValue": superuser}),
            (_, None) => json!({"isNull": true}),
            ("uid", Some(_)) => json!({"longValue": number}),
            ("name", Some(one)) => json!({"stringValue": one.name}),
            ("type", Some(_)) => json!({"stringValue": "awsidc"}),
            ("instanceid", Some(one)) => json!({"stringValue": one.application_arn}),
            ("namespc", Some(one)) => json!({"stringValue": one.namespace}),
            ("params", Some(_)) => {
                let params = json!({"instance_arn": seed::INSTANCE_ARN, "is_lakehouse_app": "false"});
                json!({"stringValue": params.to_string()})
            }
            (_, Some(_)) => json!({"booleanValue": true}),
        };
        columns.iter().map(field).collect()
    };
    let seen: &[IdentityProvider] = if superuser { providers } else { &[] };
    let rows = if seen.is_empty() && from.contains("pg_user") {
        vec![row(0, None)]
    } else {
        (1..).zip(seen).map(|(number, one)| row(number, Some(one))).collect()
    };
    Ok((columns, rows))
}

fn operation(headers: &HeaderMap) -> &str {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    target.strip_prefix("RedshiftData.").unwrap_or_default()
}

async fn handle(State(data): State<Arc<RedshiftData>>, headers: HeaderMap, body: Bytes) -> Response {
    json_answer(data.perform(operation(&headers), &body).await)
}

impl System for RedshiftData {
    fn kind(&self) -> &'static str {
        "redshift-data"
    }

    fn name(&self) -> &str {
        seed::REDSHIFT_NAME
    }

    fn router(self: Arc<Self>) -> Router {
        Router::new().route("/", post(handle)).with_state(self)
    }

    /// A statement that only asks changes nothing.
    fn classify(&self, call: &CallView<'_>) -> Classified {
        Classified { path: operation(call.headers).to_owned(), write: false }
    }

    fn throttled(&self) -> Response {
        json_answer(Err(AwsError::new(400, "ThrottlingException", "Rate exceeded")))
    }

    fn failed(&self, status: u16) -> Response {
        let error = match status {
            403 => AwsError::new(400, "AccessDeniedException", "User is not authorized to perform this action"),
            404 => AwsError::new(400, "ResourceNotFoundException", "Query does not exist."),
            429 => return self.throttled(),
            400..=499 => AwsError { status, ..AwsError::validation("The request is not valid") },
            _ => AwsError::new(status, "InternalServerException", "An unexpected error happened"),
        };
        json_answer(Err(error))
    }

    /// Nothing that outlives a question.
    fn state(&self) -> Value {
        json!({})
    }

    fn reset(&self) {
        *self.lock() = Held::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(name: &str) -> IdentityProvider {
        IdentityProvider { name: name.into(), namespace: "AWSIDC".into(), application_arn: "arn:aws:sso::1:a".into() }
    }

    #[test]
    fn only_a_superuser_sees_the_registration() {
        let all = [provider("a"), provider("b")];
        let plain = "select name, enabled from svv_identity_providers where type = 'awsidc'";
        assert_eq!(run(plain, true, false, &all).expect("rows").1.len(), 2);
        assert_eq!(run(plain, false, false, &all).expect("rows").1, [] as [Value; 0]);
        assert!(run(plain, false, true, &all).expect_err("denied").contains("permission denied"));
        let joined = "SELECT u.usesuper, p.name FROM pg_user u LEFT JOIN svv_identity_providers p ON true";
        let (columns, rows) = run(joined, false, false, &all).expect("rows");
        assert_eq!(columns, ["usesuper", "name"]);
        assert_eq!(rows, [json!([{"booleanValue": false}, {"isNull": true}])]);
        assert!(run("select x from svv_identity_providers", true, false, &all).is_err());
        assert!(run("drop table x", true, false, &all).is_err());
    }
}
