//! A sandbox with the product's state in memory.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_http_client::Builder;
use extoauth_automation::clients::Clients;
use extoauth_core::clock::Clock;
use extoauth_core::engine::memory::Memory;
use extoauth_core::engine::{Book, JournalEntry, Ledger as _, Timing};
use extoauth_core::ids::{IntegrationName, Subject};
use extoauth_core::policy::Policy;
use extoauth_core::systems::SystemsConfig;
use extoauth_sandbox::moto;
use extoauth_sandbox::sandbox::{Options, Sandbox};
use extoauth_sandbox::seed;
use extoauth_sandbox::world::{Call, FaultSpec, access_key};
use extoauth_scenarios::Client;
use extoauth_systems::aws::SharedDeadline;
use extoauth_systems::http::{Deadline, Sender};
use futures::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::{Notify, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::provider::PROVIDERS;

/// The function that the tests are.
pub const FUNCTION: &str = "provision";
/// Time of an invocation: a vendor that asks for more makes the run pause.
const INVOCATION: Duration = Duration::from_secs(25);
/// What a crash leaves in flight has reached its server after this time.
const SETTLES: Duration = Duration::from_millis(40);

/// Runs that measure time want to be alone.
static TURN: RwLock<()> = RwLock::const_new(());

/// A place beside other tests.
pub async fn beside_others() -> RwLockReadGuard<'static, ()> {
    TURN.read().await
}

/// The same for a test without a runtime of its own.
pub fn beside_others_blocking() -> RwLockReadGuard<'static, ()> {
    TURN.blocking_read()
}

/// The machine alone.
pub async fn alone() -> RwLockWriteGuard<'static, ()> {
    TURN.write().await
}

/// A clock that tests can put forward.
#[derive(Default)]
pub struct Watch(AtomicI64);

impl Watch {
    /// Puts it forward.
    pub fn forward(&self, by: SignedDuration) {
        self.0.fetch_add(by.as_secs(), Ordering::Relaxed);
    }
}

