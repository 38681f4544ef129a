//! Telling a ticket what happened.

use extoauth_core::error::CallResult;
use reqwest::Method;
use serde_json::json;

use super::{Answered, Read, Record, Write, cell, is_sys_id};
use crate::http::Written;

/// How a ticket stands after it was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The state that the instance shows now. It answers 200 even where it left a field alone that our user may not
    /// write (UNCONFIRMED), so this is worth comparing.
    pub state: Option<String>,
}

impl Read {
    /// Whether a work note with this marker is on a ticket: what to ask after a lost answer, because each write appends
    /// another note.
    ///
    /// # Errors
    /// `Forbidden` if our user may not read the journal; `Refused` if the marker cannot be part of a query.
    pub async fn has_work_note(&self, sys_id: &str, marker: &str) -> CallResult<bool> {
        const OPERATION: &str = "look for work note";
        if !is_sys_id(sys_id) {
            return Err(self.refuse(OPERATION, "the ticket's sys_id is not of ServiceNow's form"));
        }
        let conditions = [("element_id", "=", sys_id), ("element", "=", "work_notes"), ("value", "LIKE", marker)];
        let rows = self.query(OPERATION, "sys_journal_field", &conditions, "element_id,element,value").await?;
        Ok(rows.iter().any(|row| is_note(row, sys_id, marker)))
    }
}

fn is_note(row: &Record, sys_id: &str, marker: &str) -> bool {
    cell(row, "element_id").as_deref() == Some(sys_id)
        && cell(row, "element").as_deref() == Some("work_notes")
        && cell(row, "value").is_some_and(|text| text.contains(marker))
}

impl Write {
    /// Appends a work note. Never repeated by itself: see [`has_work_note`](Read::has_work_note).
    ///
    /// # Errors
    /// `Ambiguous` if the answer was lost; `NotFound` if the ticket is gone.
    pub async fn add_work_note(&self, table: &str, sys_id: &str, text: &str) -> CallResult<Written<()>> {
        let mut call = self.on_record("add work note", Method::PATCH, table, sys_id)?.json(json!({"work_notes": text}));
        call.url.query_pairs_mut().append_pair("sysparm_fields", "sys_id");
        Ok(self.0.endpoint.send(&call).await?.done())
    }

    /// Sets state and close notes; doing it again changes nothing. A ticket with open tasks cannot be closed.
    ///
    /// # Errors
    /// `Forbidden` if a rule of the instance forbids it; `NotFound` if the ticket is gone.
    pub async fn close(
        &self,
        table: &str,
        sys_id: &str,
        state: &str,
        close_notes: &str,
    ) -> CallResult<Written<Closed>> {
        let body = json!({"state": state, "close_notes": close_notes});
        let mut call = self.on_record("close ticket", Method::PATCH, table, sys_id)?.json(body).repeatable();
        call.url.query_pairs_mut().append_pair("sysparm_fields", "sys_id,state");
        let written: Written<Answered<Record>> = self.0.endpoint.send(&call).await?.written()?;
        let state = cell(&written.value.result, "state");
        Ok(Written { value: Closed { state }, request_id: written.request_id })
    }
}
