//! What HTTP asks of any API.

use ::http::Request;
use serde_json::json;

use super::fakes::{body, get, header, intake, json_of, post, post_to};
use crate::intake::MAX_BODY;

#[tokio::test]
async fn the_calendar_is_for_whoever_may_read() {
    let intake = intake();
    let answer = intake.answer(&get("read", "/calendar.ics")).await;
    assert_eq!((answer.status.as_u16(), header(&answer, "content-type")), (200, Some("text/calendar; charset=utf-8")));
    assert!(answer.body.starts_with(b"BEGIN:VCALENDAR\r\n"));
    assert_eq!(intake.answer(&get("write", "/calendar.ics")).await.status, 403);
    let refused = intake.answer(&get("", "/calendar.ics")).await;
    let asks = refused.headers.iter().filter(|(name, _)| name.as_str() == "www-authenticate").count();
    assert_eq!((refused.status.as_u16(), asks), (401, 2), "Bearer and Basic");
    assert_eq!(intake.answer(&post_to("read", "/calendar.ics", &body())).await.status, 405);
}

#[tokio::test]
async fn paths_and_methods() {
    let intake = intake();
    let cases = [
        ("GET", "/", 404),
        ("POST", "/requests/", 404),
        ("GET", "/nothing", 404),
        ("GET", "/requests", 405),
        ("DELETE", "/requests", 405),
        ("POST", "/requests/1", 405),
        ("PUT", "/explain", 405),
        ("POST", "/integrations", 405),
        ("GET", "/integrations/analytics-dev", 404),
        ("GET", "/integrations/Not%20a%20name", 404),
        ("GET", "/systems/okta/other", 404),
        ("GET", "/systems/ldap/acme", 404),
        ("PUT", "/systems/okta/acme", 405),
        ("GET", "/integrations/analytics-dev/profiles.yml", 404),
        ("GET", "/integrations/analytics-dev/other", 404),
        ("POST", "/explain", 400),
        ("GET", "/systems/okta", 404),
    ];
    for (method, path, status) in cases {
        let call = Request::builder().method(method).uri(path).header("who", "read");
        let call = call.header("content-type", "application/json").body(b"{}".to_vec()).expect("a valid call");
        let answer = intake.answer(&call).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(header(&answer, "content-type"), Some("application/problem+json"), "{method} {path}");
        assert_eq!(header(&answer, "allow").is_some(), status == 405, "{method} {path}");
        assert_eq!(json_of(&answer)["status"], json!(status));
    }
    let allow = intake.answer(&get("read", "/requests")).await;
    assert_eq!(header(&allow, "allow"), Some("POST"));
}

#[tokio::test]
async fn large_bodies_and_other_types_are_refused_unread() {
    let intake = intake();
    let mut large = post("", &body());
    *large.body_mut() = vec![b' '; MAX_BODY + 1];
    assert_eq!(intake.answer(&large).await.status, 413);
    let mut full = post("write", &body());
    full.body_mut().resize(MAX_BODY, b' ');
    assert_eq!(intake.answer(&full).await.status, 202);
    for kind in ["text/plain", "application/jsonp", ""] {
        let mut form = post("", &body());
        form.headers_mut().insert("content-type", kind.parse().expect("a value"));
        assert_eq!(intake.answer(&form).await.status, 415, "{kind}");
    }
    let mut none = post("write", &body());
    none.headers_mut().remove("content-type");
    assert_eq!(intake.answer(&none).await.status, 415);
}

#[tokio::test]
async fn keys_open_what_they_are_for() {
    let intake = intake();
    let answer = intake.answer(&post("", &body())).await;
    assert_eq!(answer.status, 401);
    assert!(header(&answer, "www-authenticate").is_some());
    assert_eq!(intake.answer(&post("read", &body())).await.status, 403);
    assert_eq!(intake.answer(&post("other", &body())).await.status, 403);
    let down = intake.answer(&post("down", &body())).await;
    assert_eq!((down.status.as_u16(), header(&down, "retry-after")), (503, Some("5")));
    assert_eq!(intake.answer(&get("", "/requests/x")).await.status, 401);
    assert_eq!(intake.answer(&get("write", "/requests/x")).await.status, 403);
    for path in ["/integrations", "/integrations/x", "/integrations/x/profiles.yml", "/systems/okta/acme"] {
        assert_eq!(intake.answer(&get("", path)).await.status, 401);
        assert_eq!(intake.answer(&get("write", path)).await.status, 403);
    }
    assert_eq!(intake.answer(&post_to("write", "/explain", &json!({}))).await.status, 403);
    assert!(intake.state.requests.lock().expect("not poisoned").is_empty());
}
