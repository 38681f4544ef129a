//! Which permissions a call needs: the action and resources of each service, as the Service Authorization Reference
//! lists them.

use serde_json::Value;

use super::dynamodb;
use crate::seed::{
    ACCOUNT, IDC_APPLICATION_ARN, INSTANCE_ARN, REDSHIFT_APPLICATION_ARN, REGION, WORKGROUP, WORKGROUP_ARN,
};
use crate::world::CallView;

/// A permission that a call needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// `sqs:SendMessage`.
    pub action: String,
    /// ARN, or `*` where the action knows no resource.
    pub resource: String,
    /// Condition keys of the call and their values.
    pub context: Vec<(String, Vec<String>)>,
    /// The service needs it of the caller for a call it makes itself: its lack is reported as such.
    pub dependent: bool,
}

impl Need {
    /// The permission for an action on a resource.
    pub fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { action: action.into(), resource: resource.into(), context: Vec::new(), dependent: false }
    }

    /// The same with a condition key of the call.
    pub fn with(mut self, key: &str, values: &[&str]) -> Self {
        self.context.push((key.to_owned(), values.iter().map(|value| (*value).to_owned()).collect()));
        self
    }

    fn dependent(mut self) -> Self {
        self.dependent = true;
        self
    }
}

/// The permissions that this call needs; `None` where the system is not an AWS service.
pub fn needs(kind: &str, action: &str, call: &CallView<'_>) -> Option<Vec<Need>> {
    let json = || serde_json::from_slice::<Value>(call.body).unwrap_or_default();
    Some(match kind {
        "dynamodb" => dynamodb::needs(action, &json()),
        "sqs" => sqs(action, &json()),
        "sns" => sns(action, &Form::of(call.body)),
        "events" => events(action, &json()),
        "scheduler" => vec![Need::new(format!("scheduler:{action}"), scheduler(call.path))],
        "secretsmanager" => secrets(action, &json()),
        "identitystore" => identity_store(action, &json()),
        "sso-admin" => sso(action, &json()),
        "sso-oidc" => {
            let body = json();
            vec![Need::new(format!("sso-oauth:{action}"), text(&body, "clientId").unwrap_or("*"))]
        }
        "redshift" => redshift(action, &Form::of(call.body)),
        "redshift-data" => redshift_data(action, &json()),
        "sts" => match action {
            // Nobody can be refused this one.
            "GetCallerIdentity" => vec![],
            // The documents of the account's issuer are public.
            path if path.starts_with('/') => vec![],
            "GetWebIdentityToken" => vec![web_identity_token(&Form::of(call.body))],
            _ => {
                let form = Form::of(call.body);
                vec![Need::new(format!("sts:{action}"), form.get("RoleArn").unwrap_or_else(|| "*".to_owned()))]
            }
        },
        "ses" => vec![ses(action, call)],
        _ => return None,
    })
}

pub(super) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// An ARN as it is, or the ARN of what has this name.
pub(super) fn arn(given: &str, service: &str, prefix: &str) -> String {
    if given.starts_with("arn:") {
        given.to_owned()
    } else {
        format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{prefix}{given}")
    }
}

/// The body of a call in the AWS query protocol.
struct Form(Vec<(String, String)>);

impl Form {
    fn of(body: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(body).into_owned().collect())
    }

    fn get(&self, key: &str) -> Option<String> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone())
    }
}

/// Condition keys of the operation: Service Authorization Reference of STS. It knows no resource.
fn web_identity_token(form: &Form) -> Need {
    let audiences: Vec<&str> =
        form.0.iter().filter(|(name, _)| name.starts_with("Audience.member.")).map(|(_, value)| &**value).collect();
    let mut need = Need::new("sts:GetWebIdentityToken", "*").with("sts:IdentityTokenAudience", &audiences);
    if let Some(algorithm) = form.get("SigningAlgorithm") {
        need = need.with("sts:SigningAlgorithm", &[&algorithm]);
    }
    need.with("sts:DurationSeconds", &[&form.get("DurationSeconds").unwrap_or_else(|| "300".to_owned())])
}

