//! The rotation function of Secrets Manager. Everything it does is in `extoauth-runtime`.

mod handler;

use extoauth_runtime::bootstrap::Process;
use extoauth_runtime::config::TABLE;
use extoauth_runtime::rotate::{RotationEvent, Rotator};
use lambda_runtime::{Error, LambdaEvent, service_fn};

// One thread: the work is waiting for others, and a second thread would only cost start-up.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let process = Process::start("rotate-secret", &[TABLE]).await?;
    let rotator = &Rotator::new(&process)?;
    lambda_runtime::run(service_fn(|event: LambdaEvent<RotationEvent>| handler::handle(rotator, event))).await
}
