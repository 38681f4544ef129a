//! The Table API.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query as Params, State};
use axum::response::IntoResponse;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value};

use super::Instance;
use super::access::Principal;
use super::answers::{Answer, Problem, result};
use super::query::Query;
use super::render::View;
use super::store::{JOURNALS, Row, SYSTEM_COLUMNS, Store, Table, table, time, touch};
use super::tickets;
use crate::seed::SERVICENOW_HOST;

type Parameters = HashMap<String, String>;

/// States of a requested item that close it. (Numbers from memory.)
const CLOSED: &[&str] = &["3", "4", "7"];
/// Records that one answer holds at most unless `sysparm_limit` says otherwise.
const LIMIT: usize = 10_000;

fn known(name: &str) -> Result<&'static Table, Problem> {
    table(name).ok_or_else(|| Problem::bad_request(format!("Invalid table {name}")))
}

/// A value of a request body as ServiceNow stores it. References may come as `{"value", …}`.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(reference) => reference.get("value").map(text).unwrap_or_default(),
        Value::Array(list) => list.iter().map(text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

fn body(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(body)) => Ok(body),
        _ => Err(Problem::bad_request("Exception while reading request")),
    }
}

fn number(params: &Parameters, name: &str, default: usize) -> Result<usize, Problem> {
    match params.get(name).filter(|text| !text.is_empty()) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| Problem::bad_request(format!("Invalid value for {name}: {text}"))),
    }
}

pub(super) async fn list(
    State(instance): State<Arc<Instance>>,
    who: Principal,
    Path(name): Path<String>,
    Params(params): Params<Parameters>,
) -> Answer {
    let table = known(&name)?;
    who.read(table.name)?;
    let view = View::new(&params, &who.user)?;
    let limit = number(&params, "sysparm_limit", LIMIT)?;
    let offset = number(&params, "sysparm_offset", 0)?;
    let query = Query::parse(params.get("sysparm_query").map_or("", String::as_str), table);
    let store = instance.store();
    // Any other parameter is a condition of its own: `?number=RITM0012345`.
    let plain: Vec<(&String, &String)> = params.iter().filter(|(name, _)| table.has(name)).collect();
    let mut rows: Vec<&Row> = store
        .rows(table.name)
        .iter()
        .filter(|row| {
            row.visible()
                && query.matches(&store, table, row, &who.user)
                && plain.iter().all(|(name, value)| row.get(name) == value.as_str())
        })
        .collect();
    query.sort(&mut rows);
    let total = rows.len();
    let page = rows.into_iter().skip(offset).take(limit).map(|row| view.show(&store, table, row)).collect();
    let mut answer = result(StatusCode::OK, page);
    answer.headers_mut().insert("x-total-count", HeaderValue::from(total));
    Ok(answer)
}

pub(super) async fn read(
    State(instance): State<Arc<Instance>>,
    who: Principal,
    Path((name, sys_id)): Path<(String, String)>,
    Params(params): Params<Parameters>,
) -> Answer {
    let table = known(&name)?;
    who.read(table.name)?;
    let view = View::new(&params, &who.user)?;
    let store = instance.store();
    let row = store.find(table.name, &sys_id).filter(|row| row.visible()).ok_or_else(Problem::no_record)?;
    Ok(result(StatusCode::OK, view.show(&store, table, row)))
}

pub(super) async fn create(
    State(instance): State<Arc<Instance>>,
    who: Principal,
    Path(name): Path<String>,
    Params(params): Params<Parameters>,
    bytes: Bytes,
) -> Answer {
    let table = known(&name)?;
    who.create(table.name)?;
    let view = View::new(&params, &who.user)?;
    let body = body(&bytes)?;
    let now = instance.world.clock.now();
    let mut store = instance.store();
    let mut row = Row::default();
    let mut notes = Vec::new();
    for (column, value) in &body {
        if JOURNALS.contains(&column.as_str()) {
            notes.push((column.as_str(), text(value)));
        } else if table.columns.contains(&column.as_str()) || column == "sys_id" {
            row.set(column, text(value));
        }
    }
    let given = row.get("sys_id").to_owned();
    if !given.is_empty() {
        if given.len() != 32 || !given.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Problem::bad_request("Invalid sys_id"));
        }
        if store.find(table.name, &given).is_some() {
            return Err(Problem::failed("Error during insert: unique key violation detected by database"));
        }
    }
    let sys_id = if table.name == "sc_req_item" {
        row.variables = variables(&body);
        let approver = body.get("approver").map(text).filter(|approver| !approver.is_empty());
        tickets::create(&mut store, row, approver.as_deref(), &who.user, now, now, who.lag)
    } else {
        if table.name == "incident" {
            for (column, value) in [("state", "1"), ("active", "true")] {
                if row.get(column).is_empty() {
                    row.set(column, value);
                }
            }
        }
        store.insert(table, row, &who.user, now, who.lag)
    };
    for (element, note) in notes.iter().filter(|(_, note)| !note.is_empty()) {
        store.note(table.name, &sys_id, element, note, &who.user, now);
    }
    let row = store.find(table.name, &sys_id).ok_or_else(Problem::no_record)?;
    let location = format!("https://{SERVICENOW_HOST}/api/now/table/{}/{sys_id}", table.name);
    let mut answer = result(StatusCode::CREATED, view.show(&store, table, row));
    if let Ok(location) = HeaderValue::from_str(&location) {
        answer.headers_mut().insert(header::LOCATION, location);
    }
    Ok(answer)
}

