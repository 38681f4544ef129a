//! The HTTP API in front of a function.

use serde_json::{Value, json};

use crate::{Bench, wiring};

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

#[tokio::test]
async fn a_request_reaches_the_function_and_its_answer_the_caller() {
    let bench = Bench::start(wiring()).await;
    let url = bench.host.intake_url().to_owned();
    let request = client()
        .post(format!("{url}/requests?a=1&b=two%20words"))
        .header("Cookie", "s=1; t=2")
        .header("X-Many", "1")
        .header("X-Many", "2")
        .json(&json!({ "é": 1 }));
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 202);
    assert_eq!(answer.headers()["location"], "/requests/1");
    assert!(answer.headers().contains_key("apigw-requestid"));
    let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1; Path=/", "b=2"]);
    let seen: Value = answer.json().await.expect("JSON");
    assert_eq!(seen["method"], "POST");
    assert_eq!(seen["uri"], format!("{url}/requests?a=1&b=two%20words"));
    assert_eq!(seen["headers"]["cookie"], "s=1; t=2");
    assert_eq!(seen["headers"]["x-many"], "1,2");
    assert_eq!(seen["headers"]["x-forwarded-for"], "127.0.0.1");
    assert_eq!(seen["body"]["text"], r#"{"é":1}"#);
}

#[tokio::test]
async fn bodies_that_are_no_text_pass_unharmed_both_ways() {
    let bench = Bench::start(wiring()).await;
    let url = bench.host.intake_url();
    let bytes: Vec<u8> = (0..=255).collect();
    let answer = client().put(format!("{url}/requests/binary")).body(bytes.clone()).send().await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "application/octet-stream");
    let back = answer.bytes().await.expect("a body");
    assert_eq!(back.iter().rev().copied().collect::<Vec<u8>>(), bytes);
    let form = client().post(format!("{url}/requests")).form(&[("a", "1")]).send().await.expect("an answer");
    let seen: Value = form.json().await.expect("JSON");
    assert_eq!(seen["body"]["binary"], json!(b"a=1".to_vec()), "a form comes as base64");
}

#[tokio::test]
async fn routes_errors_and_limits_are_the_gateways() {
    let bench = Bench::start(wiring()).await;
    let url = bench.host.intake_url();
    let get = |path: &str| client().get(format!("{url}{path}")).send();
    let one: Value = get("/requests/abc%20d").await.expect("an answer").json().await.expect("JSON");
    assert_eq!(one["id"], "abc d");
    assert_eq!(one["body"], Value::Null);
    for path in ["/", "/nothing", "/requests/a/b"] {
        let answer = get(path).await.expect("an answer");
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(answer.json::<Value>().await.expect("JSON"), json!({ "message": "Not Found" }));
    }
    let failed = get("/requests/fail").await.expect("an answer");
    assert_eq!(failed.status(), 500);
    assert_eq!(failed.json::<Value>().await.expect("JSON"), json!({ "message": "Internal Server Error" }));
    let large = client().post(format!("{url}/requests")).body(vec![b'x'; 10 * 1024 * 1024 + 1]).send().await;
    assert_eq!(large.expect("an answer").status(), 413);
    let many = client().get(format!("{url}/requests")).header("x-long", "x".repeat(11_000)).send().await;
    assert_eq!(many.expect("an answer").status(), 431);
}
