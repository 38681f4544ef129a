//! An Okta org: the management API as far as extoauth uses it, and the OAuth endpoints of the org and of its custom
//! authorization servers, with real signed tokens.
//!
//! It behaves as recorded traffic and Okta's API reference (2026.06.3) say, the recordings first where the two differ.
//! Texts and behaviours without a source are marked UNCONFIRMED where they are made.

mod access;
mod apps;
mod assertion;
mod assignments;
mod client_json;
mod client_rules;
mod clients;
mod context;
mod data;
mod dpop;
mod error;
mod filter;
mod grants;
mod groups;
mod ids;
mod keys;
mod limits;
mod log;
mod oauth;
mod options;
mod policies;
mod rules;
mod secrets;
mod seed;
mod server_parts;
mod servers;
mod show;
mod state;
mod tokens;
mod users;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::Value;

pub use options::{KeyKind, OrgOptions, RateLimits};

use crate::seed as names;
use crate::world::{CallView, Classified, PutBack, System, World};
use data::Data;
use error::Problem;
use keys::{Key, LazyKey};
use limits::{Limits, Standing};

/// One org. Share it in an [`Arc`]; every method takes `&self`.
pub struct Org {
    world: Arc<World>,
    options: Mutex<OrgOptions>,
    options_at_start: OrgOptions,
    data: Mutex<Data>,
    data_at_start: Data,
    replay: Mutex<HashSet<(&'static str, String)>>,
    nonces: Mutex<HashMap<String, Instant>>,
    limits: Mutex<Limits>,
    policy_writes: Mutex<HashMap<String, Instant>>,
    /// Signs the org's own access and ID tokens; its id is every app's `credentials.signing.kid`.
    org_key: LazyKey,
    service: Service,
    admin_token: String,
}

/// The seeded service app: what extoauth signs in with.
struct Service {
    app: String,
    kid: String,
    key: Arc<Key>,
}

impl Org {
    /// The org of the sandbox, as it is at start.
    pub fn new(world: &Arc<World>) -> Arc<Self> {
        Self::with(world, OrgOptions::default())
    }

    /// The same org with other settings.
    pub fn with(world: &Arc<World>, options: OrgOptions) -> Arc<Self> {
        keys::prepare();
        let org_key = LazyKey::new();
        let seeded = seed::org(&options, &org_key.kid, world.clock.now());
        Arc::new(Self {
            world: Arc::clone(world),
            options: Mutex::new(options.clone()),
            options_at_start: options,
            data: Mutex::new(seeded.data.clone()),
            data_at_start: seeded.data,
            replay: Mutex::default(),
            nonces: Mutex::default(),
            limits: Mutex::default(),
            policy_writes: Mutex::default(),
            org_key,
            service: seeded.service,
            admin_token: seeded.admin_token,
        })
    }

    /// `(client_id, kid, private_key_pem)` of the service app: the `private_key_jwt` credential of extoauth.
    pub fn service_app(&self) -> (String, String, String) {
        (self.service.app.clone(), self.service.kid.clone(), self.service.key.pem.clone())
    }

    /// An SSWS token of a super administrator.
    pub fn admin_token(&self) -> &str {
        &self.admin_token
    }

    /// Changes settings of the running org; `reset` puts back those it was made with.
    pub fn configure(&self, change: impl FnOnce(&mut OrgOptions)) {
        change(&mut lock(&self.options));
    }

    /// Whether token requests of the service app need a DPoP proof, from now on.
    pub fn require_dpop(&self, required: bool) {
        if let Some(app) = self.data().apps.get_mut(&self.service.app) {
            app.shown["settings"]["oauthClient"]["dpop_bound_access_tokens"] = Value::Bool(required);
        }
    }

    fn data(&self) -> MutexGuard<'_, Data> {
        lock(&self.data)
    }

    fn options(&self) -> OrgOptions {
        lock(&self.options).clone()
    }

    /// Now, by the vendor's calendar.
    fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    /// `https://` and the org's own host.
    fn base(&self) -> String {
        format!("https://{}", names::OKTA_HOST)
    }

    /// The URLs by which a request may have meant this path: the org's, the custom domain's, and that of the loopback
    /// door it came through.
    fn urls(&self, headers: &HeaderMap, path: &str) -> Vec<String> {
        let mut urls = vec![format!("{}{path}", self.base())];
        urls.extend(self.options().custom_domain.map(|domain| format!("https://{domain}{path}")));
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        if ["127.0.0.1", "localhost", "[::1]"]
            .iter()
            .any(|door| host.strip_prefix(door).is_some_and(|rest| rest.is_empty() || rest.starts_with(':')))
        {
            urls.push(format!("http://{host}{path}"));
        }
        urls
    }

    /// How long what this call creates stays invisible.
    fn lag(&self, cx: &context::Cx) -> Option<Duration> {
        cx.lag.or_else(|| lock(&self.options).lag)
    }

