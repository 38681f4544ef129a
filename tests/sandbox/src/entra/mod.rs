//! A Microsoft Entra tenant: Microsoft Graph v1.0 as far as extoauth uses it, and the sign-in endpoints, with real signed
//! tokens.
//!
//! It behaves as Microsoft's reference, the public schema of Graph (CSDL) and recorded traffic say, the recordings first
//! where they differ. Texts and behaviours without a source are marked UNCONFIRMED where they are made.

mod access;
mod application_json;
mod application_rules;
mod applications;
mod around;
mod audits;
mod context;
mod data;
mod deleted;
mod delta;
mod error;
mod federated;
mod filter;
mod grants;
mod ids;
mod keys;
mod lists;
mod login;
mod lookups;
mod management_policies;
mod options;
mod owners;
mod passwords;
mod people;
mod permissions;
mod policies;
mod principal_json;
mod principals;
mod role_assignments;
mod seed;
mod show;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Uri, header};
use axum::middleware;
use axum::response::Response;
use jiff::Timestamp;
use serde_json::Value;
use tower::ServiceExt as _;

pub use options::TenantOptions;

use crate::seed as names;
use crate::world::{CallView, Classified, PutBack, System, World};
use data::Data;
use error::Problem;
use keys::{Certified, SigningKey};

/// One tenant. Share it in an [`Arc`]; every method takes `&self`.
pub struct Tenant {
    world: Arc<World>,
    options: Mutex<TenantOptions>,
    options_at_start: TenantOptions,
    data: Mutex<Data>,
    data_at_start: Data,
    automation: Automation,
    admin_token: String,
    /// Signs every token of the tenant.
    key: Arc<SigningKey>,
}

/// What extoauth signs in with.
struct Automation {
    client_id: String,
    secret: String,
    certified: Arc<Certified>,
}

impl Tenant {
    /// The tenant of the sandbox, as it is at start.
    pub fn new(world: &Arc<World>) -> Arc<Self> {
        Self::with(world, TenantOptions::default())
    }

    /// The same tenant with other settings.
    pub fn with(world: &Arc<World>, options: TenantOptions) -> Arc<Self> {
        let seeded = seed::tenant(world.clock.now());
        Arc::new(Self {
            world: Arc::clone(world),
            options: Mutex::new(options.clone()),
            options_at_start: options,
            data: Mutex::new(seeded.data.clone()),
            data_at_start: seeded.data,
            automation: seeded.automation,
            admin_token: format!("sandbox-administrator-{}", ids::guid()),
            key: SigningKey::shared(),
        })
    }

    /// Client id of extoauth's registration: with it alone it signs in by AWS web identity
    /// (`{"auth":"aws_web_identity","client_id"}`).
    pub fn automation_client_id(&self) -> &str {
        &self.automation.client_id
    }

    /// `(certificate_pem, private_key_pem)` of the same registration.
    pub fn automation_certificate(&self) -> (String, String) {
        (self.automation.certified.certificate_pem.clone(), self.automation.certified.key_pem.clone())
    }

    /// A client secret of the same registration.
    pub fn automation_secret(&self) -> &str {
        &self.automation.secret
    }

    /// A bearer token for Graph that may do everything.
    pub fn admin_token(&self) -> &str {
        &self.admin_token
    }

    /// Changes settings of the running tenant; `reset` puts back those it was made with.
    pub fn configure(&self, change: impl FnOnce(&mut TenantOptions)) {
        change(&mut lock(&self.options));
    }

