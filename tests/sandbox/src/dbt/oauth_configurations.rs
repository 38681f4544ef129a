//! OAuth configurations ("custom integrations"): names are labels, the secret is write-only, an update is a POST.

use std::sync::Arc;

use axum::extract::{Query, State};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::Account;
use super::access::{Area, Body, Ids, Principal};
use super::envelope::{Answer, Params, Problem, Style, listed, no_content, ok, page, success};
use super::schema::{Field, Kind, check, nullable, optional, required, same_id};
use super::store::{Row, active, active_mut, insert, merge};
use crate::seed::DBT_ACCOUNT;

const STYLE: Style = Style::Classic;
const KEYS: &[&str] =
    &["account_id", "type", "name", "extra_data", "client_id", "authorize_url", "token_url", "redirect_uri"];
const FIELDS: &[Field] = &[
    required("account_id", Kind::Integer),
    required("type", Kind::OneOf(&["okta", "entra"])),
    optional("name", Kind::Text),
    nullable("extra_data", Kind::Object),
    optional("client_id", Kind::Text),
    optional("client_secret", Kind::Text),
    optional("authorize_url", Kind::Text),
    optional("token_url", Kind::Text),
    optional("redirect_uri", Kind::Text),
];

/// As the API shows it: never with its secret.
pub(super) fn show(row: &Row) -> Value {
    Value::Object(row.fields.clone())
}

fn validate(body: &Map<String, Value>) -> Result<(), Problem> {
    check(body, FIELDS, false, STYLE)?;
    same_id(body, "account_id", DBT_ACCOUNT, STYLE)
}

/// The rules of the Terraform provider for `extra_data`; dbt's own words are UNCONFIRMED.
fn validate_extra_data(fields: &Map<String, Value>) -> Result<(), Problem> {
    let uri = &fields["extra_data"]["application_id_uri"];
    match fields["type"].as_str() {
        Some("okta") if !uri.is_null() => {
            Err(Problem::field("extra_data", "application_id_uri is not supported for Okta"))
        }
        Some("entra") if uri.as_str().is_none_or(str::is_empty) => {
            Err(Problem::field("extra_data", "application_id_uri is required for Entra ID"))
        }
        _ => Ok(()),
    }
}

fn blank() -> Map<String, Value> {
    KEYS.iter().map(|key| ((*key).to_owned(), Value::Null)).collect()
}

fn secret(body: &Map<String, Value>) -> Option<String> {
    body.get("client_secret").and_then(Value::as_str).map(str::to_owned)
}

pub(super) async fn list(State(account): State<Arc<Account>>, who: Principal, Query(params): Query<Params>) -> Answer {
    who.read(Area::OauthConfigurations, None)?;
    let store = account.store();
    let rows = listed(&store.oauth_configurations, &params)?
        .filter(|(id, row)| {
            params.get("client_id").is_none_or(|client| row.text("client_id") == client)
                && params.get("type").is_none_or(|kind| row.text("type") == kind)
                && params.get("pk").is_none_or(|pk| pk.parse() == Ok(*id))
        })
        .map(|(_, row)| show(row))
        .collect();
    page(STYLE, &params, rows)
}

pub(super) async fn create(State(account): State<Arc<Account>>, who: Principal, Body(body): Body) -> Answer {
    who.write(Area::OauthConfigurations, None)?;
    validate(&body)?;
    let now = account.world.clock.now();
    let mut row = Row { fields: blank(), secret: secret(&body), ..Row::default() };
    merge(&mut row, &body, KEYS, now);
    validate_extra_data(&row.fields)?;
    let mut store = account.store();
    let id = store.id();
    insert(&mut store.oauth_configurations, id, row, now, who.lag);
    let status = if store.unconfirmed.created_is_201 { StatusCode::CREATED } else { StatusCode::OK };
    Ok(success(STYLE, status, show(&store.oauth_configurations[&id])))
}

pub(super) async fn read(State(account): State<Arc<Account>>, who: Principal, Ids([id]): Ids<1>) -> Answer {
    who.read(Area::OauthConfigurations, None)?;
    let store = account.store();
    Ok(ok(STYLE, show(active(&store.oauth_configurations, id)?)))
}

pub(super) async fn update(
    State(account): State<Arc<Account>>,
    who: Principal,
    Ids([id]): Ids<1>,
    Body(body): Body,
) -> Answer {
    who.write(Area::OauthConfigurations, None)?;
    let mut store = account.store();
    let replaces = store.unconfirmed.configuration_update_replaces;
    let row = active_mut(&mut store.oauth_configurations, id)?;
    validate(&body)?;
    if body["type"] != row.fields["type"] {
        return Err(Problem::field("type", "The type of an OAuth configuration cannot be changed."));
    }
    let mut changed = row.clone();
    if replaces {
        changed.fields.extend(blank());
        changed.secret = None;
    }
    if let Some(secret) = secret(&body) {
        changed.secret = Some(secret);
    }
    merge(&mut changed, &body, KEYS, account.world.clock.now());
    validate_extra_data(&changed.fields)?;
    *row = changed;
    Ok(ok(STYLE, show(row)))
}

pub(super) async fn delete(State(account): State<Arc<Account>>, who: Principal, Ids([id]): Ids<1>) -> Answer {
    who.write(Area::OauthConfigurations, None)?;
    let mut store = account.store();
    let unconfirmed = store.unconfirmed;
    let used = store
        .connections
        .values()
        .any(|connection| !connection.deleted && connection.number("oauth_configuration_id") == Some(id));
    let row = active_mut(&mut store.oauth_configurations, id)?;
    if used && unconfirmed.refuse_configuration_in_use {
        return Err(Problem::field("id", "The OAuth configuration is in use by a connection."));
    }
    row.deleted = true;
    let shown = json!(row.fields);
    Ok(if unconfirmed.delete_has_body { ok(STYLE, shown) } else { no_content() })
}
