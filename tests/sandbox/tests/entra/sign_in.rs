//! What the tests of the sign-in endpoints share: the tenant in a world with AWS's issuer, an integration made through
//! Graph, and proofs by what the tenant publishes.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use extoauth_sandbox::aws::Sts;
use extoauth_sandbox::entra::Tenant;
use extoauth_sandbox::seed::{self, ENTRA_TENANT, GRAPH_HOST, LOGIN_HOST, STS_WINDOWS_HOST};
use extoauth_sandbox::world::{SystemExt as _, World};
use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// Where the client's people go back to.
pub const REDIRECT: &str = "https://ab123.us1.dbt.com/complete/entra";
/// Client id of Microsoft Graph.
pub const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

/// A world with the tenant and the account's STS.
pub struct Stage {
    pub world: Arc<World>,
    pub tenant: Arc<Tenant>,
    pub sts: Arc<Sts>,
    pub router: Router,
}

/// An application with its service principal.
pub struct App {
    /// Object id of the application.
    pub id: String,
    /// Client id.
    pub app_id: String,
    /// Object id of the service principal.
    pub principal: String,
}

/// A resource, and a client with everything that a login needs.
pub struct Setup {
    pub resource: App,
    pub client: App,
    pub secret: String,
    /// Id of the group whose members are assigned.
    pub group: String,
}

impl Setup {
    /// The resource's Application ID URI.
    pub fn uri(&self) -> String {
        format!("api://{}", self.resource.app_id)
    }

    /// What dbt asks for.
    pub fn scope(&self) -> String {
        format!("openid offline_access {}/dbt-redshift", self.uri())
    }
}

impl Stage {
    pub fn new() -> Self {
        let world = World::new();
        let tenant = Tenant::new(&world);
        let gate = world.systems.add(tenant.shared(), &[GRAPH_HOST, LOGIN_HOST, STS_WINDOWS_HOST]);
        let sts = Sts::new(&world);
        world.systems.add(sts.shared(), &[seed::AWS_TOKEN_ISSUER.trim_start_matches("https://")]);
        Self { router: gate.router(), world, tenant, sts }
    }

