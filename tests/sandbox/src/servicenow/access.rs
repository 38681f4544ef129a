//! Who may do what: Basic and OAuth sign-in, access control lists, rate limits.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Form, FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{StatusCode, header};
use jiff::SignedDuration;
use serde_json::json;

use super::Instance;
use super::answers::Problem;
use super::seed::{ADMIN_PASSWORD, ADMIN_USER, AUTOMATION_PASSWORD, AUTOMATION_USER, CLIENT_ID, CLIENT_SECRET};
use super::store::AccessToken;
use crate::world::Lag;

/// Tables that the automation's user may read. The journal is among them: whoever must not write a note twice has to
/// see whether it is there.
const AUTOMATION_READS: &[&str] = &[
    "sc_req_item",
    "sysapproval_approver",
    "sys_journal_field",
    "sys_user",
    "sys_user_group",
    "sys_user_grmember",
    "incident",
];
/// Columns of a record that it may change.
const AUTOMATION_WRITES: &[&str] =
    &["work_notes", "comments", "state", "close_code", "close_notes", "correlation_id", "correlation_display"];

/// Whether a user may read a table.
pub(super) fn may_read(user: &str, table: &str) -> bool {
    user == ADMIN_USER || AUTOMATION_READS.contains(&table)
}

/// The authenticated caller.
pub(super) struct Principal {
    pub(super) user: String,
    /// How long what this call creates stays invisible to reads.
    pub(super) lag: Option<Duration>,
}

impl Principal {
    fn admin(&self) -> bool {
        self.user == ADMIN_USER
    }

    /// Errors: 403.
    pub(super) fn read(&self, table: &str) -> Result<(), Problem> {
        if may_read(&self.user, table) { Ok(()) } else { Err(Problem::unauthorized()) }
    }

    /// Whether a column may be written. ServiceNow skips a column that the user may not write and still answers 200
    /// (from memory).
    pub(super) fn writes(&self, column: &str) -> bool {
        self.admin() || AUTOMATION_WRITES.contains(&column)
    }

    /// Errors: 403.
    pub(super) fn create(&self, table: &str) -> Result<(), Problem> {
        self.read(table)?;
        if self.admin() || table == "incident" {
            Ok(())
        } else {
            Err(Problem::failed("ACL Exception Insert Failed due to security constraints"))
        }
    }

    /// Errors: 403.
    pub(super) fn update(&self, table: &str) -> Result<(), Problem> {
        self.read(table)?;
        if self.admin() || ["sc_req_item", "incident"].contains(&table) {
            Ok(())
        } else {
            Err(Problem::failed("ACL Exception Update Failed due to security constraints"))
        }
    }

    /// Errors: 403.
    pub(super) fn delete(&self, table: &str) -> Result<(), Problem> {
        self.read(table)?;
        if self.admin() {
            Ok(())
        } else {
            Err(Problem::failed("ACL Exception Delete Failed due to security constraints"))
        }
    }
}

fn basic(credentials: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

fn sign_in(instance: &Instance, authorization: &str) -> Option<String> {
    let (scheme, credentials) = authorization.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("basic") {
        let (user, password) = basic(credentials)?;
        let known = [(ADMIN_USER, ADMIN_PASSWORD), (AUTOMATION_USER, AUTOMATION_PASSWORD)];
        return known.contains(&(user.as_str(), password.as_str())).then_some(user);
    }
    if scheme.eq_ignore_ascii_case("bearer") {
        let now = instance.world.clock.now();
        let store = instance.store();
        return store
            .access_tokens
            .iter()
            .find(|token| token.value == credentials.trim() && now < token.until)
            .map(|token| token.user.clone());
    }
    None
}

impl FromRequestParts<Arc<Instance>> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, instance: &Arc<Instance>) -> Result<Self, Problem> {
        let user = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| sign_in(instance, value))
            .ok_or_else(Problem::unauthenticated)?;
        let now = instance.world.clock.now();
        // Rate limit rules are for users and roles; the operator's has none.
        if user != ADMIN_USER
            && let Some(until) = instance.store().throttled_until.filter(|until| now < *until)
        {
            let seconds = u64::try_from((until - now).as_secs()).unwrap_or_default() + 1;
            return Err(Problem::throttled(seconds));
        }
        Ok(Self { user, lag: parts.extensions.get::<Lag>().map(|lag| lag.0) })
    }
}

/// How long an access token lives.
const LIFETIME: SignedDuration = SignedDuration::from_secs(1799);

/// `POST /oauth_token.do`, grant `client_credentials`.
pub(super) async fn token(
    State(instance): State<Arc<Instance>>,
    headers: http::HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let refused = |status: StatusCode, error: &str, description: &str| {
        (status, Json(json!({"error": error, "error_description": description}))).into_response()
    };
    if form.get("grant_type").is_none_or(|grant| grant != "client_credentials") {
        return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type", "only client_credentials is enabled");
    }
    let header = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(basic);
    let posted = || Some((form.get("client_id")?.clone(), form.get("client_secret")?.clone()));
    let client = posted().or(header);
    if client.is_none_or(|(id, secret)| id != CLIENT_ID || secret != CLIENT_SECRET) {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client", "access_denied");
    }
    let value = uuid::Uuid::new_v4().simple().to_string();
    let until = instance.world.clock.now() + LIFETIME;
    instance.store().access_tokens.push(AccessToken { value: value.clone(), user: AUTOMATION_USER.to_owned(), until });
    Json(json!({"access_token": value, "scope": "useraccount", "token_type": "Bearer",
        "expires_in": LIFETIME.as_secs()}))
    .into_response()
}
