//! A store, a queue and a door in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use ::http::Request;
use extoauth_core::alert::Alert;
use extoauth_core::clock::Clock;
use extoauth_core::engine::Book;
use extoauth_core::ids::{IntegrationName, Subject, TrustKey};
use extoauth_core::policy::Policy;
use extoauth_core::registry::{CheckRecord, IntegrationRecord, TrustRecord};
use extoauth_core::request::{RequestId, StoredRequest};
use extoauth_core::rights::SystemRights;
use extoauth_core::systems::SystemId;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::intake::{Answer, Caller, Door, Intake, Outbox, Placing, Refusal, State};
use crate::store::{Delivery, StoreError};

pub(super) const INSTANCE: &str = "acme.service-now.com";

pub(super) type TestIntake = Intake<FakeDoor, FakeState, FakeOutbox>;

pub(super) struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

/// Lets in by a header that says who it is: `write`, `read`, `other` (both, another instance), or a delivery's id.
#[derive(Debug)]
pub(super) struct FakeDoor;

impl Door for FakeDoor {
    async fn admit(&self, call: &Request<Vec<u8>>, _now: Timestamp) -> Result<Caller, Refusal> {
        let who = call.headers().get("who").and_then(|v| v.to_str().ok()).unwrap_or_default();
        let caller = |instance: &str, writes, reads, delivery: Option<&str>| {
            Ok(Caller { instance: instance.into(), writes, reads, delivery: delivery.map(str::to_owned) })
        };
        match who {
            "" => Err(Refusal::Unauthenticated("There is no key.".into())),
            "down" => Err(Refusal::Unavailable),
            "write" => caller(INSTANCE, true, false, None),
            "read" => caller(INSTANCE, false, true, None),
            "other" => caller("other.service-now.com", true, true, None),
            id => caller(INSTANCE, true, false, Some(id)),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct FakeState {
    pub(super) requests: Mutex<BTreeMap<RequestId, (u64, StoredRequest)>>,
    pub(super) deliveries: Mutex<BTreeMap<String, String>>,
    pub(super) integrations: Mutex<BTreeMap<IntegrationName, IntegrationRecord>>,
    pub(super) books: Mutex<BTreeMap<String, Book>>,
    pub(super) checks: Mutex<BTreeMap<IntegrationName, CheckRecord>>,
    pub(super) rights: Mutex<BTreeMap<String, SystemRights>>,
    pub(super) alerts: Mutex<Vec<Alert>>,
    pub(super) down: AtomicBool,
}

impl FakeState {
    fn up(&self) -> Result<(), StoreError> {
        if self.down.load(Ordering::Relaxed) { Err(StoreError::Failed("down".into())) } else { Ok(()) }
    }

    /// Changes the one request that there is.
    pub(super) fn change(&self, change: impl FnOnce(&mut StoredRequest)) {
        let mut requests = self.requests.lock().expect("not poisoned");
        let (revision, request) = requests.values_mut().next().expect("a request");
        *revision += 1;
        change(request);
    }

    pub(super) fn only(&self) -> StoredRequest {
        let requests = self.requests.lock().expect("not poisoned");
        assert_eq!(requests.len(), 1);
        requests.values().next().expect("a request").1.clone()
    }
}

impl State for FakeState {
    type Held = (u64, StoredRequest);

    fn request<'a>(&self, held: &'a Self::Held) -> &'a StoredRequest {
        &held.1
    }

    async fn deliver(&self, instance: &str, webhook_id: &str, digest: &str) -> Result<Delivery, StoreError> {
        self.up()?;
        let mut seen = self.deliveries.lock().expect("not poisoned");
        Ok(match seen.insert(format!("{instance}#{webhook_id}"), digest.to_owned()) {
            None => Delivery::New,
            Some(before) if before == digest => Delivery::Again,
            Some(_) => Delivery::OtherBody,
        })
    }

    async fn find(&self, id: &RequestId) -> Result<Option<Self::Held>, StoreError> {
        self.up()?;
        // Others get their turn between the reading and the writing.
        tokio::task::yield_now().await;
        Ok(self.requests.lock().expect("not poisoned").get(id).cloned())
    }

    async fn place(&self, request: StoredRequest) -> Result<Placing<Self::Held>, StoreError> {
        self.up()?;
        let mut requests = self.requests.lock().expect("not poisoned");
        if let Some(there) = requests.get(&request.id) {
            return Ok(Placing::Existing(there.clone()));
        }
        requests.insert(request.id.clone(), (1, request.clone()));
        Ok(Placing::New((1, request)))
    }

    async fn place_next(&self, before: &Self::Held, request: StoredRequest) -> Result<Placing<Self::Held>, StoreError> {
        let mut requests = self.requests.lock().expect("not poisoned");
        match requests.get_mut(&request.id) {
            Some(there) if there.0 == before.0 => {
                *there = (before.0 + 1, request);
                Ok(Placing::New(there.clone()))
            }
            _ => Ok(Placing::Changed),
        }
    }

    async fn mark_queued(&self, held: &Self::Held) -> Result<(), StoreError> {
        let mut requests = self.requests.lock().expect("not poisoned");
        if let Some(there) = requests.get_mut(&held.1.id) {
            there.1.queued = true;
        }
        Ok(())
    }

    async fn integrations(&self) -> Result<Vec<IntegrationRecord>, StoreError> {
        self.up()?;
        Ok(self.integrations.lock().expect("not poisoned").values().cloned().collect())
    }

    async fn integration(&self, name: &IntegrationName) -> Result<Option<IntegrationRecord>, StoreError> {
        self.up()?;
        Ok(self.integrations.lock().expect("not poisoned").get(name).cloned())
    }

    async fn trust(&self, key: &TrustKey) -> Result<Option<TrustRecord>, StoreError> {
        let owners: BTreeSet<IntegrationName> =
            self.integrations.lock().expect("not poisoned").keys().cloned().collect();
        let (claim, attribute) = ("sub".to_owned(), "emails.value".to_owned());
        Ok(Some(TrustRecord { key: key.clone(), claim, attribute, audience: Some("https://wg".into()), owners }))
    }

    async fn book(&self, subject: &Subject) -> Result<Book, StoreError> {
        Ok(self.books.lock().expect("not poisoned").get(&subject.to_string()).cloned().unwrap_or_default())
    }

    async fn last_change(&self, subject: &Subject) -> Result<Option<Timestamp>, StoreError> {
        let known = self.books.lock().expect("not poisoned").contains_key(&subject.to_string());
        Ok(known.then_some(Timestamp::UNIX_EPOCH))
    }

    async fn last_check(&self, name: &IntegrationName) -> Result<Option<CheckRecord>, StoreError> {
        Ok(self.checks.lock().expect("not poisoned").get(name).cloned())
    }

    async fn alerts(&self) -> Result<Vec<Alert>, StoreError> {
        self.up()?;
        Ok(self.alerts.lock().expect("not poisoned").clone())
    }

    async fn rights(&self, system: &SystemId) -> Result<Option<SystemRights>, StoreError> {
        self.up()?;
        Ok(self.rights.lock().expect("not poisoned").get(&system.to_string()).cloned())
    }
}

#[derive(Debug, Default)]
pub(super) struct FakeOutbox {
    pub(super) sent: Mutex<Vec<(RequestId, u32)>>,
    pub(super) down: AtomicBool,
}

impl Outbox for FakeOutbox {
    async fn send(&self, request: &StoredRequest) -> Result<(), String> {
        if self.down.load(Ordering::Relaxed) {
            return Err("down".into());
        }
        tokio::task::yield_now().await;
        self.sent.lock().expect("not poisoned").push((request.id.clone(), request.attempt));
        Ok(())
    }
}

pub(super) fn intake() -> TestIntake {
    let systems = serde_json::from_value(json!({
        "okta": {"acme": {"url": "https://acme.okta.com", "credential": "arn"}},
        "entra": {"contoso": {"tenant_id": "t", "authority": "https://login.microsoftonline.com",
            "graph": "https://graph.microsoft.com", "credential": "arn"}},
        "dbt": {"acme": {"url": "https://ab123.us1.dbt.com", "account_id": 54321, "credential": "arn", "redirect_uri": {
            "okta": "https://ab123.us1.dbt.com/complete/okta", "entra": "https://ab123.us1.dbt.com/complete/entra"}}},
        "redshift": {"main": {"region": "us-east-1", "application_arn": "arn", "hosts": [], "default_host": "wg.example.com",
            "identity_center": {"region": "us-east-1", "instance_arn": "arn"}}},
        "servicenow": {INSTANCE: {"url": "https://acme.service-now.com", "cat_items": [], "credential": "arn"}},
    }));
    Intake {
        deployment: "prod".into(),
        door: FakeDoor,
        state: FakeState::default(),
        outbox: FakeOutbox::default(),
        systems: systems.expect("a valid configuration"),
        policy: Policy::default(),
        clock: Arc::new(FixedClock),
    }
}

/// A provision request.
pub(super) fn body() -> Value {
    json!({
        "action": "provision", "instance": INSTANCE, "integration": "analytics-dev",
        "ticket": {"table": "sc_req_item", "sys_id": "0123456789abcdef0123456789abcdef", "number": "RITM0012345"},
        "variables": {"idp": "okta", "idp_system": "acme", "warehouse_system": "main", "dbt_system": "acme",
            "dbt_environments": "70001/90001", "groups": "data-engineers"},
    })
}

pub(super) fn post(who: &str, body: &Value) -> Request<Vec<u8>> {
    Request::post("/requests")
        .header("content-type", "application/json; charset=utf-8")
        .header("who", who)
        .body(body.to_string().into_bytes())
        .expect("a valid call")
}

/// An integration as a request left it.
pub(super) fn record(name: &str, request: &str) -> IntegrationRecord {
    serde_json::from_value(json!({
        "desired": {"name": name, "idp": "okta", "idp_system": "acme", "warehouse_system": "main", "dbt_system": "acme",
            "environments": [{"project": 70001, "environment": 90001}], "connection_id": null,
            "private_link_endpoint_id": null, "warehouse_host": "wg.example.com", "database": "dev",
            "groups": ["data-engineers"], "user_claim": null, "identity_attribute": "emails.value",
            "lifetimes": {"access_minutes": 60, "refresh_days": 90, "idle_days": 30}, "secret_days": 180, "cutover": "now"},
        "recipe_version": 1, "request": request, "updated": "2026-11-23T12:00:00Z", "complete": true,
    }))
    .expect("a record")
}

pub(super) fn post_to(who: &str, path: &str, body: &Value) -> Request<Vec<u8>> {
    let mut call = post(who, body);
    *call.uri_mut() = path.parse().expect("a path");
    call
}

pub(super) fn get(who: &str, path: &str) -> Request<Vec<u8>> {
    Request::get(path).header("who", who).body(Vec::new()).expect("a valid call")
}

pub(super) fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).expect("JSON")
}

pub(super) fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.iter().find(|(key, _)| key.as_str() == name).and_then(|(_, value)| value.to_str().ok())
}

pub(super) fn fields(answer: &Answer) -> Vec<String> {
    let errors = json_of(answer)["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().filter_map(|error| error["field"].as_str().map(str::to_owned)).collect()
}
