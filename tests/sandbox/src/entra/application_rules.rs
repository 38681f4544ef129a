//! What the directory accepts of an application.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use url::Url;

use super::access::Who;
use super::data::{Application, Data, DeletedObject, KeyCredential, texts};
use super::error::Problem;
use super::{ids, management_policies, names};

/// Judges an application after a change; `before` is its JSON before it.
pub(super) fn check(
    data: &Data,
    who: &Who,
    app: &Application,
    before: &Value,
    bin_holds_names: bool,
) -> Result<(), Problem> {
    let shown = &app.shown;
    if app.name().is_empty() || app.name().chars().count() > 256 {
        return Err(Problem::invalid("displayName"));
    }
    let audience = shown["signInAudience"].as_str().unwrap_or_default();
    const AUDIENCES: [&str; 4] =
        ["AzureADMyOrg", "AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount"];
    if !AUDIENCES.contains(&audience) {
        return Err(Problem::invalid("signInAudience"));
    }
    let version = &shown["api"]["requestedAccessTokenVersion"];
    if !(version.is_null() || *version == 1 || *version == 2) {
        return Err(Problem::invalid("api.requestedAccessTokenVersion"));
    }
    if audience.contains("Personal") && *version != 2 {
        return Err(Problem::bad(
            "Property api.requestedAccessTokenVersion is invalid: applications that take personal accounts need 2.",
        )
        .detail("InvalidValue", "api.requestedAccessTokenVersion"));
    }
    // Reported for the permission of an owner alone: only that one property is refused.
    let mapped = &shown["api"]["acceptMappedClaims"];
    if *mapped != before["api"]["acceptMappedClaims"] && !mapped.is_null() && !who.writes_all() {
        return Err(Problem::forbidden());
    }
    redirects(shown)?;
    permissions(shown, before)?;
    required(shown)?;
    identifier_uris(data, app, before)?;
    unique(data, app, before, bin_holds_names)
}

/// https alone but for localhost, up to 256 of up to 256 characters, none of which is `! $ ' ( ) , ;` (Microsoft's
/// restrictions on redirect URIs).
fn redirects(shown: &Value) -> Result<(), Problem> {
    for kind in ["web", "spa"] {
        let property = format!("{kind}.redirectUris");
        let uris = &shown[kind]["redirectUris"];
        if uris.as_array().is_some_and(|list| list.len() > 256 || list.iter().any(|uri| !uri.is_string())) {
            return Err(Problem::invalid(&property));
        }
        for uri in texts(uris) {
            let url = Url::parse(uri).map_err(|_| Problem::invalid(&property))?;
            let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1"));
            let fits = url.scheme() == "https" || (url.scheme() == "http" && local);
            let forbidden = uri.contains(['!', '$', '\'', '(', ')', ',', ';', '#']);
            if !fits || forbidden || uri.len() > 256 {
                return Err(Problem::invalid(&property));
            }
        }
    }
    Ok(())
}

