//! What the sandbox holds at start, and the names by which it is reached. Test data only.

/// The deployment's name (`EXTOAUTH_DEPLOYMENT`).
pub const DEPLOYMENT: &str = "sandbox";
/// AWS account of everything.
pub const ACCOUNT: &str = "123456789012";
/// AWS region of everything.
pub const REGION: &str = "us-east-1";

/// Every function there is or will be: each has access keys of its own.
pub const FUNCTIONS: [&str; 7] = [
    "intake",
    "provision",
    "token-lifetime-check",
    "secret-expiry-check",
    "okta-event-hook",
    "entra-notification",
    "rotate-secret",
];

/// ARN of a function's role: the subject of the tokens that AWS STS gives out to it.
pub fn role_arn(function: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/extoauth-{function}")
}

/// Okta org `acme`.
pub const OKTA_NAME: &str = "acme";
/// Host of the Okta org.
pub const OKTA_HOST: &str = "acme.okta.com";
/// Entra tenant `contoso`.
pub const ENTRA_NAME: &str = "contoso";
/// Its tenant id.
pub const ENTRA_TENANT: &str = "6f1d2c3b-4a59-4e68-8b7a-0c9d8e7f6a5b";
/// Its domain.
pub const ENTRA_DOMAIN: &str = "contoso.onmicrosoft.com";
/// Host of Microsoft Graph.
pub const GRAPH_HOST: &str = "graph.microsoft.com";
/// Host of the sign-in endpoints.
pub const LOGIN_HOST: &str = "login.microsoftonline.com";
/// Host that version 1 tokens name as their issuer.
pub const STS_WINDOWS_HOST: &str = "sts.windows.net";
/// Issuer of the tokens that AWS STS gives out for this account (`GetWebIdentityToken`).
pub const AWS_TOKEN_ISSUER: &str = "https://5d1f0a3c-9b7e-4c26-8a4d-2e6f7b8c9d0e.tokens.sts.global.api.aws";
/// dbt account `acme`.
pub const DBT_NAME: &str = "acme";
/// Host of the dbt account.
pub const DBT_HOST: &str = "ab123.us1.dbt.com";
/// Id of the dbt account.
pub const DBT_ACCOUNT: u64 = 54321;
/// ServiceNow instance; also its name in the configuration.
pub const SERVICENOW_HOST: &str = "acme.service-now.com";
/// Catalogue item that the policy accepts.
pub const SERVICENOW_CAT_ITEM: &str = "c0ffee00c0ffee00c0ffee00c0ffee00";
/// A requester that the policy accepts.
pub const SERVICENOW_REQUESTER: &str = "5137153cc611227c000bbd1bd8cd2005";
/// Who approves the seeded tickets.
pub const SERVICENOW_APPROVER: &str = "46d44a23a9fe19810012d100cca80666";

/// The group that may use the integration, in Okta and in the identity store.
pub const GROUP: &str = "data-engineers";
/// The members of [`GROUP`]: `dev1@example.com` to `dev5@example.com`.
pub const USERS: [&str; 5] =
    ["dev1@example.com", "dev2@example.com", "dev3@example.com", "dev4@example.com", "dev5@example.com"];

/// The warehouse that is registered with Identity Center.
pub const WAREHOUSE_HOST: &str = "wg.123456789012.us-east-1.redshift-serverless.amazonaws.com";
/// Its workgroup.
pub const WORKGROUP: &str = "wg";
/// ARN of the workgroup.
pub const WORKGROUP_ARN: &str =
    "arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/0f1e2d3c-4b5a-4968-8778-695a4b3c2d1e";
/// The same warehouse as a provisioned cluster, for callers that name one.
pub const CLUSTER: &str = "cluster-1";
/// Name of the Redshift application in the systems configuration.
pub const REDSHIFT_NAME: &str = "main";
/// The Redshift IdC application.
pub const REDSHIFT_APPLICATION_ARN: &str =
    "arn:aws:redshift:us-east-1:123456789012:redshiftidcapplication:5b2ad7d4-6f5c-4bfb-9d1b-0e0a7f5f7a11";
/// The Identity Center application behind it.
pub const IDC_APPLICATION_ARN: &str =
    "arn:aws:sso::123456789012:application/ssoins-7223b05b8f8ca0d1/apl-0f5c1a2b3c4d5e6f";
/// The Identity Center instance.
pub const INSTANCE_ARN: &str = "arn:aws:sso:::instance/ssoins-7223b05b8f8ca0d1";
/// Its identity store.
pub const IDENTITY_STORE: &str = "d-9067642ac7";
/// Somebody else's trusted token issuer, authorised on the Redshift application from the start.
pub const FOREIGN_ISSUER_ARN: &str =
    "arn:aws:sso::123456789012:trustedTokenIssuer/ssoins-7223b05b8f8ca0d1/tti-a1b2c3d4-1111-2222-3333-444455556666";
/// The URL of that issuer.
pub const FOREIGN_ISSUER_URL: &str = "https://tableau-idp.example.net/oauth2/default";

/// DynamoDB table of the functions.
pub const TABLE: &str = "extoauth-sandbox";
/// FIFO queue of the functions.
pub const QUEUE: &str = "extoauth-sandbox.fifo";
/// FIFO queues of the scheduled checks, by function.
pub const CHECK_QUEUES: [(&str, &str); 2] = [
    ("token-lifetime-check", "extoauth-sandbox-token-lifetime-check.fifo"),
    ("secret-expiry-check", "extoauth-sandbox-secret-expiry-check.fifo"),
];
/// The dead-letter queue of all of them.
pub const DEAD_LETTER_QUEUE: &str = "extoauth-sandbox-dead.fifo";
/// SNS topic of the functions.
pub const TOPIC: &str = "extoauth-sandbox";
/// Event bus of the functions.
pub const BUS: &str = "extoauth-sandbox";
/// Every operator-made secret (credentials of the systems, keys of the intake) is named below this.
pub const CREDENTIALS: &str = "extoauth/sandbox/credentials";
