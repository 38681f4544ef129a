//! An org without a network: requests go straight into its router.

#![allow(dead_code, reason = "each test binary uses a part of this")]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use extoauth_sandbox::okta::{Org, OrgOptions};
use extoauth_sandbox::seed;
use extoauth_sandbox::world::{System, World};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

/// Where dbt receives codes in these tests.
pub const REDIRECT: &str = "https://ab123.us1.dbt.com/complete/okta";
/// The audience of the warehouse.
pub const AUDIENCE: &str = "https://wg.123456789012.us-east-1.redshift-serverless.amazonaws.com";
/// What dbt asks for.
pub const SCOPES: &str = "openid offline_access session:role-any";

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text))
    }

    /// Asserts the status and gives the body.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// Asserts an error of the management API and gives its first cause.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> String {
        let body = self.expect(status);
        assert_eq!(body["errorCode"], code, "{body}");
        assert_eq!(body["errorLink"], code);
        assert_eq!(body["errorId"].as_str().map(str::len), Some(25));
        body["errorCauses"][0]["errorSummary"].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The URL of a `Link` relation.
    pub fn link(&self, relation: &str) -> Option<String> {
        let wanted = format!("rel=\"{relation}\"");
        let mut links = self.headers.get_all(header::LINK).iter().filter_map(|value| value.to_str().ok());
        let link = links.find(|link| link.ends_with(&wanted))?;
        Some(link.trim_start_matches('<').split('>').next()?.to_owned())
    }
}

/// The org under test.
pub struct Okta {
    pub world: Arc<World>,
    pub org: Arc<Org>,
    pub router: Router,
}

/// A trust and an integration in it.
pub struct Setup {
    pub server: String,
    pub scope: String,
    pub app: String,
    pub secret: String,
    pub policy: String,
    pub rule: String,
    pub group: String,
}

impl Okta {
    pub fn new() -> Self {
        Self::with(OrgOptions::default())
    }

    pub fn with(options: OrgOptions) -> Self {
        let world = World::new();
        let org = Org::with(&world, options);
        let router = Arc::clone(&org).router();
        Self { world, org, router }
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.expect("the router answers");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a whole body").to_bytes();
        Reply { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    /// A call of the management API by the administrator.
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        self.call_as(&format!("SSWS {}", self.org.admin_token()), method, path, body).await
    }

    pub async fn call_as(&self, authorization: &str, method: &str, path: &str, body: Option<Value>) -> Reply {
        let request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).expect("a method"))
            .uri(path)
            .header(header::AUTHORIZATION, authorization)
            .header(header::CONTENT_TYPE, "application/json");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(request.body(body).expect("a request")).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.call("GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.call("POST", path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.call("PUT", path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.call("DELETE", path, None).await
    }

    /// A form to an OAuth endpoint.
    pub async fn form(&self, path: &str, client: Option<(&str, &str)>, fields: &[(&str, &str)]) -> Reply {
        self.form_with(path, client, fields, &[]).await
    }