/// The catalogue variables of a body: `variables.<name>` or an object `variables`.
fn variables(body: &Map<String, Value>) -> BTreeMap<String, String> {
    let nested = body.get("variables").and_then(Value::as_object).into_iter().flatten();
    let dotted =
        body.iter().filter_map(|(name, value)| Some((name.strip_prefix("variables.")?.to_owned(), text(value))));
    nested.map(|(name, value)| (name.clone(), text(value))).chain(dotted).collect()
}

/// `PATCH` and `PUT`: both change the columns they name.
pub(super) async fn update(
    State(instance): State<Arc<Instance>>,
    who: Principal,
    Path((name, sys_id)): Path<(String, String)>,
    Params(params): Params<Parameters>,
    bytes: Bytes,
) -> Answer {
    let table = known(&name)?;
    who.update(table.name)?;
    let view = View::new(&params, &who.user)?;
    let body = body(&bytes)?;
    let now = instance.world.clock.now();
    let mut store = instance.store();
    let before = store.find(table.name, &sys_id).ok_or_else(Problem::no_record)?.clone();
    let mut row = before.clone();
    let mut noted = false;
    for (column, value) in body.iter().filter(|(column, _)| who.writes(column)) {
        let value = text(value);
        if JOURNALS.contains(&column.as_str()) && table.has(column) {
            if !value.is_empty() {
                noted = true;
                store.note(table.name, &sys_id, column, &value, &who.user, now);
            }
        } else if table.has(column) && !SYSTEM_COLUMNS.contains(&column.as_str()) {
            row.set(column, value);
        } else if let Some(name) = column.strip_prefix("variables.").filter(|_| table.name == "sc_req_item") {
            row.variables.insert(name.to_owned(), value);
        }
    }
    let approver = body.get("approver").map(text).filter(|approver| !approver.is_empty() && who.writes("approver"));
    close(&store, table, &before, &mut row, &who.user, &time(now))?;
    if noted || row.fields != before.fields || row.variables != before.variables {
        touch(&mut row, &who.user, now);
    }
    if let Some(stored) = store.find_mut(table.name, &sys_id) {
        *stored = row.clone();
    }
    match table.name {
        "sc_req_item" => {
            if let Some(approver) = approver {
                tickets::add_approver(&mut store, &sys_id, &approver, row.get("approval"), &who.user, now);
            }
            if row.get("approval") != before.get("approval") {
                tickets::approval_changed(&mut store, &sys_id, row.get("approval"), &who.user, now);
            }
        }
        "sysapproval_approver" if row.get("state") != before.get("state") => {
            tickets::approver_decided(&mut store, &row, &who.user, now);
        }
        _ => {}
    }
    let row = store.find(table.name, &sys_id).ok_or_else(Problem::no_record)?;
    Ok(result(StatusCode::OK, view.show(&store, table, row)))
}

/// What closing a record does; a requested item does not close over open tasks.
fn close(store: &Store, table: &Table, before: &Row, row: &mut Row, user: &str, now: &str) -> Result<(), Problem> {
    if table.name == "incident" {
        return resolve(before, row, user, now, store);
    }
    if table.name != "sc_req_item" || before.get("state") == row.get("state") {
        return Ok(());
    }
    let closes = CLOSED.contains(&row.get("state"));
    let open_task = store
        .rows("sc_task")
        .iter()
        .any(|task| task.get("request_item") == before.get("sys_id") && !CLOSED.contains(&task.get("state")));
    if closes && open_task {
        return Err(Problem::failed("Error during update: the requested item has open catalog tasks"));
    }
    row.set("active", if closes { "false" } else { "true" });
    row.set("closed_at", if closes { now } else { "" });
    let closed_by = store.rows("sys_user").iter().find(|row| closes && row.get("user_name") == user);
    row.set("closed_by", closed_by.map_or("", |row| row.get("sys_id")));
    Ok(())
}

/// What resolving an incident does. The base system's data policy wants code and notes with it (ServiceNow, "Data
/// policies": a record that lacks a mandatory field is refused through the API as well).
fn resolve(before: &Row, row: &mut Row, user: &str, now: &str, store: &Store) -> Result<(), Problem> {
    if before.get("state") == row.get("state") {
        return Ok(());
    }
    let state = row.get("state").to_owned();
    if ["6", "7"].contains(&state.as_str()) && (row.get("close_code").is_empty() || row.get("close_notes").is_empty()) {
        return Err(Problem::failed(
            "Data Policy Exception: The following fields are mandatory: Resolution code, Resolution notes",
        ));
    }
    let closes = ["7", "8"].contains(&state.as_str());
    row.set("active", if closes { "false" } else { "true" });
    row.set("closed_at", if closes { now } else { "" });
    let closed_by = store.rows("sys_user").iter().find(|row| closes && row.get("user_name") == user);
    row.set("closed_by", closed_by.map_or("", |row| row.get("sys_id")));
    Ok(())
}

pub(super) async fn delete(
    State(instance): State<Arc<Instance>>,
    who: Principal,
    Path((name, sys_id)): Path<(String, String)>,
) -> Answer {
    let table = known(&name)?;
    who.delete(table.name)?;
    let mut store = instance.store();
    store.find(table.name, &sys_id).ok_or_else(Problem::no_record)?;
    store.remove(table.name, &sys_id);
    Ok(StatusCode::NO_CONTENT.into_response())
}
