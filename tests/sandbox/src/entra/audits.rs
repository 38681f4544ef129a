//! The directory's audit log: every change made through Graph is an entry with its actor and targets; `GET
//! /auditLogs/directoryAudits` reads it. Entra's own entries come some minutes late; these are there at once.
//!
//! Names of activities are those of Microsoft's "Audit activity reference"; the two about certificates and secrets are
//! written with a dash and a space at the end, as live logs have them and the reference has not.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{Method, header};
use axum::response::Response;
use axum::routing::get;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::access::{Right, Who};
use super::context::{Cx, raw};
use super::data::Data;
use super::error::{Answer, Problem};
use super::{Tenant, ids, names};

pub(super) fn routes() -> Router<Arc<Tenant>> {
    Router::new().route("/v1.0/auditLogs/directoryAudits", get(list))
}

/// A change that is about to be made.
pub(super) struct Act {
    activity: &'static str,
    category: &'static str,
    set: String,
    key: Option<String>,
    targets: Vec<String>,
}

impl Act {
    /// What a call would do, if it is one that the log knows. What it is done to is looked up now: afterwards it may be
    /// gone.
    pub fn of(data: &Data, method: &Method, path: &str) -> Option<Self> {
        let mut parts = path.strip_prefix("/v1.0/")?.splitn(3, '/');
        let (set, key, rest) = (parts.next()?, parts.next(), parts.next());
        let (activity, category) = named(method, set, rest)?;
        let targets = key.map(|key| resolved(data, set, key)).unwrap_or_default();
        Some(Self { activity, category, set: set.to_owned(), key: key.map(str::to_owned), targets })
    }

    /// Writes the entry of a change that was made.
    pub fn record(self, data: &mut Data, who: &Who, response: &Response, now: Timestamp) {
        if !response.status().is_success() {
            return;
        }
        let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
        let made = location.and_then(|url| url.split("/directoryObjects/").nth(1)?.split('/').next());
        let key = made.or(self.key.as_deref());
        let mut targets = self.targets;
        if let Some(key) = key.filter(|_| targets.is_empty()) {
            targets = resolved(data, &self.set, key);
        }
        let by = match who {
            Who::Admin => json!({"app": null, "user": {"id": ids::guid(), "displayName": "Administrator",
                "userPrincipalName": format!("admin@{}", names::ENTRA_NAME), "ipAddress": "127.0.0.1"}}),
            Who::App { app_id, principal, .. } => {
                let name = data.application_of(app_id).map(|app| app.shown["displayName"].clone());
                json!({"user": null, "app": {"appId": app_id, "servicePrincipalId": principal, "displayName": name,
                    "servicePrincipalName": null}})
            }
        };
        let targets: Vec<Value> = targets
            .into_iter()
            .map(|id| json!({"id": id, "displayName": null, "type": "Other", "modifiedProperties": []}))
            .collect();
        data.audits.push(json!({
            "id": format!("Directory_{}", ids::guid()), "category": self.category, "correlationId": ids::guid(),
            "result": "success", "resultReason": "", "activityDisplayName": self.activity,
            "activityDateTime": now.to_string(), "loggedByService": "Core Directory", "operationType": "Update",
            "initiatedBy": by, "targetResources": targets, "additionalDetails": [],
        }));
    }
}

/// Activity and category of a call.
fn named(method: &Method, set: &str, rest: Option<&str>) -> Option<(&'static str, &'static str)> {
    const APPLICATIONS: &str = "ApplicationManagement";
    let first = rest.map(|rest| rest.split('/').next().unwrap_or_default());
    let entry = match (method.as_str(), set, first) {
        ("POST", "applications", None) => ("Add application", APPLICATIONS),
        ("PATCH", "applications", None) => ("Update application", APPLICATIONS),
        ("DELETE", "applications", None) => ("Delete application", APPLICATIONS),
        ("POST", "applications", Some("addPassword" | "removePassword")) => {
            ("Update application \u{2013} Certificates and secrets management ", APPLICATIONS)
        }
        ("POST" | "DELETE" | "PATCH", "applications", Some("owners")) => ("Update application", APPLICATIONS),
        ("POST" | "DELETE", "applications", Some(_)) => ("Update application", APPLICATIONS),
        ("POST", "servicePrincipals", None) => ("Add service principal", APPLICATIONS),
        ("PATCH", "servicePrincipals", None) => ("Update service principal", APPLICATIONS),
        ("DELETE", "servicePrincipals", None) => ("Remove service principal", APPLICATIONS),
        ("POST", "servicePrincipals", Some("appRoleAssignedTo")) => {
            ("Add app role assignment grant to user", "UserManagement")
        }
        ("DELETE", "servicePrincipals", Some("appRoleAssignedTo")) => {
            ("Remove app role assignment from user", "UserManagement")
        }
        ("POST" | "PATCH", "oauth2PermissionGrants", None) => ("Add delegated permission grant", APPLICATIONS),
        ("DELETE", "oauth2PermissionGrants", None) => ("Remove delegated permission grant", APPLICATIONS),
        ("PATCH", "users", None) => ("Update user", "UserManagement"),
        ("DELETE", "users", None) => ("Delete user", "UserManagement"),
        ("POST", "groups", Some("members")) => ("Add member to group", "GroupManagement"),
        ("DELETE", "groups", Some("members")) => ("Remove member from group", "GroupManagement"),
        ("DELETE", "groups", None) => ("Delete group", "GroupManagement"),
        _ => return None,
    };
    Some(entry)
}

