//! A tenant without a network: requests go straight into its router.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use extoauth_sandbox::entra::{Tenant, TenantOptions};
use extoauth_sandbox::seed;
use extoauth_sandbox::world::{Lag, System, World};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    /// Asserts the status and gives the body.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        if self.text.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text))
    }

    /// Asserts an error of Graph and gives its message.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> String {
        let body = self.expect(status);
        assert_eq!(body["error"]["code"], code, "{body}");
        assert_eq!(self.header("content-type"), "application/json");
        assert!(self.headers.get("odata-version").is_none(), "errors carry no OData version");
        assert_eq!(body["error"]["innerError"]["request-id"], self.header("request-id"));
        text(&body["error"]["message"])
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// The text of a JSON value.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// The tenant under test.
pub struct Entra {
    pub world: Arc<World>,
    pub tenant: Arc<Tenant>,
    pub router: Router,
}

/// How a call is made, beside method, path and body.
#[derive(Clone, Default)]
pub struct How {
    /// Bearer token; none: the administrator's.
    pub token: Option<String>,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// The fault `lag`, as the world lays it on a call.
    pub lag: Option<Lag>,
}

impl Entra {
    pub fn new() -> Self {
        Self::with(TenantOptions::default())
    }

    pub fn with(options: TenantOptions) -> Self {
        let world = World::new();
        let tenant = Tenant::with(&world, options);
        let router = Arc::clone(&tenant).router();
        Self { world, tenant, router }
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.expect("the router answers");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a whole body").to_bytes();
        Reply { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    /// A call of Graph; the path is the one below `/v1.0`.
    pub async fn call_as(&self, how: &How, method: &str, path: &str, body: Option<Value>) -> Reply {
        let token = how.token.clone().unwrap_or_else(|| self.tenant.admin_token().to_owned());
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).expect("a method"))
            .uri(format!("/v1.0{}", path.replace(' ', "%20")))
            .header(header::HOST, seed::GRAPH_HOST)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json");
        for (name, value) in &how.headers {
            request = request.header(*name, value);
        }
        if let Some(lag) = how.lag {
            request = request.extension(lag);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(request.body(body).expect("a request")).await
    }

    /// A call of the administrator.
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        self.call_as(&How::default(), method, path, body).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.call("GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.call("POST", path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.call("PATCH", path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.call("DELETE", path, None).await
    }

    /// An upsert by `uniqueName`.
    pub async fn upsert(&self, name: &str, body: Value) -> Reply {
        let how = How { headers: vec![("prefer", "create-if-missing".to_owned())], ..How::default() };
        self.call_as(&how, "PATCH", &format!("/applications(uniqueName='{name}')"), Some(body)).await
    }

    /// A new application of this tenant alone.
    #[track_caller]
    pub fn app(&self, name: &str) -> impl Future<Output = Value> {
        let body = json!({"displayName": name, "signInAudience": "AzureADMyOrg"});
        async move { self.post("/applications", body).await.expect(201) }
    }

    /// A new application with its service principal: `(object id, client id, object id of the principal)`.
    pub async fn pair(&self, name: &str) -> (String, String, String) {
        let app = self.app(name).await;
        let principal = self.post("/servicePrincipals", json!({"appId": app["appId"]})).await.expect(201);
        (text(&app["id"]), text(&app["appId"]), text(&principal["id"]))
    }

    /// The automation's token for Graph.
    pub async fn token(&self) -> String {
        self.token_of(self.tenant.automation_client_id(), self.tenant.automation_secret()).await.expect("a token")
    }

    /// A client's own token for Graph, or the error codes.
    pub async fn token_of(&self, client: &str, secret: &str) -> Result<String, Value> {
        let fields = [
            ("client_id", client),
            ("client_secret", secret),
            ("scope", "https://graph.microsoft.com/.default"),
            ("grant_type", "client_credentials"),
        ];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(format!("/{}/oauth2/v2.0/token", seed::ENTRA_TENANT))
            .header(header::HOST, seed::LOGIN_HOST)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .expect("a request");
        let reply = self.send(request).await;
        let body: Value = serde_json::from_str(&reply.text).expect("JSON");
        body["access_token"].as_str().map(str::to_owned).ok_or_else(|| body["error_codes"].clone())
    }

    /// Object id of Microsoft Graph's service principal.
    pub async fn graph_principal(&self) -> String {
        let path = "/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')";
        text(&self.get(path).await.expect(200)["id"])
    }

    /// Object id of the automation's service principal.
    pub async fn automation_principal(&self) -> String {
        let path = format!("/servicePrincipals(appId='{}')", self.tenant.automation_client_id());
        text(&self.get(&path).await.expect(200)["id"])
    }

    /// Takes one of Graph's permissions away from the automation.
    pub async fn take_away(&self, value: &str) {
        let graph = self.get(&format!("/servicePrincipals/{}", self.graph_principal().await)).await.expect(200);
        let roles = graph["appRoles"].as_array().expect("roles");
        let role = roles.iter().find(|role| role["value"] == value).expect("a known permission");
        let me = self.automation_principal().await;
        let path = format!("/servicePrincipals/{me}/appRoleAssignments");
        let assigned = self.get(&path).await.expect(200);
        let assigned = assigned["value"].as_array().expect("a list").iter().find(|one| one["appRoleId"] == role["id"]);
        let id = text(&assigned.expect("it has this permission")["id"]);
        self.delete(&format!("{path}/{id}")).await.expect(204);
    }
}

/// A scope as extoauth would define it.
pub fn scope(id: &str, value: &str, enabled: bool) -> Value {
    json!({"id": id, "value": value, "type": "User", "isEnabled": enabled, "adminConsentDisplayName": value,
        "adminConsentDescription": value, "userConsentDisplayName": value, "userConsentDescription": value})
}
