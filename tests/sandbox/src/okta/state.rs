//! `GET /state` of the sandbox: every object of the org, as its API shows it to an administrator.
//!
//! A collection is named by the last fixed word of its list path, so `groups` holds the org's groups and the group
//! assignments of apps (`/api/v1/apps/{app}/groups`); nested objects carry the ids of their parents.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::data::{App, Server};
use super::{Org, ids, show};

/// `{collection: [objects]}`.
pub(super) fn of(org: &Org) -> Value {
    let data = org.data();
    let mut all: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let names = [
        "apps",
        "authorizationServers",
        "scopes",
        "claims",
        "policies",
        "rules",
        "groups",
        "users",
        "secrets",
        "grants",
        "roles",
        "tokens",
        "api-tokens",
    ];
    for name in names {
        all.insert(name, Vec::new());
    }
    let mut put = |name: &'static str, object: Value| all.entry(name).or_default().push(object);
    for group in data.groups.values() {
        put("groups", show::group(org, group));
    }
    for user in data.users.values() {
        put("users", show::user(org, user));
    }
    for app in data.apps.values() {
        put("apps", show::app(org, app, false));
        of_app(org, app, &mut put);
    }
    for server in data.servers.values() {
        put("authorizationServers", show::server(org, server));
        of_server(org, server, &mut put);
    }
    for token in data.refresh_tokens.values() {
        put("tokens", show::refresh_token(org, &data, token, false));
    }
    for token in data.api_tokens.values() {
        put("api-tokens", show::api_token(org, token));
    }
    json!(all)
}

fn with(mut object: Value, parent: &str, id: &str) -> Value {
    object[parent] = json!(id);
    object
}

fn of_app(org: &Org, app: &App, put: &mut impl FnMut(&'static str, Value)) {
    for secret in &app.secrets {
        let mut shown = with(show::secret(org, &app.id, secret), "appId", &app.id);
        shown["client_secret"] = json!({"sha256": ids::sha256_hex(&secret.value)});
        put("secrets", shown);
    }
    for (group, assignment) in &app.groups {
        put("groups", with(show::group_assignment(org, &app.id, group, assignment), "appId", &app.id));
    }
    for (id, grant) in &app.grants {
        put("grants", with(show::grant(org, app, id, grant), "appId", &app.id));
    }
    for role in &app.roles {
        put("roles", with(show::role(org, app, role), "clientId", app.client_id()));
    }
}

fn of_server(org: &Org, server: &Server, put: &mut impl FnMut(&'static str, Value)) {
    const PARENT: &str = "authorizationServerId";
    for (id, scope) in &server.scopes {
        put("scopes", with(show::part(org, server, "scopes", id, scope), PARENT, &server.id));
    }
    for (id, claim) in &server.claims {
        put("claims", with(show::part(org, server, "claims", id, claim), PARENT, &server.id));
    }
    for (index, policy) in server.policies.iter().enumerate() {
        put("policies", with(show::policy(org, server, index, policy), PARENT, &server.id));
        for (index, rule) in policy.rules.iter().enumerate() {
            let shown = with(show::rule(org, server, &policy.id, index, rule), PARENT, &server.id);
            put("rules", with(shown, "policyId", &policy.id));
        }
    }
}