    pub async fn send(&self, request: Request<Body>) -> Response<String> {
        let answer = match self.router.clone().oneshot(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Response::from_parts(parts, String::from_utf8(body.to_vec()).expect("UTF-8"))
    }

    /// A call of Graph as the administrator, which succeeds.
    pub async fn graph(&self, method: Method, path: &str, body: Value) -> Value {
        let request = Request::builder().method(method).uri(format!("/v1.0{path}"));
        let request = request.header("host", GRAPH_HOST).header("content-type", "application/json");
        let request = request.header("authorization", format!("Bearer {}", self.tenant.admin_token()));
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let answer = self.send(request.body(body).expect("a request")).await;
        assert!(answer.status().is_success(), "{path}: {} {}", answer.status(), answer.body());
        serde_json::from_str(answer.body()).unwrap_or_default()
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.graph(Method::POST, path, body).await
    }

    pub async fn patch(&self, path: &str, body: Value) {
        self.graph(Method::PATCH, path, body).await;
    }

    pub async fn delete(&self, path: &str) {
        self.graph(Method::DELETE, path, Value::Null).await;
    }

    /// The only object of a filtered list.
    pub async fn one(&self, collection: &str, filter: &str) -> Value {
        let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let found = self.graph(Method::GET, &format!("/{collection}?$filter={filter}"), Value::Null).await;
        let [one] = found["value"].as_array().expect("a list").as_slice() else { panic!("one: {found}") };
        one.clone()
    }

    /// An application and its service principal.
    pub async fn app(&self, body: Value) -> App {
        let app = self.post("/applications", body).await;
        let (id, app_id) = (text(&app, "id"), text(&app, "appId"));
        let principal = self.post("/servicePrincipals", json!({"appId": app_id})).await;
        App { id, app_id, principal: text(&principal, "id") }
    }

    /// A new client secret.
    pub async fn secret(&self, app: &App) -> String {
        text(&self.post(&format!("/applications/{}/addPassword", app.id), json!({})).await, "secretText")
    }

    /// Consent of an administrator for everybody.
    pub async fn consent(&self, client: &App, resource: &str, scope: &str) -> String {
        let grant = json!({"clientId": client.principal, "consentType": "AllPrincipals", "resourceId": resource,
            "scope": scope});
        text(&self.post("/oauth2PermissionGrants", grant).await, "id")
    }

    /// Object id of Graph's service principal.
    pub async fn graph_principal(&self) -> String {
        text(&self.one("servicePrincipals", &format!("appId eq '{GRAPH}'")).await, "id")
    }

    /// Everything that a login needs, the resource issuing tokens of this version.
    pub async fn setup(&self, version: u8) -> Setup {
        let setup = self.without_consent(version).await;
        self.consent(&setup.client, &setup.resource.principal, "dbt-redshift").await;
        let graph = self.graph_principal().await;
        self.consent(&setup.client, &graph, "openid profile offline_access").await;
        self.patch(
            &format!("/servicePrincipals/{}", setup.client.principal),
            json!({"appRoleAssignmentRequired": true}),
        )
        .await;
        let assignment = json!({"principalId": setup.group, "resourceId": setup.client.principal,
            "appRoleId": "00000000-0000-0000-0000-000000000000"});
        self.post(&format!("/servicePrincipals/{}/appRoleAssignedTo", setup.client.principal), assignment).await;
        setup
    }

    /// The same without anybody's consent and open to everybody.
    pub async fn without_consent(&self, version: u8) -> Setup {
        let scope = json!({"id": "11111111-2222-4333-8444-555555555555", "value": "dbt-redshift", "type": "User",
            "isEnabled": true, "adminConsentDisplayName": "dbt", "adminConsentDescription": "dbt",
            "userConsentDisplayName": "dbt", "userConsentDescription": "dbt"});
        let resource = self
            .app(json!({"displayName": "resource", "signInAudience": "AzureADMyOrg",
                "api": {"requestedAccessTokenVersion": version, "oauth2PermissionScopes": [scope]},
                "optionalClaims": {"accessToken": [{"name": "upn", "essential": false},
                    {"name": "email", "essential": false}]}}))
            .await;
        let uris = json!({"identifierUris": [format!("api://{}", resource.app_id)]});
        self.patch(&format!("/applications/{}", resource.id), uris).await;
        let client = self
            .app(json!({"displayName": "client", "signInAudience": "AzureADMyOrg", "web": {"redirectUris": [REDIRECT]},
                "requiredResourceAccess": [{"resourceAppId": resource.app_id,
                    "resourceAccess": [{"id": scope["id"], "type": "Scope"}]}]}))
            .await;
        let secret = self.secret(&client).await;
        let group = text(&self.one("groups", &format!("displayName eq '{}'", seed::GROUP)).await, "id");
        Setup { resource, client, secret, group }
    }

    /// Another client: its client id and secret.
    pub async fn other_client(&self) -> (String, String) {
        let client = self.app(json!({"displayName": "other", "signInAudience": "AzureADMyOrg"})).await;
        let secret = self.secret(&client).await;
        (client.app_id, secret)
    }

    /// A token request to the version 2 endpoint: status and body, checked against the API's description.
    pub async fn token(&self, fields: &[(&str, &str)]) -> (u16, Value) {
        let answer = self.token_at(&format!("/{ENTRA_TENANT}/oauth2/v2.0/token"), fields, None).await;
        contract("/{tenant}/oauth2/v2.0/token", "post", answer.0, &answer.1);
        answer
    }

    /// The same at any path, perhaps with an `Authorization` header.
    pub async fn token_at(&self, path: &str, fields: &[(&str, &str)], basic: Option<&str>) -> (u16, Value) {
        let mut request =
            Request::post(path).header("host", LOGIN_HOST).header("content-type", "application/x-www-form-urlencoded");
        if let Some(basic) = basic {
            request = request.header("authorization", basic);
        }
        let answer = self.send(request.body(Body::from(form(fields))).expect("a request")).await;
        let body = serde_json::from_str(answer.body()).unwrap_or_else(|_| panic!("JSON: {}", answer.body()));
        (answer.status().as_u16(), body)
    }

    /// A document under its real address.
    pub async fn document(&self, url: &str) -> Value {
        let answer = self.world.fetch(url).await.expect("an answer");
        assert!(answer.status().is_success(), "{url}: {}", answer.status());
        serde_json::from_slice(answer.body()).expect("JSON")
    }

    /// Header and claims of a token, proved by the discovery document of its own issuer.
    pub async fn proved(&self, token: &str) -> (Header, Value) {
        let header = decode_header(token).expect("a JWT");
        assert_eq!(header.alg, Algorithm::RS256);
        let claimed = jsonwebtoken::dangerous::insecure_decode::<Value>(token).expect("claims").claims;
        let issuer = text(&claimed, "iss");
        let joint = if issuer.ends_with('/') { "" } else { "/" };
        let discovery = self.document(&format!("{issuer}{joint}.well-known/openid-configuration")).await;
        assert_eq!(discovery["issuer"], issuer.as_str());
        let keys = self.document(discovery["jwks_uri"].as_str().expect("a URL")).await;
        let keys = keys["keys"].as_array().expect("keys").clone();
        let key = keys.into_iter().find(|key| key["kid"].as_str() == header.kid.as_deref()).expect("the key");
        let key: Jwk = serde_json::from_value(key).expect("a JWK");
        let mut validation = Validation::new(Algorithm::RS256);
        validation.validate_nbf = true;
        validation.validate_aud = false;
        validation.set_issuer(&[issuer]);
        let proved = decode(token, &DecodingKey::from_jwk(&key).expect("a key"), &validation).expect("a good token");
        (header, proved.claims)
    }
}

/// A form body.
pub fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

pub fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}")).to_owned()
}

