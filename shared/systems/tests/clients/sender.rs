//! What the sender does with a vendor's bad days, over real TLS, seen through the clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::vendor::{Act, SSWS, Vendor};
use extoauth_core::error::ErrorKind;
use extoauth_systems::http::{Deadline, Sender};
use extoauth_systems::okta::{AppSpec, PolicySpec};
use secrecy::SecretString;
use serde_json::{Value, json};

const SECRET: &str = "canary-client-secret-0123456789";

fn app() -> Value {
    json!({"id": "0oa1", "label": "x", "status": "ACTIVE", "credentials": {"oauthClient": {"client_id": "0oa1"}}})
}

fn spec() -> AppSpec {
    AppSpec::web("x", "https://ab123.us1.dbt.com/complete/okta", "ORG_URL")
}

/// A vendor that does one thing to the first `times` calls and answers well after that.
async fn failing(times: usize, act: Act, then: Value) -> Vendor {
    Vendor::start(move |_, before| if before < times { act.clone() } else { Act::json(200, then.clone()) }).await
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_never_resent() {
    let bad = [
        Act::Reset,
        Act::Truncate,
        Act::Answer(200, Vec::new(), "<html>".into()),
        Act::Answer(503, Vec::new(), String::new()),
        Act::Answer(500, Vec::new(), String::new()),
        Act::json(200, json!({"label": "no id"})),
    ];
    for act in bad {
        let vendor = failing(1, act, app()).await;
        let (_, write) = vendor.okta(SSWS);
        let error = write.create_app(&spec(), &SecretString::from(SECRET)).await.expect_err("lost");
        assert_eq!(error.kind, ErrorKind::Ambiguous, "{error}");
        assert_eq!(vendor.calls().len(), 1, "{error}");
    }
}

#[tokio::test]
async fn a_read_is_tried_again() {
    for act in [Act::Reset, Act::Truncate, Act::Answer(200, Vec::new(), "<html>".into()), Act::json(502, json!({}))] {
        let vendor = failing(2, act, app()).await;
        let (read, _) = vendor.okta(SSWS);
        assert_eq!(read.app("0oa1").await.expect("the third answer").id, "0oa1");
        let calls = vendor.calls();
        assert_eq!(calls.len(), 3);
        assert_eq!(calls[2].headers.get("x-okta-retry-count").map(String::as_str), Some("2"));
        let counters = vendor.sender.take_counters();
        let counters = counters.get(read.system()).expect("counters");
        assert_eq!((counters.calls, counters.retries, counters.waits), (3, 2, 2));
    }
}

#[tokio::test]
async fn a_read_that_never_comes_through_is_unavailable() {
    let vendor = failing(99, Act::Reset, app()).await;
    let error = vendor.okta(SSWS).0.app("0oa1").await.expect_err("no answer");
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    assert_eq!(vendor.calls().len(), 4);
}

#[tokio::test]
async fn a_call_that_never_left_is_unavailable_even_if_it_creates() {
    let mut vendor = failing(0, Act::Reset, app()).await;
    vendor.url.set_port(Some(1)).expect("a URL with a port");
    let (_, write) = vendor.okta(SSWS);
    let error = write.create_app(&spec(), &SecretString::from(SECRET)).await.expect_err("nobody listens");
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn limits_are_waited_for_when_they_fit() {
    let limited = Act::json(429, json!({"errorCode": "E0000047", "errorSummary": "limit"}))
        .with("x-rate-limit-limit", 50)
        .with("x-rate-limit-remaining", 0)
        .with("x-rate-limit-reset", 1)
        .with("x-okta-request-id", "req-1");
    let vendor = failing(1, limited, app()).await;
    let (_, write) = vendor.okta(SSWS);
    write.create_app(&spec(), &SecretString::from(SECRET)).await.expect("after the limit");
    let calls = vendor.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[1].headers.get("x-okta-retry-for").map(String::as_str), Some("req-1"));
}

#[tokio::test]
async fn limits_that_do_not_fit_end_the_call_and_hold_the_next_ones() {
    let reset = jiff::Timestamp::now().as_second() + 60;
    let limited = Act::json(429, json!({"errorCode": "E0000047", "errorSummary": "limit"}))
        .with("x-rate-limit-limit", 50)
        .with("x-rate-limit-reset", reset);
    let vendor = failing(99, limited, app()).await;
    vendor.sender.set_deadline(Deadline::after(Duration::from_secs(40), Duration::from_secs(5)));
    let (read, write) = vendor.okta(SSWS);
    for _ in 0..2 {
        let error = read.app("0oa1").await.expect_err("limited");
        assert_eq!(error.kind, ErrorKind::Throttled, "{error}");
        let wait = error.retry_after.expect("a time");
        assert!(wait > Duration::from_secs(50) && wait < Duration::from_secs(65), "{wait:?}");
    }
    assert_eq!(vendor.calls().len(), 1, "the second one was not sent");
    // Another bucket is not held: Okta counts it apart.
    assert!(write.deactivate_app("0oa1").await.is_err());
    assert_eq!(vendor.calls().len(), 2);
}

#[tokio::test]
async fn the_cooldown_of_dbt_is_never_waited_for() {
    let vendor = failing(99, Act::Answer(429, Vec::new(), String::new()), json!({})).await;
    let (read, _) = vendor.dbt();
    for _ in 0..2 {
        let error = read.connection(7).await.expect_err("limited");
        assert_eq!(error.kind, ErrorKind::Throttled);
        assert!(error.retry_after.expect("a time") > Duration::from_secs(290));
    }
    assert_eq!(vendor.calls().len(), 1);
}

#[tokio::test]
async fn too_little_time_sends_nothing() {
    let vendor = failing(0, Act::Reset, app()).await;
    vendor.sender.set_deadline(Deadline::after(Duration::from_secs(9), Duration::from_secs(1)));
    let (read, write) = vendor.okta(SSWS);
    assert_eq!(read.app("0oa1").await.expect("enough for a read").id, "0oa1");
    let error = write.create_app(&spec(), &SecretString::from(SECRET)).await.expect_err("too little for a write");
    assert_eq!(error.kind, ErrorKind::OutOfTime, "{error}");
    assert_eq!(vendor.calls().len(), 1);
}

#[tokio::test]
async fn a_slow_answer_ends_with_the_invocation() {
    let vendor = failing(99, Act::Hang(Duration::from_secs(60)), app()).await;
    vendor.sender.set_deadline(Deadline::after(Duration::from_millis(2600), Duration::ZERO));
    let error = vendor.okta(SSWS).0.app("0oa1").await.expect_err("too slow");
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    assert_eq!(vendor.calls().len(), 1);
}

#[tokio::test]
async fn no_error_repeats_a_secret() {
    let body = json!({"errorCode": "E0000001", "errorSummary": format!("`{SECRET}` is bad"),
        "errorCauses": [{"errorSummary": "token 00canary-ssws-token"}]});
    let vendor = failing(99, Act::json(400, body), app()).await;
    let (_, write) = vendor.okta(SSWS);
    let error = write.create_app(&spec(), &SecretString::from(SECRET)).await.expect_err("refused");
    let text = format!("{error} {error:?}");
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(text.contains("[redacted]") && !text.contains("canary"), "{text}");
}

#[tokio::test]
async fn other_hosts_and_redirects_are_refused() {
    let vendor = Vendor::start(|request, _| match request.path() {
        "/api/v1/apps" => Act::json(200, json!([app()])).with("link", "<https://evil.example/next>; rel=\"next\""),
        _ => Act::Answer(302, vec![("location", "https://evil.example/".into())], String::new()),
    })
    .await;
    let (read, _) = vendor.okta(SSWS);
    let error = read.apps_starting_with("x").await.expect_err("another host");
    assert_eq!(error.kind, ErrorKind::Refused, "{error}");
    let error = read.app("0oa1").await.expect_err("a redirect");
    assert_eq!(error.kind, ErrorKind::Refused, "{error}");
    assert_eq!(read.app("..").await.expect_err("no id").kind, ErrorKind::Refused);
    assert_eq!(read.app("").await.expect_err("no id").kind, ErrorKind::Refused);
    assert_eq!(vendor.calls().len(), 2);
    let plain = url::Url::parse(&vendor.url.as_str().replace("https", "http")).expect("a URL");
    let plain = Vendor { url: plain, seen: Arc::clone(&vendor.seen), sender: Arc::clone(&vendor.sender) };
    assert_eq!(plain.okta(SSWS).0.app("0oa1").await.expect_err("no TLS").kind, ErrorKind::Refused);
}

#[tokio::test]
async fn pages_are_followed() {
    let vendor = Vendor::start(|request, _| {
        let (_, host) = request.headers.iter().find(|(name, _)| *name == "host").expect("a host");
        match request.target.contains("after=") {
            false => Act::json(200, json!([app()]))
                .with("link", format!("<https://{host}/api/v1/apps?limit=200>; rel=\"self\""))
                .with("link", format!("<https://{host}/api/v1/apps?after=z&limit=200>; rel=\"next\"")),
            true => Act::json(200, json!([app(), app()])),
        }
    })
    .await;
    assert_eq!(vendor.okta(SSWS).0.apps_starting_with("x y").await.expect("two pages").len(), 3);
    assert!(vendor.calls()[0].target.contains("q=x+y&limit=200&includeNonDeleted=true"));
}

#[tokio::test]
async fn what_was_made_a_moment_ago_may_be_missing_for_a_moment() {
    let refusals = Arc::new(AtomicUsize::new(0));
    let vendor = Vendor::start({
        let refusals = Arc::clone(&refusals);
        move |request, _| {
            let lag = Act::json(404, json!({"errorCode": "E0000007", "errorSummary": "Not found"}));
            let lost = Act::json(
                400,
                json!({"errorCode": "E0000001", "errorSummary": "Api validation failed: policy",
                    "errorCauses": [{"errorSummary": "conditions.clients.include: Resource not found"}]}),
            );
            match (request.method.as_str(), request.path()) {
                ("POST", "/api/v1/apps") => Act::json(200, app()),
                ("POST", "/api/v1/authorizationServers/aus1/policies")
                    if refusals.fetch_add(1, Ordering::Relaxed) < 1 =>
                {
                    lost
                }
                ("POST", _) => Act::json(201, json!({"id": "00p1", "status": "ACTIVE"})),
                ("PUT", _) if refusals.fetch_add(1, Ordering::Relaxed) < 1 => lag,
                ("PUT", _) => Act::json(200, json!({"id": "00g1"})),
                _ => lag,
            }
        }
    })
    .await;
    let (_, write) = vendor.okta(SSWS);
    assert_eq!(write.app("0oa9").await.expect_err("an old one").kind, ErrorKind::NotFound);
    assert_eq!(vendor.calls().len(), 1, "an old one is believed to be gone");
    write.create_app(&spec(), &SecretString::from(SECRET)).await.expect("an app");
    write.assign_group("0oa1", "00g1").await.expect("an assignment");
    refusals.store(0, Ordering::Relaxed);
    let policy = PolicySpec { name: "p".into(), description: "d".into(), clients: vec!["0oa1".into()] };
    write.create_policy("aus1", &policy).await.expect("a policy");
    assert_eq!(vendor.calls().len(), 6);
}

#[tokio::test]
async fn the_products_own_client_is_https_only() {
    let sender = Sender::new(extoauth_systems::http::client().expect("a client"));
    assert_eq!(sender.deadline(), Deadline::none());
}
