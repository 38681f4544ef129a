//! The gate, the faults, the proxy and the roles, with one small system behind them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Json, Router};
use extoauth_sandbox::iam::Statement;
use extoauth_sandbox::world::{
    Authority, AwsDoor, Caller, FaultSpec, Lag, Listener, System, World, access_key, admin_door, connect_proxy,
};
use futures::FutureExt as _;
use http::StatusCode;
use serde_json::{Value, json};

const HOST: &str = "acme.okta.com";

/// Counts the calls it acts on.
#[derive(Default)]
struct Counter {
    acted: AtomicU64,
}

impl Counter {
    async fn act(State(counter): State<Arc<Self>>, request: Request) -> Json<Value> {
        let acted = counter.acted.fetch_add(1, Ordering::SeqCst) + 1;
        let caller = request.extensions().get::<Caller>().map(|caller| caller.0.clone());
        let lag = request.extensions().get::<Lag>().map(|lag| lag.0.as_millis());
        assert!(!request.uri().path().ends_with("/panic"), "asked to");
        Json(json!({"acted": acted, "caller": caller, "lag": lag}))
    }

    fn acted(&self) -> u64 {
        self.acted.load(Ordering::SeqCst)
    }
}

impl System for Counter {
    fn kind(&self) -> &'static str {
        "okta"
    }

    fn name(&self) -> &str {
        "acme"
    }

    fn router(self: Arc<Self>) -> Router {
        Router::new().fallback(any(Self::act)).with_state(self)
    }

    fn throttled(&self) -> Response {
        (StatusCode::TOO_MANY_REQUESTS, [("x-rate-limit-remaining", "0")], "over the limit").into_response()
    }

    fn failed(&self, status: u16) -> Response {
        StatusCode::from_u16(status).expect("a status").into_response()
    }

    fn state(&self) -> Value {
        json!({"calls": [{"acted": self.acted()}]})
    }

    fn reset(&self) {
        self.acted.store(0, Ordering::SeqCst);
    }
}

struct Set {
    world: Arc<World>,
    counter: Arc<Counter>,
    authority: Arc<Authority>,
    proxy: Listener,
    door: Listener,
}

impl Set {
    async fn new() -> Self {
        let world = World::new();
        let counter = Arc::new(Counter::default());
        let gate = world.systems.add(Arc::clone(&counter) as Arc<dyn System>, &[HOST]);
        let authority = Arc::new(Authority::new().expect("an authority"));
        let proxy = connect_proxy(&world, &authority).await.expect("a proxy");
        let door = admin_door(&world, &gate).await.expect("a door");
        Self { world, counter, authority, proxy, door }
    }

    /// A client as a function has it: through the proxy, under its own name.
    fn client(&self, caller: Option<&str>) -> reqwest::Client {
        let user = caller.map(|caller| format!("{caller}:x@")).unwrap_or_default();
        let proxy = reqwest::Proxy::https(format!("http://{user}{}", self.proxy.address())).expect("a proxy");
        let root = reqwest::Certificate::from_pem(self.authority.pem().as_bytes()).expect("a certificate");
        reqwest::Client::builder().proxy(proxy).tls_certs_only([root]).build().expect("a client")
    }

    fn fault(&self, spec: FaultSpec) {
        self.world.faults.add(vec![spec]).expect("a fault");
    }

    fn any(&self, fault: &str) {
        self.fault(FaultSpec::new("okta", "*", fault));
    }
}

async fn text(answer: Result<reqwest::Response, reqwest::Error>) -> Value {
    answer.expect("an answer").json().await.expect("JSON")
}

#[tokio::test]
async fn a_call_through_the_proxy_is_known_and_recorded() {
    let set = Set::new().await;
    let client = set.client(Some("provision"));
    let answer = text(client.post(format!("https://{HOST}/api/v1/apps?limit=2")).body("{}").send().await).await;
    assert_eq!(answer, json!({"acted": 1, "caller": "provision", "lag": null}));
    let answer = text(client.get(format!("https://{HOST}/api/v1/apps")).send().await).await;
    assert_eq!(answer["acted"], 2, "the connection is kept");
    let answer = text(reqwest::get(format!("{}/api/v1/apps", set.door.url("http"))).await).await;
    assert_eq!(answer["caller"], "admin");
    assert_eq!(text(set.client(None).get(format!("https://{HOST}/x")).send().await).await["caller"], "admin");

    let calls = set.world.calls.after(0);
    let first = &calls[0];
    assert_eq!((first.n, first.system.as_str(), first.method.as_str()), (1, "okta", "POST"));
    assert_eq!((first.path.as_str(), first.status, first.write), ("/api/v1/apps", 200, true));
    assert!(first.start_ms <= first.end_ms && !calls[1].write);
    assert_eq!(set.world.calls.after(2).len(), 2);
}

