//! What the sandbox's AWS account holds at start, and the way back to it.

use std::collections::BTreeMap;

use anyhow::Context as _;
use http::Method;
use serde_json::{Value, json};

use super::Moto;
use crate::seed::{BUS, CHECK_QUEUES, DEAD_LETTER_QUEUE, GROUP, IDENTITY_STORE, QUEUE, REGION, TABLE, TOPIC, USERS};

/// What differs from one sandbox to the next.
#[derive(Clone, Debug, Default)]
pub struct Seed {
    /// Operator-made secrets: name to value.
    pub secrets: BTreeMap<String, String>,
}

/// How what was seeded is called from outside.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Operator-made secrets: name to ARN.
    pub secrets: BTreeMap<String, String>,
    /// ARN of the topic.
    pub topic_arn: String,
    /// Path of the queue's URL.
    pub queue_path: String,
    /// Path of the URL of each check's own queue, by function.
    pub check_queue_paths: BTreeMap<String, String>,
    /// Path of the dead-letter queue's URL.
    pub dead_letter_path: String,
}

impl Names {
    /// ARN of an operator-made secret; empty where there is none of that name.
    pub fn secret(&self, name: &str) -> String {
        self.secrets.get(name).cloned().unwrap_or_default()
    }
}

/// Days the queue keeps a message, in seconds.
const RETENTION: &str = "1209600";
/// Times a message is received before it goes to the dead-letter queue: a pause is a receive, so it is high.
const RECEIVES: u32 = 1000;

impl Moto {
    /// Removes what the account holds and makes what it holds at start.
    ///
    /// # Errors
    /// moto does not answer, or refuses.
    pub async fn seed(&self, seed: &Seed) -> anyhow::Result<Names> {
        let mut all = Vec::new();
        for service in ["dynamodb", "sqs", "sns", "events", "scheduler", "secretsmanager", "identitystore"] {
            // Nobody calls while things go and come.
            all.push(self.turn(service, "").await);
        }
        self.clear().await?;
        self.table().await?;
        let dead = self.queue(DEAD_LETTER_QUEUE, None).await?;
        let queue = self.queue(QUEUE, Some(&dead)).await?;
        let path = |url: &str| anyhow::Ok(url::Url::parse(url)?.path().to_owned());
        let mut check_queue_paths = BTreeMap::new();
        for (function, name) in CHECK_QUEUES {
            check_queue_paths.insert(function.to_owned(), path(&self.queue(name, Some(&dead)).await?)?);
        }
        let topic = self.sns("CreateTopic", &[("Name", TOPIC)]).await?;
        let topic_arn = tag(&topic, "TopicArn").context("moto: CreateTopic without TopicArn")?.to_owned();
        self.must("events", "AWSEvents.CreateEventBus", json!({"Name": BUS})).await?;
        self.directory().await?;
        let mut secrets = BTreeMap::new();
        for (name, value) in &seed.secrets {
            let body = json!({"Name": name, "SecretString": value, "ClientRequestToken": uuid::Uuid::new_v4()});
            let made = self.must("secretsmanager", "secretsmanager.CreateSecret", body).await?;
            secrets.insert(name.clone(), text(&made, "ARN")?.to_owned());
        }
        let (queue_path, dead_letter_path) = (path(&queue)?, path(&dead)?);
        Ok(Names { secrets, topic_arn, queue_path, check_queue_paths, dead_letter_path })
    }

    /// Gives an operator-made secret another value.
    ///
    /// # Errors
    /// moto does not answer, or there is no such secret.
    pub async fn put_secret(&self, name: &str, value: &str) -> anyhow::Result<()> {
        let _turn = self.turn("secretsmanager", "").await;
        let body = json!({"SecretId": name, "SecretString": value, "ClientRequestToken": uuid::Uuid::new_v4()});
        self.must("secretsmanager", "secretsmanager.PutSecretValue", body).await?;
        Ok(())
    }

    async fn clear(&self) -> anyhow::Result<()> {
        for table in self.list("dynamodb", "DynamoDB_20120810.ListTables", json!({}), "TableNames").await? {
            self.must("dynamodb", "DynamoDB_20120810.DeleteTable", json!({"TableName": table})).await?;
        }
        for queue in self.list("sqs", "AmazonSQS.ListQueues", json!({}), "QueueUrls").await? {
            self.must("sqs", "AmazonSQS.DeleteQueue", json!({"QueueUrl": queue})).await?;
        }
        let topics = self.sns("ListTopics", &[]).await?;
        for topic in topics.split("<TopicArn>").skip(1).filter_map(|rest| rest.split_once("</TopicArn>")) {
            self.sns("DeleteTopic", &[("TopicArn", topic.0)]).await?;
        }
        for bus in self.list("events", "AWSEvents.ListEventBuses", json!({}), "EventBuses").await? {
            if bus["Name"] != "default" {
                self.must("events", "AWSEvents.DeleteEventBus", json!({"Name": bus["Name"]})).await?;
            }
        }
        let schedules = self.rest("scheduler", Method::GET, "/schedules").await?;
        for schedule in schedules["Schedules"].as_array().into_iter().flatten() {
            let (group, name) = (text(schedule, "GroupName")?, text(schedule, "Name")?);
            let path = format!("/schedules/{name}?groupName={group}");
            self.rest("scheduler", Method::DELETE, &path).await?;
        }
        let all = json!({"IncludePlannedDeletion": true});
        for secret in self.list("secretsmanager", "secretsmanager.ListSecrets", all, "SecretList").await? {
            let body = json!({"SecretId": secret["ARN"], "ForceDeleteWithoutRecovery": true});
            self.must("secretsmanager", "secretsmanager.DeleteSecret", body).await?;
        }
        Ok(())
    }

