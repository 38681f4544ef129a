//! The three stand-ins with an issuer of the test's own, and clients that speak their protocols.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use extoauth_sandbox::aws::{Lookups, Redshift, SsoAdmin, SsoOidc};
use extoauth_sandbox::seed;
use extoauth_sandbox::world::{Lag, System, World};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::Request;
use http_body_util::BodyExt as _;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::model::Model;
use super::redshift::{form, tree};

/// URL of the test's issuer.
pub const ISSUER: &str = "https://acme.okta.com/oauth2/aus1test";
/// An audience of its tokens.
pub const AUDIENCE: &str = "https://wg.123456789012.us-east-1.redshift-serverless.amazonaws.com";
/// The only user.
pub const USER: &str = "11111111-2222-3333-4444-555555555555";

/// The stand-ins, and what they see of the world.
pub struct Bench {
    pub sso: Arc<SsoAdmin>,
    pub redshift: Arc<Redshift>,
    pub oidc: Arc<SsoOidc>,
    pub world: Arc<Documents>,
    pub keys: Arc<Keys>,
}

impl Bench {
    pub fn new() -> Self {
        let world = World::new();
        let sso = SsoAdmin::new(&world);
        let redshift = Redshift::new(&world, &sso);
        let documents = Arc::new(Documents::default());
        let oidc = SsoOidc::with_lookups(&sso, Arc::clone(&documents) as Arc<dyn Lookups>);
        let keys = Keys::shared();
        documents.publish(ISSUER, &keys.key_set());
        documents.user("userName", "dev1@example.com", &[USER]);
        documents.user("emails.value", "dev1@example.com", &[USER]);
        Self { sso, redshift, oidc, world: documents, keys }
    }

    pub fn sso(&self) -> Client {
        Client::new("sso-admin", Arc::clone(&self.sso).router())
    }

    pub fn redshift(&self) -> Client {
        Client::new("redshift", Arc::clone(&self.redshift).router())
    }

    pub fn oidc(&self) -> Client {
        Client::new("sso-oidc", Arc::clone(&self.oidc).router())
    }

    /// Makes an issuer for this URL and answers its ARN.
    pub async fn issuer(&self, url: &str) -> String {
        let made = self.sso().ok("CreateTrustedTokenIssuer", create_issuer(url)).await;
        made["TrustedTokenIssuerArn"].as_str().expect("an ARN").to_owned()
    }

    /// Lets the Redshift application `main` trust an issuer besides the one it trusts already.
    pub async fn trust(&self, issuer_arn: &str) {
        let mut issuers = self.trusted().await;
        issuers.push(json!({"TrustedTokenIssuerArn": issuer_arn, "AuthorizedAudiencesList": [AUDIENCE]}));
        let input = json!({
            "RedshiftIdcApplicationArn": seed::REDSHIFT_APPLICATION_ARN,
            "AuthorizedTokenIssuerList": issuers,
        });
        self.redshift().ok("ModifyRedshiftIdcApplication", input).await;
    }

    /// The issuer list of the Redshift application `main`.
    pub async fn trusted(&self) -> Vec<Value> {
        let input = json!({"RedshiftIdcApplicationArn": seed::REDSHIFT_APPLICATION_ARN});
        let described = self.redshift().ok("DescribeRedshiftIdcApplications", input).await;
        described["RedshiftIdcApplications"][0]["AuthorizedTokenIssuerList"].as_array().expect("a list").clone()
    }
}

/// A valid input of CreateTrustedTokenIssuer.
pub fn create_issuer(url: &str) -> Value {
    json!({
        "InstanceArn": seed::INSTANCE_ARN,
        "Name": "okta-acme",
        "TrustedTokenIssuerType": "OIDC_JWT",
        "TrustedTokenIssuerConfiguration": {"OidcJwtConfiguration": {
            "IssuerUrl": url,
            "ClaimAttributePath": "sub",
            "IdentityStoreAttributePath": "emails.value",
            "JwksRetrievalOption": "OPEN_ID_DISCOVERY",
        }},
        "Tags": [{"Key": "extoauth:deployment", "Value": "test"}],
    })
}

/// An answer that is an error.
#[derive(Debug)]
pub struct Refusal {
    pub status: u16,
    pub code: String,
    pub body: Value,
}

/// A client of one stand-in that checks what it sends and gets against the service model.
pub struct Client {
    service: &'static str,
    router: Router,
    model: Option<Model>,
    lag: Option<Lag>,
}

impl Client {
    fn new(service: &'static str, router: Router) -> Self {
        Self { service, router, model: Model::of(service), lag: None }
    }

    /// The same under the fault `lag`.
    pub fn lagging(self, lag: Duration) -> Self {
        Self { lag: Some(Lag(lag)), ..self }
    }

    /// A call that succeeds.
    pub async fn ok(&self, operation: &str, input: Value) -> Value {
        if let Some(model) = &self.model {
            model.check_input(operation, &input);
        }
        let (status, _, body) = self.send(operation, &input).await;
        assert_eq!(status, 200, "{operation} {input}: {body}");
        if let Some(model) = &self.model {
            model.check_output(operation, &body);
        }
        body
    }

    /// A call that is refused; its input may be wrong.
    pub async fn refused(&self, operation: &str, input: Value) -> Refusal {
        let (status, code, body) = self.send(operation, &input).await;
        assert_ne!(status, 200, "{operation} {input}: {body}");
        if let Some(model) = &self.model {
            model.check_error(operation, status, &code, &body);
        }
        Refusal { status, code, body }
    }

