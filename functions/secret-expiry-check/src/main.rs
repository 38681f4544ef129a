//! The scheduled check of secrets and certificates. Everything it does is in `extoauth-runtime`.

mod handler;

use extoauth_runtime::bootstrap::Process;
use extoauth_runtime::config::{INTAKE_SECRET, SHARD_QUEUE_URL, TABLE};
use extoauth_runtime::scheduled::{Checker, Watch};
use lambda_runtime::{Error, LambdaEvent, service_fn};

// One thread: the work is waiting for others, and a second thread would only cost start-up.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let process = Process::start("secret-expiry-check", &[TABLE, SHARD_QUEUE_URL, INTAKE_SECRET]).await?;
    let checker = &Checker::new(&process, Watch::Secrets)?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<serde_json::Value>| handler::handle(checker, event))).await
}
