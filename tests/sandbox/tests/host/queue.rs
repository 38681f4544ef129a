//! The FIFO queue in front of a function, and the schedules that write to it: against a queue in memory, and against
//! moto where it is installed.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use extoauth_sandbox::host::Wiring;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::{Bench, fake_sqs, wiring};

/// An SQS and its queue.
struct Sqs {
    endpoint: String,
    queue_url: String,
    http: reqwest::Client,
    /// Ends with the test.
    _moto: Option<Child>,
}

impl Sqs {
    async fn fake() -> Self {
        Self::at(fake_sqs::start().await, None).await
    }

    /// moto of `EXTOAUTH_SANDBOX_PYTHON` or of the project's tools; `None` where there is none.
    async fn moto() -> Option<Self> {
        let tools = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.tools/venv/bin/python");
        let python = std::env::var_os("EXTOAUTH_SANDBOX_PYTHON").map_or_else(|| PathBuf::from(tools), PathBuf::from);
        if !python.exists() {
            eprintln!("no {}: skipped", python.display());
            return None;
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let moto = Command::new(python)
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("moto starts");
        let endpoint = format!("http://127.0.0.1:{port}");
        for _ in 0..200 {
            if reqwest::get(format!("{endpoint}/moto-api/")).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Some(Self::at(endpoint, Some(moto)).await)
    }

    async fn at(endpoint: String, moto: Option<Child>) -> Self {
        let mut sqs = Self { endpoint, queue_url: String::new(), http: reqwest::Client::new(), _moto: moto };
        sqs.create().await;
        sqs
    }

    async fn create(&mut self) {
        let attributes = json!({ "FifoQueue": "true", "ContentBasedDeduplication": "true", "VisibilityTimeout": "30" });
        let created = self.call("CreateQueue", json!({ "QueueName": "q.fifo", "Attributes": attributes })).await;
        created["QueueUrl"].as_str().expect("a URL").clone_into(&mut self.queue_url);
    }

    async fn call(&self, action: &str, mut body: Value) -> Value {
        if !self.queue_url.is_empty() {
            body["QueueUrl"] = json!(self.queue_url);
        }
        let request = self
            .http
            .post(&self.endpoint)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("AmazonSQS.{action}"))
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=k/20200101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0",
            );
        let answer = request.body(body.to_string()).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{action}: {}", answer.text().await.expect("a text"));
        serde_json::from_str(&answer.text().await.expect("a text")).unwrap_or_default()
    }

    async fn send(&self, group: &str, command: Value) {
        let body = json!({ "MessageBody": command.to_string(), "MessageGroupId": group });
        self.call("SendMessage", body).await;
    }

    async fn depth(&self) -> u64 {
        let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
        let answer = self.call("GetQueueAttributes", json!({ "AttributeNames": names })).await;
        names.iter().filter_map(|name| answer["Attributes"][name].as_str()?.parse::<u64>().ok()).sum()
    }

    async fn is_emptied(&self) {
        for _ in 0..100 {
            if self.depth().await == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} messages left", self.depth().await);
    }
}

