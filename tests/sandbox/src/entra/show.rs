//! Objects as Graph shows them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::data::ServicePrincipal;
use super::data::{Application, Data, Federated, Grant, Group, KeyCredential, Password, RoleAssignment, User};
use super::{ids, keys, names, principal_json};

/// An application in a read: whole seconds, lists in another order than they were sent in (recorded), secrets without
/// their text.
pub(super) fn application(data: &Data, app: &Application) -> Value {
    let mut shown = data.read(app).clone();
    for list in ["/web/redirectUris", "/web/redirectUriSettings", "/appRoles", "/requiredResourceAccess"] {
        if let Some(Value::Array(list)) = shown.pointer_mut(list) {
            list.reverse();
        }
    }
    shown["id"] = json!(app.id);
    shown["appId"] = json!(app.app_id);
    shown["createdDateTime"] = json!(ids::time(app.created));
    let passwords = app.passwords.iter().filter(|known| data.seen(&known.key_id));
    shown["passwordCredentials"] = passwords.map(|known| password(known, Value::Null)).collect();
    shown["keyCredentials"] = app.keys.iter().map(key).collect();
    shown
}

/// An application in the answer to its POST: seven digits behind the second, lists as sent (recorded).
pub(super) fn fresh_application(app: &Application) -> Value {
    let mut shown = app.shown.clone();
    shown["id"] = json!(app.id);
    shown["appId"] = json!(app.app_id);
    shown["createdDateTime"] = json!(ids::precise_time(app.created));
    shown["passwordCredentials"] = json!([]);
    shown["keyCredentials"] = app.keys.iter().map(key).collect();
    shown
}

/// A client secret; `text` is null but in the one answer that gives it out.
pub(super) fn password(known: &Password, text: Value) -> Value {
    json!({
        "customKeyIdentifier": known.custom_key_identifier, "displayName": known.display_name,
        "endDateTime": ids::time(known.end), "hint": known.secret.chars().take(3).collect::<String>(),
        "keyId": known.key_id, "secretText": text, "startDateTime": ids::time(known.start),
    })
}

/// A certificate; the key itself is never read back unless it is selected, so it stays null.
fn key(known: &KeyCredential) -> Value {
    json!({
        "customKeyIdentifier": STANDARD.encode(keys::sha1(&known.certificate)), "displayName": known.display_name,
        "endDateTime": ids::time(known.end), "key": null, "keyId": known.key_id,
        "startDateTime": ids::time(known.start), "type": "AsymmetricX509Cert", "usage": "Verify",
    })
}

/// A federated identity credential.
pub(super) fn federated(known: &Federated) -> Value {
    json!({
        "id": known.id, "name": known.name, "issuer": known.issuer, "subject": known.subject,
        "audiences": known.audiences, "description": known.description,
    })
}

/// A service principal in a read.
pub(super) fn principal(data: &Data, principal: &ServicePrincipal) -> Value {
    let mut shown = principal_json::show(data, principal);
    shown["createdDateTime"] = json!(ids::time(principal.created));
    shown
}

/// A delegated permission grant.
pub(super) fn grant(grant: &Grant) -> Value {
    json!({
        "clientId": grant.client, "consentType": if grant.principal.is_some() { "Principal" } else { "AllPrincipals" },
        "id": grant.id, "principalId": grant.principal, "resourceId": grant.resource, "scope": grant.scope,
    })
}

/// An app role assignment.
pub(super) fn role_assignment(data: &Data, assignment: &RoleAssignment) -> Value {
    let id = &assignment.principal;
    let (kind, name) = if let Some(user) = data.users.get(id) {
        ("User", user.shown["displayName"].clone())
    } else if let Some(group) = data.groups.get(id) {
        ("Group", group.shown["displayName"].clone())
    } else {
        let found = data.service_principals.get(id);
        ("ServicePrincipal", found.map_or(Value::Null, |found| found.shown["displayName"].clone()))
    };
    let resource = data.service_principals.get(&assignment.resource);
    json!({
        "id": assignment.id, "deletedDateTime": null, "appRoleId": assignment.role,
        "createdDateTime": ids::time(assignment.created), "principalDisplayName": name, "principalId": id,
        "principalType": kind, "resourceDisplayName": resource.map(|found| found.shown["displayName"].clone()),
        "resourceId": assignment.resource,
    })
}

/// A user, with the properties that reads show by default and those that extoauth asks for.
pub(super) fn user(user: &User) -> Value {
    let mut shown = user.shown.clone();
    shown["id"] = json!(user.id);
    shown
}

/// A group.
pub(super) fn group(group: &Group) -> Value {
    let mut shown = group.shown.clone();
    shown["id"] = json!(group.id);
    shown
}

/// Any object of the directory, with its type.
pub(super) fn directory_object(data: &Data, id: &str) -> Option<Value> {
    let (kind, mut shown) = if let Some(found) = data.users.get(id) {
        ("user", user(found))
    } else if let Some(found) = data.groups.get(id) {
        ("group", group(found))
    } else if let Some(found) = data.service_principals.get(id) {
        ("servicePrincipal", principal(data, found))
    } else {
        ("application", application(data, data.applications.get(id)?))
    };
    shown["@odata.type"] = json!(format!("#microsoft.graph.{kind}"));
    Some(shown)
}

/// The URL by which a reference names an object.
pub(super) fn reference(id: &str) -> String {
    format!("https://{}/v1.0/directoryObjects/{id}", names::GRAPH_HOST)
}
