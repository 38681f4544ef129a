//! Redshift IdC applications, and the AWS query protocol from the client's side.

use std::time::Duration;

use extoauth_sandbox::seed;
use serde_json::{Map, Value, json};

use super::support::{AUDIENCE, Bench, ISSUER};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// An input as a form, in the way of the AWS query protocol.
pub fn form(action: &str, input: &Value) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("Action", action).append_pair("Version", "2012-12-01");
    fn add(form: &mut url::form_urlencoded::Serializer<'_, String>, name: &str, value: &Value) {
        match value {
            Value::Object(members) => {
                for (member, value) in members {
                    let name = if name.is_empty() { member.clone() } else { format!("{name}.{member}") };
                    add(form, &name, value);
                }
            }
            Value::Array(entries) if entries.is_empty() => {
                form.append_pair(name, "");
            }
            Value::Array(entries) => {
                let entry = match name {
                    "Tags" => "Tag",
                    "SsoTagKeys" => "TagKey",
                    _ => "member",
                };
                for (number, value) in (1..).zip(entries) {
                    add(form, &format!("{name}.{entry}.{number}"), value);
                }
            }
            Value::String(text) => {
                form.append_pair(name, text);
            }
            other => {
                form.append_pair(name, &other.to_string());
            }
        }
    }
    add(&mut form, "", input);
    form.finish()
}

/// Reads the XML of an answer: the members of its root element. Good for what query services send, no more.
pub fn tree(xml: &str) -> Value {
    let mut rest = xml.trim();
    let (_, value) = element(&mut rest);
    assert!(rest.is_empty(), "something follows the root element: {rest}");
    value
}

fn element(rest: &mut &str) -> (String, Value) {
    const LISTS: [&str; 6] = [
        "AuthorizedTokenIssuerList",
        "AuthorizedAudiencesList",
        "ServiceIntegrations",
        "Tags",
        "SsoTagKeys",
        "RedshiftIdcApplications",
    ];
    let inside = rest.strip_prefix('<').expect("an element");
    let (tag, after) = inside.split_once('>').expect("the end of a tag");
    let name = tag.split_whitespace().next().expect("a name").to_owned();
    *rest = after;
    let mut children = Vec::new();
    while rest.starts_with('<') && !rest.starts_with("</") {
        children.push(element(rest));
    }
    let end = format!("</{name}>");
    let (text, after) = rest.split_once(&end).unwrap_or_else(|| panic!("no {end}"));
    *rest = after;
    let entries = |(name, _): &(String, Value)| matches!(name.as_str(), "member" | "Tag" | "TagKey");
    let value = if LISTS.contains(&name.as_str()) || (!children.is_empty() && children.iter().all(entries)) {
        children.into_iter().map(|(_, value)| value).collect()
    } else if children.is_empty() {
        let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
        Value::String(text)
    } else {
        Value::Object(children.into_iter().collect::<Map<_, _>>())
    };
    (name, value)
}

fn create(name: &str) -> Value {
    json!({
        "IdcInstanceArn": seed::INSTANCE_ARN,
        "RedshiftIdcApplicationName": name,
        "IdcDisplayName": name,
        "IamRoleArn": "arn:aws:iam::123456789012:role/redshift-idc",
    })
}

fn main_application(extra: Value) -> Value {
    let mut input = json!({"RedshiftIdcApplicationArn": seed::REDSHIFT_APPLICATION_ARN});
    let members = extra.as_object().expect("an object").clone();
    input.as_object_mut().expect("an object").extend(members);
    input
}

#[tokio::test]
async fn main_trusts_somebody_else_from_the_start() {
    let bench = Bench::new();
    let described = bench.redshift().ok("DescribeRedshiftIdcApplications", json!({})).await;
    let main = &described["RedshiftIdcApplications"][0];
    assert_eq!(main["RedshiftIdcApplicationArn"], seed::REDSHIFT_APPLICATION_ARN);
    assert_eq!(main["IdcManagedApplicationArn"], seed::IDC_APPLICATION_ARN);
    assert_eq!(main["AuthorizedTokenIssuerList"][0]["TrustedTokenIssuerArn"], seed::FOREIGN_ISSUER_ARN);
    assert_eq!(main["ServiceIntegrations"], json!([{"Redshift": [{"Connect": {"Authorization": "Enabled"}}]}]));
}