async fn deliveries(mut sqs: Sqs, resets: bool) {
    let bench = Bench::with_queue(wiring(), &sqs.endpoint, &sqs.queue_url).await;

    // The event's shape.
    sqs.send("a", json!({ "do": "", "n": 1 })).await;
    let first = bench.printed_at_least(1).await.remove(0);
    let record = &first["record"];
    assert_eq!(record["eventSource"], "aws:sqs");
    assert_eq!(record["eventSourceARN"], "arn:aws:sqs:us-east-1:123456789012:q.fifo");
    assert_eq!(record["attributes"]["MessageGroupId"], "a");
    assert_eq!(record["attributes"]["ApproximateReceiveCount"], "1");
    for name in ["SentTimestamp", "SequenceNumber", "MessageDeduplicationId"] {
        assert!(record["attributes"][name].is_string(), "{name} in {record}");
    }
    sqs.is_emptied().await;

    // Groups side by side; a crash brings the message back soon, in order; a pause comes back when the function said.
    let start = Instant::now();
    sqs.send("crash", json!({ "do": "exit_once", "n": 2 })).await;
    sqs.send("crash", json!({ "do": "", "n": 3 })).await;
    sqs.send("pause", json!({ "do": "pause", "seconds": 2, "n": 4 })).await;
    sqs.send("pause", json!({ "do": "", "n": 5 })).await;
    sqs.send("free", json!({ "do": "", "n": 6 })).await;
    sqs.is_emptied().await;
    assert!(start.elapsed() >= Duration::from_secs(2), "the pause was cut short");
    let order = |numbers: [u64; 2]| {
        let all = bench.printed().into_iter().filter_map(|line| line["probe"]["n"].as_u64());
        all.filter(|n| numbers.contains(n)).collect::<Vec<_>>()
    };
    assert_eq!(order([2, 3]), [2, 2, 3]);
    assert_eq!(order([4, 5]), [4, 4, 5]);
    assert_eq!(order([6, 6]), [6]);

    // A reset while the host is quiet: what was in the queue is forgotten, what comes later is delivered.
    if resets {
        sqs.send("reset", json!({ "do": "hang" })).await;
        bench.printed_at_least(7).await;
        let quiet = bench.host.quiesce(Duration::from_millis(100)).await;
        sqs.http.post(format!("{}/moto-api/reset", sqs.endpoint)).send().await.expect("reset");
        tokio::time::sleep(Duration::from_millis(300)).await;
        drop(quiet);
        // For a moment there is no queue at all.
        tokio::time::sleep(Duration::from_millis(300)).await;
        sqs.queue_url.clear();
        sqs.create().await;
        let before = bench.printed().len();
        sqs.send("after", json!({ "do": "", "n": 7 })).await;
        bench.printed_at_least(before + 1).await;
        sqs.is_emptied().await;
    }
}

#[tokio::test]
async fn messages_are_delivered_in_order_and_brought_back() {
    deliveries(Sqs::fake().await, false).await;
}

#[tokio::test]
async fn messages_of_moto_are_delivered_in_order_and_brought_back() {
    if let Some(sqs) = Sqs::moto().await {
        deliveries(sqs, true).await;
    }
}

async fn schedules(sqs: Sqs) {
    let bench = Bench::with_queue(
        Wiring { idle_queues: ["provision".to_owned()].into(), ..wiring() },
        &sqs.endpoint,
        &sqs.queue_url,
    )
    .await;
    assert_eq!(bench.host.clock_moved().await, [""; 0]);
    // A month ahead is one sweep, with the new time.
    bench.world.clock.advance(SignedDuration::from_hours(24 * 30));
    let now = bench.world.clock.now();
    bench.host.clock_moved().await;
    assert_eq!(bench.host.clock_moved().await, [""; 0]);
    assert_eq!(sqs.depth().await, 1);
    let received = sqs.call("ReceiveMessage", json!({ "AttributeNames": ["All"] })).await;
    let message = &received["Messages"][0];
    assert_eq!(message["Attributes"]["MessageGroupId"], "sweep");
    let body: Value = serde_json::from_str(message["Body"].as_str().expect("a body")).expect("JSON");
    assert_eq!((&body["schema"], &body["kind"]), (&json!(1), &json!("sweep")));
    let time: jiff::Timestamp = body["time"].as_str().expect("a time").parse().expect("RFC 3339");
    assert!((time.as_second() - now.as_second()).abs() < 5, "{time} is not {now}");
    // Set back, the next one is five minutes away, not a month.
    bench.world.clock.reset();
    bench.host.clock_moved().await;
    bench.world.clock.advance(SignedDuration::from_mins(6));
    bench.host.clock_moved().await;
    assert_eq!(sqs.depth().await, 2);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    bench.host.run_schedule("sweep").await.expect("sent");
    assert_eq!(sqs.depth().await, 3);
    assert!(bench.host.run_schedule("other").await.is_err());
}

#[tokio::test]
async fn schedules_follow_the_sandboxs_calendar() {
    schedules(Sqs::fake().await).await;
}

#[tokio::test]
async fn schedules_write_to_moto() {
    if let Some(sqs) = Sqs::moto().await {
        schedules(sqs).await;
    }
}