    fn data(&self) -> MutexGuard<'_, Data> {
        lock(&self.data)
    }

    fn options(&self) -> TenantOptions {
        lock(&self.options).clone()
    }

    /// Now, by the vendor's calendar.
    fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    /// The claims of a token that this tenant has signed and that has not expired.
    fn verify(&self, token: &str) -> Option<Value> {
        self.key.verify(token)
    }

    /// Whether a call is for the sign-in endpoints.
    fn is_login(host: &str, path: &str) -> bool {
        let host = host.split(':').next().unwrap_or_default();
        match host.to_ascii_lowercase().as_str() {
            names::GRAPH_HOST => false,
            names::LOGIN_HOST | names::STS_WINDOWS_HOST => true,
            // A loopback door leads to Graph, and to sign-in for what cannot be Graph.
            _ => !is_graph(path),
        }
    }
}

/// Whether a path is one of Graph's.
fn is_graph(path: &str) -> bool {
    matches!(path.split('/').nth(1), Some("v1.0" | "beta"))
}

/// A lock that outlives a panic of another test's thread.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl System for Tenant {
    fn kind(&self) -> &'static str {
        "entra"
    }

    fn name(&self) -> &str {
        names::ENTRA_NAME
    }

    fn router(self: Arc<Self>) -> Router {
        let graph = Router::new()
            .merge(applications::routes())
            .merge(audits::routes())
            .merge(deleted::routes())
            .merge(delta::routes())
            .merge(federated::routes())
            .merge(grants::routes())
            .merge(owners::routes())
            .merge(passwords::routes())
            .merge(people::routes())
            .merge(policies::routes())
            .merge(principals::routes())
            .merge(role_assignments::routes())
            .fallback(around::unknown)
            .method_not_allowed_fallback(|| async { Problem::of_status(405) })
            .layer(middleware::from_fn_with_state(Arc::clone(&self), around::around))
            .with_state(Arc::clone(&self));
        let sign_in = login::routes().with_state(Arc::clone(&self));
        Router::new().fallback(enter).with_state(Entrance { graph, sign_in })
    }

    fn classify(&self, call: &CallView<'_>) -> Classified {
        let host = call.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let read = Self::is_login(host, call.path) || matches!(call.method, "GET" | "HEAD" | "OPTIONS");
        Classified { path: call.path.to_owned(), write: !read }
    }

    fn throttled(&self) -> Response {
        let seconds = self.options().retry_after;
        let mut problem = Problem::throttled()
            .with(
                "x-ms-throttle-scope",
                format!("Tenant_Application/ReadWrite/{}/{}", self.automation.client_id, names::ENTRA_TENANT),
            )
            .with("x-ms-throttle-information", "WriteLimitExceeded");
        if let Some(seconds) = seconds {
            problem = problem.with("retry-after", seconds.to_string());
        }
        around::finished(problem, self.now())
    }

    fn failed(&self, status: u16) -> Response {
        around::finished(Problem::of_status(status), self.now())
    }

    fn state(&self) -> Value {
        state::of(self)
    }

    fn reset(&self) {
        *lock(&self.options) = self.options_at_start.clone();
        *self.data() = self.data_at_start.clone();
    }

    fn keep(self: Arc<Self>) -> PutBack {
        let (options, data) = (lock(&self.options).clone(), self.data().clone());
        Box::new(move || {
            *lock(&self.options) = options.clone();
            *self.data() = data.clone();
        })
    }
}

/// The two APIs behind the tenant's host names.
#[derive(Clone)]
struct Entrance {
    graph: Router,
    sign_in: Router,
}

/// Leads a call to the API that it is for. An alternate key (`/applications(appId='…')`) becomes a path segment of its own,
/// as the routes have it.
async fn enter(State(entrance): State<Entrance>, mut request: Request) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let path = request.uri().path();
    let router = if Tenant::is_login(host, path) {
        entrance.sign_in
    } else {
        let keyed = ["(appId=", "(uniqueName="].iter().find_map(|key| path.find(key));
        if let Some((head, tail)) = keyed.map(|at| path.split_at(at)) {
            let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
            if let Ok(uri) = format!("{head}/{tail}{query}").parse::<Uri>() {
                *request.uri_mut() = uri;
            }
        }
        entrance.graph
    };
    match router.oneshot(request.map(Body::new)).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}
