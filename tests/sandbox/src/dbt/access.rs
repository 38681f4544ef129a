//! Who may do what: tokens, permission sets, the IP allow-list, the request limit.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::response::IntoResponse;
use bytes::Bytes;
use http::request::Parts;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::Account;
use super::envelope::Problem;
use crate::seed::DBT_ACCOUNT;
use crate::world::{Caller, Lag};

/// A permission set, on one project or on all.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) permission_set: String,
    pub(super) project_id: Option<u64>,
}

/// A token that the account knows.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) value: String,
    /// The user of a personal access token.
    pub(super) user_id: Option<u64>,
    /// The service token's id.
    pub(super) service_token_id: Option<u64>,
    pub(super) grants: Vec<Grant>,
}

/// What a permission set is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Area {
    /// No row in dbt's permission table: account administrators write (UNCONFIRMED).
    OauthConfigurations,
    /// Connections, private endpoints, SSH tunnels.
    Connections,
    /// Creating and deleting projects.
    ProjectCreation,
    ServiceTokens,
    AuditLogs,
    /// A project's settings.
    Projects,
    /// A project's environments and extended attributes.
    Environments,
    /// A project's credentials.
    Credentials,
}

impl Area {
    fn of_project(self) -> bool {
        matches!(self, Self::Projects | Self::Environments | Self::Credentials)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Nothing,
    Read,
    Write,
}

/// dbt's documentation, "Enterprise permissions" (the tables of account and project access).
fn level(permission_set: &str, area: Area) -> Level {
    use Area::{AuditLogs, Connections, Credentials, Environments, OauthConfigurations, Projects, ServiceTokens};
    match (permission_set, area) {
        ("account_admin" | "owner", AuditLogs) => Level::Read,
        ("account_admin" | "owner", _) => Level::Write,
        ("project_creator", OauthConfigurations) => Level::Read,
        ("project_creator", ServiceTokens | AuditLogs) => Level::Nothing,
        ("project_creator", _) => Level::Write,
        ("account_viewer", Connections | ServiceTokens | Area::ProjectCreation) => Level::Nothing,
        ("account_viewer", _) => Level::Read,
        ("security_admin", AuditLogs | ServiceTokens | Projects) => Level::Read,
        ("admin", Environments | Credentials | Projects) => Level::Write,
        ("job_admin", Environments | Credentials) => Level::Write,
        ("job_admin", Projects | Connections) => Level::Read,
        ("analyst" | "database_admin" | "developer", Credentials | Projects) => Level::Write,
        ("git_admin" | "team_admin", Projects) => Level::Write,
        ("admin" | "analyst" | "database_admin" | "developer" | "git_admin" | "team_admin", Connections) => Level::Read,
        ("analyst" | "database_admin" | "developer" | "git_admin" | "team_admin", Environments) => Level::Read,
        ("git_admin" | "team_admin", Credentials) => Level::Read,
        ("stakeholder" | "readonly", Connections | Environments | Credentials | Projects) => Level::Read,
        ("job_viewer", Environments | Projects) => Level::Read,
        _ => Level::Nothing,
    }
}

/// Calls a minute that the account allows, and the pause after more (dbt docs, "Rate limits": 5,000 a minute and account,
/// then five minutes).
#[derive(Clone, Debug)]
pub(super) struct Limiter {
    per_minute: u32,
    minute: i64,
    count: u32,
    until: Option<Timestamp>,
}

/// The pause after the limit was exceeded.
pub(super) const COOLDOWN: SignedDuration = SignedDuration::from_mins(5);

impl Default for Limiter {
    fn default() -> Self {
        Self { per_minute: 5000, minute: 0, count: 0, until: None }
    }
}

impl Limiter {
    pub(super) fn set(&mut self, per_minute: u32) {
        *self = Self { per_minute, ..Self::default() };
    }

    pub(super) fn exhaust(&mut self, now: Timestamp) {
        self.until = Some(now + COOLDOWN);
    }

    fn admit(&mut self, now: Timestamp) -> Result<(), Problem> {
        if self.until.is_some_and(|until| now < until) {
            return Err(Problem::too_many_requests());
        }
        self.until = None;
        let minute = now.as_second() / 60;
        if minute != self.minute {
            self.minute = minute;
            self.count = 0;
        }
        self.count += 1;
        if self.count > self.per_minute {
            self.exhaust(now);
            return Err(Problem::too_many_requests());
        }
        Ok(())
    }
}

/// The authenticated caller of an account's route.
pub(super) struct Principal {
    pub(super) user_id: Option<u64>,
    pub(super) service_token_id: Option<u64>,
    grants: Vec<Grant>,
    /// How long what this call creates stays invisible to reads.
    pub(super) lag: Option<Duration>,
}

impl Principal {
    fn best(&self, area: Area, project: Option<u64>) -> Level {
        self.grants
            .iter()
            .filter(|grant| !area.of_project() || grant.project_id.is_none() || grant.project_id == project)
            .map(|grant| level(&grant.permission_set, area))
            .max()
            .unwrap_or(Level::Nothing)
    }

