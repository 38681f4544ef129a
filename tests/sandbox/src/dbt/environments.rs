//! Environments. An update replaces the whole object: what the body leaves out goes back to its default.

use std::sync::Arc;

use axum::extract::{Query, State};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::Account;
use super::access::{Area, Body, Ids, Principal};
use super::envelope::{Answer, Params, Problem, Style, listed, no_content, ok, page, success};
use super::schema::{Field, Kind, check, nullable, optional, repr, required, same_id};
use super::store::{Row, Store, active, active_mut, insert, merge, reference};
use crate::seed::DBT_ACCOUNT;

const STYLE: Style = Style::Classic;
const FIELDS: &[Field] = &[
    required("account_id", Kind::Integer),
    required("project_id", Kind::Integer),
    required("name", Kind::Text),
    required("dbt_version", Kind::Text),
    required("type", Kind::OneOf(&["development", "deployment"])),
    required("use_custom_branch", Kind::Bool),
    required("supports_docs", Kind::Bool),
    required("state", Kind::Between(1, 2)),
    nullable("credentials_id", Kind::Integer),
    nullable("connection_id", Kind::Integer),
    nullable("extended_attributes_id", Kind::Integer),
    nullable("custom_branch", Kind::Text),
    nullable("deployment_type", Kind::OneOf(&["production", "staging"])),
    optional("enable_model_query_history", Kind::Bool),
    optional("enable_dbt_state", Kind::Bool),
    nullable("primary_profile_id", Kind::Integer),
];

/// What an omitted field becomes.
fn defaults() -> Value {
    json!({
        "account_id": DBT_ACCOUNT, "project_id": null, "name": null, "dbt_version": null, "type": null,
        "use_custom_branch": false, "supports_docs": false, "state": 1, "credentials_id": null,
        "connection_id": null, "extended_attributes_id": null, "custom_branch": null, "deployment_type": null,
        "enable_model_query_history": false, "enable_dbt_state": false, "primary_profile_id": null,
    })
}

/// With the nested objects that dbt always adds (and refuses to take back).
pub(super) fn show(store: &Store, row: &Row) -> Value {
    let nested = |rows: &super::store::Rows, id: Option<u64>| {
        id.and_then(|id| rows.get(&id)).map_or(Value::Null, |row| Value::Object(row.fields.clone()))
    };
    let mut shown = Value::Object(row.fields.clone());
    shown["raw_dbt_version"] = shown["dbt_version"].clone();
    shown["is_deferrable"] = json!(row.text("type") == "deployment");
    shown["fusion_readiness"] = Value::Null;
    shown["project"] = nested(&store.projects, row.number("project_id"));
    shown["credentials"] = nested(&store.credentials, row.number("credentials_id"));
    shown
}

fn validate(store: &Store, project: u64, id: Option<u64>, body: &Map<String, Value>) -> Result<(), Problem> {
    check(body, FIELDS, false, STYLE)?;
    same_id(body, "account_id", DBT_ACCOUNT, STYLE)?;
    same_id(body, "project_id", project, STYLE)?;
    if let Some(nested) = body.get("credentials").filter(|nested| !nested.is_null()) {
        let message = format!("{} is not valid under any of the given schemas", repr(nested));
        return Err(Problem::field("credentials", message));
    }
    reference(&store.connections, "connection_id", body)?;
    reference(&store.credentials, "credentials_id", body)?;
    reference(&store.extended_attributes, "extended_attributes_id", body)?;
    if body["type"] == "development" {
        if body.get("credentials_id").is_some_and(|id| !id.is_null()) {
            return Err(Problem::field("credentials_id", "Must be null for development environments."));
        }
        let another = store.environments.iter().any(|(other, row)| {
            Some(*other) != id
                && !row.deleted
                && row.text("type") == "development"
                && row.number("project_id") == Some(project)
        });
        if another && body["state"] == 1 {
            return Err(Problem::field("type", "A project can have only one development environment."));
        }
    }
    Ok(())
}

fn assemble(body: &Map<String, Value>, now: jiff::Timestamp) -> Row {
    let mut row = Row::new(defaults());
    let keys: Vec<&str> = FIELDS.iter().map(|field| field.name).collect();
    merge(&mut row, body, &keys, now);
    row.deleted = row.number("state") == Some(2);
    row
}