fn sqs(action: &str, body: &Value) -> Vec<Need> {
    // A batch needs the permission of the single call (SQS API reference).
    let action = action.strip_suffix("Batch").unwrap_or(action);
    let queue = text(body, "QueueUrl")
        .and_then(|url| url.rsplit('/').next())
        .or_else(|| text(body, "QueueName"))
        .map_or_else(|| "*".to_owned(), |name| arn(name, "sqs", ""));
    vec![Need::new(format!("sqs:{action}"), queue)]
}

fn sns(action: &str, form: &Form) -> Vec<Need> {
    let action = action.strip_suffix("Batch").unwrap_or(action);
    let topic = form
        .get("TopicArn")
        .or_else(|| form.get("TargetArn"))
        .or_else(|| form.get("ResourceArn"))
        .or_else(|| form.get("Name").map(|name| arn(&name, "sns", "")))
        .unwrap_or_else(|| "*".to_owned());
    vec![Need::new(format!("sns:{action}"), topic)]
}

fn events(action: &str, body: &Value) -> Vec<Need> {
    let action = format!("events:{action}");
    let bus = |name: Option<&str>| arn(name.unwrap_or("default"), "events", "event-bus/");
    if action == "events:PutEvents" {
        let entries = body.get("Entries").and_then(Value::as_array).into_iter().flatten();
        return entries
            .map(|entry| {
                let mut need = Need::new(&action, bus(text(entry, "EventBusName")));
                for (key, field) in [("events:source", "Source"), ("events:detail-type", "DetailType")] {
                    if let Some(value) = text(entry, field) {
                        need = need.with(key, &[value]);
                    }
                }
                need
            })
            .collect();
    }
    let resource = match (text(body, "Rule"), text(body, "Name")) {
        (Some(rule), _) => arn(rule, "events", "rule/"),
        (None, Some(name)) if action.ends_with("Rule") => arn(name, "events", "rule/"),
        (None, name) => name.map_or_else(|| "*".to_owned(), |name| bus(Some(name))),
    };
    vec![Need::new(action, resource)]
}

fn scheduler(path: &str) -> String {
    match path.strip_prefix("/schedules/") {
        Some(name) => arn(&format!("default/{name}"), "scheduler", "schedule/"),
        None => "*".to_owned(),
    }
}

fn secrets(action: &str, body: &Value) -> Vec<Need> {
    let given = text(body, "SecretId").or_else(|| text(body, "Name"));
    // The six random characters that end a secret's ARN are not in the call where it names the secret: any six do.
    let resource = match given {
        Some(given) if given.starts_with("arn:") => given.to_owned(),
        Some(name) => arn(&format!("{name}-aaaaaa"), "secretsmanager", "secret:"),
        None => "*".to_owned(),
    };
    let mut need = Need::new(format!("secretsmanager:{action}"), resource);
    let stages: Vec<&str> = match (text(body, "VersionStage"), body.get("VersionStages")) {
        (Some(stage), _) => vec![stage],
        (None, Some(stages)) => stages.as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
        (None, None) => vec![],
    };
    if !stages.is_empty() {
        need = need.with("secretsmanager:VersionStage", &stages);
    }
    if let (Some(name), "CreateSecret") = (text(body, "Name"), action) {
        need = need.with("secretsmanager:Name", &[name]);
    }
    let mut needs = vec![tagged(need, body)];
    // Its caller must be allowed to invoke the function (API reference, `RotateSecret`).
    if let (Some(function), "RotateSecret") = (text(body, "RotationLambdaARN"), action) {
        needs.push(Need::new("lambda:InvokeFunction", function).dependent());
    }
    needs
}

/// The tags that the call gives, as condition keys.
fn tagged(mut need: Need, body: &Value) -> Need {
    let mut keys = Vec::new();
    for tag in body.get("Tags").and_then(Value::as_array).into_iter().flatten() {
        if let (Some(key), Some(value)) = (text(tag, "Key"), text(tag, "Value")) {
            need = need.with(&format!("aws:RequestTag/{key}"), &[value]);
            keys.push(key);
        }
    }
    if !keys.is_empty() {
        need = need.with("aws:TagKeys", &keys);
    }
    need
}

