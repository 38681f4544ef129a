//! What the account holds at start.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::access::{Grant, Token};
use super::store::{Row, Store, insert, time};
use super::{encryptions, projects, tokens};
use crate::seed::{DBT_ACCOUNT, USERS, WAREHOUSE_HOST};

/// Ids made later are above this.
pub(super) const FIRST_FREE_ID: u64 = 100_000;
/// The operator's service token.
pub(super) const ADMIN_TOKEN: &str = "dbts_sandbox_operator_5f0c9b1e7a3d4c62";
/// The functions' service token.
pub(super) const AUTOMATION_TOKEN: &str = "dbts_sandbox_extoauth_91d2e84b6c7f4a05";

const PRIVATE_ENDPOINT: &str = "2Zl8s9fQ0m3Yx7Kd1VbTn4RcWpE";
const ANALYTICS: u64 = 70_001;
const FINANCE: u64 = 70_002;
const ANALYTICS_CONNECTION: u64 = 81_001;
const PRODUCTION_CONNECTION: u64 = 81_002;
const FINANCE_CONNECTION: u64 = 81_011;
const UNRELATED_CONNECTION: u64 = 81_099;
const PRODUCTION_CREDENTIAL: u64 = 83_201;
const ATTRIBUTES: u64 = 85_001;

/// The dbt user id of `USERS[n]`.
pub(super) fn user_id(n: usize) -> u64 {
    101 + n as u64
}

/// The personal access token of `USERS[n]`.
pub(super) fn developer_token(n: usize) -> String {
    format!("dbtu_sandbox_developer_{}_c83b", n + 1)
}

/// Fills an empty account.
pub(super) fn fill(store: &mut Store, now: Timestamp) {
    let made = now - SignedDuration::from_hours(24 * 90);
    for (id, name) in [(ANALYTICS, "Analytics"), (FINANCE, "Finance")] {
        insert(&mut store.projects, id, Row::new(projects::blank(name)), made, None);
    }
    connections(store, made);
    insert(
        &mut store.extended_attributes,
        ATTRIBUTES,
        Row::new(json!({"account_id": DBT_ACCOUNT, "project_id": ANALYTICS, "state": 1,
            "extended_attributes": {"keepalives_idle": 240}})),
        made,
        None,
    );
    credentials(store, made);
    environments(store, made);
    access(store, made);
}

fn connections(store: &mut Store, made: Timestamp) {
    store.private_endpoints.push(json!({
        "id": PRIVATE_ENDPOINT, "account_id": DBT_ACCOUNT, "state": 1, "name": "Redshift development",
        "type": "redshift", "private_link_endpoint": "vpce-0a1b2c3d4e5f60718", "cidr_range": null,
        "egress_cidr": null, "endpoint_identifier": null, "endpoint_state": "available",
        "connectivity_status": "connected", "connection_count": 0,
        "created_at": time(made), "updated_at": time(made),
    }));
    let redshift = |database: &str| json!({"hostname": WAREHOUSE_HOST, "port": 5439, "dbname": database, "retries": 3});
    let rows = [
        (ANALYTICS_CONNECTION, "Redshift analytics development", Some(PRIVATE_ENDPOINT), false, redshift("dev")),
        (PRODUCTION_CONNECTION, "Redshift analytics production", None, true, redshift("prod")),
        (FINANCE_CONNECTION, "Redshift finance development", None, false, redshift("dev")),
    ];
    for (id, name, private, tunnel, config) in rows {
        insert(&mut store.connections, id, connection(name, "redshift_v0", private, tunnel, &config), made, None);
    }
    let postgres = json!({"hostname": "reporting.example.net", "port": 5432, "dbname": "reporting", "retries": 1});
    let unrelated = connection("Postgres reporting", "postgres_v0", None, false, &postgres);
    insert(&mut store.connections, UNRELATED_CONNECTION, unrelated, made, None);
    let mut tunnel = Row::new(encryptions::blank(82_001));
    for (key, value) in [
        ("connection_id", json!(PRODUCTION_CONNECTION)),
        ("username", json!("dbt")),
        ("port", json!(22)),
        ("hostname", json!("bastion.example.net")),
    ] {
        tunnel.fields.insert(key.into(), value);
    }
    insert(&mut store.encryptions, 82_001, tunnel, made, None);
}

