//! A warehouse with an issuer of the test's own.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use axum::body::Body;
use extoauth_sandbox::aws::{Lookups, Redshift, SsoAdmin, SsoOidc};
use extoauth_sandbox::redshift_wire::{People, Person, RedshiftWire};
use extoauth_sandbox::seed;
use extoauth_sandbox::world::{Authority, Listener, System, SystemExt as _, World};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::Request;
use http_body_util::BodyExt as _;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::client::{self, Answer, Proof};

/// URL of the test's issuer.
pub const ISSUER: &str = "https://acme.okta.com/oauth2/aus1test";
/// The audience that is authorised.
pub const AUDIENCE: &str = "https://wg.123456789012.us-east-1.redshift-serverless.amazonaws.com";
/// A user of the identity store who is in no group.
pub const OUTSIDER: &str = "outsider@example.com";

/// The warehouse, and what it believes.
pub struct House {
    pub world: Arc<World>,
    pub wire: Arc<RedshiftWire>,
    sso: Arc<SsoAdmin>,
    redshift: Arc<Redshift>,
    oidc: Arc<SsoOidc>,
    store: Arc<Store>,
    key: Arc<Key>,
    authority: Authority,
    listener: Listener,
}

impl House {
    /// A warehouse whose application trusts the test's issuer.
    pub async fn new() -> Self {
        let world = World::new();
        let authority = Authority::new().expect("an authority");
        let sso = SsoAdmin::new(&world);
        let redshift = Redshift::new(&world, &sso);
        let key = Key::shared();
        let store = Arc::new(Store { keys: key.set(), groups: Mutex::default() });
        store.join("dev1@example.com", &[seed::GROUP]);
        let oidc = SsoOidc::with_lookups(&sso, Arc::clone(&store) as Arc<dyn Lookups>);
        let people = Arc::clone(&store) as Arc<dyn People>;
        let wire = RedshiftWire::new(&world, &authority, &oidc, people).expect("a warehouse");
        for system in [sso.shared(), redshift.shared(), oidc.shared(), wire.shared()] {
            world.systems.add(system, &[]);
        }
        let listener = wire.listen().await.expect("a port");
        let house = Self { world, wire, sso, redshift, oidc, store, key, authority, listener };
        house.trust().await;
        house
    }

    /// Makes the test's issuer, and lets the application trust it.
    pub async fn trust(&self) {
        let issuer = json!({
            "InstanceArn": seed::INSTANCE_ARN, "Name": "okta-acme", "TrustedTokenIssuerType": "OIDC_JWT",
            "TrustedTokenIssuerConfiguration": {"OidcJwtConfiguration": {
                "IssuerUrl": ISSUER, "ClaimAttributePath": "sub", "IdentityStoreAttributePath": "emails.value",
                "JwksRetrievalOption": "OPEN_ID_DISCOVERY",
            }},
        });
        let request = Request::post("/")
            .header("x-amz-target", "SWBExternalService.CreateTrustedTokenIssuer")
            .body(Body::from(issuer.to_string()));
        let made = call(Arc::clone(&self.sso) as Arc<dyn System>, request.expect("a request")).await;
        let made: Value = serde_json::from_slice(&made).expect("JSON");
        let entry = "AuthorizedTokenIssuerList.member.1";
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", "ModifyRedshiftIdcApplication")
            .append_pair("RedshiftIdcApplicationArn", seed::REDSHIFT_APPLICATION_ARN)
            .append_pair(
                &format!("{entry}.TrustedTokenIssuerArn"),
                made["TrustedTokenIssuerArn"].as_str().expect("an ARN"),
            )
            .append_pair(&format!("{entry}.AuthorizedAudiencesList.member.1"), AUDIENCE)
            .finish();
        let request = Request::post("/").body(Body::from(form)).expect("a request");
        call(Arc::clone(&self.redshift) as Arc<dyn System>, request).await;
    }

    /// A token of the test's issuer with these claims instead of the usual ones; null leaves a claim out.
    pub fn token(&self, changes: Value) -> String {
        self.key.token(changes)
    }

    /// Somebody else's key under the same id.
    pub fn stranger(&self) -> Key {
        Key::new()
    }

    /// Why Identity Center refused last.
    pub fn reason(&self) -> String {
        self.oidc.last_refusals().pop().map(|refusal| refusal.reason).unwrap_or_default()
    }

    /// Puts a user into these groups and no others.
    pub fn join(&self, user: &str, groups: &[&str]) {
        self.store.join(user, groups);
    }