/// Scopes and roles: ids and values, and that an enabled one is neither changed nor removed.
fn permissions(shown: &Value, before: &Value) -> Result<(), Problem> {
    let (mut all, mut values) = (BTreeSet::new(), BTreeSet::new());
    for (list, of) in [(&shown["api"]["oauth2PermissionScopes"], "scope"), (&shown["appRoles"], "role")] {
        for item in list.as_array().into_iter().flatten() {
            let id = item["id"].as_str().unwrap_or_default();
            if !ids::is_guid(id) {
                return Err(Problem::invalid("id"));
            }
            if !all.insert(id.to_ascii_lowercase()) {
                let text = format!("Permission (scope or role) with id '{id}' is there more than once.");
                return Err(Problem::bad(text).detail("DuplicateValue", "id"));
            }
            let value = item["value"].as_str().unwrap_or_default();
            if of == "scope" && !is_scope(value) {
                return Err(Problem::invalid("oauth2PermissionScopes.value"));
            }
            if !value.is_empty() && !values.insert((of, value.to_owned())) {
                let text = format!("It contains duplicate value. Please Provide unique value: '{value}'.");
                return Err(Problem::bad(text).detail("DuplicateValue", "value"));
            }
            if of == "scope" && !matches!(item["type"].as_str(), Some("User" | "Admin")) {
                return Err(Problem::invalid("oauth2PermissionScopes.type"));
            }
        }
    }
    for path in ["/api/oauth2PermissionScopes", "/appRoles"] {
        let old = before.pointer(path).and_then(Value::as_array).into_iter().flatten();
        for old in old.filter(|old| old["isEnabled"] == true) {
            let new = shown.pointer(path).and_then(Value::as_array).into_iter().flatten();
            let new = new.into_iter().find(|new| new["id"] == old["id"]);
            // To disable it is the change that is always possible; texts for people may change as well.
            let kept =
                new.is_some_and(|new| ["value", "type", "allowedMemberTypes"].iter().all(|key| new[key] == old[key]));
            if !kept {
                let text = "Permission (scope or role) cannot be deleted or updated unless disabled first.";
                return Err(Problem::new(400, "CannotDeleteOrUpdateEnabledEntitlement", text)
                    .detail("CannotDeleteOrUpdateEnabledEntitlement", "permissionScopes"));
            }
        }
    }
    Ok(())
}

/// Up to 120 characters of the set that the reference lists, not starting with a dot.
fn is_scope(value: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "!#$%&'()*+,-./:;=?@[]^_`{|}~".contains(c);
    !value.is_empty() && value.len() <= 120 && !value.starts_with('.') && value.chars().all(fits)
}

/// Up to 50 APIs and 400 permissions.
fn required(shown: &Value) -> Result<(), Problem> {
    let apis = shown["requiredResourceAccess"].as_array().cloned().unwrap_or_default();
    let mut permissions = 0;
    for api in &apis {
        if !ids::is_guid(api["resourceAppId"].as_str().unwrap_or_default()) {
            return Err(Problem::invalid("requiredResourceAccess.resourceAppId"));
        }
        for access in api["resourceAccess"].as_array().into_iter().flatten() {
            permissions += 1;
            let fits = ids::is_guid(access["id"].as_str().unwrap_or_default())
                && matches!(access["type"].as_str(), Some("Scope" | "Role"));
            if !fits {
                return Err(Problem::invalid("requiredResourceAccess.resourceAccess"));
            }
        }
    }
    if apis.len() > 50 || permissions > 400 { Err(Problem::invalid("requiredResourceAccess")) } else { Ok(()) }
}

/// The form of identifier URIs, and the tenant's policy for those that are new or new to version 1 tokens.
fn identifier_uris(data: &Data, app: &Application, before: &Value) -> Result<(), Problem> {
    let list = &app.shown["identifierUris"];
    if list.as_array().is_some_and(|list| list.iter().any(|uri| !uri.is_string())) {
        return Err(Problem::invalid("identifierUris"));
    }
    let old: BTreeSet<&str> = texts(&before["identifierUris"]).collect();
    let was_newer = before["api"]["requestedAccessTokenVersion"] == 2;
    let mut seen = BTreeSet::new();
    for uri in texts(list) {
        if !seen.insert(uri) {
            return Err(Problem::invalid("identifierUris"));
        }
        let new = !old.contains(uri);
        if new && !well_formed(uri, app) {
            return Err(Problem::invalid("identifierUris"));
        }
        if new || (was_newer && app.token_version() == 1) {
            management_policies::allows_uri(data, app, uri)?;
        }
    }
    Ok(())
}

