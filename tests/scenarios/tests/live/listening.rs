//! What is told by SNS and EventBridge.

use extoauth_scenarios::Stage;
use extoauth_scenarios::client::Client;
use serde_json::json;

/// Queues that get a copy of everything that is published.
pub async fn listen(client: &Client, stage: &Stage) -> (String, String) {
    let environment: std::collections::HashMap<_, _> = stage.sandbox.function_env("provision").into_iter().collect();
    let mut urls = Vec::new();
    let mut arns = Vec::new();
    for name in ["heard-topic", "heard-bus"] {
        let made = client.aws("sqs", "AmazonSQS.CreateQueue", &json!({"QueueName": name})).await.expect("a queue");
        let url = made["QueueUrl"].as_str().expect("a URL").to_owned();
        let wanted = json!({"QueueUrl": url, "AttributeNames": ["QueueArn"]});
        let attributes = client.aws("sqs", "AmazonSQS.GetQueueAttributes", &wanted).await.expect("attributes");
        arns.push(attributes["Attributes"]["QueueArn"].as_str().expect("an ARN").to_owned());
        urls.push(url);
    }
    let topic = &environment["EXTOAUTH_TOPIC_ARN"];
    let subscribe = [("Action", "Subscribe"), ("TopicArn", topic), ("Protocol", "sqs"), ("Endpoint", arns[0].as_str())];
    client.aws_query("sns", "2010-03-31", &subscribe).await.expect("a subscription");
    let bus = &environment["EXTOAUTH_EVENT_BUS"];
    let rule = json!({"Name": "heard", "EventBusName": bus, "EventPattern": r#"{"source":["extoauth"]}"#});
    client.aws("events", "AWSEvents.PutRule", &rule).await.expect("a rule");
    let targets = json!({"Rule": "heard", "EventBusName": bus, "Targets": [{"Id": "heard", "Arn": arns[1]}]});
    client.aws("events", "AWSEvents.PutTargets", &targets).await.expect("a target");
    let bus = urls.pop().expect("two");
    (urls.pop().expect("two"), bus)
}

/// What came there since it was last asked.
pub async fn heard(client: &Client, queue: &str) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let body = json!({"QueueUrl": queue, "MaxNumberOfMessages": 10});
        let answer = client.aws("sqs", "AmazonSQS.ReceiveMessage", &body).await.expect("messages");
        let Some(messages) = answer["Messages"].as_array().filter(|messages| !messages.is_empty()).cloned() else {
            return all;
        };
        for message in &messages {
            let taken = json!({"QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"]});
            client.aws("sqs", "AmazonSQS.DeleteMessage", &taken).await.expect("a message that was read");
            all.extend(message["Body"].as_str().map(str::to_owned));
        }
    }
}