impl Clock for Watch {
    fn now(&self) -> Timestamp {
        Timestamp::now() + SignedDuration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

/// How a fault kills the function: the run's future is dropped, then the stand-in closes its connection.
#[derive(Default)]
pub struct Crash {
    /// Somebody must die.
    pub now: Notify,
    /// It is dead.
    pub done: Notify,
}

/// A sandbox with the product's state in memory.
pub struct House {
    /// The sandbox.
    pub sandbox: Arc<Sandbox>,
    /// The administrator's way in.
    pub admin: Client,
    /// The systems configuration in force.
    pub systems: SystemsConfig,
    /// The policy in force.
    pub policy: Policy,
    /// Journal, inventory, leases and records.
    pub memory: Memory,
    /// Time.
    pub watch: Arc<Watch>,
    /// The way to a crash.
    pub crash: Arc<Crash>,
    /// What the systems hold at start.
    pub start: Value,
    /// Time of an invocation.
    pub invocation: Duration,
    aws: SdkConfig,
    /// All that the product said: for the canary.
    said: Mutex<Vec<String>>,
}

impl House {
    /// A new sandbox; none where moto is not installed.
    pub async fn open() -> Option<Self> {
        if !moto::installed() {
            eprintln!("skipped: no Python with moto ({} names one)", moto::PYTHON);
            return None;
        }
        let sandbox = Sandbox::start(Options::with_moto()).await.expect("a sandbox");
        let crash = Arc::new(Crash::default());
        let of_killer = Arc::clone(&crash);
        sandbox.world.set_killer(Arc::new(move |_| {
            let crash = Arc::clone(&of_killer);
            async move {
                crash.now.notify_one();
                crash.done.notified().await;
            }
            .boxed()
        }));
        // The general door tells the services apart by their signature: one endpoint is enough for all of them.
        let (id, key) = access_key(FUNCTION);
        let aws = aws_config::defaults(BehaviorVersion::latest())
            .endpoint_url(sandbox.aws_endpoint(""))
            .region(Region::new(seed::REGION))
            .credentials_provider(Credentials::new(id, key, None, None, "sandbox"))
            .http_client(Builder::new().build_http())
            .load()
            .await;
        let admin = Client::new(sandbox.sandbox_json()).expect("a client");
        let start = state_of(&sandbox).await;
        let watch = Arc::new(Watch::default());
        let mut house = Self {
            admin,
            systems: SystemsConfig::default(),
            policy: Policy::default(),
            memory: Memory::new(Arc::clone(&watch) as Arc<dyn Clock>),
            watch,
            crash,
            start,
            invocation: INVOCATION,
            aws,
            said: Mutex::default(),
            sandbox,
        };
        house.configure();
        house.sandbox.world.calls.reset();
        Some(house)
    }

    fn configure(&mut self) {
        self.systems = serde_json::from_value(self.sandbox.systems_config()).expect("a configuration");
        self.policy = Policy::parse(&self.sandbox.policy().to_string()).expect("a policy");
    }

    /// Everything as at start. Faster than the sandbox's own reset: of what moto holds only our secrets are removed.
    pub async fn clear(&mut self) {
        self.sandbox.world.reset();
        for arn in self.own_secrets().await {
            let body = serde_json::json!({"SecretId": arn, "ForceDeleteWithoutRecovery": true});
            self.aws("secretsmanager", "secretsmanager.DeleteSecret", body).await;
        }
        self.sandbox.world.calls.reset();
        self.watch = Arc::new(Watch::default());
        self.memory = Memory::new(Arc::clone(&self.watch) as Arc<dyn Clock>);
        self.configure();
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The systems configuration with a change.
    pub fn reconfigured(&mut self, pointer: &str, value: Value) {
        let mut config = serde_json::to_value(&self.systems).expect("JSON");
        *config.pointer_mut(pointer).expect("a place in the configuration") = value;
        self.systems = serde_json::from_value(config).expect("a configuration");
    }

    /// What a new process of the function has.
    pub fn process(&self) -> Process {
        let root = reqwest::Certificate::from_pem(self.sandbox.ca_pem().as_bytes()).expect("a certificate");
        let proxy = reqwest::Proxy::https(self.sandbox.proxy_url(FUNCTION)).expect("a proxy");
        let http = reqwest::Client::builder()
            .user_agent("extoauth/matrix")
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(Duration::from_secs(10))
            .proxy(proxy)
            .tls_certs_only([root])
            .build()
            .expect("a client");
        let sender = Sender::new(http);
        let deadline = Deadline::after(self.invocation, Duration::ZERO);
        sender.set_deadline(deadline);
        let shared = SharedDeadline::default();
        shared.set(deadline);
        let clients = Clients::new(seed::DEPLOYMENT, self.systems.clone(), sender, self.aws.clone(), shared);
        Process { clients }
    }

    /// Lets what a dead process had in flight arrive, then closes its connection.
    pub async fn buried(&self) {
        tokio::time::sleep(SETTLES).await;
        self.crash.done.notify_one();
        tokio::time::sleep(SETTLES).await;
    }

    /// What the systems hold.
    pub async fn state(&self) -> Value {
        state_of(&self.sandbox).await
    }

    /// The function's calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.sandbox.world.calls.after(0).into_iter().filter(|call| call.caller == FUNCTION).collect()
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        self.sandbox.world.calls.reset();
    }

    /// Orders a fault.
    pub fn fault(&self, fault: FaultSpec) {
        self.sandbox.world.faults.add(vec![fault]).expect("a fault that makes sense");
    }

    /// What is remembered of all subjects.
    pub async fn books(&self) -> Vec<(Subject, Book)> {
        let mut books = Vec::new();
        for subject in subjects() {
            let book = self.memory.load(&subject).await.expect("memory");
            books.push((subject, book));
        }
        books
    }

    /// The journals of all subjects.
    pub async fn journals(&self) -> Vec<JournalEntry> {
        let mut all = Vec::new();
        for subject in subjects() {
            all.extend(self.memory.journal(&subject).await.expect("memory"));
        }
        all
    }

    /// Keeps what the product said.
    pub fn heard(&self, text: String) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    /// All that the product said since the last [`House::clear`].
    pub fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }
}

/// What the systems hold, but for the administrator's own token, which lives longer with each use, and for tunnels of
/// connections that are gone, for which dbt has no call.
async fn state_of(sandbox: &Sandbox) -> Value {
    let mut state = Value::Object(sandbox.state().await.expect("a state"));
    if let Some(org) = state.pointer_mut("/okta/acme").and_then(Value::as_object_mut) {
        org.remove("api-tokens");
    }
    let connections = state["dbt"][seed::DBT_NAME]["connections"].as_array().cloned().unwrap_or_default();
    if let Some(Value::Array(tunnels)) = state.pointer_mut("/dbt/acme/encryptions") {
        tunnels.retain(|tunnel| connections.iter().any(|connection| connection["id"] == tunnel["connection_id"]));
    }
    state
}

/// The clients of one process of the function.
pub struct Process {
    /// The clients.
    pub clients: Clients,
}

/// The integrations that the golden tickets name.
pub const INTEGRATIONS: [&str; 5] = ["analytics-dev", "finance-dev", "marketing-dev", "reporting-dev", "sales-dev"];

/// The name of an integration.
pub fn name(text: &str) -> IntegrationName {
    IntegrationName::try_from(text.to_owned()).expect("a name")
}

fn subjects() -> Vec<Subject> {
    let own = INTEGRATIONS.iter().map(|one| Subject::Integration(name(one)));
    own.chain(PROVIDERS.map(|provider| Subject::Trust(provider.trust()))).collect()
}

/// Patience for tests: the stand-ins show at once what they hold.
pub fn timing() -> Timing {
    Timing {
        lag_cap: Duration::from_millis(200),
        poll: Duration::from_millis(20),
        lease_wait: Duration::from_secs(1),
        // A crash blocks what the dead process held for this long.
        lease_ttl: Duration::from_secs(2),
    }
}
