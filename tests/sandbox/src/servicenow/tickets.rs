//! Requested items and their approvals, and the golden tickets that the instance holds at start.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::seed::ADMIN_USER;
use super::store::{Row, Store, table, time, touch};
use super::table::text;
use crate::seed::{SERVICENOW_APPROVER, SERVICENOW_CAT_ITEM};

/// Adds a requested item and, where an approver is named, the approver's row. Gives back its `sys_id`.
pub(super) fn create(
    store: &mut Store,
    mut row: Row,
    approver: Option<&str>,
    user: &str,
    made: Timestamp,
    decided: Timestamp,
    lag: Option<Duration>,
) -> String {
    let (Some(item), Some(order)) = (table("sc_req_item"), table("sc_request")) else { return String::new() };
    for (column, value) in [("approval", "not requested"), ("state", "1"), ("active", "true")] {
        if row.get(column).is_empty() {
            row.set(column, value);
        }
    }
    row.set("sys_class_name", "sc_req_item");
    if row.get("opened_at").is_empty() {
        row.set("opened_at", time(made));
    }
    if row.get("request").is_empty() {
        let mut request = Row::default();
        for column in ["requested_for", "opened_by", "approval"] {
            request.set(column, row.get(column));
        }
        let request = store.insert(order, request, user, made, None);
        row.set("request", request);
    }
    let approval = row.get("approval").to_owned();
    let sys_id = store.insert(item, row, user, made, lag);
    if let Some(approver) = approver {
        add_approver(store, &sys_id, approver, &approval, user, decided);
        if let Some(item) = store.find_mut("sc_req_item", &sys_id).filter(|_| decided != made) {
            touch(item, user, decided);
        }
    }
    sys_id
}

/// Adds a row of `sysapproval_approver`. It is approved unless the item says that it was asked for or rejected: who
/// names an approver says who approved.
pub(super) fn add_approver(store: &mut Store, sys_id: &str, approver: &str, approval: &str, user: &str, at: Timestamp) {
    let Some(table) = table("sysapproval_approver") else { return };
    let state = if matches!(approval, "requested" | "rejected") { approval } else { "approved" };
    let mut row = Row::default();
    for (column, value) in [
        ("sysapproval", sys_id),
        ("document_id", sys_id),
        ("source_table", "sc_req_item"),
        ("approver", approver),
        ("state", state),
    ] {
        row.set(column, value);
    }
    store.insert(table, row, user, at, None);
}

/// The item's approval was set by hand: who was asked has then decided so.
pub(super) fn approval_changed(store: &mut Store, sys_id: &str, approval: &str, user: &str, now: Timestamp) {
    if !matches!(approval, "approved" | "rejected") {
        return;
    }
    store.each_mut("sysapproval_approver", |row| {
        if row.get("sysapproval") == sys_id && row.get("state") == "requested" {
            row.set("state", approval);
            touch(row, user, now);
        }
    });
}

/// An approver has decided: the item follows.
pub(super) fn approver_decided(store: &mut Store, approver: &Row, user: &str, now: Timestamp) {
    let state = approver.get("state");
    if !matches!(state, "approved" | "rejected") {
        return;
    }
    if let Some(item) = store.find_mut("sc_req_item", approver.get("sysapproval"))
        && item.get("approval") != state
    {
        item.set("approval", state);
        touch(item, user, now);
    }
}

/// Adds a ticket for each file of the folder: `*.json` is a body of `POST /requests`, and its ticket says the same;
/// `refused/*.json` is `{"body", "row"}`, where `row` says what is different in the ticket (events/README.md).
pub(super) fn load(store: &mut Store, now: Timestamp, folder: &Path) {
    for path in files(folder) {
        match parse(&path) {
            Ok(body) => add(store, now, &body, &Value::Null),
            Err(error) => tracing::error!(path = %path.display(), %error, "a golden ticket could not be read"),
        }
    }
    for path in files(&folder.join("refused")) {
        match parse(&path) {
            Ok(file) => add(store, now, &file["body"], &file["row"]),
            Err(error) => tracing::error!(path = %path.display(), %error, "a refused ticket could not be read"),
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
}

fn parse(path: &Path) -> Result<Value, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}

fn texts(object: Option<&Map<String, Value>>) -> BTreeMap<String, String> {
    object.into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn add(store: &mut Store, now: Timestamp, body: &Value, differs: &Value) {
    let mut row = Row::default();
    for column in ["sys_id", "number", "approval", "requested_for", "opened_by"] {
        row.set(column, text(&body["ticket"][column]));
    }
    row.set("cat_item", SERVICENOW_CAT_ITEM);
    row.set("short_description", format!("dbt and Redshift: {} {}", text(&body["action"]), text(&body["integration"])));
    row.variables = texts(body["variables"].as_object());
    for name in ["action", "integration"] {
        row.variables.insert(name.to_owned(), text(&body[name]));
    }
    let mut approver = SERVICENOW_APPROVER.to_owned();
    for (name, value) in differs.as_object().into_iter().flatten() {
        match name.as_str() {
            "approver" => approver = text(value),
            "variables" => row.variables.extend(texts(value.as_object())),
            column => row.set(column, text(value)),
        }
    }
    let approver = (row.get("approval") != "not requested" && !approver.is_empty()).then_some(approver);
    let made = now - SignedDuration::from_mins(40);
    let decided = now - SignedDuration::from_mins(12);
    create(store, row, approver.as_deref(), ADMIN_USER, made, decided, None);
}
