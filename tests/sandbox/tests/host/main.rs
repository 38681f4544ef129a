//! The function host, driving a real binary built with `lambda_runtime` and `lambda_http`.

mod fake_sqs;
mod http;
mod invocations;
mod queue;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use extoauth_sandbox::host::{Host, Options, Settings, Wiring};
use extoauth_sandbox::world::World;
use serde_json::Value;

/// A host with the probe as `provision` (events) and `intake` (HTTP), and what a test looks at.
struct Bench {
    host: Host,
    world: Arc<World>,
    log: PathBuf,
    /// Variables of all functions, read again for each instance.
    env: Arc<Mutex<Vec<(String, String)>>>,
}

/// Short timeouts, so that a test of a deadline does not last.
fn wiring() -> Wiring {
    let mut wiring = Wiring::default();
    let settings = Settings { timeout: Duration::from_secs(2), concurrency: 3, ..Settings::default() };
    wiring.functions = ["intake", "provision"].map(|name| (name.to_owned(), settings)).into();
    wiring
}

impl Bench {
    async fn start(wiring: Wiring) -> Self {
        Self::with_queue(wiring, "http://127.0.0.1:9", "http://127.0.0.1:9/123456789012/none.fifo").await
    }

    async fn with_queue(wiring: Wiring, sqs: &str, queue_url: &str) -> Self {
        let log = std::env::temp_dir().join(format!("extoauth-host-{}.log", uuid::Uuid::new_v4()));
        let world = World::new();
        let probe = PathBuf::from(env!("CARGO_BIN_EXE_probe_function"));
        let given = [("PROBE_SQS", sqs), ("PROBE_QUEUE", queue_url), ("GIVEN", "1")];
        let env = Arc::new(Mutex::new(given.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()));
        let read = Arc::clone(&env);
        let options = Options {
            binaries: ["intake", "provision"].map(|name| (name.to_owned(), probe.clone())).into(),
            env: Arc::new(move |function| {
                let mut all = read.lock().expect("not poisoned").clone();
                if function == "intake" {
                    all.push(("PROBE".to_owned(), "http".to_owned()));
                }
                all
            }),
            sqs_endpoint: sqs.to_owned(),
            queues: [("provision".to_owned(), queue_url.to_owned())].into(),
            dead_letter_url: None,
            credentials: ("host".to_owned(), "not used".to_owned()),
            log_file: log.clone(),
            world: Arc::clone(&world),
        };
        let host = Host::start_with(options, wiring).await.expect("the host starts");
        Self { host, world, log, env }
    }

    /// What the probe has printed: one object for each event.
    fn printed(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.log).expect("the log is there");
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(|line: &Value| line["probe"].is_object())
            .collect()
    }

    /// Waits until the probe has printed so many lines.
    async fn printed_at_least(&self, count: usize) -> Vec<Value> {
        for _ in 0..200 {
            let printed = self.printed();
            if printed.len() >= count {
                return printed;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("only {:?}", self.printed());
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.log);
    }
}
