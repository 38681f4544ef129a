//! What is told by SNS and EventBridge.

use extoauth_scenarios::client::Client;

/// Queues that get a copy of everything that is published: by the topic, and on the bus.
pub async fn listen(client: &Client) -> (String, String) {
    let listening = client.listen().await.expect("queues");
    (listening.topic, listening.bus)
}

/// What came there since it was last asked.
pub async fn heard(client: &Client, queue: &str) -> Vec<String> {
    client.heard(queue).await.expect("messages")
}