#[tokio::test]
async fn a_list_that_is_sent_replaces_and_one_that_is_not_stays() {
    let bench = Bench::new();
    let ours = bench.issuer(ISSUER).await;
    let entry = json!({"TrustedTokenIssuerArn": ours, "AuthorizedAudiencesList": [AUDIENCE, "api://x&<y>"]});
    let modify = main_application(json!({"AuthorizedTokenIssuerList": [entry]}));
    let modified = bench.redshift().ok("ModifyRedshiftIdcApplication", modify).await;
    assert_eq!(modified["RedshiftIdcApplication"]["AuthorizedTokenIssuerList"], json!([entry]));

    let rename = main_application(json!({"IdcDisplayName": "other", "IdentityNamespace": "NS"}));
    let renamed = bench.redshift().ok("ModifyRedshiftIdcApplication", rename).await;
    assert_eq!(renamed["RedshiftIdcApplication"]["AuthorizedTokenIssuerList"], json!([entry]));
    assert_eq!(renamed["RedshiftIdcApplication"]["IdcDisplayName"], "other");

    let clear = main_application(json!({"AuthorizedTokenIssuerList": [], "ServiceIntegrations": []}));
    let cleared = bench.redshift().ok("ModifyRedshiftIdcApplication", clear).await;
    assert_eq!(cleared["RedshiftIdcApplication"]["AuthorizedTokenIssuerList"], json!([]));
    assert_eq!(cleared["RedshiftIdcApplication"]["ServiceIntegrations"], json!([]));
    let grant = json!({"ApplicationArn": seed::IDC_APPLICATION_ARN, "GrantType": JWT_BEARER});
    let gone = bench.sso().refused("GetApplicationGrant", grant).await;
    assert_eq!(gone.code, "ResourceNotFoundException");
}

#[tokio::test]
async fn the_list_is_the_grant_in_both_directions() {
    let bench = Bench::new();
    let ours = bench.issuer(ISSUER).await;
    bench.trust(&ours).await;
    let key = json!({"ApplicationArn": seed::IDC_APPLICATION_ARN, "GrantType": JWT_BEARER});
    let grant = bench.sso().ok("GetApplicationGrant", key.clone()).await;
    let issuers = grant["Grant"]["JwtBearer"]["AuthorizedTokenIssuers"].as_array().expect("a list");
    assert_eq!(issuers.len(), 2);
    assert_eq!(issuers[1], json!({"TrustedTokenIssuerArn": ours, "AuthorizedAudiences": [AUDIENCE]}));

    let mut put = key;
    put["Grant"] = json!({"JwtBearer": {"AuthorizedTokenIssuers": [issuers[1]]}});
    bench.sso().ok("PutApplicationGrant", put).await;
    let trusted = bench.trusted().await;
    assert_eq!(trusted, [json!({"TrustedTokenIssuerArn": ours, "AuthorizedAudiencesList": [AUDIENCE]})]);
}