fn well_formed(uri: &str, app: &Application) -> bool {
    let Ok(url) = Url::parse(uri) else { return false };
    let scheme = matches!(url.scheme(), "api" | "https" | "http" | "urn" | "ms-appx");
    let first = uri.strip_prefix("api://").map(|rest| rest.split('/').next().unwrap_or_default());
    // A GUID at this place is the application's or the tenant's.
    let own = first.is_none_or(|first| {
        !ids::is_guid(first)
            || first.eq_ignore_ascii_case(&app.app_id)
            || first.eq_ignore_ascii_case(names::ENTRA_TENANT)
    });
    scheme && own && !uri.ends_with('/') && uri.len() <= 255 && first.is_none_or(|first| !first.is_empty())
}

/// `uniqueName` and `identifierUris` are unique in the tenant.
fn unique(data: &Data, app: &Application, before: &Value, bin_holds_names: bool) -> Result<(), Problem> {
    let old: BTreeSet<&str> = texts(&before["identifierUris"]).collect();
    let new: Vec<&str> = app.identifier_uris().filter(|uri| !old.contains(uri)).collect();
    let name = app.unique_name().filter(|name| before["uniqueName"] != **name);
    if new.is_empty() && name.is_none() {
        return Ok(());
    }
    let bin = data.deleted.values().filter(|_| bin_holds_names).filter_map(|deleted| match &deleted.object {
        DeletedObject::Application(app) => Some(app),
        DeletedObject::ServicePrincipal(_) => None,
    });
    for other in data.applications.values().chain(bin).filter(|other| other.id != app.id) {
        if name.is_some() && other.unique_name() == name {
            return Err(Problem::conflict("uniqueName"));
        }
        if other.identifier_uris().any(|uri| new.iter().any(|new| new.eq_ignore_ascii_case(uri))) {
            return Err(Problem::conflict("identifierUris"));
        }
    }
    Ok(())
}

/// The certificates that a body names: new ones with their key, those that are there by `keyId`.
pub(super) fn keys(body: &Map<String, Value>, known: &[KeyCredential]) -> Result<Vec<KeyCredential>, Problem> {
    let wrong = || Problem::new(400, "KeyCredentialsInvalidValue", "Key credential value is invalid.");
    let list = body.get("keyCredentials").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut all = Vec::new();
    for item in &list {
        let there = known.iter().find(|known| item["keyId"] == known.key_id.as_str());
        if let Some(there) = there {
            all.push(there.clone());
            continue;
        }
        if item["type"] != "AsymmetricX509Cert" || item["usage"] != "Verify" {
            return Err(wrong());
        }
        let certificate = item["key"].as_str().and_then(|key| STANDARD.decode(key).ok()).ok_or_else(wrong)?;
        // Some send the text of the PEM file in base64.
        let certificate = match rustls_pem(&certificate) {
            Some(der) => der,
            None => certificate,
        };
        let now = Timestamp::now();
        let time = |name: &str| item[name].as_str().and_then(|text| text.parse::<Timestamp>().ok());
        all.push(KeyCredential {
            key_id: item["keyId"].as_str().map_or_else(ids::guid, str::to_owned),
            display_name: item["displayName"].as_str().map(str::to_owned),
            certificate,
            start: time("startDateTime").unwrap_or(now),
            end: time("endDateTime").unwrap_or(now + SignedDuration::from_hours(24 * 365)),
        });
    }
    Ok(all)
}

fn rustls_pem(bytes: &[u8]) -> Option<Vec<u8>> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    CertificateDer::from_pem_slice(bytes).ok().map(|der| der.to_vec())
}

/// A PATCH does not make secrets: it may repeat those that are there, or drop them.
pub(super) fn same_passwords(app: &Application, body: &Map<String, Value>) -> Result<(), Problem> {
    let list = body.get("passwordCredentials").and_then(Value::as_array).cloned().unwrap_or_default();
    let known = |item: &Value| app.passwords.iter().any(|known| item["keyId"] == known.key_id.as_str());
    if list.len() == app.passwords.len() && list.iter().all(known) {
        return Ok(());
    }
    Err(Problem::bad("Updating passwordCredentials is not supported: use addPassword and removePassword."))
}