    pub async fn form_with(
        &self,
        path: &str,
        client: Option<(&str, &str)>,
        fields: &[(&str, &str)],
        headers: &[(&'static str, &str)],
    ) -> Reply {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some((id, secret)) = client {
            request =
                request.header(header::AUTHORIZATION, format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body)).expect("a request")).await
    }

    /// The id of the group of developers.
    pub async fn group(&self) -> String {
        let groups = self.get(&format!("/api/v1/groups?q={}", seed::GROUP)).await.expect(200);
        groups[0]["id"].as_str().expect("the group").to_owned()
    }

    pub async fn make_app(&self, label: &str) -> Value {
        self.post("/api/v1/apps", app(label)).await.expect(200)
    }

    pub async fn make_server(&self, name: &str) -> String {
        let body = json!({"name": name, "description": "test", "audiences": [AUDIENCE], "issuerMode": "ORG_URL"});
        text(&self.post("/api/v1/authorizationServers", body).await.expect(201)["id"])
    }

    /// Everything that a login needs.
    pub async fn setup(&self) -> Setup {
        let server = self.make_server("Redshift").await;
        let base = format!("/api/v1/authorizationServers/{server}");
        let scope = json!({"name": "session:role-any", "metadataPublish": "ALL_CLIENTS"});
        let scope = self.post(&format!("{base}/scopes"), scope).await.expect(201);
        let app = self.make_app("dbt").await;
        let secret = text(&app["credentials"]["oauthClient"]["client_secret"]);
        let app = text(&app["id"]);
        let policy = self.post(&format!("{base}/policies"), policy("dbt", &app)).await.expect(201);
        let policy = text(&policy["id"]);
        let rule =
            self.post(&format!("{base}/policies/{policy}/rules"), rule("dbt", 60, 129_600, 129_600)).await.expect(201);
        let group = self.group().await;
        self.put(&format!("/api/v1/apps/{app}/groups/{group}"), json!({})).await.expect(200);
        Setup { server, scope: text(&scope["id"]), app, secret, policy, rule: text(&rule["id"]), group }
    }

    /// The redirect that ends an authorization request for this user.
    pub async fn authorize(&self, setup: &Setup, user: &str, more: &[(&str, &str)]) -> Reply {
        let mut fields = vec![
            ("client_id", setup.app.as_str()),
            ("redirect_uri", REDIRECT),
            ("response_type", "code"),
            ("scope", SCOPES),
            ("state", "s1"),
            ("nonce", "n1"),
            ("username", user),
        ];
        fields.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        fields.extend(more);
        self.form(&format!("/oauth2/{}/v1/authorize", setup.server), None, &fields).await
    }

    /// A field of the redirect.
    pub fn redirected(reply: &Reply, name: &str) -> Option<String> {
        let url = url::Url::parse(reply.header("location")).ok()?;
        let found = url.query_pairs().find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned())
    }

    pub async fn redeem(&self, setup: &Setup, code: &str) -> Reply {
        let fields = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT)];
        let path = format!("/oauth2/{}/v1/token", setup.server);
        self.form(&path, Some((&setup.app, &setup.secret)), &fields).await
    }

    pub async fn refresh(&self, setup: &Setup, token: &Value) -> Reply {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str().expect("a refresh token"))];
        let path = format!("/oauth2/{}/v1/token", setup.server);
        self.form(&path, Some((&setup.app, &setup.secret)), &fields).await
    }

    /// A whole login of `dev1`.
    pub async fn login(&self, setup: &Setup) -> Value {
        let reply = self.authorize(setup, seed::USERS[0], &[]).await;
        let code = Self::redirected(&reply, "code").unwrap_or_else(|| panic!("{reply:?}"));
        self.redeem(setup, &code).await.expect(200)
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// The claims of a JWT, unverified.
pub fn claims(token: &Value) -> Value {
    let part = token.as_str().and_then(|token| token.split('.').nth(1)).expect("a JWT");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("claims")
}

/// The app that dbt needs.
pub fn app(label: &str) -> Value {
    json!({"name": "oidc_client", "label": label, "signOnMode": "OPENID_CONNECT",
        "credentials": {"oauthClient": {"autoKeyRotation": true, "token_endpoint_auth_method": "client_secret_basic",
            "pkce_required": false}},
        "settings": {"oauthClient": {"application_type": "web", "response_types": ["code"],
            "grant_types": ["authorization_code", "refresh_token"], "redirect_uris": [REDIRECT],
            "consent_method": "TRUSTED", "issuer_mode": "ORG_URL",
            "refresh_token": {"rotation_type": "STATIC", "leeway": 0}}}})
}

pub fn policy(name: &str, client: &str) -> Value {
    json!({"type": "OAUTH_AUTHORIZATION_POLICY", "status": "ACTIVE", "name": name, "description": "test", "priority": 1,
        "conditions": {"clients": {"include": [client]}}})
}

pub fn rule(name: &str, access: i64, refresh: i64, window: i64) -> Value {
    json!({"type": "RESOURCE_ACCESS", "status": "ACTIVE", "name": name, "priority": 1,
        "conditions": {"people": {"groups": {"include": ["EVERYONE"]}}, "grantTypes": {"include": ["authorization_code"]},
            "scopes": {"include": ["session:role-any", "openid", "offline_access"]}},
        "actions": {"token": {"accessTokenLifetimeMinutes": access, "refreshTokenLifetimeMinutes": refresh,
            "refreshTokenWindowMinutes": window}}})
}