fn identity_store(action: &str, body: &Value) -> Vec<Need> {
    let one = |kind: &str, field: &str| format!("arn:aws:identitystore:::{kind}/{}", text(body, field).unwrap_or("*"));
    let store = text(body, "IdentityStoreId").unwrap_or("*");
    let mut resources = vec![format!("arn:aws:identitystore::{ACCOUNT}:identitystore/{store}")];
    resources.extend(match action {
        "GetUserId" | "ListUsers" | "DescribeUser" => vec![one("user", "UserId")],
        "GetGroupId" | "ListGroups" | "DescribeGroup" => vec![one("group", "GroupId")],
        "ListGroupMemberships" => vec![one("group", "GroupId"), one("membership", "MembershipId")],
        "IsMemberInGroups" | "ListGroupMembershipsForMember" => vec![one("membership", "MembershipId")],
        _ => vec![],
    });
    resources.into_iter().map(|resource| Need::new(format!("identitystore:{action}"), resource)).collect()
}

fn sso(action: &str, body: &Value) -> Vec<Need> {
    let instance = || text(body, "InstanceArn").unwrap_or("*").to_owned();
    let issuer_of_instance = || {
        let id = instance().rsplit('/').next().unwrap_or("*").to_owned();
        format!("arn:aws:sso::{ACCOUNT}:trustedTokenIssuer/{id}/*")
    };
    let resources = match action {
        "ListInstances" | "ListApplications" | "ListApplicationProviders" => vec!["*".to_owned()],
        "CreateTrustedTokenIssuer" => vec![instance(), issuer_of_instance()],
        "TagResource" | "UntagResource" | "ListTagsForResource" => {
            vec![text(body, "ResourceArn").unwrap_or("*").to_owned()]
        }
        _ => {
            let named = ["TrustedTokenIssuerArn", "ApplicationArn", "InstanceArn"];
            vec![named.iter().find_map(|field| text(body, field)).unwrap_or("*").to_owned()]
        }
    };
    resources.into_iter().map(|resource| tagged(Need::new(format!("sso:{action}"), resource), body)).collect()
}

/// Redshift calls IAM Identity Center with the caller's permissions (the reference calls these dependent actions).
fn redshift(action: &str, form: &Form) -> Vec<Need> {
    let application = form.get("RedshiftIdcApplicationArn");
    let (resource, dependent): (String, &[&str]) = match action {
        "DescribeRedshiftIdcApplications" => ("*".to_owned(), &["GetApplicationGrant", "ListApplicationAccessScopes"]),
        "ModifyRedshiftIdcApplication" => (
            application.clone().unwrap_or_else(|| "*".to_owned()),
            &[
                "GetApplicationGrant",
                "PutApplicationGrant",
                "DeleteApplicationGrant",
                "ListApplicationAccessScopes",
                "PutApplicationAccessScope",
                "DeleteApplicationAccessScope",
                "UpdateApplication",
            ],
        ),
        "DeleteRedshiftIdcApplication" => {
            (application.clone().unwrap_or_else(|| "*".to_owned()), &["DeleteApplication"])
        }
        "CreateRedshiftIdcApplication" => ("*".to_owned(), &["CreateApplication"]),
        _ => (application.clone().unwrap_or_else(|| "*".to_owned()), &[]),
    };
    // Which Identity Center application is behind an application is known here for the seeded one; a description of all
    // includes it.
    let behind = match application.as_deref() {
        Some(REDSHIFT_APPLICATION_ARN) | None => IDC_APPLICATION_ARN.to_owned(),
        Some(_) => format!("{}/*", IDC_APPLICATION_ARN.rsplit_once('/').map_or("*", |(instance, _)| instance)),
    };
    let dependents = dependent.iter().map(|action| {
        let resource = if *action == "CreateApplication" { INSTANCE_ARN } else { &behind };
        Need::new(format!("sso:{action}"), resource).dependent()
    });
    std::iter::once(Need::new(format!("redshift:{action}"), resource)).chain(dependents).collect()
}

