//! Resources and changes in the words of a data-platform lead, with the rows of the manual that they replace.

use serde_json::Value;

/// Rows of the manual page, and what the resource is.
pub fn of_resource(address: &str) -> (&'static str, String) {
    let (kind, key) = match address.split_once('[') {
        Some((kind, key)) => (kind, key.trim_end_matches(']')),
        None => (address, ""),
    };
    let (rows, words) = match kind {
        "secrets_manager.client_secret" => ("R04", "client secret, kept in Secrets Manager"),
        "okta.app" => ("R02-R04", "Okta: web app for dbt, refresh tokens on"),
        "okta.app.group" => ("", "Okta: group may use the app"),
        "okta.server" => ("R05 R06", "Okta: authorization server"),
        "okta.server.scope" => ("R07", "Okta: scope"),
        "okta.server.claim" => ("R07", "Okta: claim"),
        "okta.server.policy" => ("R08", "Okta: access policy for this app alone"),
        "okta.server.policy.rule" => ("R09 R10", "Okta: rule with all three lifetimes"),
        "entra.resource_app" => ("R11 R13", "Entra: resource app, its scope and token version"),
        "entra.application_id_uri" => ("R12", "Entra: Application ID URI, the audience"),
        "entra.resource_principal" => ("R11", "Entra: service principal of the resource app"),
        "entra.client_app" => ("R14 R15", "Entra: client app for dbt"),
        "entra.client_principal" => ("R14", "Entra: its service principal, assignment required"),
        "entra.assignment" => ("R14", "Entra: group may use the app"),
        "entra.consent" => ("R16", "Entra: admin consent"),
        "entra.pre_authorization" => ("R16", "Entra: client need not ask users for our scope"),
        "entra.client_secret" => ("R17-R20", "Entra: client secret, kept in Secrets Manager"),
        "identity_center.issuer" => ("R22 R23", "Identity Center: trusted token issuer"),
        "redshift.issuer_entry" => ("R24 R25", "Redshift: issuer and audience accepted"),
        "dbt.oauth_configuration" => ("R26", "dbt: OAuth configuration"),
        "dbt.connection" => ("R27 R28", "dbt: Redshift connection"),
        "dbt.connection.tunnel" => ("R27", "dbt: SSH tunnel of the connection"),
        "dbt.connection_use" => ("R28", "dbt: connection uses the configuration"),
        "dbt.environment_connection" => ("R29", "dbt: environment uses the connection"),
        _ => return ("", address.to_owned()),
    };
    match key {
        "" => (rows, words.to_owned()),
        key => (rows, format!("{words} ({key})")),
    }
}

/// What was done, in one word.
pub fn of_change(step: &Value) -> &'static str {
    match (step["status"].as_str().unwrap_or_default(), step["change"].as_str().unwrap_or_default()) {
        ("failed", _) => "FAILED",
        ("skipped", _) => "skipped",
        ("waiting", _) => "waiting",
        (_, "create") => "created",
        (_, "update") => "changed",
        (_, "replace") => "replaced",
        // An entry in somebody else's object is put back to what was there before.
        (_, "delete") if step["resource"].as_str().is_some_and(|address| address.starts_with("dbt.environment")) => {
            "put back"
        }
        (_, "delete") => "removed",
        (_, "handoff") => "by hand",
        _ => "in order",
    }
}

/// What a provision ticket asks, in a sentence.
pub fn of_ticket(body: &Value) -> String {
    let variable = |name: &str| body["variables"][name].as_str().unwrap_or_default();
    format!(
        "let the group {} connect from dbt ({}, environment {}) through {} ({}) to Redshift ({}, database {}); access \
         tokens for {} minutes, refresh tokens for {} days; integration {}",
        variable("groups"),
        variable("dbt_system"),
        variable("dbt_environments"),
        if variable("idp") == "okta" { "Okta" } else { "Entra ID" },
        variable("idp_system"),
        variable("warehouse_system"),
        variable("warehouse_database"),
        variable("access_token_minutes"),
        variable("refresh_token_days"),
        body["integration"].as_str().unwrap_or_default(),
    )
}
