//! The HTTP API: takes the requests of ticket systems and says where they stand.

mod handler;

use extoauth_runtime::bootstrap::Process;
use extoauth_runtime::config::{INTAKE_SECRET, QUEUE_URL, TABLE};
use extoauth_runtime::intake::Intake;
use extoauth_runtime::queue::Queue;
use extoauth_runtime::store::Store;
use extoauth_runtime::webhook::SecretDoor;
use lambda_http::{Error, Request, service_fn};

// One thread: an invocation handles one call and waits for the network most of the time.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let process = Process::start("intake", &[TABLE, QUEUE_URL, INTAKE_SECRET]).await?;
    let config = &process.config;
    // All of these are used by the first call, so they are made before it; none of them makes a call itself.
    let intake = Intake {
        deployment: config.deployment.clone(),
        door: SecretDoor::new(process.vault.clone(), &config.intake_secret),
        state: Store::new(&process.aws, &config.table, process.clock.clone()),
        outbox: Queue::new(&process.aws, &config.queue_url),
        systems: config.systems.clone(),
        policy: config.policy.clone(),
        clock: process.clock.clone(),
    };
    lambda_http::run(service_fn(|event: Request| handler::handle(&process, &intake, event))).await
}
