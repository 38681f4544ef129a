//! A ticket as its instance has it, and who approved it.

use std::collections::BTreeMap;

use extoauth_core::error::CallResult;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use reqwest::Method;

use super::{Answered, Read, Record, cell, filled, is_sys_id, is_table};

/// A person that a ticket names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    /// The person's sys_id; empty where the ticket names nobody.
    pub value: String,
    /// Mail address, where we may read it.
    pub email: Option<String>,
}

/// A ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Id.
    pub sys_id: String,
    /// Number for people: `RITM0012345`.
    pub number: String,
    /// `not requested`, `requested`, `approved`, `rejected` …
    pub approval: String,
    /// The catalogue item that was ordered.
    pub cat_item: String,
    /// For whom.
    pub requested_for: Reference,
    /// By whom.
    pub opened_by: Reference,
    /// State: a number that customers may define anew.
    pub state: String,
    /// Last change.
    pub sys_updated_on: Option<Timestamp>,
    /// The answers to the item's questions, by name. One that the ticket does not have is not in it; all are texts.
    pub variables: BTreeMap<String, String>,
}

/// One person's approval of a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The approver's sys_id.
    pub approver: String,
    /// Mail address, where we may read it.
    pub email: Option<String>,
    /// Name, where we may read it.
    pub name: Option<String>,
    /// When it was given: the row's last change, as an approval has no time of its own.
    pub at: Option<Timestamp>,
}

/// A moment as ServiceNow writes it: UTC, without saying so.
fn moment(text: &str) -> Option<Timestamp> {
    let civil: DateTime = text.parse().ok()?;
    TimeZone::UTC.to_timestamp(civil).ok()
}

fn person(record: &Record, field: &str) -> Reference {
    Reference { value: cell(record, field).unwrap_or_default(), email: filled(record, &format!("{field}.email")) }
}

fn ticket(record: &Record, variables: &[&str]) -> Ticket {
    let field = |name| cell(record, name).unwrap_or_default();
    let variables =
        variables.iter().filter_map(|name| Some(((*name).to_owned(), cell(record, &format!("variables.{name}"))?)));
    Ticket {
        sys_id: field("sys_id"),
        number: field("number"),
        approval: field("approval"),
        cat_item: field("cat_item"),
        requested_for: person(record, "requested_for"),
        opened_by: person(record, "opened_by"),
        state: field("state"),
        sys_updated_on: cell(record, "sys_updated_on").as_deref().and_then(moment),
        variables: variables.collect(),
    }
}

/// The approved ones of the rows, which the instance may have given back unasked.
fn approvals(rows: &[Record], sys_id: &str) -> Vec<Approval> {
    let of_ticket = |row: &&Record| {
        cell(row, "sysapproval").as_deref() == Some(sys_id) && cell(row, "state").as_deref() == Some("approved")
    };
    let read = |row: &Record| {
        Some(Approval {
            approver: filled(row, "approver").filter(|id| is_sys_id(id))?,
            email: filled(row, "approver.email"),
            name: filled(row, "approver.name"),
            at: cell(row, "sys_updated_on").as_deref().and_then(moment),
        })
    };
    rows.iter().filter(of_ticket).filter_map(read).collect()
}

impl Read {
    /// Reads a ticket back, with these variables of its catalogue item. Variables are no columns: they are reached by a
    /// dotted name (UNCONFIRMED for instances that forbid it; then none comes back).
    ///
    /// # Errors
    /// `NotFound` if there is none or we may not see it; `Refused` if table, id or a variable is not of ServiceNow's
    /// form.
    pub async fn ticket(&self, table: &str, sys_id: &str, variables: &[&str]) -> CallResult<Ticket> {
        const OPERATION: &str = "read ticket";
        let mut call = self.on_record(OPERATION, Method::GET, table, sys_id)?;
        let mut fields = "sys_id,number,approval,cat_item,requested_for,requested_for.email,opened_by,opened_by.email,\
                          state,sys_updated_on"
            .to_owned();
        for name in variables {
            if !is_table(name) {
                return Err(self.refuse(OPERATION, format!("`{name}` is not the name of a variable")));
            }
            fields.push_str(",variables.");
            fields.push_str(name);
        }
        call.url
            .query_pairs_mut()
            .append_pair("sysparm_fields", &fields)
            .append_pair("sysparm_exclude_reference_link", "true");
        let record = self.0.endpoint.send(&call).await?.json::<Answered<Record>>()?.result;
        let ticket = ticket(&record, variables);
        if ticket.sys_id != sys_id {
            return Err(self.refuse(OPERATION, "the instance answered with another ticket").on(sys_id));
        }
        Ok(ticket)
    }

