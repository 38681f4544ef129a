//! The functions' roles: what they used is within what they were granted, and what was granted is used.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use extoauth_sandbox::seed::{ENTRA_NAME, REDSHIFT_NAME, WORKGROUP};
use extoauth_scenarios::stage::{LIMIT, roles_file};
use extoauth_scenarios::tickets::golden;
use serde_json::{Value, json};

use crate::entra::by_web_identity;
use crate::rotation::{AFTER_THE_GRACE, begun, ended};
use crate::{stage, succeeded};

/// Granted and not seen at the sandbox, with the reason.
const UNSEEN: &[(&str, &str, &str)] = &[
    ("provision", "secretsmanager:TagResource", "AWS asks for it where CreateSecret carries tags"),
    (
        "provision",
        "secretsmanager:UpdateSecretVersionStage",
        "used where a rotation did not end within a quarter of an hour",
    ),
    ("provision", "sso:TagResource", "AWS asks for it where CreateTrustedTokenIssuer carries tags"),
    ("provision", "sso:ListApplicationAssignments", "used where somebody has made the application require assignments"),
    ("provision", "redshift-data:DescribeStatement", "used where a statement takes longer than AWS waits in one call"),
    ("provision", "redshift:GetClusterCredentials", "used where the warehouse is a cluster, with a db_user"),
    ("provision", "ses:SendEmail", "used where mail is switched on, which it is not in the sandbox"),
    (
        "secret-expiry-check",
        "dynamodb:DeleteItem",
        "used where what was found is mended; the checks' own scenarios play it",
    ),
    ("secret-expiry-check", "dynamodb:GetItem", "used where a rotation was asked for the day before"),
    ("secret-expiry-check", "sqs:SendMessage", "used where a check does not fit into one invocation"),
    (
        "token-lifetime-check",
        "dynamodb:DeleteItem",
        "used where what was found is mended; the checks' own scenarios play it",
    ),
    ("token-lifetime-check", "dynamodb:PutItem", "used where something is found; the checks' own scenarios play it"),
    ("token-lifetime-check", "sqs:SendMessage", "used where a check does not fit into one invocation"),
    ("token-lifetime-check", "sts:GetWebIdentityToken", "used where the integration is with Entra ID"),
    ("provision", "identitystore:ListUsers", "used where an attribute is mapped by which no user can be asked for"),
];

/// Rights that the Lambda service itself uses with the function's role; nothing of it passes through the sandbox.
const OF_LAMBDA: [&str; 5] = ["logs:", "xray:", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];

/// The scheduled checks.
const CHECKS: [&str; 2] = ["secret-expiry-check", "token-lifetime-check"];

/// How AWS says that a right is missing.
const DENIALS: [&str; 4] =
    ["AccessDenied", "AuthorizationError", "not authorized to perform", "no identity-based policy"];

