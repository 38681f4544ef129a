//! Projects.

use std::sync::Arc;

use axum::extract::{Query, State};
use http::StatusCode;
use serde_json::{Value, json};

use super::Account;
use super::access::{Area, Body, Ids, Principal};
use super::envelope::{Answer, Params, Style, listed, no_content, ok, page, success};
use super::schema::{Field, Kind, check, nullable, required, same_id};
use super::store::{Row, Store, active, active_mut, insert, merge, reference};
use crate::seed::DBT_ACCOUNT;

const STYLE: Style = Style::Classic;
const FIELDS: &[Field] = &[
    required("account_id", Kind::Integer),
    required("name", Kind::Text),
    required("state", Kind::Between(1, 2)),
    required("type", Kind::Between(0, 1)),
    nullable("description", Kind::Text),
    nullable("connection_id", Kind::Integer),
    nullable("repository_id", Kind::Integer),
    nullable("dbt_project_subdirectory", Kind::Text),
];
const KEYS: &[&str] =
    &["name", "state", "type", "description", "connection_id", "repository_id", "dbt_project_subdirectory"];

/// A project without its computed fields.
pub(super) fn blank(name: &str) -> Value {
    json!({
        "name": name, "account_id": DBT_ACCOUNT, "description": null, "connection_id": null, "repository_id": null,
        "semantic_layer_config_id": null, "state": 1, "dbt_project_subdirectory": null, "docs_job_id": null,
        "freshness_job_id": null, "type": 0,
    })
}

/// With the nested objects that dbt adds.
pub(super) fn show(store: &Store, id: u64, row: &Row) -> Value {
    let environments: Vec<Value> = store
        .environments
        .values()
        .filter(|environment| !environment.deleted && environment.number("project_id") == Some(id))
        .map(|environment| Value::Object(environment.fields.clone()))
        .collect();
    let mut shown = Value::Object(row.fields.clone());
    for name in ["connection", "docs_job", "freshness_job", "repository", "fusion_readiness"] {
        shown[name] = Value::Null;
    }
    shown["default_version"] = json!("latest");
    shown["environments"] = json!(environments);
    shown["group_permissions"] = json!([]);
    shown
}

pub(super) async fn list(State(account): State<Arc<Account>>, who: Principal, Query(params): Query<Params>) -> Answer {
    let store = account.store();
    let needle = params.get("name__icontains").map(|name| name.to_lowercase());
    let rows = listed(&store.projects, &params)?
        .filter(|(id, row)| {
            who.read(Area::Projects, Some(*id)).is_ok()
                && params.get("name").is_none_or(|name| row.text("name") == name)
                && needle.as_ref().is_none_or(|needle| row.text("name").to_lowercase().contains(needle))
        })
        .map(|(id, row)| show(&store, id, row))
        .collect();
    page(STYLE, &params, rows)
}

pub(super) async fn create(State(account): State<Arc<Account>>, who: Principal, Body(body): Body) -> Answer {
    who.write(Area::ProjectCreation, None)?;
    check(&body, FIELDS, false, STYLE)?;
    same_id(&body, "account_id", DBT_ACCOUNT, STYLE)?;
    let now = account.world.clock.now();
    let mut store = account.store();
    reference(&store.connections, "connection_id", &body)?;
    let mut row = Row::new(blank(""));
    merge(&mut row, &body, KEYS, now);
    let id = store.id();
    insert(&mut store.projects, id, row, now, who.lag);
    let status = if store.unconfirmed.created_is_201 { StatusCode::CREATED } else { StatusCode::OK };
    Ok(success(STYLE, status, show(&store, id, &store.projects[&id])))
}

pub(super) async fn read(State(account): State<Arc<Account>>, who: Principal, Ids([id]): Ids<1>) -> Answer {
    who.read(Area::Projects, Some(id))?;
    let store = account.store();
    Ok(ok(STYLE, show(&store, id, active(&store.projects, id)?)))
}

pub(super) async fn update(
    State(account): State<Arc<Account>>,
    who: Principal,
    Ids([id]): Ids<1>,
    Body(body): Body,
) -> Answer {
    who.write(Area::Projects, Some(id))?;
    let mut store = account.store();
    active_mut(&mut store.projects, id)?;
    check(&body, FIELDS, false, STYLE)?;
    same_id(&body, "account_id", DBT_ACCOUNT, STYLE)?;
    reference(&store.connections, "connection_id", &body)?;
    let row = active_mut(&mut store.projects, id)?;
    merge(row, &body, KEYS, account.world.clock.now());
    row.deleted = row.number("state") == Some(2);
    Ok(ok(STYLE, show(&store, id, &store.projects[&id])))
}

pub(super) async fn delete(State(account): State<Arc<Account>>, who: Principal, Ids([id]): Ids<1>) -> Answer {
    who.write(Area::ProjectCreation, Some(id))?;
    let mut store = account.store();
    let row = active_mut(&mut store.projects, id)?;
    row.deleted = true;
    row.fields.insert("state".into(), json!(2));
    Ok(no_content())
}
