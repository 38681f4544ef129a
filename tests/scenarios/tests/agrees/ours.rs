//! What the integration consists of, by the vendors' ids.

use std::collections::BTreeMap;

use extoauth_sandbox::seed;
use serde_json::Value;

use crate::desk::Desk;
use crate::house::House;
use crate::provider::Provider;

/// What the integration consists of, and what stands beside it.
#[derive(Clone, Debug)]
pub struct Ours {
    /// Identities that the product has recorded, by address.
    items: BTreeMap<String, Value>,
    /// Project of the environment.
    pub project: u64,
    /// The development environment.
    pub environment: u64,
    /// Somebody else's connection.
    pub other_connection: u64,
    /// Id of the group at the identity provider.
    pub group: String,
    /// Id of a group without our developers.
    pub other_group: String,
    /// Ids of the developers at the identity provider, in order.
    pub people: Vec<String>,
    /// Client id of the client.
    pub client_id: String,
    /// Client id of another client (Okta).
    pub other_client: String,
    /// Client id of the resource app (Entra).
    pub resource_id: String,
    /// Object id of the client's service principal (Entra).
    pub principal: String,
    /// The claim that Identity Center maps.
    pub claim: String,
    /// The attribute of the identity store with which it is compared.
    pub attribute: String,
    /// The tokens' issuer, as Identity Center has it.
    pub issuer_url: String,
    /// The tokens' audience, as Redshift has it.
    pub audience: String,
}

impl Ours {
    /// Looks it up.
    pub async fn of(house: &House, desk: &Desk<'_>, provider: &Provider) -> anyhow::Result<Self> {
        let mut items = BTreeMap::new();
        for (_, book) in house.books().await {
            items.extend(book.items.into_iter().map(|(address, item)| (address.to_string(), item.identity)));
        }
        let mut ours = Self {
            items,
            project: provider.environment.0,
            environment: provider.environment.1,
            other_connection: 0,
            group: String::new(),
            other_group: String::new(),
            people: Vec::new(),
            client_id: String::new(),
            other_client: String::new(),
            resource_id: String::new(),
            principal: String::new(),
            claim: String::new(),
            attribute: String::new(),
            issuer_url: String::new(),
            audience: String::new(),
        };
        let theirs = desk.dbt("GET", "projects/70001/environments/90002/", Value::Null).await?;
        ours.other_connection = theirs["connection_id"].as_u64().unwrap_or_default();
        let configuration = desk.dbt("GET", &ours.configuration(), Value::Null).await?;
        ours.client_id = text(&configuration, "/client_id");
        let issuer = serde_json::json!({"TrustedTokenIssuerArn": ours.issuer()});
        let issuer = desk.center("DescribeTrustedTokenIssuer", issuer).await?;
        let mapping = &issuer["TrustedTokenIssuerConfiguration"]["OidcJwtConfiguration"];
        ours.issuer_url = text(mapping, "/IssuerUrl");
        ours.claim = text(mapping, "/ClaimAttributePath");
        ours.attribute = text(mapping, "/IdentityStoreAttributePath");
        let accepted = house.accepted_issuers().await;
        let accepted = accepted.into_iter().find(|(arn, _)| *arn == ours.issuer());
        ours.audience = accepted.and_then(|(_, audiences)| audiences.into_iter().next()).unwrap_or_default();
        if provider.kind == "okta" {
            let groups = desk.okta("GET", "groups?limit=200", Value::Null).await?;
            let users = desk.okta("GET", "users?limit=200", Value::Null).await?;
            let apps = desk.okta("GET", "apps?limit=200", Value::Null).await?;
            let clients = apps.as_array().into_iter().flatten();
            let clients = clients.map(|app| text(app, "/credentials/oauthClient/client_id"));
            ours.other_client =
                clients.into_iter().find(|id| !id.is_empty() && *id != ours.client_id).unwrap_or_default();
            ours.group = id_where(&groups, "/profile/name", seed::GROUP);
            ours.other_group = other(&groups, &["/profile/name"], &[seed::GROUP, "Everyone"]);
            if ours.other_group.is_empty() {
                let body = serde_json::json!({"profile": {"name": "finance", "description": "Nobody of ours"}});
                ours.other_group = text(&desk.okta("POST", "groups", body).await?, "/id");
            }
            ours.people = seed::USERS.iter().map(|user| id_where(&users, "/profile/login", user)).collect();
        } else {
            let groups = desk.graph("GET", "groups", Value::Null).await?["value"].take();
            let users = desk.graph("GET", "users", Value::Null).await?["value"].take();
            ours.group = id_where(&groups, "/displayName", seed::GROUP);
            ours.other_group = other(&groups, &["/displayName"], &[seed::GROUP]);
            ours.people = seed::USERS.iter().map(|user| id_where(&users, "/mail", user)).collect();
            let resource = desk.graph("GET", &ours.path("entra.resource_app"), Value::Null).await?;
            ours.resource_id = text(&resource, "/appId");
            let path = format!("servicePrincipals(appId='{}')", ours.client_id);
            ours.principal = text(&desk.graph("GET", &path, Value::Null).await?, "/id");
        }
        Ok(ours)
    }

