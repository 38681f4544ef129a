//! The exchange in the sandbox's world: the issuer under its host name, users in moto's identity store.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use extoauth_sandbox::aws::{Redshift, SsoAdmin, SsoOidc};
use extoauth_sandbox::seed;
use extoauth_sandbox::world::{System, World, access_key};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::boto3::python_with;
use super::support::{Bench, Documents, ISSUER, Keys};

/// An identity provider that publishes its documents and does nothing else.
struct Issuer(Value);

impl System for Issuer {
    fn kind(&self) -> &'static str {
        "okta"
    }

    fn name(&self) -> &str {
        seed::OKTA_NAME
    }

    fn router(self: Arc<Self>) -> Router {
        let discovery = json!({"issuer": ISSUER, "jwks_uri": format!("{ISSUER}/v1/keys")});
        let keys = self.0.clone();
        Router::new()
            .route("/oauth2/aus1test/.well-known/openid-configuration", get(|| async { Json(discovery) }))
            .route("/oauth2/aus1test/v1/keys", get(|| async { Json(keys) }))
    }

    fn throttled(&self) -> Response {
        self.failed(429)
    }

    fn failed(&self, status: u16) -> Response {
        let mut response = Response::default();
        *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
        response
    }

    fn state(&self) -> Value {
        json!({})
    }

    fn reset(&self) {}
}

/// moto's server, ended with the test.
struct Moto {
    process: Child,
    url: String,
}

impl Drop for Moto {
    fn drop(&mut self) {
        // Both fail only where it has ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Moto {
    async fn start() -> Option<Self> {
        let python = python_with("moto.server")?;
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let mut command = Command::new(python);
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("moto starts");
        let moto = Self { process, url: format!("http://127.0.0.1:{port}") };
        for _ in 0..100 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Some(moto);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("moto does not answer");
    }

    async fn identity_store(&self, operation: &str, mut input: Value) -> Value {
        input["IdentityStoreId"] = json!(seed::IDENTITY_STORE);
        let credential = format!("{}/20260101/{}/identitystore/aws4_request", access_key("admin").0, seed::REGION);
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().expect("a client");
        let request = client
            .post(&self.url)
            .header("x-amz-target", format!("AWSIdentityStore.{operation}"))
            .header("content-type", "application/x-amz-json-1.1")
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"),
            )
            .body(input.to_string());
        let answer = request.send().await.expect("an answer").error_for_status().expect("success");
        answer.json().await.expect("JSON")
    }
}

fn user(name: &str, email: &str) -> Value {
    json!({
        "UserName": name,
        "DisplayName": name,
        "Name": {"GivenName": "Dev", "FamilyName": "Eloper"},
        "Emails": [{"Value": email, "Primary": true}],
    })
}

#[tokio::test]
async fn the_exchange_finds_issuer_and_user_by_itself() {
    let Some(moto) = Moto::start().await else { return };
    let keys = Keys::shared();
    let world = World::new();
    world.set_identity_store_url(Some(moto.url.clone()));
    world.systems.add(Arc::new(Issuer(keys.key_set())), &[seed::OKTA_HOST]);
    let sso = SsoAdmin::new(&world);
    let redshift = Redshift::new(&world, &sso);
    let oidc = SsoOidc::new(&world, &sso);
    let bench = Bench { sso, redshift, oidc, world: Arc::new(Documents::default()), keys };
    let issuer = bench.issuer(ISSUER).await;
    bench.trust(&issuer).await;

    let made = moto.identity_store("CreateUser", user("dev1", "dev1@example.com")).await;
    for n in 0..120 {
        moto.identity_store("CreateUser", user(&format!("other{n}"), &format!("other{n}@example.com"))).await;
    }
    let redeem = async || {
        let input = json!({
            "clientId": seed::IDC_APPLICATION_ARN,
            "grantType": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": bench.keys.token(Algorithm::RS256, json!({})),
        });
        bench.oidc().ok("CreateTokenWithIAM", input).await
    };
    let tokens = redeem().await;
    let id_token = tokens["idToken"].as_str().expect("an ID token");
    let claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(id_token).expect("claims");
    assert_eq!(claims["sub"], made["UserId"]);

    // The same by user name, for a user of a group, in an application that asks for assignments.
    let by_name = moto.identity_store("CreateUser", user("dev1@example.com", "else@example.com")).await;
    let group = moto.identity_store("CreateGroup", json!({"DisplayName": seed::GROUP})).await;
    let membership = json!({"GroupId": group["GroupId"], "MemberId": {"UserId": by_name["UserId"]}});
    moto.identity_store("CreateGroupMembership", membership).await;
    let mapping = json!({"OidcJwtConfiguration": {"IdentityStoreAttributePath": "userName"}});
    let update = json!({"TrustedTokenIssuerArn": issuer, "TrustedTokenIssuerConfiguration": mapping});
    bench.sso().ok("UpdateTrustedTokenIssuer", update).await;
    let required = json!({"ApplicationArn": seed::IDC_APPLICATION_ARN, "AssignmentRequired": true});
    bench.sso().ok("PutApplicationAssignmentConfiguration", required).await;
    let assignment = json!({
        "ApplicationArn": seed::IDC_APPLICATION_ARN, "PrincipalId": group["GroupId"], "PrincipalType": "GROUP",
    });
    bench.sso().ok("CreateApplicationAssignment", assignment).await;
    redeem().await;
}