/// The Data API logs in with its caller's permissions. Whoever looks at a statement must be the one who handed it in, which
/// a condition on `redshift-data:statement-owner-iam-userid` says; the only caller of the sandbox owns all of its own.
fn redshift_data(action: &str, body: &Value) -> Vec<Need> {
    let need = |resource: &str| Need::new(format!("redshift-data:{action}"), resource);
    if action != "ExecuteStatement" {
        return vec![need("*").with("redshift-data:statement-owner-iam-userid", &["${aws:userid}"])];
    }
    let cluster = text(body, "ClusterIdentifier");
    let warehouse = match (text(body, "WorkgroupName"), cluster) {
        (Some(WORKGROUP), _) => WORKGROUP_ARN.to_owned(),
        (Some(workgroup), _) => arn(workgroup, "redshift-serverless", "workgroup/"),
        (None, Some(cluster)) => arn(cluster, "redshift", "cluster:"),
        (None, None) => "*".to_owned(),
    };
    let mut needs = vec![need(&warehouse)];
    match (text(body, "SecretArn"), text(body, "DbUser"), cluster) {
        (Some(secret), _, _) => needs.push(Need::new("secretsmanager:GetSecretValue", secret).dependent()),
        (None, Some(user), Some(cluster)) => {
            let mut login = vec![format!("dbuser:{cluster}/{user}")];
            login.extend(text(body, "Database").map(|database| format!("dbname:{cluster}/{database}")));
            let login = login.into_iter().map(|resource| arn(&resource, "redshift", ""));
            needs.extend(login.map(|one| Need::new("redshift:GetClusterCredentials", one).dependent()));
        }
        _ => needs.push(Need::new("redshift-serverless:GetCredentials", &warehouse).dependent()),
    }
    needs
}