fn connection(name: &str, adapter: &str, private: Option<&str>, tunnel: bool, config: &Value) -> Row {
    Row::new(json!({
        "account_id": DBT_ACCOUNT, "name": name, "adapter_version": adapter, "private_link_endpoint_id": private,
        "is_ssh_tunnel_enabled": tunnel, "oauth_configuration_id": null, "config": config,
    }))
}

fn credential(project: u64, username: &str, schema: &str, target: &str) -> Row {
    let mut row = Row::new(json!({
        "account_id": DBT_ACCOUNT, "project_id": project, "type": "redshift", "state": 1, "threads": 4,
        "auth_type": "password", "username": username, "default_schema": schema, "target_name": target,
        "adapter_version": "redshift_v0",
    }));
    row.secret = Some(format!("saved-password-of-{username}"));
    row
}

/// Every developer has a saved password in Analytics, the first three in Finance too.
fn credentials(store: &mut Store, made: Timestamp) {
    let production = credential(ANALYTICS, "dbt_production", "analytics", "prod");
    insert(&mut store.credentials, PRODUCTION_CREDENTIAL, production, made, None);
    for (project, first, count) in [(ANALYTICS, 1, USERS.len()), (FINANCE, 101, 3)] {
        for n in 0..count {
            let offset = first + n as u64;
            let name = format!("dev{}", n + 1);
            let row = credential(project, &name, &format!("dbt_{name}"), "default");
            insert(&mut store.credentials, 83_000 + offset, row, made, None);
            let link = Row::new(json!({
                "account_id": DBT_ACCOUNT, "user_id": user_id(n), "project_id": project,
                "credentials_id": 83_000 + offset, "state": 1,
            }));
            insert(&mut store.user_credentials, 84_000 + offset, link, made, None);
        }
    }
}

fn environments(store: &mut Store, made: Timestamp) {
    let environment = |project: u64, name: &str, kind: &str, connection: u64| {
        json!({
            "account_id": DBT_ACCOUNT, "project_id": project, "name": name, "dbt_version": "latest", "type": kind,
            "use_custom_branch": false, "supports_docs": false, "state": 1, "credentials_id": null,
            "connection_id": connection, "extended_attributes_id": null, "custom_branch": null,
            "deployment_type": null, "enable_model_query_history": false, "enable_dbt_state": false,
            "primary_profile_id": null,
        })
    };
    // Fields that a partial body would wipe out.
    let mut analytics = environment(ANALYTICS, "Development", "development", ANALYTICS_CONNECTION);
    analytics["use_custom_branch"] = json!(true);
    analytics["custom_branch"] = json!("develop");
    analytics["extended_attributes_id"] = json!(ATTRIBUTES);
    let mut production = environment(ANALYTICS, "Production", "deployment", PRODUCTION_CONNECTION);
    production["deployment_type"] = json!("production");
    production["credentials_id"] = json!(PRODUCTION_CREDENTIAL);
    production["supports_docs"] = json!(true);
    production["enable_model_query_history"] = json!(true);
    let finance = environment(FINANCE, "Development", "development", FINANCE_CONNECTION);
    for (id, fields) in [(90_001, analytics), (90_002, production), (90_011, finance)] {
        insert(&mut store.environments, id, Row::new(fields), made, None);
    }
}

fn access(store: &mut Store, made: Timestamp) {
    let everything = |permission_set: &str| vec![Grant { permission_set: permission_set.to_owned(), project_id: None }];
    for (id, name, value) in [(86_001, "operator", ADMIN_TOKEN), (86_002, "extoauth", AUTOMATION_TOKEN)] {
        let grants = json!([{"permission_set": "account_admin", "project_id": null,
            "writable_environment_categories": []}]);
        insert(&mut store.service_tokens, id, tokens::row(id, name, &grants), made, None);
        store.tokens.push(Token {
            value: value.to_owned(),
            user_id: None,
            service_token_id: Some(id),
            grants: everything("account_admin"),
        });
    }
    for n in 0..USERS.len() {
        store.tokens.push(Token {
            value: developer_token(n),
            user_id: Some(user_id(n)),
            service_token_id: None,
            grants: everything("developer"),
        });
    }
}
