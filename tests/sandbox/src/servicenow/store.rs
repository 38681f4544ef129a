//! Tables and rows. Every value is text, as in ServiceNow.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{seed, tickets};

/// What a table is made of.
pub(super) struct Table {
    /// Its name in paths and queries.
    pub(super) name: &'static str,
    /// What its numbers start with; empty where rows have none.
    pub(super) prefix: &'static str,
    /// Its columns, the system columns left out.
    pub(super) columns: &'static [&'static str],
    /// Which of them refer to another table.
    pub(super) references: &'static [(&'static str, &'static str)],
    /// The column that names a row to people.
    pub(super) display: &'static str,
}

impl Table {
    /// The table that a column refers to.
    pub(super) fn target(&self, column: &str) -> Option<&'static Table> {
        self.references.iter().find(|(name, _)| *name == column).and_then(|(_, target)| table(target))
    }

    /// Whether the table has this column.
    pub(super) fn has(&self, column: &str) -> bool {
        SYSTEM_COLUMNS.contains(&column) || self.columns.contains(&column)
    }
}

/// Columns that every table has.
pub(super) const SYSTEM_COLUMNS: &[&str] =
    &["sys_id", "sys_created_on", "sys_created_by", "sys_updated_on", "sys_updated_by", "sys_mod_count", "sys_tags"];

/// Journal columns: what is written to them is appended to `sys_journal_field`.
pub(super) const JOURNALS: &[&str] = &["work_notes", "comments"];

const TABLES: &[Table] = &[
    Table {
        name: "sc_req_item",
        prefix: "RITM",
        columns: &[
            "number",
            "request",
            "cat_item",
            "requested_for",
            "opened_by",
            "opened_at",
            "short_description",
            "description",
            "approval",
            "stage",
            "state",
            "active",
            "assignment_group",
            "assigned_to",
            "correlation_id",
            "correlation_display",
            "work_notes",
            "comments",
            "close_notes",
            "closed_at",
            "closed_by",
            "sys_class_name",
        ],
        references: &[
            ("request", "sc_request"),
            ("cat_item", "sc_cat_item"),
            ("requested_for", "sys_user"),
            ("opened_by", "sys_user"),
            ("assignment_group", "sys_user_group"),
            ("assigned_to", "sys_user"),
            ("closed_by", "sys_user"),
        ],
        display: "number",
    },
    Table {
        name: "sc_request",
        prefix: "REQ",
        columns: &["number", "requested_for", "opened_by", "approval", "request_state", "short_description"],
        references: &[("requested_for", "sys_user"), ("opened_by", "sys_user")],
        display: "number",
    },
    Table {
        name: "sc_task",
        prefix: "SCTASK",
        columns: &["number", "request_item", "state", "short_description", "work_notes", "comments", "close_notes"],
        references: &[("request_item", "sc_req_item")],
        display: "number",
    },
    Table {
        name: "sc_cat_item",
        prefix: "",
        columns: &["name", "short_description", "active"],
        references: &[],
        display: "name",
    },
    Table {
        name: "sysapproval_approver",
        prefix: "",
        columns: &["sysapproval", "document_id", "source_table", "approver", "state", "comments", "due_date"],
        references: &[("sysapproval", "sc_req_item"), ("approver", "sys_user")],
        display: "sys_id",
    },
    Table {
        name: "sys_journal_field",
        prefix: "",
        columns: &["name", "element", "element_id", "value"],
        references: &[],
        display: "element",
    },
    Table {
        name: "incident",
        prefix: "INC",
        columns: &[
            "number",
            "caller_id",
            "opened_by",
            "opened_at",
            "short_description",
            "description",
            "state",
            "active",
            "impact",
            "urgency",
            "priority",
            "category",
            "assignment_group",
            "assigned_to",
            "correlation_id",
            "correlation_display",
            "work_notes",
            "comments",
            "close_code",
            "close_notes",
            "closed_at",
            "closed_by",
        ],
        references: &[
            ("caller_id", "sys_user"),
            ("opened_by", "sys_user"),
            ("assignment_group", "sys_user_group"),
            ("assigned_to", "sys_user"),
            ("closed_by", "sys_user"),
        ],
        display: "number",
    },
    Table {
        name: "sys_user",
        prefix: "",
        columns: &["user_name", "name", "first_name", "last_name", "email", "active", "title"],
        references: &[],
        display: "name",
    },
    Table {
        name: "sys_user_group",
        prefix: "",
        columns: &["name", "description", "email", "active"],
        references: &[],
        display: "name",
    },
    Table {
        name: "sys_user_grmember",
        prefix: "",
        columns: &["user", "group"],
        references: &[("user", "sys_user"), ("group", "sys_user_group")],
        display: "sys_id",
    },
];

/// A table by its name.
pub(super) fn table(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}

/// All tables.
pub(super) fn tables() -> impl Iterator<Item = &'static Table> {
    TABLES.iter()
}

