//! A function that does nothing: the floor that the figures of the others are compared with. A package of its own, so
//! that it is linked with nothing but the runtime, and built by the same command as the functions.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(async |_: LambdaEvent<Value>| Ok::<Value, Error>(json!({"hello": "world"})))).await
}