    async fn send(&self, operation: &str, input: &Value) -> (u16, String, Value) {
        let request = match self.service {
            "redshift" => Request::post("/").body(Body::from(form(operation, input))),
            "sso-oidc" => Request::post("/token?aws_iam=t")
                .header("content-type", "application/json")
                .body(Body::from(input.to_string())),
            _ => Request::post("/")
                .header("content-type", "application/x-amz-json-1.1")
                .header("x-amz-target", format!("SWBExternalService.{operation}"))
                .body(Body::from(input.to_string())),
        };
        let mut request = request.expect("a request");
        if let Some(lag) = self.lag {
            request.extensions_mut().insert(lag);
        }
        let answer = match self.router.clone().oneshot(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
        read(self.service, operation, answer).await
    }
}

/// Status, error code and content of an answer in its service's protocol.
pub async fn read(service: &str, operation: &str, answer: Response) -> (u16, String, Value) {
    let (parts, body) = answer.into_parts();
    assert!(parts.headers.contains_key("x-amzn-requestid"), "{operation}: no request id");
    let error_type = parts.headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = body.collect().await.expect("a body").to_bytes();
    let text = std::str::from_utf8(&body).expect("UTF-8");
    let status = parts.status.as_u16();
    if service != "redshift" {
        let body: Value = serde_json::from_str(text).expect("JSON");
        let code = error_type.or_else(|| body["__type"].as_str().map(str::to_owned)).unwrap_or_default();
        return (status, code, body);
    }
    let tree = tree(text);
    if let Some(error) = tree.get("Error") {
        return (status, error["Code"].as_str().expect("a code").to_owned(), json!({"message": error["Message"]}));
    }
    (status, String::new(), tree.get(format!("{operation}Result")).cloned().unwrap_or(json!({})))
}

/// The documents of issuers and the users of the identity store.
#[derive(Default)]
pub struct Documents {
    documents: Mutex<HashMap<String, Value>>,
    users: Mutex<HashMap<(String, String), Vec<String>>>,
    groups: Mutex<HashMap<String, Vec<String>>>,
}

impl Documents {
    /// Serves discovery document and keys of an issuer.
    pub fn publish(&self, issuer: &str, key_set: &Value) {
        let base = issuer.trim_end_matches('/');
        let keys = format!("{base}/v1/keys");
        self.serve(&format!("{base}/.well-known/openid-configuration"), json!({"issuer": issuer, "jwks_uri": keys}));
        self.serve(&keys, key_set.clone());
    }

    pub fn serve(&self, url: &str, document: Value) {
        self.documents.lock().expect("not poisoned").insert(url.to_owned(), document);
    }

    pub fn user(&self, attribute: &str, value: &str, ids: &[&str]) {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        self.users.lock().expect("not poisoned").insert((attribute.to_owned(), value.to_owned()), ids);
    }

    pub fn group(&self, user_id: &str, group_id: &str) {
        self.groups.lock().expect("not poisoned").insert(user_id.to_owned(), vec![group_id.to_owned()]);
    }
}

impl Lookups for Documents {
    fn get_json<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Value, String>> {
        let found = self.documents.lock().expect("not poisoned").get(url).cloned();
        async move { found.ok_or_else(|| format!("nothing at {url}")) }.boxed()
    }

    fn users_by<'a>(&'a self, path: &'a str, value: &'a str) -> BoxFuture<'a, Result<Vec<String>, String>> {
        let key = (path.to_owned(), value.to_owned());
        let found = self.users.lock().expect("not poisoned").get(&key).cloned().unwrap_or_default();
        async move { Ok(found) }.boxed()
    }

    fn groups_of<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<Vec<String>, String>> {
        let found = self.groups.lock().expect("not poisoned").get(user_id).cloned().unwrap_or_default();
        async move { Ok(found) }.boxed()
    }
}

/// The keys of the test's issuer.
pub struct Keys {
    rsa: EncodingKey,
    ec: EncodingKey,
}

impl Keys {
    /// The keys that most tests use: making one takes a while.
    pub fn shared() -> Arc<Self> {
        static SHARED: LazyLock<Arc<Keys>> = LazyLock::new(|| Arc::new(Keys::new()));
        Arc::clone(&SHARED)
    }

    /// New keys.
    pub fn new() -> Self {
        let rsa = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key").serialize_pem();
        let ec = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key").serialize_pem();
        Self {
            rsa: EncodingKey::from_rsa_pem(rsa.as_bytes()).expect("a key"),
            ec: EncodingKey::from_ec_pem(ec.as_bytes()).expect("a key"),
        }
    }

    pub fn key_set(&self) -> Value {
        let mut rsa = Jwk::from_encoding_key(&self.rsa, Algorithm::RS256).expect("a key");
        rsa.common.key_id = Some("rsa-1".to_owned());
        let mut ec = Jwk::from_encoding_key(&self.ec, Algorithm::ES256).expect("a key");
        ec.common.key_id = Some("ec-1".to_owned());
        json!({"keys": [{"kty": "of-the-future", "kid": "new"}, rsa, ec]})
    }

    /// A token with these claims instead of the usual ones; null leaves a claim out.
    pub fn token(&self, algorithm: Algorithm, changes: Value) -> String {
        let now = get_current_timestamp();
        let mut claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "dev1@example.com", "jti": uuid::Uuid::new_v4().to_string(),
            "iat": now, "nbf": now, "exp": now + 300, "scp": ["session:role-any"],
        });
        let all = claims.as_object_mut().expect("an object");
        for (name, value) in changes.as_object().expect("an object") {
            all.insert(name.clone(), value.clone());
        }
        all.retain(|_, value| !value.is_null());
        let (kid, key) = match algorithm {
            Algorithm::ES256 => ("ec-1", &self.ec),
            _ => ("rsa-1", &self.rsa),
        };
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) };
        encode(&header, &claims, key).expect("a token")
    }
}
