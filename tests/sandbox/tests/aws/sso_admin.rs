//! Identity Center: issuers, tags, applications, grants.

use std::time::Duration;

use extoauth_sandbox::aws::sso_admin::InstanceStatus;
use extoauth_sandbox::seed;
use extoauth_sandbox::world::System;
use serde_json::{Value, json};

use super::support::{Bench, ISSUER, create_issuer};

fn arn(of: &Value) -> Value {
    json!({"TrustedTokenIssuerArn": of["TrustedTokenIssuerArn"]})
}

#[tokio::test]
async fn an_issuer_lives_its_life() {
    let bench = Bench::new();
    let sso = bench.sso();
    let made = sso.ok("CreateTrustedTokenIssuer", create_issuer(ISSUER)).await;
    let described = sso.ok("DescribeTrustedTokenIssuer", arn(&made)).await;
    let configuration = &described["TrustedTokenIssuerConfiguration"]["OidcJwtConfiguration"];
    assert_eq!(configuration["IssuerUrl"], ISSUER);
    assert!(described.get("Tags").is_none());
    let list = sso.ok("ListTrustedTokenIssuers", json!({"InstanceArn": seed::INSTANCE_ARN})).await;
    assert_eq!(list["TrustedTokenIssuers"].as_array().map(Vec::len), Some(2));
    assert!(!list.to_string().contains("IssuerUrl"), "the list does not show URLs");

    let mut update = arn(&made);
    update["Name"] = json!("renamed");
    update["TrustedTokenIssuerConfiguration"] = json!({"OidcJwtConfiguration": {"ClaimAttributePath": "email"}});
    sso.ok("UpdateTrustedTokenIssuer", update.clone()).await;
    let described = sso.ok("DescribeTrustedTokenIssuer", arn(&made)).await;
    let configuration = &described["TrustedTokenIssuerConfiguration"]["OidcJwtConfiguration"];
    assert_eq!((&described["Name"], &configuration["ClaimAttributePath"]), (&json!("renamed"), &json!("email")));
    assert_eq!(configuration["IdentityStoreAttributePath"], "emails.value");
    assert_eq!(configuration["IssuerUrl"], ISSUER);

    sso.ok("DeleteTrustedTokenIssuer", arn(&made)).await;
    for operation in ["DescribeTrustedTokenIssuer", "DeleteTrustedTokenIssuer"] {
        assert_eq!(sso.refused(operation, arn(&made)).await.code, "ResourceNotFoundException");
    }
    assert_eq!(sso.refused("UpdateTrustedTokenIssuer", update).await.code, "ResourceNotFoundException");
}

#[tokio::test]
async fn a_client_token_makes_a_creation_safe_to_repeat() {
    let bench = Bench::new();
    let sso = bench.sso();
    let mut input = create_issuer(ISSUER);
    input["ClientToken"] = json!("token-1");
    let first = sso.ok("CreateTrustedTokenIssuer", input.clone()).await;
    assert_eq!(sso.ok("CreateTrustedTokenIssuer", input.clone()).await, first);
    let mut other = input.clone();
    other["Name"] = json!("another");
    let refused = sso.refused("CreateTrustedTokenIssuer", other).await;
    assert_eq!((refused.status, refused.code.as_str()), (400, "IdempotentParameterMismatch"));
    input["ClientToken"] = json!("token-2");
    assert_ne!(sso.ok("CreateTrustedTokenIssuer", input).await, first, "names and URLs may repeat");
}

#[tokio::test]
async fn ten_issuers_and_no_more() {
    let bench = Bench::new();
    for n in 0..9 {
        bench.issuer(&format!("https://not-even-a-host-{n}/")).await;
    }
    let refused = bench.sso().refused("CreateTrustedTokenIssuer", create_issuer(ISSUER)).await;
    assert_eq!(refused.code, "ServiceQuotaExceededException");
}