/// Object ids of what a path's key means.
fn resolved(data: &Data, set: &str, key: &str) -> Vec<String> {
    let value = key.split_once('\'').and_then(|(_, rest)| rest.rsplit_once('\'')).map(|(value, _)| value);
    match (set, value) {
        ("oauth2PermissionGrants", _) => {
            data.grants.get(key).map(|grant| vec![grant.client.clone(), grant.resource.clone()]).unwrap_or_default()
        }
        ("applications", Some(value)) if key.starts_with("(uniqueName=") => {
            let mut all = data.applications.values();
            all.find(|app| app.shown["uniqueName"] == value).map(|app| app.id.clone()).into_iter().collect()
        }
        ("applications", Some(value)) => data.application_of(value).map(|app| app.id.clone()).into_iter().collect(),
        ("servicePrincipals", Some(value)) => {
            data.any_principal_of(value).map(|principal| principal.id.clone()).into_iter().collect()
        }
        _ => vec![key.to_owned()],
    }
}

/// The parts of `$filter` that this list is asked with, all of which must hold.
enum Clause {
    Since(Timestamp),
    Until(Timestamp),
    Is(&'static str, String),
    Target(String),
}

impl Clause {
    fn read(text: &str) -> Result<Self, Problem> {
        let wrong = || Problem::new(400, "BadRequest", format!("Invalid filter clause: '{text}'."));
        let literal = |value: &str| -> Result<String, Problem> {
            let inner = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')).ok_or_else(wrong)?;
            Ok(inner.replace("''", "'"))
        };
        if let Some(any) = text.strip_prefix("targetResources/any(") {
            let (_, test) = any.strip_suffix(')').and_then(|any| any.split_once("/id eq ")).ok_or_else(wrong)?;
            return literal(test.trim()).map(Self::Target);
        }
        let mut words = text.splitn(3, ' ');
        let (property, operator) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let value = words.next().ok_or_else(wrong)?;
        let time = || value.parse::<Timestamp>().map_err(|_| wrong());
        match (property, operator) {
            ("activityDateTime", "ge") => time().map(Self::Since),
            ("activityDateTime", "le") => time().map(Self::Until),
            ("category", "eq") => literal(value).map(|value| Self::Is("category", value)),
            ("activityDisplayName", "eq") => literal(value).map(|value| Self::Is("activityDisplayName", value)),
            _ => Err(wrong()),
        }
    }

    fn fits(&self, entry: &Value) -> bool {
        let at = || entry["activityDateTime"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
        match self {
            Self::Since(time) => at().is_some_and(|at| at >= *time),
            Self::Until(time) => at().is_some_and(|at| at <= *time),
            Self::Is(property, value) => entry[property] == value.as_str(),
            Self::Target(id) => {
                entry["targetResources"].as_array().is_some_and(|all| all.iter().any(|t| t["id"] == id.as_str()))
            }
        }
    }
}

/// Between `activityDateTime ge` and `le`, by category, activity and target; the latest first unless it is asked
/// otherwise; in pages.
async fn list(State(tenant): State<Arc<Tenant>>, cx: Cx) -> Answer {
    cx.who.need(Right::ReadAudits)?;
    let text = cx.arg("filter").unwrap_or_default();
    let clauses = text.split(" and ").filter(|text| !text.is_empty()).map(|text| Clause::read(text.trim()));
    let clauses = clauses.collect::<Result<Vec<_>, _>>()?;
    let whole =
        |name: &str| cx.arg(name).map(str::parse::<usize>).transpose().map_err(|_| Problem::bad("Invalid page."));
    let size = whole("top")?.unwrap_or(100).clamp(1, 999);
    let skip = whole("skiptoken")?.unwrap_or(0);
    let data = tenant.data();
    let mut found: Vec<&Value> =
        data.audits.iter().filter(|entry| clauses.iter().all(|clause| clause.fits(entry))).collect();
    if !cx.arg("orderby").is_some_and(|order| order.ends_with("asc")) {
        found.reverse();
    }
    let page: Vec<&Value> = found.iter().skip(skip).take(size).copied().collect();
    let mut body = json!({"value": page});
    if skip + size < found.len() {
        let kept = cx.query.iter().filter(|(name, _)| name != "$skiptoken").cloned();
        let query = kept.chain([("$skiptoken".to_owned(), (skip + size).to_string())]);
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let host = names::GRAPH_HOST;
        body["@odata.nextLink"] = json!(format!("https://{host}/v1.0{}?{}", cx.path, query.replace("%24", "$")));
    }
    raw("auditLogs/directoryAudits", body)
}
