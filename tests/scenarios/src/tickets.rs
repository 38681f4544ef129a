//! Tickets: the golden ones, new ones made from them, and what is written on them.

use std::path::PathBuf;

use anyhow::Context as _;
use extoauth_sandbox::sandbox::root;
use extoauth_sandbox::seed::{SERVICENOW_APPROVER, SERVICENOW_CAT_ITEM, SERVICENOW_HOST};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::client::Client;

fn folder() -> PathBuf {
    root().join("events/intake")
}

fn read(path: PathBuf) -> anyhow::Result<Value> {
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

/// The request body in `events/intake/<name>.json`. Its ticket is in the sandbox from the start.
///
/// # Errors
/// There is no such file, or no JSON in it.
pub fn golden(name: &str) -> anyhow::Result<Value> {
    read(folder().join(format!("{name}.json")))
}

/// A request that provisioning must refuse (`events/intake/refused/`).
#[derive(Clone, Debug)]
pub struct Refused {
    /// File name without its ending.
    pub name: String,
    /// `error.code` of the failed request.
    pub expect: String,
    /// What is posted.
    pub body: Value,
}

/// All requests that provisioning must refuse, by name.
///
/// # Errors
/// A file cannot be read.
pub fn refused() -> anyhow::Result<Vec<Refused>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder().join("refused"))? {
        let path = entry?.path();
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut file = read(path)?;
        let expect = file["expect"].as_str().context("`expect` is a code")?.to_owned();
        all.push(Refused { name, expect, body: file["body"].take() });
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}

/// The same request under a ticket of its own, which [`Client::open`] makes.
#[must_use]
pub fn anew(body: &Value) -> Value {
    let mut body = body.clone();
    let id = Uuid::new_v4();
    body["ticket"]["sys_id"] = json!(id.simple().to_string());
    body["ticket"]["number"] = json!(format!("RITM{:07}", id.as_u128() % 10_000_000));
    body
}

/// The same request with other variables.
#[must_use]
pub fn with(body: &Value, variables: &[(&str, &str)]) -> Value {
    let mut body = body.clone();
    for (name, value) in variables {
        body["variables"][*name] = json!(value);
    }
    body
}

impl Client {
    /// Puts the approved ticket of a request into ServiceNow.
    ///
    /// # Errors
    /// ServiceNow does not take it.
    pub async fn open(&self, body: &Value) -> anyhow::Result<()> {
        let ticket = &body["ticket"];
        let mut row = Map::from_iter([
            ("sys_id".to_owned(), ticket["sys_id"].clone()),
            ("number".to_owned(), ticket["number"].clone()),
            ("approval".to_owned(), ticket["approval"].clone()),
            ("approver".to_owned(), json!(SERVICENOW_APPROVER)),
            ("requested_for".to_owned(), ticket["requested_for"]["value"].clone()),
            ("opened_by".to_owned(), ticket["opened_by"]["value"].clone()),
            ("cat_item".to_owned(), json!(SERVICENOW_CAT_ITEM)),
            ("state".to_owned(), json!("1")),
            ("variables.action".to_owned(), body["action"].clone()),
            ("variables.integration".to_owned(), body["integration"].clone()),
        ]);
        for (name, value) in body["variables"].as_object().into_iter().flatten() {
            row.insert(format!("variables.{name}"), value.clone());
        }
        let call = self.http().post(format!("{}/api/now/table/sc_req_item", self.servicenow("url")));
        self.send(self.as_operator(call).json(&row)).await?.good().context("the ticket could not be made").map(drop)
    }

    /// The same request under a new, approved ticket.
    ///
    /// # Errors
    /// ServiceNow does not take it.
    pub async fn reopened(&self, body: &Value) -> anyhow::Result<Value> {
        let body = anew(body);
        self.open(&body).await?;
        Ok(body)
    }

    /// The ticket of a request as ServiceNow shows it.
    ///
    /// # Errors
    /// ServiceNow does not answer.
    pub async fn ticket(&self, body: &Value) -> anyhow::Result<Value> {
        let sys_id = body["ticket"]["sys_id"].as_str().unwrap_or_default();
        let call = self.http().get(format!("{}/api/now/table/sc_req_item/{sys_id}", self.servicenow("url")));
        let mut answer = self.send(self.as_operator(call)).await?.good()?;
        Ok(answer["result"].take())
    }

    /// The work notes of a request's ticket, the oldest first.
    ///
    /// # Errors
    /// ServiceNow does not answer.
    pub async fn notes(&self, body: &Value) -> anyhow::Result<Vec<String>> {
        let sys_id = body["ticket"]["sys_id"].as_str().unwrap_or_default();
        let query = format!("element_id={sys_id}^element=work_notes^ORDERBYsys_created_on");
        let call = self.http().get(format!("{}/api/now/table/sys_journal_field", self.servicenow("url")));
        let answer = self.send(self.as_operator(call).query(&[("sysparm_query", query)])).await?.good()?;
        let rows = answer["result"].as_array().context("a list of notes")?;
        Ok(rows.iter().map(|row| row["value"].as_str().unwrap_or_default().to_owned()).collect())
    }

    fn servicenow(&self, name: &str) -> &str {
        self.sandbox_json()["admin"]["servicenow"][SERVICENOW_HOST][name].as_str().unwrap_or_default()
    }

    fn as_operator(&self, call: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        call.basic_auth(self.servicenow("user"), Some(self.servicenow("password")))
    }
}
