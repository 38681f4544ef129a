//! A function that does as it is told: what the host's tests run. Its event, or the body of the SQS message in it, is a
//! command `{"do": …}`; with `PROBE=http` it answers HTTP API events instead.

use std::time::Duration;

use lambda_http::http::header;
use lambda_http::{Body, Request, RequestExt, Response};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    match std::env::var("PROBE").as_deref() {
        Ok("http") => lambda_http::run(service_fn(http)).await,
        Ok("no_init") => std::process::exit(7),
        _ => lambda_runtime::run(service_fn(event)).await,
    }
}

async fn event(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let (payload, context) = event.into_parts();
    let record = payload["Records"].get(0).cloned();
    let command = match &record {
        Some(record) => serde_json::from_str(record["body"].as_str().unwrap_or_default())?,
        None => payload,
    };
    println!("{}", json!({ "probe": command, "record": record, "pid": std::process::id() }));
    match command["do"].as_str().unwrap_or_default() {
        "context" => {
            let left = context.deadline().duration_since(std::time::SystemTime::now())?;
            return Ok(json!({
                "request_id": context.request_id,
                "left_ms": u64::try_from(left.as_millis())?,
                "arn": context.invoked_function_arn,
                "trace": context.xray_trace_id,
                "pid": std::process::id(),
                "env": std::env::vars().collect::<std::collections::BTreeMap<_, _>>(),
            }));
        }
        "fail" => return Err("as told".into()),
        "panic" => panic!("as told"),
        "exit" => std::process::exit(3),
        "exit_soon" => {
            std::thread::spawn(|| {
                std::thread::sleep(Duration::from_millis(50));
                std::process::exit(0);
            });
        }
        "hang" => std::future::pending().await,
        "sleep" => tokio::time::sleep(Duration::from_millis(command["ms"].as_u64().unwrap_or_default())).await,
        "fill" => return Ok(json!("x".repeat(7 * 1024 * 1024))),
        // A pause: the message stays, in order, and comes back after `seconds`; the second delivery succeeds.
        "pause" => {
            let record = record.ok_or("a pause needs a message")?;
            if record["attributes"]["ApproximateReceiveCount"] == "1" {
                change_visibility(&record, &command["seconds"]).await?;
                return Ok(json!({ "batchItemFailures": [{ "itemIdentifier": record["messageId"] }] }));
            }
        }
        "exit_once" if record.is_some_and(|record| record["attributes"]["ApproximateReceiveCount"] == "1") => {
            std::process::exit(3);
        }
        _ => {}
    }
    Ok(json!({ "pid": std::process::id() }))
}

async fn change_visibility(record: &Value, seconds: &Value) -> Result<(), Error> {
    let body = json!({
        "QueueUrl": std::env::var("PROBE_QUEUE")?,
        "ReceiptHandle": record["receiptHandle"],
        "VisibilityTimeout": seconds,
    });
    let request = reqwest::Client::new()
        .post(std::env::var("PROBE_SQS")?)
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", "AmazonSQS.ChangeMessageVisibility")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=k/20200101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0",
        );
    request.body(body.to_string()).send().await?.error_for_status()?;
    Ok(())
}

async fn http(request: Request) -> Result<Response<Body>, Error> {
    let path = request.uri().path().to_owned();
    match path.as_str() {
        "/requests/fail" => return Err("as told".into()),
        "/requests/binary" => {
            let bytes = request.body().to_vec().into_iter().rev().collect::<Vec<_>>();
            return Ok(Response::builder()
                .header(header::CONTENT_TYPE, "application/octet-stream")
                .body(bytes.into())?);
        }
        _ => {}
    }
    let headers = request.headers().iter();
    let seen = json!({
        "method": request.method().as_str(),
        "uri": request.uri().to_string(),
        "headers": headers.map(|(name, value)| Ok((name.as_str(), value.to_str()?))).collect::<Result<std::collections::BTreeMap<_, _>, Error>>()?,
        "id": request.path_parameters_ref().and_then(|parameters| parameters.first("id")),
        "body": match request.body() {
            Body::Text(text) => json!({ "text": text }),
            Body::Binary(bytes) => json!({ "binary": bytes }),
            _ => Value::Null,
        },
    });
    let response = Response::builder()
        .status(202)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::LOCATION, "/requests/1")
        .header(header::SET_COOKIE, "a=1; Path=/")
        .header(header::SET_COOKIE, "b=2");
    Ok(response.body(seen.to_string().into())?)
}
