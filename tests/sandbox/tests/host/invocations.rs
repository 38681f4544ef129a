//! Invocations: answers, errors, crashes, deadlines, instances.

use std::time::{Duration, Instant};

use extoauth_sandbox::host::GRACE;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::{Bench, wiring};

async fn error_of(bench: &Bench, command: &str) -> String {
    bench.host.invoke("provision", json!({ "do": command })).await.expect_err("it fails").to_string()
}

async fn pid(bench: &Bench) -> u64 {
    bench.host.invoke("provision", json!({})).await.expect("an answer")["pid"].as_u64().expect("a pid")
}

/// Waits until a process that was killed has gone.
async fn is_gone(pid: u64) {
    for _ in 0..100 {
        if !is_alive(pid) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{pid} is still there");
}

fn is_alive(pid: u64) -> bool {
    // A zombie is dead: the launcher reaps it in its own time.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn an_invocation_has_lambdas_context_and_environment() {
    let bench = Bench::start(wiring()).await;
    let seen = bench.host.invoke("provision", json!({ "do": "context" })).await.expect("an answer");
    let left = seen["left_ms"].as_u64().expect("a deadline");
    assert!((1000..=2000).contains(&left), "{left} ms to a deadline of two seconds");
    assert_eq!(seen["arn"], "arn:aws:lambda:us-east-1:123456789012:function:provision");
    assert!(seen["trace"].as_str().expect("a trace").starts_with("Root=1-"));
    let env = seen["env"].as_object().expect("an object");
    assert_eq!(env["AWS_LAMBDA_FUNCTION_NAME"], "provision");
    assert_eq!(env["GIVEN"], "1");
    // Nothing of this process's own environment.
    let ours = ["AWS_", "LAMBDA_", "PROBE_", "GIVEN", "LANG", "PATH", "TZ", "_HANDLER", "_X_AMZN_TRACE_ID"];
    let foreign: Vec<_> = env.keys().filter(|name| !ours.iter().any(|start| name.starts_with(start))).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
}

#[tokio::test]
async fn errors_and_panics_are_reported_and_leave_the_instance_warm() {
    let bench = Bench::start(wiring()).await;
    let first = pid(&bench).await;
    assert!(error_of(&bench, "fail").await.ends_with("as told"));
    assert!(error_of(&bench, "panic").await.ends_with("as told"));
    assert_eq!(pid(&bench).await, first);
    assert!(bench.host.invoke("nobody", Value::Null).await.is_err());
}

#[tokio::test]
async fn a_crash_is_an_exit_error_and_the_next_invocation_has_a_new_instance() {
    let bench = Bench::start(wiring()).await;
    let first = pid(&bench).await;
    let error = error_of(&bench, "exit").await;
    assert!(error.starts_with("Runtime.ExitError: ") && error.ends_with("exit status 3"), "{error}");
    assert_ne!(pid(&bench).await, first);
}

#[tokio::test]
async fn an_instance_that_died_idle_costs_nobody_an_error() {
    let bench = Bench::start(wiring()).await;
    bench.host.invoke("provision", json!({ "do": "exit_soon" })).await.expect("an answer");
    tokio::time::sleep(Duration::from_millis(45)).await;
    // Around the moment of its death, and after it.
    for _ in 0..5 {
        pid(&bench).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_failed_initialisation_is_an_exit_error() {
    let bench = Bench::start(wiring()).await;
    bench.env.lock().expect("not poisoned").push(("PROBE".into(), "no_init".into()));
    let error = error_of(&bench, "").await;
    assert!(error.starts_with("Runtime.ExitError: ") && error.ends_with("exit status 7"), "{error}");
}

#[tokio::test]
async fn a_hung_function_is_killed_at_its_deadline() {
    let bench = Bench::start(wiring()).await;
    let hung = pid(&bench).await;
    let start = Instant::now();
    let error = error_of(&bench, "hang").await;
    assert!(error.starts_with("Sandbox.Timedout: ") && error.ends_with("Task timed out after 2.00 seconds"), "{error}");
    let took = start.elapsed();
    assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(4), "{took:?}");
    assert!(!is_alive(hung));
}

#[tokio::test]
async fn an_answer_over_six_megabytes_is_an_error() {
    let bench = Bench::start(wiring()).await;
    assert!(error_of(&bench, "fill").await.starts_with("Function.ResponseSizeTooLarge: "));
}

#[tokio::test]
async fn several_instances_run_at_once_but_not_more_than_allowed() {
    let bench = Bench::start(wiring()).await;
    let start = Instant::now();
    let answers = join_all((0..6).map(|_| bench.host.invoke("provision", json!({ "do": "sleep", "ms": 400 })))).await;
    let mut pids: Vec<_> = answers.into_iter().map(|answer| answer.expect("an answer")["pid"].as_u64()).collect();
    pids.sort();
    pids.dedup();
    assert_eq!(pids.len(), 3);
    assert!(start.elapsed() >= Duration::from_millis(800));
    assert_eq!(bench.host.pids("provision").expect("known").len(), 3);
}

#[tokio::test]
async fn kill_ends_the_busy_instance_and_spares_the_idle_one() {
    let bench = Bench::start(wiring()).await;
    // Two instances, one of them busy again.
    join_all((0..2).map(|_| bench.host.invoke("provision", json!({ "do": "sleep", "ms": 100 })))).await;
    let before = bench.host.pids("provision").expect("known");
    assert_eq!(before.len(), 2);
    let busy = bench.host.invoke("provision", json!({ "do": "hang" }));
    let kill = async {
        bench.printed_at_least(3).await;
        bench.host.kill("provision").await;
        assert_eq!(bench.host.pids("provision").expect("known").len(), 1);
    };
    let (ended, ()) = tokio::join!(busy, kill);
    assert!(ended.expect_err("killed").to_string().ends_with("Runtime exited with error: signal: killed"));
}

#[tokio::test]
async fn a_restart_reads_the_environment_again_and_lets_running_work_end() {
    let bench = Bench::start(wiring()).await;
    let first = pid(&bench).await;
    let running = bench.host.invoke("provision", json!({ "do": "sleep", "ms": 500 }));
    let restart = async {
        bench.printed_at_least(2).await;
        bench.env.lock().expect("not poisoned").push(("GIVEN".into(), "2".into()));
        bench.host.restart().await.expect("restarted");
        bench.host.invoke("provision", json!({ "do": "context" })).await.expect("an answer")
    };
    let (ended, seen) = tokio::join!(running, restart);
    assert_eq!(ended.expect("it ended")["pid"], first);
    assert_eq!(seen["env"]["GIVEN"], "2");
    assert_ne!(seen["pid"], first);
    is_gone(first).await;
    bench.env.lock().expect("not poisoned").push(("EXTOAUTH_SYSTEMS".into(), "x".repeat(5000)));
    assert!(bench.host.restart().await.is_err(), "over Lambda's four kilobytes");
}

#[tokio::test]
async fn nothing_runs_while_the_host_is_quiet() {
    let bench = Bench::start(wiring()).await;
    let warm = pid(&bench).await;
    let hanging = bench.host.invoke("provision", json!({ "do": "hang" }));
    let quiet = async {
        bench.printed_at_least(2).await;
        let quiet = bench.host.quiesce(Duration::from_millis(100)).await;
        assert!(!is_alive(warm));
        let held = tokio::time::timeout(Duration::from_millis(200), pid(&bench)).await;
        assert!(held.is_err(), "an invocation ran");
        drop(quiet);
        pid(&bench).await
    };
    let (ended, after) = tokio::join!(hanging, quiet);
    assert!(ended.is_err());
    assert_ne!(after, warm);
    drop(bench.host.quiesce(GRACE).await);
}

#[tokio::test]
async fn nothing_survives_the_host() {
    let bench = Bench::start(wiring()).await;
    let first = pid(&bench).await;
    drop(bench);
    is_gone(first).await;
}

#[tokio::test]
async fn the_invoke_api_speaks_as_lambda_does() {
    let bench = Bench::start(wiring()).await;
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let url = |name: &str| format!("{}/2015-03-31/functions/{name}/invocations", bench.host.lambda_url());
    let post = |name: &str, body: &'static str| http.post(url(name)).body(body).send();

    let ok = post("provision", r#"{"do":""}"#).await.expect("an answer");
    assert_eq!((ok.status().as_u16(), ok.headers().get("x-amz-function-error")), (200, None));
    assert_eq!(ok.headers()["x-amz-executed-version"], "$LATEST");
    assert!(ok.json::<Value>().await.expect("JSON")["pid"].is_u64());

    let failed = post("arn:aws:lambda:us-east-1:123456789012:function:provision", r#"{"do":"fail"}"#).await;
    let failed = failed.expect("an answer");
    assert_eq!(
        (failed.status().as_u16(), &failed.headers()["x-amz-function-error"]),
        (200, &"Unhandled".parse().expect(""))
    );
    assert_eq!(failed.json::<Value>().await.expect("JSON")["errorMessage"], "as told");

    let unknown = post("nobody", "{}").await.expect("an answer");
    assert_eq!(unknown.status(), 404);
    assert_eq!(unknown.headers()["x-amzn-errortype"], "ResourceNotFoundException");
    assert_eq!(post("provision", "{").await.expect("an answer").status(), 400);

    let before = bench.printed().len();
    let event = http.post(url("provision")).header("x-amz-invocation-type", "Event").body(r#"{"do":"exit"}"#);
    assert_eq!(event.send().await.expect("an answer").status(), 202);
    // Tried three times in all.
    bench.printed_at_least(before + 3).await;
}