fn ses(action: &str, call: &CallView<'_>) -> Need {
    let body = serde_json::from_slice::<Value>(call.body).unwrap_or_default();
    let from = text(&body, "FromEmailAddress").map(str::to_owned).or_else(|| Form::of(call.body).get("Source"));
    let action = format!("ses:{action}");
    match from {
        Some(from) => Need::new(action, arn(&from, "ses", "identity/")).with("ses:FromAddress", &[&from]),
        None => Need::new(action, "*"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(kind: &str, action: &str, body: &[u8]) -> Vec<Need> {
        let headers = http::HeaderMap::new();
        needs(kind, action, &CallView { method: "POST", path: "/", headers: &headers, body }).expect("an AWS service")
    }

    fn of_json(kind: &str, action: &str, body: Value) -> Vec<Need> {
        of(kind, action, body.to_string().as_bytes())
    }

    #[test]
    fn a_transaction_needs_what_its_parts_need() {
        let put = json!({"Put": {"TableName": "t", "Item": {"pk": {"S": "request#1"}, "sk": {"S": "a"}}}});
        let check = json!({"ConditionCheck": {"TableName": "t", "Key": {"pk": {"S": "lease#1"}}}});
        let needs = of_json("dynamodb", "TransactWriteItems", json!({"TransactItems": [put, check]}));
        let table = "arn:aws:dynamodb:us-east-1:123456789012:table/t";
        let key = "dynamodb:LeadingKeys";
        assert_eq!(
            needs,
            [
                Need::new("dynamodb:PutItem", table).with(key, &["request#1"]),
                Need::new("dynamodb:ConditionCheckItem", table).with(key, &["lease#1"]),
            ]
        );
    }

    #[test]
    fn a_query_names_its_partition_and_index() {
        let query = json!({
            "TableName": "t", "IndexName": "due", "KeyConditionExpression": "#p=:p AND begins_with(sk, :s)",
            "ExpressionAttributeNames": {"#p": "pk"}, "ExpressionAttributeValues": {":p": {"S": "x"}, ":s": {"S": "y"}},
        });
        let [need] = of_json("dynamodb", "Query", query).try_into().expect("one");
        assert!(need.resource.ends_with(":table/t/index/due"));
        assert_eq!(need.context, [("dynamodb:LeadingKeys".to_owned(), vec!["x".to_owned()])]);
    }

    #[test]
    fn names_become_arns() {
        let queue = json!({"QueueUrl": "http://127.0.0.1:1/123456789012/q.fifo", "Entries": []});
        assert_eq!(
            of_json("sqs", "SendMessageBatch", queue),
            [Need::new("sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:q.fifo")]
        );
        let [secret] = of_json("secretsmanager", "GetSecretValue", json!({"SecretId": "a/b"})).try_into().expect("one");
        assert_eq!(secret.resource, "arn:aws:secretsmanager:us-east-1:123456789012:secret:a/b-aaaaaa");
        assert_eq!(of("sns", "Publish", b"Action=Publish&TopicArn=arn%3Aaws%3Asns%3Ax")[0].resource, "arn:aws:sns:x");
    }

    #[test]
    fn redshift_acts_with_the_callers_rights() {
        let body = format!("Action=ModifyRedshiftIdcApplication&RedshiftIdcApplicationArn={REDSHIFT_APPLICATION_ARN}");
        let needs = of("redshift", "ModifyRedshiftIdcApplication", body.as_bytes());
        assert_eq!(needs[0], Need::new("redshift:ModifyRedshiftIdcApplication", REDSHIFT_APPLICATION_ARN));
        assert!(needs[1..].iter().all(|need| need.dependent && need.resource == IDC_APPLICATION_ARN));
        assert_eq!(needs.len(), 8);
    }

    #[test]
    fn the_data_api_logs_in_with_the_callers_rights() {
        let needed = |body: Value| -> Vec<(String, String)> {
            let needs = of_json("redshift-data", "ExecuteStatement", body);
            needs.into_iter().map(|need| (need.action, need.resource)).collect()
        };
        let pair = |action: &str, resource: &str| (action.to_owned(), resource.to_owned());
        let execute = "redshift-data:ExecuteStatement";
        assert_eq!(
            needed(json!({"WorkgroupName": WORKGROUP, "Database": "dev"})),
            [pair(execute, WORKGROUP_ARN), pair("redshift-serverless:GetCredentials", WORKGROUP_ARN)]
        );
        assert_eq!(
            needed(json!({"WorkgroupName": WORKGROUP, "Database": "dev", "SecretArn": "arn:s"})),
            [pair(execute, WORKGROUP_ARN), pair("secretsmanager:GetSecretValue", "arn:s")]
        );
        let cluster = needed(json!({"ClusterIdentifier": "c", "Database": "dev", "DbUser": "u"}));
        assert_eq!(cluster[0].1, "arn:aws:redshift:us-east-1:123456789012:cluster:c");
        assert_eq!(cluster[1].1, "arn:aws:redshift:us-east-1:123456789012:dbuser:c/u");
        assert_eq!(cluster[2].1, "arn:aws:redshift:us-east-1:123456789012:dbname:c/dev");
    }

    #[test]
    fn a_token_for_outside_is_bound_to_its_audience() {
        let body = b"Action=GetWebIdentityToken&Audience.member.1=a&Audience.member.2=b&SigningAlgorithm=RS256";
        let [need] = of("sts", "GetWebIdentityToken", body).try_into().expect("one");
        assert_eq!((need.action.as_str(), need.resource.as_str()), ("sts:GetWebIdentityToken", "*"));
        assert_eq!(need.context[0], ("sts:IdentityTokenAudience".to_owned(), vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(need.context[2], ("sts:DurationSeconds".to_owned(), vec!["300".to_owned()]));
        assert!(of("sts", "/.well-known/jwks.json", b"").is_empty());
    }

    #[test]
    fn other_systems_know_no_roles() {
        let headers = http::HeaderMap::new();
        let call = CallView { method: "GET", path: "/", headers: &headers, body: b"" };
        assert_eq!(needs("okta", "/", &call), None);
    }
}
