//! What is told of integrations, and of an error text.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use extoauth_core::engine::{Book, InventoryItem, Ownership};
use extoauth_core::handoff::Handoff;
use extoauth_core::ids::Address;
use extoauth_core::registry::CheckRecord;
use extoauth_core::request::Status;
use extoauth_core::rights::{Right, RightState, SystemRights};
use extoauth_core::systems::{SystemId, SystemKind};
use serde_json::{Value, json};

use super::fakes::{TestIntake, body, fields, get, header, intake, json_of, post, post_to, record};

fn item(address: &str, identity: Value, ownership: Ownership) -> (Address, InventoryItem) {
    let item = InventoryItem {
        address: Address::of(address),
        kind: address.to_owned(),
        system: SystemId::new(SystemKind::Okta, "acme"),
        identity,
        ownership,
        written: BTreeMap::new(),
        order: 1,
    };
    (item.address.clone(), item)
}

fn handoff(what: &str, done: Option<bool>) -> Handoff {
    Handoff { who: "x".into(), what: what.into(), place: "y".into(), values: BTreeMap::new(), done }
}

/// With an integration that a request of our instance has made.
async fn with_one() -> TestIntake {
    let intake = intake();
    assert_eq!(intake.answer(&post("write", &body())).await.status, 202);
    let id = intake.state.only().id.to_string();
    intake.state.change(|request| {
        request.status = Status::Succeeded;
        request.handoffs = vec![handoff("done", Some(true)), handoff("open", Some(false)), handoff("unseen", None)];
    });
    let one = record("analytics-dev", &id);
    intake.state.integrations.lock().expect("not poisoned").insert(one.desired.name.clone(), one.clone());
    let entry = Ownership::Entry { pre_image: json!({"secret of others": 1}) };
    let own = Book {
        items: [item("okta.app", json!({"id": "0oaAPP"}), Ownership::Ours), item("dbt.use", json!({}), entry)].into(),
        ..Book::default()
    };
    let shared =
        Book { items: [item("okta.server", json!({"id": "aus1"}), Ownership::Ours)].into(), ..Book::default() };
    let mut books = intake.state.books.lock().expect("not poisoned");
    books.insert("integration/analytics-dev".into(), own);
    books.insert(format!("trust/{}", one.desired.trust()), shared);
    drop(books);
    intake
}

#[tokio::test]
async fn integrations_are_listed_in_brief() {
    let empty = intake().answer(&get("read", "/integrations")).await;
    assert_eq!((empty.status.as_u16(), json_of(&empty)), (200, json!({"integrations": []})));
    let answer = with_one().await.answer(&get("read", "/integrations")).await;
    let expected = json!({"name": "analytics-dev", "idp": "okta", "idp_system": "acme", "warehouse_system": "main",
        "dbt_system": "acme", "complete": true, "updated": "2026-11-23T12:00:00Z"});
    assert_eq!(json_of(&answer), json!({"integrations": [expected]}));
}

#[tokio::test]
async fn one_integration_is_told_in_full() {
    let intake = with_one().await;
    let answer = intake.answer(&get("read", "/integrations/analytics-dev")).await;
    assert_eq!((answer.status.as_u16(), header(&answer, "cache-control")), (200, Some("no-store")));
    let told = json_of(&answer);
    assert_eq!(told["desired"]["groups"], json!(["data-engineers"]));
    assert_eq!((&told["trust"]["claim"], &told["changed"]), (&json!("sub"), &json!("1970-01-01T00:00:00Z")));
    let resources: Vec<(&str, &str, &str)> = told["resources"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| {
            let text = |name: &str| one[name].as_str().unwrap_or_default();
            (text("address"), text("of"), text("ownership"))
        })
        .collect();
    let expected =
        [("dbt.use", "integration", "entry"), ("okta.app", "integration", "ours"), ("okta.server", "trust", "ours")];
    assert_eq!(resources, expected);
    assert!(!told.to_string().contains("secret of others"), "{told}");
    let open: Vec<&str> =
        told["handoffs"].as_array().expect("a list").iter().filter_map(|h| h["what"].as_str()).collect();
    assert_eq!((open, &told["findings"]), (vec!["open", "unseen"], &json!([])));

    // Findings are told of what has ended.
    intake.state.change(|request| request.status = Status::Running);
    let told = json_of(&intake.answer(&get("read", "/integrations/analytics-dev")).await);
    assert_eq!((&told["findings"], &told["request"]["status"]), (&Value::Null, &json!("running")));
    // Another instance sees the integration, and nothing of our request.
    let told = json_of(&intake.answer(&get("other", "/integrations/analytics-dev")).await);
    assert_eq!(told["name"], "analytics-dev");
    assert_eq!((&told["request"], &told["handoffs"]), (&Value::Null, &Value::Null));

    intake.state.down.store(true, Ordering::Relaxed);
    for path in ["/integrations", "/integrations/analytics-dev"] {
        let down = intake.answer(&get("read", path)).await;
        assert_eq!((down.status.as_u16(), header(&down, "retry-after")), (503, Some("5")));
    }
}

fn ask(text: &str) -> Value {
    json!({"integration": "analytics-dev", "text": text})
}