#[tokio::test]
async fn nothing_leaves_the_sandbox() {
    let set = Set::new().await;
    let client = set.client(Some("provision"));
    for url in ["https://example.com/", "https://acme.okta.com:8443/"] {
        let error = client.get(url).send().await.expect_err("refused");
        assert!(error.is_connect(), "{error:?}");
    }
    assert!(set.world.calls.after(0).is_empty());
    let proxy = reqwest::Proxy::http(format!("http://{}", set.proxy.address())).expect("a proxy");
    let client = reqwest::Client::builder().proxy(proxy).build().expect("a client");
    let answer = client.get("http://example.com/").send().await.expect("an answer of the proxy");
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_stand_ins_fetch_without_a_record() {
    let set = Set::new().await;
    let answer = set.world.fetch(&format!("https://{HOST}/oauth2/as1/v1/keys")).await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(set.world.fetch("https://tableau-idp.example.net/").await.is_err());
    assert!(set.world.fetch(&format!("http://{HOST}/")).await.is_err());
    assert!(set.world.calls.after(0).is_empty());
}

#[tokio::test]
async fn a_lost_call_has_no_answer() {
    let set = Set::new().await;
    let client = set.client(Some("provision"));
    let url = format!("https://{HOST}/api/v1/apps");
    for (fault, acted) in [("reset_before", 0), ("reset_after", 1)] {
        set.any(fault);
        client.post(&url).body("{}").send().await.expect_err(fault);
        assert_eq!(set.counter.acted(), acted, "{fault}");
    }
    let statuses: Vec<u16> = set.world.calls.after(0).iter().map(|call| call.status).collect();
    assert_eq!(statuses, [0, 0]);
    assert_eq!(text(client.post(&url).send().await).await["acted"], 2);
}

#[tokio::test]
async fn refusals_do_not_act() {
    let set = Set::new().await;
    let url = format!("{}/api/v1/apps", set.door.url("http"));
    set.fault(FaultSpec::new("okta", "/api/*", "status:503").method("get"));
    set.fault(FaultSpec::new("okta", "*", "throttle").nth(2));
    assert_eq!(reqwest::get(&url).await.expect("an answer").status(), StatusCode::SERVICE_UNAVAILABLE);
    let throttled = reqwest::get(&url).await.expect("an answer");
    assert_eq!(throttled.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(throttled.headers()["x-rate-limit-remaining"], "0");
    assert_eq!(set.counter.acted(), 0);
}

#[tokio::test]
async fn spoilt_answers_come_after_the_act() {
    let set = Set::new().await;
    let url = format!("{}/api/v1/apps", set.door.url("http"));
    set.any("garbage");
    let garbage = reqwest::get(&url).await.expect("an answer");
    assert_eq!(garbage.status(), StatusCode::OK);
    garbage.json::<Value>().await.expect_err("garbage is not JSON");
    set.any("truncate");
    let truncated = reqwest::get(&url).await.expect("a head");
    assert!(truncated.content_length().is_some_and(|length| length > 10));
    truncated.bytes().await.expect_err("the body breaks off");
    assert_eq!(set.counter.acted(), 2);
    let statuses: Vec<u16> = set.world.calls.after(0).iter().map(|call| call.status).collect();
    assert_eq!(statuses, [200, 200]);
}

#[tokio::test]
async fn slow_calls_are_recorded_even_if_nobody_waits() {
    let set = Set::new().await;
    let url = format!("{}/api/v1/apps", set.door.url("http"));
    set.any("delay:150");
    let client = reqwest::Client::builder().timeout(Duration::from_millis(40)).build().expect("a client");
    client.post(&url).send().await.expect_err("the client leaves");
    assert_eq!(set.counter.acted(), 1, "the server has acted all the same");
    assert!(set.world.calls.after(0).is_empty(), "still in flight");
    tokio::time::sleep(Duration::from_millis(250)).await;
    let [call] = set.world.calls.after(0).try_into().expect("one call");
    assert!(call.status == 200 && call.end_ms - call.start_ms >= 150.0);
}

#[tokio::test]
async fn latency_and_lag() {
    let set = Set::new().await;
    let url = format!("{}/api/v1/apps", set.door.url("http"));
    set.world.set_latency(Duration::from_millis(80));
    assert_eq!(set.world.latency_of("dynamodb"), Duration::ZERO);
    set.any("lag:5000");
    let started = Instant::now();
    assert_eq!(text(reqwest::get(&url).await).await["lag"], 5000);
    assert!(started.elapsed() >= Duration::from_millis(80));
    set.world.reset();
    assert_eq!(set.counter.acted(), 0);
    assert!(set.world.calls.after(0).is_empty());
}

#[tokio::test]
async fn a_function_dies_before_it_sees_anything() {
    let set = Set::new().await;
    let (killed, mut kills) = tokio::sync::mpsc::unbounded_channel();
    set.world.set_killer(Arc::new(move |caller| {
        killed.send(caller.to_owned()).expect("the test listens");
        async {}.boxed()
    }));
    let client = set.client(Some("intake"));
    for (fault, acted) in [("kill_before", 0), ("kill_after", 1)] {
        set.any(fault);
        client.post(format!("https://{HOST}/")).send().await.expect_err(fault);
        assert_eq!(kills.recv().await.as_deref(), Some("intake"));
        assert_eq!(set.counter.acted(), acted, "{fault}");
    }
}

#[tokio::test]
async fn a_stand_in_that_panics_answers_500() {
    let set = Set::new().await;
    let answer = reqwest::get(format!("{}/panic", set.door.url("http"))).await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(set.world.calls.after(0)[0].status, 500);
}

/// An AWS service of the sandbox, whose action is in the target header.
struct Sso(Arc<Counter>);

impl System for Sso {
    fn kind(&self) -> &'static str {
        "sso-admin"
    }

    fn name(&self) -> &str {
        "main"
    }

    fn router(self: Arc<Self>) -> Router {
        Arc::clone(&self.0).router()
    }

    fn classify(&self, call: &extoauth_sandbox::world::CallView<'_>) -> extoauth_sandbox::world::Classified {
        let target = call.headers["x-amz-target"].to_str().expect("text");
        extoauth_sandbox::world::Classified { path: target.rsplit('.').next().expect("one").to_owned(), write: true }
    }

    fn throttled(&self) -> Response {
        StatusCode::BAD_REQUEST.into_response()
    }

    fn failed(&self, _status: u16) -> Response {
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }

    fn state(&self) -> Value {
        Value::Null
    }

    fn reset(&self) {}
}

#[tokio::test]
async fn functions_are_held_to_their_roles() {
    let world = World::new();
    let counter = Arc::new(Counter::default());
    let gate = world.systems.add(Arc::new(Sso(Arc::clone(&counter))), &[]);
    let authority = Authority::new().expect("an authority");
    let door = AwsDoor::to(&world, gate);
    let listener = Listener::http(Some(&authority), move |request| door.clone().call(request)).await.expect("a door");
    let root = reqwest::Certificate::from_pem(authority.pem().as_bytes()).expect("a certificate");
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([root]).build().expect("a client");
    let call = |key: String, service: &'static str| {
        let credential = format!("{key}/20260101/us-east-1/{service}/aws4_request");
        client
            .post(listener.url("https"))
            .header("x-amz-target", "SWBExternalService.DescribeTrustedTokenIssuer")
            .header(
                "authorization",
                format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"),
            )
            .body(r#"{"TrustedTokenIssuerArn":"arn:aws:sso::123456789012:trustedTokenIssuer/ssoins-1/tti-1"}"#)
            .send()
    };
    let (provision, _) = access_key("provision");
    assert_eq!(call(provision.clone(), "sso").await.expect("an answer").status(), StatusCode::OK, "no roles yet");

    let role = json!([{
        "Effect": "Allow", "Action": "sso:DescribeTrustedTokenIssuer",
        "Resource": "arn:aws:sso::123456789012:trustedTokenIssuer/ssoins-1/*",
    }]);
    let role: Vec<Statement> = serde_json::from_value(role).expect("a role");
    world.iam.enforce(HashMap::from([("provision".to_owned(), role)]));
    assert_eq!(call(provision.clone(), "sso").await.expect("an answer").status(), StatusCode::OK);
    assert_eq!(call(access_key("admin").0, "sso").await.expect("an answer").status(), StatusCode::OK);
    let refused = call(access_key("intake").0, "sso").await.expect("an answer");
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let refused: Value = refused.json().await.expect("JSON");
    assert_eq!(refused["__type"], "AccessDeniedException");
    assert!(refused["Message"].as_str().is_some_and(|text| text.contains("sso:DescribeTrustedTokenIssuer")));
    assert_eq!(counter.acted(), 3);
    assert_eq!(call("AKIAWHO".to_owned(), "sso").await.expect("an answer").status(), StatusCode::FORBIDDEN);
    assert_eq!(call(provision, "redshift").await.expect("an answer").status(), StatusCode::FORBIDDEN);
    let used = world.iam.used();
    assert_eq!(used.keys().collect::<Vec<_>>(), ["intake", "provision"]);
    assert!(used["provision"].iter().all(|(action, _)| action == "sso:DescribeTrustedTokenIssuer"));
}
