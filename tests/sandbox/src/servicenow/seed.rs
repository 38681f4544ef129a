//! Who and what the instance knows at start, tickets left out.

use jiff::{SignedDuration, Timestamp};

use super::store::{Row, Store, table};
use crate::seed::{SERVICENOW_APPROVER, SERVICENOW_CAT_ITEM, SERVICENOW_REQUESTER};

/// The operator.
pub(super) const ADMIN_USER: &str = "admin";
pub(super) const ADMIN_PASSWORD: &str = "sandbox-servicenow-admin-4c1f";
/// The functions' user.
pub(super) const AUTOMATION_USER: &str = "extoauth.integration";
pub(super) const AUTOMATION_PASSWORD: &str = "sandbox-servicenow-extoauth-b7e2";
/// The functions' OAuth client; it acts as the same user.
pub(super) const CLIENT_ID: &str = "7d1a4e0b93c2418fa6f05b9c2e83d417";
pub(super) const CLIENT_SECRET: &str = "sandbox-servicenow-client-59d0";
/// A user whom the policy does not accept as a requester.
pub(super) const OUTSIDER: &str = "9ee1b13dc6112271007f9d0efdb69cd0";
/// The group of those who may request.
const REQUESTERS: &str = "d625dccec0a8016700a222a0f7900d06";

/// Fills an empty instance.
pub(super) fn fill(store: &mut Store, now: Timestamp) {
    let made = now - SignedDuration::from_hours(24 * 90);
    let mut add = |name: &str, columns: &[(&str, &str)]| {
        let Some(table) = table(name) else { return };
        let mut row = Row::default();
        for (column, value) in columns {
            row.set(column, *value);
        }
        store.insert(table, row, ADMIN_USER, made, None);
    };
    let users = [
        ("6816f79cc0a8016401c5a33be04be441", ADMIN_USER, "System Administrator", "admin@example.com"),
        ("02826bf03710200044e0bfc8bcbe5d3f", AUTOMATION_USER, "extoauth", "extoauth@example.com"),
        (SERVICENOW_REQUESTER, "requester", "Data Platform Requester", "requester@example.com"),
        (SERVICENOW_APPROVER, "approver", "Data Platform Approver", "approver@example.com"),
        (OUTSIDER, "outsider", "Another Department", "outsider@example.com"),
    ];
    for (sys_id, user_name, name, email) in users {
        add(
            "sys_user",
            &[("sys_id", sys_id), ("user_name", user_name), ("name", name), ("email", email), ("active", "true")],
        );
    }
    add("sys_user_group", &[("sys_id", REQUESTERS), ("name", "Data Platform"), ("active", "true")]);
    for user in [SERVICENOW_REQUESTER, SERVICENOW_APPROVER] {
        add("sys_user_grmember", &[("user", user), ("group", REQUESTERS)]);
    }
    add(
        "sc_cat_item",
        &[("sys_id", SERVICENOW_CAT_ITEM), ("name", "External OAuth for dbt and Redshift"), ("active", "true")],
    );
    add(
        "sc_cat_item",
        &[("sys_id", "deadbeef00deadbeef00deadbeef0000"), ("name", "Standard laptop"), ("active", "true")],
    );
}