#[tokio::test]
async fn an_error_text_is_explained_from_what_is_stored() {
    let intake = with_one().await;
    let before = intake.state.only();
    let text = "<b>error</b>=access_denied&error_description=User+is+not+assigned+to+the+client+application.";
    let answer = intake.answer(&post_to("read", "/explain", &ask(text))).await;
    assert_eq!(answer.status, 200);
    let told = json_of(&answer);
    let first = &told["findings"][0];
    assert_eq!((&told["known"], &first["rank"], &first["certainty"]), (&json!(true), &json!(1), &json!("exact")));
    assert_eq!((&first["row"], &first["severity"]), (&json!("R02"), &json!("critical")));
    assert!(first["fix"].as_str().is_some_and(|fix| fix.contains("data-engineers")), "{told}");
    assert!(first["expected"].as_str().is_some_and(|expected| expected.contains("0oaAPP")), "{told}");
    assert!(!told.to_string().contains("<b>"), "{told}");
    assert_eq!(intake.state.only(), before, "nothing is stored");

    let unknown = json_of(&intake.answer(&post_to("read", "/explain", &ask("it does not work"))).await);
    assert_eq!(unknown["known"], json!(false));
    assert!(unknown["findings"].as_array().is_some_and(|links| links.len() > 8), "{unknown}");
    let mut other = ask("x");
    other["integration"] = json!("other-name");
    assert_eq!(intake.answer(&post_to("read", "/explain", &other)).await.status, 404);
}

#[tokio::test]
async fn a_token_is_not_taken() {
    let intake = with_one().await;
    let token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJkZXYxIn0.c2lnbmF0dXJl";
    let answer = intake.answer(&post_to("read", "/explain", &ask(&format!("refused: {token}")))).await;
    assert_eq!((answer.status.as_u16(), fields(&answer)), (400, vec!["text".to_owned()]));
    let told = json_of(&answer).to_string();
    assert!(told.contains("remove it") && !told.contains("eyJ"), "{told}");

    let bad = intake.answer(&post_to("read", "/explain", &json!({"integration": "X", "text": 7}))).await;
    assert_eq!((bad.status.as_u16(), fields(&bad)), (400, vec!["integration".to_owned(), "text".to_owned()]));
    for broken in [format!("{{\"text\": \"{token}\""), format!("\"{token}\"")] {
        let mut call = post_to("read", "/explain", &json!({}));
        *call.body_mut() = broken.into_bytes();
        let answer = intake.answer(&call).await;
        assert_eq!((answer.status.as_u16(), fields(&answer)), (400, vec!["body".to_owned()]));
        assert!(!json_of(&answer).to_string().contains("eyJ"));
    }
}

fn check() -> CheckRecord {
    serde_json::from_value(json!({
        "at": "2026-11-23T12:00:00Z", "request": "r", "instance": "acme.service-now.com", "baseline": {"oauth_configuration_written": null},
        "findings": [{"check": "issuer_matches", "severity": "critical", "resource": "identity_center.issuer",
            "expected": "a", "found": "b", "effect": "c", "fix": "d", "row": "R22"}],
        "sign_in": {"kind": "okta", "client_id": "0oaAPP", "token_url": "https://acme.okta.com/oauth2/aus1/v1/token",
            "redirect_uri": "https://ab123.us1.dbt.com/complete/okta", "application_id_uri": null},
        "people": 5, "secret_made": "2026-11-01T00:00:00Z", "secret_ends": null,
    }))
    .expect("a check")
}

#[tokio::test]
async fn the_last_check_is_shown_with_what_it_found() {
    let intake = with_one().await;
    let name = "analytics-dev".to_owned().try_into().expect("a name");
    let before = intake.answer(&get("read", "/integrations/analytics-dev/profiles.yml")).await;
    assert_eq!(before.status, 409, "nothing was read yet");
    intake.state.checks.lock().expect("not poisoned").insert(name, check());
    let report = json_of(&intake.answer(&get("read", "/integrations/analytics-dev")).await);
    assert_eq!(report["findings"][0]["check"], "issuer_matches");
    assert_eq!(report["last_check"], json!({"at": "2026-11-23T12:00:00Z", "request": "r"}));
    assert_eq!(report["people"], json!({"may_sign_in": 5, "connected": null}));
    assert_eq!(report["secret"], json!({"made": "2026-11-01T00:00:00Z", "ends": null}));

    let profiles = intake.answer(&get("read", "/integrations/analytics-dev/profiles.yml")).await;
    assert_eq!(header(&profiles, "content-type"), Some("application/yaml"));
    let text = String::from_utf8(profiles.body).expect("text");
    assert!(text.contains("oauth_token_identity_center") && text.contains("wg.example.com"), "{text}");
}

#[tokio::test]
async fn rights_are_those_that_the_last_check_met() {
    let intake = intake();
    let unknown = json_of(&intake.answer(&get("read", "/systems/okta/acme")).await);
    assert_eq!((&unknown["checked"], &unknown["rights"][0]["state"]), (&Value::Null, &json!("unknown")));
    let seen = SystemRights {
        system: SystemId::new(SystemKind::Okta, "acme"),
        at: "2026-11-23T12:00:00Z".parse().expect("a time"),
        rights: vec![Right::new("apps", "okta.apps.manage", RightState::Missing, "a Super Admin must grant it")],
    };
    intake.state.rights.lock().expect("not poisoned").insert("okta/acme".into(), seen);
    let known = json_of(&intake.answer(&get("read", "/systems/okta/acme")).await);
    assert_eq!(known["mode"], "manage");
    assert_eq!(known["rights"][0]["name"], "okta.apps.manage");
    assert_eq!(known["rights"][0]["state"], "missing");
}
