//! The JSON of an application: its shape, and how a body changes it.

use serde_json::{Map, Value, json};

use super::data::list_or_empty;
use super::error::Problem;
use crate::seed::ENTRA_DOMAIN;

/// Whose accounts sign in, where the body says nothing.
pub(super) const ANYBODY: &str = "AzureADandPersonalMicrosoftAccount";

/// Properties that only the directory writes.
const READ_ONLY: [&str; 9] = [
    "id",
    "appId",
    "deletedDateTime",
    "createdDateTime",
    "createdByAppId",
    "applicationTemplateId",
    "disabledByMicrosoftStatus",
    "publisherDomain",
    "uniqueName",
];

/// What an application looks like that was made with nothing but these defaults.
pub(super) fn blank(audience: &str, version: Value) -> Value {
    json!({
        "deletedDateTime": null, "applicationTemplateId": null, "disabledByMicrosoftStatus": null,
        "createdByAppId": null, "displayName": null, "description": null, "groupMembershipClaims": null,
        "identifierUris": [], "isDeviceOnlyAuthSupported": null, "isFallbackPublicClient": null,
        "isDisabled": null, "nativeAuthenticationApisEnabled": null, "notes": null, "publisherDomain": ENTRA_DOMAIN,
        "serviceManagementReference": null, "signInAudience": audience, "tags": [], "tokenEncryptionKeyId": null,
        "uniqueName": null, "samlMetadataUrl": null, "defaultRedirectUri": null, "certification": null,
        "optionalClaims": null, "requestSignatureVerification": null, "servicePrincipalLockConfiguration": null,
        "authenticationBehaviors": null, "addIns": [],
        "api": {
            "acceptMappedClaims": null, "knownClientApplications": [], "requestedAccessTokenVersion": version,
            "oauth2PermissionScopes": [], "preAuthorizedApplications": [],
        },
        "appRoles": [],
        "info": {
            "logoUrl": null, "marketingUrl": null, "privacyStatementUrl": null, "supportUrl": null,
            "termsOfServiceUrl": null,
        },
        "parentalControlSettings": {"countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow"},
        "publicClient": {"redirectUris": []},
        "requiredResourceAccess": [],
        "verifiedPublisher": {"displayName": null, "verifiedPublisherId": null, "addedDateTime": null},
        "web": {
            "homePageUrl": null, "logoutUrl": null, "redirectUris": [],
            "implicitGrantSettings": {"enableAccessTokenIssuance": false, "enableIdTokenIssuance": false},
            "redirectUriSettings": [],
        },
        "spa": {"redirectUris": []},
    })
}

/// A new application's JSON from the body of its POST.
pub(super) fn made(body: &Map<String, Value>, personal_by_default: bool) -> Result<Value, Problem> {
    let audience = match body.get("signInAudience") {
        Some(Value::String(text)) => text.as_str(),
        _ if personal_by_default => ANYBODY,
        _ => "AzureADMyOrg",
    };
    // Recorded: 2 for the audience with personal accounts, none for AzureADMultipleOrgs.
    let version = if audience.contains("PersonalMicrosoftAccount") { json!(2) } else { Value::Null };
    let mut shown = blank(audience, version);
    change(&mut shown, body)?;
    Ok(shown)
}

/// Lays a body over an application: objects are merged property by property, lists are replaced whole.
pub(super) fn change(shown: &mut Value, body: &Map<String, Value>) -> Result<(), Problem> {
    for (name, value) in body {
        if name.contains('@') || matches!(name.as_str(), "keyCredentials" | "passwordCredentials") {
            continue;
        }
        let Some(old) = shown.get(name) else {
            return Err(if name == "id" || name == "appId" || name == "createdDateTime" {
                read_only(name)
            } else {
                Problem::bad(format!("Invalid property '{name}'."))
            });
        };
        if READ_ONLY.contains(&name.as_str()) {
            // A body that was read before is taken as it is.
            if old == value {
                continue;
            }
            return Err(read_only(name));
        }
        let new = match name.as_str() {
            "optionalClaims" => optional_claims(old, value)?,
            _ => merged(name, old, value)?,
        };
        shown[name] = new;
    }
    let scopes = items(&shown["api"]["oauth2PermissionScopes"], scope)?;
    shown["api"]["oauth2PermissionScopes"] = scopes;
    shown["api"]["preAuthorizedApplications"] = items(&shown["api"]["preAuthorizedApplications"], |item| {
        let ids = list_or_empty(&item["delegatedPermissionIds"]);
        Ok(json!({"appId": text(item, "appId")?, "delegatedPermissionIds": ids}))
    })?;
    shown["appRoles"] = items(&shown["appRoles"], role)?;
    shown["requiredResourceAccess"] = items(&shown["requiredResourceAccess"], |item| {
        let access =
            items(&item["resourceAccess"], |one| Ok(json!({"id": text(one, "id")?, "type": text(one, "type")?})))?;
        Ok(json!({"resourceAppId": text(item, "resourceAppId")?, "resourceAccess": access}))
    })?;
    let uris = list_or_empty(&shown["web"]["redirectUris"]);
    let settings = uris.as_array().into_iter().flatten().map(|uri| json!({"uri": uri, "index": null}));
    shown["web"]["redirectUriSettings"] = settings.collect();
    Ok(())
}