#[tokio::test]
async fn patterns_hold() {
    let bench = Bench::new();
    let wrong = [
        ("IssuerUrl", "ftp://example.com"),
        ("IssuerUrl", "https://example.com/?"),
        ("ClaimAttributePath", "https://example.com/email"),
        ("ClaimAttributePath", "mail2"),
        ("IdentityStoreAttributePath", "emails_value"),
        ("JwksRetrievalOption", "OTHER"),
    ];
    for (member, value) in wrong {
        let mut input = create_issuer(ISSUER);
        input["TrustedTokenIssuerConfiguration"]["OidcJwtConfiguration"][member] = json!(value);
        let refused = bench.sso().refused("CreateTrustedTokenIssuer", input).await;
        assert_eq!(refused.code, "ValidationException", "{member} {value}");
        assert!(refused.body["Message"].as_str().is_some_and(|message| message.contains("failed to satisfy")));
    }
    for (member, value) in [("Name", json!("with space")), ("Name", Value::Null), ("InstanceArn", json!("arn:x"))] {
        let mut input = create_issuer(ISSUER);
        input[member] = value;
        let refused = bench.sso().refused("CreateTrustedTokenIssuer", input).await;
        assert_eq!(refused.code, "ValidationException", "{member}");
    }
    let mut input = create_issuer(ISSUER);
    input["Name"] = json!(7);
    let refused = bench.sso().refused("CreateTrustedTokenIssuer", input).await;
    assert_eq!(refused.code, "SerializationException");
}