    fn identity(&self, address: &str, field: &str) -> String {
        let of_address =
            |(known, _): &(&String, &Value)| known.as_str() == address || known.starts_with(&format!("{address}["));
        let value = self.items.iter().find(of_address).map(|(_, identity)| identity[field].clone());
        match value {
            Some(Value::String(text)) => text,
            Some(Value::Number(number)) => number.to_string(),
            _ => panic!("no `{field}` of `{address}` is recorded: {:#?}", self.items),
        }
    }

    /// Whether something is recorded at this address.
    pub fn has(&self, address: &str) -> bool {
        self.items.keys().any(|known| known == address)
    }

    /// The path of an object in its vendor's API.
    pub fn path(&self, address: &str) -> String {
        let of = |field: &str| self.identity(address, field);
        let server = |tail: String| format!("authorizationServers/{}{tail}", of("server"));
        match address {
            "okta.app" => format!("apps/{}", of("id")),
            "okta.server" => format!("authorizationServers/{}", of("id")),
            "okta.server.scope" => server(format!("/scopes/{}", of("id"))),
            "okta.server.claim" => server(format!("/claims/{}", of("id"))),
            "okta.server.policy" => server(format!("/policies/{}", of("policy"))),
            "okta.server.policy.rule" => server(format!("/policies/{}/rules/{}", of("policy"), of("rule"))),
            "entra.resource_app" | "entra.client_app" => format!("applications/{}", of("id")),
            "entra.resource_principal" => format!("servicePrincipals(appId='{}')", self.resource_id),
            "entra.client_principal" => format!("servicePrincipals(appId='{}')", self.client_id),
            "dbt.oauth_configuration" => format!("oauth-configurations/{}/", of("id")),
            "dbt.connection" => format!("connections/{}/", of("id")),
            "dbt.environment" => format!("projects/{}/environments/{}/", self.project, self.environment),
            other => panic!("no path for `{other}`"),
        }
    }

    /// Path of dbt's OAuth configuration.
    pub fn configuration(&self) -> String {
        self.path("dbt.oauth_configuration")
    }

    /// ARN of the trusted token issuer.
    pub fn issuer(&self) -> String {
        self.identity("identity_center.issuer", "arn")
    }

    /// ARN of the stored client secret.
    pub fn secret(&self) -> String {
        let address = ["entra.client_secret", "secrets_manager.client_secret"].into_iter().find(|one| self.has(one));
        self.identity(address.unwrap_or("secrets_manager.client_secret"), "arn")
    }
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn id_where(list: &Value, pointer: &str, is: &str) -> String {
    let found = list.as_array().into_iter().flatten().find(|one| text(one, pointer) == is);
    found.map(|one| text(one, "/id")).unwrap_or_default()
}

fn other(list: &Value, pointers: &[&str], not: &[&str]) -> String {
    let named = |one: &&Value| pointers.iter().all(|pointer| !not.contains(&text(one, pointer).as_str()));
    list.as_array().into_iter().flatten().find(named).map(|one| text(one, "/id")).unwrap_or_default()
}