#[tokio::test]
async fn ten_issuers_with_ten_audiences_and_no_more() {
    let bench = Bench::new();
    bench.sso.accept_unknown_issuers(true);
    let issuer = |n: usize, audiences: usize| {
        let arn = format!("{}{n:02}", &seed::FOREIGN_ISSUER_ARN[..seed::FOREIGN_ISSUER_ARN.len() - 2]);
        let audiences: Vec<String> = (0..audiences).map(|n| format!("api://{n}")).collect();
        json!({"TrustedTokenIssuerArn": arn, "AuthorizedAudiencesList": audiences})
    };
    let modify = |issuers: Vec<Value>| main_application(json!({"AuthorizedTokenIssuerList": issuers}));
    let most = modify((0..10).map(|n| issuer(n, 10)).collect());
    bench.redshift().ok("ModifyRedshiftIdcApplication", most).await;
    let too_many = modify((0..11).map(|n| issuer(n, 1)).collect());
    for wrong in [too_many, modify(vec![issuer(0, 11)]), modify(vec![issuer(0, 0)]), modify(vec![issuer(0, 1); 2])] {
        let refused = bench.redshift().refused("ModifyRedshiftIdcApplication", wrong).await;
        assert_eq!((refused.status, refused.code.as_str()), (400, "InvalidParameterValue"));
    }
    assert_eq!(bench.trusted().await.len(), 10);
}

#[tokio::test]
async fn entries_may_dangle_but_not_be_added_so() {
    let bench = Bench::new();
    let ours = bench.issuer(ISSUER).await;
    bench.trust(&ours).await;
    let delete = json!({"TrustedTokenIssuerArn": seed::FOREIGN_ISSUER_ARN});
    bench.sso().ok("DeleteTrustedTokenIssuer", delete).await;
    let trusted = bench.trusted().await;
    assert_eq!(trusted.len(), 2, "the entry of the deleted issuer stays");
    let same = main_application(json!({"AuthorizedTokenIssuerList": trusted}));
    bench.redshift().ok("ModifyRedshiftIdcApplication", same).await;
    let mine = main_application(json!({"AuthorizedTokenIssuerList": [trusted[1]]}));
    bench.redshift().ok("ModifyRedshiftIdcApplication", mine).await;
    let back = main_application(json!({"AuthorizedTokenIssuerList": trusted}));
    let refused = bench.redshift().refused("ModifyRedshiftIdcApplication", back).await;
    assert_eq!(refused.code, "InvalidParameterValue");
}

#[tokio::test]
async fn applications_come_and_go() {
    let bench = Bench::new();
    let redshift = bench.redshift();
    let mut input = create("second-one");
    input["Tags"] = json!([{"Key": "note", "Value": "a & <b>"}, {"Key": "team", "Value": "data"}]);
    input["SsoTagKeys"] = json!(["note"]);
    let unfit = redshift.refused("CreateRedshiftIdcApplication", input.clone()).await;
    assert_eq!(unfit.code, "InvalidTagFault", "Identity Center takes fewer characters");
    input["SsoTagKeys"] = json!(["team"]);
    input["ApplicationType"] = json!("None");
    let made = redshift.ok("CreateRedshiftIdcApplication", input.clone()).await["RedshiftIdcApplication"].clone();
    assert_eq!(made["Tags"][0], json!({"Key": "note", "Value": "a & <b>"}));
    let tags = json!({"InstanceArn": seed::INSTANCE_ARN, "ResourceArn": made["IdcManagedApplicationArn"]});
    let tags = bench.sso().ok("ListTagsForResource", tags).await;
    assert_eq!(tags["Tags"], json!([{"Key": "team", "Value": "data"}]));

    let again = redshift.refused("CreateRedshiftIdcApplication", input).await;
    assert_eq!((again.status, again.code.as_str()), (400, "RedshiftIdcApplicationAlreadyExists"));
    let page = redshift.ok("DescribeRedshiftIdcApplications", json!({"MaxRecords": 1})).await;
    let rest = json!({"MaxRecords": 1, "Marker": page["Marker"]});
    let rest = redshift.ok("DescribeRedshiftIdcApplications", rest).await;
    assert_eq!(rest["RedshiftIdcApplications"][0]["RedshiftIdcApplicationArn"], made["RedshiftIdcApplicationArn"]);
    assert!(rest.get("Marker").is_none());

    let arn = json!({"RedshiftIdcApplicationArn": made["RedshiftIdcApplicationArn"]});
    redshift.ok("DeleteRedshiftIdcApplication", arn.clone()).await;
    let gone = json!({"ApplicationArn": made["IdcManagedApplicationArn"]});
    assert_eq!(bench.sso().refused("DescribeApplication", gone).await.code, "ResourceNotFoundException");
    for operation in ["DescribeRedshiftIdcApplications", "ModifyRedshiftIdcApplication", "DeleteRedshiftIdcApplication"]
    {
        let refused = redshift.refused(operation, arn.clone()).await;
        assert_eq!((refused.status, refused.code.as_str()), (404, "RedshiftIdcApplicationNotExists"));
    }
}