    /// Who approved a ticket.
    ///
    /// # Errors
    /// `Forbidden` if our user may not read the table of approvals.
    pub async fn approvals(&self, sys_id: &str) -> CallResult<Vec<Approval>> {
        const OPERATION: &str = "read approvals";
        if !is_sys_id(sys_id) {
            return Err(self.refuse(OPERATION, "the ticket's sys_id is not of ServiceNow's form"));
        }
        let conditions = [("sysapproval", "=", sys_id), ("state", "=", "approved")];
        let fields = "sys_id,sysapproval,state,approver,approver.email,approver.name,sys_updated_on";
        let rows = self.query(OPERATION, "sysapproval_approver", &conditions, fields).await?;
        Ok(approvals(&rows, sys_id))
    }

    /// The groups of a person: sys_ids and, where we may read them, names.
    ///
    /// # Errors
    /// `Forbidden` if our user may not read the table of memberships.
    pub async fn groups_of(&self, person: &str) -> CallResult<Vec<String>> {
        const OPERATION: &str = "read groups of requester";
        if !is_sys_id(person) {
            return Err(self.refuse(OPERATION, "the person's sys_id is not of ServiceNow's form"));
        }
        let conditions = [("user", "=", person)];
        let rows = self.query(OPERATION, "sys_user_grmember", &conditions, "user,group,group.name").await?;
        let own = rows.iter().filter(|row| cell(row, "user").as_deref() == Some(person));
        Ok(own.flat_map(|row| [filled(row, "group"), filled(row, "group.name")]).flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef";
    const PERSON: &str = "46d44a23a9fe19810012d100cca80666";

    fn record(value: &Value) -> Record {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn references_as_text_or_object() {
        for reference in [json!(PERSON), json!({"value": PERSON, "link": "https://i/x"})] {
            let raw = json!({"sys_id": ID, "number": "RITM1", "approval": "approved", "cat_item": reference,
                "requested_for": reference, "requested_for.email": "a@b", "opened_by": "", "state": "2",
                "sys_updated_on": "2026-02-03 04:05:06", "variables.action": "provision", "variables.groups": ""});
            let ticket = ticket(&record(&raw), &["action", "groups", "idp"]);
            assert_eq!((ticket.cat_item.as_str(), ticket.requested_for.value.as_str()), (PERSON, PERSON));
            assert_eq!(ticket.requested_for.email.as_deref(), Some("a@b"));
            assert_eq!(ticket.opened_by, Reference::default());
            assert_eq!(ticket.sys_updated_on, "2026-02-03T04:05:06Z".parse().ok());
            let wanted = BTreeMap::from([("action".into(), "provision".into()), ("groups".into(), String::new())]);
            assert_eq!(ticket.variables, wanted);
        }
    }

    #[test]
    fn rows_that_were_not_asked_for_are_no_approvals() {
        let row = |of: &str, state: &str, by: &str| {
            record(&json!({"sysapproval": {"value": of}, "state": state, "approver": by,
                "approver.name": "Ann", "sys_updated_on": "2026-02-03 04:05:06"}))
        };
        let other = "ffffffffffffffffffffffffffffffff";
        let rows = [
            row(ID, "approved", PERSON),
            row(other, "approved", PERSON),
            row(ID, "requested", PERSON),
            row(ID, "approved", ""),
            record(&json!({})),
        ];
        let found = approvals(&rows, ID);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].approver.as_str(), found[0].name.as_deref()), (PERSON, Some("Ann")));
    }
}
