//! `GET /state` of the sandbox: every object of the tenant, as its API shows it to an administrator. Nested objects carry
//! the ids of their parents; replication plays no part in it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Tenant, deleted, ids, show};

/// `{collection: [objects]}`.
pub(super) fn of(tenant: &Tenant) -> Value {
    let data = tenant.data();
    let mut all: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let collections = [
        "applications",
        "servicePrincipals",
        "oauth2PermissionGrants",
        "appRoleAssignedTo",
        "federatedIdentityCredentials",
        "groups",
        "members",
        "users",
        "tokenLifetimePolicies",
        "appManagementPolicies",
        "policies",
        "deletedItems",
    ];
    for name in collections {
        all.insert(name, Vec::new());
    }
    let mut put = |name: &'static str, object: Value| all.entry(name).or_default().push(object);
    for app in data.applications.values() {
        let mut shown = show::fresh_application(app);
        shown["createdDateTime"] = json!(ids::time(app.created));
        let secrets = app.passwords.iter();
        let digest = |secret: &str| json!({"sha256": ids::sha256_hex(secret)});
        shown["passwordCredentials"] = secrets.map(|known| show::password(known, digest(&known.secret))).collect();
        shown["owners"] = app.owners.iter().map(|id| json!({"id": id, "@odata.id": show::reference(id)})).collect();
        shown["tokenLifetimePolicies"] = json!(app.lifetime_policies);
        shown["appManagementPolicies"] = json!(app.management_policies);
        put("applications", shown);
        for known in app.federated.values() {
            let mut shown = show::federated(known);
            shown["applicationId"] = json!(app.id);
            put("federatedIdentityCredentials", shown);
        }
    }
    for principal in data.service_principals.values() {
        let mut shown = show::principal(&data, principal);
        shown["owners"] =
            principal.owners.iter().map(|id| json!({"id": id, "@odata.id": show::reference(id)})).collect();
        put("servicePrincipals", shown);
    }
    for grant in data.grants.values() {
        put("oauth2PermissionGrants", show::grant(grant));
    }
    for assignment in data.role_assignments.values() {
        put("appRoleAssignedTo", show::role_assignment(&data, assignment));
    }
    for group in data.groups.values() {
        put("groups", show::group(group));
        for member in &group.members {
            put("members", json!({"groupId": group.id, "id": member}));
        }
    }
    for user in data.users.values() {
        put("users", show::user(user));
    }
    for policy in data.lifetime_policies.values() {
        put("tokenLifetimePolicies", policy.clone());
    }
    for policy in data.management_policies.values() {
        put("appManagementPolicies", policy.clone());
    }
    put("policies", data.default_management_policy.clone());
    for item in data.deleted.values() {
        put("deletedItems", deleted::shown(&data, item));
    }
    json!(all)
}