/// The AADSTS code of a refusal, whose body has everything that Microsoft's has.
pub fn code(refusal: &(u16, Value)) -> u64 {
    let (_, body) = refusal;
    let code = body["error_codes"][0].as_u64().unwrap_or_else(|| panic!("a refusal: {body}"));
    let description = text(body, "error_description");
    assert!(description.starts_with(&format!("AADSTS{code}: ")), "{description}");
    for (label, member) in [("Trace ID", "trace_id"), ("Correlation ID", "correlation_id"), ("Timestamp", "timestamp")]
    {
        assert!(description.contains(&format!("\r\n{label}: {}", text(body, member))), "{description}");
    }
    assert_eq!(body["error_uri"], format!("https://login.microsoftonline.com/error?code={code}"));
    code
}

/// Checks an answer against `CONTRACTS_DIR/entra.openapi.json` (default: `../shared/contracts` beside the workspace);
/// skipped, with a word, where the file is absent.
pub fn contract(path: &str, method: &str, status: u16, body: &Value) {
    static SAID: std::sync::OnceLock<()> = std::sync::OnceLock::new();
    let default = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/contracts");
    let file = std::env::var_os("CONTRACTS_DIR").map_or(default, PathBuf::from).join("entra.openapi.json");
    let Ok(text) = std::fs::read(&file) else {
        SAID.get_or_init(|| eprintln!("skipped: no {} (CONTRACTS_DIR)", file.display()));
        return;
    };
    let api: Value = serde_json::from_slice(&text).expect("an API description is JSON");
    let described = &api["paths"][path][method]["responses"][status.to_string()];
    assert!(described.is_object(), "{path} does not describe {status}");
    let schema = &described["content"]["application/json"]["schema"];
    let validator = jsonschema::validator_for(schema).expect("a schema");
    let problems: Vec<String> = validator.iter_errors(body).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{path} {status} {body}\n{}", problems.join("\n"));
}
