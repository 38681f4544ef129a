//! The promises of the state store, kept by both of them: the one in memory and the one in DynamoDB (through a moto
//! server, where an interpreter that has moto is found; without one those tests say that they skip).

#[path = "store/dynamo.rs"]
mod dynamo;
#[path = "store/laws.rs"]
mod laws;
#[path = "store/moto.rs"]
mod moto;
#[path = "store/notices.rs"]
mod notices;
#[path = "store/requests.rs"]
mod requests;

use std::sync::Arc;

use extoauth_core::engine::memory::Memory;

#[tokio::test(flavor = "current_thread")]
async fn the_store_in_memory_keeps_the_promises() {
    let clock = laws::Hand::new();
    laws::all(&Memory::new(Arc::clone(&clock) as _), &clock).await;
}