#[tokio::test]
async fn tags_need_both_arns() {
    let bench = Bench::new();
    let sso = bench.sso();
    let issuer = bench.issuer(ISSUER).await;
    let both = json!({"InstanceArn": seed::INSTANCE_ARN, "ResourceArn": issuer});
    let tags = sso.ok("ListTagsForResource", both.clone()).await;
    assert_eq!(tags["Tags"], json!([{"Key": "extoauth:deployment", "Value": "test"}]));
    let refused = sso.refused("ListTagsForResource", json!({"ResourceArn": issuer})).await;
    assert_eq!(refused.code, "ValidationException");

    let mut tag = both.clone();
    tag["Tags"] = json!([{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]);
    sso.ok("TagResource", tag).await;
    let mut untag = both.clone();
    untag["TagKeys"] = json!(["a", "extoauth:deployment"]);
    sso.ok("UntagResource", untag).await;
    assert_eq!(sso.ok("ListTagsForResource", both).await["Tags"], json!([{"Key": "b", "Value": ""}]));
    for resource in [seed::INSTANCE_ARN, seed::IDC_APPLICATION_ARN] {
        let input = json!({"InstanceArn": seed::INSTANCE_ARN, "ResourceArn": resource});
        sso.ok("ListTagsForResource", input).await;
    }
}

#[tokio::test]
async fn conflicts_pass_and_lag_ends() {
    let bench = Bench::new();
    bench.sso.conflict_next(1);
    let refused = bench.sso().refused("CreateTrustedTokenIssuer", create_issuer(ISSUER)).await;
    assert_eq!(refused.code, "ConflictException");
    bench.sso().ok("CreateTrustedTokenIssuer", create_issuer(ISSUER)).await;

    let lagging = bench.sso().lagging(Duration::from_millis(300));
    let made = lagging.ok("CreateTrustedTokenIssuer", create_issuer("https://late.example.com")).await;
    assert_eq!(bench.sso().refused("DescribeTrustedTokenIssuer", arn(&made)).await.code, "ResourceNotFoundException");
    let list = bench.sso().ok("ListTrustedTokenIssuers", json!({"InstanceArn": seed::INSTANCE_ARN})).await;
    assert_eq!(list["TrustedTokenIssuers"].as_array().map(Vec::len), Some(2));
    tokio::time::sleep(Duration::from_millis(350)).await;
    bench.sso().ok("DescribeTrustedTokenIssuer", arn(&made)).await;
}

#[tokio::test]
async fn an_instance_may_be_absent_or_unfinished() {
    let bench = Bench::new();
    let list = bench.sso().ok("ListInstances", json!({})).await;
    assert_eq!(list["Instances"][0]["IdentityStoreId"], seed::IDENTITY_STORE);
    bench.sso.set_instance(InstanceStatus::CreateInProgress);
    assert_eq!(bench.sso().ok("ListInstances", json!({})).await["Instances"][0]["Status"], "CREATE_IN_PROGRESS");
    bench.sso.set_instance(InstanceStatus::Absent);
    assert_eq!(bench.sso().ok("ListInstances", json!({})).await["Instances"], json!([]));
    let refused = bench.sso().refused("CreateTrustedTokenIssuer", create_issuer(ISSUER)).await;
    assert_eq!(refused.code, "AccessDeniedException");
    bench.sso.reset();
    assert_eq!(bench.sso().ok("ListInstances", json!({})).await["Instances"][0]["Status"], "ACTIVE");
}

#[tokio::test]
async fn lists_come_in_pages() {
    let bench = Bench::new();
    bench.issuer(ISSUER).await;
    for (operation, key) in [("ListTrustedTokenIssuers", "TrustedTokenIssuers"), ("ListApplications", "Applications")] {
        let mut input = json!({"InstanceArn": seed::INSTANCE_ARN, "MaxResults": 1});
        let first = bench.sso().ok(operation, input.clone()).await;
        input["NextToken"] = first["NextToken"].clone();
        let second = bench.sso().ok(operation, input.clone()).await;
        assert_ne!(first[key], second[key]);
        assert!(second.get("NextToken").is_none());
        input["NextToken"] = json!("made-up");
        assert_eq!(bench.sso().refused(operation, input).await.code, "ValidationException");
    }
}

#[tokio::test]
async fn grants_are_replaced_whole_and_refused_where_wrong() {
    let bench = Bench::new();
    let sso = bench.sso();
    let key = json!({"ApplicationArn": seed::IDC_APPLICATION_ARN, "GrantType": "refresh_token"});
    assert_eq!(sso.refused("GetApplicationGrant", key.clone()).await.code, "ResourceNotFoundException");
    let mut put = key.clone();
    put["Grant"] = json!({"RefreshToken": {}});
    sso.ok("PutApplicationGrant", put.clone()).await;
    assert_eq!(sso.ok("GetApplicationGrant", key.clone()).await["Grant"], json!({"RefreshToken": {}}));
    put["Grant"] = json!({"TokenExchange": {}});
    assert_eq!(sso.refused("PutApplicationGrant", put).await.code, "ValidationException");
    sso.ok("DeleteApplicationGrant", key.clone()).await;
    assert_eq!(sso.refused("DeleteApplicationGrant", key).await.code, "ResourceNotFoundException");

    let grants = sso.ok("ListApplicationGrants", json!({"ApplicationArn": seed::IDC_APPLICATION_ARN})).await;
    assert_eq!(grants["Grants"].as_array().map(Vec::len), Some(1));
    let unknown = seed::FOREIGN_ISSUER_ARN.replace("tti-a", "tti-b");
    let mut put = json!({
        "ApplicationArn": seed::IDC_APPLICATION_ARN,
        "GrantType": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "Grant": {"JwtBearer": {"AuthorizedTokenIssuers": [
            {"TrustedTokenIssuerArn": unknown, "AuthorizedAudiences": ["a"]},
        ]}},
    });
    assert_eq!(sso.refused("PutApplicationGrant", put.clone()).await.code, "ResourceNotFoundException");
    bench.sso.accept_unknown_issuers(true);
    sso.ok("PutApplicationGrant", put.clone()).await;
    put["GrantType"] = json!("JWT_BEARER");
    assert_eq!(sso.refused("PutApplicationGrant", put).await.code, "ValidationException");
}

#[tokio::test]
async fn state_shows_what_an_admin_finds() {
    let bench = Bench::new();
    bench.issuer(ISSUER).await;
    let state = bench.sso.state();
    let ours = &state["TrustedTokenIssuers"][1];
    assert_eq!(ours["TrustedTokenIssuerConfiguration"]["OidcJwtConfiguration"]["IssuerUrl"], ISSUER);
    assert_eq!(ours["Tags"][0]["Key"], "extoauth:deployment");
    assert_eq!(state["Applications"].as_array().map(Vec::len), Some(2));
    assert_eq!(state["Grants"][0]["ApplicationArn"], seed::IDC_APPLICATION_ARN);
    bench.sso.reset();
    assert_eq!(bench.sso.state()["TrustedTokenIssuers"].as_array().map(Vec::len), Some(1));
    assert_eq!(bench.redshift.state()["RedshiftIdcApplications"].as_array().map(Vec::len), Some(1));
}