#[tokio::test(flavor = "multi_thread")]
async fn roles_hold_what_is_used_and_no_more() {
    if !roles_file().is_file() {
        eprintln!("skipped: no {} (make target/roles.json writes it)", roles_file().display());
        return;
    }
    let Some(stage) = stage().await else { return };
    let client = &stage.client;
    let golden = |name: &str| golden(name).expect("a ticket");
    by_web_identity(&stage).await;

    // An issuer whose creation was not heard of is recognised by its tags.
    let fault = json!([{"system": "sso-admin", "path": "CreateTrustedTokenIssuer", "fault": "kill_after"}]);
    client.faults(fault).await.expect("a fault");
    for name in ["okta-provision", "okta-plan", "okta-second", "okta-change-lifetime", "okta-verify"] {
        succeeded(&stage.run(&golden(name)).await.expect("an end"));
    }
    // Somebody maps another claim: it is mapped back.
    let state = client.state().await.expect("a state");
    let issuers = state["sso-admin"]["main"]["TrustedTokenIssuers"].as_array().expect("issuers");
    let ours = issuers.iter().find(|issuer| issuer["Name"].as_str().is_some_and(|name| name.starts_with("extoauth")));
    let mapped = json!({
        "TrustedTokenIssuerArn": ours.expect("our issuer")["TrustedTokenIssuerArn"],
        "TrustedTokenIssuerConfiguration": {"OidcJwtConfiguration": {"ClaimAttributePath": "email"}},
    });
    client.aws("sso", "SWBExternalService.UpdateTrustedTokenIssuer", &mapped).await.expect("another claim");
    succeeded(&stage.run_anew(&golden("okta-change-lifetime")).await.expect("an end"));
    succeeded(&stage.run(&golden("okta-deprovision-second")).await.expect("an end"));

    // With Entra ID, signed in by the role. Somebody removes the client secret: another gets its place.
    for name in ["entra-provision", "entra-plan", "entra-verify"] {
        succeeded(&stage.run(&golden(name)).await.expect("an end"));
    }
    // Both secrets are rotated.
    let rotations = [begun(&stage, "okta").await, begun(&stage, "entra").await];
    client.advance(AFTER_THE_GRACE).await.expect("time goes by");
    for rotation in &rotations {
        ended(&stage, rotation).await;
    }
    let state = client.state().await.expect("a state");
    let mut apps = state["entra"][ENTRA_NAME]["applications"].as_array().into_iter().flatten();
    let app = apps.find(|app| app["displayName"].as_str().is_some_and(|name| name.contains("reporting-dev")));
    let app = app.expect("our client app");
    let path = format!("applications/{}/removePassword", app["id"].as_str().expect("an id"));
    let key = json!({"keyId": app["passwordCredentials"][0]["keyId"]});
    client.graph("POST", &path, key).await.expect("an administrator may do this");
    let ticket = client.reopened(&golden("entra-provision")).await.expect("a ticket");
    // A secret that was made a moment ago may only be late: that is waited out first.
    succeeded(&client.run(&ticket, LIMIT * 3).await.expect("an end"));
    assert_eq!(client.known("integrations").await.expect("a list")["integrations"].as_array().map(Vec::len), Some(2));
    client.known("integrations/reporting-dev").await.expect("an integration");
    client.explain("reporting-dev", "AADSTS65001").await.expect("an answer").good().expect("an explanation");
    for name in ["entra-deprovision", "okta-deprovision"] {
        succeeded(&stage.run(&golden(name)).await.expect("an end"));
    }
    succeeded(&stage.run_anew(&golden("okta-provision")).await.expect("an end"));

    // The warehouse is asked by SQL from now on.
    let mut systems = stage.sandbox.systems_config();
    systems["redshift"][REDSHIFT_NAME]["data_api"] = json!({"workgroup_name": WORKGROUP, "database": "dev"});
    stage.sandbox.reconfigure(Some(systems), None).await.expect("another configuration");
    succeeded(&stage.run_anew(&golden("okta-verify")).await.expect("an end"));

    // The checks find something, which is mended later: nothing of it is kept.
    client.advance("P91D").await.expect("a day of the checks");
    stage.checked(CHECKS).await.expect("both checks");
    succeeded(&stage.run_anew(&golden("okta-verify")).await.expect("an end"));

    // The queue refuses intake's message, and the sweep sends it.
    let fault =
        json!([{"system": "sqs", "path": "SendMessage", "caller": "intake", "fault": "status:503", "times": 20}]);
    client.faults(fault).await.expect("a fault");
    let ticket = client.reopened(&golden("okta-verify")).await.expect("a ticket");
    let answer = client.post(&ticket).await.expect("an answer");
    let id = answer.headers["location"].as_str().and_then(|path| path.rsplit('/').next()).expect("an id").to_owned();
    client.clear_faults().await.expect("no faults");
    client.advance("PT10M").await.expect("a sweep");
    succeeded(&client.end(&id, LIMIT).await.expect("an end"));

    // dbt's cooldown is waited out by the queue.
    stage.sandbox.dbt.exhaust_rate_limit();
    let ticket = client.reopened(&golden("okta-verify")).await.expect("a ticket");
    let id = client.post(&ticket).await.expect("an answer").id().expect("an id").to_owned();
    let begin = Instant::now();
    while client.request(&id).await.expect("a report")["status"] != "paused" {
        assert!(begin.elapsed() < LIMIT, "the request is not paused");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    let permissions = client.permissions().await.expect("permissions");
    assert_eq!(permissions["enforced"], true);

    // DynamoDB answers 400 to a failed condition too, so what was refused is looked for in what the functions said.
    let log = stage.log().expect("a log");
    let refused: Vec<&str> = log.lines().filter(|line| DENIALS.iter().any(|denial| line.contains(denial))).collect();
    assert_eq!(refused, Vec::<&str>::new(), "no call is refused for lack of a right");
    let calls = client.calls(0).await.expect("calls");
    let refused: Vec<String> = calls.iter().filter(|call| call.status == 403).map(|call| call.words()).collect();
    assert_eq!(refused, Vec::<String>::new());

    let used: BTreeSet<(String, String)> = permissions["used"]
        .as_object()
        .into_iter()
        .flatten()
        .flat_map(|(function, needs)| {
            let needs = needs.as_array().into_iter().flatten();
            needs.filter_map(|need| Some((function.clone(), need[0].as_str()?.to_owned())))
        })
        .collect();
    let mut unused = Vec::new();
    for (function, statements) in permissions["granted"].as_object().into_iter().flatten() {
        for statement in statements.as_array().into_iter().flatten() {
            for action in list(&statement["Action"]) {
                let is_lambdas = OF_LAMBDA.iter().any(|prefix| action.starts_with(prefix));
                let is_used = used.contains(&(function.clone(), action.clone()));
                let is_known =
                    UNSEEN.iter().any(|(whose, what, _)| (whose, what) == (&function.as_str(), &action.as_str()));
                if !is_lambdas && !is_used && !is_known {
                    unused.push(format!("{function} {action}"));
                }
            }
        }
    }
    unused.dedup();
    assert_eq!(unused, Vec::<String>::new(), "granted and not used");
}

fn list(value: &Value) -> Vec<String> {
    let one = json!([value]);
    let all = value.as_array().or(one.as_array()).into_iter().flatten();
    all.filter_map(|one| one.as_str().map(str::to_owned)).collect()
}
