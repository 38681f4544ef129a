//! What every stand-in shares.

mod aws;
mod ca;
mod calls;
mod clock;
mod faults;
mod gate;
mod keys;
mod listen;
mod proxy;
mod registry;
mod system;

pub use aws::{AwsDoor, unsigned};
pub use ca::Authority;
pub use calls::{Call, Calls};
pub use clock::Clock;
pub use faults::{Effects, Fault, FaultSpec, Faults};
pub use gate::{Dropped, Gate};
pub use keys::{AccessKeys, Credential, access_key};
pub use listen::{Listener, admin_door};
pub use proxy::connect_proxy;
pub use registry::Registry;
pub use system::{CallView, Caller, Classified, KINDS, Lag, PutBack, System, SystemExt};

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use axum::body::Body;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use url::Url;

use crate::iam::Iam;

/// What ends a calling function at once, without giving it a chance to clean up: its process, or, in a test that runs
/// the product in its own process, the future. The function is gone when the returned future ends; only then does its
/// connection close.
pub type Killer = Arc<dyn Fn(&str) -> BoxFuture<'static, ()> + Send + Sync>;

/// The shared part of one running sandbox. Cheap to clone behind its `Arc`; a stand-in keeps one.
pub struct World {
    /// The vendors' calendar (moved by `POST /clock`).
    pub clock: Clock,
    /// Every call that reached a system.
    pub calls: Calls,
    /// Faults that wait for their call.
    pub faults: Faults,
    /// The functions' roles and what they used of them.
    pub iam: Iam,
    /// The AWS access keys that exist.
    pub keys: AccessKeys,
    /// The systems and their host names.
    pub systems: Registry,
    started: Instant,
    latency_ms: AtomicU64,
    killer: RwLock<Option<Killer>>,
    identity_store: RwLock<Option<String>>,
}

impl World {
    /// A world at the present time with no system and nothing recorded.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            clock: Clock::default(),
            calls: Calls::default(),
            faults: Faults::default(),
            iam: Iam::default(),
            keys: AccessKeys::default(),
            systems: Registry::default(),
            started: Instant::now(),
            latency_ms: AtomicU64::new(0),
            killer: RwLock::new(None),
            identity_store: RwLock::new(None),
        })
    }

    /// Milliseconds since this world began.
    pub fn elapsed_ms(&self) -> f64 {
        self.started.elapsed().as_secs_f64() * 1000.0
    }

    /// Adds this much to every remote call but the state store's.
    pub fn set_latency(&self, latency: Duration) {
        self.latency_ms.store(u64::try_from(latency.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// What is added to a call to a system of this kind.
    pub fn latency_of(&self, kind: &str) -> Duration {
        match kind {
            "dynamodb" => Duration::ZERO,
            _ => Duration::from_millis(self.latency_ms.load(Ordering::Relaxed)),
        }
    }

    /// Installs what the faults `kill_before` and `kill_after` do to the calling function.
    pub fn set_killer(&self, killer: Killer) {
        *self.killer.write().unwrap_or_else(PoisonError::into_inner) = Some(killer);
    }

    /// Ends this function, if anything is installed that can.
    pub async fn kill(&self, caller: &str) {
        let killer = self.killer.read().unwrap_or_else(PoisonError::into_inner).clone();
        match killer {
            Some(killer) => killer(caller).await,
            None => tracing::warn!(caller, "nobody can kill this caller: its connection is dropped, no more"),
        }
    }

    /// Where the stand-ins themselves look up users and groups of the identity store: the Identity Store API without
    /// signature check, permissions, faults and record. `None` where the sandbox runs without moto.
    pub fn identity_store_url(&self) -> Option<String> {
        self.identity_store.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says where the identity store is.
    pub fn set_identity_store_url(&self, url: Option<String>) {
        *self.identity_store.write().unwrap_or_else(PoisonError::into_inner) = url;
    }

    /// `GET` of a URL under its real host name by one of the stand-ins themselves (IAM Identity Center fetches an
    /// issuer's discovery document and keys this way). It is not recorded and no fault touches it. Redirects are not
    /// followed.
    ///
    /// # Errors
    /// The URL makes no sense, is not https, or no system of this sandbox has that host.
    pub async fn fetch(&self, url: &str) -> anyhow::Result<Response<Bytes>> {
        let parsed = Url::parse(url).with_context(|| format!("{url:?} is not a URL"))?;
        let host = parsed.host_str().with_context(|| format!("{url:?} has no host"))?;
        anyhow::ensure!(parsed.scheme() == "https", "{url:?} is not https");
        anyhow::ensure!(parsed.port_or_known_default() == Some(443), "{host}: only port 443 answers");
        let gate = self.systems.by_host(host).with_context(|| format!("{host} does not resolve"))?;
        let path = &parsed[url::Position::BeforePath..url::Position::AfterQuery];
        let request = Request::get(path)
            .header(http::header::HOST, host)
            .header(http::header::ACCEPT, "application/json")
            .extension(Caller("admin".to_owned()))
            .body(Body::empty())?;
        let (parts, body) = match gate.router().oneshot(request).await {
            Ok(answer) => answer.into_parts(),
            Err(never) => match never {},
        };
        let body = body.collect().await.map_err(|error| anyhow::anyhow!("{host}: {error}"))?.to_bytes();
        Ok(Response::from_parts(parts, body))
    }

    /// Keeps every system's objects and the calendar as they are now: what is returned goes back to them, without faults
    /// and with an empty record of calls. What moto holds is not in here.
    pub fn keep(self: &Arc<Self>) -> PutBack {
        let world = Arc::clone(self);
        let (systems, ahead) = (self.systems.keep(), self.clock.ahead());
        Box::new(move || {
            world.faults.clear();
            world.clock.reset();
            world.clock.advance(ahead);
            systems.iter().for_each(|put_back| put_back());
            world.calls.reset();
        })
    }

    /// Calendar, faults, latency, record and every system as at start. What moto holds is not in here.
    pub fn reset(&self) {
        self.faults.clear();
        self.set_latency(Duration::ZERO);
        self.clock.reset();
        self.systems.reset();
        self.iam.forget_used();
        self.calls.reset();
    }
}
