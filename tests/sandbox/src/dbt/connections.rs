//! Account-level connections and private endpoints. Bodies are closed: an unknown key is refused.

use std::sync::Arc;

use axum::extract::{Query, State};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::Account;
use super::access::{Area, Body, Ids, Principal};
use super::envelope::{Answer, Params, Problem, Style, listed, no_content, ok, page, success};
use super::schema::{Field, Kind, check, nullable, optional, required, same_id};
use super::store::{Row, Store, active, active_mut, insert, merge, reference};
use crate::seed::{DBT_ACCOUNT, DBT_HOST};

const STYLE: Style = Style::Newer;
const ADAPTERS: &[&str] = &[
    "apache_spark_v0",
    "athena_v0",
    "bigquery_v0",
    "bigquery_v1",
    "databricks_spark_v0",
    "databricks_v0",
    "fabric_v0",
    "postgres_v0",
    "redshift_v0",
    "salesforce_v0",
    "snowflake_v0",
    "synapse_v0",
    "teradata_v0",
    "trino_v0",
];
const CREATE: &[Field] = &[
    required("account_id", Kind::Integer),
    required("name", Kind::Text),
    required("adapter_version", Kind::OneOf(ADAPTERS)),
    nullable("private_link_endpoint_id", Kind::Text),
    optional("is_ssh_tunnel_enabled", Kind::Bool),
    nullable("oauth_configuration_id", Kind::Integer),
    required("config", Kind::Object),
];
const UPDATE: &[Field] = &[
    optional("account_id", Kind::Integer),
    optional("name", Kind::Text),
    nullable("private_link_endpoint_id", Kind::Text),
    optional("is_ssh_tunnel_enabled", Kind::Bool),
    nullable("oauth_configuration_id", Kind::Integer),
    optional("config", Kind::Object),
];
const REDSHIFT: &[Field] = &[
    required("hostname", Kind::Text),
    required("dbname", Kind::Text),
    optional("port", Kind::Between(1, 65_535)),
    nullable("retries", Kind::Between(0, 10)),
];
const KEYS: &[&str] = &["name", "private_link_endpoint_id", "is_ssh_tunnel_enabled", "oauth_configuration_id"];
const REDSHIFT_KEYS: &[&str] = &["hostname", "dbname", "port", "retries"];

/// The detail that a read shows.
pub(super) fn show(row: &Row) -> Value {
    let mut shown = Value::Object(row.fields.clone());
    // "Used internally by dbt"; whether it equals the redirect URI of external OAuth is UNCONFIRMED: here it does not.
    shown["oauth_redirect_uri"] = json!(format!("https://{DBT_HOST}/complete/redshift"));
    shown["is_configured_for_native_oauth"] = json!(false);
    shown["platform_metadata_credentials_id"] = Value::Null;
    shown["analytics_credentials_id"] = Value::Null;
    shown
}

/// The row that a list shows: without its `config`.
fn show_in_list(store: &Store, id: u64, row: &Row) -> Value {
    let mut shown = Value::Object(row.fields.clone());
    shown["config"] = Value::Null;
    shown["environment__count"] = json!(environment_count(store, id));
    shown["platform_metadata_credentials_id"] = Value::Null;
    shown["analytics_credentials_id"] = Value::Null;
    shown
}

/// How many environments use a connection.
pub(super) fn environment_count(store: &Store, id: u64) -> usize {
    store.environments.values().filter(|row| !row.deleted && row.number("connection_id") == Some(id)).count()
}

fn check_references(store: &Store, body: &Map<String, Value>) -> Result<(), Problem> {
    reference(&store.oauth_configurations, "oauth_configuration_id", body)?;
    if let Some(endpoint) = body.get("private_link_endpoint_id").and_then(Value::as_str)
        && !store.private_endpoints.iter().any(|row| row["id"] == endpoint)
    {
        return Err(Problem::field("private_link_endpoint_id", "Private link endpoint not found."));
    }
    Ok(())
}

/// The keys of a Redshift `config` that dbt knows; others are dropped without a word.
fn redshift(config: &mut Map<String, Value>, given: &Map<String, Value>) {
    for key in REDSHIFT_KEYS {
        if let Some(value) = given.get(*key) {
            config.insert((*key).to_owned(), value.clone());
        }
    }
}

fn check_redshift(config: &Map<String, Value>) -> Result<(), Problem> {
    check(config, REDSHIFT, false, STYLE)
}

pub(super) async fn list(State(account): State<Arc<Account>>, who: Principal, Query(params): Query<Params>) -> Answer {
    who.read(Area::Connections, None)?;
    let store = account.store();
    let needle = params.get("name__icontains").map(|name| name.to_lowercase());
    let rows = listed(&store.connections, &params)?
        .filter(|(_, row)| {
            needle.as_ref().is_none_or(|needle| row.text("name").to_lowercase().contains(needle))
                && params.get("adapter_version").is_none_or(|adapter| row.text("adapter_version") == adapter)
                && params.get("private_endpoint_id").is_none_or(|id| row.text("private_link_endpoint_id") == id)
        })
        .map(|(id, row)| show_in_list(&store, id, row))
        .collect();
    page(STYLE, &params, rows)
}

