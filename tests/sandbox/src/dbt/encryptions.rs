//! SSH tunnels of connections: objects of the v2 API beside the connection's `is_ssh_tunnel_enabled`.

use std::sync::Arc;

use axum::extract::{Query, State};
use serde_json::{Map, Value, json};

use super::Account;
use super::access::{Area, Body, Ids, Principal};
use super::envelope::{Answer, Params, Problem, Style, listed, ok, page};
use super::schema::{Field, Kind, check, nullable, optional, required, same_id};
use super::store::{Row, Store, active_mut, insert, merge, reference};
use crate::seed::DBT_ACCOUNT;

const STYLE: Style = Style::Classic;
const FIELDS: &[Field] = &[
    nullable("id", Kind::Integer),
    required("account_id", Kind::Integer),
    required("connection_id", Kind::Integer),
    required("username", Kind::Text),
    required("port", Kind::Between(1, 65_535)),
    required("hostname", Kind::Text),
    optional("state", Kind::Between(1, 2)),
];
const KEYS: &[&str] = &["connection_id", "username", "port", "hostname", "state"];

fn validate(store: &Store, body: &Map<String, Value>) -> Result<(), Problem> {
    check(body, FIELDS, false, STYLE)?;
    same_id(body, "account_id", DBT_ACCOUNT, STYLE)?;
    reference(&store.connections, "connection_id", body)
}

/// A tunnel before its keys are merged. The key pair is dbt's own: its public half goes to the bastion's administrator.
pub(super) fn blank(id: u64) -> Value {
    json!({"account_id": DBT_ACCOUNT, "state": 1,
        "public_key": format!("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ{id:08} dbt")})
}

pub(super) async fn list(State(account): State<Arc<Account>>, who: Principal, Query(params): Query<Params>) -> Answer {
    who.read(Area::Connections, None)?;
    let store = account.store();
    let rows = listed(&store.encryptions, &params)?
        .filter(|(_, row)| params.get("connection_id").is_none_or(|id| id.parse().ok() == row.number("connection_id")))
        .map(|(_, row)| json!(row.fields))
        .collect();
    page(STYLE, &params, rows)
}

pub(super) async fn create(State(account): State<Arc<Account>>, who: Principal, Body(body): Body) -> Answer {
    who.write(Area::Connections, None)?;
    let now = account.world.clock.now();
    let mut store = account.store();
    validate(&store, &body)?;
    let id = store.id();
    let mut row = Row::new(blank(id));
    merge(&mut row, &body, KEYS, now);
    insert(&mut store.encryptions, id, row, now, who.lag);
    Ok(ok(STYLE, json!(store.encryptions[&id].fields)))
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
    active_mut(&mut store.encryptions, id)?;
    validate(&store, &body)?;
    let row = active_mut(&mut store.encryptions, id)?;
    merge(row, &body, KEYS, now);
    row.deleted = row.number("state") == Some(2);
    Ok(ok(STYLE, json!(row.fields)))
}
