//! Encoded queries: `approval=approved^state!=3^ORnumberLIKE123^ORDERBYDESCsys_created_on`.

use std::cmp::Ordering;

use super::render::cell;
use super::store::{Row, Store, Table};

/// A query as ServiceNow reads it: alternatives (`^NQ`) of conjunctions (`^`) of disjunctions (`^OR`).
pub(super) struct Query {
    groups: Vec<Vec<Vec<Condition>>>,
    order: Vec<(String, bool)>,
}

struct Condition {
    field: String,
    operator: &'static str,
    value: String,
}

/// Longer ones first: `NOT LIKE` contains `LIKE`.
const OPERATORS: &[&str] = &[
    "NOT LIKE",
    "NOT IN",
    "ISNOTEMPTY",
    "ISEMPTY",
    "STARTSWITH",
    "ENDSWITH",
    "LIKE",
    "IN",
    "!=",
    ">=",
    "<=",
    "=",
    ">",
    "<",
];

impl Query {
    /// Reads a query. A term that makes no sense is ignored, as an instance does unless it was told to return nothing
    /// (`glide.invalid_query.returns_no_rows`; from memory): a mistyped field therefore finds *every* record.
    pub(super) fn parse(text: &str, table: &'static Table) -> Self {
        let mut query = Self { groups: vec![Vec::new()], order: Vec::new() };
        for term in split(text) {
            if let Some(field) = term.strip_prefix("ORDERBYDESC") {
                query.order.push((field.to_owned(), true));
            } else if let Some(field) = term.strip_prefix("ORDERBY") {
                query.order.push((field.to_owned(), false));
            } else if term == "EQ" {
                // The end mark that the list view adds.
            } else if let Some(rest) = term.strip_prefix("NQ") {
                query.groups.push(Vec::new());
                query.and(rest, table);
            } else if let Some(rest) = term.strip_prefix("OR") {
                if let Some(condition) = Condition::parse(rest, table) {
                    match query.groups.last_mut().and_then(|group| group.last_mut()) {
                        Some(alternatives) => alternatives.push(condition),
                        None => query.groups[0].push(vec![condition]),
                    }
                }
            } else {
                query.and(&term, table);
            }
        }
        query
    }

    fn and(&mut self, term: &str, table: &'static Table) {
        if let (Some(condition), Some(group)) = (Condition::parse(term, table), self.groups.last_mut()) {
            group.push(vec![condition]);
        }
    }

    /// Whether a record is found. Fields that the user may not read match nothing.
    pub(super) fn matches(&self, store: &Store, table: &'static Table, row: &Row, user: &str) -> bool {
        self.groups.iter().any(|group| {
            group.iter().all(|alternatives| {
                alternatives.iter().any(|condition| {
                    cell(store, table, row, &condition.field, user).is_some_and(|cell| condition.holds(&cell.value))
                })
            })
        })
    }

    /// Sorts records as the query says, else in the order they were made.
    pub(super) fn sort(&self, rows: &mut [&Row]) {
        for (field, descending) in self.order.iter().rev() {
            rows.sort_by(|a, b| {
                let order = compare(a.get(field), b.get(field));
                if *descending { order.reverse() } else { order }
            });
        }
    }
}

/// Splits at `^`; `^^` stands for the character itself.
fn split(text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    let mut term = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '^' if rest.peek() == Some(&'^') => {
                rest.next();
                term.push('^');
            }
            '^' => terms.push(std::mem::take(&mut term)),
            c => term.push(c),
        }
    }
    terms.push(term);
    terms.retain(|term| !term.is_empty());
    terms
}

impl Condition {
    fn parse(term: &str, table: &'static Table) -> Option<Self> {
        let end = term.find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.')))?;
        let (field, rest) = term.split_at(end);
        let operator = OPERATORS.iter().find(|operator| rest.starts_with(**operator))?;
        let known = field.starts_with("variables.")
            || field.split_once('.').map_or_else(|| table.has(field), |(first, _)| table.target(first).is_some());
        known.then(|| Self { field: field.to_owned(), operator, value: rest[operator.len()..].to_owned() })
    }

    /// Text is compared without regard to case, as the instance's database does.
    fn holds(&self, found: &str) -> bool {
        let found = found.to_lowercase();
        let value = self.value.to_lowercase();
        let listed = || value.split(',').any(|one| one.trim() == found);
        match self.operator {
            "=" => found == value,
            "!=" => found != value,
            "IN" => listed(),
            "NOT IN" => !listed(),
            "LIKE" => found.contains(&value),
            "NOT LIKE" => !found.contains(&value),
            "STARTSWITH" => found.starts_with(&value),
            "ENDSWITH" => found.ends_with(&value),
            "ISEMPTY" => found.is_empty(),
            "ISNOTEMPTY" => !found.is_empty(),
            ">" => compare(&found, &value) == Ordering::Greater,
            ">=" => compare(&found, &value) != Ordering::Less,
            "<" => compare(&found, &value) == Ordering::Less,
            "<=" => compare(&found, &value) != Ordering::Greater,
            _ => false,
        }
    }
}

/// Numbers by size, everything else (times too, by their form) as text.
fn compare(a: &str, b: &str) -> Ordering {
    match (a.parse::<i64>(), b.parse::<i64>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        _ => a.cmp(b),
    }
}
