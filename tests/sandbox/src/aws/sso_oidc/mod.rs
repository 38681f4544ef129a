//! `CreateTokenWithIAM` (`sso-oidc`): the exchange in which Identity Center decides whether a token lets its user in.
//!
//! REST JSON at `POST /token?aws_iam=t`. Callers learn the kind of an error and nothing more, as from AWS;
//! [`SsoOidc::last_refusals`] keeps the reasons for tests and the demo. Which error AWS gives for which failed check is
//! UNCONFIRMED beyond the names in the API reference.

mod exchange;
mod identity_store;
mod lookups;
mod token;
mod world_lookups;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderValue, Uri};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::sso_admin::SsoAdmin;
use super::sso_admin::shapes::JWT_BEARER;
use super::wire::{answer, request_id};
use crate::seed;
use crate::world::{CallView, Classified, System, World};
use exchange::{Admitted, OAuthError};
pub use identity_store::IdentityStore;
pub use lookups::{Lookups, attribute_values};
use world_lookups::WorldLookups;

/// How long a used token is remembered.
const REPLAY_CACHE: SignedDuration = SignedDuration::from_hours(24);
/// Life of the tokens that an exchange gives.
const LIFETIME: SignedDuration = SignedDuration::from_hours(1);
/// Refusals that are kept.
const KEPT_REFUSALS: usize = 200;

/// The stand-in of `sso-oidc`.
pub struct SsoOidc {
    sso: Arc<SsoAdmin>,
    lookups: Arc<dyn Lookups>,
    signing_key: EncodingKey,
    memory: Mutex<Memory>,
}

/// A refused exchange, with the reason that the caller was not told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// When.
    pub at: Timestamp,
    /// The application that was named, if any.
    pub client_id: Option<String>,
    /// What the caller was told (`invalid_grant`, …).
    pub error: String,
    /// Why.
    pub reason: String,
}

#[derive(Default)]
struct Memory {
    used: HashMap<String, Timestamp>,
    refusals: VecDeque<Refusal>,
}

impl SsoOidc {
    /// An exchange that takes issuers and grants from `sso`, the issuers' documents and the identity store from `world`.
    pub fn new(world: &Arc<World>, sso: &Arc<SsoAdmin>) -> Arc<Self> {
        Self::with_lookups(sso, Arc::new(WorldLookups::new(world)))
    }

    /// The same with documents and users from elsewhere.
    pub fn with_lookups(sso: &Arc<SsoAdmin>, lookups: Arc<dyn Lookups>) -> Arc<Self> {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("the system has randomness");
        let key = key.to_pkcs8v1().expect("a key that was just made can be written");
        Arc::new(Self {
            sso: Arc::clone(sso),
            lookups,
            signing_key: EncodingKey::from_ec_der(key.as_ref()),
            memory: Mutex::default(),
        })
    }

    /// The refused exchanges, the oldest first.
    pub fn last_refusals(&self) -> Vec<Refusal> {
        self.lock().refusals.iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().expect("no code panics while it holds this lock")
    }

    /// Marks a token as used; false if it was.
    fn use_up(&self, identity: String) -> bool {
        self.lock().use_up(identity, Timestamp::now())
    }

    async fn create_token(&self, uri: &Uri, body: &[u8]) -> Response {
        let query = uri.query().unwrap_or_default();
        let with_iam =
            url::form_urlencoded::parse(query.as_bytes()).any(|(name, value)| name == "aws_iam" && value == "t");
        let parsed = serde_json::from_slice::<Map<String, Value>>(body).unwrap_or_default();
        let result = if with_iam {
            self.exchange(&parsed).await
        } else {
            // Without the parameter it is CreateToken, for the tokens of devices: nobody here has one.
            Err(OAuthError::InvalidClient.because("not a CreateTokenWithIAM request"))
        };
        match result {
            Ok(admitted) => answer(200, "application/json", &request_id(), self.tokens(&admitted).to_string()),
            Err(refused) => {
                let refusal = Refusal {
                    at: Timestamp::now(),
                    client_id: parsed.get("clientId").and_then(Value::as_str).map(str::to_owned),
                    error: refused.error.on_the_wire().1.to_owned(),
                    reason: refused.reason,
                };
                tracing::info!(error = refusal.error, reason = refusal.reason, "CreateTokenWithIAM refused");
                let mut memory = self.lock();
                memory.refusals.push_back(refusal);
                if memory.refusals.len() > KEPT_REFUSALS {
                    memory.refusals.pop_front();
                }
                drop(memory);
                oauth_error(refused.error)
            }
        }
    }

