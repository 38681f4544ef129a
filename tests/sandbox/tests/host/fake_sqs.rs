//! The SQS calls that the host and its functions make, for one FIFO queue in memory.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// The queue.
#[derive(Default)]
pub struct Queue {
    messages: Mutex<Vec<Message>>,
}

struct Message {
    id: String,
    group: String,
    body: String,
    received: u32,
    receipt: String,
    visible_at: Instant,
}

/// Serves an empty queue; gives its endpoint.
pub async fn start() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = Router::new().fallback(handle).with_state(Arc::new(Queue::default()));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn handle(State(queue): State<Arc<Queue>>, headers: HeaderMap, body: String) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let body: Value = serde_json::from_str(&body).expect("JSON");
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let mut messages = queue.messages.lock().expect("not poisoned");
    let now = Instant::now();
    let visible = || now + Duration::from_secs(body["VisibilityTimeout"].as_u64().unwrap_or_default());
    let answer = match target.strip_prefix("AmazonSQS.").unwrap_or_default() {
        "CreateQueue" => json!({ "QueueUrl": format!("http://sqs.example/123456789012/{}", text("QueueName")) }),
        "SendMessage" => {
            let id = format!("m{}", messages.len());
            messages.push(Message {
                id: id.clone(),
                group: text("MessageGroupId"),
                body: text("MessageBody"),
                received: 0,
                receipt: String::new(),
                visible_at: now,
            });
            json!({ "MessageId": id })
        }
        "ReceiveMessage" => {
            let busy: Vec<String> = messages
                .iter()
                .filter(|message| message.visible_at > now)
                .map(|message| message.group.clone())
                .collect();
            match messages.iter_mut().find(|message| !busy.contains(&message.group)) {
                None => json!({}),
                Some(message) => {
                    message.received += 1;
                    message.receipt = format!("{}-{}", message.id, message.received);
                    message.visible_at = visible();
                    json!({ "Messages": [{
                        "MessageId": message.id,
                        "ReceiptHandle": message.receipt,
                        "Body": message.body,
                        "MD5OfBody": "0",
                        "Attributes": {
                            "ApproximateReceiveCount": message.received.to_string(),
                            "MessageGroupId": message.group,
                            "SentTimestamp": "0",
                            "SequenceNumber": "0",
                            "MessageDeduplicationId": message.id,
                        },
                    }] })
                }
            }
        }
        "DeleteMessage" => {
            messages.retain(|message| message.receipt != text("ReceiptHandle"));
            json!({})
        }
        "ChangeMessageVisibility" => {
            let Some(message) = messages.iter_mut().find(|message| message.receipt == text("ReceiptHandle")) else {
                return (StatusCode::BAD_REQUEST, r#"{"__type":"ReceiptHandleIsInvalid"}"#).into_response();
            };
            message.visible_at = visible();
            json!({})
        }
        "GetQueueAttributes" => json!({ "Attributes": { "ApproximateNumberOfMessages": messages.len().to_string() } }),
        other => return (StatusCode::BAD_REQUEST, format!(r#"{{"__type":"{other}"}}"#)).into_response(),
    };
    axum::Json(answer).into_response()
}