pub(super) async fn create(State(account): State<Arc<Account>>, who: Principal, Body(body): Body) -> Answer {
    who.write(Area::Connections, None)?;
    check(&body, CREATE, true, STYLE)?;
    same_id(&body, "account_id", DBT_ACCOUNT, STYLE)?;
    let given = body["config"].as_object().cloned().unwrap_or_default();
    let config = if body["adapter_version"] == "redshift_v0" {
        check_redshift(&given)?;
        let mut config = Map::from_iter([("port".to_owned(), json!(5439)), ("retries".to_owned(), Value::Null)]);
        redshift(&mut config, &given);
        config
    } else {
        given
    };
    let now = account.world.clock.now();
    let mut store = account.store();
    check_references(&store, &body).map_err(|problem| problem.styled(STYLE))?;
    let mut row = Row::new(json!({
        "account_id": DBT_ACCOUNT, "name": null, "adapter_version": body["adapter_version"],
        "private_link_endpoint_id": null, "is_ssh_tunnel_enabled": false, "oauth_configuration_id": null,
        "config": config,
    }));
    merge(&mut row, &body, KEYS, now);
    let id = store.id();
    insert(&mut store.connections, id, row, now, who.lag);
    store.audit(now, "connection.added", who.actor(), json!({"connection_id": id}));
    let status = if store.unconfirmed.created_is_201 { StatusCode::CREATED } else { StatusCode::OK };
    Ok(success(STYLE, status, show(&store.connections[&id])))
}

pub(super) async fn read(State(account): State<Arc<Account>>, who: Principal, Ids([id]): Ids<1>) -> Answer {
    who.read(Area::Connections, None)?;
    let store = account.store();
    Ok(ok(STYLE, show(active(&store.connections, id)?)))
}

pub(super) async fn update(
    State(account): State<Arc<Account>>,
    who: Principal,
    Ids([id]): Ids<1>,
    Body(body): Body,
) -> Answer {
    who.write(Area::Connections, None)?;
    let now = account.world.clock.now();
    let mut store = account.store();
    let mut row = active_mut(&mut store.connections, id)?.clone();
    check(&body, UPDATE, true, STYLE)?;
    same_id(&body, "account_id", DBT_ACCOUNT, STYLE)?;
    check_references(&store, &body).map_err(|problem| problem.styled(STYLE))?;
    if let Some(given) = body.get("config").and_then(Value::as_object) {
        let mut config = row.fields["config"].as_object().cloned().unwrap_or_default();
        if row.text("adapter_version") == "redshift_v0" {
            redshift(&mut config, given);
            check_redshift(&config)?;
        } else {
            config.extend(given.clone());
        }
        row.fields.insert("config".into(), Value::Object(config));
    }
    merge(&mut row, &body, KEYS, now);
    let shown = show(&row);
    store.connections.insert(id, row);
    store.audit(now, "connection.changed", who.actor(), json!({"connection_id": id}));
    Ok(ok(STYLE, shown))
}

pub(super) async fn delete(State(account): State<Arc<Account>>, who: Principal, Ids([id]): Ids<1>) -> Answer {
    who.write(Area::Connections, None)?;
    let mut store = account.store();
    let unconfirmed = store.unconfirmed;
    let used = environment_count(&store, id);
    let row = active_mut(&mut store.connections, id)?;
    if used > 0 && unconfirmed.refuse_connection_in_use {
        return Err(Problem::field("id", "The connection is in use by an environment.").styled(STYLE));
    }
    row.deleted = true;
    let shown = show(row);
    store.audit(account.world.clock.now(), "connection.removed", who.actor(), json!({"connection_id": id}));
    Ok(if unconfirmed.delete_has_body { ok(STYLE, shown) } else { no_content() })
}

/// Private endpoints with the number of connections that use each.
pub(super) fn show_private_endpoints(store: &Store) -> Vec<Value> {
    let count = |id: &str| {
        store.connections.values().filter(|row| !row.deleted && row.text("private_link_endpoint_id") == id).count()
    };
    store
        .private_endpoints
        .iter()
        .cloned()
        .map(|mut row| {
            row["connection_count"] = json!(count(row["id"].as_str().unwrap_or_default()));
            row
        })
        .collect()
}

pub(super) async fn private_endpoints(
    State(account): State<Arc<Account>>,
    who: Principal,
    Query(params): Query<Params>,
) -> Answer {
    who.read(Area::Connections, None)?;
    let store = account.store();
    let rows = show_private_endpoints(&store)
        .into_iter()
        .filter(|row| {
            params.get("type").is_none_or(|kind| row["type"] == kind.as_str())
                && params.get("search").is_none_or(|text| {
                    ["name", "private_link_endpoint"]
                        .iter()
                        .any(|field| row[*field].as_str().unwrap_or_default().contains(text.as_str()))
                })
        })
        .collect();
    page(STYLE, &params, rows)
}