fn in_project(row: &Row, project: u64) -> Result<&Row, Problem> {
    if row.number("project_id") == Some(project) { Ok(row) } else { Err(Problem::not_found()) }
}

fn rows(store: &Store, params: &Params, keep: impl Fn(&Row) -> bool) -> Result<Vec<Value>, Problem> {
    let needle = params.get("name__icontains").map(|name| name.to_lowercase());
    let same = |row: &Row, name: &str| params.get(name).is_none_or(|value| row.text(name) == value);
    let same_number = |row: &Row, name: &str| params.get(name).is_none_or(|n| n.parse().ok() == row.number(name));
    Ok(listed(&store.environments, params)?
        .filter(|(_, row)| {
            keep(row)
                && ["name", "type", "dbt_version", "deployment_type"].iter().all(|name| same(row, name))
                && ["credentials_id", "project_id"].iter().all(|name| same_number(row, name))
                && needle.as_ref().is_none_or(|needle| row.text("name").to_lowercase().contains(needle))
        })
        .map(|(_, row)| show(store, row))
        .collect())
}

/// The list over all projects that the Terraform provider uses; dbt's API description lacks it.
pub(super) async fn list_all(
    State(account): State<Arc<Account>>,
    who: Principal,
    Query(params): Query<Params>,
) -> Answer {
    let store = account.store();
    let visible = |row: &Row| who.read(Area::Environments, row.number("project_id")).is_ok();
    page(STYLE, &params, rows(&store, &params, visible)?)
}

pub(super) async fn list(
    State(account): State<Arc<Account>>,
    who: Principal,
    Ids([project]): Ids<1>,
    Query(params): Query<Params>,
) -> Answer {
    who.read(Area::Environments, Some(project))?;
    let store = account.store();
    active(&store.projects, project)?;
    page(STYLE, &params, rows(&store, &params, |row| row.number("project_id") == Some(project))?)
}

pub(super) async fn create(
    State(account): State<Arc<Account>>,
    who: Principal,
    Ids([project]): Ids<1>,
    Body(body): Body,
) -> Answer {
    who.write(Area::Environments, Some(project))?;
    let now = account.world.clock.now();
    let mut store = account.store();
    active_mut(&mut store.projects, project)?;
    validate(&store, project, None, &body)?;
    let id = store.id();
    insert(&mut store.environments, id, assemble(&body, now), now, who.lag);
    store.audit(now, "environment.added", who.actor(), json!({"environment_id": id, "project_id": project}));
    let status = if store.unconfirmed.created_is_201 { StatusCode::CREATED } else { StatusCode::OK };
    Ok(success(STYLE, status, show(&store, &store.environments[&id])))
}

pub(super) async fn read(State(account): State<Arc<Account>>, who: Principal, Ids([project, id]): Ids<2>) -> Answer {
    who.read(Area::Environments, Some(project))?;
    let store = account.store();
    Ok(ok(STYLE, show(&store, in_project(active(&store.environments, id)?, project)?)))
}

pub(super) async fn replace(
    State(account): State<Arc<Account>>,
    who: Principal,
    Ids([project, id]): Ids<2>,
    Body(body): Body,
) -> Answer {
    who.write(Area::Environments, Some(project))?;
    let now = account.world.clock.now();
    let mut store = account.store();
    let before = in_project(active_mut(&mut store.environments, id)?, project)?.clone();
    validate(&store, project, Some(id), &body)?;
    let mut row = assemble(&body, now);
    for key in ["id", "created_at"] {
        row.fields.insert(key.into(), before.fields[key].clone());
    }
    row.visible_at = before.visible_at;
    let shown = show(&store, &row);
    store.environments.insert(id, row);
    store.audit(now, "environment.changed", who.actor(), json!({"environment_id": id, "project_id": project}));
    Ok(ok(STYLE, shown))
}

pub(super) async fn delete(State(account): State<Arc<Account>>, who: Principal, Ids([project, id]): Ids<2>) -> Answer {
    who.write(Area::Environments, Some(project))?;
    let mut store = account.store();
    let row = active_mut(&mut store.environments, id)?;
    in_project(row, project)?;
    row.deleted = true;
    row.fields.insert("state".into(), json!(2));
    let now = account.world.clock.now();
    store.audit(now, "environment.removed", who.actor(), json!({"environment_id": id, "project_id": project}));
    Ok(no_content())
}
