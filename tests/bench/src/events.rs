//! The events that the functions are measured with.

use serde_json::{Value, json};

/// An HTTP API's event, payload format 2.0 ("Create AWS Lambda proxy integrations for HTTP APIs in API Gateway").
pub fn http(method: &str, path: &str, bearer: &str, body: Option<&Value>) -> Value {
    let route = if path == "/requests" { "ANY /requests" } else { "ANY /requests/{id}" };
    let now = jiff::Timestamp::now();
    let mut event = json!({
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "authorization": format!("Bearer {bearer}"),
            "content-type": "application/json",
            "host": "bench.execute-api.us-east-1.amazonaws.com",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "bench",
            "domainName": "bench.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "bench",
            "http": {
                "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "bench",
            },
            "requestId": "bench",
            "routeKey": route,
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": now.as_millisecond(),
        },
        "isBase64Encoded": false,
    });
    if let Some(id) = path.strip_prefix("/requests/") {
        event["pathParameters"] = json!({"id": id});
    }
    if let Some(body) = body {
        event["body"] = json!(body.to_string());
    }
    event
}

/// A batch with the scheduler's message: the least that `provision` does with its table.
pub fn sweep() -> Value {
    let body = json!({"schema": 1, "kind": "sweep", "time": jiff::Timestamp::now().to_string()});
    json!({"Records": [{
        "messageId": "00000000-0000-4000-8000-000000000000",
        "receiptHandle": "bench",
        "body": body.to_string(),
        "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": "sweep"},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:extoauth-sandbox.fifo",
        "awsRegion": "us-east-1",
    }]})
}
