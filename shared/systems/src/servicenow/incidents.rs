//! Incidents: found by the correlation id that we give them, so that none is opened twice.

use extoauth_core::error::{CallError, CallResult, ErrorKind};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{Answered, Read, Record, Write, cell, is_sys_id};
use crate::http::{Call, Written};

/// "Resolved" of the incident's state (the base system's choices; an instance may define others: UNCONFIRMED).
const RESOLVED: &str = "6";
/// States of an incident that is over: resolved, closed, cancelled.
const OVER: [&str; 3] = [RESOLVED, "7", "8"];
/// A resolution code of the base system; a data policy wants one with the state (UNCONFIRMED for instances that have
/// replaced the choices).
const CLOSE_CODE: &str = "Solution provided";
/// Longest `short_description`.
const SHORT: usize = 160;

/// An incident as the instance has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Id.
    pub sys_id: String,
    /// Number for people: `INC0010001`.
    pub number: String,
    /// State: a number.
    pub state: String,
}

impl Incident {
    /// Whether it is resolved, closed or cancelled.
    pub fn is_over(&self) -> bool {
        OVER.contains(&self.state.as_str())
    }
}

/// An incident to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewIncident {
    /// Our own id of it.
    pub correlation_id: String,
    /// One line.
    pub short_description: String,
    /// What it is about.
    pub description: String,
    /// 1 (high) to 3 (low).
    pub impact: &'static str,
    /// 1 (high) to 3 (low).
    pub urgency: &'static str,
    /// sys_id of the group that gets it.
    pub assignment_group: Option<String>,
}

fn incident(row: &Record) -> Option<Incident> {
    let field = |name| cell(row, name).unwrap_or_default();
    let sys_id = cell(row, "sys_id").filter(|id| is_sys_id(id))?;
    Some(Incident { sys_id, number: field("number"), state: field("state") })
}

impl Read {
    /// The incidents with a correlation id, the oldest first.
    ///
    /// # Errors
    /// `Forbidden` if our user may not read incidents.
    pub async fn incidents(&self, correlation_id: &str) -> CallResult<Vec<Incident>> {
        let conditions = [("correlation_id", "=", correlation_id)];
        let fields = "sys_id,number,state,correlation_id";
        let rows = self.query("look for incident", "incident", &conditions, fields).await?;
        let ours = rows.iter().filter(|row| cell(row, "correlation_id").as_deref() == Some(correlation_id));
        Ok(ours.filter_map(incident).collect())
    }

    /// sys_id of an active group by its name or its own sys_id; `None`: there is none, or we may not see it.
    ///
    /// # Errors
    /// The name cannot be part of a query, or our user may not read groups.
    pub async fn group(&self, name: &str) -> CallResult<Option<String>> {
        if is_sys_id(name) {
            return Ok(Some(name.to_owned()));
        }
        let rows = self.query("look for group", "sys_user_group", &[("name", "=", name)], "sys_id,name").await?;
        let found = rows.iter().find(|row| cell(row, "name").as_deref() == Some(name));
        Ok(found.and_then(|row| cell(row, "sys_id")).filter(|id| is_sys_id(id)))
    }
}

impl Write {
    /// Opens an incident. Never repeated by itself: look with [`Read::incidents`] first.
    ///
    /// # Errors
    /// `Ambiguous` if the answer was lost; `Forbidden` if our user may not open incidents.
    pub async fn open_incident(&self, new: &NewIncident) -> CallResult<Written<Option<Incident>>> {
        const OPERATION: &str = "open incident";
        let mut body = Map::new();
        let short: String = new.short_description.chars().take(SHORT).collect();
        for (name, value) in [
            ("correlation_id", new.correlation_id.as_str()),
            ("correlation_display", "extoauth"),
            ("short_description", &short),
            ("description", &new.description),
            ("impact", new.impact),
            ("urgency", new.urgency),
        ] {
            body.insert(name.to_owned(), json!(value));
        }
        if let Some(group) = &new.assignment_group {
            body.insert("assignment_group".to_owned(), json!(group));
        }
        let mut url = self.0.endpoint.url(OPERATION, &["api", "now", "table", "incident"])?;
        url.query_pairs_mut().append_pair("sysparm_fields", "sys_id,number,state");
        let call =
            Call::new(OPERATION, Method::POST, url).signed(&*self.0).on(&new.correlation_id).json(Value::Object(body));
        let written: Written<Answered<Record>> = self.0.endpoint.send(&call).await?.written()?;
        Ok(Written { value: incident(&written.value.result), request_id: written.request_id })
    }

    /// Resolves an incident; doing it again changes nothing.
    ///
    /// # Errors
    /// `Forbidden` if a rule of the instance forbids it, or if it answers well and leaves the incident open, as it does where
    /// our user may not write the state.
    pub async fn resolve_incident(&self, incident: &Incident, close_notes: &str) -> CallResult<Written<()>> {
        const OPERATION: &str = "resolve incident";
        let body = json!({"state": RESOLVED, "close_code": CLOSE_CODE, "close_notes": close_notes});
        let call = self.on_record(OPERATION, Method::PATCH, "incident", &incident.sys_id)?;
        let mut call = call.json(body).repeatable();
        call.url.query_pairs_mut().append_pair("sysparm_fields", "sys_id,number,state");
        let written: Written<Answered<Record>> = self.0.endpoint.send(&call).await?.written()?;
        let state = cell(&written.value.result, "state").unwrap_or_default();
        if !OVER.contains(&state.as_str()) {
            let message = format!("the instance left the incident in the state `{state}`");
            let error = CallError::new(ErrorKind::Forbidden, self.system().clone(), OPERATION, message);
            return Err(error.on(&incident.number));
        }
        Ok(Written { value: (), request_id: written.request_id })
    }
}
