//! Every operation at least once, against the service models; and the shapes of failures that the sandbox injects.

use extoauth_sandbox::seed;
use extoauth_sandbox::world::{CallView, System};
use http::HeaderMap;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::model::Model;
use super::support::{Bench, ISSUER, USER, read};

#[tokio::test]
async fn every_read_answers_as_the_model_says() {
    let bench = Bench::new();
    let sso = bench.sso();
    let instance = json!({"InstanceArn": seed::INSTANCE_ARN});
    sso.ok("DescribeInstance", instance.clone()).await;
    let mut filtered = instance.clone();
    filtered["Filter"] = json!({"ApplicationProvider": "arn:aws:sso::aws:applicationProvider/custom"});
    let custom = sso.ok("ListApplications", filtered).await;
    assert_eq!(custom["Applications"].as_array().map(Vec::len), Some(1));
    let applications = sso.ok("ListApplications", instance).await;
    let applications = applications["Applications"].as_array().expect("a list").clone();
    assert!(applications.len() > 1, "the list is not ours alone");
    for application in applications {
        let arn = json!({"ApplicationArn": application["ApplicationArn"]});
        let with = |name: &str, value: Value| {
            let mut input = arn.clone();
            input[name] = value;
            input
        };
        assert_eq!(sso.ok("DescribeApplication", arn.clone()).await, application);
        sso.ok("ListApplicationGrants", arn.clone()).await;
        sso.ok("ListApplicationAuthenticationMethods", arn.clone()).await;
        sso.ok("GetApplicationAuthenticationMethod", with("AuthenticationMethodType", json!("IAM"))).await;
        sso.ok("GetApplicationAssignmentConfiguration", arn.clone()).await;
        let scopes = sso.ok("ListApplicationAccessScopes", arn.clone()).await;
        sso.ok("GetApplicationAccessScope", with("Scope", scopes["Scopes"][0]["Scope"].clone())).await;
        let mut assignment = with("PrincipalId", json!(USER));
        assignment["PrincipalType"] = json!("USER");
        sso.ok("CreateApplicationAssignment", assignment.clone()).await;
        let assignments = sso.ok("ListApplicationAssignments", arn.clone()).await;
        assert_eq!(assignments["ApplicationAssignments"][0]["PrincipalId"], USER);
        sso.ok("DeleteApplicationAssignment", assignment.clone()).await;
        let gone = sso.refused("DeleteApplicationAssignment", assignment).await;
        assert_eq!(gone.code, "ResourceNotFoundException");
    }
}

/// Checks the code that each injected status gives, and that the operation declares it where the service answers so.
async fn failures(system: &dyn System, operation: &str, cases: &[(u16, &str)]) {
    let model = Model::of(system.kind());
    for (status, expected) in cases {
        let (sent, code, body) = read(system.kind(), operation, system.failed(*status)).await;
        assert_eq!(code, *expected, "{} {status}", system.kind());
        assert_eq!(sent >= 500, *status >= 500);
        if let Some(model) = model.as_ref().filter(|_| code.ends_with("Exception") && sent < 500) {
            model.check_error(operation, sent, &code, &body);
        }
    }
    let (status, _, _) = read(system.kind(), operation, system.throttled()).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn injected_failures_have_the_services_shape() {
    let bench = Bench::new();
    let cases = [
        (403, "AccessDeniedException"),
        (409, "ConflictException"),
        (429, "ThrottlingException"),
        (500, "InternalServerException"),
        (503, "ServiceUnavailableException"),
    ];
    failures(&*bench.sso, "CreateTrustedTokenIssuer", &cases).await;
    let cases = [
        (403, "AccessDenied"),
        (404, "RedshiftIdcApplicationNotExists"),
        (429, "Throttling"),
        (500, "InternalFailure"),
        (503, "ServiceUnavailable"),
    ];
    failures(&*bench.redshift, "ModifyRedshiftIdcApplication", &cases).await;
    let cases = [
        (401, "InvalidClientException"),
        (403, "AccessDeniedException"),
        (429, "SlowDownException"),
        (500, "InternalServerException"),
        (503, "InternalServerException"),
    ];
    failures(&*bench.oidc, "CreateTokenWithIAM", &cases).await;
}

#[tokio::test]
async fn calls_are_recorded_by_their_action() {
    let bench = Bench::new();
    let mut headers = HeaderMap::new();
    let call = |headers: &HeaderMap, path: &str, body: &[u8], system: &dyn System| {
        let classified = system.classify(&CallView { method: "POST", path, headers, body });
        (classified.path, classified.write)
    };
    for (operation, write) in [
        ("CreateTrustedTokenIssuer", true),
        ("TagResource", true),
        ("UntagResource", true),
        ("PutApplicationGrant", true),
        ("DeleteTrustedTokenIssuer", true),
        ("UpdateTrustedTokenIssuer", true),
        ("DescribeTrustedTokenIssuer", false),
        ("ListTagsForResource", false),
    ] {
        let target = format!("SWBExternalService.{operation}").parse().expect("a header");
        headers.insert("x-amz-target", target);
        assert_eq!(call(&headers, "/", b"{}", &*bench.sso), (operation.to_owned(), write));
    }
    headers.clear();
    let modify = b"Action=ModifyRedshiftIdcApplication&Version=2012-12-01";
    assert_eq!(call(&headers, "/", modify, &*bench.redshift), ("ModifyRedshiftIdcApplication".to_owned(), true));
    let describe = b"Action=DescribeRedshiftIdcApplications&Version=2012-12-01";
    assert_eq!(call(&headers, "/", describe, &*bench.redshift), ("DescribeRedshiftIdcApplications".to_owned(), false));
    assert_eq!(call(&headers, "/token", b"{}", &*bench.oidc), ("CreateTokenWithIAM".to_owned(), false));
}

#[tokio::test]
async fn a_refresh_token_comes_with_its_grant() {
    let bench = Bench::new();
    let issuer = bench.issuer(ISSUER).await;
    bench.trust(&issuer).await;
    let grant = json!({
        "ApplicationArn": seed::IDC_APPLICATION_ARN, "GrantType": "refresh_token", "Grant": {"RefreshToken": {}},
    });
    bench.sso().ok("PutApplicationGrant", grant).await;
    let input = json!({
        "clientId": seed::IDC_APPLICATION_ARN,
        "grantType": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": bench.keys.token(Algorithm::RS256, json!({})),
    });
    let tokens = bench.oidc().ok("CreateTokenWithIAM", input).await;
    assert!(tokens["refreshToken"].is_string());
}