    /// Whether the token sees this project at all.
    pub(super) fn sees(&self, project: u64) -> bool {
        self.grants.iter().any(|grant| grant.project_id.is_none_or(|id| id == project))
    }

    fn need(&self, area: Area, project: Option<u64>, need: Level) -> Result<(), Problem> {
        if let Some(project) = project
            && !self.sees(project)
        {
            return Err(Problem::not_found());
        }
        if self.best(area, project) < need { Err(Problem::forbidden()) } else { Ok(()) }
    }

    /// Errors: 404 for a project out of sight, else 403.
    pub(super) fn read(&self, area: Area, project: Option<u64>) -> Result<(), Problem> {
        self.need(area, project, Level::Read)
    }

    /// Errors: 404 for a project out of sight, else 403.
    pub(super) fn write(&self, area: Area, project: Option<u64>) -> Result<(), Problem> {
        self.need(area, project, Level::Write)
    }

    /// As the audit log names it.
    pub(super) fn actor(&self) -> Value {
        json!({"user_id": self.user_id, "service_token_id": self.service_token_id})
    }
}

fn authenticate(account: &Account, value: &str, caller: &str) -> Result<Token, Problem> {
    let now = account.world.clock.now();
    let mut store = account.store();
    let token = store.tokens.iter().find(|token| token.value == value).cloned().ok_or_else(Problem::unauthorized)?;
    // The operator's own door stands inside the allowed network; the functions' addresses do not.
    if store.ip_restricted && caller != "admin" {
        let id = token.user_id.or(token.service_token_id).unwrap_or_default();
        return Err(Problem::ip_restricted(DBT_ACCOUNT, id, token.service_token_id.is_some()));
    }
    store.limiter.admit(now)?;
    if let Some(row) = token.service_token_id.and_then(|id| store.service_tokens.get_mut(&id)) {
        row.fields.insert("last_used".into(), json!(super::store::time(now)));
    }
    Ok(token)
}

impl FromRequestParts<Arc<Account>> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, account: &Arc<Account>) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Caller>().map_or("admin", |caller| caller.0.as_str()).to_owned();
        let lag = parts.extensions.get::<Lag>().map(|lag| lag.0);
        let value = parts
            .headers
            .get(http::header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Token ").or_else(|| value.strip_prefix("Bearer ")))
            .map(str::trim)
            .ok_or_else(Problem::unauthorized)?;
        let token = authenticate(account, value, &caller)?;
        let params = RawPathParams::from_request_parts(parts, account).await;
        let other = params.is_ok_and(|params| {
            params.iter().any(|(name, value)| name == "account_id" && value.parse() != Ok(DBT_ACCOUNT))
        });
        if other {
            return Err(Problem::not_found());
        }
        Ok(Self { user_id: token.user_id, service_token_id: token.service_token_id, grants: token.grants, lag })
    }
}

/// The ids of a path in order, the account's left out.
pub(super) struct Ids<const N: usize>(pub(super) [u64; N]);

impl<const N: usize> FromRequestParts<Arc<Account>> for Ids<N> {
    type Rejection = axum::response::Response;

    async fn from_request_parts(parts: &mut Parts, account: &Arc<Account>) -> Result<Self, Self::Rejection> {
        let params = RawPathParams::from_request_parts(parts, account).await.map_err(IntoResponse::into_response)?;
        // dbt's routes take digits only: anything else is another path.
        let ids: Result<Vec<u64>, _> =
            params.iter().filter(|(name, _)| *name != "account_id").map(|(_, value)| value.parse()).collect();
        ids.ok().and_then(|ids| ids.try_into().ok()).map(Self).ok_or_else(super::envelope::no_route)
    }
}

/// A JSON object as the body.
pub(super) struct Body(pub(super) Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let json = request
            .headers()
            .get(http::header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.starts_with("application/json"));
        if !json {
            return Err(Problem::unsupported_media_type());
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|_| Problem::of_status(400))?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(body)) => Ok(Self(body)),
            Ok(_) => Err(Problem::field("non_field_errors", "Invalid data. Expected a dictionary.")),
            Err(error) => Err(Problem::field("non_field_errors", format!("JSON parse error - {error}"))),
        }
    }
}
