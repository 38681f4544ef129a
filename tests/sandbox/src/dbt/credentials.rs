//! A project's credentials, and the links by which a developer uses one.

use std::sync::Arc;

use axum::extract::{Query, State};
use serde_json::{Map, Value, json};

use super::Account;
use super::access::{Area, Body, Ids, Principal};
use super::envelope::{Answer, Params, Problem, Style, listed, no_content, ok, page};
use super::schema::{Field, Kind, check, nullable, optional, required, same_id};
use super::store::{Row, Store, active, active_mut, insert, merge, reference};
use crate::seed::DBT_ACCOUNT;

const STYLE: Style = Style::Classic;
const FIELDS: &[Field] = &[
    required("account_id", Kind::Integer),
    optional("project_id", Kind::Integer),
    // The account's warehouses are Redshift; other adapters' credentials are not modelled.
    required("type", Kind::OneOf(&["redshift"])),
    required("state", Kind::Between(1, 2)),
    required("threads", Kind::Integer),
    required("auth_type", Kind::OneOf(&["password", "external_oauth"])),
    required("default_schema", Kind::Text),
    required("target_name", Kind::Text),
    optional("username", Kind::Text),
    optional("password", Kind::Text),
    nullable("adapter_version", Kind::Text),
];
const KEYS: &[&str] =
    &["type", "state", "threads", "auth_type", "default_schema", "target_name", "username", "adapter_version"];
const LINK: &[Field] = &[
    required("account_id", Kind::Integer),
    required("user_id", Kind::Integer),
    required("project_id", Kind::Integer),
    required("credentials_id", Kind::Integer),
    required("state", Kind::Between(1, 2)),
];

fn project_credential(store: &Store, project: u64, id: u64) -> Result<&Row, Problem> {
    active(&store.credentials, id)
        .and_then(|row| if row.number("project_id") == Some(project) { Ok(row) } else { Err(Problem::not_found()) })
}

fn validate(project: u64, body: &Map<String, Value>) -> Result<(), Problem> {
    check(body, FIELDS, false, STYLE)?;
    same_id(body, "account_id", DBT_ACCOUNT, STYLE)?;
    same_id(body, "project_id", project, STYLE)
}

fn shown(row: &Row) -> Value {
    Value::Object(row.fields.clone())
}

fn take(row: &mut Row, body: &Map<String, Value>, now: jiff::Timestamp) {
    merge(row, body, KEYS, now);
    if let Some(password) = body.get("password").and_then(Value::as_str) {
        row.secret = Some(password.to_owned());
    }
    row.deleted = row.number("state") == Some(2);
}

pub(super) async fn list(
    State(account): State<Arc<Account>>,
    who: Principal,
    Ids([project]): Ids<1>,
    Query(params): Query<Params>,
) -> Answer {
    who.read(Area::Credentials, Some(project))?;
    let store = account.store();
    active(&store.projects, project)?;
    let rows = listed(&store.credentials, &params)?
        .filter(|(_, row)| row.number("project_id") == Some(project))
        .map(|(_, row)| shown(row))
        .collect();
    page(STYLE, &params, rows)
}

pub(super) async fn create(
    State(account): State<Arc<Account>>,
    who: Principal,
    Ids([project]): Ids<1>,
    Body(body): Body,
) -> Answer {
    who.write(Area::Credentials, Some(project))?;
    let now = account.world.clock.now();
    let mut store = account.store();
    active_mut(&mut store.projects, project)?;
    validate(project, &body)?;
    let mut row = Row::new(json!({
        "account_id": DBT_ACCOUNT, "project_id": project, "username": "", "adapter_version": "redshift_v0",
    }));
    take(&mut row, &body, now);
    let id = store.id();
    insert(&mut store.credentials, id, row, now, who.lag);
    store.audit(now, "credentials.added", who.actor(), json!({"credentials_id": id, "project_id": project}));
    Ok(ok(STYLE, shown(&store.credentials[&id])))
}

pub(super) async fn read(State(account): State<Arc<Account>>, who: Principal, Ids([project, id]): Ids<2>) -> Answer {
    who.read(Area::Credentials, Some(project))?;
    let store = account.store();
    Ok(ok(STYLE, shown(project_credential(&store, project, id)?)))
}

fn change(account: &Account, who: &Principal, project: u64, id: u64, body: &Map<String, Value>) -> Answer {
    let now = account.world.clock.now();
    let mut store = account.store();
    let row = active_mut(&mut store.credentials, id)?;
    if row.number("project_id") != Some(project) {
        return Err(Problem::not_found());
    }
    take(row, body, now);
    let shown = shown(row);
    store.audit(now, "credentials.changed", who.actor(), json!({"credentials_id": id, "project_id": project}));
    Ok(ok(STYLE, shown))
}

