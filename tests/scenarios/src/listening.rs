//! What is told by SNS and EventBridge: queues that get a copy of everything that is published.

use anyhow::Context as _;
use extoauth_sandbox::seed::{BUS, TOPIC};
use serde_json::{Value, json};

use crate::client::Client;

/// URLs of the queues that get what is published.
#[derive(Clone, Debug)]
pub struct Listening {
    /// What the topic publishes.
    pub topic: String,
    /// What is put on the bus.
    pub bus: String,
}

impl Client {
    /// Subscribes queues to the topic and to the bus of the functions.
    ///
    /// # Errors
    /// The emulator refuses.
    pub async fn listen(&self) -> anyhow::Result<Listening> {
        let (topic, topic_queue) = self.queue("heard-topic").await?;
        let (bus, bus_queue) = self.queue("heard-bus").await?;
        let topics = self.aws_query("sns", "2010-03-31", &[("Action", "ListTopics")]).await?;
        let each = topics.split("<TopicArn>").skip(1).filter_map(|rest| rest.split_once("</TopicArn>"));
        let arn = each.map(|(arn, _)| arn).find(|arn| arn.rsplit(':').next() == Some(TOPIC));
        let subscribe = [
            ("Action", "Subscribe"),
            ("TopicArn", arn.context("the functions' topic is not there")?),
            ("Protocol", "sqs"),
            ("Endpoint", topic_queue.as_str()),
        ];
        self.aws_query("sns", "2010-03-31", &subscribe).await?;
        let rule = json!({"Name": "heard", "EventBusName": BUS, "EventPattern": r#"{"source":["extoauth"]}"#});
        self.aws("events", "AWSEvents.PutRule", &rule).await?;
        let targets = json!({"Rule": "heard", "EventBusName": BUS, "Targets": [{"Id": "heard", "Arn": bus_queue}]});
        self.aws("events", "AWSEvents.PutTargets", &targets).await?;
        Ok(Listening { topic, bus })
    }

    /// A queue's URL and ARN.
    async fn queue(&self, name: &str) -> anyhow::Result<(String, String)> {
        let made = self.aws("sqs", "AmazonSQS.CreateQueue", &json!({"QueueName": name})).await?;
        let url = made["QueueUrl"].as_str().context("a queue without URL")?.to_owned();
        let wanted = json!({"QueueUrl": url, "AttributeNames": ["QueueArn"]});
        let attributes = self.aws("sqs", "AmazonSQS.GetQueueAttributes", &wanted).await?;
        let arn = attributes["Attributes"]["QueueArn"].as_str().context("a queue without ARN")?.to_owned();
        Ok((url, arn))
    }

    /// What came to a queue since it was last asked.
    ///
    /// # Errors
    /// The emulator refuses.
    pub async fn heard(&self, queue: &str) -> anyhow::Result<Vec<String>> {
        let mut all = Vec::new();
        loop {
            let body = json!({"QueueUrl": queue, "MaxNumberOfMessages": 10});
            let answer = self.aws("sqs", "AmazonSQS.ReceiveMessage", &body).await?;
            let Some(messages) = answer["Messages"].as_array().filter(|messages| !messages.is_empty()).cloned() else {
                return Ok(all);
            };
            for message in &messages {
                let taken = json!({"QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"]});
                self.aws("sqs", "AmazonSQS.DeleteMessage", &taken).await?;
                all.extend(message["Body"].as_str().map(str::to_owned));
            }
        }
    }

    /// Subjects of what the topic published since it was last asked.
    ///
    /// # Errors
    /// As [`Client::heard`].
    pub async fn subjects(&self, listening: &Listening) -> anyhow::Result<Vec<String>> {
        let read = |body: String| serde_json::from_str::<Value>(&body).ok()?["Subject"].as_str().map(str::to_owned);
        Ok(self.heard(&listening.topic).await?.into_iter().filter_map(read).collect())
    }
}
