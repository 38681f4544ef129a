//! The JSON of a service principal.

use serde_json::{Map, Value, json};

use super::data::{Data, ServicePrincipal, list_or_empty};
use super::error::Problem;
use crate::seed::ENTRA_TENANT;

/// What a service principal looks like that was made with nothing but the client id. What it shows of its application is
/// laid over this when it is read.
pub(super) fn blank(name: &str) -> Value {
    json!({
        "deletedDateTime": null, "accountEnabled": true, "alternativeNames": [], "appDescription": null,
        "appDisplayName": name, "appOwnerOrganizationId": ENTRA_TENANT, "appRoleAssignmentRequired": false,
        "applicationTemplateId": null, "createdByAppId": null, "description": null, "disabledByMicrosoftStatus": null,
        "displayName": name, "homepage": null, "isDisabled": null, "loginUrl": null, "logoutUrl": null, "notes": null,
        "notificationEmailAddresses": [], "preferredSingleSignOnMode": null,
        "preferredTokenSigningKeyThumbprint": null, "replyUrls": [], "servicePrincipalNames": [],
        "servicePrincipalType": "Application", "signInAudience": "AzureADMyOrg", "tags": [],
        "tokenEncryptionKeyId": null, "samlSingleSignOnSettings": null, "addIns": [], "appRoles": [],
        "info": {
            "logoUrl": null, "marketingUrl": null, "privacyStatementUrl": null, "supportUrl": null,
            "termsOfServiceUrl": null,
        },
        "keyCredentials": [], "oauth2PermissionScopes": [], "passwordCredentials": [],
        "resourceSpecificApplicationPermissions": [],
        "verifiedPublisher": {"displayName": null, "verifiedPublisherId": null, "addedDateTime": null},
    })
}

/// Properties of the service principal's own.
const WRITABLE: [&str; 13] = [
    "accountEnabled",
    "alternativeNames",
    "appRoleAssignmentRequired",
    "description",
    "displayName",
    "homepage",
    "loginUrl",
    "logoutUrl",
    "notes",
    "notificationEmailAddresses",
    "preferredSingleSignOnMode",
    "samlSingleSignOnSettings",
    "tags",
];

/// Lays a body over a service principal.
pub(super) fn change(shown: &mut Value, body: &Map<String, Value>) -> Result<(), Problem> {
    for (name, value) in body {
        if name.contains('@') || name == "appId" {
            continue;
        }
        let Some(old) = shown.get(name) else { return Err(Problem::bad(format!("Invalid property '{name}'."))) };
        if !WRITABLE.contains(&name.as_str()) {
            return Err(Problem::bad(format!("Property '{name}' is read-only and cannot be set.")));
        }
        let fits = match old {
            Value::Bool(_) => value.is_boolean(),
            Value::Array(_) => value.is_array(),
            Value::String(_) => value.is_string() || value.is_null(),
            _ => true,
        };
        if !fits {
            return Err(Problem::invalid(name));
        }
        shown[name] = value.clone();
    }
    Ok(())
}

/// What the API shows, but for creation: what comes from the application is as the application is now.
pub(super) fn show(data: &Data, principal: &ServicePrincipal) -> Value {
    let mut shown = principal.shown.clone();
    shown["id"] = json!(principal.id);
    shown["appId"] = json!(principal.app_id);
    let mut spn = data.names_of(principal);
    // Recorded: not in the order in which they were set.
    spn.reverse();
    shown["servicePrincipalNames"] = json!(spn);
    if let Some(app) = data.application_of(&principal.app_id) {
        shown["appDisplayName"] = app.shown["displayName"].clone();
        shown["signInAudience"] = app.shown["signInAudience"].clone();
        shown["replyUrls"] = list_or_empty(&app.shown["web"]["redirectUris"]);
        shown["oauth2PermissionScopes"] = list_or_empty(&app.shown["api"]["oauth2PermissionScopes"]);
        shown["appRoles"] = list_or_empty(&app.shown["appRoles"]);
        shown["info"] = app.shown["info"].clone();
    }
    shown
}