    /// The start-up message of redshift_connector with IdpTokenAuthPlugin.
    pub fn startup(&self) -> Vec<(&'static str, &'static str)> {
        vec![
            ("user", ""),
            ("database", "dev"),
            ("client_protocol_version", "2"),
            ("plugin_name", "redshift_connector.plugin.IdpTokenAuthPlugin"),
            ("idp_type", "AwsIdc"),
            ("token_type", "EXT_JWT"),
        ]
    }

    /// Logs in with a token.
    pub async fn log_in(&self, token: &str) -> Answer {
        self.start(&self.startup(), &Proof::Token(token.to_owned())).await
    }

    /// Logs in with this start-up message.
    pub async fn start(&self, startup: &[(&str, &str)], proof: &Proof) -> Answer {
        client::log_in(self.listener.address(), Some(self.authority.pem()), startup, proof).await
    }

    /// The same without asking for TLS.
    pub async fn without_tls(&self, startup: &[(&str, &str)]) -> Answer {
        client::log_in(self.listener.address(), None, startup, &Proof::None).await
    }

    /// Sends bytes and waits for the end of the connection.
    pub async fn noise(&self, bytes: &[u8]) {
        client::noise(self.listener.address(), bytes).await;
    }
}

async fn call(system: Arc<dyn System>, request: Request<Body>) -> Vec<u8> {
    let answer = match system.router().oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    };
    let status = answer.status();
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    body.to_vec()
}

/// The issuer's documents and the people of the identity store.
struct Store {
    keys: Value,
    groups: Mutex<HashMap<String, Vec<String>>>,
}

impl Store {
    fn join(&self, user: &str, groups: &[&str]) {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        self.groups.lock().expect("not poisoned").insert(user.to_owned(), groups);
    }
}

impl Lookups for Store {
    fn get_json<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Value, String>> {
        let keys = format!("{ISSUER}/v1/keys");
        let answer = if url == keys {
            Ok(self.keys.clone())
        } else if url == format!("{ISSUER}/.well-known/openid-configuration") {
            Ok(json!({"issuer": ISSUER, "jwks_uri": keys}))
        } else {
            Err(format!("nothing at {url}"))
        };
        async move { answer }.boxed()
    }

    /// The id of a user is the address.
    fn users_by<'a>(&'a self, _path: &'a str, value: &'a str) -> BoxFuture<'a, Result<Vec<String>, String>> {
        let users = match value {
            "dev1@example.com" | OUTSIDER => vec![value.to_owned()],
            "twins@example.com" => vec!["castor".to_owned(), "pollux".to_owned()],
            _ => Vec::new(),
        };
        async move { Ok(users) }.boxed()
    }

    fn groups_of<'a>(&'a self, _user_id: &'a str) -> BoxFuture<'a, Result<Vec<String>, String>> {
        async move { Ok(Vec::new()) }.boxed()
    }
}

impl People for Store {
    fn person<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<Person, String>> {
        let groups = self.groups.lock().expect("not poisoned").get(user_id).cloned().unwrap_or_default();
        async move { Ok(Person { name: user_id.to_owned(), groups }) }.boxed()
    }
}

/// A signing key.
pub struct Key {
    key: EncodingKey,
}

impl Key {
    fn shared() -> Arc<Self> {
        static SHARED: LazyLock<Arc<Key>> = LazyLock::new(|| Arc::new(Key::new()));
        Arc::clone(&SHARED)
    }

    fn new() -> Self {
        let pem = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key").serialize_pem();
        Self { key: EncodingKey::from_ec_pem(pem.as_bytes()).expect("a key") }
    }

    fn set(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, Algorithm::ES256).expect("a key");
        jwk.common.key_id = Some("k1".to_owned());
        json!({"keys": [jwk]})
    }

    /// A token with these claims instead of the usual ones.
    pub fn token(&self, changes: Value) -> String {
        let now = get_current_timestamp();
        let mut claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "dev1@example.com", "jti": uuid::Uuid::new_v4().to_string(),
            "iat": now, "exp": now + 300,
        });
        let all = claims.as_object_mut().expect("an object");
        for (name, value) in changes.as_object().expect("an object") {
            all.insert(name.clone(), value.clone());
        }
        all.retain(|_, value| !value.is_null());
        let header = Header { kid: Some("k1".to_owned()), ..Header::new(Algorithm::ES256) };
        encode(&header, &claims, &self.key).expect("a token")
    }
}