/// One record.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) fields: BTreeMap<String, String>,
    /// Catalogue variables: not columns, but rows of other tables that a field list reaches as `variables.<name>`.
    pub(super) variables: BTreeMap<String, String>,
    /// Reads do not see it before this moment.
    pub(super) visible_at: Option<Instant>,
}

impl Row {
    /// A column's value; empty where it has none.
    pub(super) fn get(&self, column: &str) -> &str {
        self.fields.get(column).map_or("", String::as_str)
    }

    pub(super) fn set(&mut self, column: &str, value: impl Into<String>) {
        self.fields.insert(column.to_owned(), value.into());
    }

    /// Whether replication has brought it to the readers.
    pub(super) fn visible(&self) -> bool {
        self.visible_at.is_none_or(|at| at <= Instant::now())
    }
}

/// An access token of the OAuth endpoint.
pub(super) struct AccessToken {
    pub(super) value: String,
    pub(super) user: String,
    pub(super) until: Timestamp,
}

/// Everything that the instance holds.
pub(super) struct Store {
    rows: BTreeMap<&'static str, Vec<Row>>,
    next_number: u32,
    pub(super) access_tokens: Vec<AccessToken>,
    pub(super) throttled_until: Option<Timestamp>,
}

impl Store {
    /// The instance at start.
    pub(super) fn seeded(now: Timestamp, tickets_dir: &Path) -> Self {
        let mut store =
            Self { rows: BTreeMap::new(), next_number: 10_000, access_tokens: Vec::new(), throttled_until: None };
        seed::fill(&mut store, now);
        tickets::load(&mut store, now, tickets_dir);
        store
    }

    /// The rows of a table in the order they were made.
    pub(super) fn rows(&self, table: &str) -> &[Row] {
        self.rows.get(table).map_or(&[], Vec::as_slice)
    }

    /// A row by its id, hidden ones included.
    pub(super) fn find(&self, table: &str, sys_id: &str) -> Option<&Row> {
        self.rows(table).iter().find(|row| row.get("sys_id") == sys_id)
    }

    /// A row by its id, for a write.
    pub(super) fn find_mut(&mut self, table: &str, sys_id: &str) -> Option<&mut Row> {
        self.rows.get_mut(table).and_then(|rows| rows.iter_mut().find(|row| row.get("sys_id") == sys_id))
    }

    /// Changes each row of a table.
    pub(super) fn each_mut(&mut self, table: &str, change: impl FnMut(&mut Row)) {
        if let Some(rows) = self.rows.get_mut(table) {
            rows.iter_mut().for_each(change);
        }
    }

    pub(super) fn remove(&mut self, table: &str, sys_id: &str) {
        if let Some(rows) = self.rows.get_mut(table) {
            rows.retain(|row| row.get("sys_id") != sys_id);
        }
    }

    /// A number that no row has yet.
    fn number(&mut self, prefix: &str) -> String {
        self.next_number += 1;
        format!("{prefix}{:07}", self.next_number)
    }

    /// Adds a row, filling the system columns that it lacks. Gives back its id.
    pub(super) fn insert(
        &mut self,
        table: &'static Table,
        mut row: Row,
        user: &str,
        now: Timestamp,
        lag: Option<Duration>,
    ) -> String {
        for column in table.columns.iter().chain(SYSTEM_COLUMNS) {
            row.fields.entry((*column).to_owned()).or_default();
        }
        if row.get("sys_id").is_empty() {
            row.set("sys_id", uuid::Uuid::new_v4().simple().to_string());
        }
        if !table.prefix.is_empty() && row.get("number").is_empty() {
            let number = self.number(table.prefix);
            row.set("number", number);
        }
        for (at, by) in [("sys_created_on", "sys_created_by"), ("sys_updated_on", "sys_updated_by")] {
            row.set(at, time(now));
            row.set(by, user);
        }
        row.set("sys_mod_count", "0");
        row.visible_at = lag.map(|lag| Instant::now() + lag);
        let sys_id = row.get("sys_id").to_owned();
        self.rows.entry(table.name).or_default().push(row);
        sys_id
    }

    /// Appends to a record's journal.
    pub(super) fn note(&mut self, table: &str, sys_id: &str, element: &str, text: &str, user: &str, now: Timestamp) {
        let Some(journal) = self::table("sys_journal_field") else { return };
        let mut row = Row::default();
        for (column, value) in [("name", table), ("element", element), ("element_id", sys_id), ("value", text)] {
            row.set(column, value);
        }
        self.insert(journal, row, user, now, None);
    }
}

/// Marks a record as changed.
pub(super) fn touch(row: &mut Row, user: &str, now: Timestamp) {
    let count: u64 = row.get("sys_mod_count").parse().unwrap_or_default();
    row.set("sys_mod_count", (count + 1).to_string());
    row.set("sys_updated_on", time(now));
    row.set("sys_updated_by", user);
}

/// A moment as ServiceNow writes it: UTC without a zone mark.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