pub(super) async fn update(
    State(account): State<Arc<Account>>,
    who: Principal,
    Ids([project, id]): Ids<2>,
    Body(body): Body,
) -> Answer {
    who.write(Area::Credentials, Some(project))?;
    validate(project, &body)?;
    change(&account, &who, project, id, &body)
}

pub(super) async fn patch(
    State(account): State<Arc<Account>>,
    who: Principal,
    Ids([project, id]): Ids<2>,
    Body(body): Body,
) -> Answer {
    who.write(Area::Credentials, Some(project))?;
    let mut whole = project_credential(&account.store(), project, id)?.fields.clone();
    whole.extend(body.clone());
    // A stored user name may be empty; only one that is sent must have a length.
    if !body.contains_key("username") {
        whole.remove("username");
    }
    validate(project, &whole)?;
    change(&account, &who, project, id, &body)
}

pub(super) async fn delete(State(account): State<Arc<Account>>, who: Principal, Ids([project, id]): Ids<2>) -> Answer {
    who.write(Area::Credentials, Some(project))?;
    let mut store = account.store();
    project_credential(&store, project, id)?;
    active_mut(&mut store.credentials, id)?.deleted = true;
    Ok(no_content())
}

/// A link with the objects nested in it.
pub(super) fn show_link(store: &Store, row: &Row) -> Value {
    let mut link = shown(row);
    link["credentials"] =
        row.number("credentials_id").and_then(|id| store.credentials.get(&id)).map_or(Value::Null, shown);
    link["project"] = row.number("project_id").and_then(|id| store.projects.get(&id)).map_or(Value::Null, shown);
    link
}

/// Only the user's own personal access token will do: no service token, no administrator (dbt's API description).
fn own(who: &Principal, user: u64) -> Result<(), Problem> {
    if who.service_token_id.is_none() && who.user_id == Some(user) { Ok(()) } else { Err(Problem::forbidden()) }
}

fn own_link(store: &Store, user: u64, id: u64) -> Result<&Row, Problem> {
    active(&store.user_credentials, id)
        .and_then(|row| if row.number("user_id") == Some(user) { Ok(row) } else { Err(Problem::not_found()) })
}

fn validate_link(store: &Store, user: u64, body: &Map<String, Value>) -> Result<(), Problem> {
    check(body, LINK, false, STYLE)?;
    same_id(body, "account_id", DBT_ACCOUNT, STYLE)?;
    same_id(body, "user_id", user, STYLE)?;
    reference(&store.projects, "project_id", body)?;
    reference(&store.credentials, "credentials_id", body)
}

const LINK_KEYS: &[&str] = &["account_id", "user_id", "project_id", "credentials_id", "state"];

pub(super) async fn of_user(
    State(account): State<Arc<Account>>,
    who: Principal,
    Ids([user]): Ids<1>,
    Query(params): Query<Params>,
) -> Answer {
    own(&who, user)?;
    let store = account.store();
    let rows = listed(&store.user_credentials, &params)?
        .filter(|(_, row)| row.number("user_id") == Some(user))
        .map(|(_, row)| show_link(&store, row))
        .collect();
    page(STYLE, &params, rows)
}

pub(super) async fn link(
    State(account): State<Arc<Account>>,
    who: Principal,
    Ids([user]): Ids<1>,
    Body(body): Body,
) -> Answer {
    own(&who, user)?;
    let now = account.world.clock.now();
    let mut store = account.store();
    validate_link(&store, user, &body)?;
    let mut row = Row::default();
    merge(&mut row, &body, LINK_KEYS, now);
    let id = store.id();
    insert(&mut store.user_credentials, id, row, now, who.lag);
    Ok(ok(STYLE, show_link(&store, &store.user_credentials[&id])))
}

pub(super) async fn read_link(State(account): State<Arc<Account>>, who: Principal, Ids([user, id]): Ids<2>) -> Answer {
    own(&who, user)?;
    let store = account.store();
    Ok(ok(STYLE, show_link(&store, own_link(&store, user, id)?)))
}

pub(super) async fn relink(
    State(account): State<Arc<Account>>,
    who: Principal,
    Ids([user, id]): Ids<2>,
    Body(body): Body,
) -> Answer {
    own(&who, user)?;
    let now = account.world.clock.now();
    let mut store = account.store();
    own_link(&store, user, id)?;
    validate_link(&store, user, &body)?;
    let row = active_mut(&mut store.user_credentials, id)?;
    merge(row, &body, LINK_KEYS, now);
    row.deleted = row.number("state") == Some(2);
    Ok(ok(STYLE, show_link(&store, &store.user_credentials[&id])))
}

pub(super) async fn unlink(State(account): State<Arc<Account>>, who: Principal, Ids([user, id]): Ids<2>) -> Answer {
    own(&who, user)?;
    let mut store = account.store();
    own_link(&store, user, id)?;
    active_mut(&mut store.user_credentials, id)?.deleted = true;
    Ok(no_content())
}
