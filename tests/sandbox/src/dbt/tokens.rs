//! Service tokens: the token itself is shown once, when it is made.

use std::sync::Arc;

use axum::extract::{Query, State};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Account;
use super::access::{Area, Body, Grant, Ids, Principal, Token};
use super::envelope::{Answer, Params, Problem, Style, listed, no_content, ok, page};
use super::schema::{Field, Kind, check, optional, required};
use super::store::{Row, active_mut, insert};
use crate::seed::DBT_ACCOUNT;

const STYLE: Style = Style::Newer;
const FIELDS: &[Field] =
    &[required("name", Kind::Text), optional("metadata_only", Kind::Bool), optional("webhooks_only", Kind::Bool)];
const PERMISSION_SETS: &[&str] = &[
    "account_admin",
    "account_viewer",
    "admin",
    "analyst",
    "analyst_read",
    "billing_admin",
    "cost_insights_admin",
    "cost_insights_viewer",
    "cost_management_admin",
    "cost_management_viewer",
    "database_admin",
    "developer",
    "fusion_admin",
    "git_admin",
    "job_admin",
    "job_creator",
    "job_runner",
    "job_viewer",
    "manage_marketplace_apps",
    "member",
    "metadata_only",
    "notification_manager",
    "owner",
    "project_creator",
    "readonly",
    "scim_only",
    "security_admin",
    "semantic_layer_only",
    "stakeholder",
    "team_admin",
    "webhooks_only",
];

/// The object as it is stored.
pub(super) fn row(id: u64, name: &str, grants: &Value) -> Row {
    Row::new(json!({
        "account_id": DBT_ACCOUNT, "uid": format!("uid{id}"), "name": name, "state": 1, "permission_grants": grants,
        "last_used": null, "semantic_layer_credentials": [], "metadata_only": false, "webhooks_only": false,
    }))
}

fn grants(body: &serde_json::Map<String, Value>) -> Result<Vec<Grant>, Problem> {
    let wrong = || Problem::field("permission_grants", "value is not a valid list of grants").styled(STYLE);
    let list = match body.get("permission_grants") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(wrong()),
    };
    list.iter()
        .map(|grant| {
            let permission_set = grant["permission_set"].as_str().ok_or_else(wrong)?;
            let project_id = match &grant["project_id"] {
                Value::Null => None,
                id => Some(id.as_u64().ok_or_else(wrong)?),
            };
            if !PERMISSION_SETS.contains(&permission_set) {
                return Err(Problem::field("permission_grants", "value is not a valid enumeration member"));
            }
            Ok(Grant { permission_set: permission_set.to_owned(), project_id })
        })
        .collect()
}

pub(super) async fn list(State(account): State<Arc<Account>>, who: Principal, Query(params): Query<Params>) -> Answer {
    who.read(Area::ServiceTokens, None)?;
    let store = account.store();
    let rows = listed(&store.service_tokens, &params)?.map(|(_, row)| json!(row.fields)).collect();
    page(STYLE, &params, rows)
}

pub(super) async fn create(State(account): State<Arc<Account>>, who: Principal, Body(body): Body) -> Answer {
    who.write(Area::ServiceTokens, None)?;
    check(&body, FIELDS, false, STYLE)?;
    let grants = grants(&body)?;
    let now = account.world.clock.now();
    let mut store = account.store();
    let id = store.id();
    let given = body.get("permission_grants").cloned().filter(|grants| !grants.is_null()).unwrap_or_else(|| json!([]));
    let row = row(id, body["name"].as_str().unwrap_or_default(), &given);
    let value = format!("dbts_{}", Uuid::new_v4().simple());
    store.tokens.push(Token { value: value.clone(), user_id: None, service_token_id: Some(id), grants });
    insert(&mut store.service_tokens, id, row, now, None);
    store.audit(now, "service_token.created", who.actor(), json!({"service_token_id": id}));
    let mut shown = json!(store.service_tokens[&id].fields);
    shown["token_string"] = json!(value);
    Ok(ok(STYLE, shown))
}

pub(super) async fn revoke(State(account): State<Arc<Account>>, who: Principal, Ids([id]): Ids<1>) -> Answer {
    who.write(Area::ServiceTokens, None)?;
    let mut store = account.store();
    active_mut(&mut store.service_tokens, id)?.deleted = true;
    store.tokens.retain(|token| token.service_token_id != Some(id));
    store.audit(account.world.clock.now(), "service_token.revoked", who.actor(), json!({"service_token_id": id}));
    Ok(no_content())
}