    async fn table(&self) -> anyhow::Result<()> {
        let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
        let table = json!({
            "TableName": TABLE,
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"},
            ],
            "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
            "BillingMode": "PAY_PER_REQUEST",
        });
        self.must("dynamodb", "DynamoDB_20120810.CreateTable", table).await?;
        let expiry = json!({"Enabled": true, "AttributeName": "ttl"});
        let body = json!({"TableName": TABLE, "TimeToLiveSpecification": expiry});
        self.must("dynamodb", "DynamoDB_20120810.UpdateTimeToLive", body).await?;
        Ok(())
    }

    /// Makes a FIFO queue and returns its URL.
    async fn queue(&self, name: &str, dead: Option<&str>) -> anyhow::Result<String> {
        // EventBridge Scheduler gives no deduplication id, so the queue makes it from the content.
        let mut attributes =
            json!({"FifoQueue": "true", "ContentBasedDeduplication": "true", "MessageRetentionPeriod": RETENTION});
        if dead.is_some() {
            let arn = format!("arn:aws:sqs:{REGION}:{}:{DEAD_LETTER_QUEUE}", self.account);
            let policy = json!({"deadLetterTargetArn": arn, "maxReceiveCount": RECEIVES});
            attributes["RedrivePolicy"] = json!(policy.to_string());
        }
        let body = json!({"QueueName": name, "Attributes": attributes});
        let made = self.must("sqs", "AmazonSQS.CreateQueue", body).await?;
        Ok(text(&made, "QueueUrl")?.to_owned())
    }

    /// The group and its users, as SCIM provisioning leaves them: user name and only e-mail address are the same. Those
    /// that are there stay (moto cannot change a user or group), so that a reset keeps their ids.
    async fn directory(&self) -> anyhow::Result<()> {
        let mut members = Vec::new();
        for user in self.users().await? {
            if user["UserName"].as_str().is_some_and(|name| USERS.contains(&name)) {
                members.push(user);
            } else {
                self.directory_call("DeleteUser", json!({"UserId": user["UserId"]})).await?;
            }
        }
        let mut group = Value::Null;
        for found in self.groups().await? {
            if found["DisplayName"] == GROUP && group.is_null() {
                group = found;
            } else {
                self.directory_call("DeleteGroup", json!({"GroupId": found["GroupId"]})).await?;
            }
        }
        if group.is_null() {
            group = self.directory_call("CreateGroup", json!({"DisplayName": GROUP})).await?;
        }
        // moto does not remove memberships with their user or group.
        for membership in self.memberships().await? {
            let id = json!({"MembershipId": membership["MembershipId"]});
            self.directory_call("DeleteGroupMembership", id).await?;
        }
        for user in USERS {
            let there = members.iter().find(|member| member["UserName"] == user).cloned();
            let member = match there {
                Some(member) => member,
                None => {
                    let name = user.split('@').next().unwrap_or(user);
                    let body = json!({
                        "UserName": user, "DisplayName": name,
                        "Name": {"GivenName": name, "FamilyName": "Developer"},
                        "Emails": [{"Value": user, "Type": "work", "Primary": true}],
                    });
                    self.directory_call("CreateUser", body).await?
                }
            };
            let body = json!({"GroupId": group["GroupId"], "MemberId": {"UserId": member["UserId"]}});
            self.directory_call("CreateGroupMembership", body).await?;
        }
        Ok(())
    }

    async fn directory_call(&self, operation: &str, mut body: Value) -> anyhow::Result<Value> {
        body["IdentityStoreId"] = json!(IDENTITY_STORE);
        self.must("identitystore", &format!("AWSIdentityStore.{operation}"), body).await
    }

    pub(super) async fn users(&self) -> anyhow::Result<Vec<Value>> {
        let body = json!({"IdentityStoreId": IDENTITY_STORE});
        self.list("identitystore", "AWSIdentityStore.ListUsers", body, "Users").await
    }

    pub(super) async fn groups(&self) -> anyhow::Result<Vec<Value>> {
        let body = json!({"IdentityStoreId": IDENTITY_STORE});
        self.list("identitystore", "AWSIdentityStore.ListGroups", body, "Groups").await
    }

    pub(super) async fn memberships(&self) -> anyhow::Result<Vec<Value>> {
        let mut all = Vec::new();
        for group in self.groups().await? {
            let body = json!({"IdentityStoreId": IDENTITY_STORE, "GroupId": group["GroupId"]});
            let target = "AWSIdentityStore.ListGroupMemberships";
            all.extend(self.list("identitystore", target, body, "GroupMemberships").await?);
        }
        Ok(all)
    }

    /// All entries of a list that comes in pages.
    pub(super) async fn list(
        &self,
        service: &str,
        target: &str,
        mut body: Value,
        key: &str,
    ) -> anyhow::Result<Vec<Value>> {
        let mut all = Vec::new();
        loop {
            let mut page = self.must(service, target, body.clone()).await?;
            if let Some(Value::Array(entries)) = page.get_mut(key).map(Value::take) {
                all.extend(entries);
            }
            match page.get("NextToken").filter(|token| !token.is_null()) {
                Some(token) => body["NextToken"] = token.clone(),
                None => return Ok(all),
            }
        }
    }
}

fn text<'a>(value: &'a Value, key: &str) -> anyhow::Result<&'a str> {
    value.get(key).and_then(Value::as_str).with_context(|| format!("moto: no {key} in {value}"))
}

/// The text of the first element of this name.
fn tag<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0)
}
