//! What an administrator of the Entra tenant does, through Microsoft Graph.

use std::collections::BTreeMap;

use anyhow::Context as _;
use extoauth_sandbox::seed::ENTRA_NAME;
use serde_json::{Value, json};
use url::Url;

use crate::client::Client;

/// Client id of Microsoft Graph, the same in every tenant.
const GRAPH_APP: &str = "00000003-0000-0000-c000-000000000000";
/// Display name of extoauth's own app registration.
const AUTOMATION: &str = "extoauth";

impl Client {
    /// A call to Microsoft Graph v1.0; `null` sends no body.
    ///
    /// # Errors
    /// Graph refuses.
    pub async fn graph(&self, method: &str, path: &str, body: Value) -> anyhow::Result<Value> {
        let door = &self.sandbox_json()["admin"]["entra"][ENTRA_NAME];
        let (url, token) = (door["graph"].as_str().unwrap_or_default(), door["token"].as_str().unwrap_or_default());
        let call = self.http().request(method.parse()?, format!("{url}/v1.0/{path}")).bearer_auth(token);
        let call = if body.is_null() { call } else { call.json(&body) };
        self.send(call).await?.good().with_context(|| format!("graph: {method} {path}"))
    }

    /// Takes application permissions of Microsoft Graph from extoauth's own registration and gives it others. A token that
    /// it has already holds what it was made with.
    ///
    /// # Errors
    /// Graph refuses, or knows no such permission.
    pub async fn change_entra_rights(&self, taken: &[&str], given: &[&str]) -> anyhow::Result<()> {
        let graph = self.service_principal(GRAPH_APP).await?;
        let roles = names(&graph["appRoles"]);
        let known = |value: &&str| roles.iter().find(|(_, name)| *name == value).map(|(id, _)| id.clone());
        let path = format!("servicePrincipals?$filter=displayName eq '{AUTOMATION}'");
        let ours = self.graph("GET", &path, Value::Null).await?["value"][0]["id"].take();
        let ours = ours.as_str().context("our own service principal")?.to_owned();
        let path = format!("servicePrincipals/{ours}/appRoleAssignments");
        let held = self.graph("GET", &path, Value::Null).await?;
        for value in taken {
            let role = known(value).with_context(|| format!("no permission {value}"))?;
            let held = held["value"].as_array().into_iter().flatten().find(|one| one["appRoleId"] == role.as_str());
            let id = held.and_then(|one| one["id"].as_str()).with_context(|| format!("{value} is not granted"))?;
            self.graph("DELETE", &format!("{path}/{id}"), Value::Null).await?;
        }
        for value in given {
            let role = known(value).with_context(|| format!("no permission {value}"))?;
            let body = json!({"principalId": ours, "resourceId": graph["id"], "appRoleId": role});
            self.graph("POST", &path, body).await?;
        }
        Ok(())
    }

    /// What an administrator does who opens a consent link and accepts: everything that the app asks for is granted for
    /// everybody.
    ///
    /// # Errors
    /// The link names no app of the tenant, or Graph refuses.
    pub async fn accept_consent(&self, link: &str) -> anyhow::Result<()> {
        let link: Url = link.parse().with_context(|| link.to_owned())?;
        let app_id = link.query_pairs().find(|(name, _)| name == "client_id").context("the link names no client")?.1;
        let app = self.graph("GET", &format!("applications(appId='{app_id}')"), Value::Null).await?;
        let client = self.service_principal(&app_id).await?;
        for asked in app["requiredResourceAccess"].as_array().context("what the app asks for")? {
            let resource = self.service_principal(asked["resourceAppId"].as_str().unwrap_or_default()).await?;
            let known = names(&resource["oauth2PermissionScopes"]);
            let ids = asked["resourceAccess"].as_array().into_iter().flatten();
            let scopes: Vec<&str> = ids.filter_map(|one| known.get(one["id"].as_str()?)).map(String::as_str).collect();
            let grant = json!({
                "clientId": client["id"], "consentType": "AllPrincipals", "resourceId": resource["id"],
                "scope": scopes.join(" "),
            });
            self.graph("POST", "oauth2PermissionGrants", grant).await?;
        }
        Ok(())
    }

    async fn service_principal(&self, app_id: &str) -> anyhow::Result<Value> {
        self.graph("GET", &format!("servicePrincipals(appId='{app_id}')"), Value::Null).await
    }
}

/// Id to value of permissions.
fn names(permissions: &Value) -> BTreeMap<String, String> {
    let all = permissions.as_array().into_iter().flatten();
    all.filter_map(|one| Some((one["id"].as_str()?.to_owned(), one["value"].as_str()?.to_owned()))).collect()
}

/// The first link in a sentence.
pub fn link_in(text: &str) -> Option<&str> {
    let start = text.find("https://")?;
    let end = text[start..].find(|c: char| c.is_whitespace() || c == ')').map_or(text.len(), |length| start + length);
    Some(&text[start..end])
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_link_ends_where_its_sentence_goes_on() {
        let said = "Open this link (https://login.example/t/adminconsent?client_id=c) and accept";
        assert_eq!(super::link_in(said), Some("https://login.example/t/adminconsent?client_id=c"));
        assert_eq!(super::link_in("nothing"), None);
    }
}
