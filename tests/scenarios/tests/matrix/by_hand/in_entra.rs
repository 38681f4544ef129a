//! What the administrator of an Entra tenant does in the admin center.

use extoauth_core::handoff::Handoff;
use serde_json::{Map, Value, json};

use super::{at, list, named, number, value};
use crate::house::House;

impl House {
    /// Does what a hand-off of the tenant says.
    pub(super) async fn do_in_entra(&self, handoff: &Handoff) {
        let what = handoff.what.as_str();
        let says = |beginning: &str| what.starts_with(beginning);
        if says("Register an app named") {
            let made = self.entra("POST", "applications", registration(handoff)).await;
            // The admin center makes the enterprise application as well.
            let body = json!({"appId": made["appId"], "tags": ["WindowsAzureActiveDirectoryIntegratedApp"]});
            self.entra("POST", "servicePrincipals", body).await;
        } else if says("Set the Application ID URI") {
            let body = json!({"identifierUris": [value(handoff, "application_id_uri")]});
            self.entra("PATCH", &format!("applications/{}", at(handoff, 2)), body).await;
        } else if says("Make the enterprise application") {
            let mut body = Map::new();
            let names = [("enabled", "accountEnabled"), ("assignment_required", "appRoleAssignmentRequired")];
            for (told, name) in names {
                if let Some(value) = handoff.values.get(told) {
                    body.insert(name.to_owned(), json!(value == "true"));
                }
            }
            self.entra("PATCH", &format!("servicePrincipals(appId='{}')", at(handoff, 2)), body.into()).await;
        } else if says("Make a client secret") {
            let end = what.split(" ends on ").nth(1).and_then(|rest| rest.get(..10)).expect("a day");
            let credential = json!({"displayName": named(what), "endDateTime": format!("{end}T00:00:00Z")});
            let path = format!("applications/{}/addPassword", at(handoff, 2));
            let made = self.entra("POST", &path, json!({"passwordCredential": credential})).await;
            let body = json!({"Name": value(handoff, "stored_as"), "SecretString": made["secretText"]});
            self.aws("secretsmanager", "secretsmanager.CreateSecret", body).await;
        } else if says("Assign the group") {
            let name = at(handoff, 2);
            let found =
                self.entra("GET", &format!("servicePrincipals?$filter=displayName eq '{name}'"), Value::Null).await;
            let principal = found["value"][0]["id"].as_str().expect("the enterprise application").to_owned();
            let body = json!({
                "principalId": value(handoff, "group"), "resourceId": principal,
                "appRoleId": "00000000-0000-0000-0000-000000000000",
            });
            self.entra("POST", &format!("servicePrincipals/{principal}/appRoleAssignedTo"), body).await;
        } else if says("Open this link") {
            self.admin.accept_consent(&handoff.place).await.expect("a consent");
        } else {
            panic!("nobody knows how to do this: {handoff:?}");
        }
    }
}

/// What an administrator enters who registers an app as a hand-off says.
fn registration(handoff: &Handoff) -> Value {
    let mut body = json!({
        "displayName": value(handoff, "display_name"), "signInAudience": value(handoff, "supported_accounts"),
    });
    if handoff.values.contains_key("redirect_uris") {
        let mut access = Map::new();
        for permission in list(handoff, "permissions").as_array().expect("a list") {
            let (app, id) = permission.as_str().and_then(|text| text.split_once('/')).expect("app id / permission id");
            let of_app = access.entry(app).or_insert_with(|| json!({"resourceAppId": app, "resourceAccess": []}));
            let all = of_app["resourceAccess"].as_array_mut().expect("a list");
            all.push(json!({"id": id, "type": "Scope"}));
        }
        body["web"] = json!({"redirectUris": list(handoff, "redirect_uris")});
        body["requiredResourceAccess"] = access.into_iter().map(|(_, of_app)| of_app).collect();
        return body;
    }
    let kind = match value(handoff, "scope_consent") {
        "admins and users" => "User",
        other => panic!("nobody knows this kind of consent: {other}"),
    };
    let words = "made by hand";
    body["api"] = json!({
        "requestedAccessTokenVersion": number(handoff, "access_token_version"),
        "oauth2PermissionScopes": [{
            "id": uuid(), "value": value(handoff, "scope"), "type": kind,
            "isEnabled": value(handoff, "scope_enabled") == "true",
            "adminConsentDisplayName": words, "adminConsentDescription": words,
        }],
    });
    let claims = list(handoff, "access_token_claims").as_array().cloned().expect("a list");
    let claims: Vec<Value> = claims.iter().map(|name| json!({"name": name})).collect();
    body["optionalClaims"] = json!({"accessToken": claims, "idToken": [], "saml2Token": []});
    body
}

/// An id as the admin center makes one.
fn uuid() -> String {
    let hex = format!("{:032x}", jiff::Timestamp::now().as_nanosecond());
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
