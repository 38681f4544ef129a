//! The function behind the queue: carries out requests and sweeps. Everything it does is in `extoauth-runtime`.

mod handler;

use aws_lambda_events::sqs::SqsEvent;
use extoauth_runtime::bootstrap::Process;
use extoauth_runtime::config::{QUEUE_URL, TABLE};
use extoauth_runtime::provision::Worker;
use lambda_runtime::{Error, LambdaEvent, service_fn};

// One thread: the work is waiting for others, and a second thread would only cost start-up.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let process = Process::start("provision", &[TABLE, QUEUE_URL]).await?;
    let worker = &Worker::new(&process)?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<SqsEvent>| handler::handle(worker, event))).await
}