    /// Whether an identifier is used for the first time.
    fn first_use(&self, kind: &'static str, jti: &str) -> bool {
        lock(&self.replay).insert((kind, jti.to_owned()))
    }

    /// A fresh DPoP nonce: in force for a day.
    fn nonce(&self) -> String {
        let nonce = ids::token::<24>();
        lock(&self.nonces).insert(nonce.clone(), Instant::now());
        nonce
    }

    /// Okta still takes a nonce for three days.
    fn knows_nonce(&self, nonce: &str) -> bool {
        lock(&self.nonces).get(nonce).is_some_and(|made| made.elapsed() < Duration::from_secs(3 * 24 * 3600))
    }

    /// The `jti` of an access token that this org's own key has signed and that has not expired.
    fn org_token(&self, token: &str) -> Option<String> {
        let claims = oauth::verify(token, &self.org_key)?;
        claims["jti"].as_str().map(str::to_owned)
    }
}

/// A lock that outlives a panic of another test's thread.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl System for Org {
    fn kind(&self) -> &'static str {
        "okta"
    }

    fn name(&self) -> &str {
        names::OKTA_NAME
    }

    fn router(self: Arc<Self>) -> Router {
        Router::new()
            .merge(apps::routes())
            .merge(assignments::routes())
            .merge(clients::routes())
            .merge(grants::routes())
            .merge(groups::routes())
            .merge(log::routes())
            .merge(oauth::routes())
            .merge(policies::routes())
            .merge(rules::routes())
            .merge(secrets::routes())
            .merge(server_parts::routes())
            .merge(servers::routes())
            .merge(tokens::routes())
            .merge(users::routes())
            .fallback(unknown)
            .method_not_allowed_fallback(|| async { Problem::of_status(405) })
            .layer(middleware::from_fn_with_state(Arc::clone(&self), around))
            .with_state(self)
    }

    fn classify(&self, call: &CallView<'_>) -> Classified {
        let write = access::is_management(call.path) && !matches!(call.method, "GET" | "HEAD" | "OPTIONS");
        Classified { path: call.path.to_owned(), write }
    }

    fn throttled(&self) -> Response {
        let mut response = Problem::rate_limited().into_response();
        Standing::exhausted().write(&mut response);
        response
    }

    fn failed(&self, status: u16) -> Response {
        Problem::of_status(status).into_response()
    }

    fn state(&self) -> Value {
        state::of(self)
    }

    fn reset(&self) {
        *lock(&self.options) = self.options_at_start.clone();
        *self.data() = self.data_at_start.clone();
        lock(&self.replay).clear();
        *lock(&self.limits) = Limits::default();
        lock(&self.policy_writes).clear();
    }

    /// The limits begin anew: whoever goes back has not called.
    fn keep(self: Arc<Self>) -> PutBack {
        let (options, data) = (self.options(), self.data().clone());
        Box::new(move || {
            *lock(&self.options) = options.clone();
            *self.data() = data.clone();
            *lock(&self.limits) = Limits::default();
            lock(&self.policy_writes).clear();
        })
    }
}

/// Parts of Okta's API that exist and are not stood in for answer 501, anything else 404.
async fn unknown(request: Request) -> Problem {
    const LEFT_OUT: [&str; 5] = [
        "/api/v1/eventHooks",
        "/api/v1/policies",
        "/api/v1/principal-rate-limits",
        "/api/v1/rate-limit-settings",
        "/oauth2/v1/clients",
    ];
    let path = request.uri().path();
    let left_out = LEFT_OUT.iter().any(|prefix| path.starts_with(prefix)) || path.contains("/credentials/jwks");
    if left_out { Problem::unsupported() } else { Problem::of_status(404) }
}

/// Around every call: credential, licence, rate limit, and the headers that every answer carries.
async fn around(State(org): State<Arc<Org>>, mut request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let options = org.options();
    let who = access::is_management(&path).then(|| access::check(&org, &method, &path, request.headers()));
    let principal = match &who {
        Some(Ok(who)) => format!("{who:?}"),
        _ => "nobody".to_owned(),
    };
    let standing = lock(&org.limits).count(options.rate_limits, &method, &path, &principal);
    let refused = match who {
        Some(Err(problem)) => Some(problem),
        _ if standing.is_some_and(|standing| standing.exceeded) => Some(Problem::rate_limited()),
        Some(Ok(who)) => {
            request.extensions_mut().insert(who);
            let licensed = options.api_access_management || !path.starts_with("/api/v1/authorizationServers");
            (!licensed).then(Problem::no_feature)
        }
        None => None,
    };
    let mut response = match refused {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    };
    if let Some(standing) = standing {
        standing.write(&mut response);
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&ids::alphanumeric(27)) {
        headers.insert("x-okta-request-id", id);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin"));
    headers.insert("accept-ch", HeaderValue::from_static("Sec-CH-UA-Platform-Version"));
    response
}