#[tokio::test]
async fn what_redshift_refuses() {
    let bench = Bench::new();
    let redshift = bench.redshift();
    let with = |name: &str, value: Value| {
        let mut input = create("new");
        input[name] = value;
        input
    };
    let half = json!([{"Redshift": [{"Connect": {"Authorization": "Enabled"}}]}]);
    let mut lakehouse = with("ApplicationType", json!("Lakehouse"));
    lakehouse["ServiceIntegrations"] = half;
    let wrong = [
        with("RedshiftIdcApplicationName", json!("Upper")),
        with("RedshiftIdcApplicationName", json!("two--hyphens")),
        with("IdcDisplayName", json!("with space")),
        with("IdentityNamespace", json!("with space")),
        with("ApplicationType", json!("Other")),
        with("ServiceIntegrations", json!([{"Redshift": [{"Connect": {"Authorization": "On"}}]}])),
        lakehouse,
    ];
    for input in wrong {
        assert_eq!(redshift.refused("CreateRedshiftIdcApplication", input).await.code, "InvalidParameterValue");
    }
    let mut incomplete = create("new");
    incomplete.as_object_mut().expect("an object").remove("IamRoleArn");
    assert_eq!(redshift.refused("CreateRedshiftIdcApplication", incomplete).await.code, "MissingParameter");
    let tagged = with("Tags", json!([{"Key": "aws:x", "Value": ""}]));
    assert_eq!(redshift.refused("CreateRedshiftIdcApplication", tagged).await.code, "InvalidTagFault");

    bench.redshift.deny_dependent_access(true);
    let refused = redshift.refused("ModifyRedshiftIdcApplication", main_application(json!({}))).await;
    assert_eq!((refused.status, refused.code.as_str()), (403, "DependentServiceAccessDenied"));
}

#[tokio::test]
async fn a_lagging_application_appears_later() {
    let bench = Bench::new();
    let lagging = bench.redshift().lagging(Duration::from_millis(300));
    let made = lagging.ok("CreateRedshiftIdcApplication", create("late")).await;
    let arn = json!({"RedshiftIdcApplicationArn": made["RedshiftIdcApplication"]["RedshiftIdcApplicationArn"]});
    let refused = bench.redshift().refused("DescribeRedshiftIdcApplications", arn.clone()).await;
    assert_eq!(refused.code, "RedshiftIdcApplicationNotExists");
    tokio::time::sleep(Duration::from_millis(350)).await;
    bench.redshift().ok("DescribeRedshiftIdcApplications", arn).await;
}

#[tokio::test]
async fn two_writers_lose_an_update() {
    let bench = Bench::new();
    let (first, second) = (bench.issuer(ISSUER).await, bench.issuer("https://other.example.com").await);
    let read = bench.trusted().await;
    for issuer in [&first, &second] {
        let mut merged = read.clone();
        merged.push(json!({"TrustedTokenIssuerArn": issuer, "AuthorizedAudiencesList": [AUDIENCE]}));
        let modify = main_application(json!({"AuthorizedTokenIssuerList": merged}));
        bench.redshift().ok("ModifyRedshiftIdcApplication", modify).await;
    }
    let trusted = bench.trusted().await;
    assert_eq!(trusted.len(), 2);
    assert!(trusted.iter().all(|entry| entry["TrustedTokenIssuerArn"] != json!(first)), "nothing guards the list");
}
