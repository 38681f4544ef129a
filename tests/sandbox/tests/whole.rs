//! A whole sandbox in this process: its doors, its control API, and moto corrected.

use std::sync::Arc;

use extoauth_sandbox::moto;
use extoauth_sandbox::sandbox::{Options, Sandbox};
use extoauth_sandbox::seed;
use extoauth_sandbox::world::access_key;
use http::StatusCode;
use serde_json::{Value, json};

/// A sandbox with its AWS account, or none where moto is not installed.
async fn with_moto() -> Option<Arc<Sandbox>> {
    if !moto::installed() {
        eprintln!("skipped: no Python with moto ({} names one)", moto::PYTHON);
        return None;
    }
    Some(Sandbox::start(Options::with_moto()).await.expect("a sandbox"))
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

struct Answer {
    status: StatusCode,
    body: Value,
}

/// A call of a JSON service.
async fn aws(sandbox: &Sandbox, caller: &str, service: &str, target: &str, body: Value) -> Answer {
    let (key, _) = access_key(caller);
    let credential = format!("{key}/20260101/{}/{service}/aws4_request", seed::REGION);
    let answer = client()
        .post(sandbox.aws_endpoint(service))
        .header("x-amz-target", target)
        .header("content-type", "application/x-amz-json-1.0")
        .header("authorization", format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"))
        .body(body.to_string())
        .send()
        .await
        .expect("an answer");
    let status = answer.status();
    Answer { status, body: answer.json().await.expect("JSON") }
}

async fn secret(sandbox: &Sandbox, action: &str, body: Value) -> Answer {
    aws(sandbox, "provision", "secretsmanager", &format!("secretsmanager.{action}"), body).await
}

async fn control(sandbox: &Sandbox, method: &str, path: &str, body: Option<Value>) -> Answer {
    let method = method.parse().expect("a method");
    let mut request = client().request(method, format!("{}{path}", sandbox.control_url()));
    if let Some(body) = body {
        request = request.body(body.to_string());
    }
    let answer = request.send().await.expect("an answer");
    let status = answer.status();
    Answer { status, body: answer.json().await.expect("JSON") }
}

#[tokio::test]
async fn without_moto_the_vendors_and_identity_center_are_there() {
    let sandbox = Sandbox::start(Options::in_process()).await.expect("a sandbox");
    let root = reqwest::Certificate::from_pem(sandbox.ca_pem().as_bytes()).expect("a certificate");
    let proxy = reqwest::Proxy::https(sandbox.proxy_url("provision")).expect("a proxy");
    let client = reqwest::Client::builder().proxy(proxy).tls_certs_only([root]).build().expect("a client");
    for host in [seed::OKTA_HOST, seed::DBT_HOST, seed::SERVICENOW_HOST] {
        client.get(format!("https://{host}/")).send().await.expect(host);
    }
    let body = json!({"InstanceArn": seed::INSTANCE_ARN});
    let issuers = aws(&sandbox, "provision", "sso", "SWBExternalService.ListTrustedTokenIssuers", body).await;
    assert_eq!(issuers.status, StatusCode::OK, "the general address serves it as well: {}", issuers.body);
    assert_eq!(issuers.body["TrustedTokenIssuers"][0]["TrustedTokenIssuerArn"], seed::FOREIGN_ISSUER_ARN);
    let calls = control(&sandbox, "GET", "/calls?after=0", None).await.body;
    let systems: Vec<&str> =
        calls.as_array().expect("a list").iter().filter_map(|call| call["system"].as_str()).collect();
    assert_eq!(systems, ["okta", "dbt", "servicenow", "sso-admin"]);
    assert_eq!(calls[3]["path"], "ListTrustedTokenIssuers");

    let directory = sandbox.directory().to_owned();
    assert!(directory.join("ca.pem").exists());
    sandbox.shutdown().await;
    assert!(!directory.exists(), "a temporary folder goes with its sandbox");
}

#[tokio::test]
async fn the_control_api_says_what_is_wrong() {
    let sandbox = Sandbox::start(Options::in_process()).await.expect("a sandbox");
    for (method, path, body) in [
        ("GET", "/calls?after=many", None),
        ("POST", "/faults", Some(json!([{"fault": "explode"}]))),
        ("POST", "/faults", Some(json!([{"fault": "garbage", "where": "okta"}]))),
        ("POST", "/latency", Some(json!({"ms": -1}))),
        ("POST", "/clock", Some(json!({"advance": "a while"}))),
        ("PUT", "/config", Some(json!({"systems": "none"}))),
        ("PUT", "/config", Some(json!({"system": {}}))),
    ] {
        let answer = control(&sandbox, method, path, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{method} {path}");
        assert!(answer.body["error"].as_str().is_some_and(|reason| !reason.is_empty()));
    }
    let before = sandbox.world.clock.now();
    assert_eq!(control(&sandbox, "POST", "/clock", Some(json!({"advance": "P30D"}))).await.status, StatusCode::OK);
    assert!(sandbox.world.clock.now().duration_since(before).as_hours() >= 24 * 30);
    let policy = json!({"writes": "off"});
    control(&sandbox, "PUT", "/config", Some(json!({"policy": policy}))).await;
    assert_eq!(sandbox.policy(), policy);
    assert!(sandbox.systems_config()["okta"][seed::OKTA_NAME].is_object(), "what is not given stays");
    control(&sandbox, "POST", "/faults", Some(json!([{"system": "dbt", "fault": "status:500", "times": 9}]))).await;
    control(&sandbox, "POST", "/reset", None).await;
    assert_ne!(sandbox.policy(), policy);
    assert_eq!(sandbox.world.clock.ahead().as_secs(), 0);
    let answer = client()
        .get(format!(
            "{}/api/v2/accounts/",
            sandbox.sandbox_json()["admin"]["dbt"]["acme"]["url"].as_str().expect("a URL")
        ))
        .send()
        .await;
    assert_ne!(answer.expect("an answer").status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn a_version_of_a_secret_is_never_changed() {
    let Some(sandbox) = with_moto().await else { return };
    let token = "11111111-2222-4333-8444-555555555555";
    let create =
        |value: &str| json!({"Name": "extoauth/sandbox/a", "SecretString": value, "ClientRequestToken": token});
    let made = secret(&sandbox, "CreateSecret", create("one")).await;
    assert_eq!(made.status, StatusCode::OK);
    let again = secret(&sandbox, "CreateSecret", create("one")).await;
    assert_eq!((&again.body["ARN"], &again.body["VersionId"]), (&made.body["ARN"], &json!(token)));
    let other = secret(&sandbox, "CreateSecret", create("two")).await;
    assert_eq!((other.status, &other.body["__type"]), (StatusCode::BAD_REQUEST, &json!("ResourceExistsException")));

    let token = "11111111-2222-4333-8444-666666666666";
    let put = |value: &str| {
        let stages = ["AWSPENDING"];
        json!({"SecretId": made.body["ARN"], "SecretString": value, "ClientRequestToken": token, "VersionStages": stages})
    };
    assert_eq!(secret(&sandbox, "PutSecretValue", put("next")).await.status, StatusCode::OK);
    let again = secret(&sandbox, "PutSecretValue", put("next")).await;
    assert_eq!((again.status, &again.body["VersionStages"]), (StatusCode::OK, &json!(["AWSPENDING"])));
    let other = secret(&sandbox, "PutSecretValue", put("another")).await;
    assert_eq!(other.body["__type"], "ResourceExistsException");
    let pending = json!({"SecretId": made.body["ARN"], "VersionStage": "AWSPENDING"});
    assert_eq!(secret(&sandbox, "GetSecretValue", pending).await.body["SecretString"], "next");

    let missing = secret(&sandbox, "GetSecretValue", json!({"SecretId": "nobody"})).await;
    assert_eq!(
        (missing.status, &missing.body["__type"]),
        (StatusCode::BAD_REQUEST, &json!("ResourceNotFoundException"))
    );
    let gone = json!({"SecretId": made.body["ARN"], "RecoveryWindowInDays": 7});
    assert_eq!(secret(&sandbox, "DeleteSecret", gone).await.status, StatusCode::OK);
    let blocked =
        json!({"Name": "extoauth/sandbox/a", "SecretString": "x", "ClientRequestToken": token.replace('6', "7")});
    assert_eq!(secret(&sandbox, "CreateSecret", blocked).await.body["__type"], "InvalidRequestException");

    let calls = sandbox.world.calls.after(0);
    let writes = calls.iter().filter(|call| call.write).map(|call| call.path.as_str()).collect::<Vec<_>>();
    assert_eq!(writes.iter().filter(|path| **path == "PutSecretValue").count(), 3);
    assert!(!writes.contains(&"GetSecretValue"));
}

#[tokio::test]
async fn the_account_holds_what_the_functions_need() {
    let Some(sandbox) = with_moto().await else { return };
    let env: std::collections::HashMap<_, _> = sandbox.function_env("provision").into_iter().collect();
    let systems = env["EXTOAUTH_SYSTEMS"].strip_prefix("secret:").expect("a reference");
    let read = secret(&sandbox, "GetSecretValue", json!({"SecretId": systems})).await;
    let systems: Value = serde_json::from_str(read.body["SecretString"].as_str().expect("text")).expect("JSON");
    assert_eq!(systems, sandbox.systems_config());
    for credential in ["/okta/acme", "/dbt/acme", "/servicenow/acme.service-now.com"] {
        let arn = &systems.pointer(credential).expect("a system")["credential"];
        let read = secret(&sandbox, "GetSecretValue", json!({"SecretId": arn})).await;
        serde_json::from_str::<Value>(read.body["SecretString"].as_str().expect("text")).expect("JSON");
    }
    let item = json!({"TableName": env["EXTOAUTH_TABLE"], "Item": {"pk": {"S": "a"}, "sk": {"S": "b"}}});
    let put = aws(&sandbox, "provision", "dynamodb", "DynamoDB_20120810.PutItem", item).await;
    assert_eq!(put.status, StatusCode::OK, "{}", put.body);
    let message = json!({"QueueUrl": env["EXTOAUTH_QUEUE_URL"], "MessageBody": "{}", "MessageGroupId": "g"});
    let sent = aws(&sandbox, "intake", "sqs", "AmazonSQS.SendMessage", message).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.body);
    let who = json!({
        "IdentityStoreId": seed::IDENTITY_STORE,
        "AlternateIdentifier": {"UniqueAttribute": {"AttributePath": "emails.value", "AttributeValue": seed::USERS[2]}},
    });
    let user = aws(&sandbox, "provision", "identitystore", "AWSIdentityStore.GetUserId", who).await;
    assert_eq!(user.status, StatusCode::OK, "{}", user.body);
}

#[tokio::test]
async fn sandboxes_that_share_a_moto_do_not_see_each_other() {
    let Some((one, other)) = futures::future::join(with_moto(), with_moto()).await.into_pair() else { return };
    let item = json!({"TableName": seed::TABLE, "Item": {"pk": {"S": "a"}, "sk": {"S": "b"}}});
    aws(&one, "provision", "dynamodb", "DynamoDB_20120810.PutItem", item).await;
    let scan = json!({"TableName": seed::TABLE});
    let seen = aws(&other, "provision", "dynamodb", "DynamoDB_20120810.Scan", scan.clone()).await;
    assert_eq!(seen.body["Count"], 0);
    one.reset().await.expect("a reset");
    let seen = aws(&one, "provision", "dynamodb", "DynamoDB_20120810.Scan", scan).await;
    assert_eq!(seen.body["Count"], 0);
}

trait IntoPair<T> {
    fn into_pair(self) -> Option<(T, T)>;
}

impl<T> IntoPair<T> for (Option<T>, Option<T>) {
    fn into_pair(self) -> Option<(T, T)> {
        self.0.zip(self.1)
    }
}

#[tokio::test]
async fn a_reset_restores_and_keeps_every_name() {
    let Some(sandbox) = with_moto().await else { return };
    let before = (sandbox.sandbox_json(), sandbox.function_env("provision"));
    let state = |state: &serde_json::Map<String, Value>| {
        let names = |value: &Value, key: &str| -> Vec<String> {
            let entries = value.as_array().into_iter().flatten();
            entries.map(|entry| entry[key].as_str().unwrap_or_default().to_owned()).collect()
        };
        let directory = &state["identitystore"]["main"];
        let mut secrets = names(&state["secretsmanager"][seed::REGION]["SecretList"], "ARN");
        secrets.sort();
        (names(&directory["Users"], "UserName"), names(&directory["Groups"], "DisplayName"), secrets)
    };
    let at_start = sandbox.state().await.expect("a state");
    let digest = &at_start["secretsmanager"][seed::REGION]["SecretList"][0]["SecretString"]["sha256"];
    assert_eq!(digest.as_str().map(str::len), Some(64));
    assert!(at_start.contains_key("okta") && at_start.contains_key("sso-admin"));
    secret(&sandbox, "CreateSecret", json!({"Name": "extoauth/sandbox/b", "SecretString": "canary-value"})).await;
    let changed = sandbox.state().await.expect("a state");
    assert_ne!(state(&at_start), state(&changed));
    assert!(!Value::Object(changed).to_string().contains("canary-value"));
    sandbox.reset().await.expect("a reset");
    assert_eq!(state(&at_start), state(&sandbox.state().await.expect("a state")));
    assert_eq!(before, (sandbox.sandbox_json(), sandbox.function_env("provision")));
    assert!(sandbox.world.calls.after(0).is_empty());
}

#[tokio::test]
async fn conditional_writes_are_atomic() {
    let Some(sandbox) = with_moto().await else { return };
    let put = |n: usize| {
        let item = json!({"pk": {"S": "lease"}, "sk": {"S": "x"}, "owner": {"N": n.to_string()}});
        let body = json!({"TableName": seed::TABLE, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"});
        let sandbox = Arc::clone(&sandbox);
        async move { aws(&sandbox, "provision", "dynamodb", "DynamoDB_20120810.PutItem", body).await.status }
    };
    let all = futures::future::join_all((0..50).map(put)).await;
    assert_eq!(all.iter().filter(|status| status.is_success()).count(), 1);
}

#[tokio::test]
async fn a_role_may_depend_on_tags() {
    let Some(sandbox) = with_moto().await else { return };
    let role = json!([
        {"Effect": "Allow", "Action": "secretsmanager:CreateSecret", "Resource": "*",
         "Condition": {"StringEquals": {"aws:RequestTag/extoauth": "sandbox"}}},
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*",
         "Condition": {"StringEquals": {"aws:ResourceTag/extoauth": "sandbox"}}},
    ]);
    let role = serde_json::from_value(role).expect("a role");
    sandbox.world.iam.enforce([("provision".to_owned(), role)].into());
    let create =
        |name: &str, tag: &str| json!({"Name": name, "SecretString": "x", "Tags": [{"Key": "extoauth", "Value": tag}]});
    let made = secret(&sandbox, "CreateSecret", create("extoauth/sandbox/ours", "sandbox")).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    let refused = secret(&sandbox, "CreateSecret", create("extoauth/sandbox/theirs", "other")).await;
    assert_eq!(refused.body["__type"], "AccessDeniedException");
    let ours = secret(&sandbox, "GetSecretValue", json!({"SecretId": made.body["ARN"]})).await;
    assert_eq!(ours.status, StatusCode::OK, "{}", ours.body);
    let credential = &sandbox.systems_config()["dbt"]["acme"]["credential"];
    let foreign = secret(&sandbox, "GetSecretValue", json!({"SecretId": credential})).await;
    assert_eq!(foreign.body["__type"], "AccessDeniedException");
    let resources = &sandbox.world.iam.used()["provision"];
    assert!(resources.iter().all(|(_, resource)| resource.contains(seed::ACCOUNT)), "{resources:?}");
}
