//! Extended attributes: a JSON object that overrides a connection's and a credential's values in an environment.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Map, Value, json};

use super::Account;
use super::access::{Area, Body, Ids, Principal};
use super::envelope::{Answer, Problem, Style, no_content, ok};
use super::schema::{Field, Kind, check, optional, required};
use super::store::{Row, Store, active, active_mut, insert, merge};
use crate::seed::DBT_ACCOUNT;

const STYLE: Style = Style::Newer;
const FIELDS: &[Field] = &[required("extended_attributes", Kind::Object), optional("state", Kind::Between(1, 2))];
/// The size that dbt guarantees to store (dbt docs, "Extended attributes").
const MOST: usize = 4096;

fn validate(body: &Map<String, Value>) -> Result<(), Problem> {
    check(body, FIELDS, false, STYLE)?;
    if body["extended_attributes"].to_string().len() > MOST {
        return Err(Problem::field("extended_attributes", format!("At most {MOST} bytes.")).styled(STYLE));
    }
    Ok(())
}

fn in_project(store: &Store, project: u64, id: u64) -> Result<&Row, Problem> {
    active(&store.extended_attributes, id)
        .and_then(|row| if row.number("project_id") == Some(project) { Ok(row) } else { Err(Problem::not_found()) })
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
    validate(&body)?;
    let mut row = Row::new(json!({"account_id": DBT_ACCOUNT, "project_id": project, "state": 1}));
    merge(&mut row, &body, &["extended_attributes"], now);
    let id = store.id();
    insert(&mut store.extended_attributes, id, row, now, who.lag);
    Ok(ok(STYLE, json!(store.extended_attributes[&id].fields)))
}

pub(super) async fn read(State(account): State<Arc<Account>>, who: Principal, Ids([project, id]): Ids<2>) -> Answer {
    who.read(Area::Environments, Some(project))?;
    let store = account.store();
    Ok(ok(STYLE, json!(in_project(&store, project, id)?.fields)))
}

pub(super) async fn update(
    State(account): State<Arc<Account>>,
    who: Principal,
    Ids([project, id]): Ids<2>,
    Body(body): Body,
) -> Answer {
    who.write(Area::Environments, Some(project))?;
    let now = account.world.clock.now();
    let mut store = account.store();
    in_project(&store, project, id)?;
    validate(&body)?;
    let row = active_mut(&mut store.extended_attributes, id)?;
    merge(row, &body, &["extended_attributes", "state"], now);
    row.deleted = row.number("state") == Some(2);
    Ok(ok(STYLE, json!(row.fields)))
}

pub(super) async fn delete(State(account): State<Arc<Account>>, who: Principal, Ids([project, id]): Ids<2>) -> Answer {
    who.write(Area::Environments, Some(project))?;
    let mut store = account.store();
    in_project(&store, project, id)?;
    active_mut(&mut store.extended_attributes, id)?.deleted = true;
    Ok(no_content())
}