fn read_only(name: &str) -> Problem {
    Problem::bad(format!("Property '{name}' is read-only and cannot be set."))
}

/// A property with what the body says of it.
fn merged(name: &str, old: &Value, new: &Value) -> Result<Value, Problem> {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            let mut all = old.clone();
            for (key, value) in new {
                let Some(before) = old.get(key) else {
                    return Err(Problem::bad(format!("Invalid property '{key}'.")));
                };
                all.insert(key.clone(), merged(key, before, value)?);
            }
            Ok(Value::Object(all))
        }
        // Graph has no null collections and complex types here: null is an empty one, or leaves it as it is.
        (Value::Array(_), Value::Null) => Ok(json!([])),
        (Value::Object(_), Value::Null) => Ok(old.clone()),
        (Value::Array(_), Value::Array(_)) | (Value::Null, _) | (_, Value::Null) => Ok(new.clone()),
        (Value::String(_), Value::String(_))
        | (Value::Bool(_), Value::Bool(_))
        | (Value::Number(_), Value::Number(_)) => Ok(new.clone()),
        _ => Err(Problem::invalid(name)),
    }
}

fn items(list: &Value, shape: impl Fn(&Value) -> Result<Value, Problem>) -> Result<Value, Problem> {
    list.as_array().into_iter().flatten().map(shape).collect()
}

fn text<'a>(item: &'a Value, name: &str) -> Result<&'a str, Problem> {
    item[name].as_str().ok_or_else(|| Problem::invalid(name))
}

fn known(item: &Value, names: &[&str]) -> Result<(), Problem> {
    let map = item.as_object().ok_or_else(|| Problem::of_status(400))?;
    match map.keys().find(|name| !names.contains(&name.as_str()) && !name.contains('@')) {
        Some(name) => Err(Problem::bad(format!("Invalid property '{name}'."))),
        None => Ok(()),
    }
}

fn scope(item: &Value) -> Result<Value, Problem> {
    const NAMES: [&str; 9] = [
        "id",
        "value",
        "type",
        "isEnabled",
        "origin",
        "adminConsentDisplayName",
        "adminConsentDescription",
        "userConsentDisplayName",
        "userConsentDescription",
    ];
    known(item, &NAMES)?;
    let kind = item["type"].as_str().unwrap_or("User");
    Ok(json!({
        "id": text(item, "id")?, "value": item["value"], "type": kind,
        "isEnabled": item["isEnabled"].as_bool().unwrap_or(true),
        "adminConsentDisplayName": item["adminConsentDisplayName"],
        "adminConsentDescription": item["adminConsentDescription"],
        "userConsentDisplayName": item["userConsentDisplayName"],
        "userConsentDescription": item["userConsentDescription"],
    }))
}

fn role(item: &Value) -> Result<Value, Problem> {
    const NAMES: [&str; 7] = ["id", "value", "isEnabled", "origin", "displayName", "description", "allowedMemberTypes"];
    known(item, &NAMES)?;
    Ok(json!({
        "id": text(item, "id")?, "value": item["value"], "isEnabled": item["isEnabled"].as_bool().unwrap_or(true),
        "origin": "Application", "displayName": item["displayName"], "description": item["description"],
        "allowedMemberTypes": list_or_empty(&item["allowedMemberTypes"]),
    }))
}

/// Recorded: each claim is echoed with everything a claim has, and the kinds of token that were left out with an empty
/// list.
fn optional_claims(old: &Value, new: &Value) -> Result<Value, Problem> {
    if new.is_null() {
        return Ok(Value::Null);
    }
    known(new, &["accessToken", "idToken", "saml2Token"])?;
    let mut all = json!({});
    for kind in ["accessToken", "idToken", "saml2Token"] {
        let list = new.get(kind).unwrap_or(&old[kind]);
        all[kind] = items(list, |claim| {
            known(claim, &["name", "source", "essential", "additionalProperties"])?;
            Ok(json!({
                "name": text(claim, "name")?, "source": claim["source"],
                "essential": claim["essential"].as_bool().unwrap_or(false),
                "additionalProperties": list_or_empty(&claim["additionalProperties"]),
            }))
        })?;
    }
    Ok(all)
}
