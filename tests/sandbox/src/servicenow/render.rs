//! What a record looks like in an answer: `sysparm_fields`, `sysparm_display_value`, `sysparm_exclude_reference_link`.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::access;
use super::answers::Problem;
use super::store::{JOURNALS, Row, SYSTEM_COLUMNS, Store, Table};
use crate::seed::SERVICENOW_HOST;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Display {
    Values,
    Labels,
    Both,
}

/// How the caller wants records.
pub(super) struct View {
    fields: Option<Vec<String>>,
    display: Display,
    links: bool,
    user: String,
}

impl View {
    /// From the query parameters. `user`: whose right to read decides what a dotted field shows.
    pub(super) fn new(params: &HashMap<String, String>, user: &str) -> Result<Self, Problem> {
        let fields = params.get("sysparm_fields").filter(|list| !list.is_empty());
        let display = match params.get("sysparm_display_value").map(String::as_str) {
            None | Some("" | "false") => Display::Values,
            Some("true") => Display::Labels,
            Some("all") => Display::Both,
            Some(other) => return Err(Problem::bad_request(format!("Invalid sysparm_display_value: {other}"))),
        };
        Ok(Self {
            fields: fields.map(|list| list.split(',').map(|field| field.trim().to_owned()).collect()),
            display,
            links: params.get("sysparm_exclude_reference_link").is_none_or(|value| value != "true"),
            user: user.to_owned(),
        })
    }

    /// Everything, as the operator sees it by default.
    pub(super) fn plain() -> Self {
        Self { fields: None, display: Display::Values, links: true, user: super::seed::ADMIN_USER.to_owned() }
    }

    /// A record. A field that the table lacks, or that the user may not read, is left out.
    pub(super) fn show(&self, store: &Store, table: &'static Table, row: &Row) -> Value {
        let mut shown = Map::new();
        let mut add = |field: &str| {
            if let Some(cell) = cell(store, table, row, field, &self.user) {
                shown.insert(field.to_owned(), self.cell(&cell));
            }
        };
        match &self.fields {
            Some(fields) => fields.iter().for_each(|field| add(field)),
            None => SYSTEM_COLUMNS.iter().chain(table.columns).for_each(|field| add(field)),
        }
        Value::Object(shown)
    }

    fn cell(&self, cell: &Cell) -> Value {
        let link = cell
            .target
            .filter(|_| self.links && !cell.value.is_empty())
            .map(|table| format!("https://{SERVICENOW_HOST}/api/now/table/{table}/{}", cell.value));
        let mut shown = match (self.display, &link) {
            (Display::Values, None) => return json!(cell.value),
            (Display::Labels, None) => return json!(cell.label),
            (Display::Values, Some(_)) => json!({"value": cell.value}),
            (Display::Labels, Some(_)) => json!({"display_value": cell.label}),
            (Display::Both, _) => json!({"display_value": cell.label, "value": cell.value}),
        };
        if let Some(link) = link {
            shown["link"] = json!(link);
        }
        shown
    }
}

/// One value of a record.
pub(super) struct Cell {
    /// As stored.
    pub(super) value: String,
    label: String,
    target: Option<&'static str>,
}

/// A field of a record, also through references (`requested_for.email`) and into the variables (`variables.groups`).
pub(super) fn cell(store: &Store, table: &'static Table, row: &Row, field: &str, user: &str) -> Option<Cell> {
    if let Some(name) = field.strip_prefix("variables.") {
        let value = row.variables.get(name)?.clone();
        return Some(Cell { label: value.clone(), value, target: None });
    }
    if let Some((first, rest)) = field.split_once('.') {
        let target = table.target(first)?;
        if !access::may_read(user, target.name) {
            return None;
        }
        return match store.find(target.name, row.get(first)) {
            Some(referred) => cell(store, target, referred, rest, user),
            None => Some(Cell { value: String::new(), label: String::new(), target: None }),
        };
    }
    if !table.has(field) {
        return None;
    }
    let value = row.get(field).to_owned();
    let target = table.target(field);
    let label = match target {
        Some(target) => {
            store.find(target.name, &value).map_or_else(String::new, |row| row.get(target.display).to_owned())
        }
        None if JOURNALS.contains(&field) => journal(store, row.get("sys_id"), field),
        None => choice(table.name, field, &value).map_or_else(|| value.clone(), str::to_owned),
    };
    Some(Cell { value, label, target: target.map(|target| target.name) })
}

/// A journal column has no value of its own; its display value is all its entries, the newest first.
fn journal(store: &Store, sys_id: &str, element: &str) -> String {
    let title = if element == "work_notes" { "Work notes" } else { "Additional comments" };
    store
        .rows("sys_journal_field")
        .iter()
        .rev()
        .filter(|row| row.get("element_id") == sys_id && row.get("element") == element)
        .map(|row| {
            format!("{} - {} ({title})\n{}\n\n", row.get("sys_created_on"), row.get("sys_created_by"), row.get("value"))
        })
        .collect()
}

/// The labels of choices. The numbers of `state` are from memory; customers change them.
fn choice(table: &str, field: &str, value: &str) -> Option<&'static str> {
    Some(match (table, field, value) {
        ("sc_req_item" | "sc_task", "state", "-5") => "Pending",
        ("sc_req_item" | "sc_task", "state", "1") => "Open",
        ("sc_req_item" | "sc_task", "state", "2") => "Work in Progress",
        ("sc_req_item" | "sc_task", "state", "3") => "Closed Complete",
        ("sc_req_item" | "sc_task", "state", "4") => "Closed Incomplete",
        ("sc_req_item" | "sc_task", "state", "7") => "Closed Skipped",
        ("incident", "state", "1") => "New",
        ("incident", "state", "2") => "In Progress",
        ("incident", "state", "3") => "On Hold",
        ("incident", "state", "6") => "Resolved",
        ("incident", "state", "7") => "Closed",
        ("incident", "state", "8") => "Canceled",
        (_, "approval", "not requested") => "Not Yet Requested",
        (_, "approval", "requested") | ("sysapproval_approver", "state", "requested") => "Requested",
        (_, "approval", "approved") | ("sysapproval_approver", "state", "approved") => "Approved",
        (_, "approval", "rejected") | ("sysapproval_approver", "state", "rejected") => "Rejected",
        _ => return None,
    })
}