    /// The answer to an exchange that succeeded. The identity token is signed, though nobody publishes the key: what a
    /// caller may read from it is `sub`, the user's id.
    fn tokens(&self, admitted: &Admitted) -> Value {
        let now = Timestamp::now();
        let identity_context = opaque(96);
        let claims = json!({
            "iss": format!("https://identitycenter.amazonaws.com/{}", seed::INSTANCE_ARN.rsplit('/').next().unwrap_or_default()),
            "aud": admitted.client_id,
            "sub": admitted.user_id,
            "iat": now.as_second(),
            "exp": (now + LIFETIME).as_second(),
            "aws:identity_store_id": seed::IDENTITY_STORE,
            "aws:instance_account": seed::ACCOUNT,
            "sts:identity_context": identity_context,
        });
        let id_token =
            encode(&Header::new(Algorithm::ES256), &claims, &self.signing_key).expect("an EC key signs any claims");
        let mut tokens = json!({
            "accessToken": opaque(64),
            "tokenType": "Bearer",
            "expiresIn": LIFETIME.as_secs(),
            "idToken": id_token,
            "issuedTokenType": "urn:ietf:params:oauth:token-type:access_token",
            "scope": ["openid", "aws", "sts:identity_context"],
            "awsAdditionalDetails": {"identityContext": identity_context},
        });
        if admitted.refresh_token {
            tokens["refreshToken"] = json!(opaque(64));
        }
        tokens
    }
}

impl Memory {
    fn use_up(&mut self, identity: String, now: Timestamp) -> bool {
        self.used.retain(|_, used| now.duration_since(*used) < REPLAY_CACHE);
        if self.used.contains_key(&identity) {
            return false;
        }
        self.used.insert(identity, now);
        true
    }
}

/// A text that means nothing to its holder.
fn opaque(bytes: usize) -> String {
    let random: Vec<u8> = std::iter::repeat_with(Uuid::new_v4).flat_map(Uuid::into_bytes).take(bytes).collect();
    URL_SAFE_NO_PAD.encode(random)
}

fn oauth_error(error: OAuthError) -> Response {
    let (status, error, exception, description) = error.on_the_wire();
    error_answer(status, error, exception, description)
}

fn error_answer(status: u16, error: &str, exception: &'static str, description: &str) -> Response {
    let body = json!({"error": error, "error_description": description});
    let mut response = answer(status, "application/json", &request_id(), body.to_string());
    response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(exception));
    response
}

async fn handle(State(oidc): State<Arc<SsoOidc>>, uri: Uri, body: Bytes) -> Response {
    oidc.create_token(&uri, &body).await
}

impl System for SsoOidc {
    fn kind(&self) -> &'static str {
        "sso-oidc"
    }

    fn name(&self) -> &str {
        seed::REDSHIFT_NAME
    }

    fn router(self: Arc<Self>) -> Router {
        Router::new().route("/token", post(handle)).with_state(self)
    }

    fn classify(&self, call: &CallView<'_>) -> Classified {
        let path = if call.path == "/token" { "CreateTokenWithIAM" } else { call.path };
        Classified { path: path.to_owned(), write: false }
    }

    fn throttled(&self) -> Response {
        error_answer(400, "slow_down", "SlowDownException", "Slow down")
    }

    fn failed(&self, status: u16) -> Response {
        match status {
            401 => oauth_error(OAuthError::InvalidClient),
            403 => oauth_error(OAuthError::AccessDenied),
            429 => self.throttled(),
            400..=499 => error_answer(status, "invalid_request", "InvalidRequestException", "Invalid request"),
            _ => error_answer(status, "server_error", "InternalServerException", "Internal server error"),
        }
    }

    /// Nothing: this API lists no objects.
    fn state(&self) -> Value {
        json!({})
    }

    fn reset(&self) {
        *self.lock() = Memory::default();
    }
}

#[cfg(test)]
mod tests {
    use super::{Memory, REPLAY_CACHE};
    use jiff::Timestamp;

    #[test]
    fn a_used_token_is_forgotten_after_a_day() {
        let mut memory = Memory::default();
        let now = Timestamp::now();
        assert!(memory.use_up("a".to_owned(), now));
        assert!(!memory.use_up("a".to_owned(), now + REPLAY_CACHE / 2));
        assert!(memory.use_up("a".to_owned(), now + REPLAY_CACHE));
    }
}
